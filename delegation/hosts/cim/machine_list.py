"""A host -> its virtual machines with their disks; or why the list can't be relied on.

Missing rights look like an empty host: a query then gives no rows, and no error. So a list counts
where the host's own object is in it, and GetSummaryInformation, which needs Hyper-V's rights,
tells the same machines; whatever else comes is not told, and never an empty list.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
from delegation.hosts.cim.cim_faults import AnswerTooLarge
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.machine_activity import activity
from delegation.hosts.cim.migration_service import MIB
from delegation.hosts.cim.told import NotTold, told
from delegation.hosts.machines import Disk, MachineState, VirtualMachine

HARD_DISK = "Microsoft:Hyper-V:Virtual Hard Disk"
"""ResourceSubType of a hard disk's file. ISO images and floppies are of the same ResourceType."""
_STORAGE_EXTENT, _MEMORY = 31, 4
"""ResourceType: Logical Disk, Memory."""
_SNAPSHOT, _OF_PLANNED = "Microsoft:Hyper-V:Snapshot", "Microsoft:Hyper-V:Snapshot:Planned"
"""VirtualSystemType of a checkpoint, which goes on with its kind, and of a planned machine's."""
_NAME, _ELEMENT_NAME, _ENABLED_STATE, _MEMORY_USAGE = 0, 1, 100, 103
"""RequestedInformation: no more is asked than is read, for the answer has to fit one envelope."""

_MAKER = "Microsoft:"

_STATES: Mapping[int, MachineState] = {
    2: MachineState.RUNNING,
    3: MachineState.OFF,
    6: MachineState.SAVED,
    9: MachineState.PAUSED,
    32768: MachineState.PAUSED,
    32769: MachineState.SAVED,
}
"""EnabledState: CIM's values, and those that Hyper-V's first provider used for the same."""


SUMMED_AT_ONCE = 100
"""Machines that are summed up in one answer where all do not fit: some 2 KB each."""

Wanted = Callable[[CimInstance], bool]


def any_machine(_: CimInstance) -> bool:
    return True


def read_machines(cim: Cim, wanted: Wanted = any_machine) -> tuple[VirtualMachine, ...] | NotTold:
    """The ``wanted`` virtual machines of a host, without the sizes of their disks.

    ``wanted`` is asked with each one's Msvm_ComputerSystem. Not told is told of the whole list.
    """
    systems = _reliable(cim)
    if isinstance(systems, NotTold):
        return systems
    chosen = [one for one in systems.machines if wanted(one)]
    return told(lambda: _with_their_parts(cim, systems, chosen)) if chosen else ()


def is_machine(machine: UUID) -> Wanted:
    """Whether a system is that one."""
    return lambda system: _guid(system.text("Name")) == machine


def is_named(name: str) -> Wanted:
    """Whether a system is called so, in any case, or has that id."""
    machine, folded = _guid(name), name.casefold()
    return lambda system: (
        system.text("ElementName").casefold() == folded
        or (machine is not None and _guid(system.text("Name")) == machine)
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """By whose they are, machine or checkpoint; ``checkpoints`` by their machine."""

    settings: Mapping[str, CimInstance]
    checkpoints: Mapping[str, list[CimInstance]]
    memory: Mapping[str, list[CimInstance]]
    disks: Mapping[str, list[CimInstance]]


def _with_their_parts(
    cim: Cim, systems: "_Systems", chosen: Sequence[CimInstance]
) -> tuple[VirtualMachine, ...]:
    """A list a kind, of all machines at once: a host with hundreds is read in few requests."""
    settings = {_own_id(one): one for one in cim.query(wql.every(SYSTEM_SETTINGS))}
    memory = cim.query(wql.every(MEMORY_SETTINGS, ResourceType=_MEMORY))
    disks = cim.query(
        wql.every(STORAGE_SETTINGS, ResourceType=_STORAGE_EXTENT, ResourceSubType=HARD_DISK)
    )
    names = {one.text("Name").casefold() for one in systems.machines}
    checkpoints = _checkpoints(cim, settings, names)
    parts = _Parts(settings, checkpoints, _by_owner(memory), _by_owner(disks))
    return tuple(_machine(one, systems.usage, parts) for one in chosen)


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
    summaries = told(lambda: _summaries(cim, machines))
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


def _summaries(cim: Cim, machines: Sequence[CimInstance]) -> tuple[CimInstance, ...]:
    """Of all machines that the caller has a right to; without settings it means all.

    Where they do not fit into one answer, they are asked in parts by their settings. That they do
    not fit is an answer as well: the caller has a right to that many.
    """
    try:
        return _summed_up(cim)
    except AnswerTooLarge:
        found: list[CimInstance] = []
        for start in range(0, len(machines), SUMMED_AT_ONCE):
            part = machines[start : start + SUMMED_AT_ONCE]
            found += _summed_up(cim, [_settings_of(one) for one in part])
        return tuple(found)


def _settings_of(system: CimInstance) -> Reference:
    """The settings of a machine that is there (VirtualSystemType Realized) have its own id."""
    return Reference.to(SYSTEM_SETTINGS, InstanceID=f"{_MAKER}{system.text('Name')}")


def _summed_up(cim: Cim, of: Sequence[Reference] | None = None) -> tuple[CimInstance, ...]:
    said = cim.call(
        Reference.service(MANAGEMENT_SERVICE),
        MANAGEMENT_SERVICE,
        "GetSummaryInformation",
        SettingData=of,
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
    return instance_id.removeprefix(_MAKER).casefold()


def _machine(system: CimInstance, usage: Mapping[str, int], parts: _Parts) -> VirtualMachine:
    name = system.text("Name").casefold()
    settings = parts.settings.get(name)
    at_start = sum(one.integer("VirtualQuantity") for one in parts.memory.get(name, ()))
    status = system.integers("OperationalStatus")
    return VirtualMachine(
        UUID(name),
        system.text("ElementName"),
        _STATES.get(system.integer("EnabledState"), MachineState.OTHER),
        (usage[name] or at_start) * MIB,
        settings.text("ConfigurationDataRoot") if settings else "",
        _files(parts.disks.get(name, ())),
        len(parts.checkpoints.get(name, ())),
        activity(status),
        status,
    )


def _is_checkpoint(settings: CimInstance) -> bool:
    """Of a machine that is there; those of planned ones are no machine's in the list."""
    kind = settings.text("VirtualSystemType")
    return kind.startswith(_SNAPSHOT) and kind != _OF_PLANNED


def _files(disks: Iterable[CimInstance]) -> tuple[Disk, ...]:
    """Those in use now, which are differencing ones where there are checkpoints."""
    return tuple(Disk(path) for one in disks for path in one.texts("HostResource")[:1] if path)
