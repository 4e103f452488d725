"""A migration's state, and what happens to it -> its next state, as one table.

A migration is a job of its source's management service, which goes on whatever becomes of whoever
started it. So:

1. Nothing is sent that is not on record. ``STARTING`` is committed, with the handle by which its
   host can find it again, before the host hears of it: a migration on record as queued has not
   been sent, and one on record as starting may have been. The handle says what was there before,
   jobs and a planned machine: so ours can be told from others' afterwards.
2. Only the hosts know an end. From its intent on, a migration is *on the way* until both of them
   have said where the machine is; what its job said, or that it said nothing, gives the reason
   alone. While one of them is silent it is ``UNKNOWN``, and everything that it may hold is held:
   all, but its slot at a source which says that it has the machine and does nothing about it.
3. So none is started twice: ``INTENDED`` leaves from ``QUEUED`` alone, and nothing that was on
   the way comes back there but by what both hosts said, when nothing of it runs. What is found
   before it is sent, such as a machine that somebody has moved, ends a queued one as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from delegation.hosts.machines import Failure, MovePhase


class MigrationState(StrEnum):
    """How far a migration is: still pending, on the way, or at its end."""

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
        """A job of it may be running: the VM must not be started."""
        return self in _ON_THE_WAY

    @property
    def pending(self) -> bool:
        """Nothing of it runs, and it is still to be done."""
        return self in {MigrationState.QUEUED, MigrationState.WAITING}

    @property
    def ended(self) -> bool:
        """Nothing of it runs, and nothing more is to be done."""
        return not (self.on_the_way or self.pending)


_ON_THE_WAY = {
    MigrationState.STARTING,
    MigrationState.RUNNING,
    MigrationState.STOPPING,
    MigrationState.UNKNOWN,
}


class MigrationStep(StrEnum):
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
    """Its job still runs, by its handle, and is watched again."""
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

_NOT_SENT: Mapping[MigrationStep, MigrationState] = {
    MigrationStep.GIVEN_UP: MigrationState.FAILED,
    MigrationStep.ABANDONED: MigrationState.ABORTED,
}
_BY_THE_HOSTS: Mapping[MigrationStep, MigrationState] = {
    **_NOT_SENT,
    MigrationStep.ARRIVED: MigrationState.MOVED,
    MigrationStep.PASSED: MigrationState.QUEUED,
    MigrationStep.RETURNED: MigrationState.QUEUED,
    MigrationStep.POSTPONED: MigrationState.WAITING,
}

TRANSITIONS: Mapping[MigrationState, Mapping[MigrationStep, MigrationState]] = MappingProxyType({
    MigrationState.QUEUED: {MigrationStep.INTENDED: MigrationState.STARTING, **_BY_THE_HOSTS},
    MigrationState.WAITING: {MigrationStep.DUE: MigrationState.QUEUED, **_NOT_SENT},
    MigrationState.STARTING: {
        MigrationStep.ACCEPTED: MigrationState.RUNNING,
        MigrationStep.STOPPED: MigrationState.STOPPING,
        MigrationStep.LOST: MigrationState.UNKNOWN,
        **_BY_THE_HOSTS,
    },
    MigrationState.RUNNING: {
        MigrationStep.STOPPED: MigrationState.STOPPING,
        MigrationStep.LOST: MigrationState.UNKNOWN,
        **_BY_THE_HOSTS,
    },
    MigrationState.STOPPING: {
        # The host's word that it runs and the wish to stop it crossed on their way.
        MigrationStep.ACCEPTED: MigrationState.STOPPING,
        MigrationStep.LOST: MigrationState.UNKNOWN,
        **_BY_THE_HOSTS,
    },
    MigrationState.UNKNOWN: {MigrationStep.REATTACHED: MigrationState.RUNNING, **_BY_THE_HOSTS},
    MigrationState.MOVED: {},
    MigrationState.FAILED: {},
    MigrationState.ABORTED: {},
})  # fmt: skip


class IllegalStepError(Exception):
    """A bug: something happened to a migration that can't happen in its state."""


def after(state: MigrationState, step: MigrationStep) -> MigrationState:
    """The state that ``step`` leads to. Raises IllegalStepError."""
    try:
        return TRANSITIONS[state][step]
    except KeyError:
        raise IllegalStepError(f"a migration that is {state} can't be {step}") from None


@dataclass(frozen=True, slots=True)
class Migration:
    """One VM's migration, as it is queued. Hosts are labels of the inventory.

    ``machine`` is the VM's id. ``memory`` and ``disk`` are bytes that it needs at its target,
    ``size`` those that are copied. ``at`` is where the VM was last seen; ``to`` where its present,
    or last, migration takes it: another host than ``target`` on a bypass. ``storage`` is a folder
    of the target, empty for its default one. ``seconds`` is how long it is thought to take.
    ``handle`` is by what its host finds its present, or last, job: text that only whoever speaks to
    the host understands.
    ``attempts`` counts the tries of this leg that failed. ``started`` is when it was first sent and
    ``ended`` when its end was known, ISO 8601 in UTC. ``reason`` says why it is in its state,
    and ``fix`` what to do about it. ``phase`` is what its job was last at, and ``status`` the
    host's own words of that: of one that runs, and only as long as somebody follows it.
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
    state: MigrationState = MigrationState.QUEUED
    at: str = ""
    to: str = ""
    handle: str | None = None
    attempts: int = 0
    percent: int = 0
    abandoned: bool = False
    kill: bool = False
    started: str | None = None
    ended: str | None = None
    reason: str = ""
    fix: str = ""
    said: Failure | None = None
    phase: MovePhase | None = None
    status: str = ""

    @property
    def final(self) -> bool:
        """Whether its present migration takes it to its target."""
        return self.to == self.target
