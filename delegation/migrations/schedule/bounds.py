"""Hosts and moves -> the seconds that no order of the moves could beat: a schedule's measure.

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
    possible = []
    for move in sorted(moves, key=lambda move: move.machine):
        has_slots = all(_slot_count(hosts, host, slots) > 0 for host in _both_ends(move))
        if move.source != move.target and has_slots:
            possible.append(move)
    seconds_at: dict[str, list[float]] = defaultdict(list)
    for move in possible:
        for host in _both_ends(move):
            seconds_at[host].append(move.seconds)
    bounds = [Bound(0.0, "nothing is to be moved"), *_of_the_longest(possible)]
    for host, seconds in sorted(seconds_at.items()):
        bounds += _of_a_host(host, _slot_count(hosts, host, slots), seconds)
    return max(bounds, key=lambda bound: bound.seconds)


def _slot_count(hosts: Mapping[str, Capacity], host: str, kinds: Slots) -> int:
    return hosts[host].slots(kinds) if host in hosts else 0


def _both_ends(move: Move) -> tuple[str, str]:
    return move.source, move.target


def _of_the_longest(moves: list[Move]) -> Iterator[Bound]:
    if moves:
        longest = max(moves, key=lambda move: move.seconds)
        yield Bound(longest.seconds, f"the move of {longest.name} alone")


def _of_a_host(host: str, slots: int, seconds: list[float]) -> Iterator[Bound]:
    in_words = "1 slot" if slots == 1 else f"{slots} slots"
    yield Bound(fsum(seconds) / slots, f"all moves of {host} in {in_words}")
    # Of any k * slots + 1 moves, one slot gets k + 1 (pigeonholes), and they take at least as long
    # as the k + 1 shortest of them. The longest moves of the host give the most of each k.
    ranked = sorted(seconds, reverse=True)
    for more in range(1, (len(ranked) - 1) // slots + 1):
        count = more * slots + 1
        least = fsum(ranked[count - more - 1 : count])
        why = f"{more + 1} of the {count} longest moves of {host} share one of {in_words}"
        yield Bound(least, why)
