"""Hosts and machines as tests need them: ``fleet({"hv01": hosted("web01"), "hv02": hosted()})``."""

from collections.abc import Iterable, Mapping
from uuid import UUID, uuid5

from delegation.hosts.hosted import Hosted
from delegation.hosts.machines import (
    Disk,
    HostReading,
    MachineActivity,
    MachineState,
    Resources,
    VirtualMachine,
)
from delegation.inventory import Affinity, Slots
from delegation.migrations.moves.affinity import AffinityRules
from delegation.migrations.moves.surveyed import Surveyed
from delegation.migrations.moves.terms import Liberties, Terms
from delegation.migrations.schedule import Move

GB = 1 << 30
_IDS = UUID("0f5c7a52-9a0e-4f6f-8b5e-6a3d0f1f2d11")


def machine(
    name: str,
    *,
    memory: int = 2 * GB,
    disk: int | None = 20 * GB,
    state: MachineState = MachineState.RUNNING,
    id_: UUID | None = None,
    file: str | None = None,
    activity: str | None = None,
    checkpoints: int = 0,
    status: tuple[int, ...] = (2,),
) -> VirtualMachine:
    """``disk`` None: how large it is was not told."""
    path = f"D:\\VMs\\{name}\\{file or f'{name}.vhdx'}"
    return VirtualMachine(
        id_ or uuid5(_IDS, name),
        name,
        state,
        memory,
        f"D:\\VMs\\{name}",
        (Disk(path, disk, ""),),
        checkpoints,
        MachineActivity(activity) if activity else None,
        status,
    )


def hosted(
    *machines: VirtualMachine | str,
    memory: int | None = 64 * GB,
    disk: int | None = 1000 * GB,
    migrations: int = 2,
    storage_migrations: int = 2,
    storage: str = "D:\\VMs",
    total: tuple[int, int] = (0, 0),
    enabled: bool = True,
    vmms: str = "Running",
    clustered: bool | None = False,
    not_told: Mapping[str, str] | None = None,
) -> Hosted:
    """``memory`` and ``disk`` are what is free; None: it is not told."""
    found = tuple(machine(m) if isinstance(m, str) else m for m in machines)
    resources = Resources(migrations, storage_migrations, memory, disk, storage, *total)
    reading = HostReading(
        "", {"enabled": enabled}, resources, clustered, vmms, not_told=not_told or {}
    )
    return Hosted(reading, found)


def fleet(hosts: Mapping[str, Hosted], unread: Mapping[str, str] | None = None) -> Surveyed:
    return Surveyed(hosts, unread or {})


def terms(
    hosts: Iterable[str],
    *affinity: Affinity,
    reach: Mapping[str, Iterable[str]] | None = None,
    slots: Slots = Slots.BOTH,
    liberties: Liberties = Liberties(),  # noqa: B008 - frozen
) -> Terms:
    """Everybody reaches everybody, unless ``reach`` says otherwise."""
    hosts = list(hosts)
    everybody = {one: frozenset(hosts) - {one} for one in hosts}
    wanted = {one: frozenset(targets) for one, targets in (reach or {}).items()} or everybody
    return Terms("corp.example", wanted, slots, AffinityRules(affinity), liberties)


def estimate(_source: str, _target: str, count: int) -> float:
    """A second a gigabyte."""
    return count / GB


def placed_on(moves: Iterable[Move]) -> dict[str, str]:
    """Each machine's target by its name."""
    return {move.name: move.target for move in moves}
