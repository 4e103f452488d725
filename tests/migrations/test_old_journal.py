"""A journal that the version before has written, when a migration was a cmdlet in a remote shell.

``journal_6.sql`` is what its queue wrote: a run that was left with a migration in every state. The
machines are called by their states, and a handle is the number of a shell that nobody knows now.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from delegation.changes import journal_schema, store
from delegation.changes.journal import Journal
from delegation.hosts.machines import MoveOrder
from delegation.migrations.lifecycle import MigrationState
from delegation.migrations.record import recorded
from delegation.migrations.record.noted import RunNotes
from delegation.migrations.run_view import MigrationRunView
from delegation.migrations.tries import tries
from delegation.wiring import KINDS
from tests.migrations.station import Station
from tests.migrations.world import FakeHost, World, machine_id

SQL = Path(__file__).with_name("journal_6.sql").read_text(encoding="utf-8")
STATES = {
    "queued": "queued",
    "starting": "starting",
    "running": "running",
    "stopping": "stopping",
    "unknown": "unknown",
    "waiting": "waiting",
    "moved": "moved",
    "failed": "failed",
    "aborted": "aborted",
    "resting": "unknown",
    "gone": "running",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as db:
        db.executescript(SQL)
    return tmp_path


def states(journal: Journal) -> dict[str, str]:
    return {move.name: str(move.state) for move in recorded.migrations(journal, 1)}


def version(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as db:
        return store.version_of(db, folder)


def test_it_is_read_as_it_is(folder: Path) -> None:
    with closing(Journal.readable(folder, KINDS)) as journal:
        assert states(journal) == STATES
        assert set(STATES.values()) == {str(state) for state in MigrationState}
        assert recorded.to_be_given_up(journal, 1) == {machine_id("queued"): False}
        assert recorded.notes(journal, 1) == RunNotes()
        view = MigrationRunView.of(journal, journal.run(1), alive=False)
        assert view.to_json()["moves"][1]["said"] is None
        assert len(tries(view.moves, recorded.steps(journal, 1))) == 10
    assert version(folder) == 6


def test_it_is_written_on_as_one_of_this_version(folder: Path) -> None:
    with closing(Journal.writable(folder, KINDS)) as journal:
        assert states(journal) == STATES
    assert version(folder) == journal_schema.VERSION > 6


def test_what_was_under_way_is_found_out_from_both_hosts(folder: Path) -> None:
    """One still runs; others have arrived, rest where they were, or are nowhere."""
    made = World([FakeHost("hv01"), FakeHost("hv02")])
    for name in STATES:
        made.add("hv02" if name in {"unknown", "moved"} else "hv01", name)
    made.start("hv01", MoveOrder(machine_id("running"), "running", "hv02", ""), is_foreign=True)
    del made.hosts["hv01"].machines[machine_id("gone")]
    with closing(Journal.writable(folder, KINDS)) as journal:
        Station.of(made, journal, 1).go()
        ended = states(journal)
        reattached = [one for one in recorded.steps(journal, 1) if one.step == "reattached"]
    assert ended == {
        **dict.fromkeys(["starting", "running", "stopping", "unknown", "waiting"], "moved"),
        "resting": "moved",
        "moved": "moved",
        "queued": "aborted",
        "failed": "failed",
        "aborted": "aborted",
        "gone": "failed",
    }
    assert made.wrongs == []
    assert sorted(name for name, *_ in made.starts) == [
        "resting",
        "starting",
        "stopping",
        "waiting",
    ]
    assert [one.machine for one in reattached] == [machine_id("running")]
    for name, state in ended.items():
        if state == "moved":
            assert made.where(machine_id(name)) == ["hv02"], name
