"""All hosts as read -> what each has for migrations, which take no part, which VMs can't move."""

from collections.abc import Mapping
from dataclasses import dataclass

from delegation.hosts.hosted import Hosted
from delegation.hosts.machines import MachineState, VirtualMachine
from delegation.inventory import Slots
from delegation.migrations.moves.asked import is_readable
from delegation.migrations.moves.volumes import volume_of
from delegation.migrations.schedule import Capacity

MIGRATING = "it is being migrated already"
_IN_MEMORY = {MachineState.RUNNING, MachineState.PAUSED, MachineState.OTHER}


@dataclass(frozen=True)
class Surveyed:
    """All hosts by label: those that were read, and why the others were not."""

    hosts: Mapping[str, Hosted]
    unread: Mapping[str, str]

    def capacities(self) -> dict[str, Capacity]:
        """What the hosts have for migrations; those that can't take part are left out."""
        found = {}
        for label, hosted in self.hosts.items():
            resources = hosted.reading.resources
            if resources is not None and _switched_off(hosted) is None:
                found[label] = Capacity(
                    resources.migrations,
                    resources.storage_migrations,
                    resources.memory,
                    resources.disk,
                )
        return found

    def is_measured(self, label: str, storage: str) -> bool:
        """Whether the host's free space is that of the volume of this folder."""
        return self.measured_volume(label) == volume_of(storage).upper()

    def measured_volume(self, label: str) -> str | None:
        """The volume whose free space is known, that of the default folder, in upper case."""
        resources = self.hosts[label].reading.resources
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


def _switched_off(hosted: Hosted) -> str | None:
    if hosted.reading.vmms != "Running":
        return f"its Virtual Machine Management service is {hosted.reading.vmms}"
    if hosted.reading.settings.get("enabled") is False:
        return "live migration is switched off there"
    return None


def memory_of(machine: VirtualMachine) -> int:
    """What it takes of a host's memory: nothing while it is off or saved."""
    return machine.memory if machine.state in _IN_MEMORY else 0


def why_immovable(machine: VirtualMachine) -> tuple[str, str] | None:
    """Why no host could take this machine now, and what to do."""
    if machine.clustered:
        return "it is a role of a cluster", "move it with the cluster's own tools"
    if machine.migrating:
        return MIGRATING, "wait for the end of that"
    if machine.state is MachineState.OTHER:
        status = machine.status or "it is neither running nor off"
        return f"its state does not allow it: {status}", "look at it on its host"
    return None


def listed_name(machine: VirtualMachine, hosted: Hosted) -> str:
    """How a list names it: by its id where its name does not tell it from others on its host."""
    folded = machine.name.casefold()
    namesakes = [other for other in hosted.machines if other.name.casefold() == folded]
    is_clear = len(namesakes) == 1 and is_readable(machine.name)
    return machine.name if is_clear else str(machine.id)
