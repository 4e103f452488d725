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
from delegation.migrations import MIGRATE
from delegation.migrations.lifecycle import Migration, MigrationStep
from delegation.migrations.record import queue, recorded
from delegation.migrations.record.queue import Queue

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


def give_up(
    records: WishRecords, vms: Sequence[str], *, kill: bool = False
) -> WishesLeft | GivenUp:
    """Give up all that has no end, or what these names and ids mean.

    ``kill``: what runs is ended even in the way that may leave something running.

    Raises DelegationError where that is nothing, UsageError for a VM that is in no run.
    """
    with records.reading() as journal:
        chosen = _chosen(journal, vms)
    # Whoever carries a run out holds the lock. Without it, nothing else may step on a migration.
    try:
        with records.alone(store.MIGRATING):
            return _give_up_alone(records, chosen, kill=kill)
    except Busy:
        _leave_wishes(records, chosen, kill=kill)
        return WishesLeft(len(chosen))


def _chosen(journal: Journal, vms: Sequence[str]) -> Unended:
    """What of all that has no end these names and ids mean; all of it, where there are none."""
    unended = _unended(journal)
    wanted = {name.casefold() for name in vms}
    _refuse_strangers(journal, wanted)
    if not unended:
        raise DelegationError("there is nothing to give up", "see: delegation migrate status")
    if not vms:
        return unended
    chosen = [(run, move) for run, move in unended if wanted & _names(move)]
    _refuse_ended(chosen, wanted)
    return chosen


def _unended(journal: Journal) -> Unended:
    unended: Unended = []
    for run in recorded.unfinished(journal):
        moves = recorded.migrations(journal, run)
        unended += [(run, move) for move in moves if not move.state.ended]
    return unended


def _refuse_strangers(journal: Journal, wanted: set[str]) -> None:
    """Raise UsageError for names and ids of VMs that no run was to move."""
    known: set[str] = set()
    for run in journal.runs():
        if run.kind == MIGRATE:
            known.update(*map(_names, recorded.migrations(journal, run.id)))
    strangers = wanted - known
    if strangers:
        raise UsageError(
            f"no run moves {', '.join(sorted(strangers))}; nothing was given up",
            "look at the names: delegation migrate status",
        )


def _refuse_ended(chosen: Unended, wanted: set[str]) -> None:
    """Raise DelegationError for VMs that were moved, or not, already."""
    unended: set[str] = set()
    for _, move in chosen:
        unended |= _names(move)
    over = wanted - unended
    if over:
        raise DelegationError(
            f"the migration of {', '.join(sorted(over))} has ended already; nothing was given up",
            "leave out what has ended; see: delegation migrate status",
        )


def _names(move: Migration) -> set[str]:
    """By what somebody may name its VM."""
    return {move.name.casefold(), str(move.machine)}


def _leave_wishes(records: WishRecords, unended: Unended, *, kill: bool) -> None:
    with records.adding() as journal:
        for run, moves in _by_run(unended).items():
            machines = [move.machine for move in moves]
            queue.ask_to_give_up(journal, run, machines, kill=kill)


def _give_up_alone(records: WishRecords, chosen: Unended, *, kill: bool) -> GivenUp:
    """Give up what waits, and leave the wish for what may run: whoever resumes it stops that."""
    on_the_way = [(run, move) for run, move in chosen if move.state.on_the_way]
    waiting = [(run, move) for run, move in chosen if move.state.pending]
    _leave_wishes(records, on_the_way, kill=kill)
    with records.adding() as journal:
        for run, moves in _by_run(chosen).items():
            queued = Queue(journal, run)
            for move in moves:
                if move.state.pending:
                    queued.step(move.machine, MigrationStep.ABANDONED)
            queued.amend()
    return GivenUp(len(waiting), tuple(_by_run(on_the_way)))


def _by_run(unended: Unended) -> dict[int, list[Migration]]:
    by_number = sorted(unended, key=lambda pair: pair[0])
    return names.grouped(by_number)
