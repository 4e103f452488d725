"""``delegation audit --new-only --baseline``: what is new since the last such audit, told once."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from delegation.changes import store
from delegation.mesh import checks
from tests.cli.program import MORTAL, PROGRAM, SECONDS, Delegation, Ran, environment, spawned
from tests.cli.world import (
    DISABLED,
    INVENTORY,
    MEMBER,
    TRANSITION,
    account,
    directory,
    edited,
    finished,
    forms,
    held,
    tree,
)
from tests.mesh.test_audits import OLD

NEW = ("audit", "--new-only", "--baseline", "--format", "json")
"""Every night, as ``schedule`` writes it."""
LOOK = ("audit", "--new-only", "--format", "json")
"""By hand: what has come since the last night."""


@pytest.fixture
def clean(delegation: Delegation, here: Path) -> Delegation:
    (here / "directory.ldif").write_bytes(finished())
    return delegation


def drift(here: Path, *values: str) -> None:
    """hv01 holds these besides its own."""
    edited(here / "directory.ldif", hv01=[*forms("hv02", "hv03"), *values])


def values(ran: Ran, what: str = "findings") -> set[tuple[str, str]]:
    return {(one["rule"], one["value"]) for one in ran.json[what]}


# What is new


def test_a_finding_is_told_once(clean: Delegation, here: Path) -> None:
    first = clean(*NEW)
    assert (first.code, first.json["since"], first.json["findings"]) == (0, None, [])
    drift(here, "cifs/iso")
    second = clean(*NEW)
    assert second.code == 3
    assert values(second) == {("KCD003", "cifs/iso"), ("KCD012", "cifs/iso")}
    assert second.json["since"]["run"] == 1
    assert second.json["since"]["started"].endswith("+00:00")
    assert second.json["resolved"] == []
    third = clean(*NEW)
    assert (third.code, third.json["findings"], third.json["since"]["run"]) == (0, [], 2)
    assert third.json["drift"] is True, "that it is no news makes it no better"
    assert third.json["summary"]["findings"] == 2
    assert third.json["summary"]["known"] == 2
    assert third.err == ""
    drift(here)
    fourth = clean(*NEW)
    assert (fourth.code, fourth.json["findings"], fourth.json["drift"]) == (0, [], False)
    assert values(fourth, "resolved") == {("KCD003", "cifs/iso"), ("KCD012", "cifs/iso")}
    drift(here, "cifs/iso")
    assert clean(*NEW).code == 3, "what comes back is new again"


def test_the_first_audit_finds_everything_new(delegation: Delegation) -> None:
    whole = delegation("audit", "--format", "json", "--state", "elsewhere").json
    ran = delegation(*NEW)
    assert ran.code == 3
    assert ran.json["findings"] == whole["findings"]
    assert ran.json["rules"] == whole["rules"]
    more = {"since", "resolved", "reminded", "uncounted", "left_out"}
    assert ran.json.keys() == whole.keys() | more
    assert ran.json["summary"] == whole["summary"] | {
        "new": len(whole["findings"]), "known": 0, "resolved": 0,
    }  # fmt: skip
    assert "all of it is new" in delegation("audit", "--new-only", "--state", "third").out


def test_only_audits_with_baseline_move_it(clean: Delegation, here: Path) -> None:
    """One by hand, in the afternoon, must not make the night silent."""
    clean(*NEW)
    drift(here, "cifs/iso")
    assert clean("audit").code == 3
    for _ in range(2):
        ran = clean(*LOOK)
        assert (ran.code, ran.json["since"]["run"], ran.err) == (3, 1, "")
    night = clean(*NEW)
    assert (night.code, values(night)) == (3, {("KCD003", "cifs/iso"), ("KCD012", "cifs/iso")})
    assert clean(*LOOK).code == 0
    drift(here, "cifs/iso", "cifs/other")
    assert clean("audit", "--baseline").code == 3, "it tells everything, and is compared with"
    assert clean(*NEW).code == 0


def test_where_nobody_ever_said_baseline_it_moves_and_is_told(
    clean: Delegation, here: Path
) -> None:
    """A unit that an older version made says --new-only alone."""
    drift(here, "cifs/iso")
    first = clean(*LOOK)
    assert first.code == 3
    assert "warning: no audit by this inventory had --baseline yet" in first.err
    assert "renew it with delegation schedule" in first.err
    assert clean(*LOOK).code == 0
    drift(here, "cifs/iso", "cifs/other")
    assert clean(*NEW).code == 3
    drift(here, "cifs/iso", "cifs/other", "cifs/third")
    ran = clean(*LOOK)
    assert (ran.code, ran.err) == (3, "")
    assert clean(*LOOK).code == 3, "from then on only --baseline moves it"


def test_to_read(clean: Delegation, here: Path) -> None:
    drift(here, "cifs/iso")
    night = NEW[:3]
    clean(*night)
    out = clean(*night).out
    assert "  nothing new since run 1 (20" in out
    assert out.endswith("UTC), 2 known\n")
    drift(here, "cifs/other")
    out = clean(*night).out
    head, since, *found = out.splitlines()
    assert head == "Audit of corp.example on directory.ldif: 3 hosts"
    assert since.startswith("  2 new since run 2 (")
    assert "  medium    KCD003  hv01: cifs/other" in found
    assert "  resolved  KCD003  hv01: cifs/iso" in found
    assert found[-1] == "  2 findings: 2 medium"
    text = clean(*night, "--format", "markdown").out
    assert "nothing new since run 3" in text
    assert "No findings." not in text
    drift(here)
    text = clean(*night, "--format", "markdown").out
    assert "Resolved:" in text
    assert "| KCD003 | hv01 | cifs/other |" in text


@pytest.mark.parametrize(
    ("fail_on", "code"), [("low", 3), ("medium", 3), ("high", 0), ("never", 0), (None, 3)]
)
def test_a_risk_fails_once_too(
    clean: Delegation, here: Path, fail_on: str | None, code: int
) -> None:
    clean(*NEW)
    raw = (here / "directory.ldif").read_bytes()
    old = f"userAccountControl: {MEMBER | TRANSITION}\n".encode()
    new = f"userAccountControl: {MEMBER | TRANSITION | DISABLED}\n".encode()
    (here / "directory.ldif").write_bytes(raw.replace(old, new, 1))
    options = ("--fail-on", fail_on) if fail_on else ()
    assert clean(*NEW, *options).code == code
    assert clean(*NEW, *options).code == 0


def test_an_account_that_goes_missing_is_1_once_and_resolves_nothing_of_its_own(
    delegation: Delegation, here: Path
) -> None:
    delegation(*NEW)
    (here / "directory.ldif").write_bytes(directory(account("HV01"), account("HV02")))
    ran = delegation(*NEW)
    assert ran.code == 1
    assert {one["computer"] for one in ran.json["findings"]} == {"hv03"}
    assert (checks.ACCOUNT_RULE, "") in values(ran)
    assert ran.json["resolved"] == []
    assert ran.json["left_out"] == [{"computer": "hv03", "findings": 9}]
    assert delegation(*NEW).code == 0


def test_hosts_and_operators_are_compared_one_by_one(delegation: Delegation) -> None:
    assert delegation(*NEW).code == 3
    ran = delegation(*NEW, "--limit", "hv01")
    assert (ran.code, ran.json["findings"], ran.json["resolved"]) == (0, [], [])
    assert {one["computer"] for one in ran.json["left_out"]} >= {"hv02", "hv03"}
    text = delegation("audit", "--new-only", "--limit", "hv01").out
    assert "  left out  hv[02-03]\n            not looked at this time; 18 findings" in text
    ran = delegation(*NEW)
    assert (ran.code, ran.json["since"]["run"]) == (0, 2)
    ran = delegation(*NEW, "--as", "vmadmin")
    assert {one["value"] for one in ran.json["findings"]} == {"vmadmin"}
    assert delegation(*NEW, "--as", "VMADMIN").json["findings"] == []
    ran = delegation(*NEW)
    assert ran.json["resolved"] == []
    assert ran.json["left_out"] == [{"computer": "VMADMIN", "findings": 1}]


def test_an_export_is_not_compared_with_a_domain_controller(clean: Delegation, here: Path) -> None:
    """But all exports of a domain are one: the next one has another name."""
    assert clean(*NEW).code == 0
    drift(here, "cifs/iso")
    (here / "directory.ldif").rename(here / "tonight.ldif")
    ran = clean("--directory", "ldif:tonight.ldif", *NEW)
    assert (ran.code, ran.json["since"]["run"]) == (3, 1)
    with closing(sqlite3.connect(here / ".delegation" / "journal.sqlite")) as db:
        recorded = db.execute("SELECT DISTINCT inventory FROM baselines").fetchall()
    assert [json.loads(key) for [key] in recorded] == [
        ["corp.example", str(here / "inventory.yaml"), "export"]
    ]


def test_a_host_that_is_new_in_the_inventory_is_news(delegation: Delegation, here: Path) -> None:
    delegation(*NEW)
    text = INVENTORY.replace("hv[01-03]", "hv[01-04]")
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    ran = delegation(*NEW)
    assert ran.code == 1
    assert {one["computer"] for one in ran.json["findings"]} == {"hv01", "hv02", "hv03", "hv04"}
    assert ran.json["summary"]["known"] == 27


def test_a_name_in_a_finding_stays_inert_in_the_journal(delegation: Delegation, here: Path) -> None:
    hostile = "cifs/\x1b[31m\u202e<script>"
    records = [account("HV01", hostile), account("HV02"), account("HV03")]
    (here / "directory.ldif").write_bytes(directory(*records))
    delegation("audit", "--baseline")
    for command in (("history", "1"), ("audit", "--new-only", "--baseline"), ("history", "2")):
        delegation(*command)
    found = delegation("history", "1", "--format", "json").json["findings"]
    assert hostile in {one["value"] for one in found}
    (here / "directory.ldif").write_bytes(finished())
    assert hostile in {one["value"] for one in delegation(*NEW).json["resolved"]}


# The journal


def test_no_secret_is_recorded(delegation: Delegation, here: Path) -> None:
    (here / "password").write_text("Geheim-123\n", encoding="utf-8")
    ran = spawned("--password-file", "password", *NEW, cwd=here,
                  changes={"DELEGATION_PASSWORD": "Geheim-456"})  # fmt: skip
    assert ran.code == 3
    with closing(sqlite3.connect(here / ".delegation" / "journal.sqlite")) as db:
        assert "Geheim" not in "\n".join(db.iterdump())


def test_a_journal_of_the_version_before_is_taken_over(delegation: Delegation, here: Path) -> None:
    """Its audits recorded numbers alone: there is nothing to compare with yet."""
    text = OLD.read_text(encoding="utf-8").replace("/srv/", f"{here}/")
    (here / ".delegation").mkdir(mode=0o700)
    path = here / ".delegation" / "journal.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(text)
    path.chmod(0o600)
    assert delegation("history").code == 0
    assert "what it found is not kept" in delegation("history", "1").err
    assert delegation("history", "1", "--format", "json").json["findings"] is None
    ran = delegation(*NEW)
    assert (ran.code, ran.json["since"]) == (3, None)
    ran = delegation(*NEW)
    assert (ran.code, ran.json["since"]["run"]) == (0, 5)
    assert "CHG-7" in delegation("history").out


@pytest.mark.parametrize("mode", [(0o500, 0o400), (0o700, 0o400)])
def test_what_can_be_read_only_is_compared_with_all_the_same(
    clean: Delegation, here: Path, mode: tuple[int, int]
) -> None:
    """As for an auditor's account: it is told every night, then, with a warning."""
    clean(*NEW)
    drift(here, "cifs/iso")
    folder = here / ".delegation"
    for path in folder.iterdir():
        path.chmod(mode[1])
    folder.chmod(mode[0])
    try:
        ran = spawned(*NEW, program=(*MORTAL, *PROGRAM), cwd=here)
    finally:
        folder.chmod(0o700)
    assert ran.code == 3
    assert values(ran) == {("KCD003", "cifs/iso"), ("KCD012", "cifs/iso")}
    assert ran.json["since"]["run"] == 1
    assert "warning: this audit is not in the history" in ran.err


def test_where_nothing_can_be_compared_all_is_told(delegation: Delegation, here: Path) -> None:
    delegation(*NEW)
    (here / ".delegation" / "journal.sqlite").write_bytes(b"not a database " * 1000)
    ran = delegation(*NEW)
    assert (ran.code, ran.json["since"]) == (3, None)
    assert len(ran.json["findings"]) == 27
    assert "warning: nothing to compare with, all findings are told as new" in ran.err


# One at a time


SLOW = """
import sys
from delegation.directory import offline
class Slow(offline.OfflineReader):
    def find(self, *names):
        print("ready", file=sys.stderr, flush=True)
        sys.stdin.read()
        return super().find(*names)
offline.OfflineReader = Slow
from delegation.cli import main
main()
"""
"""The program, with a directory that answers when standard input ends."""


@contextmanager
def under_way(here: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """An audit that has begun to read the directory, and waits for it."""
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, *arguments],
        cwd=here,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        said = iter(process.stderr.readline, "ready\n")
        assert all("is new: made now" in line for line in said)
        try:
            yield process
        finally:
            process.kill()


def test_two_at_the_same_time_are_refused(delegation: Delegation, here: Path) -> None:
    with under_way(here, *NEW) as first:
        ran = spawned(*NEW, cwd=here)
        assert (ran.code, ran.out) == (4, "")
        assert "another audit --new-only is using the state folder .delegation" in ran.err
        out, _ = first.communicate(timeout=SECONDS)
        assert first.returncode == 3
        assert json.loads(out)["since"] is None
    ran = spawned(*NEW, cwd=here)
    assert (ran.code, ran.json["since"]["run"]) == (0, 1)
    assert [run["run"] for run in delegation("history", "--format", "json").json["runs"]] == [1, 2]


def test_an_audit_by_hand_neither_waits_nor_is_in_the_way(
    delegation: Delegation, here: Path
) -> None:
    with under_way(here, *NEW) as nightly:
        assert spawned("audit", cwd=here).code == 3
        with under_way(here, "audit") as by_hand:
            assert spawned("audit", cwd=here).code == 3
            by_hand.communicate(timeout=SECONDS)
            assert by_hand.returncode == 3
        nightly.communicate(timeout=SECONDS)
        assert nightly.returncode == 3
    assert len(delegation("history", "--format", "json").json["runs"]) == 4


def test_neither_do_audits_and_writers_wait_for_each_other(
    delegation: Delegation, here: Path
) -> None:
    with under_way(here, *NEW) as nightly:
        assert spawned("apply", "--yes", cwd=here).code == 0
        nightly.communicate(timeout=SECONDS)
        assert nightly.returncode == 0, "it read the directory when the apply was done"
    with store.lock(here / ".delegation"):
        assert spawned(*NEW, cwd=here).code == 0


def test_one_that_was_killed_is_in_nobodys_way(delegation: Delegation, here: Path) -> None:
    with under_way(here, *NEW) as first:
        first.kill()
        first.wait()
    assert delegation(*NEW).code == 3
    assert len(delegation("history", "--format", "json").json["runs"]) == 1


def test_what_it_leaves(clean: Delegation, here: Path) -> None:
    before = tree(here)
    clean(*NEW)
    after = tree(here)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {
        ".delegation", ".delegation/journal.sqlite", ".delegation/audit.lock",
        ".delegation/journal.sqlite-journal",
    }  # fmt: skip
    assert held(here / "directory.ldif")
