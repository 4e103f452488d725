"""What later runs have written again is theirs, however it came about; on a real journal."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from delegation.changes.journal import Journal
from delegation.changes.outcomes import Result
from delegation.changes.rewrites import Rewrite, rewrites_of
from delegation.mesh.state import DELEGATION, DelegationChange
from delegation.wiring import KINDS
from tests.builders import ENABLED, TRANSITION, change, computer
from tests.changes.test_journal import done, rolled_back

HV01 = computer("hv01")
GIVES = change(HV01, add=["cifs/x", "cifs/y"], uac=ENABLED | TRANSITION)
REPAIRS = change(computer("hv01", "cifs/y", uac=ENABLED | TRANSITION), add=["cifs/x"])
TAKES = change(computer("hv01", "cifs/x"), remove=["cifs/x"])


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.writable(tmp_path, KINDS)
    yield opened
    opened.close()


def again(journal: Journal, number: int) -> dict[str, Rewrite]:
    """What of a run was written again, on its only object."""
    chosen = journal.run(number)
    made = journal.in_effect(number, DELEGATION)
    return dict(rewrites_of(journal, chosen, DELEGATION, made).get(HV01.guid, {}))


def test_what_nobody_wrote_again_is_the_runs_own(journal: Journal) -> None:
    assert again(journal, done(journal, GIVES)) == {}


def test_the_newest_that_wrote_it_again_is_told(journal: Journal) -> None:
    first, _, third = (done(journal, one) for one in (GIVES, REPAIRS, REPAIRS))
    assert again(journal, first) == {"cifs/x": Rewrite(third)}


def test_one_that_took_it_has_not_written_it_again(journal: Journal) -> None:
    first = done(journal, GIVES)
    done(journal, TAKES)
    assert again(journal, first) == {}


def test_one_that_is_undone_is_none(journal: Journal) -> None:
    """Nor is its rollback: that only puts back what was there before it."""
    first, second = done(journal, GIVES), done(journal, REPAIRS)
    back = rolled_back(journal, second)
    assert again(journal, first) == {}
    rolled_back(journal, back)
    assert again(journal, first) == {"cifs/x": Rewrite(second)}


def test_what_a_rollback_puts_back_is_no_writing_again(journal: Journal) -> None:
    first, second = done(journal, GIVES), done(journal, TAKES)
    rolled_back(journal, second)
    assert again(journal, first) == {}
    rolled_back(journal, rolled_back(journal, first))
    assert again(journal, first) == {}


def test_a_rollback_of_an_older_run_is_one(journal: Journal) -> None:
    first, second = done(journal, GIVES), done(journal, TAKES)
    third = rolled_back(journal, first)
    assert again(journal, second) == {"cifs/x": Rewrite(third)}


def test_one_that_wrote_nothing_is_none_and_one_in_doubt_is_perhaps(journal: Journal) -> None:
    first = done(journal, GIVES)
    done(journal, REPAIRS, result=Result.REFUSED)
    assert again(journal, first) == {}
    unknown = done(journal, REPAIRS, result=Result.UNKNOWN)
    found = again(journal, first)
    assert found == {"cifs/x": Rewrite(unknown, is_certain=False)}
    assert found["cifs/x"].words == f"perhaps written again by run {unknown}, which is in doubt"


def test_other_directories_and_other_objects_are_none_of_it(journal: Journal) -> None:
    first = done(journal, GIVES)
    done(journal, REPAIRS, directory="ldif:/tmp/export.ldif")
    other: DelegationChange = change(computer("hv02"), add=["cifs/x"])
    done(journal, other)
    assert again(journal, first) == {}
