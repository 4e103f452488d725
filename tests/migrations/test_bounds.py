"""No order beats a bound: not the schedule's, nor the best of all."""

from math import inf

import pytest
from hypothesis import given

from delegation.migrations.schedule import Capacity, Move, Slots
from delegation.migrations.schedule.bounds import Bound, lower_bound
from delegation.migrations.schedule.simulate import timeline
from tests.migrations.optimum import optimum
from tests.migrations.problems import Problem, move, problems, room


@given(problems(hosts=3, moves=4, least_slots=1))
def test_the_best_of_all_orders_takes_at_least_as_long(problem: Problem) -> None:
    wanted = tuple(one for one in problem.moves if one.source != one.target)
    best = optimum(problem.hosts, wanted)
    assert lower_bound(problem.hosts, problem.moves).seconds <= best
    found = timeline(problem.hosts, problem.moves)
    if not found.unsolved:
        assert best <= found.seconds


def test_the_best_of_all_orders_of_problems_worked_by_hand() -> None:
    """What the law above is worth: this search is right."""
    three = {"hv1": room(slots=1), "hv2": room(slots=1), "hv3": room(slots=1)}
    ring = (move("a", "hv1", "hv2"), move("b", "hv2", "hv3"), move("c", "hv3", "hv1"))
    assert optimum(three, ring) == 3
    aside = three | {"hv4": room(slots=1)}
    assert optimum(aside, ring) == 2  # one goes by way of hv4 while the two others move directly
    full = {"hv1": room(0), "hv2": room(0)}
    swap = (move("a", "hv1", "hv2", memory=1), move("b", "hv2", "hv1", memory=1))
    assert optimum(full, swap) == inf
    assert optimum(full | {"hv3": room()}, swap) == 3


@given(problems(hosts=6, moves=20))
def test_a_schedule_takes_at_least_as_long(problem: Problem) -> None:
    found = timeline(problem.hosts, problem.moves)
    assert found.bound.seconds <= found.seconds * (1 + 1e-9)


TWO = {"hv1": room(slots=2), "hv2": room(slots=9), "hv3": room(slots=9)}


@pytest.mark.parametrize(
    ("hosts", "moves", "bound"),
    [
        (TWO, [], Bound(0.0, "nothing is to be moved")),
        (TWO, [move("a", "hv1", "hv1")], Bound(0.0, "nothing is to be moved")),
        (TWO, [move("a", "hv1", "hv2", seconds=7)], Bound(7.0, "the move of a alone")),
        (
            TWO,
            [move(f"vm{n}", "hv1", "hv2", seconds=n) for n in (3, 4, 4, 5)],
            Bound(8.0, "all moves of hv1 in 2 slots"),
        ),
        (
            TWO,
            [move(f"vm{n}", "hv1", f"hv{2 + n % 2}", seconds=4) for n in range(3)],
            Bound(8.0, "2 of the 3 longest moves of hv1 share one of 2 slots"),
        ),
        (
            {"hv1": room(slots=0), "hv2": room(), "hv3": room()},
            [move("a", "hv1", "hv2", seconds=9), move("b", "hv2", "hv9", seconds=9)],
            Bound(0.0, "nothing is to be moved"),
        ),
    ],
)
def test_what_takes_so_long_is_said(
    hosts: dict[str, Capacity], moves: list[Move], bound: Bound
) -> None:
    assert lower_bound(hosts, moves) == bound


def test_slots_of_both_kinds_or_live_ones() -> None:
    hosts = {name: Capacity(4, 1, 9, 9) for name in ("hv1", "hv2")}
    moves = [move(f"vm{n}", "hv1", "hv2") for n in range(4)]
    assert lower_bound(hosts, moves).seconds == 4
    assert lower_bound(hosts, moves, slots=Slots.LIVE).seconds == 1
