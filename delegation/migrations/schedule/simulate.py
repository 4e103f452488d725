"""Hosts and moves -> all that a schedule would do: its own code, run from event to event."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from delegation.inventory import Slots
from delegation.migrations.schedule.bounds import Bound, lower_bound
from delegation.migrations.schedule.bypass import Via, anywhere
from delegation.migrations.schedule.ledger import Capacity, Move, Start
from delegation.migrations.schedule.scheduler import Schedule

INSTANT = 1e-6
"""Seconds within which ends count as one: rounding must not cost a start its place."""


@dataclass(frozen=True, slots=True)
class TimedStart:
    """One migration and its seconds since the beginning."""

    start: Start
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class SlotLoad:
    """How many migrations leave a host and come to it, from a second on."""

    begins: float
    leaving: int
    arriving: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """All migrations in the order of their starts, and why each machine that is left is left.

    ``bound`` is what the moves that are made take at least.
    """

    starts: tuple[TimedStart, ...]
    seconds: float
    unsolved: Mapping[str, str]
    bound: Bound

    def load(self, host: str) -> tuple[SlotLoad, ...]:
        """The host's load wherever it changes, from 0 on."""
        changes: dict[float, list[int]] = defaultdict(lambda: [0, 0])
        changes[0.0] = [0, 0]
        for timed in self.starts:
            for direction, end in enumerate((timed.start.source, timed.start.to)):
                if end == host:
                    changes[timed.begins][direction] += 1
                    changes[timed.ends][direction] -= 1
        loads = []
        leaving = arriving = 0
        for second, (more_leaving, more_arriving) in sorted(changes.items()):
            leaving += more_leaving
            arriving += more_arriving
            loads.append(SlotLoad(second, leaving, arriving))
        return tuple(loads)


class _UnderWay:
    """The migrations that run, by their ends. They don't slow each other down.

    What a network would make of it is not simulated: nobody knows the bandwidth of a path between
    two hosts, and the rates of finished moves, from which seconds are estimated, have it in them.
    """

    def __init__(self) -> None:
        self._by_end: list[tuple[float, str, TimedStart]] = []

    def begin(self, start: Start, seconds: float, clock: float) -> None:
        timed = TimedStart(start, clock, clock + seconds)
        heappush(self._by_end, (timed.ends, start.move.machine, timed))

    def next_ended(self) -> list[TimedStart]:
        """Those that end next, all at the same instant; none where nothing runs."""
        ended: list[TimedStart] = []
        while self._by_end and (not ended or self._by_end[0][0] <= ended[0].ends + INSTANT):
            ended.append(heappop(self._by_end)[2])
        return ended


def timeline(  # noqa: PLR0913
    hosts: Mapping[str, Capacity],
    moves: Iterable[Move],
    *,
    slots: Slots = Slots.BOTH,
    hops: int = 3,
    via: Via = anywhere,
    lasting: Callable[[Start], float] | None = None,
) -> Timeline:
    """Everything from the first start to the last end.

    ``lasting`` says how long a migration really takes, where that is not what its move says.
    """
    moves = tuple(moves)
    schedule = Schedule(hosts, moves, slots=slots, hops=hops, via=via)
    under_way = _UnderWay()
    done = []
    clock = 0.0
    while True:
        for start in schedule.due():
            seconds = lasting(start) if lasting else start.move.seconds
            under_way.begin(start, seconds, clock)
        ended = under_way.next_ended()
        if not ended:
            break
        clock = max(timed.ends for timed in ended)
        for timed in ended:
            schedule.arrived(timed.start.move.machine)
        done += ended
    done.sort(key=lambda timed: (timed.begins, timed.ends, timed.start.move.machine))
    unsolved = schedule.stuck()
    solved = [move for move in moves if move.machine not in unsolved]
    return Timeline(tuple(done), clock, unsolved, lower_bound(hosts, solved, slots=slots))
