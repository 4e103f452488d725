"""The simulation: what a timeline says holds at every instant."""

from random import Random
from statistics import mean

from hypothesis import given
from hypothesis import strategies as st

from delegation.migrations.schedule import Capacity, Slots
from delegation.migrations.schedule.simulate import SlotLoad, Timeline, timeline
from tests.migrations.instances import hard, mixed
from tests.migrations.problems import Problem, move, problems, room


@given(problems(), st.sampled_from(list(Slots)), st.data())
def test_slots_and_room_hold_at_every_instant(
    problem: Problem, slots: Slots, data: st.DataObject
) -> None:
    factors = {
        one.machine: data.draw(st.sampled_from((0.1, 0.5, 1.0, 3.0))) for one in problem.moves
    }
    found = timeline(
        problem.hosts,
        problem.moves,
        slots=slots,
        lasting=lambda start: start.move.seconds * factors[start.move.machine],
    )
    for instant in sorted({t for one in found.starts for t in (one.begins, one.ends)}):
        now = [one.start for one in found.starts if one.begins <= instant < one.ends]
        assert len({start.move.machine for start in now}) == len(now)
        for host, capacity in problem.hosts.items():
            assert sum((s.source == host) + (s.to == host) for s in now) <= capacity.slots(slots)
            come = [s for s in found.starts if s.start.to == host and s.begins <= instant]
            gone = [s for s in found.starts if s.start.source == host and s.ends <= instant]
            for need in ("memory", "disk"):
                held = sum(getattr(s.start.move, need) for s in come)
                left = sum(getattr(s.start.move, need) for s in gone)
                assert held - left <= getattr(capacity, need)


@given(problems())
def test_every_machine_ends_at_its_target_or_is_named(problem: Problem) -> None:
    found = timeline(problem.hosts, problem.moves)
    at = {one.machine: one.source for one in problem.moves}
    for one in found.starts:
        assert at[one.start.move.machine] == one.start.source
        at[one.start.move.machine] = one.start.to
    for wanted in problem.moves:
        assert (at[wanted.machine] == wanted.target) != (wanted.machine in found.unsolved)
    assert found.seconds == max((one.ends for one in found.starts), default=0.0)


@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_the_list_is_of_no_consequence(problem: Problem, random: Random) -> None:
    shuffled = list(problem.moves)
    random.shuffle(shuffled)
    hosts = dict(sorted(problem.hosts.items(), reverse=random.random() < 0.5))
    assert timeline(hosts, shuffled) == timeline(problem.hosts, problem.moves)


def test_the_load_of_a_host() -> None:
    hosts = {"hv1": room(slots=2), "hv2": room(slots=2), "hv3": room(slots=1)}
    moves = [
        move("a", "hv1", "hv2", seconds=3),
        move("b", "hv3", "hv1", seconds=1),
        move("c", "hv3", "hv1", seconds=1),
    ]
    found = timeline(hosts, moves)
    assert found.load("hv1") == (
        SlotLoad(0, 1, 1),
        SlotLoad(1, 1, 1),
        SlotLoad(2, 1, 0),
        SlotLoad(3, 0, 0),
    )
    assert found.load("hv9") == (SlotLoad(0, 0, 0),)


def test_slots_of_both_kinds_or_live_ones() -> None:
    hosts = {name: Capacity(4, 1, 9, 9) for name in ("hv1", "hv2")}
    moves = [move(f"vm{n}", "hv1", "hv2") for n in range(4)]
    both, live = timeline(hosts, moves), timeline(hosts, moves, slots=Slots.LIVE)
    assert (both.seconds, both.bound.seconds) == (4, 4)
    assert (live.seconds, live.bound.seconds) == (1, 1)


def test_nothing_to_move() -> None:
    found = timeline({"hv1": room()}, [])
    assert (found.starts, found.seconds, found.unsolved) == ((), 0.0, {})


def test_the_goals_on_a_sample_of_what_the_benchmark_draws() -> None:
    """scripts/bench measures hundreds; a schedule that got worse shows on these, too."""

    def ratio(found: Timeline) -> float:
        assert not found.unsolved
        return found.seconds / found.bound.seconds

    drawn = [mixed(seed) for seed in range(25)]
    assert mean(ratio(timeline(one.hosts, one.moves)) for one in drawn) <= 1.005
    drawn = [hard(seed) for seed in range(25)]
    assert mean(ratio(timeline(one.hosts, one.moves)) for one in drawn) <= 1.04
