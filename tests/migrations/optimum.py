"""The best that any order could do, by trying all of them: for very small problems alone."""

from collections.abc import Iterator, Mapping
from itertools import product
from math import inf

from delegation.migrations.schedule import Capacity, Move, Slots

Place = tuple[str, str | None, float]
"""Where a machine is, where it is on its way to, and for how much longer."""
Places = tuple[Place, ...]


def optimum(hosts: Mapping[str, Capacity], moves: tuple[Move, ...]) -> float:
    """The least seconds in which all moves can be made; inf: they can't.

    Each machine may make one detour, and migrations may be kept waiting. They need only ever start
    at once, or when another ends: any other timetable can be pushed together to such a one.
    """
    search = Search(hosts, moves)
    return search.best(tuple((one.source, None, 0.0) for one in moves), (1,) * len(moves))


class Search:
    def __init__(self, hosts: Mapping[str, Capacity], moves: tuple[Move, ...]) -> None:
        self.hosts = hosts
        self.moves = moves
        self.known: dict[tuple[Places, tuple[int, ...]], float] = {}

    def best(self, places: Places, detours: tuple[int, ...]) -> float:
        known = self.known.get((places, detours))
        if known is None:
            there = zip(self.moves, places, strict=True)
            done = all(at == move.target for move, (at, _, _) in there)
            found = (self._after(places, chosen, detours) for chosen in self._choices(places))
            known = 0.0 if done else min(found, default=inf)
            self.known[places, detours] = known
        return known

    def _after(self, places: Places, chosen: Places, detours: tuple[int, ...]) -> float:
        taken = tuple(
            left - (to is None and on not in {None, move.target})
            for left, (_, to, _), (_, on, _), move in zip(
                detours, places, chosen, self.moves, strict=True
            )
        )
        step = min((left for _, to, left in chosen if to is not None), default=0.0)
        if not step or min(taken) < 0:
            return inf
        return step + self.best(tuple(_later(place, step) for place in chosen), taken)

    def _choices(self, places: Places) -> Iterator[Places]:
        """Every set of migrations that could start now, the empty one included."""
        options: list[list[Place]] = []
        for move, place in zip(self.moves, places, strict=True):
            at, to, _ = place
            free = to is None and at != move.target
            others = [host for host in self.hosts if free and host != at]
            options.append([place, *((at, host, move.seconds) for host in others)])
        return (chosen for chosen in product(*options) if self._allowed(chosen))

    def _allowed(self, places: Places) -> bool:
        left = {h: [c.slots(Slots.BOTH), c.memory, c.disk] for h, c in self.hosts.items()}
        for move, (at, to, _) in zip(self.moves, places, strict=True):
            # What is free was counted with every machine at its source.
            left[move.source][1] += move.memory
            left[move.source][2] += move.disk
            for host in (at, to) if to else (at,):
                left[host][0] -= to is not None
                left[host][1] -= move.memory
                left[host][2] -= move.disk
        return all(min(kinds) >= 0 for kinds in left.values())


def _later(place: Place, step: float) -> Place:
    at, to, left = place
    if to is None:
        return place
    return (to, None, 0.0) if left <= step else (at, to, left - step)
