"""What became of a migration that nothing runs of any more: by both hosts, and what was heard."""

from collections.abc import Mapping
from dataclasses import dataclass

from delegation.errors import HostError, HostUnreachable, NoHostTicket
from delegation.hosts.failures import meaning
from delegation.hosts.machines import Failure, VirtualMachine
from delegation.migrations.lifecycle import Migration, MigrationState, MigrationStep
from delegation.migrations.runner.whereabouts import (
    Answer,
    Whereabouts,
    in_words,
    place,
    sighting,
    what_to_do,
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


def of_error(move: Migration, error: HostError) -> Cause:
    """Why a host could not be asked to do it."""
    if isinstance(error, HostUnreachable | NoHostTicket):
        return Cause(error.what, error.fix, again=True)
    known = meaning(Failure(error.what, error.hresult))
    return Cause(error.what, error.fix or _named(move, known.fix), known.again)


def of_failure(move: Migration, failure: Failure) -> Cause:
    """Why Move-VM failed, in plain words where they are known."""
    known = meaning(failure)
    what = f"{known.what} ({known.hresult})" if known.hresult else known.what
    return Cause(what, _named(move, known.fix), known.again)


def of_end(move: Migration, failure: Failure | None) -> Cause:
    """Why it is where it was, though Move-VM has ended."""
    return of_failure(move, failure) if failure else _SAID_DONE


_SAID_DONE = Cause("Move-VM said that it was done, and the machine is where it was", "", again=True)


def judge(
    move: Migration,
    looks: Mapping[str, Answer],
    cause: Cause | None,
    limits: TryLimits,
) -> MigrationVerdict:
    """``looks`` are both hosts, seen when nothing ran.

    No ``cause``: nothing was heard of why, as when whoever watched it died.
    """
    sightings = {host: sighting(looks[host], move.machine) for host in (move.at, move.to)}
    found = place(sightings[move.at], sightings[move.to])
    if found is Whereabouts.TARGET:
        return MigrationVerdict(MigrationStep.ARRIVED if move.final else MigrationStep.PASSED)
    if found is Whereabouts.SOURCE:
        return _still_there(move, cause, limits)
    words = in_words(found, sightings)
    if move.abandoned and found in _ODD:
        return MigrationVerdict(MigrationStep.ABANDONED, f"left as it is: {words}")
    return MigrationVerdict(
        None,
        words,
        what_to_do(found, sightings),
        moving=found is Whereabouts.MIGRATING,
        at_rest=found is not Whereabouts.MIGRATING
        and isinstance(sightings[move.at], VirtualMachine),
        odd=found in _ODD,
    )


_ODD = {Whereabouts.BOTH, Whereabouts.NEITHER}


def unsent(
    move: Migration,
    looks: Mapping[str, Answer],
    error: HostError | None,
    limits: TryLimits,
) -> MigrationVerdict:
    """What comes of a migration that was not sent: a host gave an ``error``, or by both ``looks``.

    As nothing of ours runs, and nothing will, there is nothing to find out about.
    """
    if error is not None:
        return _still_there(move, of_error(move, error), limits)
    sightings = {host: sighting(looks[host], move.machine) for host in (move.at, move.to)}
    found = place(sightings[move.at], sightings[move.to])
    words = in_words(found, sightings)
    if found is Whereabouts.TARGET:
        return MigrationVerdict(
            MigrationStep.ARRIVED if move.final else MigrationStep.PASSED, "it was there already"
        )
    if found in _ODD:
        return MigrationVerdict(MigrationStep.GIVEN_UP, words, what_to_do(found, sightings))
    if found is Whereabouts.MIGRATING:
        words = "somebody else is migrating it"
    return _still_there(move, Cause(words, "", again=True), limits)


def _still_there(move: Migration, cause: Cause | None, limits: TryLimits) -> MigrationVerdict:
    """The same, of a machine that is where it was."""
    if move.abandoned:
        return MigrationVerdict(MigrationStep.ABANDONED, "stopped" if move.started else "")
    if limits.stopping or move.state is MigrationState.STOPPING:
        return MigrationVerdict(MigrationStep.RETURNED, "stopped")
    if cause is None:
        return MigrationVerdict(MigrationStep.RETURNED)
    if not cause.again:
        return MigrationVerdict(MigrationStep.GIVEN_UP, cause.words, cause.fix, blamed=True)
    if move.attempts + 1 >= limits.attempts:
        tries = "once" if move.attempts == 0 else f"{move.attempts + 1} times"
        return MigrationVerdict(
            MigrationStep.GIVEN_UP, f"tried {tries}: {cause.words}", cause.fix, blamed=True
        )
    return MigrationVerdict(MigrationStep.POSTPONED, cause.words, cause.fix, blamed=True)


def _named(move: Migration, fix: str) -> str:
    """With the hosts' labels where they are meant."""
    return fix.replace("SOURCE", move.at).replace("TARGET", move.to)
