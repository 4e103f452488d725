"""The hosts as read before migrations: what each holds, what it has room for, what can't move."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from delegation.hosts.folders import machine_folder
from delegation.hosts.machines import HostReading, MachineState, VirtualMachine
from delegation.inventory import Slots
from delegation.migrations.moves.asked import is_readable
from delegation.migrations.moves.volumes import volume
from delegation.migrations.schedule import Capacity

MIGRATING = "it is being migrated already"
_IN_MEMORY = {MachineState.RUNNING, MachineState.PAUSED, MachineState.OTHER}


@dataclass(frozen=True, slots=True)
class Hosted:
    """One host as read, with the machines on it."""

    reading: HostReading
    machines: tuple[VirtualMachine, ...]


@dataclass(frozen=True)
class Surveyed:
    """All hosts by label: those that were read, and why the others were not."""

    hosts: Mapping[str, Hosted]
    unread: Mapping[str, str]

    def capacities(self) -> dict[str, Capacity]:
        """What the hosts have for migrations; those that can't take part are left out."""
        return {
            label: Capacity(r.migrations, r.storage_migrations, r.memory, r.disk)
            for label, hosted in self.hosts.items()
            if (r := hosted.reading.resources) is not None and not _switched_off(hosted)
        }

    def measures(self, label: str, storage: str) -> bool:
        """Whether the host's free space is that of the volume of this folder."""
        return self.drive(label) == volume(storage).upper()

    def drive(self, label: str) -> str:
        """The volume whose free space is known, that of the default folder, in upper case."""
        resources = self.hosts[label].reading.resources
        return volume(resources.storage).upper() if resources is not None else ""

    def unusable(self, label: str, slots: Slots) -> str:
        """Why nothing can be moved from or to this host now; empty where something can."""
        hosted = self.hosts.get(label)
        if hosted is None:
            return f"{label} was not read: {self.unread.get(label, 'it was not asked')}"
        if off := _switched_off(hosted):
            return f"{label}: {off}"
        resources = hosted.reading.resources
        if resources is None:
            return f"{label}: its slots and its free space are not known"
        storage = resources.storage_migrations if slots is Slots.BOTH else 1
        if resources.migrations < 1 or storage < 1:
            return f"{label}: it allows no migration at a time"
        return ""


def _switched_off(hosted: Hosted) -> str:
    if hosted.reading.vmms != "Running":
        return f"its Virtual Machine Management service is {hosted.reading.vmms}"
    if hosted.reading.settings.get("enabled") is False:
        return "live migration is switched off there"
    return ""


def memory_of(machine: VirtualMachine) -> int:
    """What it takes of a host's memory: nothing while it is off or saved."""
    return machine.memory if machine.state in _IN_MEMORY else 0


def immovable(machine: VirtualMachine) -> tuple[str, str] | None:
    """Why no host could take this machine now, and what to do."""
    if machine.clustered:
        return "it is a role of a cluster", "move it with the cluster's own tools"
    if machine.migrating:
        return MIGRATING, "wait for the end of that"
    if machine.state is MachineState.OTHER:
        status = machine.status or "it is neither running nor off"
        return f"its state does not allow it: {status}", "look at it on its host"
    return None


def called(machine: VirtualMachine, hosted: Hosted) -> str:
    """How a list names it: by its id where its name does not tell it from others on its host."""
    name = machine.name
    same = [other for other in hosted.machines if other.name.casefold() == name.casefold()]
    return name if len(same) == 1 and is_readable(name) else str(machine.id)


def folder(hosted: Hosted, machine: VirtualMachine, taken: Collection[str] = ()) -> str:
    """The machine's own folder on a host as read (hosts.folders)."""
    return machine_folder(hosted.reading, hosted.machines, machine, taken)
