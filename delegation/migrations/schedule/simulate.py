"""What a schedule would do, by the schedule's own code: a simulation from event to event."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import accumulate
from typing import Protocol

from delegation.inventory import Slots
from delegation.migrations.schedule import Schedule
from delegation.migrations.schedule.bounds import Bound, lower_bound
from delegation.migrations.schedule.bypass import Via, anywhere
from delegation.migrations.schedule.estimate import Stream, fair_rates
from delegation.migrations.schedule.ledger import Capacity, Move, Start

INSTANT = 1e-6
"""Seconds within which ends count as one: rounding must not cost a start its place."""


@dataclass(frozen=True, slots=True)
class TimedStart:
    """One migration and its seconds since the beginning."""

    start: Start
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Load:
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

    def load(self, host: str) -> tuple[Load, ...]:
        """The host's load wherever it changes, from 0 on."""
        changes: dict[float, tuple[int, int]] = {0.0: (0, 0)}
        for timed in self.starts:
            out, into = int(timed.start.source == host), int(timed.start.to == host)
            if out or into:
                for second, sign in ((timed.begins, 1), (timed.ends, -1)):
                    leaving, arriving = changes.get(second, (0, 0))
                    changes[second] = leaving + sign * out, arriving + sign * into
        ordered = sorted(changes.items())
        totals = accumulate((c for _, c in ordered), lambda a, b: (a[0] + b[0], a[1] + b[1]))
        return tuple(
            Load(second, *total) for (second, _), total in zip(ordered, totals, strict=True)
        )


class Running(Protocol):
    """The migrations under way in a simulation."""

    def begin(self, start: Start, seconds: float, clock: float) -> None: ...

    def next(self) -> list[TimedStart]:
        """Those that end next, all at the same instant; none where nothing runs."""


class Alone:
    """Migrations that don't slow each other down: each ends when it was said to."""

    def __init__(self) -> None:
        self._ends: list[tuple[float, str, TimedStart]] = []

    def begin(self, start: Start, seconds: float, clock: float) -> None:
        timed = TimedStart(start, clock, clock + seconds)
        heappush(self._ends, (timed.ends, start.move.machine, timed))

    def next(self) -> list[TimedStart]:
        ended: list[TimedStart] = []
        while self._ends and (not ended or self._ends[0][0] <= ended[0].ends + INSTANT):
            ended.append(heappop(self._ends)[2])
        return ended


@dataclass(slots=True)
class Copying:
    """``left`` is what is still to do, in seconds of a migration that has the network to itself."""

    start: Start
    begins: float
    left: float
    stream: Stream


class Shared:
    """Migrations that share the hosts' networks fairly."""

    def __init__(self, bandwidth: Mapping[str, float]) -> None:
        self._bandwidth = bandwidth
        self._copying: list[Copying] = []
        self._clock = 0.0

    def begin(self, start: Start, seconds: float, clock: float) -> None:
        most = (start.move.memory + start.move.disk) / seconds if seconds > 0 else 0.0
        stream = Stream(start.source, start.to, most)
        self._copying.append(Copying(start, clock, seconds, stream))

    def next(self) -> list[TimedStart]:
        if not self._copying:
            return []
        streams = [copying.stream for copying in self._copying]
        speeds = [
            rate / stream.most if stream.most > 0 else 1.0
            for rate, stream in zip(fair_rates(streams, self._bandwidth), streams, strict=True)
        ]
        step = min(one.left / speed for one, speed in zip(self._copying, speeds, strict=True))
        self._clock += step
        for one, speed in zip(self._copying, speeds, strict=True):
            one.left -= speed * step
        ended = [one for one in self._copying if one.left <= INSTANT]
        self._copying = [one for one in self._copying if one.left > INSTANT]
        return [TimedStart(one.start, one.begins, self._clock) for one in ended]


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
    Where the bandwidth of hosts is known, migrations share it, and take longer.
    """
    moves = tuple(moves)
    schedule = Schedule(hosts, moves, slots=slots, hops=hops, via=via)
    bandwidth = {host: c.bandwidth for host, c in hosts.items() if c.bandwidth > 0}
    running: Running = Shared(bandwidth) if bandwidth else Alone()
    done = []
    clock = 0.0
    while True:
        for start in schedule.due():
            running.begin(start, lasting(start) if lasting else start.move.seconds, clock)
        ended = running.next()
        if not ended:
            break
        clock = max(timed.ends for timed in ended)
        for timed in ended:
            schedule.arrived(timed.start.move.machine)
        done += ended
    done.sort(key=lambda timed: (timed.begins, timed.ends, timed.start.move.machine))
    unsolved = schedule.stuck()
    made = (move for move in moves if move.machine not in unsolved)
    return Timeline(tuple(done), clock, unsolved, lower_bound(hosts, made, slots=slots))
