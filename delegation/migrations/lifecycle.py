"""A migration's states, as one table of what may happen in each.

Whoever starts migrations may die at any moment, while Move-VM goes on at its host without it. So:

1. Nothing is sent that is not on record. ``STARTING`` is committed, with the id of the shell that
   Move-VM is to run in, before the host hears of it: a migration on record as queued has not
   been sent, and one on record as starting may have been.
2. Only the hosts know an end. From its intent on, a migration is *on the way* until both of them
   have said where the machine is; what Move-VM said, or that it said nothing, gives the reason
   alone. While one of them is silent it is ``UNKNOWN``, and everything that it may hold is held:
   all, but its slot at a source which says that it has the machine and does nothing about it.
3. So none is started twice: ``INTENDED`` leaves from ``QUEUED`` alone, and nothing that was on
   the way comes back there but by what both hosts said, when nothing runs in its shell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID


class State(StrEnum):
    QUEUED = "queued"
    STARTING = "starting"
    """Its intent is on record. The host may or may not have heard of it."""
    RUNNING = "running"
    STOPPING = "stopping"
    """Its host was asked to stop it, which takes it back to where it was."""
    UNKNOWN = "unknown"
    """It was on the way when it was last seen, and is watched by nobody."""
    WAITING = "waiting"
    """It failed, is where it was, and is tried again after a while."""
    MOVED = "moved"
    FAILED = "failed"
    """It is where it was, or at the host of a bypass, and another try would not help."""
    ABORTED = "aborted"
    """Somebody asked that it be given up."""

    @property
    def on_the_way(self) -> bool:
        """Move-VM may be running: the machine must not be started."""
        return self in _ON_THE_WAY

    @property
    def pending(self) -> bool:
        """Nothing of it runs, and it is still to be done."""
        return self in {State.QUEUED, State.WAITING}

    @property
    def ended(self) -> bool:
        return not (self.on_the_way or self.pending)


_ON_THE_WAY = {State.STARTING, State.RUNNING, State.STOPPING, State.UNKNOWN}


class Step(StrEnum):
    """What happened to a migration."""

    INTENDED = "intended"
    """It is about to be sent."""
    ACCEPTED = "accepted"
    """Its host runs it."""
    STOPPED = "stopped"
    """Its host was, or is about to be, asked to stop it."""
    LOST = "lost"
    """The link, a host or whoever watched it died."""
    REATTACHED = "reattached"
    """It still runs in its shell, and is watched again."""
    ARRIVED = "arrived"
    """Both hosts say that the machine is at its target."""
    PASSED = "passed"
    """Both hosts say that it is at the host of a bypass, from where it goes on."""
    RETURNED = "returned"
    """Both hosts say that it is where it was; it was not to blame, and is queued again."""
    POSTPONED = "postponed"
    """The same; it failed, and another try may help."""
    DUE = "due"
    """It has waited long enough for that."""
    GIVEN_UP = "given up"
    """It is where it was, and no try would help."""
    ABANDONED = "abandoned"
    """It is where it was, and somebody asked that it stay there."""


UNWATCHED = "nobody watched it"
"""The reason of a LOST that is known only when the run is taken up again, and was long before."""

_NOT_SENT: Mapping[Step, State] = {
    Step.GIVEN_UP: State.FAILED,
    Step.ABANDONED: State.ABORTED,
}
_BY_THE_HOSTS: Mapping[Step, State] = {
    **_NOT_SENT,
    Step.ARRIVED: State.MOVED,
    Step.PASSED: State.QUEUED,
    Step.RETURNED: State.QUEUED,
    Step.POSTPONED: State.WAITING,
}

TRANSITIONS: Mapping[State, Mapping[Step, State]] = MappingProxyType({
    State.QUEUED: {Step.INTENDED: State.STARTING, **_NOT_SENT},
    State.WAITING: {Step.DUE: State.QUEUED, **_NOT_SENT},
    State.STARTING: {
        Step.ACCEPTED: State.RUNNING,
        Step.STOPPED: State.STOPPING,
        Step.LOST: State.UNKNOWN,
        **_BY_THE_HOSTS,
    },
    State.RUNNING: {
        Step.STOPPED: State.STOPPING,
        Step.LOST: State.UNKNOWN,
        **_BY_THE_HOSTS,
    },
    State.STOPPING: {
        Step.ACCEPTED: State.STOPPING,  # the host's word and ours crossed
        Step.LOST: State.UNKNOWN,
        **_BY_THE_HOSTS,
    },
    State.UNKNOWN: {Step.REATTACHED: State.RUNNING, **_BY_THE_HOSTS},
    State.MOVED: {},
    State.FAILED: {},
    State.ABORTED: {},
})  # fmt: skip


class IllegalStepError(Exception):
    """A bug: something happened to a migration that can't happen in its state."""


def after(state: State, step: Step) -> State:
    """The state that ``step`` leads to. Raises IllegalStepError."""
    try:
        return TRANSITIONS[state][step]
    except KeyError:
        raise IllegalStepError(f"a migration that is {state} can't be {step}") from None


@dataclass(frozen=True, slots=True)
class Migration:
    """One machine's migration, as it is queued. Hosts are labels of the inventory.

    ``memory`` and ``disk`` are bytes that it needs at its target, ``size`` those that are copied.
    ``at`` is where the machine was last seen; ``to`` where its present, or last, Move-VM takes it:
    another host than ``target`` on a bypass. ``storage`` is a folder of the target, empty for its
    default one. ``seconds`` is how long it is thought to take.
    ``attempts`` counts the tries of this leg that failed. ``started`` is when it was first sent and
    ``ended`` when its end was known, ISO 8601 in UTC. ``reason`` says why it is in its state,
    and ``fix`` what to do about it.
    """

    machine: UUID
    name: str
    source: str
    target: str
    storage: str = ""
    memory: int = 0
    disk: int = 0
    size: int = 0
    seconds: float = 0.0
    state: State = State.QUEUED
    at: str = ""
    to: str = ""
    shell: UUID | None = None
    attempts: int = 0
    percent: int = 0
    abandoned: bool = False
    started: str | None = None
    ended: str | None = None
    reason: str = ""
    fix: str = ""

    @property
    def final(self) -> bool:
        """Whether its present Move-VM takes it to its target."""
        return self.to == self.target
