"""From outside in: who reaches the hosts, or takes from them, and is in no inventory.

``tests/cases/outside`` has small exports of what happens in the field; the others are made here.
"""

import base64
import re
import shutil
from pathlib import Path
from uuid import UUID

import pytest

from delegation.directory import entries
from delegation.names import MIGRATION
from tests.cli.program import Delegation, Ran
from tests.cli.test_nights import ANOTHER, STRANGER, Night, acting, mesh, night, told
from tests.cli.world import (
    DISABLED,
    INVENTORY,
    MEMBER,
    TRANSITION,
    account,
    directory,
    finished,
    forms,
)

__all__ = ["night"]
CASES = Path(__file__).parents[1] / "cases" / "outside"
ON = MEMBER | TRANSITION
USER = """\
dn: CN=svc-web,CN=Users,DC=corp,DC=example
objectClass: user
objectGUID:: AAAAAAAAAAAAAAAAAAAAAQ==
sAMAccountName: svc-web
msDS-AllowedToDelegateTo: cifs/hv02
"""


def beside(*records: str, base: bytes | None = None) -> bytes:
    """The finished mesh of three, and these accounts."""
    return (base or finished()) + "".join(records).encode()


def gateway(*values: str, uac: int = ON, **more: str) -> str:
    return account("WAC01", *values, uac=uac, spns=["HOST/WAC01"], unit="Mgmt", **more)  # type: ignore[arg-type]


def found(ran: Ran, rule: str) -> list[tuple[str, str, str]]:
    """Severity, host and value of each finding of a rule."""
    those = [one for one in ran.json["findings"] if one["rule"] == rule]
    return [(one["severity"], one["computer"], one["value"]) for one in those]


def audited(delegation: Delegation, export: bytes, *words: str, inventory: str = "") -> Ran:
    Path("directory.ldif").write_bytes(export)
    Path("inventory.yaml").write_text(INVENTORY + inventory, encoding="utf-8")
    return delegation("audit", "--format", "json", *words)


@pytest.fixture
def case(here: Path, delegation: Delegation) -> "Case":
    return Case(here, delegation)


class Case:
    """One export of the field, with its own inventory."""

    def __init__(self, folder: Path, delegation: Delegation) -> None:
        self.folder = folder
        self._run = delegation

    def __call__(self, name: str, more: str = "", *words: str, export: str = "directory") -> Ran:
        shutil.copytree(CASES / name, self.folder, dirs_exist_ok=True)
        with (self.folder / "inventory.yaml").open("a", encoding="utf-8") as file:
            file.write(more)
        return self._run("--directory", f"ldif:{export}.ldif", "audit", *words)


# The cases


def test_a_gateway_that_the_hosts_lists_name(case: Case) -> None:
    name = "gateway-by-the-hosts-lists"
    assert case(name, "", "--fail-on", "medium").code == 3
    declared = case(name, "trusted: [{account: 'WAC01$', reason: gateway}]\n", "--fail-on", "low")
    assert declared.code == 0
    assert "no findings" in declared.out


def test_a_gateway_with_a_list_of_its_own(case: Case) -> None:
    name = "gateway-by-its-own-list"
    ran = case(name)
    assert ran.code == 3
    assert "high      KCD029  hv[01-04]: WAC01$" in ran.out
    assert "with protocol transition it may act as any user there" in ran.out
    trusted = case(name, "trusted: [{account: 'WAC01$'}]\n", "--format", "json")
    # To act by the hosts' lists is another thing than to act by a list of one's own.
    assert len(found(trusted, "KCD029")) == 4
    assert found(trusted, "KCD033") == [("low", "", "WAC01$")]


def test_encryption_types(case: Case) -> None:
    ran = case("encryption-types", "", "--format", "json")
    assert ran.code == 3
    assert found(ran, "KCD032") == [("high", "hv03", ""), ("medium", "hv02", "")]


def test_krbtgt_marked_sensitive(case: Case) -> None:
    ran = case("krbtgt-sensitive", "", "--format", "json")
    assert ran.code == 0
    assert found(ran, "KCD035") == [("low", "", "krbtgt")]
    assert "0x8009030E" in ran.json["findings"][0]["message"]
    inside = case("krbtgt-sensitive", "", "--format", "json", "--inside-only")
    assert inside.json["findings"] == []
    assert inside.json["outside"] == "left out"


def test_values_of_others_that_a_script_wiped(case: Case) -> None:
    assert case("portal-taken-away", export="before").code == 0
    for words in ((), ("--new-only",)):
        ran = case("portal-taken-away", "", *words, export="after")
        assert ran.code == 3
        assert "high      KCD031  hv03: HTTP/portal, HTTP/portal.corp.example" in ran.out
        assert re.search(r"was there on \d{4}-\d\d-\d\d, run 1 \(owner: web team\)", ran.out)
        assert "KCD019" not in ran.out, "the rule is right: it is the value that is missing"
    assert case("portal-taken-away", export="before").code == 0


# Who has a list of his own


@pytest.mark.parametrize(
    ("record", "severity", "what"),
    [
        (gateway("cifs/hv02"), "high", "cifs of it: with protocol transition"),
        (gateway(f"{MIGRATION}/hv02"), "high", f"{MIGRATION} of it"),
        (gateway("HTTP/hv02.corp.example"), "high", "HTTP of it"),
        (gateway("TERMSRV/HV02:3389"), "high", "TERMSRV of it"),
        (gateway("HV02$", "hv02"), "high", "HV02$ and hv02 of it"),
        (gateway("cifs/hv02.corp.example."), "high", "cifs of it"),
        (gateway("cifs/hv\uff102\u200b"), "high", "cifs of it"),
        (gateway("cifs/hv02", uac=MEMBER), "medium", "users who come to it by Kerberos"),
        (gateway("cifs/hv02", uac=ON | DISABLED), "medium", "once somebody enables it"),
        (USER, "high", "may not see its userAccountControl"),
        (USER + "userAccountControl: 16777728\n", "high", "with protocol transition"),
        (USER + "userAccountControl: 512\n", "medium", "by Kerberos"),
    ],
    ids=lambda part: str(part)[:30],
)
def test_an_account_outside_the_inventory(
    delegation: Delegation, here: Path, record: str, severity: str, what: str
) -> None:
    assert here.is_dir()
    ran = audited(delegation, beside(record))
    who = "svc-web" if record.startswith(USER) else "WAC01$"
    assert found(ran, "KCD029") == [(severity, "hv02", who)]
    [message] = [one["message"] for one in ran.json["findings"] if one["rule"] == "KCD029"]
    assert what in message
    assert ran.code == (3 if severity == "high" else 0)


@pytest.mark.parametrize(
    "record",
    [
        gateway("cifs/sofs01", "HTTP/portal", "cifs/hv09", "no service at all"),
        gateway("cifs/hv02", base="DC=child,DC=corp,DC=example"),
        gateway(),
        gateway("HTTP/hv02") + account("WEB", spns=["HTTP/hv02", "HOST/WEB"]),
        USER.replace("sAMAccountName", "isDeleted: TRUE\nsAMAccountName"),
    ],
    ids=["elsewhere", "of another domain", "nothing", "a name of another's", "deleted"],
)
def test_who_does_not_reach_a_host(delegation: Delegation, here: Path, record: str) -> None:
    assert here.is_dir()
    ran = audited(delegation, beside(record))
    assert found(ran, "KCD029") == []


def test_a_name_that_the_host_has_besides_its_own(delegation: Delegation, here: Path) -> None:
    """Not by what it is called: by the account that answers."""
    alias = mesh("hv01", "hv02", "hv03").replace(
        b"servicePrincipalName: HOST/HV02\n",
        b"servicePrincipalName: HOST/HV02\nservicePrincipalName: MSSQLSvc/vmdb:1433\n",
    )
    assert here.is_dir()
    ran = audited(delegation, beside(gateway("MSSQLSvc/vmdb:1433"), base=alias))
    assert found(ran, "KCD029") == [("high", "hv02", "WAC01$")]


def test_hosts_of_the_inventory_are_no_strangers(delegation: Delegation, here: Path) -> None:
    """Neither in scope nor out of it; retired and dropped ones are told of otherwise."""
    assert here.is_dir()
    for limit in ([], ["--limit", "hv01"]):
        assert found(audited(delegation, finished(), *limit), "KCD029") == []
    ran = audited(delegation, beside(gateway("cifs/hv01", "cifs/hv02")), "--limit", "hv01")
    assert found(ran, "KCD029") == [("high", "hv01", "WAC01$")]
    for inventory in ("retired: [hv09]\n", "retired: [{name: hv09, own: keep}]\n", ""):
        former = account("HV09", *forms("hv01", "hv02"), uac=ON)
        ran = audited(delegation, beside(former), inventory=inventory)
        assert found(ran, "KCD029") == []


def test_what_is_not_told_of_those_who_are_gone_is_told(delegation: Delegation, here: Path) -> None:
    """Of one that has a retired host's name, and of one that was dropped, only a part is."""
    assert here.is_dir()
    namesake = account("HV09", "HTTP/hv01", uac=ON, fqdn="mgmt.corp.example", spns=["HOST/HV09"])
    ran = audited(delegation, beside(namesake), inventory="retired: [hv09]\n")
    assert (ran.code, found(ran, "KCD029")) == (3, [("high", "hv01", "HV09$")])
    dropped = account("HV09", f"{MIGRATION}/hv01", "HTTP/hv01", "HTTP/hv02", uac=ON)
    ran = audited(delegation, beside(dropped))
    assert [one["rule"] for one in ran.json["findings"]] == ["KCD023", "KCD029"]
    assert found(ran, "KCD029") == [("high", "hv02", "HV09$")]


def test_unlisted_hosts_are_folded_and_told_by_what_is_known(
    delegation: Delegation, here: Path
) -> None:
    others = [account(f"HV2{number}") for number in range(3)]
    silent = account("HV30", uac=MEMBER | DISABLED)
    cluster = account("CLU", spns=[f"{MIGRATION}/CLU", "MSClusterVirtualServer/CLU"])
    export = beside(*others, silent, cluster, account("WEB", spns=["HOST/WEB"]))
    ran = audited(delegation, export)
    assert found(ran, "KCD030") == [("low", f"HV2{number}", "") for number in range(3)]
    assert "low       KCD030  HV[20-22]" in delegation("audit").out
    assert found(audited(delegation, export, "--limit", "hv01"), "KCD030") == []
    # Another inventory that is audited with the same state folder has two of them.
    other = INVENTORY.replace("hv[01-03]", "hv[20-21]") + "policy: {foreign: ignore}\n"
    (here / "other.yaml").write_text(other, encoding="utf-8")
    delegation("-i", "other.yaml", "audit", "--baseline")
    assert found(audited(delegation, export), "KCD030") == [("low", "HV22", "")]


# Night by night


def test_a_stranger_with_a_list_of_his_own_fails_the_night_once(night: Night, here: Path) -> None:
    assert night().code == 0
    export = here / "directory.ldif"
    export.write_bytes(beside(gateway("cifs/hv01")))
    first = night()
    assert (first.code, told(first)) == (3, ["  high      KCD029  hv01: WAC01$"])
    assert night().code == 0
    export.write_bytes(beside(gateway("cifs/hv01", "cifs/hv03")))
    further = night()
    assert (further.code, told(further)) == (3, ["  high      KCD029  hv03: WAC01$"])
    export.write_bytes(beside(gateway("cifs/hv01", "HTTP/hv01", "cifs/hv03")))
    assert told(night()) == ["  high      KCD029  hv01: WAC01$"]
    export.write_bytes(finished())
    gone = night()
    assert (gone.code, told(gone)) == (
        0,
        [
            "  resolved  KCD029  hv01: WAC01$",
            "  resolved  KCD029  hv03: WAC01$",
        ],
    )


def test_what_is_not_searched_is_not_resolved(night: Night, here: Path) -> None:
    export = here / "directory.ldif"
    export.write_bytes(beside(gateway("cifs/hv01"), account("HV20")))
    assert night().code == 3
    export.write_bytes(finished())
    inside = night("inventory.yaml", "--inside-only")
    assert inside.code == 0
    assert "resolved" not in inside.out
    assert told(inside) == ["  left out  hv01 (from outside),the domain around"]
    outside = night()
    assert told(outside) == ["  resolved  KCD029  hv01: WAC01$", "  resolved  KCD030  HV20"]


def test_what_only_the_new_search_sees_does_not_count_the_first_night(
    delegation: Delegation, night: Night, here: Path
) -> None:
    """By a page of a version that did not have these rules."""
    export = here / "directory.ldif"
    assert night().code == 0
    forget(here / "unit", "KCD029", "KCD030")
    export.write_bytes(beside(gateway("cifs/hv01"), account("HV20")))
    first = night()
    assert first.code == 0
    assert "seen by rules that this version is the first to have" in first.out
    assert told(first) == ["  high      KCD029  hv01: WAC01$", "  low       KCD030  HV20"]
    assert told(night()) == []
    assert delegation("audit").code == 3


def forget(state: Path, *rules: str) -> None:
    """The journal as a version left it that knew neither these rules nor where they look."""
    import json
    import sqlite3
    import zlib
    from contextlib import closing

    with closing(sqlite3.connect(state / "journal.sqlite")) as db, db:
        for run, content in db.execute("SELECT run, content FROM findings").fetchall():
            page = json.loads(zlib.decompress(content))
            page["rules"] = [rule for rule in page["rules"] if rule not in rules]
            old = zlib.compress(json.dumps(page).encode())
            db.execute("UPDATE findings SET content = ? WHERE run = ?", (old, run))
        db.execute(
            "DELETE FROM looks WHERE subject LIKE 'outside %' OR subject = 'the domain around'"
        )


def test_host_of_a_host_moved_to_a_service_account(night: Night, here: Path) -> None:
    """Its tickets, and what all others may do in anybody's name there, are that account's then."""
    assert night().code == 0
    export = finished().decode()
    moved = "servicePrincipalName: HOST/HV02\nservicePrincipalName: HOST/hv02.corp.example\n"
    assert export.count(moved) == 1
    thief = account("GMSA", spns=["HOST/HV02", "HOST/hv02.corp.example"], unit="Managed")
    thief = thief.replace("objectClass: computer", "objectClass: msDS-GroupManagedServiceAccount")
    (here / "directory.ldif").write_bytes((export.replace(moved, "") + thief).encode())
    ran = night()
    assert ran.code == 3
    assert "  critical  KCD011  hv02" in told(ran)
    assert "registered on another account (GMSA$)" in ran.out


# Who may act by the hosts' own lists


@pytest.mark.parametrize("who", ["S-1-5-21-1-2-3-9999", "s-1-5-21-1-2-3-9999", "GATEWAY$"])
def test_whoever_is_trusted_is_silent_and_a_stranger_beside_him_is_not(
    night: Night, here: Path, who: str
) -> None:
    raw = base64.b64encode(entries.sid_bytes(STRANGER)).decode()
    head = "sAMAccountName: GATEWAY$"
    known = account("GATEWAY", spns=[]).replace(head, f"objectSid:: {raw}\n{head}")
    trusted = f"trusted: [{{account: '{who}', reason: gateway}}]\n"
    (here / "inventory.yaml").write_text(INVENTORY + trusted, encoding="utf-8")
    export = here / "directory.ldif"
    export.write_bytes(beside(known, base=acting(finished(), "HV01", STRANGER)))
    assert (night().code, told(night())) == (0, [])
    export.write_bytes(beside(known, base=acting(finished(), "HV01", STRANGER, ANOTHER)))
    ran = night()
    assert (ran.code, told(ran)) == (3, ["  medium    KCD016  hv01"])
    assert f"resource-based: {ANOTHER}\n" in ran.out


def test_a_trust_that_has_ended_comes_back_one_higher(delegation: Delegation, here: Path) -> None:
    assert here.is_dir()
    export = acting(finished(), "HV01", STRANGER)
    for expires, told_as in (("2020-01-01", [("high", "hv01", "")]), ("2999-01-01", [])):
        until = f"trusted: [{{account: {STRANGER}, owner: web team, expires: {expires}}}]\n"
        ran = audited(delegation, export, inventory=until)
        assert found(ran, "KCD016") == told_as
    until = f"trusted: [{{account: {STRANGER}, owner: web team, expires: 2020-01-01}}]\n"
    [finding] = audited(delegation, export, inventory=until).json["findings"]
    assert finding["message"].endswith("; was trusted until 2020-01-01 (owner: web team)")


def by_lists(*labels: str, values: bool) -> bytes:
    """Hosts that let each other act by their own lists, with values or without."""
    sids = {label: f"S-1-5-21-1-2-3-{number}" for number, label in enumerate(labels, 1001)}
    export = (
        mesh(*labels)
        if values
        else directory(*(account(label.upper(), uac=ON) for label in labels))
    )
    for label, sid in sids.items():
        export = acting(export, label.upper(), *(own for it, own in sids.items() if it != label))
        raw = base64.b64encode(entries.sid_bytes(sid)).decode()
        head = f"sAMAccountName: {label.upper()}$".encode()
        export = export.replace(head, f"objectSid:: {raw}\n".encode() + head)
    return export


def test_a_mesh_by_resource_based_delegation_alone_is_told_once(
    delegation: Delegation, here: Path
) -> None:
    """Not that migrations fail, and beside it that each may act on each."""
    assert here.is_dir()
    ran = audited(delegation, by_lists("hv01", "hv02", "hv03", values=False))
    assert {one["rule"] for one in ran.json["findings"]} == {"KCD034"}
    assert len(found(ran, "KCD034")) == 3 * 8
    assert (ran.code, ran.json["drift"]) == (3, True), "a plan would add the values"
    ran = audited(delegation, by_lists("hv01", "hv02", "hv03", values=True))
    assert {one["rule"] for one in ran.json["findings"]} == {"KCD016"}
    half = by_lists("hv01", "hv02", "hv03", values=False)
    stranger = acting(finished(), "HV01", STRANGER)
    assert half != stranger
    ran = audited(
        delegation,
        directory(account("HV01", uac=ON), account("HV02", uac=ON), account("HV03", uac=ON)),
    )
    assert {one["rule"] for one in ran.json["findings"]} == {"KCD001"}


# What a keep rule let stay

KEEP = "keep: [{value: 'HTTP/*', hosts: [hv01], reason: portal, owner: web team}]\n"


def holding(*values: str) -> bytes:
    return mesh("hv01", "hv02", "hv03", hv01=values)


def taken(ran: Ran) -> list[tuple[str, str, str]]:
    return found(ran, "KCD031")


def test_it_is_drift_until_it_is_back_or_the_rule_goes(delegation: Delegation, here: Path) -> None:
    assert here.is_dir()
    assert taken(audited(delegation, holding("HTTP/portal"), inventory=KEEP)) == []
    gone = [("high", "hv01", "HTTP/portal")]
    for _ in range(3):
        ran = audited(delegation, holding(), inventory=KEEP)
        assert (taken(ran), ran.code, ran.json["drift"]) == (gone, 3, True)
        assert "run 1 (owner: web team)" in ran.json["findings"][0]["message"]
    assert taken(audited(delegation, holding("http/PORTAL"), inventory=KEEP)) == []
    assert taken(audited(delegation, holding(), inventory=KEEP)) != []
    expired = KEEP.replace("owner", "expires: 2020-01-01, owner")
    for other in ("", KEEP.replace("HTTP", "FTP"), KEEP.replace("hv01", "hv02"), expired):
        audited(delegation, holding("HTTP/portal"), inventory=KEEP)
        assert taken(audited(delegation, holding(), inventory=other)) == []


def test_it_is_not_forgotten_by_an_audit_that_does_not_look_there(
    delegation: Delegation, here: Path
) -> None:
    assert here.is_dir()
    audited(delegation, holding("HTTP/portal", "HTTP/x"), inventory=KEEP)
    assert taken(audited(delegation, holding(), "--limit", "hv02", inventory=KEEP)) == []
    ran = audited(delegation, holding("HTTP/x"), inventory=KEEP)
    assert taken(ran) == [("high", "hv01", "HTTP/portal")]


def test_what_a_run_left_there_counts_where_no_audit_has_looked(
    delegation: Delegation, here: Path
) -> None:
    rule = KEEP.replace("owner", "protocol_transition: accept, owner")
    (here / "inventory.yaml").write_text(INVENTORY + rule, encoding="utf-8")
    hv01 = account("HV01", "HTTP/portal")
    (here / "directory.ldif").write_bytes(directory(hv01, account("HV02"), account("HV03")))
    assert delegation("apply", "--yes").code == 0
    ran = audited(delegation, holding(), inventory=rule)
    assert taken(ran) == [("high", "hv01", "HTTP/portal")]
    assert "run 1" in ran.json["findings"][0]["message"]


def test_what_was_gone_before_the_rule_came_is_nobodys_fault(
    delegation: Delegation, here: Path
) -> None:
    """An audit has looked and found it kept by nothing: what a run left before does not count."""
    (here / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    hv01 = account("HV01", "HTTP/portal", uac=ON)
    (here / "directory.ldif").write_bytes(directory(hv01, account("HV02"), account("HV03")))
    assert delegation("apply", "--yes").code == 0
    audited(delegation, holding())
    assert taken(audited(delegation, holding(), inventory=KEEP)) == []


def test_an_object_is_known_by_its_guid(delegation: Delegation, here: Path) -> None:
    """A new account of that name never held what the old one did."""
    assert here.is_dir()
    audited(delegation, holding("HTTP/portal"), inventory=KEEP)
    again = directory(
        account("HV01", *forms("hv02", "hv03"), uac=ON, guid=UUID(int=7)),
        account("HV02", *forms("hv01", "hv03"), uac=ON),
        account("HV03", *forms("hv01", "hv02"), uac=ON),
    )
    assert taken(audited(delegation, again, inventory=KEEP)) == []
