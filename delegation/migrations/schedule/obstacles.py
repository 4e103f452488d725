"""Moves and room -> why some can't be made: no room in the end, or no way to get there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from delegation.inventory import Slots
from delegation.migrations.schedule.ledger import (
    UNTOLD,
    Capacity,
    Ledger,
    Move,
    ScheduledHost,
    WaitingMove,
)

SHOWN = 3
"""Machines named in one line; the others are counted."""


def overfull_hosts(hosts: Mapping[str, Capacity], moves: Iterable[Move]) -> Mapping[str, str]:
    """The hosts without room for the end of these moves: how much too little, and for whom.

    Hosts that are not in ``hosts`` are not judged. What needs nothing has room on an overfull host.
    """
    arriving: dict[str, list[Move]] = defaultdict(list)
    memory = defaultdict(int, {name: capacity.memory for name, capacity in hosts.items()})
    disk = defaultdict(int, {name: capacity.disk for name, capacity in hosts.items()})
    for move in moves:
        if move.source == move.target:
            continue
        arriving[move.target].append(move)
        memory[move.source] += move.memory
        memory[move.target] -= move.memory
        disk[move.source] += move.disk
        disk[move.target] -= move.disk
    found = {}
    for name in sorted(arriving.keys() & hosts.keys()):
        coming = arriving[name]
        short = []
        if memory[name] < 0 and any(move.memory for move in coming):
            short.append(f"{size(-memory[name])} of memory")
        if disk[name] < 0 and any(move.disk for move in coming):
            short.append(f"{size(-disk[name])} of disk")
        if short:
            found[name] = f"{' and '.join(short)} too little for {_few_names(coming)}"
    return found


def obstacle_of(ledger: Ledger, waiting: WaitingMove, hops: int) -> str:
    """What keeps a machine waiting where nothing runs and nothing can start."""
    if waiting.held is not None:
        return f"held back: {waiting.held}"
    target = ledger.host(waiting.move.target)
    for host in (ledger.host(waiting.at), target):
        if host.gone:
            return f"{host.name} can't be reached"
        if not host.usable:
            kinds = "live and storage" if ledger.kinds is Slots.BOTH else "live"
            return f"{host.name} allows no {kinds} migrations"
    aside = f"is on {waiting.at} for now; " if waiting.hops else ""
    return f"{aside}{_lacking_room(target, waiting.move)}; {_no_way_round(target, waiting, hops)}"


def _lacking_room(target: ScheduledHost, move: Move) -> str:
    lacking = []
    for kind, need, left in (
        ("memory", move.memory, target.memory),
        ("disk", move.disk, target.disk),
    ):
        free = max(left, 0)
        if need > free:
            lacking.append(f"{size(need)} of {kind}, and {size(free)} is free")
    return f"needs on {target.name} {'; '.join(lacking)}"


def _no_way_round(target: ScheduledHost, waiting: WaitingMove, hops: int) -> str:
    leaving = [other.move for other in target.waiting_to_leave()]
    if not leaving:
        return f"nothing is to leave {target.name}"
    names = _few_names(leaving)
    if waiting.hops >= hops > 0:
        return f"it was moved aside {hops} times, and {names} can't leave {target.name}"
    return f"{names} can't leave {target.name} either, nor go through a third host"


def _few_names(moves: Iterable[Move]) -> str:
    names = sorted(move.name for move in moves)
    if len(names) <= SHOWN + 1:
        return ", ".join(names)
    return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"


def size_or_untold(count: int | None) -> str:
    """The same of free space, where a host may not tell it."""
    is_told = count is not None and count < UNTOLD // 2
    return size(count) if is_told and count is not None else "not told"


def size(count: int) -> str:
    """Bytes as people read them: ``8.0 GB``."""
    scaled = float(count)
    for unit in ("bytes", "KB", "MB", "GB"):
        if scaled < 1024:
            return f"{scaled:.0f} {unit}" if unit == "bytes" else f"{scaled:.1f} {unit}"
        scaled /= 1024
    return f"{scaled:.1f} TB"
