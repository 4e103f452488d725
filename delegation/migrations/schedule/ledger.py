"""Capacities, starts and ends -> what migrations hold at each host, and what waits there.

Every step touches the two hosts of one move and nothing else, which is what keeps the planning
of thousands of moves cheap.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass, field

from delegation.inventory import Slots

UNTOLD = 1 << 62
"""Bytes that are free where a host does not tell: more than any machine needs, and no measure."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a host has for migrations, as read.

    ``live`` and ``storage`` are its slots in all, the used ones included. ``memory`` and ``disk``
    are bytes that are free once everything that runs has all that it needs there: whoever reads a
    host in the middle of a copy takes off what is still to come.
    """

    live: int
    storage: int
    memory: int
    disk: int

    def slots(self, kinds: Slots) -> int:
        """How many migrations it allows at a time, where each takes slots of these ``kinds``."""
        return min(self.live, self.storage) if kinds is Slots.BOTH else self.live


@dataclass(frozen=True, slots=True)
class Move:
    """A machine that is to be on ``target``, and how many seconds its move is thought to take."""

    machine: str
    name: str
    source: str
    target: str
    memory: int
    disk: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Start:
    """One migration: from ``source``, where the machine is now, ``to`` a host.

    Where ``to`` is not the target of the move it is a hop, which makes room at ``source``.
    """

    move: Move
    source: str
    to: str

    @property
    def final(self) -> bool:
        return self.to == self.move.target


@dataclass(slots=True, eq=False)
class WaitingMove:
    """A move that has not started. ``at`` is where its machine is; a held one is not to start."""

    move: Move
    at: str
    seconds: float
    hops: int = 0
    held: str | None = None


def _longest_first(waiting: WaitingMove) -> tuple[float, str]:
    """What is equally long goes by machine, so that every run of the same is the same."""
    return (-waiting.seconds, waiting.move.machine)


@dataclass(slots=True, eq=False)
class PairQueue:
    """What waits to go from one host to one other, the longest first."""

    source: "ScheduledHost"
    target: "ScheduledHost"
    queue: list[WaitingMove] = field(default_factory=list)

    def add(self, waiting: WaitingMove) -> None:
        insort(self.queue, waiting, key=_longest_first)

    def remove(self, waiting: WaitingMove) -> None:
        place = bisect_left(self.queue, _longest_first(waiting), key=_longest_first)
        del self.queue[place]


@dataclass(slots=True, eq=False)
class ScheduledHost:
    """One host. ``slots`` are all that it has; ``memory`` and ``disk`` are what is free of it.

    Free space can be below zero and more can run than there are slots: both were lowered since.
    ``leaving`` and ``arriving`` count what runs; ``open`` says that a slot is free. ``outgoing``
    and ``incoming`` hold what waits, by the host at the other end; ``work`` is the sum of its
    seconds, and ``memory_left`` and ``disk_left`` what would be free if all that waits to come
    were here at once.
    """

    name: str
    slots: int = 0
    memory: int = 0
    disk: int = 0
    memory_left: int = 0
    disk_left: int = 0
    gone: bool = True
    leaving: int = 0
    arriving: int = 0
    open: bool = False
    work: float = 0.0
    outgoing: dict[str, PairQueue] = field(default_factory=dict)
    incoming: dict[str, PairQueue] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether it takes part at all, if not just now."""
        return self.slots > 0 and not self.gone

    @property
    def short_of_room(self) -> bool:
        """Whether not all that waits to come has room before something leaves."""
        return self.memory_left < 0 or self.disk_left < 0

    @property
    def work_per_slot(self) -> float:
        """Seconds of waiting work for each of its slots."""
        return self.work / max(self.slots, 1)

    def waiting_to_leave(self) -> list[WaitingMove]:
        return [waiting for pair in self.outgoing.values() for waiting in pair.queue]

    def has_room(self, move: Move) -> bool:
        """What needs nothing has room on an overfull host, too."""
        has_memory = move.memory <= self.memory or not move.memory
        return has_memory and (move.disk <= self.disk or not move.disk)

    def expect(self, move: Move, sign: int = 1) -> None:
        """It waits to come; ``sign`` -1: it does not any more."""
        self.memory_left -= sign * move.memory
        self.disk_left -= sign * move.disk

    def free_room(self, move: Move, sign: int = 1) -> None:
        """The room of a machine becomes free; ``sign`` -1: it is taken."""
        self.memory += sign * move.memory
        self.disk += sign * move.disk
        self.expect(move, -sign)


class Ledger:
    """All hosts, by name. A host that is named by a move and not known is as one that is gone."""

    def __init__(self, kinds: Slots, capacities: Mapping[str, Capacity]) -> None:
        self.kinds = kinds
        self.hosts: dict[str, ScheduledHost] = {}
        self.open: set[str] = set()
        """Hosts with a free slot, by name."""
        for name, capacity in capacities.items():
            self.read(name, capacity)

    def host(self, name: str) -> ScheduledHost:
        host = self.hosts.get(name)
        if host is None:
            host = self.hosts[name] = ScheduledHost(name)
        return host

    def read(self, name: str, capacity: Capacity) -> None:
        """The host as it is now. What waits to come is still expected in the room that it has."""
        host = self.host(name)
        host.slots = max(capacity.slots(self.kinds), 0)
        host.memory_left += capacity.memory - host.memory
        host.disk_left += capacity.disk - host.disk
        host.memory, host.disk = capacity.memory, capacity.disk
        host.gone = False
        self._update_open(host)

    def lose(self, name: str) -> None:
        host = self.host(name)
        host.gone = True
        self._update_open(host)

    def enqueue(self, waiting: WaitingMove) -> None:
        source, target = self._both_ends(waiting)
        pair = source.outgoing.get(target.name)
        if pair is None:
            pair = PairQueue(source, target)
            source.outgoing[target.name] = target.incoming[source.name] = pair
        pair.add(waiting)
        target.expect(waiting.move)
        source.work += waiting.seconds
        target.work += waiting.seconds

    def withdraw(self, waiting: WaitingMove) -> None:
        source, target = self._both_ends(waiting)
        pair = source.outgoing[target.name]
        pair.remove(waiting)
        if not pair.queue:
            del source.outgoing[target.name], target.incoming[source.name]
        target.expect(waiting.move, -1)
        source.work -= waiting.seconds
        target.work -= waiting.seconds

    def _both_ends(self, waiting: WaitingMove) -> tuple[ScheduledHost, ScheduledHost]:
        return self.host(waiting.at), self.host(waiting.move.target)

    # A migration holds a slot at both ends while it runs. Its room is held longer: at the target
    # from the start on, since the copy grows there; at the source until the end, since its files
    # are deleted last. So slots and room are booked apart.

    def occupy_slots(self, start: Start) -> None:
        self.count_leaving(start.source, 1)
        self._count_arriving(start.to, 1)

    def vacate_slots(self, start: Start) -> None:
        self.count_leaving(start.source, -1)
        self._count_arriving(start.to, -1)

    def count_leaving(self, name: str, sign: int) -> None:
        """A slot at the source alone is taken; ``sign`` -1: it is free again."""
        source = self.host(name)
        source.leaving += sign
        self._update_open(source)

    def _count_arriving(self, name: str, sign: int) -> None:
        target = self.host(name)
        target.arriving += sign
        self._update_open(target)

    def reserve_room(self, name: str, move: Move) -> None:
        self.host(name).free_room(move, -1)

    def release_room(self, name: str, move: Move) -> None:
        self.host(name).free_room(move)

    def _update_open(self, host: ScheduledHost) -> None:
        host.open = not host.gone and host.leaving + host.arriving < host.slots
        if host.open:
            self.open.add(host.name)
        else:
            self.open.discard(host.name)
