"""What the runner is given: who does the work at the hosts, a record of it, and a display."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from delegation.errors import HostError
from delegation.hosts.machines import Failure
from delegation.migrations.lifecycle import Migration, MigrationStep
from delegation.migrations.runner.whereabouts import Answer

# What is told of the work at the hosts.


@dataclass(frozen=True, slots=True)
class Unsent:
    """Move-VM was not sent: a host gave an ``error``, or its machine is not on its source.

    ``looks`` are both hosts, where they could be asked; it may also be that a stop came first.
    """

    machine: UUID
    error: HostError | None = None
    looks: Mapping[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Its source runs Move-VM, and finds it again by ``handle``."""

    machine: UUID
    handle: str


@dataclass(frozen=True, slots=True)
class Advanced:
    """So much of its data has been copied, as its source says."""

    machine: UUID
    percent: int


@dataclass(frozen=True, slots=True)
class Reattached:
    """Move-VM still ran, by its handle, and is watched again."""

    machine: UUID


@dataclass(frozen=True, slots=True)
class Lost:
    """It may run or not: its host does not answer any more."""

    machine: UUID
    error: HostError


@dataclass(frozen=True, slots=True)
class MigrationOver:
    """Nothing of ours runs any more. ``looks`` are both hosts, seen after the end.

    ``heard``: Move-VM was followed to its end, and ``failure`` is what it ended with.
    """

    machine: UUID
    looks: Mapping[str, Answer]
    failure: Failure | None = None
    heard: bool = False


@dataclass(frozen=True, slots=True)
class Visited:
    """One host was looked at."""

    host: str
    answer: Answer


ErrandEvent = Unsent | Accepted | Advanced | Reattached | Lost | MigrationOver | Visited


class RunnerCrew(Protocol):
    """Works at the hosts, all at the same time; each errand's events come in their order.

    ``carry`` ends with one of Unsent, Lost and MigrationOver; so does ``pursue``, which never tells
    Unsent; ``visit`` tells Visited alone.
    """

    def carry(self, move: Migration) -> None:
        """Send it, whose intent is on record, and follow it to its end."""

    def pursue(self, move: Migration) -> None:
        """Find out what became of it: follow it where it still runs, else look for its machine."""

    def visit(self, host: str) -> None:
        """Look at a host."""

    def stop(self, machine: UUID) -> None:
        """Ask the host of its errand to stop it; the errand goes on to its end."""

    def next(self, seconds: float) -> ErrandEvent | None:
        """What happened next; None: nothing within ``seconds``."""

    def dismiss(self) -> None:
        """Let go of everything, without stopping what runs."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a run waits for: needed hosts that can't be asked, by label, and why.

    ``seconds`` is how long it still does where nothing else goes on, None where something does.
    """

    hosts: Mapping[str, HostError]
    seconds: float | None = None


class Display(Protocol):
    """Shows somebody how it goes on."""

    def move(self, move: Migration) -> None:
        """Something has become of it: a step, or a percent."""

    def pulse(self, urgency: int) -> None:
        """Time has gone by. ``urgency``: how urgently the run was asked to end, 0 not at all."""

    def waits(self, wait: Wait) -> None:
        """What it waits for at this second, if for anything; told again and again."""


class QueueRecord(Protocol):
    """A run's migrations, on record. Each method raises JournalError where nothing is recorded."""

    def moves(self) -> list[Migration]:
        """All of them as they are now, in the order in which they were asked for."""

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
    ) -> Migration:
        """Commit that it happened, and give what is on record now. Raises IllegalStepError."""

    def advanced(self, percents: Mapping[UUID, int]) -> None:
        """Commit how far those on the way are."""

    def explain(self, machine: UUID, reason: str, fix: str = "") -> Migration:
        """Commit why it is still in its state, and what to do about it."""

    def requests(self) -> Collection[UUID]:
        """Machines whose migrations somebody asks to give up, and whose wish is not yet taken."""

    def abandon(self, machines: Collection[UUID]) -> list[Migration]:
        """Commit that those wishes are taken: from here on the migrations are to be given up."""
