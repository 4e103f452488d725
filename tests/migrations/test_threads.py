"""Errands in real threads: prepared, sent, followed; a wish to stop, a crash, and letting go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import pytest

from delegation.errors import (
    CimFailed,
    HostError,
    HostUnreachable,
    MachinesNotTold,
    MoveRefused,
    MoveUnsettled,
)
from delegation.hosts.hypervisor import Hypervisor, Moving
from delegation.hosts.machines import (
    Ended,
    Failure,
    Landing,
    MoveOrder,
    MoveProgress,
    UnderWay,
)
from delegation.migrations.lifecycle import Migration
from delegation.migrations.runner import errands
from delegation.migrations.runner.threads import LatestLooks, Threads, Watchers, Wish
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
from delegation.migrations.smb.traffic import MigrationShare, Traffic
from tests.migrations.world import FakeHost, FakeHypervisor, Handle, World

HANDLE, ANSWERED = "9", "9, answered"
STOPPED = Failure("stopped", stopped=True)
SECONDS = 20.0


class Scripted(Moving):
    """A migration that says what it is told to, and remembers what was done with it."""

    def __init__(self, said: list[MoveProgress | Ended | HostError]) -> None:
        self.said = said
        self.done: list[str] = []
        self.threads = {threading.get_ident()}

    @property
    def handle(self) -> str:
        return ANSWERED

    def wait(self, seconds: float) -> MoveProgress | Ended:  # noqa: ARG002
        self.threads.add(threading.get_ident())
        if {"stop", "kill"} & set(self.done) and not self.said:
            return Ended(STOPPED)
        if len(self.said) == 1 and isinstance(self.said[0], MoveProgress):
            if "stop" in self.done:
                return Ended(STOPPED)
            threading.Event().wait(0.01)
            return self.said[0]
        said = self.said.pop(0)
        if isinstance(said, HostError):
            raise said
        return said

    def stop(self, *, kill: bool = False) -> None:
        self.threads.add(threading.get_ident())
        self.done.append("kill" if kill else "stop")

    def leave(self) -> None:
        self.done.append("leave")


class Host(FakeHypervisor):
    stage: Stage

    def move(self, order: MoveOrder, handle: str) -> Moving:
        self.stage.sent.append((order, handle))
        if self.stage.refused is not None:
            raise self.stage.refused
        self.stage.moving.threads = {threading.get_ident()}
        return self.stage.moving

    def reattach(self, machine: UUID, handle: str) -> Moving | None:
        assert (machine, handle) == (self.stage.move.machine, HANDLE)
        return self.stage.moving

    def close(self) -> None:
        self.stage.closed.append(self._label)
        raise HostUnreachable("it can't be closed", "")


class Stage:
    """A machine on hv01 that goes to hv02, with the migration that a test scripts."""

    def __init__(self, *said: MoveProgress | Ended | HostError) -> None:
        self.world = World([FakeHost("hv01"), FakeHost("hv02")])
        machine = self.world.add("hv01", "web01")
        self.moving = Scripted(list(said))
        self.refused: HostError | None = None
        self.sent: list[tuple[MoveOrder, str]] = []
        self.closed: list[str] = []
        self.opened: list[str] = []
        self.move = Migration(machine, "web01", "hv01", "hv02", at="hv01", to="hv02", handle=HANDLE)
        self.order = MoveOrder(machine, "web01", "hv02.corp.example", "C:\\VMs\\web01")
        self.threads = Threads(self.open)

    def open(self, label: str) -> Hypervisor:
        self.world.answer(label)
        host = Host(self.world, label)
        host.stage = self
        self.opened.append(label)
        return host

    def carry(self, *, counting: bool = False) -> None:
        self.threads.carry(self.move, self.order, counting=counting)

    def events(self) -> Iterator[ErrandEvent]:
        """All until the last of the errand."""
        while True:
            event = self.threads.next(SECONDS)
            assert event is not None, "nothing happens"
            yield event
            if isinstance(event, Prepared | Unsent | MigrationOver | Lost | Visited):
                return

    def last(self) -> ErrandEvent:
        return list(self.events())[-1]


@contextmanager
def stage(*said: MoveProgress | Ended | HostError) -> Iterator[Stage]:
    made = Stage(*said)
    try:
        yield made
    finally:
        made.threads.dismiss()


def until(condition: Callable[[], object]) -> None:
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it does not come")


# Before it is sent


def test_what_is_prepared_has_an_order_and_a_handle_and_nothing_was_sent() -> None:
    with stage() as made:
        made.world.hosts["hv02"].planned[made.move.machine] = 0
        made.threads = Threads(made.open, with_checkpoints=True)
        made.threads.prepare(made.move, counting=True)
        (event,) = made.events()
        assert isinstance(event, Prepared)
        landing = Landing(("10.0.0.1",), has_planned=True)
        assert event.order == replace(made.order, landing=landing, with_checkpoints=True)
        known = Handle.read(event.handle)
        assert known
        assert known.had_planned
        assert event.counted == {"hv01": UnderWay(), "hv02": UnderWay()}
        assert made.sent == []
        assert sorted(made.closed) == sorted(made.opened)


def test_a_folder_of_the_target_is_for_the_target_alone() -> None:
    with stage() as made:
        asked = replace(made.move, storage="D:\\Fast")
        for move, folder in (
            (asked, "D:\\Fast"),
            (replace(asked, target="hv03"), "C:\\VMs\\web01"),
        ):
            made.threads.prepare(move)
            (event,) = made.events()
            assert isinstance(event, Prepared)
            assert event.order.storage == folder


def test_a_target_that_is_away_keeps_it_from_being_sent() -> None:
    with stage() as made:
        made.world.hosts["hv02"].up = False
        made.threads.prepare(made.move)
        (event,) = made.events()
        assert isinstance(event, Unsent)
        assert event.error
        assert made.closed == ["hv01"]


@pytest.mark.parametrize("label", ["hv01", "hv02"])
def test_a_list_that_can_not_be_relied_upon_is_no_list(label: str) -> None:
    with stage() as made:
        made.world.hosts[label].is_told = False
        made.threads.prepare(made.move)
        (event,) = made.events()
        assert isinstance(event, Unsent)
        assert isinstance(event.error, MachinesNotTold)
        made.threads.visit(label)
        (seen,) = made.events()
        assert isinstance(seen, Visited)
        assert isinstance(seen.answer, MachinesNotTold)


def test_one_that_is_not_where_it_was_is_not_sent() -> None:
    with stage() as made:
        made.world.hosts["hv02"].machines |= made.world.hosts["hv01"].machines
        made.threads.prepare(made.move)
        (event,) = made.events()
        assert isinstance(event, Unsent)
        assert set(event.looks) == {"hv01", "hv02"}


def test_one_that_is_busy_is_not_sent() -> None:
    with stage() as made:
        made.world.busy.add(made.move.machine)
        made.threads.prepare(made.move)
        (event,) = made.events()
        assert isinstance(event, Unsent)
        assert event.error is None


def test_one_that_a_job_works_on_is_not_sent() -> None:
    """A job that has just begun, when the machine does not show it yet."""
    with stage() as made:
        made.world.faults.late = 1e9
        made.world.start("hv01", made.order, is_foreign=True)
        made.threads.prepare(made.move)
        (event,) = made.events()
        assert isinstance(event, Unsent)
        assert event.is_at_work


def test_one_that_is_to_stop_before_it_was_sent_is_not_sent() -> None:
    with stage(MoveProgress(10)) as made:
        gate = threading.Event()
        opened = made.open
        made.threads = Threads(lambda label: (gate.wait(SECONDS), opened(label))[1])
        made.carry()
        made.threads.stop(made.move.machine)
        gate.set()
        (event,) = made.events()
        assert isinstance(event, Unsent)
        assert event.error is None
        assert made.sent == []


# Sent


def test_an_errand_from_its_start_to_its_end() -> None:
    with stage(MoveProgress(10), MoveProgress(60), Ended(None)) as made:
        made.carry()
        events = list(made.events())
        machine = made.move.machine
        assert events[:-1] == [
            Accepted(machine, ANSWERED),
            Advanced(machine, MoveProgress(10)),
            Advanced(machine, MoveProgress(60)),
        ]
        assert isinstance(events[-1], MigrationOver)
        assert events[-1].heard
        assert set(events[-1].looks) == {"hv01", "hv02"}
        assert made.sent == [(made.order, HANDLE)]
        assert made.moving.done == ["leave"]
        assert sorted(made.closed) == sorted(made.opened)
        assert len(made.moving.threads) == 1


def test_what_both_hosts_count_is_told_now_and_then_where_somebody_counts() -> None:
    said = [MoveProgress(percent) for percent in (0, 2, 3, 80, 99)]
    with stage(*said, Ended(None)) as made:
        made.carry(counting=True)
        counted = [event for event in made.events() if isinstance(event, Counted)]
        assert len(counted) == 3
        assert counted[0].counted == {"hv01": UnderWay(), "hv02": UnderWay()}


def test_a_refusal_is_sent_once_and_leaves_it_unsent_with_both_hosts_seen() -> None:
    with stage() as made:
        made.refused = MoveRefused("it is off", code=32775)
        made.carry()
        (event,) = made.events()
        assert isinstance(event, Unsent)
        assert event.error is made.refused
        assert set(event.looks) == {"hv01", "hv02"}
        assert len(made.sent) == 1


@pytest.mark.parametrize("error", [HostUnreachable("lost", ""), CimFailed("odd", "", code=32768)])
def test_any_other_error_after_it_was_sent_leaves_it_lost(error: HostError) -> None:
    with stage() as made:
        made.refused = error
        made.carry()
        assert isinstance(made.last(), Lost)
        assert len(made.sent) == 1


def test_what_says_nothing_new_for_hours_is_left_alone() -> None:
    """A percent every five minutes is what a disk of terabytes gives."""
    still = [MoveProgress(7)] * 4000
    with stage(*still, Ended(None)) as made:
        made.carry()
        events = list(made.events())
        assert len(events) == 4002
        assert isinstance(events[-1], MigrationOver)
        assert made.moving.done == ["leave"]


def test_what_still_runs_is_reattached() -> None:
    busy = Failure("busy")
    with stage(MoveProgress(1), MoveProgress(10), Ended(busy)) as made:
        made.threads.pursue(made.move)
        events = list(made.events())
        assert events[0] == Reattached(made.move.machine, ANSWERED)
        assert isinstance(events[-1], MigrationOver)
        assert events[-1].failure == busy


def test_what_has_ended_meanwhile_is_over_at_once() -> None:
    busy = Failure("busy")
    with stage(Ended(busy)) as made:
        made.threads.pursue(made.move)
        (event,) = made.events()
        assert isinstance(event, MigrationOver)
        assert (event.failure, event.heard) == (busy, True)
        assert made.moving.done == ["leave"]


def test_a_wish_to_stop_is_put_by_the_thread_that_has_the_connection() -> None:
    with stage(MoveProgress(10)) as made:
        made.carry()
        events = made.events()
        assert isinstance(next(events), Accepted)
        made.threads.stop(made.move.machine)
        assert isinstance(list(events)[-1], MigrationOver)
        assert made.moving.done == ["stop", "leave"]
        assert len(made.moving.threads) == 1


def test_what_can_not_be_stopped_is_asked_again_when_it_can() -> None:
    """Asked while it can't be, a host need not remember."""
    never = MoveProgress(10, can_be_stopped=False)
    with stage() as made:
        moving = made.moving = Scripted([never, never, MoveProgress(50), MoveProgress(60)])
        wish = Wish()
        errand = errands.carry(made.open, made.move, made.order, wish)
        assert isinstance(next(errand), Accepted)
        wish.ask(kill=False)
        asked = []
        for _ in range(3):
            next(errand)
            asked.append(moving.done.count("stop"))
        assert asked == [1, 1, 1], "it was asked before it said that it can't be"
        moving.said = []
        assert isinstance(next(errand), MigrationOver)
        assert moving.done == ["stop", "stop", "leave"]


def test_a_wish_to_kill_is_put_whatever_was_asked_before() -> None:
    never = MoveProgress(10, can_be_stopped=False)
    with stage(never, Ended(STOPPED)) as made:
        made.moving.said = [never] * 1_000_000
        made.carry()
        events = made.events()
        assert isinstance(next(events), Accepted)
        made.threads.stop(made.move.machine)
        for _ in range(10):
            next(events)
        made.threads.stop(made.move.machine, kill=True)
        until(lambda: "kill" in made.moving.done)
        made.moving.said = [Ended(STOPPED)]
        assert isinstance(list(events)[-1], MigrationOver)
        assert made.moving.done.count("kill") == 1


def test_a_lost_link_is_told_and_the_job_is_left_alone() -> None:
    with stage(MoveProgress(10), HostUnreachable("the link is lost", "")) as made:
        made.carry()
        assert isinstance(made.last(), Lost)
    assert made.moving.done == ["leave"]


# What it leaves behind


def planned(made: Stage, job: int = 1, *, had_planned: bool = False) -> None:
    """Its migration has left a planned machine of itself on the target; or somebody has."""
    machine = made.move.machine
    handle = str(Handle(str(machine), "hv02", 0.0, (), had_planned))
    made.move = replace(made.move, handle=handle)
    made.world.hosts["hv02"].planned[machine] = job


def test_a_planned_machine_of_ours_is_removed_once_its_source_has_it_at_rest() -> None:
    with stage(Ended(Failure("it failed"))) as made:
        planned(made)
        made.carry()
        event = made.last()
        assert isinstance(event, MigrationOver)
        assert event.is_tidied
        assert made.world.removed == [("hv02", made.move.machine)]


def test_somebody_elses_planned_machine_survives() -> None:
    with stage(Ended(Failure("it failed"))) as made:
        planned(made, job=0, had_planned=True)
        made.carry()
        event = made.last()
        assert isinstance(event, MigrationOver)
        assert not event.is_tidied
        assert made.move.machine in made.world.hosts["hv02"].planned


@pytest.mark.parametrize("why", ["a job", "busy", "arrived", "silent"])
def test_no_planned_machine_is_removed_while_not_all_is_at_rest(why: str) -> None:
    with stage(Ended(Failure("it failed"))) as made:
        planned(made)
        machine, hosts = made.move.machine, made.world.hosts
        if why == "a job":
            made.world.faults.late = 1e9
            hosts["hv02"].planned.clear()
            made.world.start("hv01", made.order, is_foreign=True)
        elif why == "busy":
            made.world.busy.add(machine)
        elif why == "arrived":
            hosts["hv02"].machines[machine] = hosts["hv01"].machines.pop(machine)
        else:
            hosts["hv02"].up = False
        made.carry()
        event = made.last()
        assert isinstance(event, MigrationOver)
        assert event.is_at_work == (why in {"a job", "busy"})
        assert made.world.removed == []
        assert machine in hosts["hv02"].planned


def test_what_somebody_has_just_begun_keeps_its_planned_machine() -> None:
    """Between the look at both hosts and the removal: the source is asked once more."""

    class Quick(Host):
        asked = 0

        def is_at_work(self, machine: UUID) -> bool:
            type(self).asked += 1
            return type(self).asked > 1 or super().is_at_work(machine)

    with stage(Ended(Failure("it failed"))) as made:
        planned(made)
        opened = made.open

        def quick(label: str) -> Hypervisor:
            opened(label)
            host = Quick(made.world, label)
            host.stage = made
            return host

        made.threads = Threads(quick)
        made.carry()
        event = made.last()
        assert isinstance(event, MigrationOver)
        assert not event.is_tidied
        assert made.world.removed == []


def test_nothing_is_removed_while_its_source_can_not_tell() -> None:
    """A request whose answer was lost may still be carried out, and needs what it has prepared."""

    class Unsure(Host):
        def reattach(self, machine: UUID, handle: str) -> Moving | None:  # noqa: ARG002
            raise MoveUnsettled("it may still begin", "")

    with stage() as made:
        planned(made)

        def unsure(label: str) -> Hypervisor:
            host = Unsure(made.world, label)
            host.stage = made
            return host

        made.threads = Threads(unsure)
        made.threads.pursue(made.move)
        event = made.last()
        assert isinstance(event, MigrationOver)
        assert isinstance(event.silence, MoveUnsettled)
        assert made.world.removed == []


def test_a_target_that_does_not_answer_then_has_not_told() -> None:
    with stage(Ended(Failure("it failed"))) as made:
        planned(made)
        made.world.untidy = HostUnreachable("it went away", "")
        made.carry()
        event = made.last()
        assert isinstance(event, MigrationOver)
        assert event.looks["hv02"] is made.world.untidy


def test_a_planned_machine_that_can_not_be_removed_is_told() -> None:
    with stage(Ended(Failure("it failed"))) as made:
        planned(made)
        made.world.untidy = CimFailed("it is in use", "")
        made.carry()
        event = made.last()
        assert isinstance(event, MigrationOver)
        assert event.untidied is made.world.untidy


def test_letting_go_leaves_what_runs_running() -> None:
    with stage(MoveProgress(10)) as made:
        made.carry()
        assert isinstance(next(made.events()), Accepted)
    assert made.moving.done == ["leave"]


def test_a_bug_in_a_thread_is_raised_where_it_is_seen() -> None:
    with stage(MoveProgress(10)) as made:
        made.threads.carry(replace(made.move, handle=None), made.order)
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
