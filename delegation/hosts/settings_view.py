"""Settings of hosts, as shown: the hosts as they are, a plan for them, and the undo of a run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from delegation import names
from delegation.changes.history import became_to_json
from delegation.changes.plan import Blocked
from delegation.changes.undoing import Undoing
from delegation.errors import HostError
from delegation.hosts import settings
from delegation.hosts.machines import HostReading
from delegation.hosts.settings import RecordedSetting, SettingChange, Value
from delegation.hosts.settings_plan import HostsPlan
from delegation.inventory import Inventory


@dataclass(frozen=True, slots=True)
class UnreachableHost:
    """A host that could not be asked."""

    host: str
    error: HostError

    def to_json(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "why": self.error.what,
            "fix": self.error.fix,
            "hresult": self.error.hresult or None,
        }


def unreachable_hosts(errors: Mapping[str, HostError]) -> tuple[UnreachableHost, ...]:
    return tuple(UnreachableHost(label, error) for label, error in errors.items())


def setting_to_json(change: SettingChange) -> dict[str, Any]:
    """One setting of one host: ``before`` and ``after`` are its values."""
    return {
        "host": change.target.name,
        "setting": change.before.name,
        "before": change.before.value,
        "after": change.after.value,
    }


def recorded_setting_to_json(recorded: RecordedSetting) -> dict[str, Any]:
    """What a run changed, as the journal keeps it, with what became of it."""
    return {**setting_to_json(recorded.change), **became_to_json(recorded)}


@dataclass(frozen=True)
class HostsPlanView:
    """Hosts as they were read, and a plan for them; ``cluster`` is left to clusters.

    ``unreached`` are those that could not be asked; ``unchanged`` counts the settings that are as
    declared already.
    """

    readings: Mapping[str, HostReading]
    unreached: Mapping[str, HostError]
    plan: HostsPlan
    cluster: tuple[SettingChange, ...]
    unchanged: int

    @property
    def unreachable(self) -> tuple[UnreachableHost, ...]:
        return unreachable_hosts(self.unreached)

    @property
    def asked(self) -> int:
        """How many hosts are meant, those that could not be asked included."""
        return len(self.readings) + len(self.unreached)

    @property
    def changed_hosts(self) -> int:
        return len({change.target.name for change in self.plan.changes})

    def to_json(self) -> dict[str, Any]:
        return {
            "digest": self.plan.digest,
            "domain": self.plan.domain,
            "changes": [setting_to_json(change) for change in self.plan.changes],
            "unreachable": [unreachable.to_json() for unreachable in self.unreachable],
            "cluster": [_cluster_to_json(change) for change in self.cluster],
            "blocked": [refusal.to_json("host") for refusal in self.plan.blocked],
            "summary": {
                "hosts": self.asked,
                "unreachable": len(self.unreachable),
                "changed_hosts": self.changed_hosts,
                "changes": len(self.plan.changes),
                "unchanged": self.unchanged,
                "cluster": len(self.cluster),
            },
        }


def _cluster_to_json(change: SettingChange) -> dict[str, Any]:
    return {
        "host": change.target.name,
        "setting": change.before.name,
        "found": change.before.value,
        "declared": change.after.value,
    }


@dataclass(frozen=True, slots=True)
class MigrationNetwork:
    """A subnet for migrations, with its priority."""

    subnet: str
    priority: Value

    def to_json(self) -> dict[str, Any]:
        return {"subnet": self.subnet, "priority": self.priority}


@dataclass(frozen=True, slots=True)
class HostRow:
    """One host as it is; ``differ`` and ``cluster`` name settings that are not as declared.

    Those of ``cluster`` are its failover cluster's business.
    """

    host: str
    reading: HostReading
    networks: tuple[MigrationNetwork, ...]
    declared: bool
    differ: tuple[str, ...]
    cluster: tuple[str, ...]

    @property
    def settings(self) -> dict[str, Value]:
        """Networks apart, by the names of the inventory; None where the host does not tell."""
        return {name: self.reading.settings.get(name) for name in settings.NAMES}

    def to_json(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "fqdn": self.reading.fqdn,
            "settings": self.settings,
            "networks": [network.to_json() for network in self.networks],
            "clustered": self.reading.clustered,
            "vmms": self.reading.vmms,
            "not_told": dict(self.reading.not_told),
            "declared": self.declared,
            "differ": list(self.differ),
            "cluster": list(self.cluster),
        }


@dataclass(frozen=True)
class HostsView:
    """The hosts as they are, each with the settings that are not as declared."""

    domain: str
    hosts: tuple[HostRow, ...]
    unreachable: tuple[UnreachableHost, ...]

    @classmethod
    def of(cls, inventory: Inventory, found: HostsPlanView) -> "HostsView":
        differ = _settings_by_host(found.plan.changes)
        of_cluster = _settings_by_host(found.cluster)
        rows: list[HostRow] = []
        for label, reading in found.readings.items():
            row = HostRow(
                host=label,
                reading=reading,
                networks=_networks(reading),
                declared=inventory.hosts[label].live_migration is not None,
                differ=tuple(differ.get(label, ())),
                cluster=tuple(of_cluster.get(label, ())),
            )
            rows.append(row)
        return cls(inventory.domain, tuple(rows), found.unreachable)

    def to_json(self) -> dict[str, Any]:
        return {
            "domain": self.domain,
            "hosts": [row.to_json() for row in self.hosts],
            "unreachable": [unreachable.to_json() for unreachable in self.unreachable],
        }


def _settings_by_host(changes: Iterable[SettingChange]) -> dict[str, list[str]]:
    return names.grouped((change.target.name, change.after.name) for change in changes)


def _networks(reading: HostReading) -> tuple[MigrationNetwork, ...]:
    found: list[MigrationNetwork] = []
    for name, value in reading.settings.items():
        subnet = settings.subnet_of(name)
        if subnet is not None:
            found.append(MigrationNetwork(subnet, value))
    return tuple(sorted(found, key=lambda network: (network.priority, network.subnet)))


@dataclass(frozen=True)
class HostsUndoView:
    """The undo of runs on the hosts; ``cluster``: what is left alone as a cluster's business.

    ``conflicts``: settings that stay as they are, and why; ``as_before``: those that are as before
    the run already.
    """

    undoing: Undoing
    plan: HostsPlan
    cluster: tuple[SettingChange, ...]
    unreachable: tuple[UnreachableHost, ...]
    conflicts: tuple[Blocked, ...] = ()
    as_before: tuple[SettingChange, ...] = ()
