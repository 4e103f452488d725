"""The link about networks for migrations: where the target listens, and who else is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.explain import LinkState
from delegation.explain.chain import WRONG_PRINCIPAL
from delegation.explain.networks import HostNetworks, link

NEAR, FAR, ODD = "10.20.0.0/24", "10.9.0.0/16", '{"garbage":1}'
HERE = HostNetworks("hv01", addresses=("10.20.0.7", "192.168.0.1", "fe80::1"))


def end(
    *listed: str,
    listens: tuple[str, ...] = (),
    at: tuple[str, ...] | None = ("10.20.0.8",),
    anywhere: bool = False,
    off: bool = False,
) -> HostNetworks:
    return HostNetworks("hv02", anywhere, listed, listens, at, off)


def test_a_source_needs_no_network_of_its_own() -> None:
    closed = HostNetworks("hv01", listed=(), addresses=())
    found = link(closed, end(NEAR, listens=("10.20.0.8",)))
    assert (found.state, found.evidence) == (LinkState.OK, "hv02 listens at 10.20.0.8")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (end(), "hv02 listens nowhere: no network is listed, and any network is off"),
        (end(FAR), "hv02 listens nowhere: it has no address in 10.9.0.0/16"),
        (end(NEAR, ODD), "hv02 tells no address where it listens"),
        (end(FAR, at=None), "hv02 tells no address where it listens"),
        (end(anywhere=True), "hv02 tells no address where it listens"),
    ],
)
def test_a_target_that_listens_nowhere_is_broken_and_says_why(
    target: HostNetworks, said: str
) -> None:
    found = link(HERE, target)
    assert (found.state, found.evidence) == (LinkState.BROKEN, said)
    assert "hv02" in found.fix


def test_a_target_whose_migrations_are_off_is_another_links_business() -> None:
    assert link(HERE, end(off=True)).state is LinkState.UNKNOWN


def test_an_address_on_both_hosts_is_told_with_the_order_in_which_they_are_tried() -> None:
    """As of a private network between the nodes of two clusters."""
    last = link(HERE, end(anywhere=True, listens=("10.20.0.8", "192.168.0.1")))
    assert last.state is LinkState.OK
    assert last.evidence == (
        "hv02 listens at 10.20.0.8 and 192.168.0.1, in this order; 192.168.0.1 is on hv01 as well: "
        "a source would reach itself there"
    )
    first = link(HERE, end(anywhere=True, listens=("192.168.0.1", "10.20.0.8")))
    assert (first.state, first.hresult) == (LinkState.BROKEN, WRONG_PRINCIPAL)
    assert "before all others" in first.fix


def test_where_the_source_tells_no_addresses_those_where_it_listens_count() -> None:
    untold = HostNetworks("hv01", listeners=("192.168.0.1",))
    found = link(untold, end(anywhere=True, listens=("192.168.0.1",)))
    assert found.state is LinkState.BROKEN
    assert link(HostNetworks("hv01"), end(listens=("192.168.0.1",))).state is LinkState.OK


TEXTS = st.sampled_from([NEAR, FAR, ODD, "", "10.20.0.9", "10.0.0.0/99", "fe80::1%4"]) | st.text()
LISTS = st.lists(TEXTS, max_size=3).map(tuple)
ENDS = st.builds(
    HostNetworks,
    st.sampled_from(["hv01", "hv02"]),
    st.booleans(),
    LISTS,
    LISTS,
    st.none() | LISTS,
    st.booleans(),
)


@given(ENDS, ENDS)
def test_whatever_a_host_says_it_is_judged(source: HostNetworks, target: HostNetworks) -> None:
    assert link(source, target).evidence
