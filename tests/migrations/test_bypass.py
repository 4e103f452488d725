"""Hosts that wait for each other, and machines that go through a third host."""

from hypothesis import given
from hypothesis import strategies as st

from delegation.migrations.schedule import Capacity, Move, Schedule
from delegation.migrations.schedule.simulate import Timeline, timeline
from tests.migrations.problems import AMPLE, move, room


def path(found: Timeline, machine: str) -> list[str]:
    starts = [timed.start for timed in found.starts if timed.start.move.machine == machine]
    return [starts[0].source, *(start.to for start in starts)]


def swap(spare: int, *, count: int = 1) -> tuple[dict[str, Capacity], list[Move]]:
    """``count`` machines of 8 on hv1 and on hv2 each, which are full; hv3 has ``spare`` left."""
    hosts = {"hv1": room(0, slots=2), "hv2": room(0, slots=2), "hv3": room(spare, slots=2)}
    moves = [move(f"a{n}", "hv1", "hv2", memory=8) for n in range(count)]
    moves += [move(f"b{n}", "hv2", "hv1", memory=8) for n in range(count)]
    return hosts, moves


def test_two_full_hosts_swap_through_a_third() -> None:
    found = timeline(*swap(8))
    assert found.unsolved == {}
    assert path(found, "a0") == ["hv1", "hv3", "hv2"]
    assert path(found, "b0") == ["hv2", "hv1"]
    assert found.seconds == 3


def test_one_machine_moved_aside_is_enough_for_many_to_swap() -> None:
    found = timeline(*swap(8, count=6))
    assert found.unsolved == {}
    assert sum(not timed.start.final for timed in found.starts) == 1


def test_full_hosts_cannot_swap_without_a_third() -> None:
    found = timeline(*swap(7))
    assert found.starts == ()
    assert found.unsolved == {
        "a0": "needs on hv2 8 bytes of memory, and 0 bytes is free; "
        "b0 can't leave hv2 either, nor go through a third host",
        "b0": "needs on hv1 8 bytes of memory, and 0 bytes is free; "
        "a0 can't leave hv1 either, nor go through a third host",
    }


def test_no_machine_is_moved_aside_where_none_may() -> None:
    assert timeline(*swap(8), hops=0).unsolved.keys() == {"a0", "b0"}


def test_a_machine_only_goes_where_it_may() -> None:
    asked = []

    def via(one: Move, source: str, to: str) -> bool:
        asked.append((one.name, source, to))
        return one.name == "b0"

    found = timeline(*swap(8), via=via)
    assert path(found, "b0") == ["hv2", "hv3", "hv1"]
    assert path(found, "a0") == ["hv1", "hv2"]
    assert {to for _, _, to in asked} == {"hv3"}
    assert timeline(*swap(8), via=lambda *_: False).unsolved.keys() == {"a0", "b0"}


def test_a_circle_of_three_full_hosts() -> None:
    hosts = {f"hv{n}": room(0) for n in range(1, 4)} | {"hv4": room(8)}
    ring = [("a", "hv1", "hv2"), ("b", "hv2", "hv3"), ("c", "hv3", "hv1")]
    found = timeline(hosts, [move(*one, memory=8) for one in ring])
    assert found.unsolved == {}
    assert sum(not timed.start.final for timed in found.starts) == 1


def test_two_pairs_of_full_hosts_swap_at_once() -> None:
    hosts, moves = swap(8)
    others = {"hv4": room(0), "hv5": room(0), "hv6": room(8)}
    moves += [move("c", "hv4", "hv5", memory=8), move("d", "hv5", "hv4", memory=8)]
    starts = Schedule(hosts | others, moves).due()
    assert {start.to for start in starts} == {"hv3", "hv6"}


def test_a_swap_begins_as_soon_as_the_third_host_has_a_slot() -> None:
    """Not only when everything else has ended; what ends is at hv3 and hv4, not at the two."""
    hosts, moves = swap(8)
    hosts |= {f"hv{n}": room(1) for n in range(4, 7)} | {"hv3": room(9)}
    moves += [
        move("c", "hv4", "hv3", memory=1, seconds=2),
        move("d", "hv5", "hv6", memory=1, seconds=100),
    ]
    found = timeline(hosts, moves)
    assert found.unsolved == {}
    assert found.seconds == 100


def test_when_nothing_runs_any_host_may_make_room() -> None:
    """Somebody takes the room on hv1 that a was to have; at hv2, where a is, nothing happens.

    Of the three in the circle, only a may go aside. (f makes e the first to start.)
    """
    hosts = {"hv1": room(12), "hv2": room(0), "hv3": room(0), "hv4": room(), "hv5": room(8)}
    moves = [
        move("a", "hv2", "hv1", memory=8),
        move("b", "hv3", "hv2", memory=8),
        move("c", "hv1", "hv3", memory=8),
        move("e", "hv4", "hv1", memory=4, seconds=60),
        move("f", "hv9", "hv4", memory=2 * AMPLE),
    ]
    schedule = Schedule(hosts, moves, via=lambda one, _source, to: (one.name, to) == ("a", "hv5"))
    assert [start.move.name for start in schedule.due()] == ["e"]
    schedule.arrived("e")
    schedule.reread("hv1", room(0))
    (hop,) = schedule.due()
    assert (hop.move.name, hop.source, hop.to) == ("a", "hv2", "hv5")


def test_disk_blocks_as_memory_does() -> None:
    hosts = {"hv1": room(disk=0), "hv2": room(disk=0), "hv3": room(disk=5)}
    moves = [move("a", "hv1", "hv2", disk=5), move("b", "hv2", "hv1", disk=5)]
    assert timeline(hosts, moves).unsolved == {}


def test_nothing_is_moved_aside_for_time_into_room_that_is_needed() -> None:
    """hv2 is only stalled while a leaves hv1; hv3 has no room beyond its own arrival."""
    hosts = {"hv1": room(0, slots=2), "hv2": room(0), "hv3": room(8), "hv4": room(8)}
    moves = [
        move("a", "hv1", "hv4", memory=8, seconds=5),
        move("b", "hv2", "hv1", memory=8),
        move("c", "hv4", "hv2", memory=8),
        move("d", "hv4", "hv3", memory=8),
    ]
    found = timeline(hosts, moves)
    assert found.unsolved == {}
    assert all(timed.start.final for timed in found.starts)


def test_a_stalled_host_sheds_a_machine_where_that_disturbs_nobody() -> None:
    """b would have to wait for a, which takes long; hv3 has room that nobody needs."""
    hosts = {"hv1": room(0, slots=2), "hv2": room(0), "hv3": room(8), "hv4": room(8, slots=2)}
    moves = [
        move("a", "hv1", "hv4", memory=8, seconds=50),
        move("b", "hv2", "hv1", memory=8),
        move("c", "hv4", "hv2", memory=8, seconds=20),
    ]
    found = timeline(hosts, moves)
    assert found.unsolved == {}
    assert path(found, "b") == ["hv2", "hv3", "hv1"]
    assert found.seconds == 51


def shuffle() -> tuple[dict[str, Capacity], list[Move]]:
    """Two full hosts; only both small machines together make room for the large one."""
    hosts = {"hv1": room(0), "hv2": room(0), "hv3": room(4), "hv4": room(4)}
    moves = [
        move("small", "hv1", "hv2", memory=4),
        move("little", "hv1", "hv2", memory=4),
        move("large", "hv2", "hv1", memory=8),
    ]
    return hosts, moves


def test_two_machines_make_room_for_one() -> None:
    found = timeline(*shuffle())
    assert found.unsolved == {}
    assert path(found, "large") == ["hv2", "hv1"]


def test_a_hop_that_lets_nobody_in_waits_until_nothing_else_can_help() -> None:
    hosts, moves = shuffle()
    schedule = Schedule(hosts | {"hv5": room(1), "hv6": room(1)}, [*moves, move("x", "hv5", "hv6")])
    assert [start.move.name for start in schedule.due()] == ["x"]
    schedule.arrived("x")
    assert [start.to for start in schedule.due()] == ["hv3"]


def test_nobody_makes_room_for_a_machine_on_a_lost_host() -> None:
    hosts, moves = swap(8)
    schedule = Schedule(hosts, [move("c", "hv9", "hv1", memory=8), moves[0]])
    assert schedule.due() == []


def test_a_machine_whose_target_is_lost_is_not_moved_aside_for_others() -> None:
    hosts, moves = swap(8)
    lost = move("c", "hv1", "hv9", memory=8)
    schedule = Schedule(hosts, [lost, moves[1]])
    assert schedule.due() == []
    assert schedule.stuck()["c"] == "hv9 can't be reached"


def test_a_machine_left_on_a_third_host_is_named_with_its_place() -> None:
    """The host that it went aside for is lost when it could go on."""
    hosts, moves = swap(8)
    schedule = Schedule(hosts, moves)
    (hop,) = schedule.due()
    schedule.arrived(hop.move.machine)
    (other,) = schedule.due()
    schedule.reread(hop.move.target, room(-8))
    schedule.arrived(other.move.machine)
    assert schedule.due() == []
    assert schedule.stuck()[hop.move.machine].startswith("is on hv3 for now; needs on ")


@given(
    st.lists(st.sampled_from((2, 4, 8, 16)), min_size=1, max_size=12),
    st.lists(st.sampled_from((2, 4, 8, 16)), min_size=1, max_size=12),
    st.integers(1, 3),
)
def test_any_two_hosts_swap_all_their_machines_with_an_empty_third(
    first: list[int], second: list[int], slots: int
) -> None:
    """Each is as large as both loads need in turn, and not more; the third holds either load."""
    size = max(sum(first), sum(second))
    hosts = {
        "hv1": room(size - sum(first), slots=slots),
        "hv2": room(size - sum(second), slots=slots),
        "hv3": room(size, slots=slots),
    }
    moves = [move(f"a{n:02}", "hv1", "hv2", memory=need) for n, need in enumerate(first)]
    moves += [move(f"b{n:02}", "hv2", "hv1", memory=need) for n, need in enumerate(second)]
    found = timeline(hosts, moves)
    assert found.unsolved == {}
