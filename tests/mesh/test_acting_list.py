"""Who may act by a target's list where the account's groups are not known.

With known groups the list is a step of the KDC's decision: ``test_kdc.py``.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.mesh.acting_list import lets_act
from delegation.mesh.snapshot import Ace

OWN, GROUP, OTHER = "S-1-5-21-1-1-1-1101", "S-1-5-21-1-1-1-2101", "S-1-5-21-1-1-1-1199"
FULL = 0xF01FF


def allow(sid: str, mask: int = FULL) -> Ace:
    return Ace(allows=True, mask=mask, sid=sid)


def perhaps(ace: Ace) -> Ace:
    return ace._replace(is_certain=False)


def deny(sid: str, mask: int = FULL) -> Ace:
    return Ace(allows=False, mask=mask, sid=sid)


@pytest.mark.parametrize(
    ("acting", "expected"),
    [
        ((perhaps(allow(OWN)),), None),
        ((perhaps(allow(OWN)), allow(OWN)), True),
        ((perhaps(deny(OWN)), allow(OWN)), None),
        ((perhaps(deny(OWN)),), False),
        ((perhaps(allow(GROUP)),), False),
        ((perhaps(allow("S-1-1-0")), deny(OWN)), None),
    ],
)
def test_an_uncertain_entry_leaves_open_what_depends_on_it(
    acting: tuple[Ace, ...], *, expected: bool | None
) -> None:
    assert lets_act(acting, OWN, frozenset({OWN})) is expected


@pytest.mark.parametrize(
    ("acting", "expected"),
    [
        ((), False),
        ((allow(OWN),), True),
        ((deny(OWN), allow(OTHER)), False),
        ((allow("S-1-1-0"),), True),
        ((allow(GROUP),), None),
        ((allow(GROUP), allow(OWN)), True),
        ((deny(GROUP), allow(OWN)), None),
        ((deny(GROUP),), False),
        ((allow(GROUP, 0x1),), False),
    ],
)
def test_an_unknown_token_leaves_open_what_depends_on_it(
    acting: tuple[Ace, ...], *, expected: bool | None
) -> None:
    assert lets_act(acting, OWN, None) is expected


SIDS = st.sampled_from([OWN, GROUP, OTHER, "S-1-1-0"])
LISTS = st.lists(st.builds(Ace, st.booleans(), st.sampled_from([FULL, 0x100, 0xFF]), SIDS))


@given(LISTS)
def test_what_is_told_without_a_token_holds_with_any(acting: list[Ace]) -> None:
    without = lets_act(acting, OWN, None)
    groups = [frozenset({OWN, *more}) for more in ((), (GROUP,), (OTHER,), (GROUP, OTHER))]
    answers = {lets_act(acting, OWN, token) for token in groups}
    if all(ace.is_certain for ace in acting):
        assert None not in answers
    # Each entry is taken for itself: two for one group may leave open what is not.
    assert without is None or answers == {without}
