"""One migration -> what is done for it at the hosts, event by event; whoever calls takes each.

Each errand is told as it happens, and is left by closing it: then what runs goes on without it.
Hosts are opened by the errand itself, so that every connection has one thread.
"""

from collections.abc import Generator
from contextlib import suppress
from typing import Protocol

from delegation.errors import CommandFailed, HostError, MoveRefused
from delegation.hosts.hosted import Hosted, folder
from delegation.hosts.hypervisor import Hypervisor, Moving, Open, opened
from delegation.hosts.machines import Ended, MoveOrder, UnderWay, VirtualMachine
from delegation.migrations.lifecycle import Migration
from delegation.migrations.runner.whereabouts import Answer, Whereabouts, locate, place
from delegation.migrations.runner.work import (
    Accepted,
    Advanced,
    Counted,
    ErrandEvent,
    Lost,
    MigrationOver,
    Prepared,
    Reattached,
    Unsent,
    Visited,
)

Errand = Generator[ErrandEvent, None, None]

TICK = 1.0
"""Seconds after which a migration that says nothing is looked at for a wish to stop it."""
COUNTED_AT = (1, 35, 70, 95)
"""Percents from which on both hosts are asked what they count: once each."""


class StopWish(Protocol):
    """Whether somebody asked that it be stopped, and how."""

    def is_set(self) -> bool: ...

    def is_to_kill(self) -> bool:
        """Whether even in the way that may leave something running."""


def prepare(
    open_host: Open,
    move: Migration,
    stop: StopWish,
    *,
    with_checkpoints: bool = False,
    counting: bool = False,
) -> Errand:
    """Look at both hosts, and make ``move`` ready to be sent: its order, and its handle.

    What was there before, jobs and a planned machine, is read now and kept in the handle. So ours
    can be told from others' later, whatever becomes of whoever sends it. ``counting``: with what
    both hosts count by now.
    """
    prepared: Prepared | None = None
    is_at_work = False
    try:
        with opened(open_host, move.at) as source, opened(open_host, move.to) as target:
            vm = source.machine(move.machine)
            where = locate(vm, target.machine(move.machine))
            if vm is not None and where is Whereabouts.SOURCE and not stop.is_set():
                is_at_work = source.is_at_work(move.machine)
                if not is_at_work:
                    order = _order(target, vm, move, with_checkpoints=with_checkpoints)
                    handle = source.new_handle(order)
                    counted: dict[str, UnderWay] = {}
                    if counting:
                        counted[move.at] = source.read().under_way
                        counted[move.to] = target.read().under_way
                    prepared = Prepared(move.machine, order, handle, counted)
    except HostError as exc:
        yield Unsent(move.machine, exc)
        return
    if prepared is not None:
        yield prepared
    else:
        looks = _look_at_both(open_host, move)
        yield Unsent(move.machine, looks=looks, is_at_work=is_at_work)


def _order(
    target: Hypervisor, vm: VirtualMachine, move: Migration, *, with_checkpoints: bool
) -> MoveOrder:
    """What to send. Raises HostError.

    The folder that was asked for is one of its target. On the host of a bypass, as where none was
    asked for, it goes where that host puts its VMs.
    """
    storage = move.storage if move.final else ""
    if not storage:
        storage = folder(Hosted(target.read(), tuple(target.machines())), vm)
    landing = target.landing(move.machine)
    return MoveOrder(move.machine, move.name, target.fqdn, storage, landing, with_checkpoints)


def carry(
    open_host: Open, move: Migration, order: MoveOrder, stop: StopWish, *, counting: bool = False
) -> Errand:
    """Send ``move``, whose handle is on record, and follow it to its end.

    An error before the order went out leaves it unsent, and so does the host's word that it does
    not begin. After any other the host may have taken it, whatever became of the connection: then
    it is lost until both hosts have been asked.
    """
    if move.handle is None:
        raise RuntimeError(f"{move.name} is to be started without a handle on record")
    is_sent = False
    moving: Moving | None = None
    try:
        with opened(open_host, move.at) as source:
            if not stop.is_set():
                is_sent = True
                moving = source.move(order, move.handle)
    except MoveRefused as exc:
        yield Unsent(move.machine, exc, _look_at_both(open_host, move))
        return
    except HostError as exc:
        yield Lost(move.machine, exc) if is_sent else Unsent(move.machine, exc)
        return
    if moving is None:
        yield Unsent(move.machine, looks=_look_at_both(open_host, move))
        return
    first = Accepted(move.machine, moving.handle)
    yield from _follow(open_host, move, moving, stop, first, counting=counting)


def pursue(open_host: Open, move: Migration, stop: StopWish) -> Errand:
    """Find out what became of ``move``, and follow it where it still runs.

    A source that can't tell whether it has the job counts as silent, whatever it says of the
    machine: one that is about to begin there is not seen otherwise.
    """
    silence: HostError | None = None
    moving: Moving | None = None
    end: Ended | None = None
    try:
        with opened(open_host, move.at) as source:
            if move.handle:
                moving = source.reattach(move.machine, move.handle)
                end = _end_of(moving)
    except HostError as exc:
        silence = exc
    if moving is not None and end is None and silence is None:
        first = Reattached(move.machine, moving.handle)
        yield from _follow(open_host, move, moving, stop, first)
        return
    if moving is not None:
        _let_go(moving)
    yield _over(open_host, move, end, silence)


def _end_of(moving: Moving | None) -> Ended | None:
    """How one that was found again has ended already; None where it still runs, or is none."""
    news = moving.wait(0) if moving is not None else None
    return news if isinstance(news, Ended) else None


def _let_go(moving: Moving) -> None:
    with suppress(HostError):  # it goes on, or has ended: nothing is to be found out by that
        moving.leave()


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


def _follow(  # noqa: PLR0913
    open_host: Open,
    move: Migration,
    moving: Moving,
    stop: StopWish,
    first: ErrandEvent,
    *,
    counting: bool = False,
) -> Errand:
    """Tell ``first``, and follow it to its end. Its own connection is all that stays open.

    However long it says nothing new, it is left alone: a disk of terabytes takes hours.
    """
    end: Ended | None = None
    stopping = _Stopping(moving, stop)
    due = list(COUNTED_AT if counting else ())
    try:
        yield first
        while end is None:
            stopping.ask()
            news = moving.wait(TICK)
            if isinstance(news, Ended):
                end = news
                break
            stopping.can_be_stopped = news.can_be_stopped
            yield Advanced(move.machine, news)
            if due and news.percent >= due[0]:
                due = [percent for percent in due if percent > news.percent]
                yield Counted(move.machine, _counted(open_host, move))
    except HostError as exc:
        yield Lost(move.machine, exc)
        return
    finally:
        _let_go(moving)
    yield _over(open_host, move, end)


class _Stopping:
    """Asks a migration to stop as somebody wishes, again where it could not be stopped then."""

    def __init__(self, moving: Moving, wish: StopWish) -> None:
        self._moving = moving
        self._wish = wish
        self._was_asked = False
        self._was_killed = False
        self.can_be_stopped = True

    def ask(self) -> None:
        if self._wish.is_to_kill() and not self._was_killed:
            self._moving.stop(kill=True)
            self._was_asked = self._was_killed = True
        elif self._wish.is_set() and not self._was_asked and self.can_be_stopped:
            self._moving.stop()
            self._was_asked = True
        elif not self.can_be_stopped:
            # Asked now it goes on to its end; where it can be stopped later, it is asked again.
            self._was_asked = False


def _counted(open_host: Open, move: Migration) -> dict[str, UnderWay]:
    """What both hosts count, as far as they tell it now."""
    counted: dict[str, UnderWay] = {}
    for label in (move.at, move.to):
        with suppress(HostError), opened(open_host, label) as host:
            counted[label] = host.read().under_way
    return counted


def _over(
    open_host: Open, move: Migration, end: Ended | None, silence: HostError | None = None
) -> MigrationOver:
    """Both hosts, once nothing of it runs any more, or nothing is known of it.

    Where its source has it at rest, a planned machine that it has left on its target is removed:
    with one there, no other migration of it might begin. ``silence``: why the source can't tell.
    """
    is_at_work, deaf = _is_at_work(open_host, move)
    silence = silence or deaf
    looks = _look_at_both(open_host, move)
    is_tidied, untidied = False, None
    is_known = silence is None and not is_at_work
    if is_known and place(looks, move) is Whereabouts.SOURCE and move.handle:
        try:
            is_tidied = _tidied(open_host, move, move.handle)
        except CommandFailed as exc:
            untidied = exc
        except HostError as exc:
            looks[move.to] = exc
    failure = end.failure if end is not None else None
    is_heard = end is not None
    return MigrationOver(
        move.machine, looks, failure, is_heard, is_at_work, is_tidied, untidied, silence
    )


def _is_at_work(open_host: Open, move: Migration) -> tuple[bool, HostError | None]:
    """Whether the source has a job of the machine; or why it does not tell."""
    try:
        with opened(open_host, move.at) as source:
            return source.is_at_work(move.machine), None
    except HostError as exc:
        return False, exc


def _tidied(open_host: Open, move: Migration, handle: str) -> bool:
    """Whether there was a planned machine of ours, and it is gone. Raises HostError."""
    with opened(open_host, move.at) as source, opened(open_host, move.to) as target:
        # Asked once more, right before: what somebody else has just begun has one there as well.
        return not source.is_at_work(move.machine) and target.remove_planned(handle)


def _look_at_both(open_host: Open, move: Migration) -> dict[str, Answer]:
    """Both hosts, on connections of this moment: the errand's own may be hours old."""
    return {host: look(open_host, host) for host in (move.at, move.to)}
