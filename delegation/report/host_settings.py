"""What the ``hosts`` commands tell, as data."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from delegation.errors import HostError
from delegation.hyperv import settings
from delegation.hyperv.machines import HostReading
from delegation.hyperv.planning import Proposal
from delegation.hyperv.settings import SettingChange
from delegation.inventory import Inventory
from delegation.plan import Blocked
from delegation.report import Data, setting_data


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
        {"host": label, "why": error.what, "fix": error.fix} for label, error in unreachable.items()
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
