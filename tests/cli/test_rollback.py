"""``delegation rollback``: exactly one run is taken back, and nothing of what others did since."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.program import Delegation, at_terminal, sabotaged, spawned
from tests.cli.world import (
    CONTROLLER,
    INVENTORY,
    MEMBER,
    TRANSITION,
    UNCONSTRAINED,
    account,
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


@pytest.fixture
def applied(delegation: Delegation) -> Delegation:
    """Run 1 is an apply of the whole inventory."""
    assert delegation("apply", "--yes").code == 0
    return delegation


# Which run


def test_the_newest_apply_is_taken_back_byte_for_byte(applied: Delegation, here: Path) -> None:
    assert (here / "directory.ldif").read_bytes() != plain()
    ran = applied("rollback", "--yes")
    assert ran.code == 0
    assert "Undo of run 1" in ran.out
    assert (here / "directory.ldif").read_bytes() == plain()


def test_a_rollback_has_a_ticket_of_its_own(applied: Delegation) -> None:
    assert applied("rollback", "--yes", "--ticket", "CHG-9").code == 0
    [_, run] = applied("history", "--format", "json").json["runs"]
    assert (run["kind"], run["ticket"]) == ("rollback", "CHG-9")


def test_tickets_outlive_it_and_it_says_so(applied: Delegation) -> None:
    assert "10 hours" in applied("rollback", "--yes").err


def test_one_after_the_other_until_nothing_is_left(delegation: Delegation, here: Path) -> None:
    delegation("apply", "--yes", "--limit", "hv01")
    delegation("apply", "--yes")
    delegation("audit")
    assert delegation("rollback", "--yes").code == 0
    after = held(here / "directory.ldif")
    assert after["hv01"] == holdings(finished())["hv01"]
    assert after["hv02"] == holdings(plain())["hv02"]
    assert delegation("rollback", "--yes").code == 0
    assert (here / "directory.ldif").read_bytes() == plain()
    nothing = delegation("rollback", "--yes")
    assert nothing.code == 1
    assert "no apply left to undo" in nothing.err
    assert "delegation history" in nothing.err


def test_a_run_is_undone_by_its_number(delegation: Delegation, here: Path) -> None:
    delegation("apply", "--yes", "--limit", "hv01")
    delegation("apply", "--yes")
    assert delegation("rollback", "1", "--yes").code == 0
    after = held(here / "directory.ldif")
    assert after["hv01"] == holdings(plain())["hv01"]
    assert after["hv02"] == holdings(finished())["hv02"]


def test_a_rollback_is_undone_only_by_its_number(applied: Delegation, here: Path) -> None:
    applied("rollback", "--yes")
    assert applied("rollback", "--yes").code == 1, "not by default"
    assert (here / "directory.ldif").read_bytes() == plain()
    assert applied("rollback", "2", "--yes").code == 0
    assert held(here / "directory.ldif") == holdings(finished())
    assert applied("rollback", "--yes").code == 0, "run 1 is in effect again"
    assert (here / "directory.ldif").read_bytes() == plain()


def test_a_run_is_not_undone_twice(applied: Delegation, here: Path) -> None:
    applied("rollback", "1", "--yes")
    again = applied("rollback", "1", "--yes")
    assert again.code == 1
    assert "nothing" in again.err
    assert (here / "directory.ldif").read_bytes() == plain()


def test_an_audit_cannot_be_undone(delegation: Delegation) -> None:
    delegation("audit")
    ran = delegation("rollback", "1", "--yes")
    assert ran.code == 1
    assert "audit" in ran.err


@pytest.mark.parametrize("number", ["7", "0", "-1", "one", "9" * 30])
def test_a_run_that_is_none_is_2(applied: Delegation, here: Path, number: str) -> None:
    before = (here / "directory.ldif").read_bytes()
    assert applied("rollback", number, "--yes").code == 2
    assert (here / "directory.ldif").read_bytes() == before


def test_without_any_run_it_is_1(delegation: Delegation, here: Path) -> None:
    ran = delegation("rollback", "--yes")
    assert ran.code == 1
    assert "no run was ever recorded there" in ran.err
    assert "the state folder is new, or the runs are in another one" in ran.err
    assert not Path(".delegation").exists(), "a look makes no folder"


def test_runs_of_another_directory_are_none_of_it(delegation: Delegation, here: Path) -> None:
    (here / "other.ldif").write_bytes(plain())
    delegation("apply", "--yes")
    delegation("--directory", "ldif:other.ldif", "apply", "--yes")
    assert delegation("rollback", "--yes").code == 0
    assert (here / "directory.ldif").read_bytes() == plain()
    assert held(here / "other.ldif") == holdings(finished())
    assert delegation("rollback", "--yes").code == 1
    assert delegation("--directory", "ldif:other.ldif", "rollback", "--yes").code == 0
    assert (here / "other.ldif").read_bytes() == plain()


# Some of its hosts


def test_only_these_hosts_are_undone_the_others_another_time(
    applied: Delegation, here: Path
) -> None:
    ran = applied("rollback", "--yes", "--limit", "HV[01-02]")
    assert ran.code == 0
    after = held(here / "directory.ldif")
    assert after["hv01"] == holdings(plain())["hv01"]
    assert after["hv02"] == holdings(plain())["hv02"]
    assert after["hv03"] == holdings(finished())["hv03"]
    again = applied("rollback", "--yes", "--limit", "hv01")
    assert again.code == 1
    assert "run 1 changed nothing on hv01 that is still in effect" in again.err
    assert applied("rollback", "--yes").code == 0
    assert (here / "directory.ldif").read_bytes() == plain()


def test_hosts_that_the_run_did_not_change_are_2(delegation: Delegation, here: Path) -> None:
    """No older run is meant by that."""
    assert delegation("apply", "--yes", "--limit", "hv01").code == 0
    assert delegation("apply", "--yes").code == 0
    before = (here / "directory.ldif").read_bytes()
    for hosts in ("hv01", "hv[01-02]", "hv09", "hv[", ""):
        ran = delegation("rollback", "--yes", "--limit", hosts)
        assert ran.code == 2, hosts
    assert "its hosts are hv[02-03]" in delegation("rollback", "--limit", "hv01").err
    assert (here / "directory.ldif").read_bytes() == before


def test_what_is_undone_by_hand_on_these_hosts_is_not_passed_over(
    delegation: Delegation, here: Path
) -> None:
    assert delegation("apply", "--yes").code == 0
    edited(here / "directory.ldif", hv01=[])
    assert delegation("apply", "--yes", "--limit", "hv01").code == 0
    edited(here / "directory.ldif", hv01=[])
    ran = delegation("rollback", "--yes", "--limit", "hv01")
    assert ran.code == 0
    assert "nothing to do: all that run 2 changed on hv01 is as it was before already" in ran.err


# By the journal alone


@pytest.mark.parametrize("content", [None, b"", b"hosts: [", b"\xff\xfe\x00", b"x" * 3_000_000])
def test_no_valid_inventory_is_needed(
    applied: Delegation, here: Path, content: bytes | None
) -> None:
    if content is None:
        (here / "inventory.yaml").unlink()
    else:
        (here / "inventory.yaml").write_bytes(content)
    ran = applied("rollback", "--yes")
    assert ran.code == 0
    assert "warning" in ran.err
    assert "inventory.yaml" in ran.err
    assert (here / "directory.ldif").read_bytes() == plain()


def test_the_state_folder_alone_is_enough(
    applied: Delegation, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another folder, no inventory there: the run's own directory is found again."""
    elsewhere = here.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (here / "inventory.yaml").unlink()
    assert applied("--state", here / ".delegation", "rollback", "--yes").code == 0
    assert (here / "directory.ldif").read_bytes() == plain()
    assert list(elsewhere.iterdir()) == []


# What others did since


def test_later_values_of_others_stay(applied: Delegation, here: Path) -> None:
    now = held(here / "directory.ldif")
    edited(here / "directory.ldif", hv01=[*now["hv01"].values, "cifs/iso"])
    assert applied("rollback", "--yes").code == 0
    after = held(here / "directory.ldif")
    assert after["hv01"].values == {"cifs/iso"}
    assert after["hv01"].uac == MEMBER
    assert after["hv02"] == after["hv03"] == holdings(plain())["hv02"]


def test_what_it_governs_is_warned_of(applied: Delegation, here: Path) -> None:
    now = held(here / "directory.ldif")
    edited(here / "directory.ldif", hv01=[*now["hv01"].values, "cifs/iso"])
    ran = applied("rollback", "--yes")
    assert "warning: hv01" in ran.err
    assert "cifs/iso" in ran.err


def test_a_value_of_the_run_that_is_gone_counts_as_done(applied: Delegation, here: Path) -> None:
    now = held(here / "directory.ldif")
    edited(here / "directory.ldif", hv01=now["hv01"].values - {"cifs/hv02"})
    ran = applied("rollback", "--yes")
    assert ran.code == 0
    assert "23 to take back" in ran.out
    assert "1 value of hv01 as before already" in ran.out
    assert held(here / "directory.ldif") == holdings(plain())


def test_a_flag_of_the_run_that_is_cleared_counts_as_done(applied: Delegation, here: Path) -> None:
    values = [forms(*(f"hv0{m}" for m in (1, 2, 3) if m != n)) for n in (1, 2, 3)]
    (here / "directory.ldif").write_bytes(
        directory(
            account("HV01", *values[0]),
            account("HV02", *values[1], uac=MEMBER | TRANSITION),
            account("HV03", *values[2], uac=MEMBER | TRANSITION),
        )
    )
    ran = applied("rollback", "--yes")
    assert ran.code == 0
    assert "1 flag of hv01 as before already" in ran.out
    assert held(here / "directory.ldif") == holdings(plain())


def test_what_is_undone_by_hand_needs_nothing(applied: Delegation, here: Path) -> None:
    (here / "directory.ldif").write_bytes(plain())
    ran = applied("rollback", "1", "--yes")
    assert ran.code == 0
    assert "nothing to do: all that run 1 changed is as it was before already" in ran.err
    assert (here / "directory.ldif").read_bytes() == plain()
    [_, page] = applied("history", "--format", "json").json["runs"]
    assert (page["kind"], page["reverses"], page["status"]) == ("rollback", 1, "done")
    assert page["summary"] == {"objects": 0, "as before": 3}
    assert applied("history", "2", "--format", "json").json["undo_file"] is None
    again = applied("rollback", "--yes")
    assert again.code == 1
    assert "there is no apply left to undo" in again.err


def test_what_a_colleague_adds_after_that_is_his_own(applied: Delegation, here: Path) -> None:
    """It counted as done, whether a rollback had more to write or not."""
    now = held(here / "directory.ldif")
    edited(here / "directory.ldif", hv01=now["hv01"].values - {"cifs/hv02"})
    assert applied("rollback", "--yes").code == 0
    edited(here / "directory.ldif", hv01=["cifs/hv02"])
    nothing = applied("rollback", "--yes")
    assert nothing.code == 1
    assert held(here / "directory.ldif")["hv01"].values == {"cifs/hv02"}
    assert applied("rollback", "1", "--yes").code == 1
    assert held(here / "directory.ldif")["hv01"].values == {"cifs/hv02"}

    assert applied("apply", "--yes").code == 0
    (here / "directory.ldif").write_bytes(plain())
    assert applied("rollback", "--yes").code == 1, "run 3 is passed over"
    edited(here / "directory.ldif", hv02=["cifs/hv01"])
    assert applied("rollback", "--yes").code == 1
    assert held(here / "directory.ldif")["hv02"].values == {"cifs/hv01"}


def test_what_a_later_run_of_ours_took_away_is_not_called_done(
    delegation: Delegation, here: Path
) -> None:
    """Else it would stay for good where that run is undone."""
    assert delegation("apply", "--yes").code == 0
    text = INVENTORY.replace("hv[01-03]", "hv[01-02]") + "retired: [hv03]\n"
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    assert delegation("apply", "--yes", "--allow", "removals").code == 0
    ran = delegation("rollback", "1", "--yes", "--limit", "hv03")
    assert ran.code == 0
    assert "hv03: 9 parts changed again by run 2, and left to it" in ran.err
    assert "nothing to do: nothing of run 1 on hv03 is left to take back" in ran.err
    edited(here / "directory.ldif", hv03=["cifs/hv01"])
    assert delegation("rollback", "1", "--yes", "--limit", "hv03").code == 0
    assert held(here / "directory.ldif")["hv03"].values == {"cifs/hv01"}, "somebody's own"
    edited(here / "directory.ldif", hv03=[])
    assert len(delegation("history", "--format", "json").json["runs"]) == 2
    assert delegation("rollback", "--yes").code == 0
    assert held(here / "directory.ldif") == holdings(finished())
    assert delegation("rollback", "--yes").code == 0
    assert held(here / "directory.ldif") == holdings(plain())


def test_what_is_undone_by_hand_is_passed_over(delegation: Delegation, here: Path) -> None:
    assert delegation("apply", "--yes", "--limit", "hv01").code == 0
    after = (here / "directory.ldif").read_bytes()
    assert delegation("apply", "--yes").code == 0
    (here / "directory.ldif").write_bytes(after)
    ran = delegation("rollback", "--yes")
    assert ran.code == 0
    assert "run 2 is passed over: all that it changed is as it was before already" in ran.err
    assert (here / "directory.ldif").read_bytes() == plain()


@pytest.fixture
def repaired(applied: Delegation, here: Path) -> Delegation:
    """Somebody takes the values from hv01 and hv02, all and one; run 2 gives them back."""
    now = held(here / "directory.ldif")
    edited(here / "directory.ldif", hv01=[], hv02=now["hv02"].values - {"cifs/hv01"})
    assert applied("apply", "--yes").code == 0
    return applied


def test_what_a_later_run_wrote_again_is_a_conflict(repaired: Delegation, here: Path) -> None:
    before = (here / "directory.ldif").read_bytes()
    ran = repaired("rollback", "1", "--yes")
    assert ran.code == 4
    assert "nothing was written" in ran.err
    stays = "8 values, written again by run 2; protocol_transition, which governs what stays"
    assert f"hv01: {stays} [conflict]" in ran.err
    stays = "cifs/hv01, written again by run 2; protocol_transition, which governs what stays"
    assert f"hv02: {stays} [conflict]" in ran.err
    assert f"hv02: {stays}; -v shows them" in ran.out
    assert "or undo the later run first, then try again; --skip-conflicts undoes" in ran.err
    shown = repaired("rollback", "1", "--yes", "-v").out
    assert "hv01  cifs/hv03  written again by run 2" in shown
    assert "-v shows them" not in shown
    assert (here / "directory.ldif").read_bytes() == before
    assert len(repaired("history", "--format", "json").json["runs"]) == 2


def test_the_rest_is_undone_where_conflicts_are_skipped(repaired: Delegation, here: Path) -> None:
    later = held(here / "directory.ldif")
    ran = repaired("rollback", "1", "--yes", "--skip-conflicts")
    assert ran.code == 1
    assert "left on hv01: 8 values, written again by run 2; protocol_transition," in ran.err
    assert "left on hv02: cifs/hv01, written again by run 2" in ran.err
    after = held(here / "directory.ldif")
    assert after["hv01"] == later["hv01"]
    assert after["hv02"].values == {"cifs/hv01"}
    assert after["hv02"].uac == MEMBER | TRANSITION
    assert after["hv03"] == holdings(plain())["hv03"]
    before = (here / "directory.ldif").read_bytes()
    again = repaired("rollback", "1", "--yes", "--skip-conflicts")
    assert again.code == 1
    assert "nothing of run 1 can be taken back now; nothing was written" in again.err
    assert "hv01: 8 values, written again by run 2" in again.out
    assert (here / "directory.ldif").read_bytes() == before
    assert repaired("rollback", "2", "--yes", "--skip-conflicts").code == 0
    assert repaired("rollback", "--yes").code == 0
    assert held(here / "directory.ldif") == holdings(plain())


def test_a_danger_is_no_conflict_to_be_skipped(delegation: Delegation, here: Path) -> None:
    text = INVENTORY + "policy: {unconstrained: clear}\n"
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    (here / "directory.ldif").write_bytes(
        directory(account("HV01", uac=MEMBER | UNCONSTRAINED), account("HV02"), account("HV03"))
    )
    assert delegation("apply", "--yes").code == 0
    ran = delegation("rollback", "--yes", "--skip-conflicts")
    assert ran.code == 4
    assert "--skip-conflicts" not in ran.err


def test_the_later_run_first_and_all_is_undone(repaired: Delegation, here: Path) -> None:
    assert repaired("rollback", "--yes").code == 0
    assert repaired("rollback", "--yes").code == 0
    assert held(here / "directory.ldif") == holdings(plain())
    ran = repaired("rollback", "--yes")
    assert ran.code == 1
    assert "there is no apply left to undo" in ran.err


def test_back_to_a_run_or_one_run_and_not_both(delegation: Delegation, here: Path) -> None:
    export = here / "directory.ldif"
    assert delegation("apply", "--yes", "--limit", "hv01").code == 0
    after = export.read_bytes()
    assert delegation("apply", "--yes", "--limit", "hv02").code == 0
    assert delegation("apply", "--yes").code == 0
    assert delegation("rollback", "2", "--to", "1", "--yes").code == 2
    assert delegation("rollback", "--to", "9", "--yes").code == 2
    ran = delegation("rollback", "--to", "1", "--yes")
    assert ran.code == 0
    assert "Undo of all after run 1 (runs 2, 3) on directory.ldif" in ran.out
    assert export.read_bytes() == after
    assert "rollback to 1" in delegation("history").out
    assert "back to     run 1, which stays" in delegation("history", "4").out
    assert delegation("rollback", "--yes").code == 0
    assert export.read_bytes() == plain()


def test_an_object_that_is_not_found_is_left_by_name_and_taken_back_when_it_is_restored(
    applied: Delegation, here: Path
) -> None:
    export = here / "directory.ldif"
    text = export.read_text(encoding="utf-8")
    [gone] = [one for one in text.split("\n\n") if "CN=HV02" in one]
    export.write_text(text.replace(f"{gone}\n\n", ""), encoding="utf-8")
    ran = applied("rollback", "--yes")
    assert ran.code == 1
    assert "hv02: left: not found by GUID" in ran.err
    assert "delegation rollback 1" in ran.err
    export.write_bytes(export.read_bytes() + f"\n{gone}\n".encode())
    assert applied("rollback", "1", "--yes").code == 0
    assert held(export) == holdings(plain())


def test_a_run_of_which_nothing_else_is_left_is_passed_over(
    delegation: Delegation, here: Path
) -> None:
    export = here / "directory.ldif"
    assert delegation("apply", "--yes", "--limit", "hv01").code == 0
    assert delegation("apply", "--yes", "--limit", "hv02").code == 0
    text = export.read_text(encoding="utf-8")
    [gone] = [one for one in text.split("\n\n") if "CN=HV02" in one]
    export.write_text(text.replace(f"{gone}\n\n", ""), encoding="utf-8")
    older = delegation("rollback", "--yes")
    assert older.code == 0
    assert "run 2 is passed over: hv02: left: not found by GUID" in older.err
    assert "Undo of run 1" in older.out
    nothing = delegation("rollback", "--yes")
    assert nothing.code == 1
    assert "run 2 is passed over" in nothing.err
    assert delegation("rollback", "2", "--yes").code == 1
    export.write_bytes(export.read_bytes() + f"\n{gone}\n".encode())
    assert delegation("rollback", "--yes").code == 0
    assert held(export) == holdings(plain())


def test_an_object_that_moved_is_found_by_its_guid(applied: Delegation, here: Path) -> None:
    text = (here / "directory.ldif").read_text(encoding="utf-8")
    moved = text.replace("CN=HV02,OU=Hyper-V", "CN=HV02-OLD,OU=Attic")
    assert moved != text
    (here / "directory.ldif").write_text(moved, encoding="utf-8")
    ran = applied("rollback", "--yes")
    assert ran.code == 0
    is_now = "hv02 (CN=HV02-OLD,OU=Attic,DC=corp,DC=example)"
    assert f"{is_now} is what the journal calls hv02 (CN=HV02,OU=Hyper-V,DC=corp,DC" in ran.err
    assert held(here / "directory.ldif") == holdings(plain())


def test_objects_that_moved_together_are_told_together(applied: Delegation, here: Path) -> None:
    text = (here / "directory.ldif").read_text(encoding="utf-8")
    moved = text.replace(",OU=Hyper-V", ",OU=Attic")
    (here / "directory.ldif").write_text(moved, encoding="utf-8")
    ran = applied("rollback", "--yes")
    assert ran.code == 0
    there, here_now = "OU=Hyper-V,DC=corp,DC=example", "OU=Attic,DC=corp,DC=example"
    assert f"hv[01-03]: in {here_now} now, in {there} in the journal" in ran.err


def _forge(here: Path) -> None:
    """What run 1 did to hv03 is now said to have been done to hv01, and hv01 is left out."""
    with closing(sqlite3.connect(here / ".delegation" / "journal.sqlite")) as db, db:
        ((name, dn),) = db.execute("SELECT name, dn FROM changes WHERE name = 'hv01'")
        db.execute("DELETE FROM changes WHERE name IN ('hv01', 'hv02')")
        db.execute("UPDATE changes SET name = ?, dn = ?", (name, dn))


@pytest.mark.parametrize("is_partly_undone", [False, True])
def test_a_forged_name_in_the_journal_hides_no_object(
    applied: Delegation,
    here: Path,
    is_partly_undone: bool,  # noqa: FBT001
) -> None:
    """A rollback that says hv01 would write to hv03, which is what the objectGUID is of."""
    _forge(here)
    if is_partly_undone:
        edited(here / "directory.ldif", hv03=["cifs/hv01"])
    ran = applied("rollback", "--yes", "-v")
    assert ran.code == 0
    forged = "hv01 (CN=HV01,OU=Hyper-V,DC=corp,DC=example)"
    assert f"HV03 (CN=HV03,OU=Hyper-V,DC=corp,DC=example) is what the journal calls {forged}" in (
        ran.err
    )
    named = [line for line in (ran.out + ran.err).splitlines() if "hv01" in line]
    assert all("is what the journal calls" in line or "/hv01" in line for line in named), named
    assert ("of HV03 as before already" in ran.out) is is_partly_undone
    undone = applied("history", "2", "--format", "json").json["changes"]
    assert [change["computer"] for change in undone] == ["HV03"]


def test_the_original_spelling_comes_back(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").write_text(INVENTORY + "retired: [hv99]\n", encoding="utf-8")
    (here / "directory.ldif").write_bytes(
        directory(account("HV01", "CIFS/Hv99", "cifs/HV02"), account("HV02"), account("HV03"))
    )
    before = (here / "directory.ldif").read_bytes()
    delegation("apply", "--yes")
    assert "CIFS/Hv99" not in held(here / "directory.ldif")["hv01"].values
    assert delegation("rollback", "--yes").code == 0
    assert (here / "directory.ldif").read_bytes() == before


# Refusals


@pytest.fixture
def cleared(delegation: Delegation, here: Path) -> Delegation:
    """Run 1 took unconstrained delegation away from hv01."""
    text = INVENTORY + "policy: {unconstrained: clear}\n"
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    (here / "directory.ldif").write_bytes(
        directory(account("HV01", uac=MEMBER | UNCONSTRAINED), account("HV02"), account("HV03"))
    )
    assert delegation("apply", "--yes").code == 0
    assert held(here / "directory.ldif")["hv01"].uac == MEMBER | TRANSITION
    return delegation


def test_unconstrained_delegation_comes_back_only_by_its_override(
    cleared: Delegation, here: Path
) -> None:
    before = (here / "directory.ldif").read_bytes()
    ran = cleared("rollback", "--yes")
    assert ran.code == 4
    assert "--allow unconstrained" in ran.err
    assert (here / "directory.ldif").read_bytes() == before
    assert cleared("rollback", "--yes", "--allow", "unconstrained").code == 0
    assert held(here / "directory.ldif")["hv01"].uac == MEMBER | UNCONSTRAINED


@pytest.mark.parametrize("name", ["removals", "flag-change", "everything"])
def test_other_overrides_are_not_its_own(cleared: Delegation, name: str) -> None:
    assert cleared("rollback", "--yes", "--allow", name).code == 2


def test_nothing_restores_a_value_to_a_domain_controller(
    delegation: Delegation, here: Path
) -> None:
    """hv99 was a host when the run removed its values, and is a domain controller now."""
    (here / "inventory.yaml").write_text(INVENTORY + "retired: [hv99]\n", encoding="utf-8")
    records = [account("HV01", *forms("hv99")), account("HV02"), account("HV03")]
    (here / "directory.ldif").write_bytes(directory(*records))
    delegation("apply", "--yes")
    promoted = account("HV99", uac=CONTROLLER, group=516)
    with (here / "directory.ldif").open("ab") as file:
        file.write(promoted.encode())
    before = (here / "directory.ldif").read_bytes()
    ran = delegation("rollback", "--yes", "--allow", "unconstrained")
    assert ran.code == 4
    assert "domain controller" in ran.err
    assert (here / "directory.ldif").read_bytes() == before


def test_it_is_exempt_from_max_removals(applied: Delegation, here: Path) -> None:
    assert "24 to take back" in applied("rollback", "--yes").out
    assert (here / "directory.ldif").read_bytes() == plain()


# The question


def test_without_a_terminal_it_needs_yes(applied: Delegation, here: Path) -> None:
    before = tree(here)
    ran = applied("rollback")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert tree(here) == before


def test_it_can_be_declined_interrupted_and_confirmed(applied: Delegation, here: Path) -> None:
    before = (here / "directory.ldif").read_bytes()
    with at_terminal("rollback") as terminal:
        terminal.until("[y/N]")
        terminal.types("n\n")
        assert terminal.ends() == 1
    assert (here / "directory.ldif").read_bytes() == before
    with at_terminal("rollback") as terminal:
        terminal.until("[y/N]")
        terminal.interrupts()
        assert terminal.ends() == 130
    assert (here / "directory.ldif").read_bytes() == before
    assert len(applied("history", "--format", "json").json["runs"]) == 1
    with at_terminal("rollback") as terminal:
        terminal.until("[y/N]")
        terminal.types("yes\n")
        assert terminal.ends() == 0
    assert (here / "directory.ldif").read_bytes() == plain()


def test_what_changed_during_the_question_is_refused(applied: Delegation, here: Path) -> None:
    with at_terminal("rollback") as terminal:
        terminal.until("[y/N]")
        edited(here / "directory.ldif", hv01=[])
        edit = (here / "directory.ldif").read_bytes()
        terminal.types("y\n")
        assert terminal.ends() == 4
    assert "hv01" in terminal.screen
    assert (here / "directory.ldif").read_bytes() == edit


def test_what_appeared_during_the_question_stays(applied: Delegation, here: Path) -> None:
    """Somebody's value is no reason to refuse, and must not be overwritten."""
    now = held(here / "directory.ldif")
    with at_terminal("rollback") as terminal:
        terminal.until("[y/N]")
        edited(here / "directory.ldif", hv01=[*now["hv01"].values, "cifs/iso"])
        terminal.types("y\n")
        code = terminal.ends()
    after = held(here / "directory.ldif")["hv01"].values
    assert "cifs/iso" in after
    if code == 0:
        assert after == {"cifs/iso"}
    else:
        assert code == 4
        assert after == now["hv01"].values | {"cifs/iso"}


# Its own record


def test_a_rollback_is_a_run_with_an_undo_file_of_its_own(applied: Delegation, here: Path) -> None:
    applied("rollback", "--yes")
    run = applied("history", "2", "--format", "json").json
    assert run["kind"] == "rollback"
    assert run["reverses"] == 1
    assert run["status"] == "done"
    assert undo_file(here / ".delegation", 2).is_file()


def test_one_that_died_is_settled_and_done_again(applied: Delegation, here: Path) -> None:
    killed = spawned("rollback", "--yes", program=sabotaged("os._exit(70)"), cwd=here)
    assert killed.code == 70
    ran = applied("rollback", "--yes")
    assert ran.code == 0
    assert "had not been written: hv[01-03]" in ran.err
    assert (here / "directory.ldif").read_bytes() == plain()
