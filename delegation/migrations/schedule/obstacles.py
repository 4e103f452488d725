"""Why moves can't be made: an end state without room, and what keeps a machine waiting for good."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from delegation.inventory import Slots
from delegation.migrations.schedule.ledger import Capacity, Ledger, Move, ScheduledHost, WaitingMove

SHOWN = 3
"""Machines named in one line; the others are counted."""


def unfit(hosts: Mapping[str, Capacity], moves: Iterable[Move]) -> Mapping[str, str]:
    """The hosts without room for the end of these moves: how much too little, and for whom.

    Hosts that are not in ``hosts`` are not judged. What needs nothing has room on an overfull host.
    """
    arriving: dict[str, list[Move]] = defaultdict(list)
    memory = {host: capacity.memory for host, capacity in hosts.items()}
    disk = {host: capacity.disk for host, capacity in hosts.items()}
    for move in moves:
        if move.source == move.target:
            continue
        arriving[move.target].append(move)
        for free in (memory, disk):
            need = move.memory if free is memory else move.disk
            free[move.source] = free.get(move.source, 0) + need
            free[move.target] = free.get(move.target, 0) - need
    found = {}
    for host in sorted(arriving.keys() & hosts.keys()):
        wanted = (
            ("memory", memory, any(move.memory for move in arriving[host])),
            ("disk", disk, any(move.disk for move in arriving[host])),
        )
        short = [
            f"{size(-free[host])} of {kind}"
            for kind, free, is_needed in wanted
            if free[host] < 0 and is_needed
        ]
        if short:
            found[host] = f"{' and '.join(short)} too little for {_names(arriving[host])}"
    return found


def obstacle(ledger: Ledger, waiting: WaitingMove, hops: int) -> str:
    """What keeps a machine waiting where nothing runs and nothing can start."""
    if waiting.held is not None:
        return f"held back: {waiting.held}"
    target = ledger.site(waiting.move.target)
    for site in (ledger.site(waiting.at), target):
        if site.gone:
            return f"{site.name} can't be reached"
        if not site.usable:
            kinds = "live and storage" if ledger.kinds is Slots.BOTH else "live"
            return f"{site.name} allows no {kinds} migrations"
    aside = f"is on {waiting.at} for now; " if waiting.hops else ""
    return f"{aside}{_lack(target, waiting.move)}; {_no_way_round(target, waiting, hops)}"


def _lack(target: ScheduledHost, move: Move) -> str:
    lacking = [
        f"{size(need)} of {kind}, and {size(max(free, 0))} is free"
        for kind, need, free in (
            ("memory", move.memory, target.memory),
            ("disk", move.disk, target.disk),
        )
        if need > max(free, 0)
    ]
    return f"needs on {target.name} {'; '.join(lacking)}"


def _no_way_round(target: ScheduledHost, waiting: WaitingMove, hops: int) -> str:
    leaving = [one.move for pair in target.outgoing.values() for one in pair.queue]
    if not leaving:
        return f"nothing is to leave {target.name}"
    if waiting.hops >= hops > 0:
        return f"it was moved aside {hops} times, and {_names(leaving)} can't leave {target.name}"
    return f"{_names(leaving)} can't leave {target.name} either, nor go through a third host"


def _names(moves: Iterable[Move]) -> str:
    names = sorted(move.name for move in moves)
    if len(names) <= SHOWN + 1:
        return ", ".join(names)
    return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"


def size(count: int) -> str:
    """Bytes as people read them: ``8.0 GB``."""
    scaled = float(count)
    for unit in ("bytes", "KB", "MB", "GB"):
        if scaled < 1024:
            return f"{scaled:.0f} {unit}" if unit == "bytes" else f"{scaled:.1f} {unit}"
        scaled /= 1024
    return f"{scaled:.1f} TB"
