"""Migrations without an end -> given up, or the wish that whoever carries them out does so."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from delegation import names
from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.errors import Advice, Busy, DelegationError, UsageError, command
from delegation.events import EventSeverity
from delegation.migrations.lifecycle import Migration, MigrationStep
from delegation.migrations.record import queue, recorded
from delegation.migrations.record.queue import Queue
from delegation.migrations.record.recorded import MIGRATE

Unended = list[tuple[int, Migration]]
"""Migrations without an end, each with its run."""


class WishRecords(Protocol):
    """The state folder, as far as wishes and what waits in it go."""

    def reading(self) -> AbstractContextManager[Journal]: ...

    def adding(self) -> AbstractContextManager[Journal]: ...

    def alone(self, doing: str) -> AbstractContextManager[None]: ...


@dataclass(frozen=True)
class WishesLeft:
    """Somebody carries these migrations out, and hears of the wish at once."""

    count: int
    severity: EventSeverity = EventSeverity.NOTE

    def words(self) -> Iterator[str]:
        migrations = names.counted(self.count, "migration")
        see = command("migrate", "status")
        yield Advice(f"asked for: {migrations} to be given up; see ", see)


@dataclass(frozen=True)
class GivenUp:
    """Nobody carries them out: ``waiting`` were given up.

    ``runs`` are those that may have VMs on their way, which only a resume can stop.
    """

    waiting: int
    runs: tuple[int, ...]
    severity: EventSeverity = EventSeverity.NOTE

    def words(self) -> Iterator[str]:
        if self.waiting:
            yield f"given up: {names.counted(self.waiting, 'migration')} that waited"
        for run in self.runs:
            yield Advice(
                f"run {run} has machines that may be on their way, and nobody carries it out; to "
                "stop them: ",
                command("migrate", "resume", str(run)),
            )


def give_up(records: WishRecords, vms: Sequence[str]) -> WishesLeft | GivenUp:
    """Give up all that has no end, or what these names and ids mean.

    Raises DelegationError where that is nothing, UsageError for a VM that is in no run.
    """
    with records.reading() as journal:
        found = _meant(journal, vms)
    try:
        with records.alone(store.MIGRATING):
            return _given_up(records, found)
    except Busy:
        _ask(records, found)
        return WishesLeft(len(found))


def _meant(journal: Journal, named: Sequence[str]) -> Unended:
    found = [
        (run, move)
        for run in recorded.unfinished(journal)
        for move in recorded.migrations(journal, run)
        if not move.state.ended
    ]
    wanted = {name.casefold() for name in named}
    if strange := wanted - _known(journal):
        raise UsageError(
            f"no run moves {', '.join(sorted(strange))}; nothing was given up",
            "look at the names: delegation migrate status",
        )
    if not found:
        raise DelegationError("there is nothing to give up", "see: delegation migrate status")
    if not named:
        return found
    chosen = [(run, move) for run, move in found if wanted & _names(move)]
    over = wanted - {name for _, move in chosen for name in _names(move)}
    if over:
        raise DelegationError(
            f"the migration of {', '.join(sorted(over))} has ended already; nothing was given up",
            "leave out what has ended; see: delegation migrate status",
        )
    return chosen


def _known(journal: Journal) -> set[str]:
    """Names and ids of all VMs that a run was to move."""
    known: set[str] = set()
    for run in journal.runs():
        if run.kind == MIGRATE:
            known.update(*map(_names, recorded.migrations(journal, run.id)))
    return known


def _names(move: Migration) -> set[str]:
    return {move.name.casefold(), str(move.machine)}


def _ask(records: WishRecords, found: Unended) -> None:
    with records.adding() as journal:
        for run, moves in _by_run(found).items():
            queue.ask_to_give_up(journal, run, [move.machine for move in moves])


def _given_up(records: WishRecords, found: Unended) -> GivenUp:
    """Give up what waits, and leave the wish for what may run: whoever resumes it stops that."""
    on_the_way = [(run, move) for run, move in found if move.state.on_the_way]
    waiting = [(run, move) for run, move in found if move.state.pending]
    _ask(records, on_the_way)
    with records.adding() as journal:
        for run, moves in _by_run(found).items():
            queued = Queue(journal, run)
            for move in moves:
                if move.state.pending:
                    queued.step(move.machine, MigrationStep.ABANDONED)
            queued.amend()
    return GivenUp(len(waiting), tuple(_by_run(on_the_way)))


def _by_run(found: Unended) -> dict[int, list[Migration]]:
    return names.grouped(sorted(found, key=lambda pair: pair[0]))
