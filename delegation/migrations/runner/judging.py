"""Both hosts of a migration, and what was heard of it -> what became of it, once nothing runs.

Where the VM is decides, and its job's own word gives the reason alone: it may have reported a
failure of a move that came through, or have been lost with its connection. What a failure means is
told by its numbers, and what they do not tell by what both hosts count: texts never decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from delegation.errors import (
    CimFailed,
    HostError,
    HostUnreachable,
    MachinesNotTold,
    MoveRefused,
    MoveUnsettled,
    NoHostTicket,
)
from delegation.hosts.failures import FailureKind, meaning
from delegation.hosts.machines import Failure, MovePhase, VirtualMachine
from delegation.migrations.lifecycle import Migration, MigrationState, MigrationStep
from delegation.migrations.runner.whereabouts import (
    Answer,
    Whereabouts,
    place,
    sightings,
    what_to_do,
    why_unsettled,
)
from delegation.migrations.runner.work import MigrationOver, Unsent


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a migration is where it was, and what to do; ``again``: another try may help.

    ``said`` is what a host gave for it, in its own words and numbers.
    """

    words: str
    fix: str
    again: bool
    said: Failure | None = None


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
    waits: bool = False
    """Whether it is held up by what others do with the machine, which is waited for."""
    unsettled: bool = False
    """Whether its source says that it can't tell yet: it will in a while."""
    said: Failure | None = None


def cause_of_error(move: Migration, error: HostError) -> Cause:
    """Why a host could not be asked to do it."""
    said = _said_with(error)
    passes = isinstance(error, MoveRefused) and error.passes
    if passes or isinstance(error, _PASSING):
        return Cause(error.what, error.fix, again=True, said=said)
    known = meaning(Failure(error.what, error.hresult) if said is None else said)
    fix = error.fix or _with_labels(move, known.fix)
    return Cause(error.what, fix, known.again, said)


_PASSING = (HostUnreachable, NoHostTicket, MachinesNotTold, MoveUnsettled)
"""Where a host can't tell now, and may later."""


def _said_with(error: HostError) -> Failure | None:
    """What a host gave with an error, where it is one of its own."""
    if not isinstance(error, CimFailed):
        return None
    text = "; ".join(error.details) or error.what
    return Failure(text, error.hresult, error.message_id, error.code)


def cause_of_failure(move: Migration, failure: Failure) -> Cause:
    """Why its job failed, in plain words where they are known."""
    known = meaning(failure)
    what = f"{known.what} ({known.hresult})" if known.hresult else known.what
    if known.kind is FailureKind.UNKNOWN:
        what = f"unknown: {what}"
    return Cause(what, _with_labels(move, known.fix), known.again, failure)


def cause_of_end(
    move: Migration, failure: Failure | None, looks: Mapping[str, Answer] | None = None
) -> Cause:
    """Why it is where it was, though its job has ended; ``looks``: both hosts, seen right after.

    Where its numbers say nothing, and a host has as many migrations under way as it allows, that
    was it: a host refuses one more in words alone.
    """
    if failure is None:
        return _SAID_DONE
    cause = cause_of_failure(move, failure)
    full = _at_their_limit(looks or {})
    if full and meaning(failure).kind is FailureKind.UNKNOWN:
        words = f"a limit of migrations at a time was reached: {', '.join(full)}"
        return Cause(words, _LIMIT_FIX, again=True, said=failure)
    return cause


_LIMIT_FIX = "let other migrations end first, or raise the limit of both hosts"
_SAID_DONE = Cause("its job said that it was done, and the machine is where it was", "", again=True)


def _at_their_limit(looks: Mapping[str, Answer]) -> list[str]:
    """The hosts that have as many migrations under way as they allow, in words."""
    full: list[str] = []
    for host, seen in looks.items():
        resources = None if isinstance(seen, HostError) else seen.reading.resources
        if resources is None or isinstance(seen, HostError):
            continue
        counted = seen.reading.under_way
        if 0 < resources.migrations <= counted.migrations:
            full.append(f"{host} has {counted.migrations} of {resources.migrations} under way")
        elif 0 < resources.storage_migrations <= counted.storage_migrations:
            most = resources.storage_migrations
            full.append(f"{host} has {counted.storage_migrations} of {most} with storage under way")
    return full


def judge(
    move: Migration, over: MigrationOver, cause: Cause | None, limits: TryLimits
) -> MigrationVerdict:
    """What a migration comes to by both of its hosts, seen when nothing of it ran.

    No ``cause``: nothing was heard of why, as when whoever watched it died.
    """
    looks = over.seen(move.at)
    where = place(looks, move)
    if where is Whereabouts.TARGET:
        return MigrationVerdict(_arrival(move))
    if where is Whereabouts.SOURCE and not over.is_at_work:
        return _judge_come_to_nothing(move, over, cause, limits)
    seen = sightings(looks, move)
    words = why_unsettled(where, seen)
    if where is Whereabouts.SOURCE:
        words = f"{move.at} has a job of it under way"
    if move.abandoned and where in _ODD:
        return MigrationVerdict(MigrationStep.ABANDONED, f"left as it is: {words}")
    is_moving = where in {Whereabouts.MIGRATING, Whereabouts.BUSY, Whereabouts.SOURCE}
    is_on_source = isinstance(seen[move.at], VirtualMachine)
    return MigrationVerdict(
        None,
        words,
        what_to_do(where, seen),
        moving=is_moving,
        at_rest=is_on_source and not is_moving,
        odd=where in _ODD,
        unsettled=isinstance(seen[move.at], MoveUnsettled),
    )


_ODD = {Whereabouts.BOTH, Whereabouts.NEITHER}


def _judge_come_to_nothing(
    move: Migration, over: MigrationOver, cause: Cause | None, limits: TryLimits
) -> MigrationVerdict:
    """What comes of one that was sent, and whose machine rests where it was."""
    left = _left_behind(move, over, cause)
    if over.untidied is not None:
        # With that there, another try could not tell it from somebody else's.
        known = cause or Cause("its planned machine is left", "", again=False)
        cause = replace(known, again=False)
    verdict = _judge_still_there(move, cause, limits)
    fixes = [fix for fix in (verdict.fix, *left) if fix]
    said = cause.said if cause is not None else None
    return replace(verdict, fix="; ".join(fixes), said=said)


_COPIES_NOTHING = {MovePhase.CREATING, MovePhase.CHECKING}


def _left_behind(move: Migration, over: MigrationOver, cause: Cause | None) -> list[str]:
    """What to look for on its target, once a migration has come to nothing."""
    left: list[str] = []
    if over.untidied is not None:
        left.append(
            f"remove the planned machine that it has left on {move.to}, which could not be done: "
            f"{over.untidied.what}"
        )
    phase = cause.said.phase if cause is not None and cause.said is not None else None
    if phase not in _COPIES_NOTHING:
        folder = move.storage if move.final and move.storage else "its folder"
        left.append(f"look into {folder} on {move.to} for files that it may have left there")
    return left


def _arrival(move: Migration) -> MigrationStep:
    return MigrationStep.ARRIVED if move.final else MigrationStep.PASSED


def judge_unsent(move: Migration, unsent: Unsent, limits: TryLimits) -> MigrationVerdict:
    """What comes of a migration that does not begin: a host gave an error, or by both looks.

    As nothing of ours runs, and nothing will, there is nothing to find out about.
    """
    if unsent.is_stopped:
        return _judge_still_there(move, None, limits)
    if unsent.error is not None:
        cause = cause_of_error(move, unsent.error)
        if cause.said is not None and unsent.looks:
            by_counts = cause_of_end(move, cause.said, unsent.looks)
            cause = by_counts if by_counts.again else cause
        return _judge_still_there(move, cause, limits)
    where = place(unsent.looks, move)
    seen = sightings(unsent.looks, move)
    words = why_unsettled(where, seen)
    if where is Whereabouts.TARGET:
        return MigrationVerdict(_arrival(move), "it was there already")
    if where in _ODD:
        return MigrationVerdict(MigrationStep.GIVEN_UP, words, what_to_do(where, seen))
    is_held_up = where in {Whereabouts.MIGRATING, Whereabouts.BUSY} or unsent.is_at_work
    if where is Whereabouts.MIGRATING or (unsent.is_at_work and where is Whereabouts.SOURCE):
        words = "somebody else is migrating it"
    verdict = _judge_still_there(move, Cause(words, "", again=True), limits)
    if not verdict.blamed or where is Whereabouts.SILENT:
        return verdict
    # It is where it was, and at rest now, if nothing holds it up: then it is tried again soon.
    return MigrationVerdict(MigrationStep.POSTPONED, words, waits=is_held_up)


def _judge_still_there(move: Migration, cause: Cause | None, limits: TryLimits) -> MigrationVerdict:
    """What comes of a migration whose VM is where it was."""
    if move.abandoned:
        return MigrationVerdict(MigrationStep.ABANDONED, "stopped" if move.started else "")
    if limits.stopping or move.state is MigrationState.STOPPING:
        return MigrationVerdict(MigrationStep.RETURNED, "stopped")
    if cause is None:
        return MigrationVerdict(MigrationStep.RETURNED)
    if not cause.again:
        return MigrationVerdict(
            MigrationStep.GIVEN_UP, cause.words, cause.fix, blamed=True, said=cause.said
        )
    failed = move.attempts + 1
    step, words = MigrationStep.POSTPONED, cause.words
    if failed >= limits.attempts:
        step = MigrationStep.GIVEN_UP
        tries = "once" if failed == 1 else f"{failed} times"
        words = f"tried {tries}: {cause.words}"
    return MigrationVerdict(step, words, cause.fix, blamed=True, said=cause.said)


def _with_labels(move: Migration, fix: str) -> str:
    """What to do, with the hosts' labels where they are meant."""
    return fix.replace("SOURCE", move.at).replace("TARGET", move.to)
