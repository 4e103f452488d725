"""The queue in a journal on a disk: what is committed when, and who may read it meanwhile."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.changes.run import DONE, FAILED, INTERRUPTED, RUNNING, NewRun
from delegation.errors import Busy, JournalError
from delegation.hosts.machines import Failure, MovePhase, MoveProgress, UnderWay
from delegation.migrations import MIGRATE
from delegation.migrations.lifecycle import (
    IllegalStepError,
    Migration,
    MigrationState,
    MigrationStep,
)
from delegation.migrations.moves.terms import Liberties
from delegation.migrations.record import queue, recorded
from delegation.migrations.record.noted import RunNotes
from delegation.migrations.record.queue import Queue
from delegation.migrations.slot_counts import SlotCounts
from delegation.wiring import KINDS

RUN = NewRun(MIGRATE, "hosts:corp.example", "corp.example", "hv[01-02]", {})
ONE, TWO = UUID(int=1), UUID(int=2)
HANDLE = "77"


def move(machine: UUID, source: str = "hv01", target: str = "hv02") -> Migration:
    return Migration(
        machine, f"vm{machine.int}", source, target, r"D:\VMs", 4, 100, 104, 12.5, at=source
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal.writable(tmp_path, KINDS)) as opened:
        yield opened


@pytest.fixture
def queued(journal: Journal) -> Queue:
    return queue.begin(journal, RUN, [move(ONE), move(TWO)])


def phases(folder: Path, run: int = 1) -> list[Migration]:
    """The same, with what those that run are at."""
    with closing(Journal.readable(folder, KINDS)) as other:
        return recorded.migrations(other, run, with_phases=True)


def read(folder: Path, run: int = 1) -> list[Migration]:
    """What another process sees."""
    with closing(Journal.readable(folder, KINDS)) as other:
        return recorded.migrations(other, run)


def test_what_is_asked_for_is_there_at_once(tmp_path: Path, queued: Queue) -> None:
    assert read(tmp_path) == [move(ONE), move(TWO)] == queued.moves()
    assert [move.state for move in queued.moves()] == [MigrationState.QUEUED] * 2


def test_every_step_is_seen_by_others_when_it_returns(tmp_path: Path, queued: Queue) -> None:
    started = queued.step(ONE, MigrationStep.INTENDED, at="hv01", to="hv02", handle=HANDLE)
    assert read(tmp_path)[0] == started
    assert (started.state, started.handle, started.to) == (MigrationState.STARTING, HANDLE, "hv02")
    assert started.started
    queued.advanced({ONE: MoveProgress(40)})
    assert read(tmp_path)[0].percent == 40
    moved = queued.step(ONE, MigrationStep.ARRIVED, at="hv02")
    assert read(tmp_path)[0] == moved
    assert moved.ended
    assert moved.percent == 100
    assert (moved.started, moved.at) == (started.started, "hv02")


def test_a_reason_lasts_until_the_next_step(queued: Queue) -> None:
    queued.step(ONE, MigrationStep.INTENDED, at="hv01", to="hv02", handle=HANDLE)
    failed = queued.step(ONE, MigrationStep.POSTPONED, "the disk is busy", "wait", attempts=1)
    assert (failed.reason, failed.fix, failed.attempts) == ("the disk is busy", "wait", 1)
    due = queued.step(ONE, MigrationStep.DUE)
    assert (due.reason, due.fix, due.attempts) == ("", "", 1)
    assert queued.explain(ONE, "hv02 is away").reason == "hv02 is away"


def test_a_step_that_is_none_is_refused_and_nothing_is_written(
    tmp_path: Path, queued: Queue
) -> None:
    with pytest.raises(IllegalStepError):
        queued.step(ONE, MigrationStep.REATTACHED)
    assert read(tmp_path) == [move(ONE), move(TWO)]
    with closing(Journal.readable(tmp_path, KINDS)) as other:
        assert recorded.steps(other, 1) == []


def test_who_is_not_up_to_date_is_refused(journal: Journal, queued: Queue) -> None:
    stale = Queue(journal, queued.run)
    queued.step(ONE, MigrationStep.INTENDED, at="hv01", to="hv02", handle=HANDLE)
    with pytest.raises(JournalError, match="not queued any more"):
        stale.step(ONE, MigrationStep.INTENDED, at="hv01", to="hv02", handle=HANDLE)


def test_all_that_happened_can_be_told(journal: Journal, queued: Queue) -> None:
    queued.step(ONE, MigrationStep.INTENDED, at="hv01", to="hv03", handle=HANDLE)
    queued.step(ONE, MigrationStep.PASSED, at="hv03", attempts=0)
    told = recorded.steps(journal, queued.run)
    assert [(one.step, one.state, one.at, one.to) for one in told] == [
        (MigrationStep.INTENDED, MigrationState.STARTING, "hv01", "hv03"),
        (MigrationStep.PASSED, MigrationState.QUEUED, "hv03", "hv03"),
    ]


def test_a_wish_from_another_terminal_is_taken_once(tmp_path: Path, queued: Queue) -> None:
    with closing(Journal.writable(tmp_path, KINDS)) as other:
        queue.ask_to_give_up(other, queued.run, [ONE])
        queue.ask_to_give_up(other, queued.run, [ONE])
    assert queued.requests() == {ONE: False}
    (taken,) = queued.abandon(queued.requests())
    assert (taken.abandoned, taken.kill) == (True, False)
    assert read(tmp_path)[0] == taken
    assert queued.requests() == {}


def test_a_wish_to_kill_outlasts_a_milder_one(tmp_path: Path, queued: Queue) -> None:
    with closing(Journal.writable(tmp_path, KINDS)) as other:
        queue.ask_to_give_up(other, queued.run, [ONE], kill=True)
        queue.ask_to_give_up(other, queued.run, [ONE])
    assert queued.requests() == {ONE: True}
    queued.abandon(queued.requests())
    (taken,) = queued.abandon({ONE: False})
    assert (taken.abandoned, taken.kill) == (True, True)
    assert read(tmp_path)[0] == taken


def test_what_a_host_said_is_kept_until_the_next_try(
    tmp_path: Path, journal: Journal, queued: Queue
) -> None:
    said = Failure("失敗\n しました", "0x80070020", "21024", 32768, MovePhase.STORAGE)
    queued.step(ONE, MigrationStep.INTENDED, at="hv01", to="hv02", handle=HANDLE)
    queued.step(ONE, MigrationStep.POSTPONED, "in use", said=said)
    queued.step(ONE, MigrationStep.DUE)
    assert read(tmp_path)[0].said == said
    assert [step.said for step in recorded.steps(journal, queued.run)] == [None, said, None]
    queued.step(ONE, MigrationStep.INTENDED, at="hv01", to="hv02", handle=HANDLE)
    assert read(tmp_path)[0].said is None


def test_what_a_run_notes_is_read_again(journal: Journal) -> None:
    liberties = Liberties(assume_full=True, with_checkpoints=True)
    made = queue.begin(journal, RUN, [move(ONE)], liberties)
    counts = SlotCounts(
        ONE, "web01", {"hv01": UnderWay(1, 0)}, {"hv01": UnderWay(2, 1)}, {"hv01": 1}
    )
    assert not made.has_counts()
    made.note_counts(counts)
    assert made.has_counts()
    assert recorded.notes(journal, made.run) == RunNotes(liberties, counts)


def test_what_is_queued_ends_by_what_is_found_before_it_is_sent(queued: Queue) -> None:
    there = queued.step(ONE, MigrationStep.ARRIVED, "it was there already", at="hv02")
    assert (there.state, there.at, there.started) == (MigrationState.MOVED, "hv02", None)
    held_up = queued.step(TWO, MigrationStep.POSTPONED, "busy")
    assert held_up.state is MigrationState.WAITING


def test_runs_without_an_end_and_what_may_run(journal: Journal, queued: Queue) -> None:
    assert recorded.unfinished(journal) == [1]
    assert recorded.under_way(journal) == []
    started = queued.step(ONE, MigrationStep.INTENDED, at="hv01", to="hv02", handle=HANDLE)
    assert recorded.under_way(journal) == [(1, started)]
    queued.step(ONE, MigrationStep.ARRIVED, at="hv02")
    queued.step(TWO, MigrationStep.ABANDONED)
    assert recorded.unfinished(journal) == []


def test_a_later_run_takes_over_what_waits_for_the_same_machines(
    journal: Journal, queued: Queue
) -> None:
    queued.step(ONE, MigrationStep.INTENDED, at="hv01", to="hv02", handle=HANDLE)
    later = queue.begin(journal, RUN, [move(ONE), move(TWO, target="hv03")])
    first = recorded.migrations(journal, 1)
    assert [one.state for one in first] == [MigrationState.STARTING, MigrationState.ABORTED]
    assert first[1].reason == "run 2 moves it"
    assert [one.state for one in later.moves()] == [MigrationState.QUEUED] * 2
    assert recorded.steps(journal, 1)[-1].step is MigrationStep.ABANDONED


def test_its_end_says_how_many_are_in_each_state(journal: Journal, queued: Queue) -> None:
    queued.step(ONE, MigrationStep.INTENDED, at="hv01", to="hv02", handle=HANDLE)
    queued.finish(interrupted=True)
    assert journal.run(1).status == INTERRUPTED
    assert journal.run(1).summary == {"objects": 2, "queued": 1, "starting": 1}
    queued.step(ONE, MigrationStep.ARRIVED, at="hv02")
    queued.finish()
    assert journal.run(1).status == FAILED
    queued.step(TWO, MigrationStep.INTENDED, at="hv01", to="hv02", handle=HANDLE)
    queued.step(TWO, MigrationStep.ARRIVED, at="hv02")
    queued.finish()
    assert journal.run(1).status == DONE


def test_the_end_is_written_anew_where_something_has_changed(
    journal: Journal, queued: Queue
) -> None:
    queued.step(TWO, MigrationStep.ABANDONED)
    queued.amend()
    assert journal.run(1).status == RUNNING, "it has no end: it was left"
    queued.finish(interrupted=True)
    ended = journal.run(1).finished
    queue.begin(journal, RUN, [move(ONE)])
    first = journal.run(1)
    assert (first.status, first.finished) == (INTERRUPTED, ended)
    assert first.summary == {"objects": 2, "aborted": 2}


def test_a_run_of_which_nothing_is_left_has_ended(journal: Journal, queued: Queue) -> None:
    queued.step(ONE, MigrationStep.ABANDONED)
    queued.step(TWO, MigrationStep.ABANDONED)
    queued.amend()
    first = journal.run(1)
    assert first.status == FAILED
    assert first.finished
    assert first.summary == {"objects": 2, "aborted": 2}


def test_a_run_that_goes_on_is_running_again(journal: Journal, queued: Queue) -> None:
    queued.finish()
    assert journal.run(1).finished
    queued.reopen()
    assert (journal.run(1).status, journal.run(1).finished) == (RUNNING, None)


def test_a_journal_of_before_there_were_migrations_has_none(tmp_path: Path) -> None:
    with closing(Journal.writable(tmp_path, KINDS)) as new:
        later = ("looks", "baselines", "as_before", "accounts", "notes")
        for table in ("moves", "steps", "requests", *later):
            new.writing().execute(f"DROP TABLE {table}")
        for column in ("account", "inventory_path", "asked", "left_out", "back_to"):
            new.writing().execute(f"ALTER TABLE runs DROP COLUMN {column}")
        new.writing().execute("ALTER TABLE changes DROP COLUMN said_in")
        for index in ("untold_changes", "unknown_changes"):
            new.writing().execute(f"DROP INDEX {index}")
        new.writing().execute("ALTER TABLE runs DROP COLUMN undo_id")
        new.writing().execute("PRAGMA user_version = 2")
    with closing(Journal.readable(tmp_path, KINDS)) as old:
        assert recorded.migrations(old, 1) == []
        assert recorded.unfinished(old) == []
        assert recorded.steps(old, 1) == []
    with closing(Journal.writable(tmp_path, KINDS)) as made_new:
        assert queue.begin(made_new, RUN, [move(ONE)]).moves() == [move(ONE)]


def test_no_journal_at_all_has_none(tmp_path: Path) -> None:
    with closing(Journal.readable(tmp_path / "nowhere", KINDS)) as nothing:
        assert recorded.migrations(nothing, 1) == []


def test_one_migrates_at_a_time_and_others_may_write_meanwhile(tmp_path: Path) -> None:
    with store.lock(tmp_path, store.MIGRATING):
        with (
            pytest.raises(Busy, match="another migration run"),
            store.lock(tmp_path, store.MIGRATING),
        ):
            pass
        with store.lock(tmp_path):
            pass


DIES = """
import os, signal, sys
from contextlib import closing
from pathlib import Path
from uuid import UUID
from delegation.changes.journal import Journal
from delegation.migrations.record import queue
from delegation.migrations.lifecycle import MigrationStep
from delegation.migrations.slot_counts import SlotCounts
from delegation.wiring import KINDS
with closing(Journal.writable(Path(sys.argv[1]), KINDS)) as journal:
    queued = queue.Queue(journal, 1)
    queued.step(UUID(int=1), MigrationStep.INTENDED, at="hv01", to="hv02", handle="77")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_a_step_outlives_whoever_made_it(tmp_path: Path, queued: Queue) -> None:
    done = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert read(tmp_path)[0].handle == HANDLE
    assert read(tmp_path)[0].state is MigrationState.STARTING


def test_what_a_job_is_at_lasts_until_the_next_step_and_is_no_part_of_the_queue(
    tmp_path: Path, queued: Queue
) -> None:
    queued.step(ONE, MigrationStep.INTENDED, to="hv02", handle=HANDLE)
    queued.step(ONE, MigrationStep.ACCEPTED)
    queued.advanced({ONE: MoveProgress(40, MovePhase.WAITING, text="Warten auf den Host")})
    [first, second] = phases(tmp_path)
    assert (first.percent, first.phase) == (40, MovePhase.WAITING)
    assert first.status == "Warten auf den Host"
    assert (second.phase, second.status) == (None, "")
    assert read(tmp_path)[0].phase is None, "whoever decides something reads the queue alone"
    stopping = queued.step(ONE, MigrationStep.STOPPED)
    assert (stopping.phase, stopping.status, stopping.percent) == (None, "", 40)
    queued.advanced({ONE: MoveProgress(40, MovePhase.CANCELLING)})
    assert [one.phase for one in phases(tmp_path)] == [MovePhase.CANCELLING, None]
    queued.step(ONE, MigrationStep.RETURNED)
    assert [one.phase for one in phases(tmp_path)] == [None, None], "it does not run any more"


def test_a_phase_of_a_later_version_is_left_out(
    tmp_path: Path, journal: Journal, queued: Queue
) -> None:
    queued.step(ONE, MigrationStep.INTENDED, to="hv02", handle=HANDLE)
    queued.advanced({ONE: MoveProgress(1, MovePhase.STORAGE, text="x")})
    with closing(sqlite3.connect(journal.path)) as db, db:
        db.execute("UPDATE notes SET content = replace(content, 'moving storage', 'teleporting')")
    assert [(one.phase, one.status) for one in phases(tmp_path)] == [(None, "x"), (None, "")]
