"""A host's machine, and whereto -> the one request that checks or moves it; or why there is none.

All that the target needs stands in it: VMMS of the source asks nobody else (CIM over WS-Man makes
no second hop). What was never seen on Windows is refused here by name, and not guessed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from delegation.errors import CimFailed
from delegation.hosts.cim import disk_files, wql
from delegation.hosts.cim.cim_classes import (
    CHECKPOINT_OF,
    COMPUTER_SYSTEM,
    MIGRATION_ORDER,
    MIGRATION_SETTINGS,
    STORAGE_SETTINGS,
    SYSTEM_SETTINGS,
)
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.cim_values import Embedded, Scalar
from delegation.hosts.cim.machine_list import HARD_DISK
from delegation.hosts.machines import MoveOrder

MACHINE_AND_STORAGE = 32771
"""MigrationType: shared nothing."""
_TCP, _SMB = 5, 32768
"""TransportType."""
_ROOTS = (
    "ConfigurationDataRoot",
    "SnapshotDataRoot",
    "SuspendDataRoot",
    "SwapFileDataRoot",
    "LogDataRoot",
    "GuestStateDataRoot",
)
"""Every folder of a machine's own files: configuration, saved state, and the .vmgs of a TPM."""
_COMPONENT = "Msvm_VirtualSystemSettingDataComponent"


@dataclass(frozen=True, slots=True)
class MachineFiles:
    """A machine as its host has it: its settings, and those of its hard disks.

    ``checkpoints`` are names, ``checkpoint_disks`` the disks that their settings name, and
    ``differencing`` the files that build upon others though there is no checkpoint.
    """

    settings: CimInstance
    disks: tuple[CimInstance, ...]
    checkpoints: tuple[str, ...] = ()
    checkpoint_disks: tuple[CimInstance, ...] = ()
    differencing: tuple[str, ...] = ()

    @property
    def listed(self) -> tuple[CimInstance, ...]:
        """All disks that a migration has to name (Microsoft's Migration sample)."""
        return self.disks + self.checkpoint_disks


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a machine is not sent: what speaks against it, and what can be done."""

    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class MigrationRequest:
    """What CheckVirtualSystemIsMigratable and MigrateVirtualSystemToHost take, which is one.

    ``how`` is the way it travels, ``folders`` where its own files go (None: the target's default
    ones), and ``disks`` the hard disks with their places.
    """

    machine: Reference
    target: str
    how: Embedded
    folders: Embedded | None
    disks: tuple[Embedded, ...]

    @property
    def arguments(self) -> dict[str, object]:
        """By the names of the methods' parameters."""
        return {
            "ComputerSystem": self.machine,
            "DestinationHost": self.target,
            "MigrationSettingData": self.how,
            "NewSystemSettingData": self.folders,
            "NewResourceSettingData": self.disks,
        }


def system(machine: str) -> Reference:
    """The virtual machine of that GUID, in capitals."""
    return Reference.to(COMPUTER_SYSTEM, CreationClassName=COMPUTER_SYSTEM.name, Name=machine)


def read_files(cim: Cim, order: MoveOrder) -> MachineFiles:
    """The machine of an order. Raises CimFailed where it is not there.

    Asked by associations, a request each: a list of all that the host has would be longer.
    """
    machine = str(order.machine).upper()
    found = cim.query(wql.every(SYSTEM_SETTINGS, InstanceID=f"Microsoft:{machine}"))
    if len(found) != 1:
        raise CimFailed(
            f"{cim.host} tells no settings of {order.name}",
            "look whether the virtual machine is still there",
        )
    checkpoints = cim.query(
        wql.associators(system(machine), CHECKPOINT_OF.name, SYSTEM_SETTINGS),
    )
    disks = _disks(cim, found[0])
    return MachineFiles(
        found[0],
        disks,
        tuple(one.text("ElementName") for one in checkpoints),
        tuple(disk for one in checkpoints for disk in _disks(cim, one)),
        () if checkpoints else tuple(_differencing(cim, disks)),
    )


def _disks(cim: Cim, settings: CimInstance) -> tuple[CimInstance, ...]:
    """Hard disks alone: an ISO image or a floppy is no file of the machine's, and stays."""
    of = Reference.to(SYSTEM_SETTINGS, InstanceID=settings.text("InstanceID"))
    found = cim.query(wql.associators(of, _COMPONENT, STORAGE_SETTINGS))
    return tuple(one for one in found if one.text("ResourceSubType") == HARD_DISK)


def _differencing(cim: Cim, disks: Sequence[CimInstance]) -> Iterator[str]:
    for one in disks:
        path = file_of(one)
        # A file on a share is no business of this host's: asking it would be a second hop.
        if not disk_files.is_on_share(path) and disk_files.read_parent(cim, path):
            yield path


def file_of(disk: CimInstance) -> str:
    """The file that is in use now."""
    return next(iter(disk.texts("HostResource")), "")


def obstacles(order: MoveOrder, found: MachineFiles) -> Iterator[Obstacle]:
    """Why this program does not send it, whatever the hosts would say."""
    if not order.landing.listeners:
        yield Obstacle(
            f"{order.target} listens on no address for migrations",
            "enable live migration there, with a migration network (delegation hosts settings)",
        )
    if not order.storage:
        yield Obstacle(f"no folder on {order.target} is said for {order.name}", "say one")
    files = [file_of(one) for one in found.listed]
    on_shares = [one for one in files if disk_files.is_on_share(one)]
    if on_shares:
        yield Obstacle(
            f"{order.name} has its disk {on_shares[0]} on a share, where it would stay",
            "move it by hand: how Windows takes disks that stay was never seen",
        )
    if not all(files):
        yield Obstacle(
            f"{order.name} has a hard disk without a file",
            "look at its drives: Get-VMHardDiskDrive",
        )
    if order.with_checkpoints:
        return
    if found.checkpoints:
        yield Obstacle(
            f"{order.name} has checkpoints: {', '.join(map(repr, found.checkpoints))}",
            "delete them, or say --with-checkpoints, which was never seen on Windows",
        )
    if found.differencing:
        yield Obstacle(
            f"{order.name} has differencing disks: {', '.join(found.differencing)}",
            "merge them, or say --with-checkpoints, which was never seen on Windows",
        )


def request(cim: Cim, order: MoveOrder, found: MachineFiles) -> MigrationRequest:
    """What a machine is checked and moved with."""
    placed = disk_files.places(order.storage, (file_of(one) for one in found.listed))
    disks = [
        Embedded(STORAGE_SETTINGS, _at_place(one, placed[file_of(one).casefold()]))
        for one in found.listed
    ]
    return MigrationRequest(
        system(str(order.machine).upper()),
        order.target,
        _how(cim, order),
        _in_folder(order, found.settings),
        tuple(disks),
    )


def _how(cim: Cim, order: MoveOrder) -> Embedded:
    """As the source's own settings have it, which is what Hyper-V's tools do.

    The addresses are the target's, in its own order: VMMS listens on no others.
    """
    own = cim.only(wql.every(MIGRATION_SETTINGS))
    values: dict[str, Scalar | Sequence[Scalar]] = {
        "MigrationType": MACHINE_AND_STORAGE,
        "TransportType": _SMB if own.boolean("EnableSmbTransport") else _TCP,
        "EnableCompression": own.boolean("EnableCompression"),
        "DestinationIPAddressList": order.landing.listeners,
    }
    return Embedded(MIGRATION_ORDER, values)


def _in_folder(order: MoveOrder, settings: CimInstance) -> Embedded:
    """Every folder that this host's version of Windows knows is the one on the target."""
    told = {one.casefold() for one in settings.names}
    roots = {one: order.storage for one in _ROOTS if one.casefold() in told}
    own = {
        "InstanceID": settings.text("InstanceID"),
        "VirtualSystemIdentifier": str(order.machine).upper(),
    }
    return Embedded(SYSTEM_SETTINGS, {**own, **roots})


def _at_place(disk: CimInstance, path: str) -> dict[str, Scalar | Sequence[Scalar]]:
    """A disk's settings, whole as they were read, but for its place and its pool.

    Whether less would do is not known. A pool is the source's; none means the target's own.
    """
    return {**disk.written(), "PoolID": "", "HostResource": [path]}
