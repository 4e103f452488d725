"""The runner over jobs of the hosts: slow, lost, late, those of others, stopped, left behind."""

from collections.abc import Callable
from random import Random
from uuid import UUID

import pytest

from delegation.errors import CimFailed, MoveRefused
from delegation.hosts.machines import Failure, MoveOrder
from delegation.migrations.lifecycle import Migration, MigrationState, MigrationStep
from delegation.migrations.moves.terms import Liberties
from delegation.migrations.record import queue, recorded
from delegation.migrations.record.queue import Queue
from delegation.migrations.runner import FINISH, errands
from delegation.migrations.runner.patience import Patience
from delegation.migrations.runner.work import ErrandEvent, Prepared
from tests.migrations.station import Station
from tests.migrations.test_runner import check, drained, world
from tests.migrations.world import BUSY, FULL, LIMIT, FakeCrew, Handle, World, machine_id

VM0 = machine_id("vm0")
OLD_HANDLE = "D3F5A6F0-6C62-4C0B-8C55-0123456789AB"
"""As the version before has recorded it: the number of a shell."""


def order(name: str, target: str) -> MoveOrder:
    return MoveOrder(machine_id(name), name, f"{target}.corp.example", "")


def until_running(station: Station, seed: int = 0) -> Station:
    """The same, whose runner was killed once a machine was on its way."""
    moment = 0
    while "running" not in station.states().values():
        station = drained(machines=len(station.moves()), seed=seed)
        station.go(moment)
        moment += 1
    return station


# Slow, and found again


def test_a_slow_migration_is_left_alone_for_hours() -> None:
    """A percent in a quarter of an hour: nothing is sent again, and nothing asks it to end."""
    station = drained(machines=1)
    station.world.speed = 110 / 100_000
    assert station.go()
    check(station)
    assert station.states() == {"vm0": "moved"}
    assert station.world.clock > 100_000
    assert len(station.world.starts) == 1
    assert station.world.stops == []
    assert MigrationState.UNKNOWN not in {move.state for move in station.shown}


@pytest.mark.parametrize("seconds", [10, 1000])
def test_what_ended_while_nobody_watched_is_found_by_its_job_or_by_where_it_is(
    seconds: float,
) -> None:
    """Its job is listed for five minutes after its end."""
    station = until_running(drained(machines=1))
    for _ in range(2):
        station.world.advance(seconds)
    listed = station.world.listed("hv01", VM0)
    assert bool(listed) == (seconds == 10)
    station.go()
    check(station)
    assert station.states() == {"vm0": "moved"}
    assert len(station.world.starts) == 1


def test_what_is_found_again_is_on_record_by_its_own_number_from_then_on() -> None:
    """Whoever dies before the answer has a handle that says only what was there before."""
    station = drained(machines=1)
    moment = 0
    while "starting" not in station.states().values() or not station.world.jobs:
        station = drained(machines=1)
        station.go(moment)
        moment += 1
    before = station.moves()[0].handle
    station.go()
    check(station)
    after = station.moves()[0].handle
    assert before
    assert after
    assert [known.job for known in (Handle.read(before), Handle.read(after)) if known] == [0, 1]
    assert len(station.world.starts) == 1


def test_a_failure_that_nobody_watched_is_told_while_its_job_is_listed() -> None:
    station = until_running(drained(machines=1))
    job = station.world.jobs[0]
    station.world._end(job, FULL)
    station.go()
    assert station.states() == {"vm0": "failed"}
    (move,) = station.moves()
    assert move.said == FULL
    assert "the disk is full" in move.reason


@pytest.mark.parametrize("delay", [20.0, 90.0])
def test_a_request_that_is_carried_out_late_is_sent_once(delay: float) -> None:
    """Its answer is lost, and the host begins with it after a while: it is looked for."""
    station = drained(machines=1)
    made = station.world
    made.lost["vm0"] = [delay]
    station.go(patience=Patience(silence=1))
    check(station)
    assert station.states() == {"vm0": "moved"}
    assert len(made.starts) == 1
    reasons = {move.reason for move in station.shown if move.state is MigrationState.UNKNOWN}
    assert "hv01 may still begin it" in reasons


def test_one_whose_answer_was_lost_holds_up_nothing_else() -> None:
    """Its source answers: only of that one it can't tell yet."""
    station = drained(machines=5)
    made = station.world
    made.lost["vm0"] = [None]
    station.go()
    check(station)
    order_of_ends = [name for name, *_ in made.starts]
    assert order_of_ends[-1] == "vm0"
    assert made.clock < 150
    assert not any(wait.hosts for wait in station.waited)


def test_a_request_that_never_came_is_sent_again_when_that_is_certain() -> None:
    station = drained(machines=1)
    made = station.world
    made.lost["vm0"] = [None]
    station.go(patience=Patience(silence=1))
    check(station)
    assert station.states() == {"vm0": "moved"}
    assert len(made.orders) == 2
    assert made.clock > 100


@pytest.mark.parametrize("seed", range(20))
def test_killed_at_random_with_answers_lost_and_jobs_of_others(seed: int) -> None:
    """Finished jobs are forgotten meanwhile, and lost requests carried out up to a minute later."""
    random = Random(seed)
    station = drained(machines=4, seed=seed)
    made = station.world
    made.faults.silence, made.faults.delayed = 0.1, 60.0
    made.faults.foreign = 0.002 if seed % 2 else 0.0
    made.faults.leftover = 0.5
    made.hosts["hv02"].planned[machine_id("vm3")] = 0
    for _ in range(random.randrange(1, 9)):
        station.go(random.randrange(60))
        made.advance(random.choice([0.5, 20.0, 400.0]))
    made.peace()
    station.go()
    check(station)
    assert made.hosts["hv02"].planned[machine_id("vm3")] == 0, "somebody else's planned machine"


# A journal of the version before


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_migration_that_the_version_before_has_begun_is_found_by_its_machine(
    goes_on: bool,  # noqa: FBT001
) -> None:
    station = drained(machines=1)
    queued = Queue(station.journal, station.run)
    queued.step(VM0, MigrationStep.INTENDED, at="hv01", to="hv02", handle=OLD_HANDLE)
    queued.step(VM0, MigrationStep.ACCEPTED)
    if goes_on:
        station.world.start("hv01", order("vm0", "hv02"))
    station.go()
    check(station)
    assert station.states() == {"vm0": "moved"}
    assert len(station.world.starts) == 1
    assert not goes_on or not station.world.orders


# What others do


@pytest.mark.parametrize("end", ["hv01", "hv02"])
def test_slots_that_others_use_are_waited_for_at_either_end(end: str) -> None:
    station = drained(machines=1)
    made = station.world
    made.hosts["hv01"].slots = made.hosts["hv02"].slots = 1
    other = "hv03" if end == "hv01" else "hv01"
    made.add(end if end == "hv02" else other, "stranger", disk=400)
    if end == "hv01":
        made.start("hv03", order("stranger", "hv01"), is_foreign=True)
    else:
        made.start("hv02", order("stranger", "hv03"), is_foreign=True)
    station.go()
    check(station)
    assert station.states() == {"vm0": "moved"}
    assert len(made.starts) == 1
    assert made.clock > 41, "it began when the other one had ended"


def test_what_others_have_in_storage_slots_counts_as_well() -> None:
    """A host may count a migration of storage alone: then its live slots are free."""
    station = drained(machines=1)
    made = station.world
    made.others_storage["hv02"] = 2

    def ends() -> None:
        made.others_storage.clear()

    made.after(100, ends)
    station.go()
    check(station)
    assert station.states() == {"vm0": "moved"}
    assert made.clock > 100


def test_a_limit_that_was_reached_meanwhile_is_tried_again() -> None:
    """In words alone; that both slots were taken is what tells."""
    station = drained(machines=1)
    made = station.world

    def others_come(move: Migration) -> None:
        station.shown.append(move)
        if move.state is MigrationState.STARTING and station.hook is others_come:
            for name in ("stranger", "stranger2"):
                made.add("hv03", name)
                made.start("hv03", order(name, "hv02"), is_foreign=True)
            station.hook = station.shown.append

    station.hook = others_come
    station.go()
    check(station)
    assert station.states() == {"vm0": "moved"}
    waits = [move for move in station.shown if move.state is MigrationState.WAITING]
    assert "a limit of migrations at a time was reached: hv02 has 2 of 2" in waits[0].reason
    assert waits[0].said == LIMIT


def test_what_fails_in_words_alone_beside_free_slots_is_unknown_and_ends() -> None:
    station = drained(machines=1)
    station.world.fate["vm0"] = [LIMIT]
    station.go()
    check(station)
    assert station.states() == {"vm0": "failed"}
    assert station.moves()[0].reason.startswith("unknown: ")
    assert len(station.world.starts) == 1


def test_a_backup_is_waited_for_and_counts_as_no_try() -> None:
    station = drained(machines=1)
    made = station.world
    made.busy.add(VM0)
    made.after(2000, made.busy.clear)
    station.go(patience=Patience(silence=1, attempts=2))
    check(station)
    assert station.states() == {"vm0": "moved"}
    assert station.moves()[0].attempts == 0
    assert len(made.starts) == 1
    waits = [move.reason for move in station.shown if move.state is MigrationState.WAITING]
    assert "busy with it" in waits[0]
    assert len(waits) < 30, "it is not asked for all the time"


def test_a_backup_after_a_failure_is_waited_for_before_anything_is_settled() -> None:
    station = drained(machines=1)
    made = station.world
    made.fate["vm0"] = [BUSY]
    made.faults.leftover = 1.0

    def backs_up(move: Migration) -> None:
        station.shown.append(move)
        if move.state is MigrationState.STARTING and station.hook is backs_up:
            made.busy.add(VM0)
            made.after(500, made.busy.clear)
            station.hook = station.shown.append

    station.hook = backs_up
    station.go(patience=Patience(silence=1))
    check(station)
    assert station.states() == {"vm0": "moved"}
    assert made.removed == [("hv02", VM0)]


def test_a_host_whose_list_can_not_be_relied_upon_is_as_one_that_is_silent() -> None:
    station = drained(machines=2)
    station.world.hosts["hv02"].is_told = False
    station.go()
    assert station.states() == {"vm0": "queued", "vm1": "moved"}
    waiting = station.moves()[0]
    assert "hv02 may not tell all of its machines" in waiting.reason
    assert waiting.fix == "get rights"
    assert [name for name, *_ in station.world.starts] == ["vm1"]


# What a host refuses


def test_what_a_host_refuses_was_not_begun_and_is_told() -> None:
    station = drained(machines=2)
    refused = MoveRefused("it has checkpoints", "remove them", ["拒否"], code=32773)
    station.world.refusals["vm0"] = [refused]
    station.go()
    check(station)
    assert station.states() == {"vm0": "failed", "vm1": "moved"}
    (move, _) = station.moves()
    assert (move.reason, move.fix) == ("it has checkpoints", "remove them")
    assert move.said == Failure("拒否", error_code=32773)


def test_what_is_refused_for_a_moment_is_tried_again() -> None:
    station = drained(machines=1)
    late = MoveRefused("the host took too long", "")
    late.passes = True
    station.world.refusals["vm0"] = [late]
    station.go()
    check(station)
    assert station.states() == {"vm0": "moved"}
    assert len(station.world.orders) == 2


# What is left behind


def test_a_planned_machine_that_was_left_is_removed_before_the_next_try() -> None:
    station = drained(machines=1)
    station.world.fate["vm0"] = [BUSY]
    station.world.faults.leftover = 1.0
    station.go()
    check(station)
    assert station.states() == {"vm0": "moved"}
    assert station.world.removed == [("hv02", VM0)]


def test_it_is_removed_however_often_the_runner_dies_before() -> None:
    made = drained(machines=1)
    made.go()
    for moment in range(made.commits + 8):
        station = drained(machines=1, seed=moment)
        station.world.fate["vm0"] = [BUSY]
        station.world.faults.leftover = 1.0
        station.go(moment)
        station.go()
        check(station)
        assert station.states() == {"vm0": "moved"}, moment
        assert station.world.removed == [("hv02", VM0)], moment


def test_somebody_elses_planned_machine_outlasts_a_failure() -> None:
    station = drained(machines=1)
    station.world.hosts["hv02"].planned[VM0] = 0
    station.go()
    check(station)
    assert station.states() == {"vm0": "failed"}
    assert station.world.hosts["hv02"].planned == {VM0: 0}


def test_one_that_can_not_be_removed_is_told_and_nothing_is_tried_on_top_of_it() -> None:
    station = drained(machines=1)
    station.world.fate["vm0"] = [BUSY]
    station.world.faults.leftover = 1.0
    station.world.untidy = CimFailed("access is denied", "")
    station.go()
    assert station.states() == {"vm0": "failed"}
    assert "remove the planned machine that it has left on hv02" in station.moves()[0].fix
    assert len(station.world.starts) == 1


# Given up


def asked_at(station: Station, percent: int, *, kill: bool = False) -> None:
    """Somebody wants vm0 to be given up, once it is so far."""

    def asks(move: Migration) -> None:
        station.shown.append(move)
        if move.percent >= percent and move.state is MigrationState.RUNNING:
            queue.ask_to_give_up(station.journal, station.run, [VM0], kill=kill)
            station.hook = station.shown.append

    station.hook = asks


def test_what_is_given_up_is_where_it_was_and_leaves_nothing_of_ours() -> None:
    station = drained(machines=1)
    station.world.faults.leftover = 1.0
    asked_at(station, 30)
    station.go()
    check(station)
    assert station.states() == {"vm0": "aborted"}
    assert station.world.stops == [False]
    assert station.world.removed == [("hv02", VM0)]
    assert "look into its folder on hv02" in station.moves()[0].fix


def test_what_can_not_be_stopped_comes_to_its_end_and_is_told() -> None:
    station = drained(machines=1)
    station.world.can_be_stopped = False
    asked_at(station, 30)
    station.go()
    check(station)
    assert station.states() == {"vm0": "moved"}
    stopping = [move.reason for move in station.shown if move.state is MigrationState.STOPPING]
    assert any("does not let it be stopped now" in reason for reason in stopping)


def test_a_roll_back_takes_its_time() -> None:
    station = drained(machines=1)
    made = station.world
    made.deaf = True

    def heeds() -> None:
        made.deaf = False

    def asks(move: Migration) -> None:
        station.shown.append(move)
        if move.percent >= 30 and station.hook is asks:
            made.speed = 1e-9
            for job in made.jobs:
                job.seconds = 1e12
            queue.ask_to_give_up(station.journal, station.run, [VM0])
            made.after(900, heeds)
            station.hook = station.shown.append

    station.hook = asks
    station.go()
    check(station)
    assert station.states() == {"vm0": "aborted"}
    assert made.clock > 900


def test_what_does_not_heed_is_killed_where_somebody_wants_that() -> None:
    station = drained(machines=1)
    made = station.world
    made.deaf = True

    def asks(move: Migration) -> None:
        station.shown.append(move)
        if move.percent >= 30 and station.hook is asks:
            for job in made.jobs:
                job.seconds = 1e12
            queue.ask_to_give_up(station.journal, station.run, [VM0])
            made.after(
                60, lambda: queue.ask_to_give_up(station.journal, station.run, [VM0], kill=True)
            )
            station.hook = station.shown.append

    station.hook = asks
    station.go()
    check(station)
    assert station.states() == {"vm0": "aborted"}
    assert made.stops == [False, True]


class Holding(FakeCrew):
    """Something happens between the moment that one is prepared and that in which it is heard."""

    def __init__(self, world: World, happens: Callable[[], None], machine: UUID = VM0) -> None:
        super().__init__(world)
        self._happens = happens
        self._machine = machine
        self._held: ErrandEvent | None = None

    def next(self, seconds: float) -> ErrandEvent | None:
        held, self._held = self._held, None
        if held is not None:
            return held
        event = super().next(seconds)
        if isinstance(event, Prepared) and event.machine == self._machine:
            self._held = event
            self._happens()
            return None
        return event

    def stop(self, machine: UUID, *, kill: bool = False) -> None:
        if self._held is None:
            super().stop(machine, kill=kill)


def test_what_is_given_up_before_it_was_sent_is_not_sent() -> None:
    """Its handle is on no record then, and nothing is to be found out."""
    station = drained(machines=2)

    def asks() -> None:
        queue.ask_to_give_up(station.journal, station.run, [VM0])

    station.go(crew=Holding(station.world, asks), patience=Patience(listen=0))
    check(station)
    assert station.states() == {"vm0": "aborted", "vm1": "moved"}
    assert [name for name, *_ in station.world.starts] == ["vm1"]
    assert station.moves()[0].handle is None


def test_what_is_only_prepared_when_its_run_is_to_end_is_not_sent() -> None:
    station = drained(machines=2)

    def presses() -> None:
        assert station.runner
        station.runner.press(FINISH)

    station.go(crew=Holding(station.world, presses))
    assert station.states()["vm0"] == "queued"
    assert "vm0" not in {name for name, *_ in station.world.starts}
    steps = recorded.steps(station.journal, station.run)
    assert VM0 not in {step.machine for step in steps}, "nothing has happened to it"
    station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}


def test_room_is_held_while_a_machine_is_prepared() -> None:
    """Hosts are looked at again meanwhile, and show it as free."""
    made = world(2, slots=4, disk=10_000)
    made.hosts["hv02"].disk = 150
    machines = [made.add("hv01", name) for name in ("vm0", "vm1")]
    first = min(machines, key=str)
    station = Station(made, {"vm0": "hv02", "vm1": "hv02"})

    def looks() -> None:
        assert station.runner
        station.runner._lookout.take_visit("hv02", errands.look(made.open, "hv02"))

    station.go(crew=Holding(made, looks, first))
    assert sorted(station.states().values()) == ["failed", "moved"]
    assert [order.machine for order in made.orders] == [first]
    assert made.wrongs == []


# Terms of the run, and what it notes


def test_free_space_that_is_not_told_is_no_bound() -> None:
    station = drained(machines=2)
    for host in station.world.hosts.values():
        host.tells_disk = False
    station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}


def test_it_is_none_where_somebody_says_so() -> None:
    made = world()
    made.add("hv01", "vm0")
    made.hosts["hv02"].tells_disk = False
    station = Station(made, {"vm0": "hv02"}, Liberties(assume_full=True))
    station.go()
    check(station)
    assert station.states() == {"vm0": "failed"}
    assert "disk" in station.moves()[0].reason
    assert made.orders == []


def test_machines_with_checkpoints_are_ordered_so_where_the_run_allows_it() -> None:
    made = world()
    made.add("hv01", "vm0")
    station = Station(made, {"vm0": "hv02"}, Liberties(with_checkpoints=True))
    station.go()
    assert [order.with_checkpoints for order in made.orders] == [True]


def test_what_both_hosts_count_is_noted_of_the_first_that_is_copied() -> None:
    station = drained(machines=6)
    station.world.speed = 1.0
    station.go()
    counts = recorded.notes(station.journal, station.run).counts
    assert counts
    first_two = [order.machine for order in station.world.orders[:2]]
    assert counts.machine in first_two, "and not of those that began when one had ended"
    assert set(counts.during) == {"hv01", "hv02"} or set(counts.during) == {"hv01", "hv03"}
    assert counts.during["hv01"].migrations == counts.ours["hv01"] == 2
    assert counts.before["hv01"].migrations <= 1
    noted = list(recorded.notes(station.journal, station.run).in_words())
    assert len(noted) == 2


def test_the_first_ctrl_c_sends_nothing_that_was_only_prepared() -> None:
    """Whenever it comes: what was not sent waits, and holds nothing."""
    for commits in range(3):
        station = drained(machines=3)
        presses = commits

        def hook(move: Migration, station: Station = station, at: int = presses) -> None:
            station.shown.append(move)
            assert station.runner
            if len(station.shown) > at:
                station.runner.press(FINISH)

        station.hook = hook
        station.go()
        begun = [name for name, *_ in station.world.starts]
        states = station.states()
        assert {name for name, state in states.items() if state == "moved"} == set(begun)
        assert {state for name, state in states.items() if name not in begun} <= {"queued"}
        station.hook = station.shown.append
        station.go()
        check(station)
        assert set(station.states().values()) == {"moved"}
