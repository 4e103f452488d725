"""Moves that could start -> which of them is the first to: the rule of the list scheduling.

The busier end of a move decides, by its waiting work for each slot and the move's own length. A
migration sends at one end and receives at the other, and a network does both at a time; so a move
whose directions have migrations already gives way to one whose directions are idle.
"""

# No order ends before the busiest host has worked off what it has, so its slots must never idle
# for want of a partner: its moves go first, as long as there are partners to choose from. Of the
# moves of a pair the longest goes first, since a long one that is left to the end runs alone while
# all other slots are empty (Graham's rule of the longest processing time). Looking at both ends
# and taking the busier is what makes the rule right for sources that empty and targets that fill.

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from delegation.migrations.schedule.ledger import PairQueue, ScheduledHost, WaitingMove

SHARED_DIRECTION = 0.5
"""How much less a move matters where all slots at one of its ends run in its own direction.

Measured with networks that the slots can fill: most of what there is to gain, and next to nothing
lost where networks are no bottleneck. It needs no bandwidth to be known.
"""
WANTED_ROOM = 2.0
"""How much more a move matters that makes room on a host which has not enough for all to come."""


class Urgency(NamedTuple):
    """The lower ``rank``, the sooner; what is equal by machine."""

    rank: float
    machine: str
    waiting: WaitingMove


def urgency_of(pair: PairQueue) -> Urgency | None:
    """That of the longest move of the pair that has room and slots; None: nothing can start."""
    source, target = pair.source, pair.target
    if not (source.open and target.open):
        return None
    for waiting in pair.queue:
        if target.has_room(waiting.move):
            shared = source.leaving / source.slots + target.arriving / target.slots
            rank = -_remaining_work(pair, waiting) / (1 + SHARED_DIRECTION * shared)
            return Urgency(rank, waiting.move.machine, waiting)
    return None


def _remaining_work(pair: PairQueue, waiting: WaitingMove) -> float:
    """Seconds of waiting work for each slot of the busier end, and of the move itself."""
    busier = max(pair.source.work_per_slot, pair.target.work_per_slot)
    seconds = busier + waiting.seconds
    return seconds * WANTED_ROOM if pair.source.short_of_room else seconds


def startable_pairs(hosts: Iterable[ScheduledHost], open_hosts: set[str]) -> Iterator[PairQueue]:
    """Every pair that has slots at both ends and one of these hosts at an end, once.

    ``open_hosts`` are all hosts with free slots. In no order.
    """
    others = set(open_hosts)
    for host in hosts:
        if not host.open:
            continue
        yield from (host.outgoing[name] for name in others & host.outgoing.keys())
        yield from (host.incoming[name] for name in others & host.incoming.keys())
        others.discard(host.name)
