"""A timeline as a picture: where bars stand, how many go on at once, what is cut out."""

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.migrations.tries import ENDS
from delegation.report import axis
from delegation.report.chart import KINDS, chart
from tests.report import runs
from tests.report.runs import Past, at


def picture(past: Past, until: float = 100) -> dict[str, Any]:
    drawn = chart(past.report(until).tries, at(until))
    assert drawn is not None
    return drawn


def together(*spans: tuple[float, float], source: str = "hv01", target: str = "hv02") -> Past:
    past = Past()
    for number, (begin, end) in enumerate(spans):
        past.moved(begin, end, past.asked(f"vm{number}", source, target))
    return past


def test_nothing_was_sent_and_nothing_is_drawn() -> None:
    assert chart([], at(0)) is None


def test_one_machine_takes_the_whole_width() -> None:
    drawn = picture(together((0, 61)))
    [host, other] = drawn["hosts"]
    [bar] = host["bars"]
    assert (bar["x"], bar["width"], bar["y"], bar["named"]) == (0, pytest.approx(100), 0, True)
    assert (host["host"], host["sends"], host["most"], host["receives"]) == ("hv01", 1, 1, 0)
    assert (other["host"], other["sends"], other["receives"]) == ("hv02", 0, 1)
    assert drawn["most"] == 1
    assert drawn["cuts"] == []
    assert drawn["ticks"][0] == {"x": 0, "clock": "20:00:00", "date": "2026-06-15"}


def test_one_that_took_no_time_at_all_is_drawn() -> None:
    drawn = picture(together((5, 5)))
    assert drawn["most"] == drawn["hosts"][0]["most"] == drawn["hosts"][1]["most_received"] == 1
    assert drawn["hosts"][0]["bars"][0]["x"] == 0


def test_what_ran_at_once_stands_in_rows_and_a_row_is_used_again() -> None:
    drawn = picture(together((0, 50), (0, 100), (50, 100)))
    host, target = drawn["hosts"]
    assert [bar["y"] for bar in host["bars"]] == [0, 20, 0]
    assert (host["most"], target["most_received"], drawn["most"]) == (2, 2, 2)
    assert target["load"] == "M0 2H0V0H5000V0H10000V2V2Z"


spans = st.tuples(st.integers(0, 500), st.integers(1, 300)).map(lambda one: (one[0], sum(one)))


@given(st.lists(spans, min_size=1, max_size=30))
def test_bars_of_a_row_never_overlap_and_rows_are_as_many_as_ran_at_once(
    found: list[tuple[int, int]],
) -> None:
    drawn = picture(together(*found), 900)
    host = drawn["hosts"][0]
    rows: dict[int, float] = {}
    for bar in host["bars"]:
        assert bar["x"] >= rows.get(bar["y"], 0) - 1e-9
        assert bar["x"] + bar["width"] <= 100 + 1e-9
        rows[bar["y"]] = bar["x"] + bar["width"]
    at_once = max(sum(b <= begin < e for b, e in found) for begin, _ in found)
    assert len(rows) == host["most"] == drawn["most"] == at_once
    places = [tick["x"] for tick in drawn["ticks"]]
    assert places == sorted(places)
    assert len(places) <= 11


def test_long_times_in_which_nothing_went_on_are_cut_out() -> None:
    drawn = picture(together((0, 100), (110, 200), (40_000, 40_100)), 40_100)
    [cut] = drawn["cuts"]
    assert cut["seconds"] == 39_800
    assert cut["width"] == axis.CUT
    bars = drawn["hosts"][0]["bars"]
    assert bars[1]["x"] + bars[1]["width"] == pytest.approx(cut["x"])
    assert bars[2]["x"] == pytest.approx(cut["x"] + cut["width"])
    assert bars[2]["x"] + bars[2]["width"] == pytest.approx(100)
    assert [tick["date"] for tick in drawn["ticks"] if tick["date"]] == ["2026-06-15", "2026-06-16"]


def test_so_are_those_in_which_nobody_watched_what_was_under_way() -> None:
    data = runs.resumed()
    drawn = chart(data.tries, at(44_600))
    assert drawn is not None
    [cut] = drawn["cuts"]
    assert cut["seconds"] > 40_000
    [blind] = [part for bar in drawn["hosts"][0]["bars"] for part in bar["blind"]]
    assert blind["x"] <= cut["x"]
    assert blind["x"] + blind["width"] >= cut["x"] + cut["width"]


def test_many_interruptions_leave_room_for_bars() -> None:
    drawn = picture(together(*((n * 10_000, n * 10_000 + 100) for n in range(100))), 2e6)
    assert len(drawn["cuts"]) == 99
    assert sum(cut["width"] for cut in drawn["cuts"]) < 26


def test_what_goes_on_reaches_until_now_and_what_was_left_until_it_was_last_heard_of() -> None:
    for data, until in ((runs.going_on(), 36_000), (runs.left(), 35_500.4)):
        drawn = chart(data.tries, at(until))
        assert drawn is not None
        ends = [bar["x"] + bar["width"] for bar in drawn["hosts"][0]["bars"] if not bar["ended"]]
        assert ends == [pytest.approx(100), pytest.approx(100)]
        assert "open" in drawn["kinds"]


def test_hosts_stand_in_their_order() -> None:
    past = Past()
    for number in (10, 9, 1):
        past.moved(0, 10, past.asked(f"vm{number}", f"hv{number}", "hv100"))
    assert [host["host"] for host in picture(past)["hosts"]] == ["hv1", "hv9", "hv10", "hv100"]


def test_every_end_has_a_kind() -> None:
    assert KINDS.keys() == {*ENDS.values(), None}


@pytest.mark.parametrize("length", [0.002, 3, 61, 600, 7200, 90_000, 900_000, 1e8])
def test_the_axis_has_labels_whatever_its_length(length: float) -> None:
    ticks = picture(together((0, length)), length)["ticks"]
    assert 1 <= len(ticks) <= 11
    assert all(re.fullmatch(r"\d\d:\d\d(:\d\d)?", tick["clock"]) for tick in ticks)
    places = [tick["x"] for tick in ticks]
    assert all(b - a >= axis.APART for a, b in pairwise(places))
