"""Each rule of ``audit`` and ``check`` on a real domain: what triggers it, and what must not.

Both start from four hosts as an apply leaves them. What triggers a rule and what must not differ in
the one thing that the rule is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from delegation.mesh.checks import RULES, Rule, identity_rules
from tests.lab import Lab, admin, independent, ldif
from tests.lab.configuration import state
from tests.lab.description import (
    ACCOUNTDISABLE,
    ADMINISTRATOR,
    MIGRATION,
    NOT_DELEGATED,
    OPERATOR,
    PROTECTED_OPERATOR,
    READER,
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    USERS_DN,
    WORKSTATION_TRUST_ACCOUNT,
)
from tests.lab.domain import SYSTEM_PYTHON
from tests.lab.programs import run_samba
from tests.story.witness import towards
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

FOUR = ("hv01", "hv02", "hv03", "hv04")
HOSTS = "hosts: {'hv[01-04]': }\n"
ISOS = "file_servers: {sofs01: {aliases: [isos], reached_from: [all]}}\n"
PORTAL = "keep: [{value: 'HTTP/*', hosts: [hv01], reason: portal%s}]\n"
Change = Callable[[Lab], None]


def nothing(_: Lab) -> None:
    pass


def values(*added: str, host: str = "hv01") -> Change:
    return lambda lab: admin.add_values(lab, host, *added)


def without(*removed: str, then: Sequence[str] = ()) -> Change:
    def change(lab: Lab) -> None:
        admin.remove_values(lab, "hv01", *removed)
        if then:
            admin.add_values(lab, "hv01", *then)

    return change


def flags(host: str, *, on: int = 0, off: int = 0) -> Change:
    return lambda lab: admin.set_flags(lab, host, on=on, off=off)


def account(name: str, *services: str, dns: str | None = None) -> Change:
    return lambda lab: _discard(admin.add_computer(lab, name, dns=dns, services=services))


def registered(host: str, *services: str) -> Change:
    return lambda lab: admin.set_attribute(lab, host, "servicePrincipalName", *services)


def acting(target: str, *who: str, denied: Sequence[str] = ()) -> Change:
    return lambda lab: admin.set_rbcd(lab, target, *who, denied=denied)


def group_acting(target: str, member: str) -> Change:
    """Whoever is in the group may act on the target."""

    def change(lab: Lab) -> None:
        admin.add_group(lab, "actors", [lab.computer_dn(member)])
        admin.set_rbcd(lab, target, "actors")

    return change


GUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def also_called(host: str, name: str) -> Change:
    def change(lab: Lab) -> None:
        own = independent.computer(lab, host).texts("servicePrincipalName")
        admin.set_attribute(lab, host, "servicePrincipalName", *own, name)

    return change


def encryption(host: str, types: int) -> Change:
    return lambda lab: admin.set_attribute(lab, host, "msDS-SupportedEncryptionTypes", str(types))


def sensitive(user: str) -> Change:
    def change(lab: Lab) -> None:
        flags = admin.account_of(lab, user).number("userAccountControl")
        admin.set_object(lab, user, "userAccountControl", str(flags | NOT_DELEGATED))

    return change


ACCEPTED = "accept: [{rule: KCD003, hosts: [hv01], value: HTTP/x, reason: known}]\n"
QUIET = "hosts: {'hv[01-04]': , quiet: }\n"


def quiet(days: int) -> Change:
    """A host that was seen last so many days ago; an account of its own, which goes again."""
    since = datetime.now(UTC) - timedelta(days) - datetime(1601, 1, 1, tzinfo=UTC)
    filetime = since // timedelta(microseconds=1) * 10

    def change(lab: Lab) -> None:
        admin.add_computer(lab, "quiet")
        admin.set_attribute(lab, "quiet", "lastLogonTimestamp", str(filetime))

    return change


RAW = """\
import sys
import ldb
path, dn, value = sys.argv[1:]
raw = ldb.Ldb(path, options=["modules:"])
message = ldb.Message(ldb.Dn(raw, dn))
name = "servicePrincipalName"
message[name] = ldb.MessageElement([value], ldb.FLAG_MOD_ADD, name)
raw.modify(message)
"""


def also_registered(host: str, service: str) -> Change:
    """A name that another account has, as it comes about where two DCs were asked at a time.

    Past the DC, which looks for that, into its database.
    """

    def change(lab: Lab) -> None:
        (path,) = (state(lab) / "private" / "sam.ldb.d").glob("DC=CORP,DC=EXAMPLE.ldb")
        dn = independent.computer(lab, host).dn
        command = [SYSTEM_PYTHON, "-I", "-c", RAW, str(path), dn, service]
        done = run_samba(lab, command)
        assert done.returncode == 0, done.stderr

    return change


MADE_BY = """\
import sys
import ldb
from samba.dcerpc import security
from samba.ndr import ndr_pack
path, dn, sid = sys.argv[1:]
raw = ldb.Ldb(path, options=["modules:"])
message = ldb.Message(ldb.Dn(raw, dn))
name = "mS-DS-CreatorSID"
value = ndr_pack(security.dom_sid(sid))
message[name] = ldb.MessageElement([value], ldb.FLAG_MOD_ADD, name)
raw.modify(message)
"""


def made_by(host: str, who: str) -> Change:
    """An account that somebody has made by the machine-account quota.

    Past the DC: Samba makes none by the quota over LDAP.
    """

    def change(lab: Lab) -> None:
        (path,) = (state(lab) / "private" / "sam.ldb.d").glob("DC=CORP,DC=EXAMPLE.ldb")
        dn, sid = independent.computer(lab, host).dn, admin.sid_of(lab, who)
        done = run_samba(lab, [SYSTEM_PYTHON, "-I", "-c", MADE_BY, str(path), dn, sid])
        assert done.returncode == 0, done.stderr

    return change


def made_again(host: str) -> Change:
    """Deleted, and joined anew: another object of the same names."""

    def change(lab: Lab) -> None:
        admin.delete(lab, host)
        names = [f"{service}/{host}" for service in ("HOST", MIGRATION)]
        _discard(admin.add_computer(lab, host, dns=f"{host}.corp.example", services=names))

    return change


def moved(host: str) -> Change:
    """The same object in another place."""

    def change(lab: Lab) -> None:
        unit = admin.add_unit(lab, "Moved")
        admin.move(lab, host, f"CN={host.upper()},{unit}")

    return change


def renamed(host: str, to: str) -> Change:
    """As Rename-Computer does it, but for its names of services."""

    def change(lab: Lab) -> None:
        admin.set_attribute(lab, host, "sAMAccountName", f"{to.upper()}$")
        admin.set_attribute(lab, to, "dNSHostName", f"{to}.corp.example")

    return change


NEW_HOST = account("joined", dns="joined.corp.example")
JOINED = "hosts: {'hv[01-04]': , joined: }\n"
RENAMED = "hosts: {'hv[01-03]': , node44: %s}\n"


def all_of(*changes: Change) -> Change:
    def change(lab: Lab) -> None:
        for each in changes:
            each(lab)

    return change


def _discard(_: object) -> None:
    pass


@dataclass(frozen=True)
class Scene:
    """What is done to the domain, what the inventory says below its directory, how it is asked.

    ``then`` is done after an audit has looked.
    """

    change: Change = nothing
    inventory: str = HOSTS
    words: tuple[str, ...] = ()
    of_export: bool = False
    then: Change | None = None


@dataclass(frozen=True)
class Case:
    """``told`` is (computer, value) of each finding of the rule; ``words`` stand in one of them."""

    trigger: Scene
    must_not: Scene
    told: set[tuple[str, str]]
    words: str
    severity: str = ""


CASES: Mapping[str, Case] = {
    "KCD001": Case(
        Scene(without("cifs/hv02")),
        Scene(without("cifs/hv02", then=["CIFS/HV02"])),
        {("hv01", "cifs/hv02")},
        "not there",
    ),
    "KCD002": Case(
        Scene(values("cifs/hv99"), HOSTS + "retired: [hv99]\n"),
        Scene(values("cifs/hv99")),
        {("hv01", "cifs/hv99")},
        "retired",
    ),
    "KCD003": Case(
        Scene(values("HTTP/portal")),
        Scene(values("HTTP/portal"), HOSTS + PORTAL % ""),
        {("hv01", "HTTP/portal")},
        "not from this inventory",
    ),
    "KCD004": Case(
        Scene(flags("hv01", off=TRUSTED_TO_AUTH_FOR_DELEGATION)),
        Scene(
            flags("hv01", off=TRUSTED_TO_AUTH_FOR_DELEGATION),
            HOSTS + "defaults: {protocol_transition: keep}\n",
        ),
        {("hv01", "")},
        "off, declared on",
    ),
    "KCD005": Case(
        Scene(flags("hv02", on=TRUSTED_FOR_DELEGATION)),
        Scene(flags("hv65", on=TRUSTED_FOR_DELEGATION)),
        {("hv02", "")},
        "any service",
    ),
    "KCD006": Case(
        Scene(values("CIFS/hv02")),
        Scene(without("cifs/hv02", then=["CIFS/hv02"])),
        {("hv01", "CIFS/hv02")},
        "twice",
    ),
    "KCD007": Case(
        Scene(values("HTTP/portal"), HOSTS + PORTAL % ", owner: web, expires: 2020-01-01"),
        Scene(values("HTTP/portal"), HOSTS + PORTAL % ", owner: web, expires: 2999-01-01"),
        {("hv01", "HTTP/portal")},
        "(owner: web)",
    ),
    "KCD008": Case(
        Scene(flags("hv03", on=ACCOUNTDISABLE)),
        Scene(flags("hv65", on=ACCOUNTDISABLE)),
        {("hv03", "")},
        "HV03$ is disabled",
    ),
    "KCD009": Case(
        Scene(inventory=HOSTS + "policy: {value_limit: 15}\n"),
        Scene(inventory=HOSTS + "policy: {value_limit: 16}\n"),
        {(host, "") for host in FOUR},
        "12 of 15 values; room for 0 more peers at 4 values each",
    ),
    "KCD010": Case(
        Scene(inventory="hosts: {'hv[01-04]': , hv77: }\n"),
        Scene(inventory="hosts: {'hv[01-04]': , web: {computer: hv65, fqdn: hv65.corp.example}}\n"),
        {("hv77", "")},
        "there is no computer hv77$",
    ),
    "KCD011": Case(
        Scene(account("thief", "cifs/hv02")),
        Scene(account("thief", "FTP/hv02")),
        {("hv02", "")},
        "registered on another account (THIEF$)",
        severity="critical",
    ),
    "KCD012": Case(
        Scene(values("HTTP/portal", "cifs/hv04:445", "cifs/old.corp.example")),
        Scene(
            all_of(
                account("web", "HTTP/portal"),
                account("other", "HOST/old.corp.example", dns="old.corp.example"),
                values("HTTP/portal", "cifs/hv04:445", "FTP/old.corp.example", "MSSQLSvc/web:1433"),
            )
        ),
        {("hv01", "HTTP/portal"), ("hv01", "cifs/old.corp.example")},
        "whoever registers that name inherits the delegation",
    ),
    "KCD013": Case(
        Scene(
            all_of(
                account("one", "HTTP/portal"),
                account("two"),
                also_registered("two", "http/PORTAL"),
                also_registered("two", "HOST/hv04"),
                values("HTTP/portal"),
            )
        ),
        Scene(
            all_of(
                account("one", "HTTP/portal"),
                account("two"),
                also_registered("two", "HTTP/portal.corp.example"),
                also_registered("two", "cifs/hv04"),
                values("HTTP/portal"),
            )
        ),
        {("hv01", "HTTP/portal"), *((host, "cifs/hv04") for host in FOUR[:3])},
        "registered on ONE$ and TWO$",
    ),
    "KCD014": Case(
        Scene(registered("hv02", "HOST/HV02", "HOST/hv02.corp.example", f"{MIGRATION}/hv02")),
        Scene(
            all_of(
                registered("hv65", "HOST/HV65"),
                registered("hv02", f"{MIGRATION}/Hv02", f"{MIGRATION}/HV02.CORP.example"),
            )
        ),
        {("hv02", f"{MIGRATION}/hv02.corp.example")},
        "VMMS event 14050",
    ),
    "KCD015": Case(
        Scene(
            values("cifs/DC1", "ldap/dc1.corp.example/corp.example", "kadmin/changepw", "DC1$"),
            HOSTS + "keep: [{value: '*/*', reason: inherited}]\n",
        ),
        Scene(values("cifs/dc10", "HTTP/changepw", "DC10$")),
        {
            ("hv01", "DC1$"),
            ("hv01", "cifs/DC1"),
            ("hv01", "ldap/dc1.corp.example/corp.example"),
            ("hv01", "kadmin/changepw"),
        },
        "owns the domain",
    ),
    "KCD016": Case(
        Scene(acting("hv02", "hv65", "vmadmin", "S-1-1-0")),
        Scene(
            all_of(
                acting("sofs01", "hv65"), acting("hv02", denied=["hv65"]), acting("hv66", "hv65")
            )
        ),
        {("hv02", "")},
        ": Everyone, HV65$, vmadmin",
    ),
    "KCD017": Case(
        Scene(words=("--as", PROTECTED_OPERATOR, "--as", "nobody")),
        Scene(words=("--as", OPERATOR)),
        {("", PROTECTED_OPERATOR), ("", "nobody")},
        "sensitive and cannot be delegated",
    ),
    "KCD018": Case(
        Scene(words=("--as", OPERATOR), of_export=True),
        Scene(words=("--as", OPERATOR)),
        {("", OPERATOR)},
        "which groups vmadmin is in",
    ),
    "KCD019": Case(
        Scene(values("HTTP/x", host="hv02"), HOSTS + PORTAL % ""),
        Scene(values("HTTP/x", host="hv01"), HOSTS + PORTAL % ""),
        {("hv01", "HTTP/*")},
        "matches no value",
    ),
    "KCD020": Case(
        Scene(registered("hv02", f"{MIGRATION}/hv02", f"{MIGRATION}/hv02.corp.example")),
        Scene(registered("hv65", f"{MIGRATION}/hv65")),
        {("hv02", "cifs/hv02"), ("hv02", "cifs/hv02.corp.example")},
        "nobody holds cifs/hv02",
    ),
    "KCD021": Case(
        Scene(account("evil", "cifs/h\u1e7d02")),
        Scene(account("evil", "cifs/h\u1e7d05")),
        {("hv02", "cifs/hv02")},
        "may be taken for it",
    ),
    "KCD022": Case(
        Scene(group_acting("hv02", "hv65"), HOSTS + "retired: [hv65]\n"),
        Scene(group_acting("hv02", "hv66"), HOSTS + "retired: [hv65]\n"),
        {("hv02", "")},
        "HV65$, whose host is retired",
    ),
    "KCD023": Case(
        Scene(values(f"{MIGRATION}/hv01", host="hv65")),
        Scene(values("cifs/hv01", host="hv65")),
        {("HV65", "")},
        "holds 1 value that let it act as any user towards hv01",
    ),
    "KCD024": Case(
        Scene(quiet(91), QUIET),
        Scene(quiet(88), QUIET),
        {("quiet", "")},
        "last seen on",
    ),
    "KCD025": Case(
        Scene(made_again("hv04")),
        Scene(moved("hv04")),
        {("hv04", "GUID")},
        "by whom is not known (its owner is Domain Admins)",
    ),
    "KCD026": Case(
        Scene(all_of(NEW_HOST, made_by("joined", OPERATOR)), JOINED),
        Scene(NEW_HOST, JOINED),
        {("joined", "")},
        "by vmadmin, through the machine-account quota",
    ),
    "KCD027": Case(
        Scene(renamed("hv04", "node44"), RENAMED % ""),
        Scene(renamed("hv04", "node44"), RENAMED % "{former: [hv04]}"),
        {("node44", "")},
        "NODE44$ (node44.corp.example) was hv04$ (hv04.corp.example)",
    ),
    "KCD028": Case(
        Scene(inventory=HOSTS + ISOS),
        Scene(also_called("sofs01", "cifs/isos"), HOSTS + ISOS),
        {("sofs01", "cifs/isos")},
        "nobody answers to that name",
    ),
    "KCD029": Case(
        Scene(
            all_of(
                values("HTTP/hv01", "cifs/hv01", host="hv65"),
                flags("hv65", on=TRUSTED_TO_AUTH_FOR_DELEGATION),
            )
        ),
        Scene(
            all_of(
                account("web", "HTTP/hv01"),
                values("HTTP/hv01", "cifs/sofs01", "cifs/hv66", host="hv65"),
                flags("hv65", on=TRUSTED_TO_AUTH_FOR_DELEGATION),
            )
        ),
        {("hv01", "HV65$")},
        "its own list names HTTP and cifs of it: with protocol transition it may act as any user",
    ),
    "KCD030": Case(
        Scene(),
        Scene(inventory="hosts: {'hv[01-64]': }\nretired: ['hv[65-66]']\n"),
        {(f"HV{number:02}", "") for number in range(5, 67)},
        "no inventory that is known lists it",
    ),
    "KCD031": Case(
        Scene(values("HTTP/portal"), HOSTS + PORTAL % "", then=without("HTTP/portal")),
        Scene(
            values("HTTP/portal"),
            HOSTS + PORTAL % "",
            then=without("HTTP/portal", then=["http/Portal"]),
        ),
        {("hv01", "HTTP/portal")},
        "somebody removed it",
    ),
    "KCD032": Case(
        Scene(encryption("hv02", 4)),
        Scene(all_of(encryption("hv02", 28), encryption("hv03", 0), encryption("hv65", 4))),
        {("hv02", "")},
        "HV02$ takes RC4 only",
        severity="medium",
    ),
    "KCD033": Case(
        Scene(values("HTTP/y"), HOSTS + ACCEPTED),
        Scene(values("HTTP/x"), HOSTS + ACCEPTED),
        {("hv01", "KCD003")},
        "accepts no finding of HTTP/x",
    ),
    "KCD034": Case(
        Scene(all_of(without("cifs/hv02"), acting("hv02", "hv01"))),
        Scene(all_of(without("cifs/hv02"), acting("hv02", "hv65"))),
        {("hv01", "cifs/hv02")},
        "that of hv02 lets it through",
    ),
    "KCD035": Case(
        Scene(sensitive("krbtgt")),
        Scene(sensitive("auditor")),
        {("", "krbtgt")},
        "krbtgt is marked",
    ),
}


def applied(lab: Lab) -> None:
    """Four hosts as an apply leaves them."""
    on = str(WORKSTATION_TRUST_ACCOUNT | TRUSTED_TO_AUTH_FOR_DELEGATION)
    admin.modify(
        lab,
        "".join(
            ldif.modification(
                lab.computer_dn(host),
                ("replace", "userAccountControl", [on]),
                ("add", independent.DELEGATION, sorted(towards(*FOUR) - towards(host))),
            )
            for host in FOUR
        ),
    )


def findings(desk: Workstation, lab: Lab, scene: Scene) -> list[dict[str, Any]]:
    """What ``audit`` finds, as somebody who may only read."""
    auditor = Workstation(desk.folder, lab, READER)
    auditor.inventory(scene.inventory)
    if scene.of_export:
        auditor = Workstation(desk.folder, lab, READER, f"ldif:{exported(lab, desk.folder)}")
    answer = auditor.run("audit", *scene.words, "--format", "json")
    assert answer.code in {0, 1, 3}, answer.err
    found: list[dict[str, Any]] = answer.data["findings"]
    return found


def seen(desk: Workstation, lab: Lab, scene: Scene) -> list[dict[str, Any]]:
    """What is found once all of a scene has been done."""
    scene.change(lab)
    if scene.then is not None:
        findings(desk, lab, scene)
        scene.then(lab)
    return findings(desk, lab, scene)


def of_the_mesh(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without those of the lab's many other hosts, which none of these inventories lists."""
    return [one for one in found if one["rule"] != "KCD030"]


def exported(lab: Lab, folder: Path) -> Path:
    """The accounts of the domain as a reader exports them."""
    path = folder / "export.ldf"
    entries = independent.search(lab, "(objectClass=user)", account=ADMINISTRATOR)
    path.write_text(
        "".join(
            "".join(
                [
                    ldif.line("dn", entry.dn),
                    *(
                        ldif.line(name, value)
                        for name, found in entry.attributes.items()
                        for value in found
                    ),
                    "\n",
                ]
            )
            for entry in entries
        )
    )
    return path


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_triggers_a_rule(desk: Workstation, fresh_lab: Lab, rule: Rule) -> None:
    case = CASES[rule.id]
    applied(fresh_lab)
    assert of_the_mesh(findings(desk, fresh_lab, Scene())) == []
    found = [one for one in seen(desk, fresh_lab, case.trigger) if one["rule"] == rule.id]
    told = {(one["computer"], GUID.sub("GUID", one["value"])) for one in found}
    assert told == case.told
    assert any(case.words in one["message"] for one in found)
    assert all(one["fix"] for one in found)
    assert {one["severity"] for one in found} == {case.severity or str(rule.severity)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_what_must_not(desk: Workstation, fresh_lab: Lab, rule: Rule) -> None:
    case = CASES[rule.id]
    applied(fresh_lab)
    if rule in identity_rules.RULES:
        findings(desk, fresh_lab, Scene())  # these go by what was seen before
    found = seen(desk, fresh_lab, case.must_not)
    assert [one for one in found if one["rule"] == rule.id] == []


def test_an_operator_in_a_nested_group(desk: Workstation, fresh_lab: Lab) -> None:
    """Protected Users by way of two groups, and back."""
    applied(fresh_lab)
    asked = Scene(words=("--as", f"{OPERATOR}@{fresh_lab.domain}"))
    inner = admin.add_group(fresh_lab, "inner", [f"CN={OPERATOR},{USERS_DN}"])
    outer = admin.add_group(fresh_lab, "outer", [inner])
    assert of_the_mesh(findings(desk, fresh_lab, asked)) == []
    admin.set_members(fresh_lab, "Protected Users", [outer])
    [found] = of_the_mesh(findings(desk, fresh_lab, asked))
    assert (found["rule"], found["severity"]) == ("KCD017", "high")
    assert "Protected Users, itself or through a group" in found["message"]


def test_an_operator_of_another_domain(desk: Workstation, fresh_lab: Lab) -> None:
    """By the forest's own list of domains: CORP is this one, and its vmadmin is nobody else."""
    applied(fresh_lab)
    there = ("ROOT\\vmadmin", "vmadmin@root.example")
    here = ("CORP\\vmadmin", "corp\\vmadmin", f"vmadmin@{fresh_lab.domain}")
    words = [word for name in (*there, *here) for word in ("--as", name)]
    found = of_the_mesh(findings(desk, fresh_lab, Scene(words=tuple(words))))
    assert [(one["rule"], one["value"]) for one in found] == [("KCD018", name) for name in there]
    nobody = of_the_mesh(findings(desk, fresh_lab, Scene(words=("--as", "CORP\\nobody"))))
    assert [one["rule"] for one in nobody] == ["KCD017"]


def test_hostile_names_stay_inert(desk: Workstation, fresh_lab: Lab) -> None:
    """Values, descriptions, groups in a resource-based list, holders of names."""
    applied(fresh_lab)
    evil = "\x1b]0;owned\x07\x1b[2J\nFORGED KCD001 \u202e| a |"
    admin.add_values(fresh_lab, "hv01", f"HTTP/{evil}", f"{evil}/dc1")
    admin.set_attribute(fresh_lab, "hv01", "description", evil)
    admin.add_group(fresh_lab, "evil")
    admin.set_object(fresh_lab, "evil", "sAMAccountName", "evil\u202eFORGED`_")
    admin.set_rbcd(fresh_lab, "hv02", "evil\u202eFORGED`_")
    auditor = Workstation(desk.folder, fresh_lab, READER)
    auditor.inventory(HOSTS)
    told = {(one["rule"], one["value"]) for one in findings(desk, fresh_lab, Scene())}
    assert told >= {("KCD012", f"HTTP/{evil}"), ("KCD015", f"{evil}/dc1"), ("KCD016", "")}
    for words in (["audit"], ["audit", "--format", "markdown"], ["check", "--as", evil]):
        text = auditor.run(*words).text
        assert "KCD016" in text
        assert all(one.isprintable() for line in text.splitlines() for one in line)
        assert not any(line.lstrip().startswith("FORGED") for line in text.splitlines())
