"""A run that changed settings of hosts -> its report: data, for people, and as rows."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from delegation import names, report
from delegation.changes.run import Run
from delegation.hosts import settings
from delegation.hosts.settings import RecordedSetting
from delegation.report import Data
from delegation.report.contents import Origin

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


def run(
    origin: Origin, recorded: Run, changes: Sequence[RecordedSetting], *, settled: bool
) -> Data:
    """One run of the journal that changed settings of hosts, or was to."""
    told = [report.recorded_setting_data(change) for change in changes]
    return {
        "report": origin.data(),
        "verdict": _verdict(recorded, told, settled=settled),
        **report.run_data(recorded),
        "unsettled": not settled,
        "undo_file": recorded.undo_file,
        "changes": told,
    }


def _verdict(recorded: Run, changes: Sequence[Data], *, settled: bool) -> Data:
    counts = Counter(_result(change) for change in changes)
    applied, total = counts.pop("applied", 0), len(changes)
    hosts = len({change["host"] for change in changes})
    words = f"{applied:,} of {total:,} {'setting' if total == 1 else 'settings'} applied"
    words += f" on {hosts:,} {'host' if hosts == 1 else 'hosts'}"
    words += "".join(f", {count:,} {result}" for result, count in counts.items())
    if not settled:
        words = f"it has not come to its end, and may have made more: {words}"
    return {"standing": recorded.status if settled else "unsettled", "words": words}


def _result(change: Data) -> str:
    return change["result"] or ("not settled" if change["intended"] else "not made")


def people(data: Data) -> Data:
    """The same for people: hosts with the same change folded, and each host with all of its own."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    by_host: dict[str, list[Data]] = defaultdict(list)
    for change in map(_told, data["changes"]):
        key = tuple(change[name] for name in ("setting", "before", "after", "result", "reason"))
        alike[key].append(change["host"])
        by_host[change["host"]].append(change)
    return {
        "told_changes": [
            {
                "hosts": names.fold(hosts),
                "count": len(hosts),
                **dict(zip(("setting", "before", "after", "result", "reason"), key, strict=True)),
            }
            for key, hosts in sorted(alike.items(), key=lambda one: one[0][3] == "applied")
        ],
        "told_hosts": [
            {
                "host": host,
                "changes": changes,
                "wrong": sum(change["result"] != "applied" for change in changes),
            }
            for host, changes in by_host.items()
        ],
    }


def _told(change: Data) -> Data:
    """A change in words."""
    before, after = (settings.shown(change[name]) for name in ("before", "after"))
    return {**change, "before": before, "after": after, "result": _result(change)}


def rows(data: Data) -> Iterator[Data]:
    """A row of the CSV for each setting, by the names of COLUMNS."""
    for change in map(_told, data["changes"]):
        own = {name: data[name] for name in ("run", "kind", "ticket")}
        yield {**change, **own, "time": change["settled"] or change["intended"]}
