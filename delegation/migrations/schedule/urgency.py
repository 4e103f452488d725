"""Which of the moves that could start is the first to: the rule of the list scheduling.

The busier end of a move decides, by its waiting work for each slot and the move's own length. A
migration sends at one end and receives at the other, and a network does both at a time; so a move
whose directions have migrations already gives way to one whose directions are idle.
"""

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


def urgency(pair: PairQueue) -> Urgency | None:
    """That of the longest move of the pair that has room and slots; None: nothing can start."""
    source, target = pair.source, pair.target
    if source.open and target.open:
        for waiting in pair.queue:
            if target.fits(waiting.move):
                shared = source.leaving / source.slots + target.arriving / target.slots
                rank = -_work(pair, waiting) / (1 + SHARED_DIRECTION * shared)
                return Urgency(rank, waiting.move.machine, waiting)
    return None


def _work(pair: PairQueue, waiting: WaitingMove) -> float:
    """Seconds of waiting work for each slot of the busier end, and of the move itself."""
    seconds = max(pair.source.load, pair.target.load) + waiting.seconds
    return seconds * WANTED_ROOM if pair.source.short else seconds


def pairs(hosts: Iterable[ScheduledHost], idle: set[str]) -> Iterator[PairQueue]:
    """Every pair that has slots at both ends and one of these hosts at an end, once.

    ``idle`` are all hosts with free slots. In no order.
    """
    others = set(idle)
    for site in hosts:
        if site.open:
            yield from (site.outgoing[name] for name in others & site.outgoing.keys())
            yield from (site.incoming[name] for name in others & site.incoming.keys())
            others.discard(site.name)
