"""The other services' methods: summaries, files of disks, machines made, changed, destroyed."""

from __future__ import annotations

from uuid import uuid4

from tests.lab.cim.cim_values import Instance
from tests.lab.cim.embedded import read_instance, write_instance
from tests.lab.cim.view import Given, Outcome, Refused
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import GIB, MACHINES_FOLDER, HostState, Machine
from tests.lab.hosts.tickets import NoTicket
from tests.lab.hosts.vmms.jobs import DONE, INVALID_PARAMETER, INVALID_STATE
from tests.lab.hosts.vmms.machine_objects import PROCESSOR, Shower, made
from tests.lab.hosts.vmms.moves import same
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


def summaries(host: Host, _: str, given: Given) -> Outcome:
    """GetSummaryInformation: of all machines, or of some; only what is requested."""
    numbers = set(given.get("RequestedInformation") or [])
    if numbers - KNOWN_NUMBERS:
        raise Refused(INVALID_PARAMETER)
    requested = {REQUESTABLE.get(number, "") for number in numbers}
    state = host.state
    shower = Shower(host.short, state)
    wanted = given.get("SettingData")
    ids = {one["InstanceID"].casefold() for one in wanted or ()}
    found = []
    for machine in state.present():
        one = shower.summary(machine)
        if wanted is None or one["InstanceID"].casefold() in ids:
            values = {name: held for name, held in one.values.items() if name in requested}
            found.append(Instance(one.kind, values))
    return Outcome(DONE, {"SummaryInformation": found})


def disk_state(host: Host, user: str, given: Given) -> Outcome:
    """GetVirtualHardDiskState."""
    size = size_of(host, user, given)
    told = made("Msvm_VirtualHardDiskState", FileSize=size, InUse=True, Alignment=1)
    return Outcome(DONE, {"State": write_instance(told)})


def disk_settings(host: Host, user: str, given: Given) -> Outcome:
    """GetVirtualHardDiskSettingData."""
    size_of(host, user, given)
    path = given["Path"]
    parents = {
        child.casefold(): parent
        for machine in host.state.present()
        for child, parent in machine.parents.items()
    }
    parent = parents.get(path.casefold(), "")
    one = made(
        "Msvm_VirtualHardDiskSettingData",
        Path=path,
        ParentPath=parent,
        Type=DIFFERENCING if parent else DYNAMIC,
        Format=VHDX,
    )
    return Outcome(DONE, {"SettingData": write_instance(one)})


def size_of(host: Host, user: str, given: Given) -> int:
    """Give the size of the disk that a call names.

    One on a file server is a second hop, which VMMS makes in the caller's name by its delegation
    to that server. Which number a real host gives where it may not is not known.
    """
    path = given.get("Path") or ""
    server = path[2:].partition("\\")[0] if path.startswith("\\\\") else ""
    try:
        if server:
            with host.delegation.to_storage(user, server):
                size = host.state.shared.get(path)
        else:
            file = host.volume.file(path)
            size = file.stat().st_size if file.is_file() else None
    except NoTicket as why:
        raise Refused(DENIED) from why
    except NoSuchPath as why:
        raise Refused(NO_SUCH_FILE) from why
    if size is None:
        raise Refused(NO_SUCH_FILE)
    return size


def define(host: Host, _: str, given: Given) -> Outcome:
    """DefineSystem: a machine without disks."""
    new = read_instance(given.get("SystemSettings") or "", "Msvm_VirtualSystemSettingData")
    name = new["ElementName"] or "New Virtual Machine"
    machine = Machine(str(uuid4()), name, GIB, False, f"{MACHINES_FOLDER}\\{name}", [])
    with host.store.change() as state:
        state.machines.append(machine)
    shown = Shower(host.short, host.state).system(machine, planned=False)
    return Outcome(DONE, {"ResultingSystem": shown})


def destroy(host: Host, given: Given) -> None:
    """DestroySystem: of a planned machine nothing but itself goes; nor do a machine's disks."""
    system = given.get("AffectedSystem")
    if system is None:
        raise Refused(FAILED_HERE)
    with host.store.change() as state:
        is_planned = system.kind.name == "Msvm_PlannedComputerSystem"
        there = state.planned if is_planned else state.machines
        machine = next((one for one in there if same(one.id, system["Name"])), None)
        if machine is None:
            raise Refused(FAILED_HERE)
        if not is_planned and (machine.running or state.leaving(machine.id)):
            raise Refused(FAILED_HERE)
        there.remove(machine)


def modify_system(host: Host, given: Given) -> None:
    """ModifySystemSettings: nothing changes here.

    A real host, too, has answered 0 where nothing changed: read back.
    """
    new = read_instance(given.get("SystemSettings") or "", "Msvm_VirtualSystemSettingData")
    meant(host.state, new)


def modify_resources(host: Host, given: Given) -> None:
    """ModifyResourceSettings: processors alone change here."""
    with host.store.change() as state:
        for one in wanted_resources(given):
            machine = meant(state, one)
            if PROCESSOR.casefold() in one["InstanceID"].casefold() and one["VirtualQuantity"]:
                machine.processors = one["VirtualQuantity"]


def add_resources(_: Host, given: Given) -> None:
    """AddResourceSettings: nothing is added here."""
    wanted_resources(given)


def wanted_resources(given: Given) -> list[Instance]:
    """Read the resources of a call, which are strings."""
    texts = given.get("ResourceSettings") or []
    if not texts:
        raise Refused(INVALID_PARAMETER)
    return [read_instance(one, "CIM_ResourceAllocationSettingData") for one in texts]


def meant(state: HostState, one: Instance) -> Machine:
    """Give the machine whose settings these are."""
    own = (one["InstanceID"] or "").casefold().removeprefix("microsoft:").partition("\\")[0]
    there = [*state.machines, *state.planned]
    machine = next((each for each in there if same(each.id, own)), None)
    if machine is None:
        raise Refused(INVALID_PARAMETER)
    return machine


def change_state(host: Host, name: str, wanted: int | None) -> None:
    """RequestStateChange of a machine."""
    if wanted not in STATES:
        raise Refused(INVALID_PARAMETER)
    with host.store.change() as state:
        machine = next((one for one in state.machines if same(one.id, name)), None)
        if machine is None:
            raise Refused(INVALID_STATE)
        if wanted in ON | OFF:
            machine.running = wanted in ON
