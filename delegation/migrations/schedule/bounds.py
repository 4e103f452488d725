"""What no order of the moves could beat: the measure of a schedule.

Every bound holds for detours, too: whatever way a machine takes, its first migration takes a slot
of its source for its whole length, and its last one a slot of its target. (One that holds only
for direct moves, such as that of odd sets of hosts, is not among them. One for a pair of hosts
would say nothing that the bound of the pair's host with fewer slots does not.)
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import fsum

from delegation.inventory import Slots
from delegation.migrations.schedule.ledger import Capacity, Move


@dataclass(frozen=True, slots=True)
class Bound:
    """``why`` says what takes so long."""

    seconds: float
    why: str


def lower_bound(
    hosts: Mapping[str, Capacity], moves: Iterable[Move], *, slots: Slots = Slots.BOTH
) -> Bound:
    """The largest of the bounds of every host and of every move; of equal ones the first by name.

    Moves at a host without slots, or one that is not known, never end and are left out.
    """
    possible = [
        move
        for move in sorted(moves, key=lambda move: move.machine)
        if move.source != move.target
        and all(host in hosts and hosts[host].slots(slots) > 0 for host in _ends(move))
    ]
    bounds = [Bound(0.0, "nothing is to be moved"), *_longest(possible)]
    at: dict[str, list[float]] = defaultdict(list)
    for move in possible:
        for host in _ends(move):
            at[host].append(move.seconds)
    for host, seconds in sorted(at.items()):
        bounds += _host(host, hosts[host].slots(slots), seconds)
    return max(bounds, key=lambda bound: bound.seconds)


def _ends(move: Move) -> tuple[str, str]:
    return move.source, move.target


def _longest(moves: list[Move]) -> Iterator[Bound]:
    if moves:
        longest = max(moves, key=lambda move: move.seconds)
        yield Bound(longest.seconds, f"the move of {longest.name} alone")


def _host(host: str, slots: int, seconds: list[float]) -> Iterator[Bound]:
    yield Bound(fsum(seconds) / slots, f"all moves of {host} in {_slots(slots)}")
    # Of any k * slots + 1 moves, one slot gets k + 1: at least the shortest of them.
    ranked = sorted(seconds, reverse=True)
    for more in range(1, (len(ranked) - 1) // slots + 1):
        count = more * slots + 1
        least = fsum(ranked[count - more - 1 : count])
        why = f"{more + 1} of the {count} longest moves of {host} share one of {_slots(slots)}"
        yield Bound(least, why)


def _slots(count: int) -> str:
    return "1 slot" if count == 1 else f"{count} slots"
