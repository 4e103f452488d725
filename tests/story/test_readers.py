"""``audit`` and ``check`` write nothing, by the DC's own account; and tell who could."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from delegation.mesh.checks import RULES, identity_rules
from tests.lab import Lab, admin, independent
from tests.lab.configuration import state
from tests.lab.description import (
    ACCOUNTDISABLE,
    ADMINISTRATOR,
    MIGRATION,
    OPERATOR,
    PROTECTED_OPERATOR,
    READER,
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    WRITER,
)
from tests.lab.independent import LdapError
from tests.lab.programs import run_samba
from tests.story.test_rules import (
    HOSTS,
    account,
    acting,
    all_of,
    also_registered,
    applied,
    encryption,
    flags,
    quiet,
    registered,
    sensitive,
    values,
)
from tests.story.wiretap import SEARCH, Wiretap
from tests.story.witness import differences, objects
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

USUAL, EVERY_CHANGE = "1 auth_audit:2 dsdb_audit:1", "1 auth_audit:2 dsdb_audit:5"
"""Levels of the DC's log: from 5 on, it has a line for every change asked of its database."""
CHANGE = re.compile(r"DSDB Change \[(\w+)\] .* status \[([^]]*)\] .* DN \[([^]]*)\]")
WRITES = "can this account write? "

MESS = """\
hosts: {'hv[01-04]': , hv77: , quiet: }
retired: [hv99, hv65]
keep:
  - {value: 'HTTP/*', reason: portal, expires: 2020-01-01}
  - {value: 'MSSQLSvc/*', hosts: [hv01], reason: reports}
  - {value: 'WSMAN/*', hosts: [hv01], reason: remote management}
accept: [{rule: KCD003, hosts: [hv01], value: FTP/gone}]
file_servers: {sofs01: {aliases: [isos], reached_from: [all]}}
policy: {value_limit: 20}
"""


def messed(lab: Lab) -> None:
    """Something for each rule that a domain can be asked about."""
    applied(lab)
    admin.remove_values(lab, "hv02", "cifs/hv03")
    all_of(
        values("FTP/x", "cifs/hv99", "HTTP/portal", "cifs/dc1", "kadmin/changepw"),
        values("CIFS/hv01", host="hv04"),
        flags("hv02", on=TRUSTED_FOR_DELEGATION),
        flags("hv03", off=TRUSTED_TO_AUTH_FOR_DELEGATION),
        flags("hv04", on=ACCOUNTDISABLE),
        account("thief", "cifs/hv02"),
        account("evil", "cifs/h\u1e7d02"),
        also_registered("thief", "HOST/hv04"),
        registered("hv03", "HOST/hv03"),
        acting("hv03", "hv65", "hv02", OPERATOR),
        values(f"{MIGRATION}/hv01", host="hv66"),
        quiet(100),
        values("cifs/hv01", host="sofs01"),
        encryption("hv02", 4),
        sensitive("krbtgt"),
        values("WSMAN/kept"),
    )(lab)


@pytest.fixture
def talkative(fresh_lab: Lab) -> Iterator[Lab]:
    """The lab with a DC that logs every change that it is asked for."""
    loud(fresh_lab, EVERY_CHANGE)
    yield fresh_lab
    loud(fresh_lab, USUAL)


def loud(lab: Lab, levels: str) -> None:
    told = "Remote set of debug"
    before = lab.log.read_text(errors="replace").count(told)
    configuration = f"--configfile={state(lab)}/smb.conf"
    done = run_samba(lab, ["smbcontrol", configuration, "all", "debug", levels])
    assert done.returncode == 0, done.stderr
    deadline = time.monotonic() + 10
    while lab.log.read_text(errors="replace").count(told) == before:
        assert time.monotonic() < deadline, "the DC does not change its log"
        time.sleep(0.02)


class Ledger:
    """What the DC has written down of changes since the last look."""

    def __init__(self, lab: Lab) -> None:
        self._log = lab.log
        self._read = self._log.stat().st_size

    def changes(self) -> list[tuple[str, str, str]]:
        """Each as (kind, status, DN), those that were refused included."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            text = log.read()
            self._read = log.tell()
        return CHANGE.findall(text.decode(errors="replace"))


def logged_on(lab: Lab) -> None:
    """An account's first logon is written down by the DC of its own accord: let that be over."""
    for who in (READER, ADMINISTRATOR):
        independent.computer(lab, "hv01", who)


def usn(lab: Lab) -> int:
    """The number of the last write to the DC's database, whatever was written."""
    command = ["ldapsearch", "-LLL", "-s", "base", "-b", "", "highestCommittedUSN"]
    found = re.search(r"highestCommittedUSN: (\d+)", independent.openldap(lab, command, READER))
    assert found is not None
    return int(found[1])


def test_the_dc_itself_has_seen_no_write(desk: Workstation, talkative: Lab) -> None:
    """Of any command, with findings of every kind; and it would have seen one that it refused."""
    lab = talkative
    messed(lab)
    auditor = Workstation(desk.folder, lab, READER)
    auditor.inventory(MESS)
    assert auditor.run("audit").code == 1
    admin.remove_values(lab, "hv01", "WSMAN/kept")
    logged_on(lab)
    before, number = objects(lab), usn(lab)

    ledger = Ledger(lab)
    dn = lab.computer_dn("hv66")
    admin.add_values(lab, "hv66", "HTTP/seen")
    with pytest.raises(LdapError):
        admin.add_values(lab, "hv66", "HTTP/refused", account=READER)
    assert ledger.changes() == [
        ("Modify", "Success", dn),
        ("Modify", "insufficient access rights", dn),
    ]
    admin.add_computer(lab, "seen")
    admin.delete(lab, "seen")
    assert [kind for kind, _, _ in ledger.changes()] == ["Add", "Delete"]
    assert usn(lab) > number
    assert differences(before, objects(lab)) != []

    before, number = objects(lab), usn(lab)
    asked = ("--as", PROTECTED_OPERATOR, "--as", OPERATOR)
    for words in (
        ("audit", *asked, "--format", "json"),
        ("audit", *asked),
        ("audit", "--format", "markdown", "--limit", "hv01"),
        ("check", *asked, "--format", "json"),
        ("check", *asked),
    ):
        answer = auditor.run(*words)
        assert answer.code == 1, answer.err
        if words[0] == "audit" and words[-1] == "json":
            found = {one["rule"] for one in answer.data["findings"]}
            # One of these needs an export, the others a journal that knows the accounts.
            unheard = {"KCD018", *(rule.id for rule in identity_rules.RULES)}
            assert found == {rule.id for rule in RULES} - unheard
    assert ledger.changes() == []
    assert usn(lab) == number
    assert differences(before, objects(lab)) == []


def test_an_administrator_who_audits_writes_as_little(desk: Workstation, talkative: Lab) -> None:
    """With every right to write, and twice, so that there is a journal."""
    messed(talkative)
    boss = Workstation(desk.folder, talkative, ADMINISTRATOR)
    boss.inventory(MESS)
    logged_on(talkative)
    before = objects(talkative)
    ledger, number = Ledger(talkative), usn(talkative)
    for command in ("audit", "check", "audit"):
        assert boss.run(command).code == 1
    assert ledger.changes() == []
    assert usn(talkative) == number
    assert differences(before, objects(talkative)) == []


def test_a_steady_state_takes_one_search(desk: Workstation, wire: Wiretap, fresh_lab: Lab) -> None:
    """Two that say which DC this is, one what HOST stands for, and one for the hosts.

    From outside in takes one more. And more only for what is found.
    """
    applied(fresh_lab)
    auditor = Workstation(desk.folder, fresh_lab, READER, wire.url)
    auditor.inventory(HOSTS)
    inside = ("audit", "--inside-only")
    assert auditor.run(*inside).code == 0
    assert len(wire.of_kind(SEARCH)) == 4
    admin.add_values(fresh_lab, "hv01", "HTTP/portal", "HTTP/x")
    assert auditor.run(*inside).code == 3
    assert len(wire.of_kind(SEARCH)) == 4 + 5
    admin.set_rbcd(fresh_lab, "hv02", "hv65")
    assert auditor.run(*inside, "--as", OPERATOR).code == 3
    # The names in the list; the operator, and the operator's groups.
    assert len(wire.of_kind(SEARCH)) == 4 + 5 + 5 + 1 + 2
    asked = len(wire.of_kind(SEARCH))
    assert auditor.run("audit").code == 3
    assert len(wire.of_kind(SEARCH)) == asked + 5 + 1 + 1
    # Whose a name is that leads to a host by HOST/… alone.
    values("HTTP/hv01", "cifs/hv02", host="hv65")(fresh_lab)
    asked = len(wire.of_kind(SEARCH))
    assert auditor.run("audit").code == 3
    assert len(wire.of_kind(SEARCH)) == asked + 5 + 1 + 1 + 1


def test_retired_hosts_take_no_further_search(
    desk: Workstation, wire: Wiretap, fresh_lab: Lab
) -> None:
    """Their accounts come with the hosts', also while they still hold a mesh."""
    applied(fresh_lab)
    auditor = Workstation(desk.folder, fresh_lab, READER, wire.url)
    auditor.inventory(HOSTS + "retired: [hv65, hv99]\n")
    assert auditor.run("audit", "--inside-only").code == 0
    assert len(wire.of_kind(SEARCH)) == 4
    values(f"{MIGRATION}/hv01", "cifs/hv02", host="hv65")(fresh_lab)
    assert auditor.run("audit", "--inside-only").code == 3
    assert len(wire.of_kind(SEARCH)) == 4 + 4


class TestWhetherItMayWrite:
    def told(self, desk: Workstation, lab: Lab, who: str) -> tuple[str, str]:
        """The answer, and all of its evidence; in JSON and in text alike."""
        one = Workstation(desk.folder, lab, who)
        one.inventory(HOSTS)
        write = one.run("check", "--format", "json").data["write"]
        text = one.run("check").out
        assert f"{WRITES}{write['answer']}\n" in text
        assert all(sentence in text for sentence in write["evidence"])
        return write["answer"], "\n".join(write["evidence"])

    def test_by_who_asks(self, desk: Workstation, fresh_lab: Lab) -> None:
        answer, why = self.told(desk, fresh_lab, ADMINISTRATOR)
        assert answer == "yes"
        assert "Administrators" in why
        answer, why = self.told(desk, fresh_lab, WRITER)
        assert answer == "unknown", "it can, but LDAP does not show it"
        assert "Enable computer and user accounts to be trusted for delegation" in why
        answer, why = self.told(desk, fresh_lab, READER)
        assert answer == "no"
        both = "msDS-AllowedToDelegateTo and userAccountControl"
        assert why == f"hv[01-04]: the ACL does not let it write {both}"

    def test_by_where_the_hosts_are(self, desk: Workstation, fresh_lab: Lab) -> None:
        admin.move(fresh_lab, "hv03", f"CN=HV03,CN=Computers,{fresh_lab.base_dn}")
        answer, why = self.told(desk, fresh_lab, WRITER)
        assert answer == "no"
        assert "hv03: the ACL does not let it write" in why
        assert "hv[01-02,04]: the ACL lets it write" in why

    def test_an_acl_that_is_reset(self, desk: Workstation, fresh_lab: Lab) -> None:
        admin.set_attribute(fresh_lab, "hv02", "adminCount", "1")
        answer, why = self.told(desk, fresh_lab, WRITER)
        assert answer == "unknown"
        assert "hv02: adminCount is 1" in why

    def test_that_it_may_not_is_no_failure(self, desk: Workstation, fresh_lab: Lab) -> None:
        auditor = Workstation(desk.folder, fresh_lab, READER)
        auditor.inventory(HOSTS)
        assert auditor.run("check").code == 0


class TestWithoutAUrl:
    """A domain controller is found in DNS, or it is said that there is none."""

    def test_it_is_found(self, desk: Workstation, fresh_lab: Lab) -> None:
        admin.set_flags(fresh_lab, "hv01", on=TRUSTED_FOR_DELEGATION)
        auditor = Workstation(desk.folder, fresh_lab, READER, "-")
        auditor.inventory(HOSTS, dns_servers=f"[{fresh_lab.address}]")
        self._drop_url(auditor)
        found = auditor.run("check", "--format", "json")
        assert found.code == 1
        assert found.data["dc"] == fresh_lab.dc_fqdn
        assert [one["rule"] for one in found.data["findings"]] == ["KCD005"]
        assert found.data["write"]["answer"] == "no"
        assert auditor.run("audit").code == 3

    def test_a_refused_logon_there_is_a_failure(self, desk: Workstation, fresh_lab: Lab) -> None:
        """A domain controller that is known and can't be asked must not pass for none."""
        auditor = Workstation(desk.folder, fresh_lab, READER, "-")
        wrong = replace(auditor, variables={"DELEGATION_PASSWORD": "Wrong-1"})
        wrong.inventory(HOSTS, dns_servers=f"[{fresh_lab.address}]")
        self._drop_url(wrong)
        assert wrong.run("check").code == 1

    def test_none_is_a_warning(self, desk: Workstation, fresh_lab: Lab) -> None:
        auditor = Workstation(desk.folder, fresh_lab, READER, "-")
        path = auditor.inventory(HOSTS, dns_servers=f"[{fresh_lab.address}]")
        self._drop_url(auditor)
        path.write_text(path.read_text().replace("domain: corp.example", "domain: no.example"))
        answer = auditor.run("check", "--format", "json")
        assert answer.code == 0
        assert "inventory.yaml is valid" in answer.err
        assert "warning: no directory was looked at: DNS knows no domain controller" in answer.err
        assert answer.data["dc"] is None
        assert answer.data["write"]["answer"] == "unknown"
        assert auditor.run("audit").code == 1

    def _drop_url(self, desk: Workstation) -> None:
        path = desk.folder / "inventory.yaml"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith("  url:")))
