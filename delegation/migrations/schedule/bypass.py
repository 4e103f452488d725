"""Hosts that wait for each other's room, and the hop that makes some.

Two full hosts can't swap machines directly: each move waits until the other host has made room.
One of the machines then goes through a third host. A host is *stalled* where machines wait for
room on it while none is leaving it, nor can now. It is *stopped* where none ever will, by moves
to final targets alone, because all that they wait for is stalled, too.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from delegation.migrations.schedule.ledger import (
    Ledger,
    Move,
    PairQueue,
    ScheduledHost,
    WaitingMove,
)

Via = Callable[[Move, str, str], bool]
"""Whether a machine, which is on that host, may go to this one for a while on its way."""


def anywhere(_move: Move, _source: str, _to: str) -> bool:
    return True


class Hop(NamedTuple):
    """A machine to be moved aside. The lower, the better: its fields are in order of weight.

    It should let in a machine that waits, leave the third host room for its own arrivals, go to
    one that is not stalled itself, let in a long move for a short one, and leave the third host
    much room.
    """

    helpless: bool
    crowded: bool
    to_stalled: bool
    price: float
    room: int
    machine: str
    to: str
    waiting: WaitingMove


def stalled(hosts: Iterable[ScheduledHost]) -> list[ScheduledHost]:
    return [site for site in hosts if _stalled(site)]


def _stalled(site: ScheduledHost) -> bool:
    if site.leaving or not site.outgoing or not site.usable or not site.short:
        return False
    if all(site.fits(one.move) for one in _coming(site)):
        return False
    return not any(_fits(pair) for pair in site.outgoing.values())


def _fits(pair: PairQueue) -> bool:
    return pair.target.usable and any(pair.target.fits(one.move) for one in pair.queue)


def stopped(root: ScheduledHost) -> bool:
    """Whether no machine will leave, nor one that one of its machines waits for, and so on."""
    seen = {root.name}
    reached = [root]
    while reached:
        for pair in reached.pop().outgoing.values():
            target = pair.target
            if _fits(pair) or (target.leaving and target.usable):
                return False
            if target.usable and target.name not in seen:
                seen.add(target.name)
                reached.append(target)
    return True


def best_hop(
    ledger: Ledger, waiting_hosts: Iterable[ScheduledHost], limit: int, via: Via, *, idle: bool
) -> Hop | None:
    """The best that can start now from one of these stalled hosts.

    ``limit`` is how often one machine may be moved aside. Where a host is only stalled, a hop has
    to help and to disturb nobody: time would do as well. ``idle``: nothing runs; then any hop is
    better than none.
    """
    sites = [site for site in waiting_hosts if site.open]
    thirds = [ledger.site(name) for name in ledger.open] if sites else []
    best: Hop | None = None
    for site in sites:
        for_good = stopped(site)
        for hop in _hops(site, sites, thirds, limit):
            welcome = idle if hop.helpless else for_good or not hop.crowded
            better = best is None or hop < best
            if welcome and better and via(hop.waiting.move, site.name, hop.to):
                best = hop
    return best


def _hops(
    site: ScheduledHost, sites: list[ScheduledHost], thirds: list[ScheduledHost], limit: int
) -> Iterator[Hop]:
    """All hops from a stalled host, of machines that can go on to their targets some time.

    No target is among the third hosts: none of them has room.
    """
    leaving = [one for pair in site.outgoing.values() if pair.target.usable for one in pair.queue]
    for waiting in leaving:
        if waiting.hops >= limit:
            continue
        move = waiting.move
        gain = _gain(site, move)
        for third in thirds:
            if third is site or not third.fits(move):
                continue
            yield Hop(
                gain <= 0,
                move.memory > third.memory_left or move.disk > third.disk_left,
                third in sites,
                -gain / max(waiting.seconds, 1.0),
                -min(third.memory - move.memory, third.disk - move.disk),
                move.machine,
                third.name,
                waiting,
            )


def _gain(site: ScheduledHost, leaver: Move) -> float:
    """Seconds of the longest move that has room on the host once this machine has left."""
    memory, disk = site.memory + leaver.memory, site.disk + leaver.disk
    return max(
        (
            one.seconds
            for one in _coming(site)
            if one.move.memory <= memory and one.move.disk <= disk
        ),
        default=0.0,
    )


def _coming(site: ScheduledHost) -> Iterator[WaitingMove]:
    for pair in site.incoming.values():
        if pair.source.usable:
            yield from pair.queue
