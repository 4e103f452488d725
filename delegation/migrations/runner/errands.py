"""One migration -> what is done for it at the hosts, event by event; whoever calls takes each.

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
from delegation.migrations.runner.whereabouts import Answer, Whereabouts, locate, sighting
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
QUIET_TICKS = 30
"""Without news for so many, both hosts are asked: the end can be lost with a connection."""
IDLE_TICKS = 4 * QUIET_TICKS
"""Without news for so many, one that does nothing, by both hosts, is not waited for."""


class Wish(Protocol):
    """Whether somebody asked that it be stopped; threading.Event is one."""

    def is_set(self) -> bool: ...


def carry(open_host: Open, move: Migration, stop: Wish) -> Errand:
    """Send ``move``, whose intent is on record, and follow it to its end.

    An error before the order went out leaves it unsent. After that the host may have taken it,
    whatever became of the connection: then it is lost until both hosts have been asked.
    """
    if move.handle is None:
        raise RuntimeError(f"{move.name} is to be started without a handle on record")
    is_sent = False
    moving: Moving | None = None
    try:
        with opened(open_host, move.at) as source:
            order = _order(open_host, source, move)
            if order is not None and not stop.is_set():
                is_sent = True
                moving = source.move(order, move.handle)
    except HostError as exc:
        yield Lost(move.machine, exc) if is_sent else Unsent(move.machine, exc)
        return
    if moving is None:
        yield Unsent(move.machine, looks=_look_at_both(open_host, move))
        return
    yield from _follow(open_host, move, moving, stop, Accepted(move.machine, moving.handle))


def pursue(open_host: Open, move: Migration, stop: Wish) -> Errand:
    """Find out what became of ``move``, and follow it where it still runs.

    A source that can't tell whether it knows the handle counts as silent, whatever it says of the
    machine: a Move-VM that is about to begin there is not seen otherwise.
    """
    silence: HostError | None = None
    moving: Moving | None = None
    try:
        with opened(open_host, move.at) as source:
            if move.handle:
                moving = source.reattach(move.handle)
    except HostError as exc:
        silence = exc
    if moving is not None:
        yield from _follow(open_host, move, moving, stop, Reattached(move.machine))
        return
    looks = _look_at_both(open_host, move)
    if silence is not None:
        looks[move.at] = silence
    yield MigrationOver(move.machine, looks)


def visit(open_host: Open, host: str) -> Errand:
    """Look at one host, and tell how it is."""
    yield Visited(host, look(open_host, host))


def look(open_host: Open, host: str) -> Answer:
    """The host as it is now, or why it can't be seen."""
    try:
        with opened(open_host, host) as hypervisor:
            # The VMs first. One that arrives between the two questions is then still counted as
            # coming, while it takes up room already: too little room is seen, and never too much.
            vms = hypervisor.machines()
            return Hosted(hypervisor.read(), tuple(vms))
    except HostError as exc:
        return exc


def _order(open_host: Open, source: Hypervisor, move: Migration) -> MoveOrder | None:
    """What to send; None where the VM is not on its source, or not there alone. Raises HostError.

    The folder that was asked for is one of its target. On the host of a bypass, as where none was
    asked for, it goes where that host puts its VMs.
    """
    with opened(open_host, move.to) as target:
        vm = source.machine(move.machine)
        where = locate(vm, target.machine(move.machine))
        if vm is None or where is not Whereabouts.SOURCE:
            return None
        storage = move.storage if move.final else ""
        if not storage:
            hosted = Hosted(target.read(), tuple(target.machines()))
            storage = folder(hosted, vm)
        return MoveOrder(move.machine, move.name, target.fqdn, storage)


def _follow(
    open_host: Open, move: Migration, moving: Moving, stop: Wish, first: ErrandEvent
) -> Errand:
    """Tell ``first``, and follow it to its end. Its own connection is all that stays open."""
    end: Ended | None = None
    is_over, is_stop_sent = False, False
    percent, quiet = move.percent, 0
    try:
        yield first
        while not is_over:
            if stop.is_set() and not is_stop_sent:
                moving.stop()
                is_stop_sent = True
            news = moving.wait(TICK)
            if isinstance(news, Ended):
                end, is_over = news, True
                break
            yield Advanced(move.machine, news.percent)
            quiet = quiet + 1 if news.percent == percent else 0
            percent = news.percent
            if quiet and quiet % QUIET_TICKS == 0:
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
    if end is None and quiet >= IDLE_TICKS:
        yield Lost(move.machine, HostUnreachable(f"{move.at} does nothing about it", _HOW_TO_WAKE))
        return
    looks = _look_at_both(open_host, move)
    if end is None:
        yield MigrationOver(move.machine, looks)
    else:
        yield MigrationOver(move.machine, looks, end.failure, heard=True)


_HOW_TO_WAKE = (
    "look whether its Virtual Machine Management service hangs, or all its slots are taken"
)


def _is_over(open_host: Open, move: Migration, quiet: int) -> bool:
    """Whether one that has said nothing for so long will not say anything any more.

    It has come to its target; or it does nothing for too long, and can't once it is closed.
    """
    looks = _look_at_both(open_host, move)
    at_source = sighting(looks[move.at], move.machine)
    at_target = sighting(looks[move.to], move.machine)
    where = locate(at_source, at_target)
    if where is Whereabouts.SOURCE:
        return quiet >= IDLE_TICKS
    return where is Whereabouts.TARGET


def _look_at_both(open_host: Open, move: Migration) -> dict[str, Answer]:
    """Both hosts, on connections of this moment: the errand's own may be hours old."""
    return {host: look(open_host, host) for host in (move.at, move.to)}
