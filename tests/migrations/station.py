"""A workstation in a test: a journal in memory, runs on it, and what kills them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from delegation.changes import journal_schema
from delegation.changes.journal import Journal
from delegation.changes.run import NewRun
from delegation.hosts.machines import MoveProgress
from delegation.migrations import MIGRATE
from delegation.migrations.lifecycle import Migration, MigrationStep
from delegation.migrations.moves.terms import Liberties
from delegation.migrations.record import queue, recorded
from delegation.migrations.record.queue import Queue
from delegation.migrations.runner import Runner
from delegation.migrations.runner.patience import Patience
from delegation.migrations.runner.work import Display, Wait
from delegation.migrations.schedule.estimate import StreamRates
from delegation.migrations.slot_counts import SlotCounts
from delegation.wiring import KINDS
from tests.migrations.world import FakeCrew, World

RUN = NewRun(MIGRATE, "corp.example", "corp.example", "", {})


class Killed(BaseException):
    """What SIGKILL is to a process: nothing of it runs after that."""


class LethalQueue(Queue):
    """Dies around its commit number ``moment``; even moments are before it, odd ones after."""

    def __init__(self, journal: Journal, run: int, moment: int | None = None) -> None:
        super().__init__(journal, run)
        self._moment = moment
        self.seen = 0

    @contextmanager
    def _commit(self) -> Iterator[None]:
        self._burn()
        yield
        self._burn()

    def _burn(self) -> None:
        if self.seen == self._moment:
            raise Killed
        self.seen += 1

    def step(self, machine: UUID, step: MigrationStep, *said: Any, **facts: Any) -> Migration:
        with self._commit():
            return super().step(machine, step, *said, **facts)

    def explain(self, machine: UUID, reason: str, fix: str = "") -> Migration:
        with self._commit():
            return super().explain(machine, reason, fix)

    def advanced(self, progress: Mapping[UUID, MoveProgress]) -> None:
        with self._commit():
            super().advanced(progress)

    def abandon(self, wishes: Mapping[UUID, bool]) -> list[Migration]:
        with self._commit():
            return super().abandon(wishes)

    def note_counts(self, counts: SlotCounts) -> None:
        with self._commit():
            super().note_counts(counts)


def memory_journal() -> Journal:
    db = sqlite3.connect(":memory:", isolation_level=None)
    for step in journal_schema.STEPS:
        db.executescript(step)
    db.execute(f"PRAGMA user_version = {journal_schema.VERSION}")
    return Journal(Path("state"), db, KINDS)


def wanted(world: World, machine: UUID, target: str) -> Migration:
    (source,) = world.where(machine)
    name, memory, disk = world.hosts[source].machines[machine]
    return Migration(machine, name, source, target, "", memory, disk, memory + disk, 10.0)


class Station(Display):
    """Runs the moves that were asked for, again and again, as somebody at a keyboard would."""

    def __init__(
        self,
        world: World,
        targets: Mapping[str, str],
        liberties: Liberties = Liberties(),  # noqa: B008 - frozen
    ) -> None:
        """``targets``: whereto each machine goes, by name."""
        journal = memory_journal()
        named = {
            name: machine
            for host in world.hosts.values()
            for machine, (name, _, _) in host.machines.items()
        }
        moves = [wanted(world, named[name], target) for name, target in targets.items()]
        self._sit_down(world, journal, queue.begin(journal, RUN, moves, liberties).run)

    @classmethod
    def of(cls, world: World, journal: Journal, run: int) -> Station:
        """At a run that is on record already."""
        station = cls.__new__(cls)
        station._sit_down(world, journal, run)
        return station

    def _sit_down(self, world: World, journal: Journal, run: int) -> None:
        self.world = world
        self.journal = journal
        self.run = run
        self.shown: list[Migration] = []
        self.waited: list[Wait] = []
        self.runner: Runner | None = None
        self.hook: Callable[[Migration], None] = self.shown.append

    def moves(self) -> Sequence[Migration]:
        return recorded.migrations(self.journal, self.run)

    def states(self) -> dict[str, str]:
        return {move.name: str(move.state) for move in self.moves()}

    def go(
        self,
        moment: int | None = None,
        patience: Patience | None = None,
        crew: FakeCrew | None = None,
    ) -> bool:
        """Run or resume; False where it was killed."""
        lethal = LethalQueue(self.journal, self.run, moment)
        liberties = recorded.notes(self.journal, self.run).liberties
        self.runner = Runner(
            lethal,
            crew or FakeCrew(self.world, with_checkpoints=liberties.with_checkpoints),
            self.world.hosts,
            clock=lambda: self.world.clock,
            display=self,
            rates=StreamRates(),
            patience=patience or Patience(),
            assume_full=liberties.assume_full,
        )
        try:
            self.runner.run()
        except Killed:
            return False
        finally:
            self.commits = lethal.seen
        return True

    def move(self, move: Migration) -> None:
        self.hook(move)

    def pulse(self, urgency: int) -> None:
        pass

    def waits(self, wait: Wait) -> None:
        self.waited.append(wait)
