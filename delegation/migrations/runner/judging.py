"""Both hosts of a migration, and what was heard of it -> what became of it, once nothing runs.

Where the VM is decides, and Move-VM's own word gives the reason alone: it may have reported a
failure of a move that came through, or have been lost with its connection.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from delegation.errors import HostError, HostUnreachable, NoHostTicket
from delegation.hosts.failures import meaning
from delegation.hosts.machines import Failure, VirtualMachine
from delegation.migrations.lifecycle import Migration, MigrationState, MigrationStep
from delegation.migrations.runner.whereabouts import (
    Answer,
    Sighting,
    Whereabouts,
    locate,
    sighting,
    what_to_do,
    why_unsettled,
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a migration is where it was, and what to do; ``again``: another try may help."""

    words: str
    fix: str
    again: bool


@dataclass(frozen=True, slots=True)
class TryLimits:
    """``stopping``: all are to stop, for now; ``attempts`` is how often a leg may fail."""

    stopping: bool = False
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class MigrationVerdict:
    """What it comes to. ``step`` None: that can't be told yet, for the ``reason``."""

    step: MigrationStep | None
    reason: str = ""
    fix: str = ""
    blamed: bool = False
    """Whether the try counts as one that failed."""
    moving: bool = False
    """Whether a host says that the machine is on its way."""
    at_rest: bool = False
    """Whether its source says that it has the machine, and does nothing about it."""
    odd: bool = False
    """Whether both hosts have answered, and not one of them alone has it: that may pass."""


def cause_of_error(move: Migration, error: HostError) -> Cause:
    """Why a host could not be asked to do it."""
    if isinstance(error, HostUnreachable | NoHostTicket):
        return Cause(error.what, error.fix, again=True)
    known = meaning(Failure(error.what, error.hresult))
    fix = error.fix or _with_labels(move, known.fix)
    return Cause(error.what, fix, known.again)


def cause_of_failure(move: Migration, failure: Failure) -> Cause:
    """Why Move-VM failed, in plain words where they are known."""
    known = meaning(failure)
    what = f"{known.what} ({known.hresult})" if known.hresult else known.what
    return Cause(what, _with_labels(move, known.fix), known.again)


def cause_of_end(move: Migration, failure: Failure | None) -> Cause:
    """Why it is where it was, though Move-VM has ended."""
    return cause_of_failure(move, failure) if failure else _SAID_DONE


_SAID_DONE = Cause("Move-VM said that it was done, and the machine is where it was", "", again=True)


def judge(
    move: Migration,
    looks: Mapping[str, Answer],
    cause: Cause | None,
    limits: TryLimits,
) -> MigrationVerdict:
    """What a migration comes to by ``looks``, both of its hosts, seen when nothing ran.

    No ``cause``: nothing was heard of why, as when whoever watched it died.
    """
    sightings = _sightings(move, looks)
    where = locate(sightings[move.at], sightings[move.to])
    if where is Whereabouts.TARGET:
        return MigrationVerdict(_arrival(move))
    if where is Whereabouts.SOURCE:
        return _judge_still_there(move, cause, limits)
    words = why_unsettled(where, sightings)
    if move.abandoned and where in _ODD:
        return MigrationVerdict(MigrationStep.ABANDONED, f"left as it is: {words}")
    is_moving = where is Whereabouts.MIGRATING
    is_on_source = isinstance(sightings[move.at], VirtualMachine)
    return MigrationVerdict(
        None,
        words,
        what_to_do(where, sightings),
        moving=is_moving,
        at_rest=is_on_source and not is_moving,
        odd=where in _ODD,
    )


_ODD = {Whereabouts.BOTH, Whereabouts.NEITHER}


def _sightings(move: Migration, looks: Mapping[str, Answer]) -> dict[str, Sighting]:
    """What its hosts said of it, by label, its source's first."""
    return {host: sighting(looks[host], move.machine) for host in (move.at, move.to)}


def _arrival(move: Migration) -> MigrationStep:
    return MigrationStep.ARRIVED if move.final else MigrationStep.PASSED


def judge_unsent(
    move: Migration,
    looks: Mapping[str, Answer],
    error: HostError | None,
    limits: TryLimits,
) -> MigrationVerdict:
    """What comes of a migration that was not sent: a host gave an ``error``, or by both ``looks``.

    As nothing of ours runs, and nothing will, there is nothing to find out about.
    """
    if error is not None:
        return _judge_still_there(move, cause_of_error(move, error), limits)
    sightings = _sightings(move, looks)
    where = locate(sightings[move.at], sightings[move.to])
    words = why_unsettled(where, sightings)
    if where is Whereabouts.TARGET:
        return MigrationVerdict(_arrival(move), "it was there already")
    if where in _ODD:
        return MigrationVerdict(MigrationStep.GIVEN_UP, words, what_to_do(where, sightings))
    if where is Whereabouts.MIGRATING:
        words = "somebody else is migrating it"
    return _judge_still_there(move, Cause(words, "", again=True), limits)


def _judge_still_there(move: Migration, cause: Cause | None, limits: TryLimits) -> MigrationVerdict:
    """What comes of a migration whose VM is where it was."""
    if move.abandoned:
        return MigrationVerdict(MigrationStep.ABANDONED, "stopped" if move.started else "")
    if limits.stopping or move.state is MigrationState.STOPPING:
        return MigrationVerdict(MigrationStep.RETURNED, "stopped")
    if cause is None:
        return MigrationVerdict(MigrationStep.RETURNED)
    if not cause.again:
        return MigrationVerdict(MigrationStep.GIVEN_UP, cause.words, cause.fix, blamed=True)
    failed = move.attempts + 1
    if failed >= limits.attempts:
        tries = "once" if failed == 1 else f"{failed} times"
        words = f"tried {tries}: {cause.words}"
        return MigrationVerdict(MigrationStep.GIVEN_UP, words, cause.fix, blamed=True)
    return MigrationVerdict(MigrationStep.POSTPONED, cause.words, cause.fix, blamed=True)


def _with_labels(move: Migration, fix: str) -> str:
    """What to do, with the hosts' labels where they are meant."""
    return fix.replace("SOURCE", move.at).replace("TARGET", move.to)
