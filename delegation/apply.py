"""Carry out a plan: look again, record the intent, write, record the outcome, look once more.

The driver knows no library: it is given a Changer and a Record (edges.py) and tells its progress
through a callable. Whatever kills the process, the record says which writes may have happened.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic
from uuid import UUID

from delegation import undo
from delegation.edges import Absent, Changer, Outcome, Record, Result
from delegation.errors import DelegationError, DirectoryError, Refused
from delegation.plan import Change, Plan, S, Target

Progress = Callable[[int, int], None]
"""Called with the number of changes settled and the number of all."""


@dataclass(frozen=True, slots=True)
class Report(Generic[S]):
    """One outcome for each change of the plan, and what else was seen to have moved."""

    outcomes: tuple[Outcome[S], ...]
    surprises: tuple[str, ...]

    def count(self, result: Result) -> int:
        return sum(outcome.result is result for outcome in self.outcomes)

    @property
    def complete(self) -> bool:
        """Everything applied, and found as intended afterwards."""
        return not self.surprises and self.count(Result.APPLIED) == len(self.outcomes)


def apply(plan: Plan[S], changer: Changer[S], record: Record[S], progress: Progress) -> Report[S]:
    """Write every change of ``plan``.

    Raises Refused, with nothing written, where any object is no longer as planned. Later
    conflicts and failures are outcomes; a failure that would meet every object ends the run.
    """
    refuse_conflicts(plan, changer)
    outcomes: list[Outcome[S]] = []
    for start in range(0, len(plan.changes), changer.window):
        window = plan.changes[start : start + changer.window]
        try:
            now = changer.look(_targets(window)) if start else None
        except DirectoryError as exc:
            skipped = plan.changes[start:]
            outcomes += [Outcome(c, Result.FAILED, f"not tried: {exc.what}") for c in skipped]
            break
        for outcome in _window(window, now, changer, record):
            outcomes.append(outcome)
            progress(len(outcomes), len(plan.changes))
        if any(outcome.stops for outcome in outcomes):
            skipped = plan.changes[start + changer.window :]
            outcomes += [Outcome(c, Result.FAILED, "not tried") for c in skipped]
            break
    return Report(tuple(outcomes), tuple(_surprises(outcomes, changer)))


def refuse_conflicts(plan: Plan[S], changer: Changer[S]) -> None:
    """Raise Refused, naming every difference, where an object is not as the plan found it."""
    now = changer.look(_targets(plan.changes))
    conflicts = [
        f"{change.target.name}: {why}" for change in plan.changes if (why := _moved(change, now))
    ]
    if conflicts:
        raise Refused(
            "what was planned for has changed since the plan was made; nothing was written",
            "plan again, and review the difference",
            conflicts,
        )


def settle(
    changes: Sequence[Change[S]], changer: Changer[S], record: Record[S]
) -> tuple[Outcome[S], ...]:
    """Find out what became of writes that a run which died had intended, and record it.

    An object that is only out of reach stays unsettled: a later look may tell.
    """
    now = changer.look(_targets(changes))
    found = {change.target.guid: now[change.target.guid] for change in changes}
    outcomes = tuple(
        Outcome(change, *undo.settle(change, found[change.target.guid])) for change in changes
    )
    record.settle([o for o in outcomes if not _out_of_reach(found[o.change.target.guid])])
    return outcomes


def _out_of_reach(state: S | Absent) -> bool:
    return isinstance(state, Absent) and not state.for_good


def _window(
    window: Sequence[Change[S]],
    now: Mapping[UUID, S | Absent] | None,
    changer: Changer[S],
    record: Record[S],
) -> Iterator[Outcome[S]]:
    """Write one window; ``now`` None: it was read a moment ago and found as planned."""
    outcomes = [
        Outcome(change, Result.REFUSED, f"conflict: {why}")
        for change in window
        if now is not None and (why := _moved(change, now))
    ]
    yield from outcomes
    refused = {outcome.change.target.guid for outcome in outcomes}
    ready = [change for change in window if change.target.guid not in refused]
    record.intend(ready)
    try:
        for outcome in changer.write(ready):
            outcomes.append(outcome)
            yield outcome
    finally:
        # What has no answer, or was interrupted, stays intended: the next run settles it.
        record.settle([o for o in outcomes if o.result is not Result.UNKNOWN])


def _moved(change: Change[S], now: Mapping[UUID, S | Absent]) -> str:
    """How the object differs from what the plan found; empty where it does not."""
    found = now[change.target.guid]
    return found.why if isinstance(found, Absent) else change.before.difference(found)


def _surprises(outcomes: Sequence[Outcome[S]], changer: Changer[S]) -> list[str]:
    """What the objects hold now that the outcomes do not explain."""
    applied = [outcome.change for outcome in outcomes if outcome.result is Result.APPLIED]
    if not applied:
        return []
    try:
        now = changer.look(_targets(applied))
    except DelegationError as exc:
        if any(outcome.result is Result.UNKNOWN for outcome in outcomes):
            return []  # the connection was lost, and the outcomes say so
        return [f"what was written could not be read back: {exc.what}"]
    surprises = []
    for change in applied:
        found = now[change.target.guid]
        if isinstance(found, Absent):
            gone = "gone after it was written" if found.for_good else f"not read back: {found.why}"
            surprises.append(f"{change.target.name}: {gone}")
        elif words := change.departures(found):
            surprises.append(f"{change.target.name}: not as written: {'; '.join(words)}")
        elif moved := change.after.difference(found):
            surprises.append(f"{change.target.name}: changed by somebody else meanwhile: {moved}")
    return surprises


def _targets(changes: Sequence[Change[S]]) -> list[Target]:
    return [change.target for change in changes]
