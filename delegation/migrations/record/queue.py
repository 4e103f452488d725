"""Steps of migrations -> the queue in the journal: what is to move, how far, what is asked of it.

Every step is one commit, on disk before anything is done because of it. The queue is kept, never
a timetable: what starts when is decided anew by what the hosts say.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.changes.run import DONE, FAILED, INTERRUPTED, RUNNING, NewRun
from delegation.changes.run_record import RunRecord
from delegation.errors import JournalError
from delegation.hosts.machines import Failure, MoveProgress
from delegation.migrations.lifecycle import Migration, MigrationState, MigrationStep, after
from delegation.migrations.moves.terms import Liberties
from delegation.migrations.record import noted, recorded, run_page
from delegation.migrations.slot_counts import SlotCounts

BUSY_SECONDS = 60
"""How long another program may have the journal to itself."""


class Queue:
    """One run's migrations; implements work.QueueRecord. It has one writer (store.MIGRATING).

    Raises JournalError for what can't be recorded.
    """

    def __init__(self, journal: Journal, run: int) -> None:
        self.run = run
        self._journal = journal
        self._db = journal.writing()
        # Others only look at the journal, or write a line. Better to wait for them than to leave a
        # run whose migrations go on at their hosts.
        self._db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        self._moves = {move.machine: move for move in recorded.migrations(journal, run)}

    def moves(self) -> list[Migration]:
        return list(self._moves.values())

    def step(  # noqa: PLR0913 - what a step may change
        self,
        machine: UUID,
        step: MigrationStep,
        reason: str = "",
        fix: str = "",
        *,
        at: str | None = None,
        to: str | None = None,
        handle: str | None = None,
        attempts: int | None = None,
        said: Failure | None = None,
    ) -> Migration:
        before = self._moves[machine]
        now = run_page.now()
        stepped_on = replace(
            before,
            state=after(before.state, step),
            reason=reason,
            fix=fix,
            at=_changed_or_kept(at, before.at),
            to=_changed_or_kept(to, before.to),
            handle=_changed_or_kept(handle, before.handle),
            attempts=_changed_or_kept(attempts, before.attempts),
            said=None if step is MigrationStep.INTENDED else _changed_or_kept(said, before.said),
            phase=None,
            status="",
        )
        move = _timed(stepped_on, step, now)
        with store.transaction(self._db, self._journal.path):
            self._write(before, move)
            self._db.execute(
                "INSERT INTO steps (run, machine, time, step, state, host, bound, reason, said)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self.run,
                    str(machine),
                    now,
                    step,
                    move.state,
                    move.at,
                    move.to,
                    reason,
                    noted.failure_written(said),
                ),
            )
        self._moves[machine] = move
        return move

    def advanced(self, progress: Mapping[UUID, MoveProgress]) -> None:
        with store.transaction(self._db, self._journal.path):
            for machine, last in progress.items():
                before = self._moves[machine]
                move = replace(before, percent=last.percent, phase=last.phase, status=last.text)
                self._moves[machine] = move
                self._db.execute(
                    "UPDATE moves SET percent = ? WHERE run = ? AND machine = ?",
                    (move.percent, self.run, str(machine)),
                )
            # Beside the queue: nothing is decided by it, and it is gone with the next step.
            going_on = [move for move in self._moves.values() if move.phase or move.status]
            run_page.note(self._journal, self.run, noted.PHASES, noted.phases_json(going_on))

    def explain(self, machine: UUID, reason: str, fix: str = "") -> Migration:
        with store.transaction(self._db, self._journal.path):
            self._db.execute(
                "UPDATE moves SET reason = ?, fix = ? WHERE run = ? AND machine = ?",
                (reason, fix, self.run, str(machine)),
            )
        self._moves[machine] = replace(self._moves[machine], reason=reason, fix=fix)
        return self._moves[machine]

    def requests(self) -> dict[UUID, bool]:
        return recorded.to_be_given_up(self._journal, self.run)

    def abandon(self, wishes: Mapping[UUID, bool]) -> list[Migration]:
        keys = [(self.run, str(machine)) for machine in wishes]
        wanted = {True: recorded.TO_KILL, False: recorded.ABANDONED}
        with store.transaction(self._db, self._journal.path):
            self._db.executemany("DELETE FROM requests WHERE run = ? AND machine = ?", keys)
            self._db.executemany(
                "UPDATE moves SET abandoned = max(abandoned, ?) WHERE run = ? AND machine = ?",
                [(wanted[kill], self.run, str(machine)) for machine, kill in wishes.items()],
            )
        for machine, kill in wishes.items():
            move = self._moves[machine]
            self._moves[machine] = replace(move, abandoned=True, kill=move.kill or kill)
        return [self._moves[machine] for machine in wishes]

    def has_counts(self) -> bool:
        return recorded.notes(self._journal, self.run).counts is not None

    def note_counts(self, counts: SlotCounts) -> None:
        self._note("slot_counts", counts.to_json())

    def _note(self, name: str, data: Mapping[str, Any]) -> None:
        with store.transaction(self._db, self._journal.path):
            run_page.note(self._journal, self.run, name, data)

    def reopen(self) -> None:
        """The run goes on."""
        with store.transaction(self._db, self._journal.path):
            self._db.execute(
                "UPDATE runs SET status = ?, finished = NULL WHERE id = ?", (RUNNING, self.run)
            )

    def finish(self, *, interrupted: bool = False) -> None:
        """The run has ended; what has not can be taken up again."""
        summary = run_page.summary(self._journal, self.run)
        incomplete = INTERRUPTED if interrupted else FAILED
        status = DONE if run_page.is_complete(summary) else incomplete
        record: RunRecord[Any] = RunRecord(self._db, self._journal.path, self.run)
        record.finish(status, summary)

    def amend(self) -> None:
        """Write its end anew, where it has one, or nothing of it is left: something has changed."""
        with store.transaction(self._db, self._journal.path):
            run_page.amend(self._journal, self.run)

    def _write(self, before: Migration, move: Migration) -> None:
        # The state is compared in the same statement: of two writers, the second one fails here.
        written = self._db.execute(
            "UPDATE moves SET state = ?, host = ?, bound = ?, shell = ?, attempts = ?,"
            " percent = ?, started = ?, ended = ?, reason = ?, fix = ?, said = ?"
            " WHERE run = ? AND machine = ? AND state = ?",
            (
                move.state,
                move.at,
                move.to,
                move.handle,
                move.attempts,
                move.percent,
                move.started,
                move.ended,
                move.reason,
                move.fix,
                noted.failure_written(move.said),
                self.run,
                str(move.machine),
                before.state,
            ),
        )
        if written.rowcount != 1:
            raise JournalError(
                f"{self._journal.path}: {move.name} is not {before.state} any more in run "
                f"{self.run}: somebody else has changed the queue",
                "let nothing else write there; delegation migrate resume settles it",
            )


def begin(
    journal: Journal,
    run: NewRun,
    moves: Sequence[Migration],
    liberties: Liberties = Liberties(),  # noqa: B008 - frozen
) -> Queue:
    """A new run with these migrations queued. Those of earlier runs that wait are taken over."""
    # In one transaction: at no moment are there two runs that would both move a VM.
    with store.transaction(journal.writing(), journal.path):
        number = journal.add(run)
        _insert(journal, number, moves)
        run_page.note(journal, number, "liberties", noted.liberties_json(liberties))
        _take_over(journal, number)
    return Queue(journal, number)


def _insert(journal: Journal, run: int, moves: Sequence[Migration]) -> None:
    """Within a transaction: the migrations of a new run, queued."""
    journal.writing().executemany(
        "INSERT INTO moves (run, seq, machine, name, source, target, storage, memory, disk,"
        " size, seconds, state, host) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                run,
                seq,
                str(move.machine),
                move.name,
                move.source,
                move.target,
                move.storage,
                move.memory,
                move.disk,
                move.size,
                move.seconds,
                MigrationState.QUEUED,
                move.at or move.source,
            )
            for seq, move in enumerate(moves)
        ],
    )


_ELSEWHERE = "state IN (?, ?) AND run != ? AND machine IN (SELECT machine FROM moves WHERE run = ?)"
"""What waits in another run for a machine that this one moves."""


def _take_over(journal: Journal, run: int) -> None:
    """Within a transaction: give up in other runs what waits there for the VMs of this one."""
    db = journal.writing()
    elsewhere = (MigrationState.QUEUED, MigrationState.WAITING, run, run)
    why = f"run {run} moves it"
    rows = db.execute(f"SELECT DISTINCT run FROM moves WHERE {_ELSEWHERE}", elsewhere)  # noqa: S608
    bereft = [other for (other,) in rows]
    # The steps are copied from the moves first: afterwards nothing there waits any more.
    db.execute(
        "INSERT INTO steps (run, machine, time, step, state, host, bound, reason)"  # noqa: S608
        f" SELECT run, machine, ?, ?, ?, host, bound, ? FROM moves WHERE {_ELSEWHERE}",
        (run_page.now(), MigrationStep.ABANDONED, MigrationState.ABORTED, why, *elsewhere),
    )
    db.execute(
        f"UPDATE moves SET state = ?, ended = ?, reason = ? WHERE {_ELSEWHERE}",  # noqa: S608
        (MigrationState.ABORTED, run_page.now(), why, *elsewhere),
    )
    for other in bereft:
        run_page.amend(journal, other)


T = TypeVar("T")


def _changed_or_kept(changed: T | None, kept: T) -> T:
    return kept if changed is None else changed


def _timed(move: Migration, step: MigrationStep, now: str) -> Migration:
    """As it was stepped on, with the times and the percents that go with the step."""
    if step is MigrationStep.INTENDED:
        return replace(move, percent=0, started=move.started or now)
    if step is MigrationStep.ARRIVED:
        return replace(move, percent=100, ended=now)
    return replace(move, ended=now) if move.state.ended else move


def ask_to_give_up(
    journal: Journal, run: int, machines: Collection[UUID], *, kill: bool = False
) -> None:
    """Leave the wish that these be given up for whoever has the run.

    ``kill``: even in the way that may leave something running.
    """
    with store.transaction(journal.writing(), journal.path):
        journal.writing().executemany(
            "INSERT INTO requests (run, machine, time, kill) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (run, machine) DO UPDATE SET kill = max(kill, excluded.kill)",
            [(run, str(machine), run_page.now(), kill) for machine in machines],
        )
