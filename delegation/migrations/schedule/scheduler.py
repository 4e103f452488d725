"""Moves, and what happened to them -> which migrations start now. Never a timetable.

A migration takes its slots at both ends while it runs; its memory and disk are held at the target
from its start on, and at the source until its end. Whenever something ends, what can start at the
hosts concerned does, the most urgent first. A schedule knows no clock; it is told what happened,
so that a simulation and a real run share it, and a capacity that was read anew counts at once.
"""

# Online list scheduling, because nothing of the future is known well: estimates are off by half,
# migrations fail, limits are changed by others. A timetable made beforehand has a slot idle for
# every move that is shorter than thought, and everybody wait for one that is longer; waves do so at
# each wave's end by design. Deciding anew at each end needs no estimate to be right, only ordered.
# And a host refuses a migration beyond its limit, or lets it wait and fail, so one is only begun
# where both ends have a slot.

from collections.abc import Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush

from delegation.inventory import Slots
from delegation.migrations.schedule.bypass import Via, anywhere, best_hop, stalled_hosts
from delegation.migrations.schedule.ledger import (
    Capacity,
    Ledger,
    Move,
    ScheduledHost,
    Start,
    WaitingMove,
)
from delegation.migrations.schedule.obstacles import obstacle_of
from delegation.migrations.schedule.urgency import startable_pairs, urgency_of


class Schedule:
    """The moves that wait and that run. Mutable; every machine is in at most one of the two.

    ``hosts`` are all that there are, with those that a machine could only pass through on its
    way. ``hops`` is how often one machine may be moved aside; ``via`` says whereto. ``running``
    are migrations that are under way already, when a run is taken up again; what they need is not
    in the free space of ``hosts``.

    It ends: every start brings a machine to its target or uses up one of its hops. (A move that
    ``returned`` puts back forever is the caller's doing.)
    """

    def __init__(  # noqa: PLR0913
        self,
        hosts: Mapping[str, Capacity],
        moves: Iterable[Move],
        *,
        slots: Slots = Slots.BOTH,
        hops: int = 3,
        via: Via = anywhere,
        running: Iterable[Start] = (),
    ) -> None:
        self._ledger = Ledger(slots, hosts)
        self._hops = hops
        self._via = via
        self._waiting: dict[str, WaitingMove] = {}
        self._running: dict[str, tuple[Start, WaitingMove]] = {}
        self._at_rest: set[str] = set()
        self._touched = dict.fromkeys(hosts)
        """Hosts, in order, that something happened to since starts were last looked for."""
        self._stalled: list[ScheduledHost] = []
        """Hosts that waited for each other then, with no way round."""
        for start in running:
            waiting = WaitingMove(start.move, start.source, start.move.seconds)
            self._running[start.move.machine] = (start, waiting)
            self._ledger.occupy_slots(start)
        for move in moves:
            if move.machine in self._waiting or move.machine in self._running:
                raise ValueError(f"{move.name} ({move.machine}) is to be moved twice")
            if move.source != move.target:
                self._enqueue(WaitingMove(move, move.source, move.seconds))

    @property
    def waiting(self) -> tuple[Move, ...]:
        return tuple(waiting.move for waiting in self._waiting.values())

    @property
    def running(self) -> tuple[Start, ...]:
        return tuple(start for start, _ in self._running.values())

    @property
    def at_rest(self) -> frozenset[str]:
        """Machines that count as running, and hold no slot at their source."""
        return frozenset(self._at_rest)

    def due(self) -> list[Start]:
        """What is to start now, in this order. It counts as running from here on."""
        starts: list[Start] = []
        roots: dict[str, None] = {}
        while self._touched:
            touched, self._touched = self._touched, {}
            roots |= touched
            starts += self._start_direct([self._ledger.host(name) for name in touched])
        return [*starts, *self._start_hops(roots)]

    def arrived(self, machine: str) -> None:
        """It is where its migration was to bring it: slots are free, and its room at the source."""
        start, waiting = self._end_migration(machine)
        self._ledger.release_room(start.source, start.move)
        if not start.final:
            waiting.at = start.to
            self._enqueue(waiting)

    def returned(self, machine: str, *, again: bool) -> None:
        """Its migration failed and it is where it was; ``again``: it waits for another try."""
        start, waiting = self._end_migration(machine)
        self._ledger.release_room(start.to, start.move)
        if again:
            self._enqueue(waiting)

    def rests(self, machine: str, *, at_rest: bool = True) -> None:
        """The source of a running one does nothing about it: its slot there is free.

        What it holds at the other end it keeps: a slot, memory and disk. ``at_rest`` False: the
        source may be at it again.
        """
        if at_rest == (machine in self._at_rest):
            return
        start, _ = self._running[machine]
        if at_rest:
            self._at_rest.add(machine)
            self._ledger.count_leaving(start.source, -1)
        else:
            self._at_rest.discard(machine)
            self._ledger.count_leaving(start.source, 1)
        self._touch_hosts(start.source)

    def dropped(self, machine: str) -> None:
        """It is not to be moved after all. It must be waiting."""
        self._dequeue(self._waiting[machine])

    def hold(self, machine: str, why: str) -> None:
        """Keep a waiting machine back until ``unhold``: for a while, after a failure."""
        waiting = self._waiting[machine]
        self._dequeue(waiting)
        waiting.held = why
        self._enqueue(waiting)

    def unhold(self, machine: str) -> None:
        waiting = self._waiting[machine]
        self._dequeue(waiting)
        waiting.held = None
        self._enqueue(waiting)

    def timed(self, seconds: Mapping[str, float]) -> None:
        """Better estimates for machines that wait, as learnt from moves that are done."""
        for machine, estimate in seconds.items():
            waiting = self._waiting.get(machine)
            if waiting and waiting.seconds != estimate:
                self._dequeue(waiting)
                waiting.seconds = estimate
                self._enqueue(waiting)

    def reread(self, host: str, capacity: Capacity) -> None:
        """The host as read just now. It may allow less than what runs: then nothing new starts.

        Tell the ends of migrations first: ``arrived`` adds the room at the source to this.
        """
        self._ledger.read(host, capacity)
        self._touch_hosts(host)

    def without(self, host: str) -> None:
        """The host is gone: nothing starts to it or from it until it is read again."""
        self._ledger.lose(host)
        self._touch_hosts(host)

    def stuck(self) -> Mapping[str, str]:
        """Why each machine that waits can't be moved, where nothing runs and nothing is due."""
        if self._running or self._touched:
            return {}
        ledger, hops = self._ledger, self._hops
        return {m: obstacle_of(ledger, waiting, hops) for m, waiting in self._waiting.items()}

    def _enqueue(self, waiting: WaitingMove) -> None:
        self._waiting[waiting.move.machine] = waiting
        if waiting.held is None:
            self._ledger.enqueue(waiting)
        self._touch_hosts(waiting.at, waiting.move.target)

    def _dequeue(self, waiting: WaitingMove) -> None:
        del self._waiting[waiting.move.machine]
        if waiting.held is None:
            self._ledger.withdraw(waiting)
        self._touch_hosts(waiting.at, waiting.move.target)

    def _touch_hosts(self, *hosts: str) -> None:
        self._touched.update(dict.fromkeys(hosts))

    def _begin_migration(self, waiting: WaitingMove, to: str) -> Start:
        start = Start(waiting.move, waiting.at, to)
        del self._waiting[start.move.machine]
        self._ledger.withdraw(waiting)
        self._ledger.occupy_slots(start)
        self._ledger.reserve_room(to, start.move)
        if not start.final:
            waiting.hops += 1
        self._running[start.move.machine] = (start, waiting)
        return start

    def _end_migration(self, machine: str) -> tuple[Start, WaitingMove]:
        self.rests(machine, at_rest=False)
        start, waiting = self._running.pop(machine)
        self._ledger.vacate_slots(start)
        self._touch_hosts(start.source, start.to)
        return start, waiting

    def _start_direct(self, touched: Iterable[ScheduledHost]) -> list[Start]:
        """Starts to final targets, the most urgent first."""
        starts = []
        heap = []
        for pair in startable_pairs(touched, self._ledger.open):
            urgency = urgency_of(pair)
            if urgency:
                heap.append((urgency, pair))
        heapify(heap)
        # Urgency only falls while moves start here: work at the ends gets less, and slots and room
        # as well. So a pair that is found to have fallen goes back into the heap, and the order
        # stays exact without looking at every pair again after each start.
        while heap:
            urgency_then, pair = heappop(heap)
            urgency = urgency_of(pair)
            if urgency == urgency_then:
                starts.append(self._begin_migration(urgency.waiting, urgency.waiting.move.target))
                urgency = urgency_of(pair)
            if urgency:
                heappush(heap, (urgency, pair))
        return starts

    def _start_hops(self, touched: Iterable[str]) -> Iterator[Start]:
        """Hops that make room at hosts which wait for each other, as soon as they do."""
        # While anything runs, only hosts that something happened to can have stalled.
        suspects = {host.name: host for host in self._stalled}
        suspects |= {name: self._ledger.host(name) for name in touched}
        while True:
            idle = self._running.keys() <= self._at_rest
            looked_at = self._ledger.hosts if idle else suspects
            self._stalled = stalled_hosts(looked_at.values())
            hop = best_hop(self._ledger, self._stalled, self._hops, self._via, idle=idle)
            if hop is None:
                return
            yield self._begin_migration(hop.waiting, hop.to)
