"""The journal -> the migrations on record: of one run, or all that have no end yet.

Times are ISO 8601 in UTC. What a function here can't read raises JournalError.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from delegation.changes.journal import Journal
from delegation.changes.run import RUNNING
from delegation.hosts.machines import Failure
from delegation.migrations import MIGRATE
from delegation.migrations.lifecycle import Migration, MigrationState, MigrationStep
from delegation.migrations.record.noted import PHASES, RunNotes, failure_read, with_phase


def migrations(journal: Journal, run: int, *, with_phases: bool = False) -> list[Migration]:
    """A run's migrations, in the order in which they were asked for.

    ``with_phases``: with what the jobs of those that run were last at.
    """
    moves = [move for _, move in _selected(journal, "run = ? ORDER BY seq", run)]
    if not with_phases:
        return moves
    phases = noted(journal, run).get(PHASES, {})
    with journal.reading(f"the notes of run {run}"):
        return [with_phase(move, phases) for move in moves]


def unfinished(journal: Journal) -> list[int]:
    """The runs that have migrations without an end, the newest last."""
    return sorted({run for run, _ in without_end(journal)})


def without_end(journal: Journal) -> list[tuple[int, Migration]]:
    """All migrations, with their runs, that have no end, those of the newest run last."""
    states = [state for state in MigrationState if not state.ended]
    return _selected(journal, f"state IN ({_marks(states)}) ORDER BY run, seq", *states)


def to_be_given_up(journal: Journal, run: int) -> dict[UUID, bool]:
    """Machines of a run whose migrations somebody asked to give up, and nobody has heard of it.

    True where even in the way that may leave something running.
    """
    if not _keeps_moves(journal):
        return {}
    rows = journal.rows("SELECT * FROM requests WHERE run = ?", run)
    with journal.reading(f"what is asked of run {run}"):
        asked = [dict(row) for row in rows]
        return {UUID(row["machine"]): bool(row.get("kill")) for row in asked}


def noted(journal: Journal, run: int) -> dict[str, Any]:
    """What a run has noted, as JSON; nothing in a journal of an older version."""
    if not list(journal.rows("SELECT 1 FROM sqlite_master WHERE name = 'notes'")):
        return {}
    rows = journal.rows("SELECT content FROM notes WHERE run = ?", run)
    with journal.reading(f"the notes of run {run}"):
        return next((dict(json.loads(row["content"])) for row in rows), {})


def notes(journal: Journal, run: int) -> RunNotes:
    """The same, as what it means."""
    found = noted(journal, run)
    with journal.reading(f"the notes of run {run}"):
        return RunNotes.read(found)


def newest_at_work(journal: Journal) -> int | None:
    """Of the runs that have no end, the one that began, or went on, last; None: all have one."""
    if not _keeps_moves(journal):
        return None
    rows = journal.rows(
        "SELECT id FROM runs WHERE kind = ? AND status = ? ORDER BY max(started, coalesce("
        "(SELECT max(time) FROM steps WHERE run = runs.id AND step != ?), '')) DESC, id DESC"
        " LIMIT 1",
        MIGRATE,
        RUNNING,
        # A run that takes over what waits in others gives it up there: those did not go on by it.
        MigrationStep.ABANDONED,
    )
    with journal.reading("the steps of migrations"):
        return next((int(row["id"]) for row in rows), None)


def under_way(journal: Journal) -> list[tuple[int, Migration]]:
    """All migrations, with their runs, that may be running at their hosts."""
    states = [state for state in MigrationState if state.on_the_way]
    return _selected(journal, f"state IN ({_marks(states)}) ORDER BY run, seq", *states)


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """What happened to one migration; ``at`` and ``to`` are labels, ``time`` ISO 8601 in UTC."""

    machine: UUID
    time: str
    step: MigrationStep
    state: MigrationState
    at: str
    to: str
    reason: str
    said: Failure | None = None


def steps(journal: Journal, run: int) -> list[RecordedStep]:
    """All that happened to a run's migrations, in its order."""
    if not _keeps_moves(journal):
        return []
    rows = journal.rows("SELECT * FROM steps WHERE run = ? ORDER BY id", run)
    with journal.reading(f"run {run}"):
        return [_step(dict(row)) for row in rows]


def _selected(journal: Journal, condition: str, *parameters: object) -> list[tuple[int, Migration]]:
    """The migrations that meet an SQL condition, each with its run."""
    if not _keeps_moves(journal):
        return []
    rows = journal.rows(f"SELECT * FROM moves WHERE {condition}", *parameters)  # noqa: S608
    with journal.reading("the queue of migrations"):
        return [(row["run"], _migration(dict(row))) for row in rows]


def _step(row: dict[str, Any]) -> RecordedStep:
    return RecordedStep(
        machine=UUID(row["machine"]),
        time=row["time"],
        step=MigrationStep(row["step"]),
        state=MigrationState(row["state"]),
        at=row["host"],
        to=row["bound"],
        reason=row["reason"],
        said=failure_read(row.get("said")),
    )


def _migration(row: dict[str, Any]) -> Migration:
    return Migration(
        machine=UUID(row["machine"]),
        name=row["name"],
        source=row["source"],
        target=row["target"],
        storage=row["storage"],
        memory=row["memory"],
        disk=row["disk"],
        size=row["size"],
        seconds=row["seconds"],
        state=MigrationState(row["state"]),
        at=row["host"],
        to=row["bound"],
        handle=row["shell"] or None,
        attempts=row["attempts"],
        percent=row["percent"],
        abandoned=row["abandoned"] >= ABANDONED,
        kill=row["abandoned"] >= TO_KILL,
        started=row["started"],
        ended=row["ended"],
        reason=row["reason"],
        fix=row["fix"],
        said=failure_read(row.get("said")),
    )


ABANDONED, TO_KILL = 1, 2
"""How much somebody wants a migration to be given up, as its row has it; 0: not at all."""
_FIRST_VERSION = 3
"""The first version of the journal that keeps migrations; a writer makes an older one so."""


def _keeps_moves(journal: Journal) -> bool:
    versions: Iterator[Any] = journal.rows("PRAGMA user_version")
    return any(row[0] >= _FIRST_VERSION for row in versions)


def _marks(values: Collection[object]) -> str:
    """The place holders of so many values in SQL."""
    return ", ".join("?" * len(values))
