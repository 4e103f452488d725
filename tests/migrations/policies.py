"""What people do without a schedule, simulated: for the benchmark to compare with.

Each gives the seconds until the last migration ends. Slots are honoured at both ends by all of
them, so that none is charged with failures; room is taken to be ample.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from heapq import heappop, heappush

from delegation.inventory import Slots
from delegation.migrations.schedule import Capacity, Move


class Slotted:
    """The slots of all hosts, and a clock that goes from end to end."""

    def __init__(self, hosts: Mapping[str, Capacity]) -> None:
        self.free = {name: capacity.slots(Slots.BOTH) for name, capacity in hosts.items()}
        self.clock = 0.0
        self._ends: list[tuple[float, str, Move]] = []

    def start(self, move: Move) -> bool:
        if not (self.free[move.source] and self.free[move.target]):
            return False
        self._use(move, -1)
        heappush(self._ends, (self.clock + move.seconds, move.machine, move))
        return True

    def ended(self) -> Move | None:
        """Wait for the next end."""
        if not self._ends:
            return None
        self.clock, _, move = heappop(self._ends)
        self._use(move, 1)
        return move

    def _use(self, move: Move, count: int) -> None:
        self.free[move.source] += count
        self.free[move.target] += count


def foreach_global(_hosts: Mapping[str, Capacity], moves: list[Move]) -> float:
    """One loop over everything: ``foreach ($vm in $list) { Move-VM … }``."""
    return sum(move.seconds for move in moves)


def foreach_per_source(hosts: Mapping[str, Capacity], moves: list[Move]) -> float:
    """One such loop on every source, each waiting for a slot of its next target."""
    slotted = Slotted(hosts)
    loops: dict[str, list[Move]] = defaultdict(list)
    for move in reversed(moves):
        loops[move.source].append(move)
    at_work: set[str] = set()
    while True:
        for source, left in loops.items():
            if left and source not in at_work and slotted.start(left[-1]):
                left.pop()
                at_work.add(source)
        done = slotted.ended()
        if done is None:
            return slotted.clock
        at_work.discard(done.source)


def waves(hosts: Mapping[str, Capacity], moves: list[Move]) -> float:
    """As many as the slots allow, in the list's order; the next wave when all of them ended."""
    slotted = Slotted(hosts)
    left: Iterable[Move] = moves
    while left:
        left = [move for move in left if not slotted.start(move)]
        while slotted.ended():
            pass
    return slotted.clock


def fifo(hosts: Mapping[str, Capacity], moves: list[Move]) -> float:
    """Whatever can start does, in the list's order."""
    slotted = Slotted(hosts)
    waiting = [move for move in moves if not slotted.start(move)]
    while done := slotted.ended():
        freed = {done.source, done.target}
        waiting = [
            move
            for move in waiting
            if not (freed & {move.source, move.target} and slotted.start(move))
        ]
    return slotted.clock
