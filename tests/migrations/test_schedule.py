"""What holds of a schedule whatever happens, and what it prefers."""

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from delegation.migrations.schedule import Capacity, Move, Schedule, Slots, Start
from tests.migrations.problems import Problem, move, problems, room


class Fleet:
    """What the hosts would say: books of its own, which every start is held against."""

    def __init__(self, problem: Problem, slots: Slots) -> None:
        self.slots = slots
        self.capacity = dict(problem.hosts)
        self.free = {name: [c.memory, c.disk] for name, c in problem.hosts.items()}
        self.gone: set[str] = set()
        self.at = {one.machine: one.source for one in problem.moves}
        self.running: dict[str, Start] = {}
        self.at_rest: set[str] = set()
        self.hops: Counter[str] = Counter()

    def allowed(self, host: str) -> int:
        capacity = self.capacity[host]
        both = self.slots is Slots.BOTH
        return min(capacity.live, capacity.storage) if both else capacity.live

    def used(self, host: str) -> int:
        sent = (one.source for name, one in self.running.items() if name not in self.at_rest)
        return [*sent, *(one.to for one in self.running.values())].count(host)

    def begin(self, start: Start) -> None:
        machine = start.move.machine
        assert machine not in self.running
        assert self.at[machine] == start.source != start.to
        for host in (start.source, start.to):
            assert host not in self.gone
            assert self.used(host) < self.allowed(host)
        for kind, need in enumerate((start.move.memory, start.move.disk)):
            assert not need or need <= self.free[start.to][kind]
        self._change(start.to, start.move, -1)
        self.hops[machine] += not start.final
        self.running[machine] = start

    def arrive(self, machine: str) -> None:
        start = self.running.pop(machine)
        self.at_rest.discard(machine)
        self.at[machine] = start.to
        self._change(start.source, start.move, 1)

    def fail(self, machine: str) -> None:
        start = self.running.pop(machine)
        self.at_rest.discard(machine)
        self._change(start.to, start.move, 1)

    def read(self, host: str, capacity: Capacity) -> None:
        self.capacity[host] = capacity
        self.free[host] = [capacity.memory, capacity.disk]
        self.gone.discard(host)

    def _change(self, host: str, one: Move, sign: int) -> None:
        self.free[host][0] += sign * one.memory
        self.free[host][1] += sign * one.disk


CAPACITIES = st.builds(
    Capacity,
    live=st.integers(0, 3),
    storage=st.integers(0, 3),
    memory=st.integers(-2, 8),
    disk=st.integers(-2, 8),
)


class Life(RuleBasedStateMachine):
    """Ends, failures, limits lowered in the middle, hosts lost: slots and room always hold.

    In the end every machine is at its target, or was given up, or is named as one that is stuck.
    """

    @initialize(
        problem=problems(moves=14), slots=st.sampled_from(list(Slots)), hops=st.integers(0, 3)
    )
    def begin(self, problem: Problem, slots: Slots, hops: int) -> None:
        self.fleet = Fleet(problem, slots)
        self.schedule = Schedule(problem.hosts, problem.moves, slots=slots, hops=hops)
        self.hops = hops
        self.wanted = {one.machine: one.target for one in problem.moves if one.source != one.target}
        self.hosts = sorted(problem.hosts)
        self.given_up: set[str] = set()
        self.start()

    def start(self) -> None:
        for one in self.schedule.due():
            self.fleet.begin(one)
        assert self.schedule.due() == []

    @property
    def waiting(self) -> list[str]:
        return [one.machine for one in self.schedule.waiting]

    def one_running(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.fleet.running)))

    def one_waiting(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.waiting)))

    @precondition(lambda self: self.fleet.running)
    @rule(data=st.data())
    def arrives(self, data: st.DataObject) -> None:
        machine = self.one_running(data)
        self.schedule.arrived(machine)
        self.fleet.arrive(machine)
        self.start()

    @precondition(lambda self: self.fleet.running)
    @rule(data=st.data(), again=st.booleans())
    def fails(self, data: st.DataObject, *, again: bool) -> None:
        machine = self.one_running(data)
        self.schedule.returned(machine, again=again)
        self.fleet.fail(machine)
        if not again:
            self.given_up.add(machine)
        self.start()

    @precondition(lambda self: self.fleet.running)
    @rule(data=st.data(), at_rest=st.booleans())
    def rests(self, data: st.DataObject, *, at_rest: bool) -> None:
        machine = self.one_running(data)
        self.schedule.rests(machine, at_rest=at_rest)
        (self.fleet.at_rest.add if at_rest else self.fleet.at_rest.discard)(machine)
        self.start()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def is_dropped(self, data: st.DataObject) -> None:
        machine = self.one_waiting(data)
        self.schedule.dropped(machine)
        self.given_up.add(machine)
        self.start()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def is_held_back_for_a_while(self, data: st.DataObject) -> None:
        machine = self.one_waiting(data)
        self.schedule.hold(machine, "busy")
        self.start()
        assert machine in self.waiting
        self.schedule.unhold(machine)
        self.start()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), seconds=st.integers(1, 9))
    def is_estimated_anew(self, data: st.DataObject, seconds: int) -> None:
        self.schedule.timed({self.one_waiting(data): float(seconds), "no such machine": 1.0})
        self.start()

    @rule(data=st.data(), capacity=CAPACITIES)
    def is_read(self, data: st.DataObject, capacity: Capacity) -> None:
        host = data.draw(st.sampled_from(self.hosts))
        self.schedule.reread(host, capacity)
        self.fleet.read(host, capacity)
        self.start()

    @rule(data=st.data())
    def is_lost(self, data: st.DataObject) -> None:
        host = data.draw(st.sampled_from(self.hosts))
        self.schedule.without(host)
        self.fleet.gone.add(host)
        self.start()

    @invariant()
    def each_machine_is_in_one_place(self) -> None:
        assert {one.move.machine: one for one in self.schedule.running} == self.fleet.running
        assert len(set(self.waiting)) == len(self.waiting)
        assert not self.fleet.running.keys() & set(self.waiting)

    @invariant()
    def nobody_is_moved_aside_too_often(self) -> None:
        assert all(count <= self.hops for count in self.fleet.hops.values())

    @invariant()
    def the_books_of_every_host_add_up(self) -> None:
        for site in self.schedule._ledger.hosts.values():
            coming = [one for pair in site.incoming.values() for one in pair.queue]
            leaving = [one for pair in site.outgoing.values() for one in pair.queue]
            assert site.leaving + site.arriving == self.fleet.used(site.name)
            assert site.memory_left == site.memory - sum(one.move.memory for one in coming)
            assert site.disk_left == site.disk - sum(one.move.disk for one in coming)
            assert site.work == sum(one.seconds for one in (*coming, *leaving))
            assert all(pair.queue for pair in (*site.incoming.values(), *site.outgoing.values()))

    def teardown(self) -> None:
        while self.fleet.running:
            assert self.schedule.stuck() == {}
            machine = min(self.fleet.running)
            self.schedule.arrived(machine)
            self.fleet.arrive(machine)
            self.start()
        stuck = self.schedule.stuck()
        assert set(stuck) == set(self.waiting)
        assert all(stuck.values())
        for machine, target in self.wanted.items():
            there = self.fleet.at[machine] == target
            assert there + (machine in stuck) + (machine in self.given_up) == 1


TestLife = Life.TestCase
TestLife.settings = settings(stateful_step_count=20)


def names(starts: list[Start]) -> list[str]:
    return [start.move.name for start in starts]


def test_a_migration_takes_slots_of_both_kinds_or_only_live_ones() -> None:
    hosts = {"hv1": Capacity(3, 1, 9, 9), "hv2": Capacity(3, 2, 9, 9)}
    moves = [move(name, "hv1", "hv2") for name in ("a", "b", "c")]
    assert names(Schedule(hosts, moves).due()) == ["a"]
    assert names(Schedule(hosts, moves, slots=Slots.LIVE).due()) == ["a", "b", "c"]


def test_the_busiest_host_first_and_its_longest_move() -> None:
    hosts = {f"hv{n}": room() for n in range(1, 5)}
    moves = [
        move("elsewhere", "hv3", "hv4", seconds=5),
        move("short", "hv1", "hv2", seconds=2),
        move("long", "hv1", "hv2", seconds=4),
        move("back", "hv2", "hv1", seconds=3),
    ]
    assert names(Schedule(hosts, moves).due()) == ["long", "elsewhere"]


def test_equal_moves_start_by_machine_whatever_their_order() -> None:
    hosts = {f"hv{n}": room(slots=2) for n in range(1, 4)}
    moves = [move(f"vm{n}", "hv1", "hv2") for n in range(5)]
    assert names(Schedule(hosts, moves).due()) == names(Schedule(hosts, moves[::-1]).due())
    assert names(Schedule(hosts, moves).due()) == ["vm0", "vm1"]


def test_of_equal_moves_one_in_an_idle_direction() -> None:
    hosts = {f"hv{n}": room(slots=2) for n in range(1, 4)}
    moves = [move("a", "hv1", "hv2"), move("b", "hv1", "hv3"), move("c", "hv3", "hv1")]
    assert set(names(Schedule(hosts, moves).due()[:2])) == {"a", "c"}


def test_a_limit_lowered_below_what_runs_is_honoured() -> None:
    hosts = {"hv1": room(slots=3), "hv2": room(slots=3)}
    schedule = Schedule(hosts, [move(f"vm{n}", "hv1", "hv2") for n in range(6)])
    assert len(schedule.due()) == 3
    schedule.reread("hv2", room(slots=1))
    schedule.arrived("vm0")
    assert schedule.due() == []
    schedule.arrived("vm1")
    assert schedule.due() == []
    schedule.arrived("vm2")
    assert names(schedule.due()) == ["vm3"]
    schedule.reread("hv2", room(slots=2))
    assert names(schedule.due()) == ["vm4"]


def test_one_at_rest_holds_a_slot_and_its_room_at_its_target_alone() -> None:
    hosts = {"hv1": room(slots=1), "hv2": room(4, slots=2), "hv3": room(slots=1)}
    moves = [
        move("a", "hv1", "hv2", memory=4, seconds=9),
        move("b", "hv1", "hv2", memory=4, seconds=8),
        move("c", "hv1", "hv3"),
    ]
    schedule = Schedule(hosts, moves, hops=0)
    assert names(schedule.due()) == ["a"]
    schedule.rests("a")
    assert names(schedule.due()) == ["c"]
    schedule.rests("a", at_rest=False)
    schedule.arrived("c")
    assert schedule.due() == []
    schedule.returned("a", again=False)
    assert names(schedule.due()) == ["b"]


def test_nothing_starts_to_a_lost_host_until_it_is_read_again() -> None:
    hosts = {"hv1": room(), "hv2": room(), "hv3": room()}
    schedule = Schedule(hosts, [move("a", "hv1", "hv2", seconds=9), move("b", "hv1", "hv3")])
    schedule.without("hv2")
    assert names(schedule.due()) == ["b"]
    schedule.arrived("b")
    assert schedule.due() == []
    assert schedule.stuck() == {"a": "hv2 can't be reached"}
    schedule.reread("hv2", room())
    assert schedule.stuck() == {}  # not before it was asked what is due
    assert names(schedule.due()) == ["a"]


def test_a_host_that_was_never_read_is_as_one_that_is_lost() -> None:
    schedule = Schedule({"hv1": room()}, [move("a", "hv1", "hv9"), move("b", "hv8", "hv1")])
    assert schedule.due() == []
    assert schedule.stuck() == {"a": "hv9 can't be reached", "b": "hv8 can't be reached"}


def test_room_is_held_at_the_target_at_once_and_given_back_at_the_source_at_the_end() -> None:
    hosts = {"hv1": room(0, slots=4), "hv2": room(5, slots=4), "hv3": room(9, slots=4)}
    moves = [
        move("a", "hv1", "hv2", memory=4, seconds=2),
        move("b", "hv1", "hv2", memory=4),
        move("c", "hv3", "hv1", memory=4),
    ]
    schedule = Schedule(hosts, moves, hops=0)
    assert names(schedule.due()) == ["a"]
    schedule.arrived("a")
    assert names(schedule.due()) == ["c"]


def test_a_failure_gives_the_room_back_and_may_be_tried_again() -> None:
    hosts = {"hv1": room(), "hv2": room(4)}
    moves = [move("a", "hv1", "hv2", memory=4, seconds=2), move("b", "hv1", "hv2", memory=4)]
    schedule = Schedule(hosts, moves, hops=0)
    assert names(schedule.due()) == ["a"]
    schedule.returned("a", again=True)
    schedule.hold("a", "tried again at 10:00")
    assert names(schedule.due()) == ["b"]
    schedule.returned("b", again=False)
    assert schedule.due() == []
    assert schedule.stuck() == {"a": "held back: tried again at 10:00"}
    schedule.unhold("a")
    assert names(schedule.due()) == ["a"]


def test_a_run_is_taken_up_again_with_what_runs_already() -> None:
    hosts = {"hv1": room(0), "hv2": room(0)}
    on_its_way = Start(move("a", "hv1", "hv2", memory=4), "hv1", "hv2")
    schedule = Schedule(hosts, [move("b", "hv2", "hv1", memory=4)], running=[on_its_way])
    assert schedule.due() == []
    assert schedule.running == (on_its_way,)
    schedule.arrived("a")
    assert names(schedule.due()) == ["b"]


def test_a_machine_that_is_there_is_not_moved() -> None:
    schedule = Schedule({"hv1": room()}, [move("a", "hv1", "hv1")])
    assert schedule.due() == []
    assert schedule.waiting == ()


@pytest.mark.parametrize("running", [[], [Start(move("a", "hv1", "hv2"), "hv1", "hv2")]])
def test_a_machine_can_only_be_moved_once(running: list[Start]) -> None:
    twice = [move("a", "hv1", "hv2"), move("a", "hv1", "hv3")]
    with pytest.raises(ValueError, match=r"a \(a\) is to be moved twice"):
        Schedule({}, twice[len(running) :], running=running)
