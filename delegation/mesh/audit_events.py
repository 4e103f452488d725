"""What an audit tells besides its findings: warnings about the record that it compares with."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from delegation.errors import Advice, command
from delegation.events import EventSeverity


class NothingToCompareWith(NamedTuple):
    """The journal could not be read."""

    why: str
    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Sequence[str]:
        return (f"nothing to compare with, all findings are told as new: {self.why}",)


class NothingKeptBefore(NamedTuple):
    """The journal could not be read, and with it what keep rules let stay before."""

    why: str
    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Sequence[str]:
        return (f"whether values under a keep rule were removed can't be told: {self.why}",)


class OutsideUnread(NamedTuple):
    """The domain could not be searched; what the hosts themselves hold was read by then."""

    why: str
    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Sequence[str]:
        what = f"who reaches the hosts from outside the inventory is unknown: {self.why}"
        return (f"{what}; --inside-only leaves that search out",)


class AuditNotRecorded(NamedTuple):
    """The journal could not be written: no later audit knows of this one."""

    why: str
    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Sequence[str]:
        return (f"this audit is not in the history: {self.why}",)


class BaselineAssumed(NamedTuple):
    """No audit by this inventory was ever told to move the baseline, so this one has moved it."""

    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Sequence[str]:
        return (
            Advice(
                "no audit by this inventory had --baseline yet, so that this one counts as the one "
                "to compare with; a unit of an older version does not say it: renew it with ",
                command("schedule"),
            ),
        )


class BaselineLate(NamedTuple):
    """The last audit that was to move the baseline is older than twice the gap before it."""

    inventory: str
    last: str
    gap: timedelta
    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Sequence[str]:
        hours = round(self.gap.total_seconds() / 3600)
        usual = f"{hours} hours" if hours < HOURS_IN_WORDS else f"{round(hours / 24)} days"
        time = self.last[:16].replace("T", " ")
        when = f"the last was at {time} UTC, {usual} after the one before"
        what = f"the scheduled audit of {self.inventory} is late: {when}"
        return (f"{what}; look whether its timer still runs",)


HOURS_IN_WORDS = 72
"""Longer than that, days are counted."""


class FindingsNotKept(NamedTuple):
    """The audit is on record, without what it found."""

    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Sequence[str]:
        return ("the findings are too many to be kept: no later audit compares with this one",)


class UnsettledRuns(NamedTuple):
    """What was found may be what these runs were about to change."""

    runs: tuple[int, ...]
    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Sequence[str]:
        runs = ", ".join(map(str, self.runs))
        return (f"run {runs} has not come to its end, or is in doubt; see delegation history",)
