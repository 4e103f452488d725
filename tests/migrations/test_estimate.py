"""Rates learnt from moves that are done, and fair shares of networks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.migrations.schedule.estimate import (
    LEAST_SECONDS,
    REMEMBERED,
    USUAL_RATE,
    Stream,
    StreamRates,
    fair_rates,
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


def test_streams_alone_have_all_that_they_can_take() -> None:
    assert fair_rates([Stream("hv1", "hv2", 4), Stream("hv2", "hv1", 4)], {"hv1": 5, "hv2": 5}) == [
        4,
        4,
    ]


def test_a_full_link_is_shared_and_what_one_leaves_the_others_get() -> None:
    streams = [Stream("hv1", "hv2", 9), Stream("hv1", "hv3", 9), Stream("hv1", "hv4", 2)]
    assert fair_rates(streams, {"hv1": 10}) == [4, 4, 2]
    assert fair_rates(streams, {"hv1": 10, "hv3": 1}) == [7, 1, 2]


HOSTS = st.sampled_from(("hv1", "hv2", "hv3", "hv4"))
STREAMS = st.lists(
    st.builds(Stream, source=HOSTS, to=HOSTS, most=st.integers(0, 20).map(float)), max_size=8
)


@given(STREAMS, st.dictionaries(HOSTS, st.integers(1, 20).map(float)))
def test_shares_are_max_min_fair(streams: list[Stream], bandwidth: dict[str, float]) -> None:
    """No link is overfull, and a stream that has less than its most shares a full link there.

    On that link, none has more than it.
    """
    rates = fair_rates(streams, bandwidth)
    shared = list(zip(streams, rates, strict=True))
    links = {("out of", host): [r for s, r in shared if s.source == host] for host in bandwidth}
    links |= {("into", host): [r for s, r in shared if s.to == host] for host in bandwidth}
    for (_, host), shares in links.items():
        assert sum(shares) <= bandwidth[host] + 1e-9
    for stream, rate in shared:
        assert 0 <= rate <= stream.most
        its = [link for link in (("out of", stream.source), ("into", stream.to)) if link in links]
        assert rate == stream.most or any(
            sum(links[link]) == pytest.approx(bandwidth[link[1]])
            and max(links[link]) <= rate + 1e-9
            for link in its
        )
