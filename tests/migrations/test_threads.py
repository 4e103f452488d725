"""Errands in real threads: their order, a wish to stop, a crash, and letting go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from delegation.errors import HostUnreachable
from delegation.hosts.hypervisor import Hypervisor, Moving
from delegation.hosts.machines import Ended, Failure, MoveOrder, MoveProgress
from delegation.migrations.lifecycle import Migration
from delegation.migrations.runner.threads import LatestLooks, Threads, Watchers
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
from delegation.migrations.smb.traffic import MigrationShare, Traffic
from tests.migrations.world import FakeHost, FakeHypervisor, World

HANDLE = "9"
SECONDS = 20.0


class Scripted(Moving):
    """A Move-VM that says what it is told to, and remembers what was done with it."""

    def __init__(self, said: list[MoveProgress | Ended | HostUnreachable]) -> None:
        self.said = said
        self.done: list[str] = []
        self.threads = {threading.get_ident()}

    @property
    def handle(self) -> str:
        return HANDLE

    def wait(self, seconds: float) -> MoveProgress | Ended:  # noqa: ARG002
        self.threads.add(threading.get_ident())
        if "stop" in self.done:
            return Ended(Failure("stopped"))
        if len(self.said) == 1 and isinstance(self.said[0], MoveProgress):
            threading.Event().wait(0.01)
            return self.said[0]
        said = self.said.pop(0)
        if isinstance(said, HostUnreachable):
            raise said
        return said

    def stop(self) -> None:
        self.threads.add(threading.get_ident())
        self.done.append("stop")

    def leave(self) -> None:
        self.done.append("leave")

    def close(self) -> None:
        self.done.append("close")


class Host(FakeHypervisor):
    moving: Scripted
    closed: list[str]

    def move(self, order: MoveOrder, handle: str) -> Moving:  # noqa: ARG002
        self.moving.threads = {threading.get_ident()}
        return self.moving

    def reattach(self, handle: str) -> Moving | None:  # noqa: ARG002
        return self.moving

    def close(self) -> None:
        self.closed.append(self._label)
        raise HostUnreachable("it can't be closed", "")


class Stage:
    """A machine on hv01 that goes to hv02, with the Move-VM that a test scripts."""

    def __init__(self, *said: MoveProgress | Ended | HostUnreachable) -> None:
        self.world = World([FakeHost("hv01"), FakeHost("hv02")])
        machine = self.world.add("hv01", "web01")
        self.moving = Scripted(list(said))
        self.closed: list[str] = []
        self.opened: list[str] = []
        self.move = Migration(machine, "web01", "hv01", "hv02", at="hv01", to="hv02", handle=HANDLE)
        self.threads = Threads(self.open)

    def open(self, label: str) -> Hypervisor:
        self.world.answer(label)
        host = Host(self.world, label)
        host.moving, host.closed = self.moving, self.closed
        self.opened.append(label)
        return host

    def events(self) -> Iterator[ErrandEvent]:
        """All until the last of the errand."""
        while True:
            event = self.threads.next(SECONDS)
            assert event is not None, "nothing happens"
            yield event
            if isinstance(event, Unsent | MigrationOver | Lost | Visited):
                return


@contextmanager
def stage(*said: MoveProgress | Ended | HostUnreachable) -> Iterator[Stage]:
    made = Stage(*said)
    try:
        yield made
    finally:
        made.threads.dismiss()


def test_an_errand_from_its_start_to_its_end() -> None:
    with stage(MoveProgress(10), MoveProgress(60), Ended(None)) as made:
        made.threads.carry(made.move)
        events = list(made.events())
        machine = made.move.machine
        assert events[:-1] == [
            Accepted(machine, HANDLE),
            Advanced(machine, 10),
            Advanced(machine, 60),
        ]
        assert isinstance(events[-1], MigrationOver)
        assert events[-1].heard
        assert set(events[-1].looks) == {"hv01", "hv02"}
        assert made.moving.done == ["close"]
        assert sorted(made.closed) == sorted(made.opened)
        assert len(made.moving.threads) == 1


def test_what_still_runs_is_reattached() -> None:
    with stage(MoveProgress(10), Ended(Failure("busy"))) as made:
        made.threads.pursue(made.move)
        events = list(made.events())
        assert isinstance(events[0], Reattached)
        assert isinstance(events[-1], MigrationOver)
        assert events[-1].failure == Failure("busy")


def test_a_wish_to_stop_is_put_by_the_thread_that_has_the_connection() -> None:
    with stage(MoveProgress(10)) as made:
        made.threads.carry(made.move)
        events = made.events()
        assert isinstance(next(events), Accepted)
        made.threads.stop(made.move.machine)
        assert isinstance(list(events)[-1], MigrationOver)
        assert made.moving.done == ["stop", "close"]
        assert len(made.moving.threads) == 1


def test_one_that_is_to_stop_before_it_was_sent_is_not_sent() -> None:
    with stage(MoveProgress(10)) as made:
        gate = threading.Event()
        opened = made.open
        made.threads = Threads(lambda label: (gate.wait(SECONDS), opened(label))[1])
        made.threads.carry(made.move)
        made.threads.stop(made.move.machine)
        gate.set()
        (event,) = made.events()
        assert isinstance(event, Unsent)
        assert event.error is None
        assert made.moving.done == []


def test_a_lost_link_is_told_and_the_shell_is_left_alone() -> None:
    with stage(MoveProgress(10), HostUnreachable("the link is lost", "")) as made:
        made.threads.carry(made.move)
        assert isinstance(list(made.events())[-1], Lost)
    assert made.moving.done == ["leave"]


def test_a_target_that_is_away_keeps_it_from_being_sent() -> None:
    with stage(MoveProgress(10)) as made:
        made.world.hosts["hv02"].up = False
        made.threads.carry(made.move)
        (event,) = made.events()
        assert isinstance(event, Unsent)
        assert event.error
        assert made.closed == ["hv01"]


def test_one_that_is_not_where_it_was_is_not_sent() -> None:
    with stage(MoveProgress(10)) as made:
        made.world.hosts["hv02"].machines |= made.world.hosts["hv01"].machines
        made.threads.carry(made.move)
        (event,) = made.events()
        assert isinstance(event, Unsent)
        assert set(event.looks) == {"hv01", "hv02"}


def test_letting_go_leaves_what_runs_running() -> None:
    with stage(MoveProgress(10)) as made:
        made.threads.carry(made.move)
        assert isinstance(next(made.events()), Accepted)
    assert made.moving.done == ["leave"]


def test_a_bug_in_a_thread_is_raised_where_it_is_seen() -> None:
    with stage(MoveProgress(10)) as made:
        made.threads.carry(replace(made.move, handle=None))
        with pytest.raises(RuntimeError, match="without a handle"):
            made.threads.next(SECONDS)


def test_nothing_happens_within_its_time() -> None:
    with stage() as made:
        assert made.threads.next(0.01) is None


def test_many_hosts_are_looked_at_at_a_time() -> None:
    with stage() as made:
        for label in ("hv01", "hv02"):
            made.threads.visit(label)
        seen = [made.threads.next(SECONDS) for _ in range(2)]
        assert {event.host for event in seen if isinstance(event, Visited)} == {"hv01", "hv02"}


# What the live picture shows of the wire


class Watched:
    def __init__(self, looks: Callable[[], Traffic], closed: threading.Event) -> None:
        self.look = looks
        self._closed = closed

    def close(self) -> None:
        self._closed.set()


def until(condition: Callable[[], object]) -> None:
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it does not come")


def test_targets_are_watched_for_as_long_as_somebody_wants_it() -> None:
    share = Traffic((MigrationShare("HV01.1$", "HV01"),))
    closed = threading.Event()
    watchers = Watchers(lambda _: Watched(lambda: share, closed), seconds=0.01)
    watchers.towards({"hv02"})
    until(lambda: len(watchers.seen().get("hv02", ())) == 2)
    looks: LatestLooks = watchers.seen()["hv02"]
    assert looks[-1][1] == share
    assert looks[0][0] < looks[1][0]
    watchers.towards(set())
    assert closed.wait(SECONDS)
    assert watchers.seen() == {}


def test_a_target_that_does_not_tell_is_tried_again() -> None:
    tries: list[int] = []

    def look() -> Traffic:
        tries.append(1)
        if len(tries) < 3:
            raise HostUnreachable("not now", "")
        return Traffic()

    watchers = Watchers(lambda _: Watched(look, threading.Event()), seconds=0.01)
    watchers.towards({"hv02"})
    until(lambda: watchers.seen().get("hv02"))
    watchers.close()
    assert len(tries) >= 3
