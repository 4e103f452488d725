from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.changes.plan import Change, Plan, Target
from delegation.changes.review import Reviewed, SavedPlan
from delegation.errors import Refused
from delegation.mesh.plan_form import DelegationPlanForm
from delegation.mesh.state import Delegation, DelegationPlan, added, flags, removed
from tests.builders import (
    DOMAIN,
    ENABLED,
    TRANSITION,
    UNCONSTRAINED,
    World,
    change,
    computer,
    found_values,
    guid,
    planned,
    worlds,
)

_STATES = st.builds(
    Delegation,
    found_values,
    st.sampled_from([ENABLED, ENABLED | TRANSITION, ENABLED | UNCONSTRAINED]),
)
_FORM = DelegationPlanForm()
_TARGET = Target("hv01", "CN=HV01,DC=corp,DC=example", guid("hv01"))


def test_a_change_tells_what_it_adds_removes_and_flips() -> None:
    hv01 = computer("hv01", "cifs/hv02", "CIFS/old", uac=ENABLED | UNCONSTRAINED)
    made = change(hv01, add=["cifs/hv03"], remove=["CIFS/old"], uac=ENABLED | TRANSITION)
    assert added(made) == ("cifs/hv03",)
    assert removed(made) == ("CIFS/old",)
    assert flags(made) == {"protocol_transition": (False, True), "unconstrained": (True, False)}


@given(_STATES, _STATES)
def test_the_reverse_swaps_what_is_added_and_removed(before: Delegation, after: Delegation) -> None:
    forward = Change(_TARGET, before, after)
    back = forward.reversed()
    assert set(added(back)) == set(removed(forward))
    assert set(removed(back)) == set(added(forward))
    assert flags(back) == {name: (now, was) for name, (was, now) in flags(forward).items()}
    assert back.reversed() == forward


@given(worlds())
def test_a_plan_reversed_twice_is_the_plan(world: World) -> None:
    plan = planned(world.inventory, world.directory)
    assert plan.reversed().reversed().changes == plan.changes
    assert plan.reversed().reversed().digest == plan.digest


def _plan(
    *values: str,
    uac: int = ENABLED,
    dn: str = _TARGET.dn,
    identity: UUID = _TARGET.guid,
    **other: str,
) -> DelegationPlan:
    target = Target(_TARGET.name, dn, identity)
    made = Change(target, Delegation(("HTTP/a", "cifs/b"), ENABLED), Delegation(values, uac))
    return Plan(other.get("kind", "delegation"), other.get("domain", DOMAIN), (made,))


def test_the_digest_is_a_sha256_that_stays_the_same_from_version_to_version() -> None:
    """A saved plan and its digest are reviewed one day and applied another."""
    assert _plan("cifs/hv02").digest == (
        "sha256:eb1fba2e0e0360aa5c4de7e457cf43397589f5dccbf2feb612b6971f75354083"
    )


def test_the_digest_of_0_1_is_told_from_any_other() -> None:
    """It held no objectGUID: who has one is told why it is not taken any more."""
    plan = _plan("cifs/hv02")
    of_0_1 = "sha256:93615207b7648be7a5886c15703b4e3a685f14a34595892de58746cd221d4b3f"
    assert plan.former_digest == of_0_1
    saved = SavedPlan(plan.domain, of_0_1, plan.changes)
    for reviewed in (Reviewed(_FORM, saved), Reviewed(_FORM, expect=of_0_1)):
        with pytest.raises(Refused, match="nothing was written") as caught:
            reviewed.refuse_other(plan)
        told = "\n".join([caught.value.what, *caught.value.details])
        assert "of version 0.1" in told
        assert "not that of its changes" not in told
        assert "plan again" in str(caught.value.fix)


@pytest.mark.parametrize(
    "same",
    [
        _plan("cifs/hv02", "HTTP/x", dn="cn=hv01, dc=CORP,dc=example"),
        _plan("HTTP/x", "cifs/hv02"),
        _plan("cifs/hv02", "HTTP/x", domain="CORP.example"),
        replace(
            _plan("cifs/hv02", "HTTP/x"),
            changes=tuple(
                c._replace(before=Delegation(("cifs/b", "HTTP/a"), ENABLED))
                for c in _plan("cifs/hv02", "HTTP/x").changes
            ),
        ),
    ],
    ids=["spelling of the DN", "order after", "case of the domain", "order before"],
)
def test_what_leaves_the_digest_as_it_is(same: DelegationPlan) -> None:
    assert same.digest == _plan("cifs/hv02", "HTTP/x").digest


@pytest.mark.parametrize(
    "other",
    [
        _plan("cifs/hv02", "HTTP/x", "HTTP/y"),
        _plan("cifs/hv02"),
        _plan("cifs/HV02", "HTTP/x"),
        _plan("cifs/hv02", "HTTP/x", uac=ENABLED | TRANSITION),
        _plan("cifs/hv02", "HTTP/x", dn="CN=HV02,DC=corp,DC=example"),
        _plan("cifs/hv02", "HTTP/x", identity=guid("hv01 that was made again")),
        _plan("cifs/hv02", "HTTP/x", kind="settings"),
        _plan("cifs/hv02", "HTTP/x", domain="lab.example"),
        _plan("cifs/hv02", "HTTP/x").reversed(),
        Plan("delegation", DOMAIN, ()),
    ],
    ids=[
        "more",
        "less",
        "spelling",
        "flag",
        "dn",
        "identity",
        "kind",
        "domain",
        "reverse",
        "nothing",
    ],
)
def test_what_gives_another_digest(other: DelegationPlan) -> None:
    assert other.digest != _plan("cifs/hv02", "HTTP/x").digest


@given(_STATES, st.permutations(range(10)))
def test_the_order_of_values_means_nothing(state: Delegation, order: list[int]) -> None:
    places = [index for index in order if index < len(state.values)]
    rest = range(len(order), len(state.values))
    shuffled = Delegation(tuple(state.values[index] for index in (*places, *rest)), state.uac)
    assert shuffled.same(state)
    assert shuffled.canonical() == state.canonical()


def test_spelling_and_every_bit_mean_something() -> None:
    state = Delegation(("cifs/hv02",), ENABLED)
    assert not state.same(Delegation(("CIFS/hv02",), ENABLED))
    assert not state.same(Delegation(("cifs/hv02",), ENABLED | 2))
    assert not state.same(Delegation(("cifs/hv02", "CIFS/hv02"), ENABLED))
