"""What the ``hosts`` commands tell, and what became of their runs, as data."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from delegation import names, report
from delegation.changes.plan import Blocked
from delegation.changes.run import Run
from delegation.errors import HostError
from delegation.hosts import settings
from delegation.hosts.machines import HostReading
from delegation.hosts.settings import RecordedSetting, SettingChange
from delegation.hosts.settings_plan import Proposal
from delegation.inventory import Inventory
from delegation.report import Data, setting_data
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


def plan_data(
    proposal: Proposal,
    readings: Mapping[str, HostReading],
    unreachable: Mapping[str, HostError],
) -> Data:
    """A plan with what it leaves alone."""
    plan = proposal.plan
    return {
        "digest": plan.digest,
        "domain": plan.domain,
        "changes": [setting_data(change) for change in plan.changes],
        "unreachable": unreachable_data(unreachable),
        "cluster": [
            {
                "host": change.target.name,
                "setting": change.before.name,
                "found": change.before.value,
                "declared": change.after.value,
            }
            for change in proposal.cluster
        ],
        "blocked": [_blocked(refusal) for refusal in plan.blocked],
        "summary": {
            "hosts": len(readings) + len(unreachable),
            "unreachable": len(unreachable),
            "changed_hosts": len({change.target.name for change in plan.changes}),
            "changes": len(plan.changes),
            "unchanged": proposal.unchanged,
            "cluster": len(proposal.cluster),
        },
    }


def _blocked(refusal: Blocked) -> Data:
    return {
        "host": refusal.computer,
        "why": refusal.why,
        "message": refusal.message,
        "override": f"--allow {refusal.override}" if refusal.override else None,
    }


def unreachable_data(unreachable: Mapping[str, HostError]) -> list[Data]:
    return [
        {"host": label, "why": error.what, "fix": error.fix, "hresult": error.hresult or None}
        for label, error in unreachable.items()
    ]


def show_data(
    inventory: Inventory,
    proposal: Proposal,
    readings: Mapping[str, HostReading],
    unreachable: Mapping[str, HostError],
) -> Data:
    """The hosts as they are, each with the settings that are not as declared.

    Apart from these are the ones that are its cluster's business.
    """
    differ, of_cluster = _by_host(proposal.plan.changes), _by_host(proposal.cluster)
    return {
        "domain": inventory.domain,
        "hosts": [
            {
                **_host(inventory, label, reading),
                "differ": differ.get(label, []),
                "cluster": of_cluster.get(label, []),
            }
            for label, reading in readings.items()
        ],
        "unreachable": unreachable_data(unreachable),
    }


def _by_host(changes: Iterable[SettingChange]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        found[change.target.name].append(change.after.name)
    return found


def _host(inventory: Inventory, label: str, reading: HostReading) -> Data:
    networks = [
        {"subnet": subnet, "priority": value}
        for name, value in reading.settings.items()
        if (subnet := settings.subnet_of(name)) is not None
    ]
    return {
        "host": label,
        "fqdn": reading.fqdn,
        "settings": {name: reading.settings.get(name) for name in settings.NAMES},
        "networks": sorted(networks, key=lambda one: (one["priority"], one["subnet"])),
        "clustered": reading.clustered,
        "vmms": reading.vmms,
        "declared": inventory.hosts[label].live_migration is not None,
    }


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
