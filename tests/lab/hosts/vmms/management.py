"""The other services' methods: summaries, files of disks, machines made and destroyed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from tests.lab.cim.cim_values import Instance, Whole
from tests.lab.cim.embedded import NotEmbedded, read_instance, write_instance
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import GIB, MACHINES_FOLDER, HostState, Machine
from tests.lab.hosts.tickets import NoTicket
from tests.lab.hosts.vmms.jobs import DONE, INVALID_PARAMETER, INVALID_STATE
from tests.lab.hosts.vmms.machine_objects import PROCESSOR, Shower, made
from tests.lab.hosts.vmms.moves import same
from tests.lab.hosts.vmms.wording import Wording
from tests.lab.hosts.volume import NoSuchPath

DENIED, NO_SUCH_FILE = 32769, 32779
FAILED_HERE = 5
"""DestroySystem returns CIM's numbers, 0 to 6: an invalid parameter."""
REQUESTABLE = {
    0: "Name",
    1: "ElementName",
    3: "Notes",
    4: "NumberOfProcessors",
    10: "Version",
    100: "EnabledState",
    103: "MemoryUsage",
    109: "HealthState",
    110: "OperationalStatus",
    111: "StatusDescriptions",
}
"""RequestedInformation of GetSummaryInformation, as far as the lab's machines have it."""
KNOWN_NUMBERS = set(range(12)) | set(range(100, 124))
ON, OFF = {2}, {3, 4}
STATES = {2, 3, 4, 6, 9, 10, 11}
DYNAMIC, DIFFERENCING, VHDX = 3, 4, 3


class Management:
    """Methods of one host that need no job of their own."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def summaries(self, given: Mapping[str, Any]) -> tuple[int, dict[str, Whole]]:
        """GetSummaryInformation: of all machines, or of some; only what is requested."""
        numbers = given.get("RequestedInformation") or []
        if set(numbers) - KNOWN_NUMBERS:
            return INVALID_PARAMETER, {}
        state = self.host.store.read()
        shower = Shower(self.host.short, state, Wording.of(state))
        wanted = given.get("SettingData")
        ids = {one["InstanceID"].casefold() for one in wanted or ()}
        found = []
        for machine in state.present():
            one = shower.summary(machine)
            if wanted is None or one["InstanceID"].casefold() in ids:
                kept = {REQUESTABLE.get(number, "") for number in numbers}
                values = {name: held for name, held in one.values.items() if name in kept}
                found.append(Instance(one.kind, values))
        return DONE, {"SummaryInformation": found}

    def disk_state(self, given: Mapping[str, Any]) -> tuple[int, dict[str, Whole]]:
        """GetVirtualHardDiskState."""
        path = self.file(given)
        if path is None:
            return NO_SUCH_FILE, {}
        return DONE, {"State": disk_state(self.host.volume.size(path))}

    def on_share(self, user: str, given: Mapping[str, Any]) -> tuple[int, dict[str, Whole]]:
        """GetVirtualHardDiskState and -SettingData of a disk on a file server.

        A second hop, which VMMS makes in the caller's name by its delegation to that server. Which
        number a real host gives where it may not is not known.
        """
        try:
            with self.host.delegation.to_storage(user, server_of(given)):
                size = self.host.store.read().shared.get(given["Path"])
        except NoTicket:
            return DENIED, {}
        if size is None:
            return NO_SUCH_FILE, {}
        settings = made("Msvm_VirtualHardDiskSettingData", Type=DYNAMIC, Format=VHDX)
        return DONE, {"State": disk_state(size), "SettingData": write_instance(settings)}

    def disk_settings(self, given: Mapping[str, Any]) -> tuple[int, dict[str, Whole]]:
        """GetVirtualHardDiskSettingData."""
        path = self.file(given)
        if path is None:
            return NO_SUCH_FILE, {}
        parents = {
            child.casefold(): parent
            for machine in self.host.store.read().present()
            for child, parent in machine.parents.items()
        }
        parent = parents.get(path.casefold(), "")
        one = made(
            "Msvm_VirtualHardDiskSettingData",
            Path=path,
            ParentPath=parent,
            Type=DIFFERENCING if parent else DYNAMIC,
            Format=VHDX,
            MaxInternalSize=max(self.host.volume.size(path), 40 * GIB),
            BlockSize=32 << 20,
            LogicalSectorSize=512,
            PhysicalSectorSize=4096,
        )
        return DONE, {"SettingData": write_instance(one)}

    def file(self, given: Mapping[str, Any]) -> str | None:
        """Give the path that is asked for, if there is such a file."""
        path = given.get("Path") or ""
        try:
            return path if self.host.volume.file(path).is_file() else None
        except NoSuchPath:
            return None

    def destroy(self, given: Mapping[str, Any]) -> int:
        """DestroySystem: of a planned machine nothing but itself goes; nor do a machine's disks."""
        system = given.get("AffectedSystem")
        if system is None:
            return FAILED_HERE
        planned = system.kind.name == "Msvm_PlannedComputerSystem"
        with self.host.store.change() as state:
            if planned:
                left = [one for one in state.planned if not same(one.id, system["Name"])]
                gone = len(left) < len(state.planned)
                state.planned = left
                return DONE if gone else FAILED_HERE
            left = [one for one in state.machines if not same(one.id, system["Name"])]
            machine = next((one for one in state.machines if same(one.id, system["Name"])), None)
            if machine is None or machine.running or state.leaving(machine.id):
                return FAILED_HERE
            state.machines = left
        return DONE

    def define(self, given: Mapping[str, Any]) -> tuple[int, str]:
        """DefineSystem: a machine without disks; gives its identifier."""
        try:
            new = read_instance(given.get("SystemSettings") or "", "Msvm_VirtualSystemSettingData")
        except NotEmbedded:
            return INVALID_PARAMETER, ""
        name = new["ElementName"] or "New Virtual Machine"
        machine = Machine(str(uuid4()), name, GIB, False, f"{MACHINES_FOLDER}\\{name}", [])
        with self.host.store.change() as state:
            state.machines.append(machine)
        return DONE, machine.id

    def modify(self, texts: list[str] | None, kind: str, *, new: bool = False) -> int:
        """Modify-, AddResourceSettings, ModifySystemSettings: processors alone change here.

        A real host, too, has answered 0 where nothing changed: read back.
        """
        try:
            wanted = [read_instance(one, kind) for one in texts or []]
        except NotEmbedded:
            return INVALID_PARAMETER
        if not wanted:
            return INVALID_PARAMETER
        with self.host.store.change() as state:
            for one in wanted:
                if not new and not self.change(state, one):
                    return INVALID_PARAMETER
        return DONE

    def change(self, state: HostState, one: Instance) -> bool:
        """Change a machine; tell whether there is one that is meant."""
        instance_id = (one["InstanceID"] or "").casefold()
        own = instance_id.removeprefix("microsoft:").partition("\\")[0]
        there = [*state.machines, *state.planned]
        machine = next((each for each in there if same(each.id, own)), None)
        if machine is None:
            return False
        if PROCESSOR.casefold() in instance_id and one["VirtualQuantity"]:
            machine.processors = one["VirtualQuantity"]
        return True

    def change_state(self, name: str, wanted: int | None) -> int:
        """RequestStateChange of a machine."""
        if wanted not in STATES:
            return INVALID_PARAMETER
        with self.host.store.change() as state:
            machine = next((one for one in state.machines if same(one.id, name)), None)
            if machine is None:
                return INVALID_STATE
            if wanted in ON | OFF:
                machine.running = wanted in ON
        return DONE


def disk_state(size: int) -> str:
    """How a disk is, as text in an answer."""
    return write_instance(made("Msvm_VirtualHardDiskState", FileSize=size, InUse=True, Alignment=1))


def server_of(given: Mapping[str, Any]) -> str:
    """The file server that a disk is on; empty: it is on the host itself."""
    path = given.get("Path") or ""
    return path[2:].partition("\\")[0] if path.startswith("\\\\") else ""
