"""What the runner is given: who does the work at the hosts, a record of it, and a display."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from delegation.errors import HostError
from delegation.hosts.machines import Failure, MoveOrder, MoveProgress, UnderWay
from delegation.migrations.lifecycle import Migration, MigrationStep
from delegation.migrations.runner.whereabouts import Answer
from delegation.migrations.slot_counts import SlotCounts

# What is told of the work at the hosts.


@dataclass(frozen=True, slots=True)
class Prepared:
    """It can be sent: the ``order``, and the ``handle`` by which its host will find it again.

    Nothing was sent, and nothing is until the handle is on record. ``counted`` are the migrations
    that both hosts counted then, by label.
    """

    machine: UUID
    order: MoveOrder
    handle: str
    counted: Mapping[str, UnderWay] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsent:
    """Nothing begins: a host gave an ``error``, or its machine is not at rest on its source alone.

    ``looks`` are both hosts, where they could be asked; it may also be that a stop came first.
    ``is_at_work``: the source has a job of that machine. ``is_stopped``: nobody wants it to begin
    any more, and no host was to blame.
    """

    machine: UUID
    error: HostError | None = None
    looks: Mapping[str, Answer] = field(default_factory=dict)
    is_at_work: bool = False
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """Its source has a job of it, and finds it again by ``handle``."""

    machine: UUID
    handle: str


@dataclass(frozen=True, slots=True)
class Advanced:
    """What its job last said of itself."""

    machine: UUID
    progress: MoveProgress


@dataclass(frozen=True, slots=True)
class Counted:
    """The migrations that both hosts counted while it was copied, by label."""

    machine: UUID
    counted: Mapping[str, UnderWay]


@dataclass(frozen=True, slots=True)
class Reattached:
    """Its job still runs, and is watched again; from now on it is found by ``handle``."""

    machine: UUID
    handle: str


@dataclass(frozen=True, slots=True)
class Lost:
    """It may run or not: its host does not answer any more."""

    machine: UUID
    error: HostError


@dataclass(frozen=True, slots=True)
class MigrationOver:
    """Nothing of ours runs any more. ``looks`` are both hosts, seen after the end.

    ``silence``: why its source can't tell whether a job of it is still there, whatever it shows of
    the machine.
    ``heard``: its job was followed to its end, and ``failure`` is what it ended with.
    ``is_at_work``: the source has a job of that machine all the same, somebody else's.
    ``is_tidied``: the planned machine that it had left on its target was removed; ``untidied`` is
    why it could not be.
    """

    machine: UUID
    looks: Mapping[str, Answer]
    failure: Failure | None = None
    heard: bool = False
    is_at_work: bool = False
    is_tidied: bool = False
    untidied: HostError | None = None
    silence: HostError | None = None

    def seen(self, source: str) -> Mapping[str, Answer]:
        """The looks, where a source that can't tell counts as silent."""
        if self.silence is None:
            return self.looks
        return {**self.looks, source: self.silence}


@dataclass(frozen=True, slots=True)
class Visited:
    """One host was looked at."""

    host: str
    answer: Answer


ErrandEvent = (
    Prepared | Unsent | Accepted | Advanced | Counted | Reattached | Lost | MigrationOver | Visited
)


class RunnerCrew(Protocol):
    """Works at the hosts, all at the same time; each errand's events come in their order.

    ``prepare`` ends with Prepared or Unsent; ``carry`` with one of Unsent, Lost and MigrationOver;
    so does ``pursue``, which never tells Unsent; ``visit`` tells Visited alone.
    """

    def prepare(self, move: Migration, *, counting: bool = False) -> None:
        """Look at both of its hosts, and make all ready for it to be sent. Nothing is changed.

        ``counting``: with what both hosts count.
        """

    def carry(self, move: Migration, order: MoveOrder, *, counting: bool = False) -> None:
        """Send it, whose handle is on record, once, and follow it to its end.

        ``counting``: tell what both hosts count meanwhile.
        """

    def pursue(self, move: Migration) -> None:
        """Find out what became of it: follow it where it still runs, else look for its machine."""

    def visit(self, host: str) -> None:
        """Look at a host."""

    def stop(self, machine: UUID, *, kill: bool = False) -> None:
        """Ask the host of its errand to stop it; the errand goes on to its end.

        ``kill``: in the way that may leave something running.
        """

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
        said: Failure | None = None,
    ) -> Migration:
        """Commit that it happened, and give what is on record now. Raises IllegalStepError.

        ``said``: by what words and numbers of a host it failed.
        """

    def advanced(self, progress: Mapping[UUID, MoveProgress]) -> None:
        """Commit how far those on the way are, and what they are at."""

    def explain(self, machine: UUID, reason: str, fix: str = "") -> Migration:
        """Commit why it is still in its state, and what to do about it."""

    def requests(self) -> Mapping[UUID, bool]:
        """Machines whose migrations somebody asks to give up, and whose wish is not yet taken.

        True where even in the way that may leave something running.
        """

    def abandon(self, wishes: Mapping[UUID, bool]) -> list[Migration]:
        """Commit that those wishes are taken: from here on the migrations are to be given up."""

    def has_counts(self) -> bool:
        """Whether something is on record of that kind already."""

    def note_counts(self, counts: SlotCounts) -> None:
        """Commit what hosts counted while the first migration of the run was copied."""
