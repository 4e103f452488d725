"""``delegation apply``: what it writes, what it compares first, and what it refuses."""

import json
import os
import secrets
import shlex
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from delegation.changes import json_place
from delegation.mesh import plan_document_read
from delegation.mesh.plan_document import PlanDocument
from delegation.mesh.state import DelegationChange, DelegationPlan
from tests.cli.program import PROGRAM, Delegation, at_terminal, sabotaged, spawned
from tests.cli.world import (
    INVENTORY,
    MEMBER,
    TRANSITION,
    UNCONSTRAINED,
    account,
    apply_change_file,
    directory,
    edited,
    finished,
    forms,
    held,
    holdings,
    plain,
    tree,
    undo_file,
)

DNS = {f"CN=HV0{n},OU=Hyper-V,DC=corp,DC=example": f"hv0{n}" for n in (1, 2, 3)}


# What it does


def test_it_writes_what_the_plan_says(delegation: Delegation, here: Path) -> None:
    planned = delegation("plan", "--format", "json").json
    before = held(here / "directory.ldif")
    ran = delegation("apply", "--yes")
    assert ran.code == 0
    assert planned["digest"] in ran.out
    after = held(here / "directory.ldif")
    for change in planned["changes"]:
        name = change["computer"]
        assert after[name].values == before[name].values | set(change["add"])
        assert after[name].uac == MEMBER | TRANSITION
    assert after["dc1"] == before["dc1"]
    assert after == holdings(finished())


def test_then_nothing_is_left_to_do(delegation: Delegation, here: Path) -> None:
    delegation("apply", "--yes")
    state = tree(here)
    assert delegation("plan").code == 0
    again = delegation("apply", "--yes")
    assert again.code == 0
    assert "nothing to do" in again.err
    assert tree(here) == state, "an apply of nothing is no run"
    assert len(delegation("history", "--format", "json").json["runs"]) == 1


def test_the_plan_is_data_and_the_rest_is_talk(delegation: Delegation) -> None:
    ran = delegation("apply", "--yes")
    assert "hv[01-03]" in ran.out
    assert "run 1" in ran.err
    assert "run 1" not in ran.out


def test_values_of_others_stay(delegation: Delegation, here: Path) -> None:
    keep = "keep: [{value: HTTP/*, protocol_transition: accept}]\n"
    (here / "inventory.yaml").write_text(INVENTORY + keep, encoding="utf-8")
    (here / "directory.ldif").write_bytes(
        directory(
            account("HV01", "HTTP/portal"),
            account("HV02", "cifs/iso", uac=MEMBER | TRANSITION),
            account("HV03"),
        )
    )
    assert delegation("apply", "--yes").code == 0
    after = held(here / "directory.ldif")
    assert after["hv01"].values == {"HTTP/portal", *forms("hv02", "hv03")}
    assert after["hv02"].values == {"cifs/iso", *forms("hv01", "hv03")}


def test_limit_writes_these_hosts_only(delegation: Delegation, here: Path) -> None:
    assert delegation("apply", "--limit", "hv02", "--yes").code == 0
    after = held(here / "directory.ldif")
    assert after["hv02"] == holdings(finished())["hv02"]
    assert after["hv01"] == after["hv03"] == holdings(plain())["hv01"]


def test_the_ticket_is_recorded(delegation: Delegation) -> None:
    delegation("apply", "--yes", "--ticket", "CHG-1")
    assert delegation("history", "1", "--format", "json").json["ticket"] == "CHG-1"
    assert "CHG-1" in delegation("history").out


def test_the_next_commands_can_be_typed(delegation: Delegation, here: Path) -> None:
    """As they are printed, with the options of this one."""
    (here / "my inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    said = delegation("-i", "my inventory.yaml", "--state", "the record", "plan").err
    assert delegation(*_commands(said)[0], "--yes").code == 0
    (here / "directory.ldif").write_bytes(plain())
    said = delegation("-i", "my inventory.yaml", "--state", "the record", "apply", "--yes").err
    plan, rollback = _commands(said)
    assert delegation(*plan).code == 0
    assert delegation(*rollback, "--yes").code == 0


def _commands(text: str) -> list[list[str]]:
    """The commands that are named in a text, an explanation behind three spaces cut off."""
    found = [
        line.partition("delegation ")[2] for line in text.splitlines() if "delegation " in line
    ]
    return [shlex.split(command.partition("   ")[0]) for command in found]


# The state folder and the undo file


def test_the_state_folder_is_its_owners_alone(delegation: Delegation, here: Path) -> None:
    mask = os.umask(0)
    try:
        assert delegation("apply", "--yes").code == 0
    finally:
        os.umask(mask)
    state = here / ".delegation"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()}
    assert modes["journal.sqlite"] == 0o600
    assert modes[undo_file(state, 1).name] == 0o600
    assert set(modes.values()) == {0o600}


def test_a_state_folder_that_anybody_may_change_is_refused(
    delegation: Delegation, here: Path
) -> None:
    (here / ".delegation").mkdir()
    (here / ".delegation").chmod(0o777)
    before = tree(here)
    ran = delegation("apply", "--yes")
    assert ran.code == 4
    assert "chmod 700" in ran.err
    assert tree(here) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_a_journal_of_somebody_else_is_read_with_a_warning_and_gone_by_never(
    delegation: Delegation, here: Path
) -> None:
    assert delegation("audit").code == 3
    assert delegation("apply", "--yes").code == 0
    journal = here / ".delegation" / "journal.sqlite"
    os.chown(journal, 65534, 65534)
    before = tree(here)
    for command in ("history", "history 1", "report json", "report markdown 1"):
        ran = delegation(*command.split())
        assert ran.code == 0
        assert "journal.sqlite belongs to another account (uid 65534)" in ran.err
    audit = delegation("audit", "--new-only")
    assert audit.code == 0
    assert audit.err.count("belongs to another account (uid 65534)") >= 1
    for command in ("apply --yes", "rollback --yes"):
        ran = delegation(*command.split())
        assert ran.code == 4
        assert "what lies there is trusted when a run is undone" in ran.err
    after = tree(here)
    del after[".delegation/audit.lock"]
    assert after == before


def test_the_undo_file_takes_it_all_back(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").write_text(
        INVENTORY + "retired: [hv99]\npolicy: {unconstrained: clear}\n", encoding="utf-8"
    )
    (here / "directory.ldif").write_bytes(
        directory(
            account("HV01", *forms("hv99"), "cifs/\u00e9t\u00e9", uac=MEMBER | TRANSITION),
            account("HV02", "CIFS/HV01", uac=MEMBER | UNCONSTRAINED),
            account("HV03"),
        )
    )
    before = held(here / "directory.ldif")
    assert delegation("apply", "--yes").code == 0
    undo = undo_file(here / ".delegation", 1).read_text(encoding="utf-8")
    assert undo.isascii()
    after = held(here / "directory.ldif")
    assert after != before
    assert apply_change_file(undo, after, DNS) == before


def test_the_undo_file_lies_there_before_the_first_write(here: Path) -> None:
    killed = spawned("apply", "--yes", program=sabotaged("os._exit(70)"), cwd=here)
    assert killed.code == 70
    assert (here / "directory.ldif").read_bytes() == plain()
    undo = undo_file(here / ".delegation", 1).read_text(encoding="utf-8")
    assert apply_change_file(undo, holdings(finished()), DNS) == holdings(plain())


def test_an_undo_file_says_of_what_it_is_and_how_it_is_imported(
    delegation: Delegation, here: Path
) -> None:
    ticket = "CHG-7\ndn: CN=DC1\u2028\xe9"
    assert delegation("apply", "--yes", "--ticket", ticket).code == 0
    path = undo_file(here / ".delegation", 1)
    text = path.read_text(encoding="utf-8")
    version, *lines = text.split("\n\n")[0].splitlines()
    assert version == "version: 1"
    assert all(line.startswith("#") for line in lines), "no ticket ends a comment"
    [run] = delegation("history", "--format", "json").json["runs"]
    said = "\n".join(lines)
    for words in (
        "The undo of run 1 (apply)",
        f"made      {run['started']} by {run['who']} on {run['machine']}",
        "ticket    CHG-7\\ndn: CN=DC1\\u2028\\xe9",
        "delegation rollback 1",
        f"ldapmodify -x -H ldaps://DC -D ACCOUNT@corp.example -W -f {path.name}",
        f"ldifde -i -s DC -f {path.name} -j .",
    ):
        assert words in said
    assert delegation("rollback", "--yes").code == 0
    assert "run 2 (rollback of 1)" in undo_file(here / ".delegation", 2).read_text("utf-8")


@pytest.mark.parametrize("there", ["a folder", "a file", "a link"])
def test_without_an_undo_file_nothing_is_written(
    delegation: Delegation, here: Path, monkeypatch: pytest.MonkeyPatch, there: str
) -> None:
    """Should its name be taken after all; what is there is neither replaced nor followed."""
    monkeypatch.setattr(secrets, "token_hex", lambda count: "ab" * count)
    (here / ".delegation").mkdir(mode=0o700)
    path = here / ".delegation" / f"run-1-{'ab' * 8}-undo.ldif"
    if there == "a folder":
        path.mkdir()
    elif there == "a file":
        path.write_bytes(b"another run's")
    else:
        path.symlink_to(here / "directory.ldif")
    before = path.lstat()
    ran = delegation("apply", "--yes")
    assert ran.code == 1
    assert path.name in ran.err
    assert "nothing was changed" in ran.err
    assert (here / "directory.ldif").read_bytes() == plain()
    assert path.lstat() == before


def test_an_undo_file_outlives_the_journal(delegation: Delegation, here: Path) -> None:
    """The journal is lost, or restored from before the run: the next run has the same number."""
    assert delegation("apply", "--yes", "--limit", "hv01").code == 0
    state = here / ".delegation"
    old = undo_file(state, 1)
    content = old.read_bytes()
    (state / "journal.sqlite").unlink()
    assert delegation("apply", "--yes").code == 0
    assert old.read_bytes() == content
    named = delegation("history", "1", "--format", "json").json["undo_file"]
    assert named != old.name
    assert {path.name for path in state.glob("run-1-*")} == {named, old.name}
    assert named in delegation("history", "1").out


# Runs that do not come to their end


def test_a_run_that_died_before_its_write_is_settled_by_the_next(
    delegation: Delegation, here: Path
) -> None:
    spawned("apply", "--yes", program=sabotaged("os._exit(70)"), cwd=here)
    assert "UNSETTLED" in delegation("history").out
    audit = delegation("audit")
    assert "run 1" in audit.err
    assert "warning" in audit.err
    assert "UNSETTLED" in delegation("history").out, "only an apply or a rollback settles it"
    again = delegation("apply", "--yes")
    assert again.code == 0
    assert "had not been written: hv[01-03]" in again.err
    assert "UNSETTLED" not in delegation("history").out
    assert held(here / "directory.ldif") == holdings(finished())


def test_a_run_that_died_after_its_write_can_be_undone(delegation: Delegation, here: Path) -> None:
    body = "list(super().write(changes))\nos._exit(70)"
    assert spawned("apply", "--yes", program=sabotaged(body), cwd=here).code == 70
    assert held(here / "directory.ldif") == holdings(finished())
    ran = delegation("rollback", "--yes")
    assert ran.code == 0
    assert "had been written: hv[01-03]" in ran.err
    assert (here / "directory.ldif").read_bytes() == plain()


def test_an_interrupted_run_is_130_and_on_record(delegation: Delegation, here: Path) -> None:
    body = "next(iter(super().write(changes)))\nraise KeyboardInterrupt"
    ran = spawned("apply", "--yes", program=sabotaged(body), cwd=here)
    assert ran.code == 130
    assert "interrupted" in ran.err
    assert "delegation history" in ran.err
    [run] = delegation("history", "--format", "json").json["runs"]
    assert run["status"] == "interrupted"
    assert run["unsettled"]
    assert delegation("apply", "--yes").code == 0
    assert held(here / "directory.ldif") == holdings(finished())


def test_where_nothing_was_applied_it_says_so(delegation: Delegation, here: Path) -> None:
    body = "return iter([Outcome(c, Result.FAILED, 'no rights') for c in changes])"
    ran = spawned("apply", "--yes", program=sabotaged(body), cwd=here)
    assert ran.code == 1
    assert "run 1: nothing was applied: 3 failed\n" in ran.err
    assert "only the file" not in ran.err


def test_an_export_is_no_directory(delegation: Delegation) -> None:
    """Whoever applies to a file changes the file."""
    ran = delegation("apply", "--yes")
    assert "only the file directory.ldif was changed" in ran.err
    assert "no domain controller knows of it" in ran.err
    assert "only the file" in delegation("rollback", "--yes").err


def test_the_question_comes_after_the_plan(delegation: Delegation, here: Path) -> None:
    """As ``apply -v | tee apply.log`` shows it: what tee passes on is on the screen first."""
    slow = (
        "import os, sys, time\n"
        "for line in sys.stdin.buffer:\n"
        "    time.sleep(0.001)\n"
        "    os.write(1, line)\n"
    )
    shell = f"{shlex.join(PROGRAM)} apply -v | {shlex.join([sys.executable, '-uc', slow])}"
    with at_terminal("-c", shell, program=("/bin/sh",), cwd=here) as terminal:
        terminal.until("[y/N]")
        plan, _, _ = terminal.screen.partition("Write this to 3 computer objects")
        assert "digest  sha256:" in plan
        terminal.types("n\r")


def test_one_failed_object_does_not_stop_the_others_and_is_1(
    delegation: Delegation, here: Path
) -> None:
    body = (
        "failing = [c for c in changes if c.target.name == 'hv02']\n"
        "yield from super().write([c for c in changes if c not in failing])\n"
        "yield from (Outcome(c, Result.FAILED, 'no such luck') for c in failing)"
    )
    ran = spawned("apply", "--yes", program=sabotaged(body), cwd=here)
    assert ran.code == 1
    assert "hv02" in ran.err
    assert "no such luck" in ran.err
    assert "run 1: applied in part: 2 applied, 1 failed\n" in ran.err
    after = held(here / "directory.ldif")
    assert after["hv01"] == holdings(finished())["hv01"]
    assert after["hv02"] == holdings(plain())["hv02"]
    results = {
        change["computer"]: change["result"]
        for change in delegation("history", "1", "--format", "json").json["changes"]
    }
    assert results == {"hv01": "applied", "hv02": "failed", "hv03": "applied"}


def test_an_unknown_outcome_is_1_and_settled_by_the_next(
    delegation: Delegation, here: Path
) -> None:
    body = (
        "list(super().write(changes))\n"
        "return iter([Outcome(c, Result.UNKNOWN, 'link lost', stops=True) for c in changes])"
    )
    ran = spawned("apply", "--yes", program=sabotaged(body), cwd=here)
    assert ran.code == 1
    assert "link lost" in ran.err
    assert "UNSETTLED" in delegation("history").out
    again = delegation("apply", "--yes")
    assert again.code == 0
    assert "had been written: hv[01-03]" in again.err
    assert "nothing to do" in again.err


# What was reviewed


def test_a_saved_plan_is_applied(delegation: Delegation, here: Path) -> None:
    delegation("plan", "-o", "plan.json")
    assert delegation("apply", "plan.json", "--yes").code == 0
    assert held(here / "directory.ldif") == holdings(finished())


Edit = Callable[[DelegationChange], DelegationChange]


def _after(change: DelegationChange, *values: str, without: str = "") -> DelegationChange:
    left = [value for value in change.after.values if value != without]
    return change._replace(after=change.after._replace(values=(*left, *values)))


def _drop_an_addition(change: DelegationChange) -> DelegationChange:
    return _after(change, without="cifs/hv02")


def _smuggle_an_addition(change: DelegationChange) -> DelegationChange:
    return _after(change, "cifs/dc1")


def _smuggle_a_removal(change: DelegationChange) -> DelegationChange:
    found = (*change.before.values, "HTTP/portal")
    return change._replace(before=change.before._replace(values=found))


def _turn_a_flag(change: DelegationChange) -> DelegationChange:
    return change._replace(after=change.after._replace(uac=change.before.uac))


def _show_a_flag_as_set(change: DelegationChange) -> DelegationChange:
    """Its reviewer reads that it was set before."""
    return change._replace(before=change.before._replace(uac=change.after.uac))


def _redirect(change: DelegationChange) -> DelegationChange:
    return change._replace(target=change.target._replace(dn="CN=EVIL,DC=corp,DC=example"))


def _mean_another_account(change: DelegationChange) -> DelegationChange:
    guid = UUID("11111111-2222-3333-4444-555555555555")
    return change._replace(target=change.target._replace(guid=guid))


def saved(here: Path) -> PlanDocument:
    data = (here / "plan.json").read_bytes()
    return plan_document_read.read(json_place.decoded(data, 1 << 20))


def _forged(here: Path, plan: DelegationPlan) -> None:
    """The saved plan, made into this one by somebody who knows how digests are made."""
    document = saved(here)
    forged = document._replace(view=document.view._replace(plan=plan))
    (here / "plan.json").write_text(json.dumps(forged.to_json()), encoding="utf-8")


@pytest.mark.parametrize(
    ("tamper", "number", "named"),
    [
        (_drop_an_addition, 0, "hv01: now to add: cifs/hv02"),
        (_smuggle_an_addition, 1, "hv02: no longer to add: cifs/dc1"),
        (_smuggle_a_removal, 2, "hv03: no longer to remove: HTTP/portal"),
        (_turn_a_flag, 0, "hv01: flags"),
        (_show_a_flag_as_set, 0, "hv01: user_account_control was"),
        (_redirect, 0, "hv01: dn"),
        (_mean_another_account, 0, "hv01: is another account of that name"),
    ],
)
def test_a_tampered_plan_is_refused_and_the_difference_named(
    delegation: Delegation, here: Path, tamper: Edit, number: int, named: str
) -> None:
    delegation("plan", "-o", "plan.json")
    plan = saved(here).view.plan
    changes = list(plan.changes)
    changes[number] = tamper(changes[number])
    _forged(here, replace(plan, changes=tuple(changes)))
    assert delegation("plan", "show", "plan.json").code == 0
    _refused(delegation, here, named)


def test_a_plan_that_lacks_a_host_or_is_of_another_domain_is_refused(
    delegation: Delegation, here: Path
) -> None:
    delegation("plan", "-o", "plan.json")
    plan = saved(here).view.plan
    _forged(here, replace(plan, changes=(plan.changes[0], *plan.changes[2:])))
    _refused(delegation, here, "hv02: would be changed as well")
    _forged(here, replace(plan, domain="lab.example"))
    _refused(delegation, here, "lab.example")


def test_a_digest_that_is_not_that_of_the_changes_is_refused(
    delegation: Delegation, here: Path
) -> None:
    delegation("plan", "-o", "plan.json")
    plan = json.loads((here / "plan.json").read_text(encoding="utf-8"))
    plan["digest"] = "sha256:" + 64 * "0"
    (here / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    for command in (("apply", "plan.json", "--yes"), ("plan", "show", "plan.json")):
        ran = delegation(*command)
        assert ran.code == 4
        assert "it was edited, or is damaged" in ran.err
        assert ran.out == ""
    assert held(here / "directory.ldif") == holdings(plain())


def test_a_plan_with_a_key_twice_is_refused(delegation: Delegation, here: Path) -> None:
    """A reader stops at the first, a parser keeps the last."""
    delegation("plan", "-o", "plan.json")
    text = (here / "plan.json").read_text(encoding="utf-8")
    (here / "plan.json").write_text(f'{{"changes": [], {text[1:]}', encoding="utf-8")
    _refused(delegation, here, "the key changes")


def _refused(delegation: Delegation, here: Path, named: str, *options: str) -> None:
    before = (here / "directory.ldif").read_bytes()
    ran = delegation("apply", *(options or ("plan.json",)), "--yes")
    assert ran.code == 4
    assert named in ran.err
    assert "nothing was written" in ran.err
    assert (here / "directory.ldif").read_bytes() == before
    assert delegation("history", "--format", "json").json["runs"] == []


def test_a_directory_that_changed_since_is_refused(delegation: Delegation, here: Path) -> None:
    delegation("plan", "-o", "plan.json")
    edited(here / "directory.ldif", hv01=["cifs/iso"])
    _refused(delegation, here, "hv01: now found there: cifs/iso")
    edited(here / "directory.ldif", hv01=["cifs/hv02"])
    _refused(delegation, here, "hv01: no longer to add: cifs/hv02")


def test_flags_that_changed_since_are_refused(delegation: Delegation, here: Path) -> None:
    delegation("plan", "-o", "plan.json")
    (here / "directory.ldif").write_bytes(
        directory(account("HV01", uac=MEMBER | UNCONSTRAINED), account("HV02"), account("HV03"))
    )
    _refused(delegation, here, "hv01: user_account_control")


def test_a_saved_plan_knows_its_limit(delegation: Delegation, here: Path) -> None:
    delegation("plan", "--limit", "hv01", "-o", "plan.json")
    assert delegation("apply", "plan.json", "--yes").code == 0
    assert [name for name, one in held(here / "directory.ldif").items() if one.values] == ["hv01"]


def test_a_limit_may_be_typed_again_in_any_order(delegation: Delegation, here: Path) -> None:
    delegation("plan", "--limit", "hv[01-02]", "-o", "plan.json")
    for other in ("hv01", "hv[01-03]", "hv[", ""):
        _refused(delegation, here, f"--limit says {other}", "plan.json", "--limit", other)
    assert delegation("apply", "plan.json", "--limit", "hv02,HV01", "--yes").code == 0


def test_a_plan_of_all_hosts_is_not_applied_to_some(delegation: Delegation, here: Path) -> None:
    delegation("plan", "-o", "plan.json")
    _refused(delegation, here, "the saved plan is for all hosts", "plan.json", "--limit", "hv01")


def test_a_host_that_joined_since_is_named(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").write_text(INVENTORY.replace("-03", "-02"), encoding="utf-8")
    delegation("plan", "-o", "plan.json")
    (here / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    _refused(delegation, here, "hv03: would be changed as well")


def test_what_it_overrides_is_typed_again(delegation: Delegation, here: Path) -> None:
    edited(here / "directory.ldif", hv01=["MSSQLSvc/db1"])
    assert delegation("plan", "-o", "plan.json").code == 4
    planned = delegation("plan", "-o", "plan.json", "--force", "--allow", "flag-change")
    assert planned.code == 3
    assert "apply plan.json --allow flag-change --expect sha256:" in planned.err
    shown = delegation("plan", "show", "plan.json")
    assert "--allow flag-change, to be typed again" in shown.out
    ran = delegation("apply", "plan.json", "--yes")
    assert ran.code == 4
    assert "made with --allow flag-change, which counts only where typed again" in ran.err
    again = delegation("apply", "plan.json", "--yes", "--allow", "flag-change")
    assert again.code == 0
    assert "counts only" not in again.err


def test_a_plan_of_an_older_form_is_to_be_made_again(delegation: Delegation, here: Path) -> None:
    """What 0.1 saved is what plan --format json prints."""
    printed = delegation("plan", "--format", "json").out
    (here / "plan.json").write_text(printed, encoding="utf-8")
    for command in (("apply", "plan.json", "--yes"), ("plan", "show", "plan.json")):
        ran = delegation(*command)
        assert ran.code == 4
        assert "older form" in ran.err
        assert "plan again" in ran.err
    (here / "plan.json").write_text('{"saved_plan": 3}', encoding="utf-8")
    ran = delegation("plan", "show", "plan.json")
    assert ran.code == 4
    assert "of a newer version than this one" in ran.err


def test_a_plan_that_is_done_is_refused(delegation: Delegation, here: Path) -> None:
    delegation("plan", "-o", "plan.json")
    (here / "directory.ldif").write_bytes(finished())
    _refused(delegation, here, "hv01: would not be changed any more")


NO_PLANS = {
    "empty": b"",
    "binary": b"\x00\xff\xfe binary",
    "yaml": b"domain: corp.example\n",
    "cut off": b'{"saved_plan": 2, "changes": [',
    "deeply nested": b"[" * 200_000,
    "deeply nested objects": b'{"changes":' * 200_000,
    "huge and blank": b" " * 50_000_000,
    "a huge list": b"[" + b"0," * 5_000_000 + b"0]",
    "a huge number": b"1" * 5_000_000,
    "a list": b"[]",
    "a text": b'"plan"',
    "nothing": b"null",
    "something else": b'{"domain": "corp.example"}',
    "a form that is none": b'{"saved_plan": true}',
    "another kind": b'{"saved_plan": 2, "kind": "host-settings"}',
}


@pytest.mark.parametrize("content", NO_PLANS.values(), ids=NO_PLANS)
def test_what_is_no_plan_is_2(delegation: Delegation, here: Path, content: bytes) -> None:
    (here / "plan.json").write_bytes(content)
    ran = delegation("apply", "plan.json", "--yes")
    assert ran.code == 2
    assert "plan.json is not a saved plan: " in ran.err
    assert (here / "directory.ldif").read_bytes() == plain()
    assert not (here / ".delegation").exists()


@pytest.mark.parametrize("file", ["missing.json", ".", "missing/plan.json"])
def test_a_plan_file_that_cannot_be_read_is_2(
    delegation: Delegation, here: Path, file: str
) -> None:
    before = tree(here)
    ran = delegation("apply", file, "--yes")
    assert ran.code == 2
    assert file in ran.err
    assert tree(here) == before


def test_the_expected_digest_is_compared(delegation: Delegation, here: Path) -> None:
    digest = delegation("plan", "--format", "json").json["digest"]
    _refused(delegation, here, digest, "--expect", "sha256:4f1d")
    _refused(delegation, here, digest, "--expect", "")
    assert delegation("apply", "--expect", digest, "--yes").code == 0


def test_file_and_digest_have_to_agree_both(delegation: Delegation, here: Path) -> None:
    delegation("plan", "-o", "plan.json")
    _refused(delegation, here, "expected", "plan.json", "--expect", "sha256:4f1d")


# Refusals and their overrides


def test_removals_need_their_override(delegation: Delegation, here: Path) -> None:
    others = (
        "  hv[90-99]:\nmeshes: {new: {members: ['hv[01-03]']}, old: {members: ['hv[90-99]']}}\n"
    )
    (here / "inventory.yaml").write_text(INVENTORY + others, encoding="utf-8")
    (here / "directory.ldif").write_bytes(
        directory(
            account("HV01", *forms(*(f"hv{n}" for n in range(90, 100)))),
            *(account(f"HV{n:02}") for n in (2, 3, *range(90, 100))),
        )
    )
    _refused(delegation, here, "--allow removals", "--ticket", "CHG-1")
    _refused(delegation, here, "--allow removals", "--allow", "flag-change")
    assert delegation("apply", "--yes", "--allow", "removals").code == 0
    assert held(here / "directory.ldif")["hv01"] == holdings(finished())["hv01"]


def test_a_flag_change_needs_its_override(delegation: Delegation, here: Path) -> None:
    edited(here / "directory.ldif", hv01=["HTTP/portal"])
    _refused(delegation, here, "--allow flag-change", "--ticket", "CHG-1")
    assert delegation("apply", "--yes", "--allow", "flag-change").code == 0
    assert held(here / "directory.ldif")["hv01"].values == {"HTTP/portal", *forms("hv02", "hv03")}


def test_every_refusal_is_told_at_once(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").write_text(f"{INVENTORY}  dc1:\n", encoding="utf-8")
    edited(here / "directory.ldif", hv01=["HTTP/portal"])
    ran = delegation("apply", "--yes", "--allow", "removals", "--allow", "flag-change")
    assert ran.code == 4
    assert "domain controller" in ran.err
    ran = delegation("apply", "--yes")
    assert "domain controller" in ran.err
    assert "--allow flag-change" in ran.err
    assert held(here / "directory.ldif")["hv01"].values == {"HTTP/portal"}


@pytest.mark.parametrize("name", ["unconstrained", "everything", ""])
def test_an_unknown_override_is_2(delegation: Delegation, here: Path, name: str) -> None:
    assert delegation("apply", "--yes", "--allow", name).code == 2
    assert (here / "directory.ldif").read_bytes() == plain()


def test_a_missing_account_is_1_and_nothing_is_written(delegation: Delegation, here: Path) -> None:
    export = directory(account("HV01"), account("HV02"))
    (here / "directory.ldif").write_bytes(export)
    ran = delegation("apply", "--yes")
    assert ran.code == 1
    assert "hv03$" in ran.err
    assert (here / "directory.ldif").read_bytes() == export


# The question


def test_without_a_terminal_it_needs_yes(delegation: Delegation, here: Path) -> None:
    ran = delegation("apply")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert (here / "directory.ldif").read_bytes() == plain()
    assert delegation("history", "--format", "json").json["runs"] == []


@pytest.mark.parametrize("answer", ["n\n", "yup\n", "\x04"])
def test_anything_but_yes_declines(here: Path, answer: str) -> None:
    with at_terminal("apply") as terminal:
        terminal.until("[y/N]")
        assert "3 computer objects on directory.ldif" in terminal.screen
        terminal.types(answer)
        assert terminal.ends() == 1
    assert "declined; nothing was written" in terminal.screen
    assert (here / "directory.ldif").read_bytes() == plain()


def test_yes_writes(here: Path) -> None:
    with at_terminal("apply") as terminal:
        terminal.until("[y/N]")
        terminal.types("y\n")
        assert terminal.ends() == 0
    assert held(here / "directory.ldif") == holdings(finished())


def test_ctrl_c_at_the_question_is_130(delegation: Delegation, here: Path) -> None:
    with at_terminal("apply") as terminal:
        terminal.until("[y/N]")
        terminal.interrupts()
        assert terminal.ends() == 130
    assert "interrupted" in terminal.screen
    assert "delegation history" not in terminal.screen
    assert (here / "directory.ldif").read_bytes() == plain()
    assert delegation("history", "--format", "json").json["runs"] == []


def test_what_changed_during_the_question_is_refused(delegation: Delegation, here: Path) -> None:
    with at_terminal("apply") as terminal:
        terminal.until("[y/N]")
        edited(here / "directory.ldif", hv01=["cifs/hv02"])
        edit = (here / "directory.ldif").read_bytes()
        terminal.types("y\n")
        assert terminal.ends() == 4
    assert "hv01: no longer to add: cifs/hv02" in terminal.screen
    assert (here / "directory.ldif").read_bytes() == edit
    assert delegation("history", "--format", "json").json["runs"] == []


def test_a_second_apply_waits_for_none(here: Path) -> None:
    """One writer a state folder: the other is told at once, with 4."""
    with at_terminal("apply") as terminal:
        terminal.until("[y/N]")
        second = spawned("apply", "--yes")
        assert second.code == 4
        assert "another apply or rollback" in second.err
        assert (here / "directory.ldif").read_bytes() == plain()
        terminal.types("y\n")
        assert terminal.ends() == 0
