"""The runner in a world in memory: failures of every kind, and death between any two commits."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delegation.errors import NoHostTicket
from delegation.hosts.machines import MoveOrder
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.record import queue
from delegation.migrations.runner import FINISH, STOP
from delegation.migrations.runner.patience import Patience
from tests.migrations.station import Station
from tests.migrations.world import (
    BUSY,
    FULL,
    NETWORK,
    NO_CREDENTIALS,
    FakeHost,
    Faults,
    Handle,
    World,
    machine_id,
)


def world(hosts: int = 3, seed: int = 0, *, slots: int = 2, disk: int = 10_000) -> World:
    return World([FakeHost(f"hv{n:02}", slots, disk=disk) for n in range(1, hosts + 1)], seed)


def drained(seed: int = 0, machines: int = 6) -> Station:
    """Machines of hv01 that go to hv02 and hv03 in turn."""
    made = world(seed=seed)
    for n in range(machines):
        made.add("hv01", f"vm{n}")
    return Station(made, {f"vm{n}": f"hv0{2 + n % 2}" for n in range(machines)})


def check(station: Station) -> None:
    """What holds at the end of everything, whatever happened."""
    made = station.world
    assert made.wrongs == []
    for move in station.moves():
        (place,) = made.where(move.machine)
        assert not [job for job in made.running(move.machine) if not job.is_foreign]
        assert move.state.ended, (move.state, move.reason)
        if any(job.is_foreign for job in made.jobs if job.machine == move.machine):
            continue  # where somebody else has taken it since nobody here knows
        assert place == move.at
        assert (move.state is MigrationState.MOVED) == (place == move.target)


def test_all_are_moved_within_the_slots() -> None:
    station = drained()
    assert station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}
    assert len(station.world.starts) == 6


def test_a_second_run_of_what_is_done_does_nothing() -> None:
    station = drained()
    station.go()
    station.go()
    assert len(station.world.starts) == 6


# Failures


def test_what_is_busy_is_tried_again_after_a_while() -> None:
    station = drained(machines=1)
    station.world.fate["vm0"] = [BUSY, NETWORK]
    station.go()
    check(station)
    assert len(station.world.starts) == 3
    assert station.world.clock > 5 + 10
    waits = [move.reason for move in station.shown if move.state is MigrationState.WAITING]
    assert "in use" in waits[0]
    assert "reset" in waits[1]


def test_tries_are_bounded() -> None:
    station = drained(machines=2)
    station.world.fate["vm0"] = [BUSY] * 100
    station.go()
    check(station)
    assert station.states() == {"vm0": "failed", "vm1": "moved"}
    assert len(station.world.starts) == 6 + 1
    assert "tried 6 times" in station.moves()[0].reason


def test_what_no_try_would_help_fails_at_once_and_the_rest_goes_on() -> None:
    station = drained(machines=3)
    station.world.fate |= {"vm0": [NO_CREDENTIALS], "vm1": [FULL]}
    station.go()
    check(station)
    assert station.states() == {"vm0": "failed", "vm1": "failed", "vm2": "moved"}
    assert len(station.world.starts) == 3
    assert "delegation explain hv01 hv02" in station.moves()[0].fix


def test_a_machine_that_somebody_moved_meanwhile_is_where_it_should_be() -> None:
    station = drained(machines=1)
    held = station.world.hosts["hv01"].machines.pop(machine_id("vm0"))
    station.world.hosts["hv02"].machines[machine_id("vm0")] = held
    station.go()
    assert station.states() == {"vm0": "moved"}
    assert station.world.starts == []


def test_a_machine_that_is_gone_is_named_and_not_waited_for() -> None:
    station = drained(machines=1)
    del station.world.hosts["hv01"].machines[machine_id("vm0")]
    station.go()
    assert station.states() == {"vm0": "failed"}
    assert station.moves()[0].reason == "neither hv01 nor hv02 has it"
    assert station.world.starts == []


@pytest.mark.parametrize(("elsewhere", "became"), [("hv02", "moved"), ("hv03", "failed")])
def test_what_somebody_else_migrates_is_not_started(elsewhere: str, became: str) -> None:
    station = drained(machines=1)
    order = MoveOrder(machine_id("vm0"), "vm0", f"{elsewhere}.corp.example", "")
    station.world.start("hv01", order, is_foreign=True)
    station.go()
    assert station.states() == {"vm0": became}
    assert station.world.wrongs == []
    assert station.world.starts == []
    assert station.world.where(machine_id("vm0")) == [elsewhere]


def test_the_handle_is_on_record_before_the_request_and_as_the_answer_extends_it() -> None:
    station = drained(machines=1)
    seen: dict[MigrationState, str | None] = {}

    def note(move: Migration) -> None:
        seen.setdefault(move.state, move.handle)

    station.hook = note
    station.go()
    before, answered = seen[MigrationState.STARTING], seen[MigrationState.RUNNING]
    assert before
    assert answered
    known = Handle.read(before)
    assert known
    assert (known.machine, known.target, known.job) == (str(machine_id("vm0")), "hv02", 0)
    assert Handle.read(answered) == replace(known, job=1)
    assert station.moves()[0].handle == answered


def test_what_migrates_without_a_job_that_is_listed_is_waited_for() -> None:
    station = drained(machines=2)
    station.world.speed = 0.2

    def forgets(move: Migration) -> None:
        if move.percent > 10:
            station.world.forget_jobs("hv01")

    station.hook = forgets
    station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}
    assert len(station.world.starts) == 2
    assert station.world.clock > Patience().silence


def test_a_target_that_dies_in_mid_copy_is_asked_when_it_comes_back() -> None:
    station = drained()
    target = station.world.hosts["hv02"]

    def comes_back() -> None:
        target.up = True

    def dies(move: Migration) -> None:
        station.shown.append(move)
        if move.percent > 30 and move.target == "hv02" and station.hook is dies:
            target.up = False
            station.world.after(60, comes_back)
            station.hook = station.shown.append

    station.hook = dies
    station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}
    unknown = [move for move in station.shown if move.state is MigrationState.UNKNOWN]
    assert unknown
    assert "hv02 does not answer" in unknown[-1].reason
    assert any(
        "reset" in move.reason for move in station.shown if move.state is MigrationState.WAITING
    )


def test_hosts_that_stay_away_are_not_waited_for_for_ever() -> None:
    station = drained()

    def dies(move: Migration) -> None:
        if move.percent > 30 and move.target == "hv02":
            station.world.hosts["hv02"].up = False

    station.hook = dies
    assert station.go()
    states = station.states()
    assert [states[f"vm{n}"] for n in (1, 3, 5)] == ["moved"] * 3
    assert {states[f"vm{n}"] for n in (0, 2, 4)} == {"unknown", "queued"}
    for move in station.moves():
        assert move.state is MigrationState.MOVED or "hv02 does not answer" in move.reason
    station.world.peace()
    station.hook = station.shown.append
    station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}


@pytest.mark.parametrize("slots", [1, 2])
def test_a_dead_target_takes_no_slot_of_a_source_that_is_idle(slots: int) -> None:
    """Only what goes to the dead one waits, and it is not sent again."""
    station = drained(machines=8)

    def dies(move: Migration) -> None:
        station.shown.append(move)
        if move.percent > 30 and move.target == "hv02":
            station.world.hosts["hv02"].up = False
            station.world.hosts["hv01"].slots = slots
            station.hook = station.shown.append

    station.hook = dies
    station.go()
    states = station.states()
    assert [states[f"vm{n}"] for n in (1, 3, 5, 7)] == ["moved"] * 4
    assert {states[f"vm{n}"] for n in (0, 2, 4, 6)} == {"unknown", "queued"}
    unknown = [name for name, state in states.items() if state == "unknown"]
    assert [name for name, *_ in station.world.starts if name in unknown] == unknown
    assert station.world.wrongs == []
    station.world.peace()
    station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}


def test_what_its_source_still_moves_keeps_its_slot() -> None:
    """Its target is silent to us alone, and the shell is gone: the source says that it goes on."""
    station = drained(machines=2)
    station.world.hosts["hv01"].slots = 1
    station.world.speed = 1.0

    def goes_mute(move: Migration) -> None:
        if move.percent > 10 and move.target == "hv02":
            station.world.mute.add("hv02")
            station.world.forget_jobs("hv01")
            station.world.after(60, station.world.mute.clear)
            station.hook = station.shown.append

    station.hook = goes_mute
    station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}
    assert len(station.world.starts) == 2


def test_what_may_come_keeps_its_slot_at_the_target_of_a_silent_source() -> None:
    """Nothing tells that a source which is silent to us has stopped sending."""
    made = world(slots=1)
    made.speed = 1.0
    made.add("hv01", "vm0", disk=200)
    made.add("hv02", "vm1")
    station = Station(made, {"vm0": "hv03", "vm1": "hv03"})

    def goes_mute(move: Migration) -> None:
        if move.name == "vm0" and move.percent > 10:
            made.mute.add("hv01")
            made.after(100, made.mute.clear)
            station.hook = station.shown.append

    station.hook = goes_mute
    station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}
    assert len(made.starts) == 2


def test_what_a_run_waits_for_is_told() -> None:
    """While something goes on that is no wait for anybody; else it is told how long it lasts."""
    station = drained(machines=4)
    station.world.speed = 2.0

    def dies(move: Migration) -> None:
        station.shown.append(move)
        if move.percent > 10 and move.target == "hv02":
            station.world.hosts["hv02"].up = False
            station.hook = station.shown.append

    station.hook = dies
    station.go()
    waits = [wait for wait in station.waited if wait.hosts]
    assert {tuple(wait.hosts) for wait in waits} == {("hv02",)}
    idle = [wait.seconds for wait in waits if wait.seconds is not None]
    assert waits[0].seconds is None
    assert [wait.seconds for wait in waits[-len(idle) :]] == idle, "idle to the end"
    assert idle == sorted(idle, reverse=True)
    assert Patience().silence >= idle[0] > idle[-1]
    waiting = {
        move.name: move.fix for move in station.moves() if move.state is not MigrationState.MOVED
    }
    assert set(waiting.values()) == {"look at it"}


def test_a_ticket_that_expires_is_waited_for_and_fails_nothing() -> None:
    station = drained()
    expired = NoHostTicket("the ticket has expired", "kinit")

    def kinit() -> None:
        station.world.logon = None

    def expires(move: Migration) -> None:
        station.shown.append(move)
        if move.percent > 30 and station.hook is expires:
            station.world.logon = expired
            station.world.after(100, kinit)
            station.hook = station.shown.append

    station.hook = expires
    station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}
    assert MigrationState.FAILED not in {move.state for move in station.shown}
    unknown = [
        move for move in station.shown if move.state is MigrationState.UNKNOWN and move.reason
    ]
    assert {(move.reason, move.fix) for move in unknown} == {(expired.what, expired.fix)}
    assert any(wait.seconds is not None for wait in station.waited)


def test_no_ticket_at_the_first_start_either() -> None:
    station = drained(machines=2)

    def kinit() -> None:
        station.world.logon = None

    def expires(move: Migration) -> None:
        if move.state is MigrationState.STARTING and station.hook is expires:
            station.hook = station.shown.append
            station.world.logon = NoHostTicket("the ticket has expired", "kinit")
            station.world.after(100, kinit)

    station.hook = expires
    station.go()
    assert set(station.states().values()) == {"moved"}
    assert len(station.world.starts) == 2


def left_on_its_way() -> Station:
    """One machine's runner died in the middle of its copy."""
    station = drained(machines=1)
    moment = 0
    while "running" not in station.states().values():
        station = drained(machines=1)
        moment += 1
        station.go(moment)
    station.world.jobs[0].ended = True
    station.world.forget_jobs("hv01")
    return station


@pytest.mark.parametrize(
    ("there", "reason", "fix"),
    [
        ([], "neither hv01 nor hv02 has it", "look for it on the other hosts"),
        (["hv01", "hv02"], "hv01 and hv02 both say that they have it", "never start both"),
    ],
)
def test_what_both_have_or_neither_is_ended_when_both_have_answered_for_a_while(
    there: list[str], reason: str, fix: str
) -> None:
    station = left_on_its_way()
    machine, began = machine_id("vm0"), station.world.clock
    held = station.world.hosts["hv01"].machines.pop(machine)
    for label in there:
        station.world.hosts[label].machines[machine] = held
    station.go(patience=Patience(silence=3600))
    assert station.states() == {"vm0": "failed"}
    (move,) = station.moves()
    assert move.reason == reason
    assert fix in move.fix
    assert 30 <= station.world.clock - began < 60
    assert len(station.world.starts) == 1


def test_what_is_on_neither_for_a_moment_has_just_not_come_yet() -> None:
    """However little the hosts are waited for: they have answered."""
    station = left_on_its_way()
    held = station.world.hosts["hv01"].machines.pop(machine_id("vm0"))

    def comes() -> None:
        station.world.hosts["hv02"].machines[machine_id("vm0")] = held

    station.world.after(20, comes)
    station.go(patience=Patience(silence=1))
    check(station)
    assert station.states() == {"vm0": "moved"}


def test_a_host_that_is_silent_in_between_has_not_told() -> None:
    station = left_on_its_way()
    held = station.world.hosts["hv01"].machines.pop(machine_id("vm0"))
    target = station.world.hosts["hv02"]

    def goes() -> None:
        target.up = False

    def comes_back() -> None:
        target.up = True
        target.machines[machine_id("vm0")] = held

    station.world.after(20, goes)
    station.world.after(80, comes_back)
    station.go()
    assert station.states() == {"vm0": "moved"}


def test_limits_that_are_lowered_count_from_the_next_start_on() -> None:
    station = drained(machines=8)

    def lowers(move: Migration) -> None:
        if move.percent > 30:
            station.world.hosts["hv01"].slots = 1

    station.hook = lowers
    station.go()
    check(station)


def test_what_has_no_room_is_named_and_what_runs_of_others_is_minded() -> None:
    made = world(disk=450)
    for n in range(4):
        made.add("hv01", f"vm{n}")
        made.add("hv02", f"old{n}")
        made.add("hv03", f"older{n}")
    station = Station(made, {"vm0": "hv02"})
    station.go()
    check(station)
    assert station.states() == {"vm0": "failed"}
    assert "disk" in station.moves()[0].reason
    assert made.starts == []


def test_two_full_hosts_swap_through_a_third() -> None:
    made = world(disk=420)
    for n in range(4):
        made.add("hv01", f"a{n}")
        made.add("hv02", f"b{n}")
    wanted = {f"a{n}": "hv02" for n in range(4)} | {f"b{n}": "hv01" for n in range(4)}
    station = Station(made, wanted)
    station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}
    assert any(target == "hv03" for _, _, target in made.starts)


# Asked to end


def test_the_first_ctrl_c_finishes_what_runs() -> None:
    station = drained()

    def presses(move: Migration) -> None:
        assert station.runner
        if move.percent > 30:
            station.runner.press(FINISH)

    station.hook = presses
    station.go()
    assert set(station.states().values()) == {"moved", "queued"}
    assert station.world.running() == []
    station.hook = station.shown.append
    station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}
    assert len(station.world.starts) == 6


def test_the_second_ctrl_c_stops_what_runs() -> None:
    station = drained()

    def presses(move: Migration) -> None:
        assert station.runner
        if move.percent > 30:
            station.runner.press(STOP)

    station.hook = presses
    station.go()
    assert set(station.states().values()) == {"queued"}
    assert station.world.running() == []
    assert all(move.at == "hv01" for move in station.moves())
    station.hook = station.shown.append
    station.go()
    check(station)
    assert set(station.states().values()) == {"moved"}


def test_a_stop_that_a_host_does_not_heed_is_waited_for_for_a_while() -> None:
    station = drained(machines=1)
    stubborn = Patience(stop=20)

    def presses(move: Migration) -> None:
        assert station.runner
        if move.percent > 10:
            station.runner.press(STOP)
            for job in station.world.jobs:
                job.seconds = 1e9

    station.world.deaf = True
    station.hook = presses
    station.go(patience=stubborn)
    assert station.states() == {"vm0": "stopping"}
    assert len(station.world.running()) == 1


# Asked to give up


def test_an_abort_of_some_stops_those_and_leaves_the_others() -> None:
    station = drained()
    asked: list[Migration] = []

    def asks(move: Migration) -> None:
        if move.percent > 30 and not asked:
            asked.append(move)
            queue.ask_to_give_up(station.journal, station.run, [move.machine, machine_id("vm5")])

    station.hook = asks
    station.go()
    check(station)
    states = station.states()
    assert states.pop(asked[0].name) == "aborted"
    assert states.pop("vm5") == "aborted"
    assert set(states.values()) == {"moved"}


def test_an_abort_is_heeded_by_whoever_resumes() -> None:
    station = drained(machines=2)
    moment = 0
    while "running" not in station.states().values():
        station = drained(machines=2)
        moment += 1
        station.go(moment)
    queue.ask_to_give_up(station.journal, station.run, [machine_id("vm0"), machine_id("vm1")])
    station.go()
    check(station)
    assert set(station.states().values()) == {"aborted"}


# Death


def test_killed_around_every_commit_and_resumed() -> None:
    """No machine is lost, none is started twice, and everything is where it should be."""
    station = drained(machines=4)
    station.go()
    for moment in range(station.commits):
        station = drained(machines=4, seed=moment)
        killed = not station.go(moment)
        station.world.advance(moment % 7)
        station.go()
        check(station)
        assert set(station.states().values()) == {"moved"}, moment
        assert killed or moment > 20


def test_killed_again_and_again() -> None:
    station = drained(machines=6)
    for moment in range(400):
        if station.go(moment % 13):
            break
        station.world.advance(moment % 5)
    check(station)
    assert set(station.states().values()) == {"moved"}


@settings(deadline=None, max_examples=1500)
@given(
    seed=st.integers(0, 2**32),
    moments=st.lists(st.integers(0, 60), max_size=6),
    silence=st.sampled_from([0.0, 0.02, 0.2]),
    failing=st.sampled_from([0.0, 0.1, 0.5]),
    crash=st.sampled_from([0.0, 0.001, 0.01]),
    amnesia=st.sampled_from([0.0, 0.02]),
    late=st.sampled_from([0.0, 3.0]),
    delayed=st.sampled_from([0.0, 60.0]),
    leftover=st.sampled_from([0.0, 0.5]),
    foreign=st.sampled_from([0.0, 0.002]),
    slots=st.integers(1, 3),
    disk=st.sampled_from([450, 700, 10_000]),
)
def test_whatever_happens_every_machine_is_on_one_host_and_settled(
    *,
    seed: int,
    moments: list[int],
    silence: float,
    failing: float,
    crash: float,
    amnesia: float,
    late: float,
    delayed: float,
    leftover: float,
    foreign: float,
    slots: int,
    disk: int,
) -> None:
    made = world(4, seed, slots=slots, disk=disk)
    targets = {}
    for n in range(8):
        made.add(f"hv0{1 + n % 2}", f"vm{n}")
        targets[f"vm{n}"] = f"hv0{2 - n % 2}" if n < 6 else "hv03"
    station = Station(made, targets)
    made.faults = Faults(silence, failing, crash, amnesia, late, delayed, leftover, foreign)
    for moment in moments:
        station.go(moment)
        made.advance(moment / 10)
    made.peace()
    station.go()
    check(station)
