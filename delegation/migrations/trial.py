"""One migration of a probe, from its intent on record to its end: what its hosts say, as facts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from delegation.errors import DelegationError, HostError
from delegation.hosts.hypervisor import Open
from delegation.hosts.machines import Failure, MoveProgress, UnderWay
from delegation.hosts.probe.probe_facts import Fact
from delegation.migrations.lifecycle import Migration, MigrationStep
from delegation.migrations.record.queue import Queue
from delegation.migrations.runner import errands
from delegation.migrations.runner.whereabouts import Whereabouts, place
from delegation.migrations.runner.work import (
    Accepted,
    Advanced,
    Counted,
    ErrandEvent,
    Lost,
    MigrationOver,
    Prepared,
    Unsent,
)


class _Wish:
    """A wish to cancel, which is there once the migration is under way."""

    def __init__(self, *, is_wanted: bool) -> None:
        self._is_wanted = is_wanted
        self.has_begun = False

    def is_set(self) -> bool:
        return self._is_wanted and self.has_begun

    def is_to_kill(self) -> bool:
        return False


@dataclass
class _Watched:
    """What was seen of one migration. Seconds are from when it was sent."""

    progress: list[tuple[float, MoveProgress]] = field(default_factory=list)
    counted: list[Mapping[str, UnderWay]] = field(default_factory=list)
    cancelled: float | None = None
    ended: float | None = None
    failure: Failure | None = None
    where: Whereabouts | None = None
    unsent: HostError | None = None
    is_tidied: bool = False


class Trial:
    """Migrations one after the other, each sent once; ``clock`` only grows."""

    def __init__(self, open_host: Open, clock: Callable[[], float]) -> None:
        self._open = open_host
        self._clock = clock

    def attempt(self, run: Queue, move: Migration, *, cancel: bool) -> dict[str, Fact]:
        """One migration to its end. Raises DelegationError where that is not known."""
        wish = _Wish(is_wanted=cancel)
        watched = _Watched()
        prepared = self._prepared(replace(move, to=move.target), wish)
        if isinstance(prepared, Unsent):
            watched.unsent = prepared.error
            return _facts(watched, move)
        begun = self._clock()
        sent = run.step(
            move.machine, MigrationStep.INTENDED, to=move.target, handle=prepared.handle
        )
        for event in errands.carry(self._open, sent, prepared.order, wish, counting=True):
            at = self._clock() - begun
            self._heard(run, sent, event, watched, at)
            if cancel and watched.cancelled is None and _may_be_cancelled(event):
                # On record before it is asked for, which is with the next event.
                run.step(move.machine, MigrationStep.STOPPED)
                watched.cancelled = at
                wish.has_begun = True
        return _facts(watched, move)

    def _prepared(self, move: Migration, wish: _Wish) -> Prepared | Unsent:
        for event in errands.prepare(self._open, move, wish):
            if isinstance(event, Prepared | Unsent):
                return event
        raise DelegationError(f"nothing was heard of {move.name}", "probe once more")

    @staticmethod
    def _heard(
        run: Queue, move: Migration, event: ErrandEvent, watched: _Watched, at: float
    ) -> None:
        if isinstance(event, Accepted):
            run.step(move.machine, MigrationStep.ACCEPTED, handle=event.handle)
        elif isinstance(event, Advanced):
            watched.progress.append((at, event.progress))
        elif isinstance(event, Counted):
            watched.counted.append(event.counted)
        elif isinstance(event, Unsent):
            watched.unsent = event.error
            run.step(move.machine, MigrationStep.RETURNED, "its source has refused it")
        elif isinstance(event, Lost):
            run.step(move.machine, MigrationStep.LOST, event.error.what, event.error.fix)
            raise event.error
        elif isinstance(event, MigrationOver):
            watched.ended, watched.failure = at, event.failure
            watched.is_tidied = event.is_tidied
            watched.where = place(event.looks, move)
            _settle(run, move, watched)


def _settle(run: Queue, move: Migration, watched: _Watched) -> None:
    """Raises DelegationError where both hosts together do not say where the VM is."""
    where, failure = watched.where, watched.failure
    if where is Whereabouts.TARGET:
        run.step(move.machine, MigrationStep.ARRIVED, at=move.target, said=failure)
    elif where is Whereabouts.SOURCE:
        run.step(move.machine, MigrationStep.RETURNED, said=failure)
    else:
        place_told = where.value if where is not None else "nowhere"
        run.step(move.machine, MigrationStep.LOST, f"it is {place_told}", said=failure)
        raise DelegationError(
            f"{move.name} is {place_told} after its migration has ended",
            f"look at it on both hosts; then delegation migrate resume {run.run}",
        )


def _may_be_cancelled(event: ErrandEvent) -> bool:
    """Whether it is under way, and its host lets itself be asked.

    A small machine would have arrived before it shows a percent.
    """
    return isinstance(event, Advanced) and event.progress.can_be_stopped


def _facts(watched: _Watched, move: Migration) -> dict[str, Fact]:
    """Numbers alone, but for the host's own text of a failure, which is masked with the rest."""
    percents = [(round(at, 1), progress.percent) for at, progress in watched.progress]
    phases = dict.fromkeys(str(one.phase or "") for _, one in watched.progress)
    ends = (move.source, move.target)
    return {
        "unsent": _refusal(watched.unsent),
        "phases": tuple(phases),
        "could_be_cancelled": any(one.can_be_stopped for _, one in watched.progress),
        "percents": tuple(_thinned(percents)),
        "longest_without_a_percent": _longest_silence(percents),
        "counts": tuple(_counts(counted, ends) for counted in watched.counted),
        "cancelled_after": _rounded(watched.cancelled),
        "ended_after": _rounded(watched.ended),
        "failure": _failure(watched.failure),
        "where": watched.where.value if watched.where else None,
        "planned_machine_removed": watched.is_tidied,
    }


def _refusal(error: HostError | None) -> Fact:
    if error is None:
        return None
    return {"refused": error.hresult or "without a number", "said": (error.what, *error.details)}


def _failure(failure: Failure | None) -> Fact:
    if failure is None:
        return None
    return {
        "message": failure.message,
        "message_id": failure.message_id,
        "hresult": failure.hresult,
        "error_code": failure.error_code,
        "phase": str(failure.phase or ""),
        "stopped": failure.stopped,
    }


def _counts(counted: Mapping[str, UnderWay], ends: tuple[str, str]) -> Fact:
    source, target = (counted.get(label) for label in ends)
    return {"source": _under_way(source), "target": _under_way(target)}


def _under_way(count: UnderWay | None) -> Fact:
    if count is None:
        return None
    return {"migrations": count.migrations, "storage_migrations": count.storage_migrations}


MOST_PERCENTS = 40


def _thinned(percents: list[tuple[float, int]]) -> Iterable[Fact]:
    """Where the percent changed, and no more of these than can be looked at."""
    changed = [one for n, one in enumerate(percents) if n == 0 or one[1] != percents[n - 1][1]]
    every = max(1, len(changed) // MOST_PERCENTS)
    for at, percent in changed[::every]:
        yield {"after": str(at), "percent": percent}


def _longest_silence(percents: list[tuple[float, int]]) -> Fact:
    """Seconds, at most, in which the percent stayed as it was."""
    longest, since = 0.0, 0.0
    for number, (at, percent) in enumerate(percents):
        if number and percent != percents[number - 1][1]:
            since = at
        longest = max(longest, at - since)
    return round(longest)


def _rounded(seconds: float | None) -> Fact:
    return None if seconds is None else f"{seconds:.1f} s"
