"""Hosts that wait for each other's room -> the hop through a third host that makes some.

Two full hosts can't swap machines directly: each move waits until the other host has made room.
One of the machines then goes through a third host. A host is *stalled* where machines wait for
room on it while none is leaving it, nor can now. It is *stopped* where none ever will, by moves
to final targets alone, because all that they wait for is stalled, too.
"""

# A cycle of waiting hosts is broken where it is, and as soon as it is there. To solve the whole
# order beforehand would be a frozen timetable, which the first estimate that is off makes wrong;
# and to wait until nothing else runs would leave the hosts of the cycle idle all that time. One
# hop is mostly enough: the room that it makes lets the next machine in, whose room lets in another,
# round the cycle. What no hop can solve stays waiting and is named, so that no run goes round for
# ever: a machine has only so many hops.

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


def stalled_hosts(hosts: Iterable[ScheduledHost]) -> list[ScheduledHost]:
    return [host for host in hosts if _is_stalled(host)]


def _is_stalled(host: ScheduledHost) -> bool:
    if host.leaving or not host.outgoing or not host.usable or not host.short_of_room:
        return False
    if all(host.has_room(waiting.move) for waiting in _waiting_to_come(host)):
        return False
    return not any(_can_go_on(pair) for pair in host.outgoing.values())


def _can_go_on(pair: PairQueue) -> bool:
    """Whether a machine of the pair has room at its target; a slot it may have to wait for."""
    target = pair.target
    return target.usable and any(target.has_room(waiting.move) for waiting in pair.queue)


def _is_stopped(root: ScheduledHost) -> bool:
    """Whether no machine will leave, nor one that one of its machines waits for, and so on."""
    seen = {root.name}
    reached = [root]
    while reached:
        for pair in reached.pop().outgoing.values():
            target = pair.target
            makes_room = target.leaving and target.usable
            if makes_room or _can_go_on(pair):
                return False
            if target.usable and target.name not in seen:
                seen.add(target.name)
                reached.append(target)
    return True


def best_hop(
    ledger: Ledger, stalled: Iterable[ScheduledHost], limit: int, via: Via, *, idle: bool
) -> Hop | None:
    """The best that can start now from one of these stalled hosts.

    ``limit`` is how often one machine may be moved aside. Where a host is only stalled, a hop has
    to help and to disturb nobody: time would do as well. ``idle``: nothing runs; then any hop is
    better than none.
    """
    sources = [host for host in stalled if host.open]
    thirds = [ledger.host(name) for name in ledger.open] if sources else []
    best: Hop | None = None
    for source in sources:
        for_good = _is_stopped(source)
        for hop in _possible_hops(source, sources, thirds, limit):
            welcome = idle if hop.helpless else for_good or not hop.crowded
            is_better = best is None or hop < best
            # `via` last: the caller's answer may cost more than all of the above.
            if welcome and is_better and via(hop.waiting.move, source.name, hop.to):
                best = hop
    return best


def _possible_hops(
    source: ScheduledHost, stalled: list[ScheduledHost], thirds: list[ScheduledHost], limit: int
) -> Iterator[Hop]:
    """All hops from a stalled host, of machines that can go on to their targets some time.

    No target is among the third hosts: none of them has room.
    """
    for pair in source.outgoing.values():
        if not pair.target.usable:
            continue
        for waiting in pair.queue:
            if waiting.hops >= limit:
                continue
            gain = _seconds_let_in(source, waiting.move)
            for third in thirds:
                if third is not source and third.has_room(waiting.move):
                    yield _hop_to(third, waiting, gain, to_stalled=third in stalled)


def _hop_to(third: ScheduledHost, waiting: WaitingMove, gain: float, *, to_stalled: bool) -> Hop:
    move = waiting.move
    return Hop(
        helpless=gain <= 0,
        crowded=move.memory > third.memory_left or move.disk > third.disk_left,
        to_stalled=to_stalled,
        price=-gain / max(waiting.seconds, 1.0),
        room=-min(third.memory - move.memory, third.disk - move.disk),
        machine=move.machine,
        to=third.name,
        waiting=waiting,
    )


def _seconds_let_in(host: ScheduledHost, leaver: Move) -> float:
    """Seconds of the longest move that has room on the host once this machine has left."""
    memory = host.memory + leaver.memory
    disk = host.disk + leaver.disk
    longest = 0.0
    for waiting in _waiting_to_come(host):
        if waiting.move.memory <= memory and waiting.move.disk <= disk:
            longest = max(longest, waiting.seconds)
    return longest


def _waiting_to_come(host: ScheduledHost) -> Iterator[WaitingMove]:
    """What can come, some time: nothing that stands on a host which takes no part."""
    for pair in host.incoming.values():
        if pair.source.usable:
            yield from pair.queue
