from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from delegation.changes.plan import Change, Target
from delegation.directory import modify
from delegation.mesh.snapshot import Computer
from delegation.mesh.state import Delegation

GUID = UUID(int=1)
TARGET = Target("hv01", "CN=hv01", GUID)
VALUES = st.lists(
    st.builds("{}/hv{}".format, st.sampled_from(["cifs", "CIFS", "http"]), st.integers(1, 4)),
    unique_by=str.casefold,
)
FLAGS = st.sampled_from([4096, 4098, 16781312])
STATES = st.builds(Delegation, VALUES.map(tuple), FLAGS)


def holding(state: Delegation) -> Computer:
    return Computer("hv01$", "CN=hv01", GUID, state.uac, state.values)


@given(STATES, STATES)
def test_what_was_seen_becomes_what_was_planned(before: Delegation, after: Delegation) -> None:
    assert modify.applied(holding(before), Change(TARGET, before, after)) == after


@given(STATES, STATES, STATES)
def test_what_nobody_asked_for_stays(
    now: Delegation, before: Delegation, after: Delegation
) -> None:
    try:
        made = modify.applied(holding(now), Change(TARGET, before, after))
    except modify.ModifyRefused as no:
        assert no.refusal.value[1] in str(no)  # noqa: PT017 - a refusal is one of two right ends
        return
    touched = {value.casefold() for value in {*before.values} ^ {*after.values}}
    left = [value for value in now.values if value.casefold() not in touched]
    assert sorted(v for v in made.values if v.casefold() not in touched) == sorted(left)
    assert len({value.casefold() for value in made.values}) == len(made.values)
    assert made.uac == (now.uac if before.uac == after.uac else after.uac)
