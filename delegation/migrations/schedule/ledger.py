"""What migrations hold at each host and what waits there: the state that a schedule decides on.

Every step touches the two hosts of one move and nothing else, which is what keeps the planning
of thousands of moves cheap.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass, field

from delegation.inventory import Slots


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


def _order(waiting: WaitingMove) -> tuple[float, str]:
    """The longest first; what is equally long by machine, so that every run is the same."""
    return (-waiting.seconds, waiting.move.machine)


@dataclass(slots=True, eq=False)
class PairQueue:
    """What waits to go from one host to one other, the longest first."""

    source: "ScheduledHost"
    target: "ScheduledHost"
    queue: list[WaitingMove] = field(default_factory=list)

    def add(self, waiting: WaitingMove) -> None:
        insort(self.queue, waiting, key=_order)

    def remove(self, waiting: WaitingMove) -> None:
        del self.queue[bisect_left(self.queue, _order(waiting), key=_order)]


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
    def short(self) -> bool:
        """Whether not all that waits to come has room before something leaves."""
        return self.memory_left < 0 or self.disk_left < 0

    @property
    def load(self) -> float:
        """Seconds of waiting work for each of its slots."""
        return self.work / max(self.slots, 1)

    def fits(self, move: Move) -> bool:
        """Whether there is room; what needs nothing has room on an overfull host, too."""
        return (move.memory <= self.memory or not move.memory) and (
            move.disk <= self.disk or not move.disk
        )

    def expect(self, move: Move, sign: int = 1) -> None:
        """It waits to come; ``sign`` -1: it does not any more."""
        self.memory_left -= sign * move.memory
        self.disk_left -= sign * move.disk

    def free(self, move: Move, sign: int = 1) -> None:
        """The room of a machine becomes free; ``sign`` -1: it is taken."""
        self.memory += sign * move.memory
        self.disk += sign * move.disk
        self.expect(move, -sign)


class Ledger:
    """All hosts, by name. A host that is named by a move and not known is as one that is gone."""

    def __init__(self, kinds: Slots, hosts: Mapping[str, Capacity]) -> None:
        self.kinds = kinds
        self.sites: dict[str, ScheduledHost] = {}
        self.open: set[str] = set()
        """Hosts with a free slot, by name."""
        for host, capacity in hosts.items():
            self.read(host, capacity)

    def site(self, name: str) -> ScheduledHost:
        site = self.sites.get(name)
        if site is None:
            site = self.sites[name] = ScheduledHost(name)
        return site

    def read(self, host: str, capacity: Capacity) -> None:
        site = self.site(host)
        site.slots = max(capacity.slots(self.kinds), 0)
        site.memory_left += capacity.memory - site.memory
        site.disk_left += capacity.disk - site.disk
        site.memory, site.disk = capacity.memory, capacity.disk
        site.gone = False
        self._settle(site)

    def lose(self, host: str) -> None:
        site = self.site(host)
        site.gone = True
        self._settle(site)

    def enqueue(self, waiting: WaitingMove) -> None:
        source, target = self.site(waiting.at), self.site(waiting.move.target)
        pair = source.outgoing.get(target.name)
        if pair is None:
            pair = PairQueue(source, target)
            source.outgoing[target.name] = target.incoming[source.name] = pair
        pair.add(waiting)
        target.expect(waiting.move)
        source.work += waiting.seconds
        target.work += waiting.seconds

    def withdraw(self, waiting: WaitingMove) -> None:
        source, target = self.site(waiting.at), self.site(waiting.move.target)
        pair = source.outgoing[target.name]
        pair.remove(waiting)
        target.expect(waiting.move, -1)
        if not pair.queue:
            del source.outgoing[target.name], target.incoming[source.name]
        source.work -= waiting.seconds
        target.work -= waiting.seconds

    def occupy(self, start: Start) -> None:
        """A slot at both ends."""
        self._count(start, 1)

    def vacate(self, start: Start) -> None:
        self._count(start, -1)

    def reserve(self, host: str, move: Move) -> None:
        """The room that the move needs on that host, from its start on."""
        self.site(host).free(move, -1)

    def release(self, host: str, move: Move) -> None:
        self.site(host).free(move)

    def send(self, source: str, sign: int = 1) -> None:
        """A slot at the source alone; ``sign`` -1: it is free again."""
        site = self.site(source)
        site.leaving += sign
        self._settle(site)

    def _count(self, start: Start, sign: int) -> None:
        self.send(start.source, sign)
        to = self.site(start.to)
        to.arriving += sign
        self._settle(to)

    def _settle(self, site: ScheduledHost) -> None:
        site.open = not site.gone and site.leaving + site.arriving < site.slots
        (self.open.add if site.open else self.open.discard)(site.name)
