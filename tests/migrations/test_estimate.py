"""Rates learnt from moves that are done."""

from hypothesis import given
from hypothesis import strategies as st

from delegation.migrations.schedule.estimate import (
    LEAST_SECONDS,
    REMEMBERED,
    USUAL_RATE,
    StreamRates,
)


def taught(*lessons: tuple[str, str, int]) -> StreamRates:
    """Each lesson is a source, a target and a rate in bytes a second."""
    rates = StreamRates()
    for source, to, rate in lessons:
        rates.learn(source, to, rate * 60, 60)
    return rates


def test_nothing_learnt_yet() -> None:
    assert StreamRates().rate("hv1", "hv2") == USUAL_RATE
    assert StreamRates(usual=10).seconds("hv1", "hv2", 600) == 60


def test_one_move_teaches_something_about_all() -> None:
    assert taught(("hv1", "hv2", 100)).rate("hv7", "hv8") == 100


def test_the_pair_knows_best_then_its_slower_host_then_all() -> None:
    pair = [("hv1", "hv2", 10)] * 3
    fast = [("hv1", "hv3", 50)] * 9
    slow = [("hv4", "hv2", 30)] * 9
    rates = taught(*pair, *fast, *slow)
    assert rates.rate("hv1", "hv2") == 10
    assert rates.rate("hv1", "hv9") == 50
    assert rates.rate("hv9", "hv2") == 30
    assert rates.rate("hv4", "hv3") == 30
    assert rates.rate("hv8", "hv9") == 30  # the newest of all


def test_a_host_tells_what_comes_to_it_as_well_as_what_leaves_it() -> None:
    rates = taught(*[("hv1", "hv2", 30)] * 3, *[("hv8", "hv9", 50)] * 9)
    assert rates.rate("hv4", "hv2") == 30
    assert rates.rate("hv1", "hv4") == 30


def test_two_moves_of_a_pair_say_less_than_many_of_its_host() -> None:
    rates = taught(*[("hv1", "hv3", 50)] * 9, *[("hv1", "hv2", 10)] * 2)
    assert rates.rate("hv1", "hv2") == 50


def test_one_move_that_hung_teaches_nothing() -> None:
    assert taught(*[("hv1", "hv2", 100)] * 4, ("hv1", "hv2", 1)).rate("hv1", "hv2") == 100


def test_what_is_long_ago_is_forgotten() -> None:
    rates = taught(*[("hv1", "hv2", 100)] * 50, *[("hv1", "hv2", 20)] * REMEMBERED)
    assert rates.rate("hv1", "hv2") == 20


def test_a_move_without_bytes_or_time_says_nothing_of_rates() -> None:
    rates = StreamRates()
    rates.learn("hv1", "hv2", 0, 5)
    rates.learn("hv1", "hv2", 5, 0)
    assert rates.rate("hv1", "hv2") == USUAL_RATE


def test_no_move_takes_no_time() -> None:
    assert StreamRates().seconds("hv1", "hv2", 0) == LEAST_SECONDS


@given(
    st.lists(st.tuples(st.integers(1, 10**12), st.integers(1, 10**5)), min_size=1),
    st.integers(0, 10**13),
)
def test_estimates_stay_within_what_was_seen(seen: list[tuple[int, int]], count: int) -> None:
    rates = StreamRates()
    for carried, seconds in seen:
        rates.learn("hv1", "hv2", carried, seconds)
    known = [carried / seconds for carried, seconds in seen]
    assert min(known) <= rates.rate("hv1", "hv2") <= max(known)
    assert rates.seconds("hv1", "hv2", count) >= LEAST_SECONDS
