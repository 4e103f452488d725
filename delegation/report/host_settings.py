"""A run that changed settings of hosts -> its report: data, for people, and as rows."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from delegation import names
from delegation.changes.history import found_to_json, run_to_json
from delegation.changes.run import Run
from delegation.hosts import settings
from delegation.hosts.settings import RecordedSetting, SettingChange
from delegation.hosts.settings_view import recorded_setting_to_json
from delegation.names import counted
from delegation.report.contents import Origin, ReportVerdict

COLUMNS = (
    "host",
    "setting",
    "before",
    "after",
    "result",
    "reason",
    "time",
    "run",
    "kind",
    "ticket",
    "domain",
    "generated",
)
"""Of the CSV of a run, with a row for each setting of each host."""


@dataclass(frozen=True)
class SettingsRunReport:
    """One run of the journal that changed settings of hosts, or was to."""

    origin: Origin
    run: Run
    changes: tuple[RecordedSetting, ...]
    is_settled: bool
    found: tuple[SettingChange, ...] = ()
    """What a rollback found done already."""

    @property
    def verdict(self) -> ReportVerdict:
        counts = Counter(_result(change) for change in self.changes)
        applied = counts.pop("applied", 0)
        hosts = len({change.change.target.name for change in self.changes})
        words = f"{applied:,} of {counted(len(self.changes), 'setting')} applied"
        words += f" on {counted(hosts, 'host')}"
        words += "".join(f", {count:,} {result}" for result, count in counts.items())
        if self.is_settled:
            return ReportVerdict(self.run.status, words)
        if self.run.finished is not None:
            return ReportVerdict("unsettled", f"some of it is in doubt: {words}")
        words = f"it has not come to its end, and may have made more: {words}"
        return ReportVerdict("unsettled", words)

    def to_json(self) -> dict[str, Any]:
        return {
            "report": self.origin.to_json(),
            "verdict": self.verdict.to_json(),
            **run_to_json(self.run),
            "unsettled": not self.is_settled,
            "undo_file": self.run.undo_file,
            "changes": [recorded_setting_to_json(change) for change in self.changes],
            "as_before": found_to_json(self.found),
        }

    def people(self) -> dict[str, Any]:
        """For a page: hosts with the same change folded, and each host with all of its own."""
        alike = names.grouped((_words(change), _host(change)) for change in self.changes)
        failed_first = sorted(alike.items(), key=lambda group: group[0][3] == "applied")
        by_host = names.grouped((_host(change), change) for change in self.changes)
        return {
            "told_changes": [
                {
                    "hosts": names.fold(hosts),
                    "count": len(hosts),
                    **dict(zip(_WORDS, words, strict=True)),
                }
                for words, hosts in failed_first
            ],
            "told_hosts": [
                {
                    "host": host,
                    "changes": [_in_words(change) for change in changes],
                    "wrong": sum(_result(change) != "applied" for change in changes),
                }
                for host, changes in by_host.items()
            ],
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row of the CSV for each setting, by the names of COLUMNS."""
        page = run_to_json(self.run)
        own = {name: page[name] for name in ("run", "kind", "ticket")}
        for change in self.changes:
            yield {**_in_words(change), **own, "time": change.settled or change.intended}


_WORDS = ("setting", "before", "after", "result", "reason")


def _words(recorded: RecordedSetting) -> tuple[str, ...]:
    """A change by the names of _WORDS."""
    before, after = recorded.change.before, recorded.change.after
    shown = settings.shown(before.value), settings.shown(after.value)
    return before.name, *shown, _result(recorded), recorded.reason


def _in_words(recorded: RecordedSetting) -> dict[str, Any]:
    words = dict(zip(_WORDS, _words(recorded), strict=True))
    return {**recorded_setting_to_json(recorded), **words}


def _host(recorded: RecordedSetting) -> str:
    return recorded.change.target.name


def _result(recorded: RecordedSetting) -> str:
    if recorded.result is not None:
        return recorded.result.value
    return "not settled" if recorded.intended else "not made"
