"""Carry out a plan: look again, record the intent, write, record the outcome, look once more.

The driver knows no library: it is given a Writer and a Record (edges.py) and tells its progress
through a callable. Whatever kills the process, the record says which writes may have happened.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from delegation import undo
from delegation.edges import Outcome, Reader, Record, Result, Writer
from delegation.errors import DirectoryError, Refused
from delegation.plan import Delegation, DelegationChange, DelegationPlan
from delegation.snapshot import Computer

Progress = Callable[[int, int], None]
"""Called with the number of changes settled and the number of all."""


@dataclass(frozen=True, slots=True)
class Report:
    """One outcome for each change of the plan, and what else was seen to have moved."""

    outcomes: tuple[Outcome, ...]
    surprises: tuple[str, ...]

    def count(self, result: Result) -> int:
        return sum(outcome.result is result for outcome in self.outcomes)

    @property
    def complete(self) -> bool:
        """Everything applied, and found as intended afterwards."""
        return not self.surprises and self.count(Result.APPLIED) == len(self.outcomes)


def apply(plan: DelegationPlan, writer: Writer, record: Record, progress: Progress) -> Report:
    """Write every change of ``plan``.

    Raises Refused, with nothing written, where any object is no longer as planned. Later
    conflicts and failures are outcomes; a failure that would meet every object ends the run.
    """
    refuse_conflicts(plan, writer)
    outcomes: list[Outcome] = []
    for start in range(0, len(plan.changes), writer.window):
        window = plan.changes[start : start + writer.window]
        try:
            now = writer.read(_guids(window)) if start else None
        except DirectoryError as exc:
            skipped = plan.changes[start:]
            outcomes += [Outcome(c, Result.FAILED, f"not tried: {exc.what}") for c in skipped]
            break
        for outcome in _window(window, now, writer, record):
            outcomes.append(outcome)
            progress(len(outcomes), len(plan.changes))
        if any(outcome.stops for outcome in outcomes):
            skipped = plan.changes[start + writer.window :]
            outcomes += [Outcome(c, Result.FAILED, "not tried") for c in skipped]
            break
    return Report(tuple(outcomes), tuple(_surprises(outcomes, writer)))


def refuse_conflicts(plan: DelegationPlan, reader: Reader) -> None:
    """Raise Refused, naming every difference, where an object is not as the plan found it."""
    now = reader.read(_guids(plan.changes))
    conflicts = [
        f"{change.target.name}: {why}" for change in plan.changes if (why := _moved(change, now))
    ]
    if conflicts:
        raise Refused(
            "the directory has changed since the plan was made; nothing was written",
            "plan again, and review the difference",
            conflicts,
        )


def settle(
    changes: Sequence[DelegationChange], reader: Reader, record: Record
) -> tuple[Outcome, ...]:
    """Find out what became of writes that a run which died had intended, and record it."""
    now = reader.read(_guids(changes))
    outcomes = tuple(
        Outcome(change, *undo.settle(change, now.get(change.target.guid))) for change in changes
    )
    record.settle(outcomes)
    return outcomes


def _window(
    window: Sequence[DelegationChange],
    now: Mapping[UUID, Computer] | None,
    writer: Writer,
    record: Record,
) -> Iterator[Outcome]:
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
        for outcome in writer.write(ready):
            outcomes.append(outcome)
            yield outcome
    finally:
        # What has no answer, or was interrupted, stays intended: the next run settles it.
        record.settle([o for o in outcomes if o.result is not Result.UNKNOWN])


def _moved(change: DelegationChange, now: Mapping[UUID, Computer]) -> str:
    """How the object differs from what the plan found; empty where it does not."""
    computer = now.get(change.target.guid)
    if computer is None:
        return "the computer object is gone"
    return describe_difference(change.before, Delegation.of(computer))


def describe_difference(expected: Delegation, found: Delegation) -> str:
    """In words, by exact value and number; empty where they are the same."""
    if expected.same(found):
        return ""
    words = [f"{value} was added" for value in sorted(set(found.values) - set(expected.values))]
    words += [f"{value} was removed" for value in sorted(set(expected.values) - set(found.values))]
    if expected.uac != found.uac:
        words.append(f"userAccountControl went from {expected.uac:#x} to {found.uac:#x}")
    return ", ".join(words)


def _surprises(outcomes: Sequence[Outcome], reader: Reader) -> list[str]:
    """What the objects hold now that the outcomes do not explain."""
    applied = [outcome.change for outcome in outcomes if outcome.result is Result.APPLIED]
    if not applied or any(outcome.result is Result.UNKNOWN for outcome in outcomes):
        return []
    try:
        now = reader.read(_guids(applied))
    except DirectoryError as exc:
        return [f"what was written could not be read back: {exc.what}"]
    surprises = []
    for change in applied:
        computer = now.get(change.target.guid)
        if computer is None:
            surprises.append(f"{change.target.name}: gone after it was written")
        elif words := undo.differences(change, computer):
            surprises.append(f"{change.target.name}: not as written: {'; '.join(words)}")
        elif moved := describe_difference(change.after, Delegation.of(computer)):
            surprises.append(f"{change.target.name}: changed by somebody else meanwhile: {moved}")
    return surprises


def _guids(changes: Sequence[DelegationChange]) -> list[UUID]:
    return [change.target.guid for change in changes]
