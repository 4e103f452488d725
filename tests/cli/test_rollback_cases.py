"""A host of a run was deleted, and joined again or not: the others are taken back all the same.

The objectGUID that the run wrote to never exists again: nothing of it is left that could be undone.
"""

import shutil
from pathlib import Path

import pytest

from tests.cli.program import Delegation
from tests.cli.world import ROOT, held

CASE = ROOT / "tests" / "cases" / "rollback" / "host-joined-again"


JOINED_AGAIN = ("--allow", "new-account=hv02")


@pytest.fixture
def rejoined(delegation: Delegation, here: Path) -> Delegation:
    """Run 1 gave all four their mesh; then HV02 was deleted, and made anew under its name."""
    shutil.copy(CASE / "inventory.yaml", here / "inventory.yaml")
    shutil.copy(CASE / "before.ldif", here / "d.ldif")
    assert delegation("--directory", "ldif:d.ldif", "apply", "--yes").code == 0
    anew = record_of(CASE / "joined-again.ldif", "HV02")
    applied = record_of(here / "d.ldif", "HV02")
    text = (here / "d.ldif").read_text(encoding="utf-8")
    (here / "d.ldif").write_text(text.replace(applied, anew), encoding="utf-8")
    return delegation


def record_of(export: Path, name: str) -> str:
    records = export.read_text(encoding="utf-8").split("\n\n")
    [found] = [record for record in records if f"CN={name}," in record]
    return found.strip("\n")


def roll_back(delegation: Delegation, *words: str) -> tuple[int, str]:
    ran = delegation("--directory", "ldif:d.ldif", "rollback", *words, "--yes")
    return ran.code, ran.out + ran.err


def values(here: Path) -> dict[str, int]:
    now = held(here / "d.ldif")
    return {name: len(one.values) for name, one in now.items() if one.values}


def test_it_is_skipped_by_name_and_the_others_are_taken_back(
    rejoined: Delegation, here: Path
) -> None:
    assert set(values(here)) == {"hv01", "hv03", "hv04"}
    code, said = roll_back(rejoined)
    assert code == 1
    assert "hv02: left: not found by GUID" in said
    assert "3 applied" in said
    assert values(here) == {}
    code, said = roll_back(rejoined)
    assert (code, "run 1 is passed over" in said) == (1, True), said


def test_one_that_is_not_joined_again(rejoined: Delegation, here: Path) -> None:
    text = (here / "d.ldif").read_text(encoding="utf-8")
    anew = record_of(here / "d.ldif", "HV02")
    (here / "d.ldif").write_text(text.replace(f"{anew}\n\n", ""), encoding="utf-8")
    assert roll_back(rejoined, "1")[0] == 1
    assert values(here) == {}


def test_what_the_new_account_was_given_since_is_its_own(rejoined: Delegation, here: Path) -> None:
    assert rejoined("--directory", "ldif:d.ldif", "apply", "--yes", *JOINED_AGAIN).code == 0
    assert roll_back(rejoined, "1", "--skip-conflicts")[0] == 1
    assert values(here) == {"hv02": 12}
    assert roll_back(rejoined, "2")[0] == 0
    assert values(here) == {}


def test_back_over_runs_on_both_accounts(rejoined: Delegation, here: Path) -> None:
    """Each is the object of its own runs."""
    assert rejoined("--directory", "ldif:d.ldif", "apply", "--yes", *JOINED_AGAIN).code == 0
    rejoined("--directory", "ldif:d.ldif", "audit")
    code, said = roll_back(rejoined, "--to", "1")
    assert (code, set(values(here))) == (0, {"hv01", "hv03", "hv04"}), said
