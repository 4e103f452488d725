"""All hosts as read -> what each has for migrations, and which take no part."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from delegation.hosts.hosted import Hosted
from delegation.hosts.machines import MachineState, Resources, VirtualMachine
from delegation.inventory import Slots
from delegation.migrations.moves.asked import is_readable
from delegation.migrations.moves.volumes import volume_of
from delegation.migrations.schedule import UNTOLD, Capacity

_IN_MEMORY = {MachineState.RUNNING, MachineState.PAUSED, MachineState.OTHER}


@dataclass(frozen=True)
class Surveyed:
    """All hosts by label: those that were read, and why the others were not.

    ``fixes`` say what to do about one that was not read, where more than a look is advised.
    """

    hosts: Mapping[str, Hosted]
    unread: Mapping[str, str]
    fixes: Mapping[str, str] = field(default_factory=dict)

    def capacities(self) -> dict[str, Capacity]:
        """What the hosts have for migrations; those that can't take part are left out."""
        found = {}
        for label, hosted in self.hosts.items():
            resources = hosted.reading.resources
            if resources is not None and _switched_off(hosted) is None:
                found[label] = Capacity(
                    resources.migrations,
                    resources.storage_migrations,
                    UNTOLD if resources.memory is None else resources.memory,
                    UNTOLD if resources.disk is None else resources.disk,
                )
        return found

    def taken_for_full(self) -> "Surveyed":
        """The same, where what a host does not tell of its free space is none."""
        hosts = dict(self.hosts)
        for label, hosted in self.hosts.items():
            resources = hosted.reading.resources
            if resources is not None:
                not_told = dict.fromkeys(untold(resources), "") | dict(hosted.reading.not_told)
                full = replace(resources, memory=resources.memory or 0, disk=resources.disk or 0)
                reading = replace(hosted.reading, resources=full, not_told=not_told)
                hosts[label] = replace(hosted, reading=reading)
        return replace(self, hosts=hosts)

    def with_machines(self, label: str, machines: Iterable[VirtualMachine]) -> "Surveyed":
        """The same, with these machines of a host in place of what was known of them."""
        newer = {machine.id: machine for machine in machines}
        hosted = self.hosts[label]
        known = tuple(newer.get(machine.id, machine) for machine in hosted.machines)
        return replace(self, hosts={**self.hosts, label: replace(hosted, machines=known)})

    def without(self, label: str, why: str, fix: str) -> "Surveyed":
        """The same, where that host has stopped answering."""
        hosts = {other: hosted for other, hosted in self.hosts.items() if other != label}
        return Surveyed(hosts, {**self.unread, label: why}, {**self.fixes, label: fix})

    def resources(self, label: str) -> Resources | None:
        hosted = self.hosts.get(label)
        return None if hosted is None else hosted.reading.resources

    def tells(self, label: str, what: str) -> bool:
        """Whether a host tells how much ``memory`` or ``disk`` is free, whatever is assumed."""
        resources = self.resources(label)
        if resources is None:
            return False
        return what not in self.hosts[label].reading.not_told and what not in untold(resources)

    def is_measured(self, label: str, storage: str) -> bool:
        """Whether the host's free space is told, and is that of the volume of this folder."""
        resources = self.resources(label)
        is_told = resources is not None and resources.disk is not None
        return is_told and self.measured_volume(label) == volume_of(storage).upper()

    def measured_volume(self, label: str) -> str | None:
        """The volume whose free space is known, that of the default folder, in upper case."""
        resources = self.resources(label)
        return volume_of(resources.storage).upper() if resources is not None else None

    def why_unusable(self, label: str, slots: Slots) -> str | None:
        """Why nothing can be moved from or to this host now; None where something can."""
        hosted = self.hosts.get(label)
        if hosted is None:
            return f"{label} was not read: {self.unread.get(label, 'it was not asked')}"
        off = _switched_off(hosted)
        if off is not None:
            return f"{label}: {off}"
        resources = hosted.reading.resources
        if resources is None:
            return f"{label}: its slots and its free space are not known"
        no_storage_slot = slots is Slots.BOTH and resources.storage_migrations < 1
        if resources.migrations < 1 or no_storage_slot:
            return f"{label}: it allows no migration at a time"
        return None

    def mending(self, label: str) -> str:
        """What to do about a host of which nothing can be moved."""
        return self.fixes.get(label) or f"see why: delegation hosts show {label}"


def _switched_off(hosted: Hosted) -> str | None:
    if hosted.reading.vmms != "Running":
        return f"its Virtual Machine Management service is {hosted.reading.vmms}"
    if hosted.reading.settings.get("enabled") is False:
        return "live migration is switched off there"
    return None


def untold(resources: Resources) -> list[str]:
    """Of what kinds a host does not tell how much is free: ``memory``, ``disk``."""
    free = {"memory": resources.memory, "disk": resources.disk}
    return [what for what, count in free.items() if count is None]


def memory_of(machine: VirtualMachine) -> int:
    """What it takes of a host's memory: nothing while it is off or saved."""
    return machine.memory if machine.state in _IN_MEMORY else 0


def told_disk(machine: VirtualMachine) -> int:
    """Bytes of those of its disks whose size is told."""
    return sum(disk.size or 0 for disk in machine.disks)


def listed_name(machine: VirtualMachine, hosted: Hosted) -> str:
    """How a list names it: by its id where its name does not tell it from others on its host."""
    folded = machine.name.casefold()
    namesakes = [other for other in hosted.machines if other.name.casefold() == folded]
    is_clear = len(namesakes) == 1 and is_readable(machine.name)
    return machine.name if is_clear else str(machine.id)
