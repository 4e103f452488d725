"""What is done at the hosts for one migration, step by step; whoever calls takes one at a time.

Each errand is told as it happens, and is left by closing it: then what runs goes on without it.
Hosts are opened by the errand itself, so that every connection has one thread.
"""

from collections.abc import Generator
from contextlib import suppress
from typing import Protocol

from delegation.errors import HostError, HostUnreachable
from delegation.hosts.hosted import Hosted, folder
from delegation.hosts.hypervisor import Hypervisor, Moving, Open, opened
from delegation.hosts.machines import Ended, MoveOrder
from delegation.migrations.lifecycle import Migration
from delegation.migrations.runner.whereabouts import Answer, Whereabouts, place, sighting
from delegation.migrations.runner.work import (
    Accepted,
    Advanced,
    ErrandEvent,
    Lost,
    MigrationOver,
    Reattached,
    Unsent,
    Visited,
)

Errand = Generator[ErrandEvent, None, None]

TICK = 1.0
"""Seconds after which a migration that says nothing is looked at for a wish to stop it."""
QUIET = 30
"""Ticks without news after which both hosts are asked: the end can be lost with a connection."""
IDLE = 4 * QUIET
"""Ticks without news after which one that does nothing, by both hosts, is not waited for."""


class Wish(Protocol):
    """Whether somebody asked that it be stopped; threading.Event is one."""

    def is_set(self) -> bool: ...


def carry(open_host: Open, move: Migration, stop: Wish) -> Errand:
    """Send ``move``, whose intent is on record, and follow it to its end."""
    if move.handle is None:
        raise RuntimeError(f"{move.name} is to be started without a handle on record")
    sent = False
    try:
        with opened(open_host, move.at) as source:
            order = _order(open_host, source, move)
            if order is None or stop.is_set():
                moving = None
            else:
                sent = True
                moving = source.move(order, move.handle)
    except HostError as exc:
        yield Lost(move.machine, exc) if sent else Unsent(move.machine, exc)
        return
    if moving is None:
        yield Unsent(move.machine, looks=_both(open_host, move))
        return
    yield from _follow(open_host, move, moving, stop, Accepted(move.machine, moving.handle))


def pursue(open_host: Open, move: Migration, stop: Wish) -> Errand:
    """Find out what became of ``move``, and follow it where it still runs.

    A source that can't tell whether it knows the handle counts as silent, whatever it says of the
    machine: a Move-VM that is about to begin there is not seen otherwise.
    """
    unsure: HostError | None = None
    moving = None
    try:
        with opened(open_host, move.at) as source:
            moving = source.reattach(move.handle) if move.handle else None
    except HostError as exc:
        unsure = exc
    if moving is not None:
        yield from _follow(open_host, move, moving, stop, Reattached(move.machine))
        return
    looks = _both(open_host, move)
    if unsure is not None:
        looks[move.at] = unsure
    yield MigrationOver(move.machine, looks)


def visit(open_host: Open, host: str) -> Errand:
    yield Visited(host, look(open_host, host))


def look(open_host: Open, host: str) -> Answer:
    """The host as it is now, or why it can't be seen."""
    try:
        with opened(open_host, host) as asked:
            machines = asked.machines()
            return Hosted(asked.read(), tuple(machines))
    except HostError as exc:
        return exc


def _order(open_host: Open, source: Hypervisor, move: Migration) -> MoveOrder | None:
    """What to send; None where the machine is not, or not just, on its source. Raises HostError."""
    with opened(open_host, move.to) as target:
        machine = source.machine(move.machine)
        found = place(machine, target.machine(move.machine))
        if machine is None or found is not Whereabouts.SOURCE:
            return None
        storage = move.storage if move.final else ""
        if not storage:
            storage = folder(Hosted(target.read(), tuple(target.machines())), machine)
        return MoveOrder(move.machine, move.name, target.fqdn, storage)


def _follow(
    open_host: Open, move: Migration, moving: Moving, stop: Wish, first: ErrandEvent
) -> Errand:
    """Tell ``first``, and follow it to its end. Its own connection is all that stays open."""
    ended: Ended | None = None
    is_over, asked = False, False
    percent, quiet = move.percent, 0
    try:
        yield first
        while not is_over:
            if stop.is_set() and not asked:
                moving.stop()
                asked = True
            said = moving.wait(TICK)
            if isinstance(said, Ended):
                ended, is_over = said, True
                break
            yield Advanced(move.machine, said.percent)
            quiet = quiet + 1 if said.percent == percent else 0
            percent = said.percent
            if quiet and quiet % QUIET == 0:
                is_over = _is_over(open_host, move, quiet)
    except HostError as exc:
        yield Lost(move.machine, exc)
        return
    finally:
        with suppress(HostError):  # its end is known, or it goes on and is found by its handle
            if is_over:
                moving.close()
            else:
                moving.leave()
    if ended is None and quiet >= IDLE:
        yield Lost(move.machine, HostUnreachable(f"{move.at} does nothing about it", _BUSY))
        return
    yield MigrationOver(
        move.machine, _both(open_host, move), ended.failure if ended else None, heard=bool(ended)
    )


_BUSY = "look whether its Virtual Machine Management service hangs, or all its slots are taken"


def _is_over(open_host: Open, move: Migration, quiet: int) -> bool:
    """Whether one that has said nothing for so long will not say anything any more.

    It has come to its target; or it does nothing for too long, and can't once it is closed.
    """
    looks = _both(open_host, move)
    ends = [sighting(looks[host], move.machine) for host in (move.at, move.to)]
    found = place(*ends)
    return found is Whereabouts.TARGET or (found is Whereabouts.SOURCE and quiet >= IDLE)


def _both(open_host: Open, move: Migration) -> dict[str, Answer]:
    """Both hosts, on connections of this moment: the errand's own may be hours old."""
    return {host: look(open_host, host) for host in (move.at, move.to)}
