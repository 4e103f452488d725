"""A host -> its virtual machines with disks and checkpoints; or why the list can't be relied on.

Missing rights look like an empty host: a query then gives no rows, and no error. So a list counts
where the host's own object is in it, and GetSummaryInformation, which needs Hyper-V's rights,
tells the same machines; whatever else comes is not told, and never an empty list.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from delegation.errors import CimFailed
from delegation.hosts.cim import wql
from delegation.hosts.cim.cim_classes import (
    CHECKPOINT_OF,
    COMPUTER_SYSTEM,
    MANAGEMENT_SERVICE,
    MEMORY_SETTINGS,
    STORAGE_SETTINGS,
    SUMMARY,
    SYSTEM_SETTINGS,
)
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.migration_service import MIB
from delegation.hosts.cim.told import NotTold, told
from delegation.hosts.machines import MachineState

HARD_DISK = "Microsoft:Hyper-V:Virtual Hard Disk"
"""ResourceSubType of a hard disk's file. ISO images and floppies are of the same ResourceType."""
_STORAGE_EXTENT, _MEMORY = 31, 4
"""ResourceType: Logical Disk, Memory."""
_SNAPSHOT, _OF_PLANNED = "Microsoft:Hyper-V:Snapshot", "Microsoft:Hyper-V:Snapshot:Planned"
"""VirtualSystemType of a checkpoint, which goes on with its kind, and of a planned machine's."""
_NAME, _ELEMENT_NAME, _ENABLED_STATE, _MEMORY_USAGE = 0, 1, 100, 103
"""RequestedInformation: no more is asked than is read, for the answer has to fit one envelope."""

_STATES: Mapping[int, MachineState] = {
    2: MachineState.RUNNING,
    3: MachineState.OFF,
    6: MachineState.SAVED,
    9: MachineState.PAUSED,
    32768: MachineState.PAUSED,
    32769: MachineState.SAVED,
}
"""EnabledState: CIM's values, and those that Hyper-V's first provider used for the same."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint, and the files that its settings name."""

    id: str
    name: str
    disks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListedMachine:
    """One virtual machine as its host tells it.

    ``memory`` is bytes: what it occupies while it runs, else what it starts with. ``disks`` are
    the files in use now, which are differencing ones where there are checkpoints. ``status`` are
    the numbers of OperationalStatus: the second one says what is under way.
    """

    id: UUID
    name: str
    state: MachineState
    status: tuple[int, ...]
    memory: int
    folder: str
    disks: tuple[str, ...]
    checkpoints: tuple[Checkpoint, ...]


def read_machines(cim: Cim) -> tuple[ListedMachine, ...] | NotTold:
    """All virtual machines of a host, in the order that it gives them."""
    systems = _reliable(cim)
    if isinstance(systems, NotTold):
        return systems
    return told(lambda: _with_their_parts(cim, systems))


@dataclass(frozen=True, slots=True)
class _Parts:
    """By whose they are, machine or checkpoint; ``checkpoints`` by their machine."""

    settings: Mapping[str, CimInstance]
    checkpoints: Mapping[str, list[CimInstance]]
    memory: Mapping[str, list[CimInstance]]
    disks: Mapping[str, list[CimInstance]]


def _with_their_parts(cim: Cim, systems: "_Systems") -> tuple[ListedMachine, ...]:
    """A list a kind, of all machines at once: a host with hundreds is read in few requests."""
    settings = {_own_id(one): one for one in cim.query(wql.every(SYSTEM_SETTINGS))}
    memory = cim.query(wql.every(MEMORY_SETTINGS, ResourceType=_MEMORY))
    disks = cim.query(
        wql.every(STORAGE_SETTINGS, ResourceType=_STORAGE_EXTENT, ResourceSubType=HARD_DISK)
    )
    names = {one.text("Name").casefold() for one in systems.machines}
    checkpoints = _checkpoints(cim, settings, names)
    parts = _Parts(settings, checkpoints, _by_owner(memory), _by_owner(disks))
    return tuple(_machine(one, systems.usage, parts) for one in systems.machines)


def _checkpoints(
    cim: Cim, settings: Mapping[str, CimInstance], names: Collection[str]
) -> Mapping[str, list[CimInstance]]:
    """The checkpoints of each machine. Raises CimFailed for one that is nobody's.

    Whether VirtualSystemIdentifier is then the machine's or the checkpoint's own is not
    documented; the association is. A checkpoint that was overlooked would be lost in a move.
    """
    owners = _owners(cim)
    found: dict[str, list[CimInstance]] = {}
    for own, one in settings.items():
        if not _is_checkpoint(one):
            continue
        owner = owners.get(own, one.text("VirtualSystemIdentifier").casefold())
        if owner not in names:
            raise CimFailed(
                f"{cim.host} tells a checkpoint, and not of which virtual machine",
                f"look at {one.text('ElementName')!r} there: Get-VM | Get-VMCheckpoint",
            )
        found.setdefault(owner, []).append(one)
    return found


def _owners(cim: Cim) -> Mapping[str, str]:
    """The machine of each checkpoint, as the host associates them."""
    found = {}
    for one in cim.query(wql.every(CHECKPOINT_OF)):
        machine, checkpoint = one.reference("Antecedent"), one.reference("Dependent")
        if machine is not None and checkpoint is not None:
            found[_without_maker(checkpoint.key("InstanceID"))] = machine.key("Name").casefold()
    return found


@dataclass(frozen=True, slots=True)
class _Systems:
    machines: tuple[CimInstance, ...]
    usage: Mapping[str, int]
    """MiB in use, by name."""


def _reliable(cim: Cim) -> _Systems | NotTold:
    """Once more where both lists differ: a machine may have come or gone between them."""
    found = _both_lists(cim)
    return _both_lists(cim) if isinstance(found, NotTold) and found.error is None else found


def _both_lists(cim: Cim) -> _Systems | NotTold:
    listed = told(lambda: cim.query(wql.every(COMPUTER_SYSTEM)))
    if isinstance(listed, NotTold):
        return listed
    machines = tuple(one for one in listed if _is_machine(one))
    if len(machines) == len(listed):
        return NotTold(f"{cim.host} lists no object of its own: whoever asks may see nothing there")
    summaries = told(lambda: _summaries(cim))
    if isinstance(summaries, NotTold):
        return summaries
    usage = {
        one.text("Name").casefold(): one.integer_or_none("MemoryUsage") or 0 for one in summaries
    }
    if usage.keys() != {one.text("Name").casefold() for one in machines}:
        return NotTold(
            f"{cim.host} lists {len(machines)} virtual machines and sums up {len(usage)}: whoever "
            "asks may see a part of them"
        )
    return _Systems(machines, usage)


def _is_machine(system: CimInstance) -> bool:
    """The host's own object is called as the computer is, and a computer's name is no GUID."""
    return _guid(system.text("Name")) is not None


def _guid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _summaries(cim: Cim) -> tuple[CimInstance, ...]:
    """Of all machines that the caller has a right to; without settings it means all."""
    said = cim.call(
        Reference.service(MANAGEMENT_SERVICE),
        MANAGEMENT_SERVICE,
        "GetSummaryInformation",
        RequestedInformation=[_NAME, _ELEMENT_NAME, _ENABLED_STATE, _MEMORY_USAGE],
    )
    return said.instances("SummaryInformation", SUMMARY)


def _by_owner(settings: Iterable[CimInstance]) -> Mapping[str, list[CimInstance]]:
    """By whose they are, machine or checkpoint: ``Microsoft:<GUID>\\…``; defaults are nobody's."""
    found: dict[str, list[CimInstance]] = {}
    for one in settings:
        owner = _own_id(one).partition("\\")[0]
        if _guid(owner) is not None:
            found.setdefault(owner, []).append(one)
    return found


def _own_id(settings: CimInstance) -> str:
    return _without_maker(settings.text("InstanceID"))


def _without_maker(instance_id: str) -> str:
    """``Microsoft:`` comes before all ids of settings."""
    return instance_id.removeprefix("Microsoft:").casefold()


def _machine(system: CimInstance, usage: Mapping[str, int], parts: _Parts) -> ListedMachine:
    name = system.text("Name").casefold()
    settings = parts.settings.get(name)
    at_start = sum(one.integer("VirtualQuantity") for one in parts.memory.get(name, ()))
    return ListedMachine(
        UUID(name),
        system.text("ElementName"),
        _STATES.get(system.integer("EnabledState"), MachineState.OTHER),
        system.integers("OperationalStatus"),
        (usage[name] or at_start) * MIB,
        settings.text("ConfigurationDataRoot") if settings else "",
        _files(parts.disks.get(name, ())),
        tuple(_checkpoint(one, parts.disks) for one in parts.checkpoints.get(name, ())),
    )


def _is_checkpoint(settings: CimInstance) -> bool:
    """Of a machine that is there; those of planned ones are no machine's in the list."""
    kind = settings.text("VirtualSystemType")
    return kind.startswith(_SNAPSHOT) and kind != _OF_PLANNED


def _checkpoint(settings: CimInstance, disks: Mapping[str, list[CimInstance]]) -> Checkpoint:
    own = _own_id(settings)
    return Checkpoint(own, settings.text("ElementName"), _files(disks.get(own, ())))


def _files(disks: Iterable[CimInstance]) -> tuple[str, ...]:
    return tuple(path for one in disks for path in one.texts("HostResource")[:1] if path)
