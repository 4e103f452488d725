"""What an audit tells besides its findings: warnings about the record that it compares with."""

from collections.abc import Sequence
from dataclasses import dataclass

from delegation.events import EventSeverity


@dataclass(frozen=True, slots=True)
class NothingToCompareWith:
    """The journal could not be read."""

    why: str
    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Sequence[str]:
        return (f"nothing to compare with, all findings are told as new: {self.why}",)


@dataclass(frozen=True, slots=True)
class AuditNotRecorded:
    """The journal could not be written: no later audit knows of this one."""

    why: str
    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Sequence[str]:
        return (f"this audit is not in the history: {self.why}",)


@dataclass(frozen=True, slots=True)
class FindingsNotKept:
    """The audit is on record, without what it found."""

    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Sequence[str]:
        return ("the findings are too many to be kept: no later audit compares with this one",)


@dataclass(frozen=True, slots=True)
class UnsettledRuns:
    """What was found may be what these runs were about to change."""

    runs: tuple[int, ...]
    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Sequence[str]:
        runs = ", ".join(map(str, self.runs))
        return (f"run {runs} has not come to its end, or is in doubt; see delegation history",)
