"""End states that can't be, by name, before anything is moved."""

from hypothesis import given

from delegation.migrations.schedule.ledger import Move
from delegation.migrations.schedule.obstacles import overfull_hosts, size
from delegation.migrations.schedule.simulate import timeline
from tests.migrations.problems import Problem, move, problems, room

GB = 1 << 30


def test_what_leaves_makes_room_for_what_comes() -> None:
    hosts = {"hv1": room(0, 0), "hv2": room(0, 0)}
    swap = [
        move("a", "hv1", "hv2", memory=8, disk=9),
        move("b", "hv2", "hv1", memory=8, disk=9),
    ]
    assert overfull_hosts(hosts, swap) == {}


def test_hosts_that_would_be_too_full_are_named_with_what_comes() -> None:
    hosts = {"hv1": room(0), "hv2": room(8 * GB, 100 * GB), "hv3": room()}
    moves = [
        move("a", "hv1", "hv2", memory=8 * GB, disk=90 * GB),
        move("b", "hv1", "hv2", memory=GB // 2, disk=90 * GB),
        move("c", "hv1", "hv3", memory=999 * GB),
        move("d", "hv2", "hv2", memory=999 * GB),
    ]
    assert overfull_hosts(hosts, moves) == {
        "hv2": "512.0 MB of memory and 80.0 GB of disk too little for a, b"
    }


def test_many_machines_are_counted() -> None:
    moves = [move(f"vm{n}", "hv1", "hv2", memory=1) for n in range(9)]
    assert overfull_hosts({"hv2": room(0)}, moves) == {
        "hv2": "9 bytes of memory too little for vm0, vm1, vm2 and 6 more"
    }


def test_a_host_without_slots_is_named_when_nothing_else_is_to_do() -> None:
    found = timeline({"hv1": room(), "hv2": room(slots=0)}, [move("a", "hv1", "hv2")])
    assert found.unsolved == {"a": "hv2 allows no live and storage migrations"}


def test_where_nothing_is_to_leave() -> None:
    found = timeline({"hv1": room(), "hv2": room(1 * GB)}, [move("a", "hv1", "hv2", memory=2 * GB)])
    assert found.unsolved == {
        "a": "needs on hv2 2.0 GB of memory, and 1.0 GB is free; nothing is to leave hv2"
    }


@given(problems(least_slots=1))
def test_what_is_unfit_leaves_something_unsolved(problem: Problem) -> None:
    """And on a host that is named; the room there is nobody else's."""
    found = timeline(problem.hosts, problem.moves)
    unsolved: list[Move] = [one for one in problem.moves if one.machine in found.unsolved]
    for host in overfull_hosts(problem.hosts, problem.moves):
        assert any(host in {one.target, one.source} for one in unsolved)


def test_sizes_as_people_read_them() -> None:
    assert [size(count) for count in (0, 1023, 1536, 8 * GB, 3000 * GB)] == [
        "0 bytes",
        "1023 bytes",
        "1.5 KB",
        "8.0 GB",
        "2.9 TB",
    ]


def test_what_needs_nothing_has_room_on_an_overfull_host() -> None:
    hosts = {"hv1": room(0, 0), "hv2": room(-1, -1)}
    assert overfull_hosts(hosts, [move("a", "hv1", "hv2", memory=0, disk=0)]) == {}
    assert overfull_hosts(hosts, [move("a", "hv1", "hv2", memory=0, disk=1)]) == {
        "hv2": "2 bytes of disk too little for a"
    }
