"""Carry out a plan: look again, record the intent, write, record the outcome, look once more.

The driver knows no library: it is given a Changer and a Record (edges.py) and tells its progress
through a callable. Whatever kills the process, the record says which writes may have happened.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic
from uuid import UUID

from delegation.changes.outcomes import Absent, Changer, Outcome, Record, Result
from delegation.changes.plan import Change, Plan, S, Target
from delegation.errors import DelegationError, DirectoryError, Refused

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
    def unreached(self) -> frozenset[str]:
        """The names of the objects that were never got at."""
        return frozenset(o.change.target.name for o in self.outcomes if not o.reached)

    @property
    def complete(self) -> bool:
        """Everything applied, and found as intended afterwards."""
        return not self.surprises and self.count(Result.APPLIED) == len(self.outcomes)


def apply(plan: Plan[S], changer: Changer[S], record: Record[S], progress: Progress) -> Report[S]:
    """Write every change of ``plan``.

    Raises Refused, with nothing written, where any object is no longer as planned. One that is
    only out of reach is left out: an outcome, like later conflicts and failures. A failure that
    would meet every object ends the run.
    """
    first = changer.look(_targets(plan.changes))
    _refuse_conflicts(plan, first)
    outcomes: list[Outcome[S]] = []
    for start in range(0, len(plan.changes), changer.window):
        window = plan.changes[start : start + changer.window]
        try:
            now = changer.look(_targets(window)) if start else first
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
    return _read_back(outcomes, changer, record)


def _refuse_conflicts(plan: Plan[S], now: Mapping[UUID, S | Absent]) -> None:
    """Raise Refused, naming every difference, where an object is not as the plan found it."""
    conflicts = [
        f"{change.target.name}: {why}"
        for change in plan.changes
        if not _out_of_reach(now[change.target.guid]) and (why := _moved(change, now))
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
        _completed(Outcome(change, *what_became_of(change, found[change.target.guid])), now)
        for change in changes
    )
    record.settle([o for o in outcomes if not _out_of_reach(found[o.change.target.guid])])
    return outcomes


def what_became_of(change: Change[S], now: S | Absent) -> tuple[Result, str]:
    """Whether an unanswered write was made, by the object as it is ``now``, and why so.

    A write is all or nothing (one modify, MS-ADTS 3.1.1.5.3; one cmdlet): one part of it that is
    found made tells of the others. Where others have changed a part since, nothing can be told.
    """
    if isinstance(now, Absent):
        return Result.UNKNOWN, now.why
    if not change.departures(now):
        return Result.APPLIED, "found made"
    if not change.reversed().departures(now):
        return Result.REFUSED, "found not made"
    return Result.UNKNOWN, "changed by somebody else since: " + "; ".join(change.departures(now))


def _out_of_reach(state: S | Absent) -> bool:
    return isinstance(state, Absent) and not state.for_good


def _window(
    window: Sequence[Change[S]],
    now: Mapping[UUID, S | Absent],
    changer: Changer[S],
    record: Record[S],
) -> Iterator[Outcome[S]]:
    """Write one window, whose objects are ``now`` so, and leave out what is not as planned."""
    outcomes = [_left_out(change, now) for change in window if _moved(change, now)]
    yield from outcomes
    left_out = {outcome.change.target.guid for outcome in outcomes}
    ready = [change for change in window if change.target.guid not in left_out]
    record.intend(ready)
    try:
        for outcome in changer.write(ready):
            outcomes.append(outcome)
            yield outcome
    finally:
        # What has no answer, or was interrupted, stays intended: the next run settles it.
        record.settle([o for o in outcomes if o.result is not Result.UNKNOWN])


def _left_out(change: Change[S], now: Mapping[UUID, S | Absent]) -> Outcome[S]:
    why = _moved(change, now)
    if _out_of_reach(now[change.target.guid]):
        return Outcome(change, Result.FAILED, f"not reached: {why}", reached=False)
    return Outcome(change, Result.REFUSED, f"conflict: {why}")


def _moved(change: Change[S], now: Mapping[UUID, S | Absent]) -> str:
    """How the object differs from what the plan found; empty where it does not."""
    found = now[change.target.guid]
    return found.why if isinstance(found, Absent) else change.before.difference(found)


def _read_back(outcomes: Sequence[Outcome[S]], changer: Changer[S], record: Record[S]) -> Report[S]:
    """Look at everything that was written: what was left to the objects, and what is otherwise."""
    applied = [outcome.change for outcome in outcomes if outcome.result is Result.APPLIED]
    if not applied:
        return Report(tuple(outcomes), ())
    try:
        now = changer.look(_targets(applied))
    except DelegationError as exc:
        surprises = [f"what was written could not be read back: {exc.what}"]
        if any(outcome.result is Result.UNKNOWN for outcome in outcomes):
            surprises = []  # the connection was lost, and the outcomes say so
        return Report(tuple(outcomes), tuple(surprises))
    completed = [_completed(outcome, now) for outcome in outcomes]
    if told := [new for old, new in zip(outcomes, completed, strict=True) if new != old]:
        record.settle(told)
    return Report(tuple(completed), tuple(dict.fromkeys(_surprises(applied, now))))


def _completed(outcome: Outcome[S], now: Mapping[UUID, S | Absent]) -> Outcome[S]:
    """What was made, with what it left to the object as found there."""
    found = now.get(outcome.change.target.guid)
    if outcome.result is not Result.APPLIED or found is None or isinstance(found, Absent):
        return outcome
    return replace(outcome, change=outcome.change.completed(found))


def _surprises(applied: Sequence[Change[S]], now: Mapping[UUID, S | Absent]) -> Iterator[str]:
    """What the objects hold now that the outcomes do not explain."""
    for change in applied:
        found = now[change.target.guid]
        if isinstance(found, Absent):
            gone = "gone after it was written" if found.for_good else f"not read back: {found.why}"
            yield f"{change.target.name}: {gone}"
        elif words := change.departures(found):
            yield f"{change.target.name}: not as written: {'; '.join(words)}"
        elif moved := change.after.difference(found):
            yield f"{change.target.name}: changed by somebody else meanwhile: {moved}"


def _targets(changes: Sequence[Change[S]]) -> list[Target]:
    return [change.target for change in changes]
