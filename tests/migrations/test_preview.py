"""What a run would do, before it: order, length, load, digest, and what can't be done."""

import json
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from delegation.inventory import OnlyOn
from delegation.migrations import moves, words
from delegation.migrations.moves import placement, preview
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.preview import Preview
from delegation.migrations.moves.surveyed import Surveyed
from delegation.migrations.moves.terms import Terms
from tests.builders import inventory
from tests.migrations.fleet import GB, estimate, fleet, hosted, machine, terms

HOSTS = ("hv01", "hv02", "hv03")


def previewed(
    surveyed: Surveyed, asked: Iterable[AskedMove], under: Terms | None = None
) -> Preview:
    under = under or terms(surveyed.hosts)
    placed = placement.resolve(asked, surveyed, under, estimate)
    return preview.preview(placed, surveyed, under)


def drained() -> tuple[Surveyed, list[AskedMove]]:
    """Four machines of 10, 20, 30 and 40 seconds from a host with two slots."""
    machines = [machine(f"vm{n}", memory=2 * GB, disk=(10 * n - 2) * GB) for n in (1, 2, 3, 4)]
    surveyed = fleet({"hv01": hosted(*machines), "hv02": hosted(migrations=4), "hv03": hosted()})
    return surveyed, [AskedMove(one.name, "hv02") for one in machines]


def test_a_plan_tells_order_length_and_what_it_takes_at_least() -> None:
    plan = previewed(*drained())
    data = preview.data(plan)
    assert [(o["vm"], o["begins"], o["ends"]) for o in data["order"]] == [
        ("vm3", 0.0, 30.0),
        ("vm4", 0.0, 40.0),
        ("vm2", 30.0, 50.0),
        ("vm1", 40.0, 50.0),
    ]
    assert data["seconds"] == 50.0
    assert data["lower_bound"]["seconds"] == 50.0
    assert "hv01" in data["lower_bound"]["why"]
    assert data["summary"] == {
        "moves": 4,
        "bytes": 100 * GB,
        "bytes_not_told": 0,
        "aside": 0,
        "there": 0,
        "unmovable": 0,
    }
    assert json.loads(json.dumps(data)) == data


def test_a_plan_tells_every_hosts_load_over_time() -> None:
    plan = previewed(*drained())
    first, second = plan.loads
    assert (first.host, first.slots, first.sent, first.received) == ("hv01", 2, 4, 0)
    assert first.moves == ((0.0, 2, 0), (30.0, 2, 0), (40.0, 2, 0), (50.0, 0, 0))
    assert first.busy(50.0) == 1.0
    assert (second.host, second.slots, second.received) == ("hv02", 2, 4)
    assert (first.memory, second.memory) == (64 * GB, 56 * GB)
    assert second.disk == 1000 * GB - 92 * GB


def test_a_host_that_lets_machines_go_first_has_room_in_between() -> None:
    """The least that is free is that of the fullest moment, not that of the end."""
    surveyed = fleet(
        {
            "hv01": hosted(machine("a", memory=6 * GB), memory=8 * GB),
            "hv02": hosted(machine("b", memory=7 * GB), memory=8 * GB),
        }
    )
    plan = previewed(surveyed, [AskedMove("a", "hv02"), AskedMove("b", "hv01")])
    assert [(load.host, load.memory) for load in plan.loads] == [("hv01", 1 * GB), ("hv02", 2 * GB)]


def test_hosts_without_room_for_each_other_go_through_a_third() -> None:
    full = {"memory": 1 * GB}
    surveyed = fleet(
        {
            "hv01": hosted(machine("a", memory=6 * GB), **full),  # type: ignore[arg-type]
            "hv02": hosted(machine("b", memory=6 * GB), **full),  # type: ignore[arg-type]
            "hv03": hosted(),
        }
    )
    asked = [AskedMove("a", "hv02"), AskedMove("b", "hv01")]
    plan = previewed(surveyed, asked)
    assert not plan.unmovable
    data = preview.data(plan)
    assert data["summary"]["aside"] == 1
    assert [one["to"] for one in data["order"] if one["aside"]] == ["hv03"]
    assert {"hv01", "hv02", "hv03"} == {load.host for load in plan.loads}

    no_way_there = {"hv01": ["hv02"], "hv02": ["hv01"], "hv03": ["hv01", "hv02"]}
    no_way_on = {"hv01": ["hv02", "hv03"], "hv02": ["hv01", "hv03"], "hv03": []}
    only_here = OnlyOn(("a", "b"), ("hv01", "hv02"))
    for closed in (
        terms(HOSTS, reach=no_way_there),
        terms(HOSTS, reach=no_way_on),
        terms(HOSTS, only_here),
    ):
        stuck = previewed(surveyed, asked, closed)
        assert {one.name for one in stuck.unmovable} == {"a", "b"}
        assert all("no order of the moves" in one.why and one.fix for one in stuck.unmovable)


def test_a_digest_is_of_what_is_moved_where() -> None:
    surveyed, asked = drained()
    plan = previewed(surveyed, asked)
    assert plan.digest.startswith("sha256:")
    assert previewed(surveyed, reversed(asked)).digest == plan.digest
    roomier = fleet({**surveyed.hosts, "hv02": hosted(memory=500 * GB, migrations=1)})
    assert previewed(roomier, asked).digest == plan.digest, "room and slots change no move"
    assert previewed(surveyed, asked[:3]).digest != plan.digest
    elsewhere = [*asked[:3], AskedMove("vm4", "hv03")]
    assert previewed(surveyed, elsewhere).digest != plan.digest
    other_folder = [*asked[:3], AskedMove("vm4", "hv02", storage="D:\\x")]
    assert previewed(surveyed, other_folder).digest != plan.digest


def test_the_digest_is_the_same_everywhere() -> None:
    """Written down: another version of the program must not find another one."""
    plan = previewed(*drained())
    assert plan.digest == (
        "sha256:8333b9a6e3d8816a215381bfddb70b4d892ec9a66a68c22b35ad551943aa3bce"
    )


def test_a_plan_saved_as_a_list_gives_the_plan_again() -> None:
    surveyed, asked = drained()
    plan = previewed(surveyed, asked)
    text = moves.written(preview.as_asked(plan, surveyed), f"plan {plan.digest}")
    again = moves.parse(text.encode(), "saved.yaml", inventory(*HOSTS))
    assert previewed(surveyed, again).digest == plan.digest
    assert all(move.source and move.storage for move in again)


def test_what_was_not_read_and_what_is_there_is_told() -> None:
    surveyed = fleet({"hv01": hosted("a"), "hv02": hosted("b")}, {"hv03": "no answer"})
    data = preview.data(
        previewed(
            surveyed,
            [AskedMove("b", "hv02"), AskedMove("x", "hv02", line=7, column=9)],
            terms(HOSTS),
        )
    )
    assert data["there"] == [{"vm": "b", "host": "hv02"}]
    assert data["unread"] == [{"host": "hv03", "why": "no answer"}]
    [unmovable] = data["unmovable"]
    assert (unmovable["vm"], unmovable["host"]) == ("x", None)
    assert (unmovable["line"], unmovable["column"]) == (7, 9)


def test_what_no_list_names_has_no_place_in_one() -> None:
    surveyed = fleet({"hv01": hosted("a"), "hv02": hosted()})
    data = preview.data(previewed(surveyed, [AskedMove("x", "hv02")]))
    [unmovable] = data["unmovable"]
    assert (unmovable["line"], unmovable["column"]) == (None, None)


# Words


def test_lengths_of_time() -> None:
    assert [words.duration(s) for s in (0, 0.4, 59.4, 59.6, 60, 125, 3599, 3600, 12_000)] == [
        *("0 s", "0 s", "59 s", "1 min", "1 min", "2 min 05 s", "59 min 59 s"),
        *("1 h 00 min", "3 h 20 min"),
    ]
    assert [words.clock(s) for s in (0, 65.4, 36_000)] == ["0:00:00", "0:01:05", "10:00:00"]


def test_a_curve_is_as_high_as_what_goes_on() -> None:
    assert words.curve([(0, 2), (5, 0), (10, 0)], 10, 2, 4) == "██  "
    assert words.curve([(0, 1), (10, 0)], 10, 2, 4) == "▄▄▄▄"
    assert words.curve([(0, 0), (9.9, 1)], 10, 1, 2) == " ▁"
    assert words.curve([(0, 1)], 0, 1, 4) == ""


@given(
    st.lists(st.tuples(st.floats(0.1, 100), st.integers(0, 9)), max_size=8),
    st.integers(1, 4),
    st.integers(1, 30),
)
def test_a_curve_is_as_wide_as_wanted(
    changes: list[tuple[float, int]], top: int, width: int
) -> None:
    steps = [(0.0, 1), *sorted(changes)]
    assert len(words.curve(steps, steps[-1][0] + 1, top, width)) == width
