"""Plan -> Report: look again, record the intent, write, record the outcome, look once more.

The driver knows no library: it is given a Changer and a ChangeRecord (outcomes.py) and tells its
progress through a callable. Whatever kills the process, the record says which writes may have
happened: an intent is committed before the first request of a window leaves, so that no write
exists that the journal knows nothing of, and an outcome only after its answer has come.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, NamedTuple
from uuid import UUID

from delegation.changes.evidence import what_became_of, why_in_doubt
from delegation.changes.outcomes import (
    Absent,
    Changer,
    ChangeRecord,
    Outcome,
    Result,
    is_out_of_reach,
)
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
        unreached = (outcome for outcome in self.outcomes if not outcome.reached)
        return frozenset(outcome.change.target.name for outcome in unreached)

    @property
    def complete(self) -> bool:
        """Everything applied, and found as intended afterwards."""
        return not self.surprises and self.count(Result.APPLIED) == len(self.outcomes)


def apply(
    plan: Plan[S], changer: Changer[S], record: ChangeRecord[S], progress: Progress
) -> Report[S]:
    """Write every change of ``plan``.

    Raises Refused, with nothing written, where any object is no longer as planned. One that is
    only out of reach is left out: an outcome, like later conflicts and failures. A failure that
    would meet every object ends the run.
    """
    # All objects are looked at before the first write. Where one of them has changed, somebody
    # else is at work here, and a plan that is right in part was reviewed by nobody.
    at_start = changer.look(_targets(plan.changes))
    _refuse_conflicts(plan, at_start)
    outcomes: list[Outcome[S]] = []
    for start in range(0, len(plan.changes), changer.window):
        end = start + changer.window
        window = plan.changes[start:end]
        try:
            # Minutes may have passed since the start: each later window is looked at anew.
            now = changer.look(_targets(window)) if start else at_start
        except DirectoryError as exc:
            outcomes += _not_tried(plan.changes[start:], f"not tried: {exc.what}")
            break
        for outcome in _write_window(window, now, changer, record):
            outcomes.append(outcome)
            progress(len(outcomes), len(plan.changes))
        if any(outcome.stops for outcome in outcomes):
            outcomes += _not_tried(plan.changes[end:], "not tried")
            break
    return _read_back(outcomes, changer, record)


def _not_tried(changes: Sequence[Change[S]], reason: str) -> list[Outcome[S]]:
    return [Outcome(change, Result.FAILED, reason) for change in changes]


def _refuse_conflicts(plan: Plan[S], now: Mapping[UUID, S | Absent]) -> None:
    """Raise Refused, naming every difference, where an object is not as the plan found it."""
    conflicts: list[str] = []
    for change in plan.changes:
        difference = _difference_from_plan(change, now)
        if difference and not is_out_of_reach(now[change.target.guid]):
            conflicts.append(f"{change.target.name}: {difference}")
    if conflicts:
        raise Refused(
            "what was planned for has changed since the plan was made; nothing was written",
            "plan again, and review the difference",
            conflicts,
        )


class Known(NamedTuple):
    """What the record tells of a run's changes in doubt, beside the changes.

    ``written_since``: parts that other runs have written later, or perhaps so, by object;
    ``reasons``: what was found of them before. ``unmade_is_untold``: why what is not found made may
    have been made all the same; empty where it may not.
    """

    written_since: Mapping[UUID, frozenset[str]] = MappingProxyType({})
    reasons: Mapping[UUID, str] = MappingProxyType({})
    unmade_is_untold: str = ""


NOTHING_KNOWN = Known()


def settle(
    intended: Sequence[Change[S]],
    not_begun: Sequence[Change[S]],
    changer: Changer[S],
    record: ChangeRecord[S],
    known: Known = NOTHING_KNOWN,
) -> tuple[Outcome[S], ...]:
    """Find out what became of the changes of a run which died, and record it.

    What can't be told is recorded with the reason, and stays in doubt: a later look may tell. Those
    ``not_begun`` have no outcome where they are found not made.
    """
    now = changer.look(_targets([*intended, *not_begun]))
    outcomes: list[Outcome[S]] = []
    for change in intended:
        guid = change.target.guid
        by_others = known.written_since.get(guid, frozenset())
        result, reason = what_became_of(change, now[guid], by_others)
        if result is Result.REFUSED and known.unmade_is_untold:
            result, reason = Result.UNKNOWN, known.unmade_is_untold
        outcomes.append(_as_found(change, result, reason, now))
    for change in not_begun:
        guid = change.target.guid
        by_others = known.written_since.get(guid, frozenset())
        if reason := why_in_doubt(change, now[guid], by_others):
            outcomes.append(_as_found(change, Result.UNKNOWN, reason, now))
        elif guid in known.reasons:
            outcomes.append(_as_found(change, Result.REFUSED, "found not made", now))
    record.settle([outcome for outcome in outcomes if _is_news(outcome, not_begun, known)])
    return tuple(outcomes)


def _is_news(outcome: Outcome[S], not_begun: Collection[Change[S]], known: Known) -> bool:
    """Whether the record does not tell it yet.

    What was intended is in doubt by that alone, until somebody has looked; what was not, and can't
    be got at, is in doubt only by what is recorded now.
    """
    if not outcome.reached and outcome.change not in not_begun:
        return False
    is_untold = outcome.result is Result.UNKNOWN
    return not is_untold or outcome.reason != known.reasons.get(outcome.change.target.guid)


def _as_found(
    change: Change[S], result: Result, reason: str, now: Mapping[UUID, S | Absent]
) -> Outcome[S]:
    is_reached = not is_out_of_reach(now[change.target.guid])
    return _with_state_found(Outcome(change, result, reason, reached=is_reached), now)


def _write_window(
    window: Sequence[Change[S]],
    now: Mapping[UUID, S | Absent],
    changer: Changer[S],
    record: ChangeRecord[S],
) -> Iterator[Outcome[S]]:
    """Write one window, whose objects are ``now`` so, and leave out what is not as planned."""
    outcomes: list[Outcome[S]] = []
    ready: list[Change[S]] = []
    for change in window:
        if _difference_from_plan(change, now):
            outcomes.append(_left_out(change, now))
        else:
            ready.append(change)
    yield from outcomes
    record.intend(ready)
    try:
        for outcome in changer.write(ready):
            outcomes.append(outcome)
            yield outcome
    finally:
        # What has no answer, or was interrupted, stays intended: the next run settles it. Unknown
        # is not failed: the request may have been carried out before the connection broke, and a
        # change that is recorded as failed would never be rolled back.
        answered = [outcome for outcome in outcomes if outcome.result is not Result.UNKNOWN]
        record.settle(answered)


def _left_out(change: Change[S], now: Mapping[UUID, S | Absent]) -> Outcome[S]:
    difference = _difference_from_plan(change, now)
    if is_out_of_reach(now[change.target.guid]):
        return Outcome(change, Result.FAILED, f"not reached: {difference}", reached=False)
    return Outcome(change, Result.REFUSED, f"conflict: {difference}")


def _difference_from_plan(change: Change[S], now: Mapping[UUID, S | Absent]) -> str:
    """How the object differs from what the plan found; empty where it does not."""
    state = now[change.target.guid]
    return state.why if isinstance(state, Absent) else change.before.difference(state)


def _read_back(
    outcomes: Sequence[Outcome[S]], changer: Changer[S], record: ChangeRecord[S]
) -> Report[S]:
    """Look at everything that was written: what was left to the objects, and what is otherwise."""
    applied = [outcome.change for outcome in outcomes if outcome.result is Result.APPLIED]
    if not applied:
        return Report(tuple(outcomes), ())
    try:
        now = changer.look(_targets(applied))
    except DelegationError as exc:
        if any(outcome.result is Result.UNKNOWN for outcome in outcomes):
            # The connection was lost before, and the outcomes say so already.
            return Report(tuple(outcomes), ())
        unread = f"what was written could not be read back: {exc.what}"
        return Report(tuple(outcomes), (unread,))
    completed = [_with_state_found(outcome, now) for outcome in outcomes]
    pairs = zip(outcomes, completed, strict=True)
    if differing := [seen for written, seen in pairs if seen != written]:
        record.settle(differing)
    surprises = dict.fromkeys(_surprises(applied, now))
    return Report(tuple(completed), tuple(surprises))


def _with_state_found(outcome: Outcome[S], now: Mapping[UUID, S | Absent]) -> Outcome[S]:
    """What was made, with what it left to the object as found there."""
    state = now.get(outcome.change.target.guid)
    if outcome.result is not Result.APPLIED or state is None or isinstance(state, Absent):
        return outcome
    return outcome._replace(change=outcome.change.completed(state))


def _surprises(applied: Sequence[Change[S]], now: Mapping[UUID, S | Absent]) -> Iterator[str]:
    """What the objects hold now that the outcomes do not explain."""
    for change in applied:
        name, state = change.target.name, now[change.target.guid]
        if isinstance(state, Absent):
            gone = "gone after it was written" if state.for_good else f"not read back: {state.why}"
            yield f"{name}: {gone}"
        elif departures := change.departures(state):
            yield f"{name}: not as written: {'; '.join(departures)}"
        # A window is looked at, and then written: what somebody else adds in between is not in
        # the deltas, so that both writes succeed. Only looking once more shows it.
        elif difference := change.after.difference(state):
            yield f"{name}: changed by somebody else meanwhile: {difference}"


def _targets(changes: Sequence[Change[S]]) -> list[Target]:
    return [change.target for change in changes]
