"""The table of states, and the three things that it promises."""

import pytest

from delegation.migrations.lifecycle import TRANSITIONS, IllegalStepError, State, Step, after

BY_THE_HOSTS = {
    Step.ARRIVED,
    Step.PASSED,
    Step.RETURNED,
    Step.POSTPONED,
    Step.GIVEN_UP,
    Step.ABANDONED,
}
"""Steps that are taken when both hosts have said where the machine is."""

everything = [(state, step) for state in State for step in Step]


def reachable(start: State) -> set[State]:
    seen, left = {start}, [start]
    while left:
        for state in TRANSITIONS[left.pop()].values():
            if state not in seen:
                seen.add(state)
                left.append(state)
    return seen


def test_every_state_has_its_row_and_is_one_of_three_kinds() -> None:
    assert set(TRANSITIONS) == set(State)
    for state in State:
        assert [state.pending, state.on_the_way, state.ended].count(True) == 1


def test_every_state_and_every_step_is_used() -> None:
    assert reachable(State.QUEUED) == set(State)
    assert {step for row in TRANSITIONS.values() for step in row} == set(Step)


def test_an_end_is_an_end() -> None:
    for state in State:
        assert (TRANSITIONS[state] == {}) == state.ended


def test_from_everywhere_an_end_can_be_reached() -> None:
    for state in State:
        assert State.MOVED in reachable(state) or state.ended


@pytest.mark.parametrize(("state", "step"), everything)
def test_what_is_not_in_the_table_is_refused(state: State, step: Step) -> None:
    if step in TRANSITIONS[state]:
        assert after(state, step) is TRANSITIONS[state][step]
    else:
        with pytest.raises(IllegalStepError, match=f"{state} can't be {step}"):
            after(state, step)


@pytest.mark.parametrize(("state", "step"), everything)
def test_nothing_is_on_the_way_but_by_an_intent(state: State, step: Step) -> None:
    """And an intent is only had of what is queued: so nothing is started twice at once."""
    became = TRANSITIONS[state].get(step)
    if became is not None and became.on_the_way and not state.on_the_way:
        assert (state, step) == (State.QUEUED, Step.INTENDED)
    if step is Step.INTENDED:
        assert (became is not None) == (state is State.QUEUED)


@pytest.mark.parametrize(("state", "step"), everything)
def test_nothing_leaves_the_way_but_by_what_both_hosts_say(state: State, step: Step) -> None:
    became = TRANSITIONS[state].get(step)
    if state.on_the_way and became is not None and not became.on_the_way:
        assert step in BY_THE_HOSTS


def test_whatever_is_on_the_way_can_be_lost_and_settled() -> None:
    for state in State:
        if state.on_the_way:
            assert TRANSITIONS[state].keys() >= BY_THE_HOSTS
            assert state is State.UNKNOWN or after(state, Step.LOST) is State.UNKNOWN
