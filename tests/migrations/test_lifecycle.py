"""The table of states, and the three things that it promises."""

import pytest

from delegation.migrations.lifecycle import (
    TRANSITIONS,
    IllegalStepError,
    MigrationState,
    MigrationStep,
    after,
)

BY_THE_HOSTS = {
    MigrationStep.ARRIVED,
    MigrationStep.PASSED,
    MigrationStep.RETURNED,
    MigrationStep.POSTPONED,
    MigrationStep.GIVEN_UP,
    MigrationStep.ABANDONED,
}
"""Steps that are taken when both hosts have said where the machine is."""

everything = [(state, step) for state in MigrationState for step in MigrationStep]


def reachable(start: MigrationState) -> set[MigrationState]:
    seen, left = {start}, [start]
    while left:
        for state in TRANSITIONS[left.pop()].values():
            if state not in seen:
                seen.add(state)
                left.append(state)
    return seen


def test_every_state_has_its_row_and_is_one_of_three_kinds() -> None:
    assert set(TRANSITIONS) == set(MigrationState)
    for state in MigrationState:
        assert [state.pending, state.on_the_way, state.ended].count(True) == 1


def test_every_state_and_every_step_is_used() -> None:
    assert reachable(MigrationState.QUEUED) == set(MigrationState)
    assert {step for row in TRANSITIONS.values() for step in row} == set(MigrationStep)


def test_an_end_is_an_end() -> None:
    for state in MigrationState:
        assert (TRANSITIONS[state] == {}) == state.ended


def test_from_everywhere_an_end_can_be_reached() -> None:
    for state in MigrationState:
        assert MigrationState.MOVED in reachable(state) or state.ended


@pytest.mark.parametrize(("state", "step"), everything)
def test_what_is_not_in_the_table_is_refused(state: MigrationState, step: MigrationStep) -> None:
    if step in TRANSITIONS[state]:
        assert after(state, step) is TRANSITIONS[state][step]
    else:
        with pytest.raises(IllegalStepError, match=f"{state} can't be {step}"):
            after(state, step)


@pytest.mark.parametrize(("state", "step"), everything)
def test_nothing_is_on_the_way_but_by_an_intent(state: MigrationState, step: MigrationStep) -> None:
    """And an intent is only had of what is queued: so nothing is started twice at once."""
    became = TRANSITIONS[state].get(step)
    if became is not None and became.on_the_way and not state.on_the_way:
        assert (state, step) == (MigrationState.QUEUED, MigrationStep.INTENDED)
    if step is MigrationStep.INTENDED:
        assert (became is not None) == (state is MigrationState.QUEUED)


@pytest.mark.parametrize(("state", "step"), everything)
def test_nothing_leaves_the_way_but_by_what_both_hosts_say(
    state: MigrationState, step: MigrationStep
) -> None:
    became = TRANSITIONS[state].get(step)
    if state.on_the_way and became is not None and not became.on_the_way:
        assert step in BY_THE_HOSTS


def test_whatever_is_on_the_way_can_be_lost_and_settled() -> None:
    for state in MigrationState:
        if state.on_the_way:
            assert TRANSITIONS[state].keys() >= BY_THE_HOSTS
            assert (
                state is MigrationState.UNKNOWN
                or after(state, MigrationStep.LOST) is MigrationState.UNKNOWN
            )
