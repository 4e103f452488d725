"""Units of a drain, put somewhere -> the room that is left, and what fits there still."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from delegation.hosts.machines import Resources, VirtualMachine
from delegation.migrations.moves.affinity import AffinityRules
from delegation.migrations.moves.surveyed import Surveyed, memory_of, told_disk
from delegation.migrations.schedule import UNTOLD


@dataclass(frozen=True, slots=True)
class LeavingMachine:
    """A machine on a host that is drained."""

    host: str
    machine: VirtualMachine


@dataclass(frozen=True, eq=False)
class AffinityUnit:
    """Machines that go to one host together, mostly one alone.

    ``hosts`` are those that every rule about the unit itself and every mesh allows, in the order
    of the inventory; ``apart`` are the rules that keep it from others.
    """

    members: tuple[LeavingMachine, ...]
    hosts: tuple[str, ...]
    apart: frozenset[int]

    @property
    def memory(self) -> int:
        return sum(memory_of(member.machine) for member in self.members)

    @property
    def disk(self) -> int:
        return sum(told_disk(member.machine) for member in self.members)


class Packing:
    """The targets as they fill. ``placed`` says where each unit goes."""

    def __init__(self, surveyed: Surveyed, targets: Iterable[str], rules: AffinityRules) -> None:
        self.placed: dict[AffinityUnit, str] = {}
        self._memory: dict[str, int] = {}
        self._disk: dict[str, int] = {}
        self._total: dict[str, tuple[int, int]] = {}
        self._apart: dict[str, Counter[int]] = {}
        for target in targets:
            hosted = surveyed.hosts[target]
            resources = hosted.reading.resources
            if resources is None:
                continue
            memory, disk = resources.memory, resources.disk
            self._memory[target] = UNTOLD if memory is None else memory
            self._disk[target] = UNTOLD if disk is None else disk
            self._total[target] = _all_room(resources)
            self._apart[target] = Counter()
            for machine in hosted.machines:
                self._apart[target].update(rules.apart(machine.name))

    def put(self, unit: AffinityUnit, host: str) -> None:
        self.placed[unit] = host
        self._memory[host] -= unit.memory
        self._disk[host] -= unit.disk
        self._apart[host].update(unit.apart)

    def take_back(self, unit: AffinityUnit) -> None:
        host = self.placed.pop(unit)
        self._memory[host] += unit.memory
        self._disk[host] += unit.disk
        self._apart[host].subtract(unit.apart)

    def has_room(self, unit: AffinityUnit, host: str) -> bool:
        """What needs nothing has room on an overfull host, too."""
        return unit.memory <= max(self._memory[host], 0) and unit.disk <= max(self._disk[host], 0)

    def keeps_apart(self, unit: AffinityUnit, host: str) -> bool:
        return not any(self._apart[host][rule] > 0 for rule in unit.apart)

    def takes(self, unit: AffinityUnit, host: str) -> bool:
        return self.has_room(unit, host) and self.keeps_apart(unit, host)

    def fullness(self, unit: AffinityUnit, host: str) -> float:
        """How full the fuller of memory and disk would be with the unit, as a share of all."""
        memory, disk = self._total[host]
        memory_left = self._memory[host] - unit.memory
        disk_left = self._disk[host] - unit.disk
        return max(1 - memory_left / memory, 1 - disk_left / disk)

    def free(self, hosts: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Bytes of memory and disk that are left."""
        return {host: (self._memory[host], self._disk[host]) for host in hosts}


def _all_room(resources: Resources) -> tuple[int, int]:
    """All memory and disk of a host; what is free now, where the host does not say.

    Of what is not told at all, nothing that comes makes a measurable share.
    """
    memory, disk = resources.memory, resources.disk
    return (
        UNTOLD if memory is None else max(resources.memory_total, memory, 1),
        UNTOLD if disk is None else max(resources.disk_total, disk, 1),
    )
