"""What verbs tell of runs: how they ended, what was found of those that died."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from delegation import names
from delegation.changes.apply import Report
from delegation.changes.kinds import Kind
from delegation.changes.outcomes import Outcome, Result
from delegation.changes.plan import Change
from delegation.errors import Advice, DelegationError
from delegation.events import EventSeverity, Remark, Teller

_RECOVERED_WORDS = {
    Result.APPLIED: "had been written",
    Result.REFUSED: "had not been written",
    Result.FAILED: "had failed",
    Result.UNKNOWN: "can't be told",
}


class RunRecovered(NamedTuple):
    """A run that had died was looked at; ``outcomes`` are those of writes without an answer."""

    run: int
    outcomes: tuple[Outcome[Any], ...]
    is_first_look: bool = True
    severity: EventSeverity = EventSeverity.HEADING

    def words(self) -> Iterator[str]:
        if self.is_first_look:
            yield f"run {self.run} had not come to its end; looked at its objects:"
        else:
            yield f"run {self.run} has changes in doubt; looked at their objects again:"
        if not self.outcomes:
            yield "  nothing was under way"
        for result in Result:
            changes = [outcome.change for outcome in self.outcomes if outcome.result is result]
            for objects, parts in objects_and_parts(changes):
                in_brackets = f" ({parts})" if parts else ""
                yield f"  {_RECOVERED_WORDS[result]}: {objects}{in_brackets}"

    @property
    def in_doubt(self) -> tuple[str, ...]:
        """Of what nothing could be told, and why."""
        unknown = [outcome for outcome in self.outcomes if outcome.result is Result.UNKNOWN]
        lines = [f"{outcome.change.target.name}: {outcome.reason}" for outcome in unknown]
        return tuple(dict.fromkeys(lines))


class ChangesNotMade(NamedTuple):
    """What of a run was not applied, by reason, and what was found otherwise afterwards."""

    outcomes: tuple[Outcome[Any], ...]
    surprises: tuple[str, ...]
    severity: EventSeverity = EventSeverity.BAD

    def words(self) -> Iterator[str]:
        by_ending: dict[tuple[str, str], list[Change[Any]]] = defaultdict(list)
        for outcome in self.outcomes:
            by_ending[outcome.result.value, outcome.reason].append(outcome.change)
        for (result, reason), changes in by_ending.items():
            for objects, parts in objects_and_parts(changes):
                ending = ": ".join(filter(None, (result, parts, reason)))
                yield f"  {objects}: {ending}"
        for surprise in self.surprises:
            yield f"  {surprise}"


class RunEnded(NamedTuple):
    """A run came to its end; ``verb`` is what was done to its objects."""

    run: int
    verb: str
    report: Report[Any]

    @property
    def severity(self) -> EventSeverity:
        return EventSeverity.GOOD if self.report.complete else EventSeverity.BAD

    def words(self) -> Sequence[str]:
        counts = [f"{self.report.count(result):,} {result.value}" for result in self._results]
        checked = ", and read back as intended" if self.report.complete else ""
        return (f"run {self.run}: {self._ending}: {', '.join(counts) or 'nothing'}{checked}",)

    @property
    def _ending(self) -> str:
        """``applied`` of all of it alone: whoever reads no further must not be misled."""
        if Result.APPLIED not in self._results:
            return f"nothing was {self.verb}" if self._results else self.verb
        is_part = len(self._results) > 1
        return f"{self.verb} in part" if is_part else self.verb

    @property
    def _results(self) -> list[Result]:
        return [result for result in Result if self.report.count(result)]


class RunPassedOver(NamedTuple):
    """Nothing of a run can be taken back now, and an older one is looked at."""

    run: int
    kind: Kind[Any]
    lost: Mapping[str, DelegationError]
    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Iterator[str]:
        by_reason = names.grouped((error.what, name) for name, error in self.lost.items())
        for why, objects in by_reason.items():
            yield f"run {self.run} is passed over: {names.fold(objects)}: {why}"
        yield Advice("  tried again by its number: ", self.kind.undo_command(self.run))


class RunSuperseded(NamedTuple):
    """All that is left of a run is later runs' own by now, and an older one is looked at."""

    run: int
    lines: tuple[str, ...]
    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Iterator[str]:
        yield f"run {self.run} is passed over: what is left of it is later runs' by now"
        yield from (f"  {line}" for line in self.lines)


class LeftToLaterRuns(NamedTuple):
    """Which parts of a run are not taken back because later runs have changed them again."""

    lines: tuple[str, ...]
    severity: EventSeverity = EventSeverity.NOTE

    def words(self) -> Iterator[str]:
        yield from (f"  {line}" for line in self.lines)


class RunUndoneAlready(NamedTuple):
    """All that runs did is as it was before; where ``is_passed_over``, an older one is tried.

    ``undone`` are the runs in words, ``hosts`` those that alone were looked at, empty for all.
    ``is_left``: some of it is later runs' own, and as they have left it.
    """

    undone: str
    is_passed_over: bool = False
    hosts: str = ""
    is_left: bool = False

    @property
    def severity(self) -> EventSeverity:
        return EventSeverity.WARNING if self.is_passed_over else EventSeverity.GOOD

    def words(self) -> Sequence[str]:
        is_done = "is as it was before already"
        if self.is_passed_over:
            return (f"{self.undone} is passed over: all that it changed {is_done}",)
        where = f" on {self.hosts}" if self.hosts else ""
        if self.is_left:
            return (f"nothing to do: nothing of {self.undone}{where} is left to take back",)
        return (f"nothing to do: all that {self.undone} changed{where} {is_done}",)


def tell_report(teller: Teller, report: Report[Any], run: int, verb: str) -> None:
    """What became of an apply or a rollback, failures by name."""
    not_made = tuple(outcome for outcome in report.outcomes if outcome.result is not Result.APPLIED)
    if not_made or report.surprises:
        teller.say(ChangesNotMade(not_made, report.surprises))
    teller.say(RunEnded(run, verb, report))


def tell_unreached(teller: Teller, unreached: Mapping[str, DelegationError]) -> None:
    """Why objects could not be asked, alike ones once, each with what to do about it."""
    by_reason = names.grouped(((error.what, error.fix), name) for name, error in unreached.items())
    for (why, fix), objects in by_reason.items():
        teller.say(Remark(f"{names.fold(objects)}: {why}", EventSeverity.BAD))
        if fix:
            teller.say(Remark(f"  {fix}"))


def objects_and_parts(changes: Iterable[Change[Any]]) -> list[tuple[str, str]]:
    """Objects, folded, each with what of them is meant: a host's settings, or nothing more."""
    by_object = names.grouped((change.target.name, change.after.part_shown) for change in changes)
    by_parts: dict[str, list[str]] = defaultdict(list)
    for name, parts in by_object.items():
        by_parts[", ".join(filter(None, parts))].append(name)
    return [(names.fold(objects), parts) for parts, objects in by_parts.items()]
