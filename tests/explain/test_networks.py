"""The link about networks for migrations: each end by itself, then both together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.explain import LinkState
from delegation.explain.networks import HostNetworks, link

NEAR, WIDE, FAR, SIX = "10.20.0.0/24", "10.20.0.0/16", "10.9.0.0/16", "fd00::/64"
ODD = '{"garbage":1}'
UNKNOWN = "; whether {} has an address there is not known"


def end(
    label: str, *listed: str, at: str | None = "10.20.0.7", anywhere: bool = False
) -> HostNetworks:
    """A host with one address; None: its addresses are not known."""
    return HostNetworks(label, anywhere, listed, None if at is None else (at, "fe80::1"))


def judged(source: HostNetworks, target: HostNetworks) -> tuple[LinkState, str]:
    found = link(source, target)
    assert bool(found.fix) is (found.state is not LinkState.OK)
    return found.state, found.evidence


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        (end("hv01", NEAR), end("hv02", NEAR), "both list 10.20.0.0/24"),
        (
            end("hv01", WIDE),
            end("hv02", NEAR),
            "10.20.0.0/16 of hv01 and 10.20.0.0/24 of hv02 overlap",
        ),
        (end("hv01", FAR, NEAR), end("hv02", NEAR, FAR), "both list 10.20.0.0/24"),
        (end("hv01", anywhere=True), end("hv02", anywhere=True), "both take any network"),
        (
            end("hv01", anywhere=True),
            end("hv02", NEAR),
            "hv01 takes any network, hv02 lists 10.20.0.0/24",
        ),
        (end("hv01", ODD, NEAR), end("hv02", NEAR), "both list 10.20.0.0/24"),
        (end("hv01", ODD, anywhere=True), end("hv02", FAR, anywhere=True), "both take any network"),
        (
            end("hv01", NEAR, at=None),
            end("hv02", NEAR),
            f"both list 10.20.0.0/24{UNKNOWN.format('hv01')}",
        ),
        (
            end("hv01", anywhere=True, at=None),
            end("hv02", NEAR, at=None),
            f"hv01 takes any network, hv02 lists {NEAR}{UNKNOWN.format('hv02')}",
        ),
    ],
)
def test_what_is_in_order_says_what_was_compared(
    source: HostNetworks, target: HostNetworks, said: str
) -> None:
    assert judged(source, target) == (LinkState.OK, said)


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        (
            end("hv01"),
            end("hv02", anywhere=True),
            "hv01: no network is listed, and any network is off",
        ),
        (end("hv01", NEAR), end("hv02"), "hv02: no network is listed, and any network is off"),
        (end("hv01"), end("hv02"), "hv01 and hv02: no network is listed, and any network is off"),
        (end("hv01", anywhere=True), end("hv02", FAR), "hv02 has no address in 10.9.0.0/16"),
        (
            end("hv01", FAR),
            end("hv02", FAR),
            "hv01 has no address in 10.9.0.0/16; hv02 has no address in 10.9.0.0/16",
        ),
        (end("hv01", FAR), end("hv02", anywhere=True), "hv01 has no address in 10.9.0.0/16"),
        (
            end("hv01", NEAR, at=None),
            end("hv02", FAR, at=None),
            "none in common: hv01 lists 10.20.0.0/24, hv02 lists 10.9.0.0/16",
        ),
        (
            end("hv01", FAR, NEAR),
            end("hv02", FAR, at="10.9.0.1"),
            "none in common: hv01 lists 10.20.0.0/24, hv02 lists 10.9.0.0/16",
        ),
        (
            end("hv01", SIX, at="fd00::7"),
            end("hv02", NEAR),
            "none in common: hv01 lists fd00::/64, hv02 lists 10.20.0.0/24",
        ),
    ],
)
def test_what_cannot_work_is_broken_and_the_end_is_named(
    source: HostNetworks, target: HostNetworks, said: str
) -> None:
    assert judged(source, target) == (LinkState.BROKEN, said)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (end("hv01", ODD), end("hv02", anywhere=True)),
        (end("hv01", anywhere=True), end("hv02", ODD, FAR)),
        (end("hv01", NEAR, ODD), end("hv02", SIX, at="fd00::7")),
        (end("hv01", NEAR), end("hv02", ODD)),
    ],
)
def test_what_hangs_on_a_subnet_that_is_none_is_not_known(
    source: HostNetworks, target: HostNetworks
) -> None:
    state, said = judged(source, target)
    assert state is LinkState.UNKNOWN
    assert ODD in said


SUBNETS = st.sampled_from([NEAR, WIDE, FAR, SIX, ODD, "", "10.20.0.9", "10.0.0.0/99"]) | st.text()
ENDS = st.builds(
    HostNetworks,
    st.sampled_from(["hv01", "hv02"]),
    st.booleans(),
    st.lists(SUBNETS, max_size=3).map(tuple),
    st.none() | st.lists(SUBNETS, max_size=3).map(tuple),
)


@given(ENDS, ENDS)
def test_whatever_a_host_says_it_is_judged(source: HostNetworks, target: HostNetworks) -> None:
    assert link(source, target).evidence
