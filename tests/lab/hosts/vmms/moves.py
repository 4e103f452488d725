"""Check, stage and move, as jobs: what a request says is held against the machine, then done.

What real hosts do with a request that is half right is not known; here it fails: each hard disk of
the machine, those of its checkpoints included, has to be named once, whole, under its own file
name.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PureWindowsPath

from tests.lab.cim.cim_values import Instance
from tests.lab.cim.embedded import WrongMoment, read_instance
from tests.lab.cim.view import Given, Outcome, Refused
from tests.lab.hosts.approach import Order
from tests.lab.hosts.departures import Departure
from tests.lab.hosts.failures import INVALID_STATE as WRONG_STATE
from tests.lab.hosts.failures import Reason, at_source, bad_parameter
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import HostState, Machine
from tests.lab.hosts.vmms.jobs import (
    CHECKING,
    CREATING,
    INVALID_PARAMETER,
    INVALID_STATE,
    MOVING,
    Ended,
    Job,
    Jobs,
)
from tests.lab.hosts.vmms.machine_objects import SUBTYPES, Shower
from tests.lab.hosts.vmms.wording import NO_SWITCH, WRAPPER, Trouble, Wording

VM_ONLY, STORAGE_ONLY, STAGED, WHOLE, DEEP_CHECK = range(32768, 32773)
NOT_SUPPORTED = 32770
TCP, SMB = 5, 32768
DISK = 31


@dataclass(frozen=True)
class Wish:
    """What a request says, read."""

    machine: Machine
    target: str
    settings: Instance
    system: Instance | None
    disks: tuple[Instance, ...]

    @property
    def kind(self) -> int:
        """The MigrationType."""
        return int(self.settings["MigrationType"])


class Moves:
    """Check and move of one host."""

    def __init__(self, host: Host, jobs: Jobs) -> None:
        self.host, self.jobs = host, jobs
        self.lock = threading.Lock()
        """Two requests for one machine do not both begin."""

    def check(self, user: str, given: Given) -> Outcome:
        """CheckVirtualSystemIsMigratable: a job whose errors are what speaks against the move.

        It asks the target in the caller's name, and nothing of its storage. Whether real ones leave
        a planned machine there is not known: ``checks_leave_planned``.
        """

        def look(departure: Departure) -> None:
            found = departure.compare()
            if self.host.store.read().checks_leave_planned:
                departure.stage()
            if found:
                raise Ended(*self.against(departure.order.machine, found))

        return self.begun(user, given, CHECKING, look)

    def migrate(self, user: str, given: Given) -> Outcome:
        """MigrateVirtualSystemToHost."""
        return self.begun(user, given, MOVING, Departure.move)

    def begun(
        self, user: str, given: Given, number: int, work: Callable[[Departure], None]
    ) -> Outcome:
        """Start a job for a request; one that is refused at once starts none."""
        try:
            wish = wished(self.host.state, given)
        except WrongMoment:
            # Seen on a real host: a datetime in another form lets the job fail, not the call.
            machine_id, target = given["ComputerSystem"]["Name"], given.get("DestinationHost") or ""
            job = Job("Msvm_MigrationJob", number, user, machine_id, target)
            return self.jobs.started(self.jobs.begin(job, wrong_parameter))
        if wish.kind == STAGED and number == MOVING:
            number, work = CREATING, Departure.stage
        machine_id = wish.machine.id
        job = Job("Msvm_MigrationJob", number, user, machine_id, wish.target, wish.kind)
        with self.lock:
            if number != CHECKING and self.is_moving(machine_id):
                raise Refused(INVALID_STATE)
            if number == MOVING:
                # Before it can be over.
                with self.host.store.change() as now:
                    now.moves_begun += 1
            self.jobs.begin(job, lambda: work(Departure(self.host, job, ordered(self.host, wish))))
        return self.jobs.started(job)

    def is_moving(self, machine_id: str) -> bool:
        """Tell whether a machine is in a move, or a job for one has just begun."""
        jobs = [one for one in self.jobs.listed() if one.running and one.number == MOVING]
        begun = any(same(one.machine_id, machine_id) for one in jobs)
        return begun or self.host.state.leaving(machine_id) is not None

    def against(self, machine: Machine, found: list[tuple[str, int]]) -> list[Trouble]:
        """Say what speaks against a move: a wrapper first, as real reports have it."""
        wording = Wording.of(self.host.state)
        first = at_source(machine, self.host.name, hresult=0).message
        # Hyper-V's own number is kept; the lab's own are marked as none of Hyper-V's.
        numbers = [str(one) if str(one) == NO_SWITCH else f"99{one}" for _, one in found]
        return [
            wording.trouble(WRAPPER, first),
            *(wording.trouble(n, text) for n, (text, _) in zip(numbers, found, strict=True)),
        ]


def wrong_parameter() -> None:
    """Fail as a job whose parameters are not understood."""
    raise Ended(Trouble("", "The parameter is incorrect."))


def wished(state: HostState, given: Given) -> Wish:
    """Read a request.

    Raises:
        NotEmbedded: one of its strings is not the instance that it should be.
        Refused: it is for no machine of this host, or of a kind that there is not.
    """
    system = given.get("ComputerSystem")
    found = system and next((one for one in state.present() if same(one.id, system["Name"])), None)
    if found is None or not given.get("MigrationSettingData"):
        raise Refused(INVALID_PARAMETER)
    settings = read_instance(
        given["MigrationSettingData"], "Msvm_VirtualSystemMigrationSettingData"
    )
    new = given.get("NewSystemSettingData")
    wanted = read_instance(new, "Msvm_VirtualSystemSettingData") if new else None
    texts = given.get("NewResourceSettingData") or []
    kind = "CIM_ResourceAllocationSettingData"
    disks = tuple(read_instance(one, kind) for one in texts)
    kinds = settings["MigrationType"]
    if kinds in {VM_ONLY, STORAGE_ONLY, DEEP_CHECK}:
        # The lab's hosts share no storage, and have one volume.
        raise Refused(NOT_SUPPORTED)
    if kinds not in {STAGED, WHOLE} or settings["TransportType"] not in {None, TCP, SMB}:
        raise Refused(INVALID_PARAMETER)
    if not given.get("DestinationHost"):
        raise Refused(INVALID_PARAMETER)
    planned = settings["DestinationPlannedVirtualSystemId"] or ""
    if planned and not same(planned, found.id):
        raise Refused(INVALID_PARAMETER)
    if wanted and not same(wanted["VirtualSystemIdentifier"] or found.id, found.id):
        raise Refused(INVALID_PARAMETER)
    return Wish(found, given["DestinationHost"], settings, wanted, disks)


def same(one: str, other: str) -> bool:
    """Compare identifiers in any case."""
    return one.casefold() == other.casefold()


def ordered(host: Host, wish: Wish) -> Order:
    """Make an order of a request; raise Failed where it does not fit the machine."""
    state = host.state
    machine = state.machine(wish.machine.id) or wish.machine
    try:
        is_staged = wish.kind == STAGED
        placed = machine.by_default() if is_staged else placed_as(host, state, wish, machine)
    except Reason as why:
        raise at_source(machine, host.name, f"{why}.", hresult=why.hresult) from why
    addresses = tuple(wish.settings["DestinationIPAddressList"] or ())
    planned = wish.settings["DestinationPlannedVirtualSystemId"] or ""
    return Order(machine, wish.target, placed, planned, addresses)


def placed_as(host: Host, state: HostState, wish: Wish, machine: Machine) -> Machine:
    """Give the machine as the request wants it to lie; raise Reason where that is no order."""
    known = hard_disks(host, state, machine)
    path = str((wish.system and wish.system["ConfigurationDataRoot"]) or machine.path)
    places: dict[str, str] = {}
    for one in wish.disks:
        own = known.pop(str(one["InstanceID"] or "").casefold(), None)
        if own is None:
            raise Reason(f"'{one['InstanceID']}' is no hard disk of '{machine.name}'", WRONG_STATE)
        whole(one, own)
        old, new = own["HostResource"][0], one["HostResource"][0]
        if PureWindowsPath(old).name.casefold() != PureWindowsPath(new).name.casefold():
            raise Reason(f"The name of '{old}' must be identical in both entries", WRONG_STATE)
        places[old] = new
    if known:
        left = [each["HostResource"][0] for each in known.values()]
        raise Reason(f"The disk '{left[0]}' of '{machine.name}' is not listed", WRONG_STATE)
    return machine.placed(path, complete(machine, wish, places, path))


def hard_disks(host: Host, state: HostState, machine: Machine) -> dict[str, Instance]:
    """Give the settings of all hard disks of a machine and of its checkpoints."""
    shower = Shower(host.short, state)
    return {
        one["InstanceID"].casefold(): one
        for one in shower.machine(machine)
        if one["ResourceSubType"] == SUBTYPES["disk"]
    }


def whole(one: Instance, own: Instance) -> None:
    """Raise Reason if a disk's settings are not the whole of it."""
    wrong = [
        name
        for name in ("ResourceType", "ResourceSubType", "Parent")
        if str(one[name]).casefold() != str(own[name]).casefold()
    ]
    resources = one["HostResource"] or []
    if one.kind is not own.kind or wrong or len(resources) != 1 or not resources[0]:
        about = ", ".join(wrong) or "HostResource"
        raise Reason(f"The settings of '{own['InstanceID']}' are not whole: {about}", WRONG_STATE)


def complete(machine: Machine, wish: Wish, places: dict[str, str], path: str) -> dict[str, str]:
    """Say where the files go that no request names: parents beside their children, the .vmgs."""
    for child, parent in machine.parents.items():
        if parent not in places and child in places:
            folder = PureWindowsPath(places[child]).parent
            places[parent] = str(folder / PureWindowsPath(parent).name)
    for file in machine.files:
        if file not in places and file != machine.guest_state:
            places[file] = str(
                PureWindowsPath(path, "Virtual Hard Disks", PureWindowsPath(file).name)
            )
    if machine.guest_state:
        root = (wish.system and wish.system["GuestStateDataRoot"]) or path
        name = PureWindowsPath(machine.guest_state).name
        places[machine.guest_state] = str(PureWindowsPath(str(root), "Virtual Machines", name))
    if len({place.casefold() for place in places.values()}) < len(places):
        raise bad_parameter("Two files would have one name.")
    if any(not PureWindowsPath(place).is_absolute() for place in places.values()):
        raise bad_parameter("A path is not absolute.")
    return places
