"""What became of a migration, by what both hosts say: every combination of their answers."""

from dataclasses import replace
from itertools import product
from uuid import UUID

import pytest

from delegation.errors import CommandFailed, HostRefused, HostUnreachable, NoHostTicket
from delegation.hosts.failures import stopped
from delegation.hosts.hosted import Hosted
from delegation.hosts.machines import Failure, HostReading, MachineState, Resources, VirtualMachine
from delegation.migrations.lifecycle import Migration, MigrationState, MigrationStep
from delegation.migrations.runner.judging import (
    Cause,
    TryLimits,
    cause_of_end,
    cause_of_error,
    cause_of_failure,
    judge,
    judge_unsent,
)
from delegation.migrations.runner.room import capacity, migrations_of_others
from delegation.migrations.runner.whereabouts import Answer

ID = UUID(int=1)
SILENCE = HostUnreachable("it does not answer", "look at it")
RUNNING = Migration(
    ID, "web01", "hv01", "hv02", "", 4, 100, 104, state=MigrationState.RUNNING, at="hv01", to="hv02"
)
LIMITS = TryLimits(attempts=3)
AGAIN, NEVER = Cause("busy", "", again=True), Cause("no right", "get it", again=False)


def machine(number: int = 1, *, migrating: bool = False) -> VirtualMachine:
    return VirtualMachine(UUID(int=number), "web", MachineState.RUNNING, 4, migrating=migrating)


def hosted(*machines: VirtualMachine, **resources: int) -> Hosted:
    found = {"migrations": 2, "storage_migrations": 3, "memory": 50, "disk": 500} | resources
    return Hosted(HostReading("hv.corp.example", {}, Resources(**found, storage="")), machines)


HERE, AWAY, MOVING = hosted(machine()), hosted(), hosted(machine(migrating=True))
SEEN: dict[str, Answer] = {"here": HERE, "away": AWAY, "moving": MOVING, "silent": SILENCE}


@pytest.mark.parametrize(("source", "target"), [*product(SEEN, SEEN)])
def test_where_it_is_takes_the_word_of_both(source: str, target: str) -> None:
    looks = {"hv01": SEEN[source], "hv02": SEEN[target]}
    found = judge(RUNNING, looks, None, LIMITS)
    expected = {("here", "away"): MigrationStep.RETURNED, ("away", "here"): MigrationStep.ARRIVED}
    assert found.step == expected.get((source, target))
    assert found.moving == ("moving" in {source, target})
    assert found.odd == (source == target and source in {"here", "away"})
    assert bool(found.fix) == (found.step is None and not found.moving)
    assert found.at_rest == (found.step is None and source == "here" and target != "moving")
    if "silent" in {source, target} and not found.moving:
        assert "does not answer" in found.reason


@pytest.mark.parametrize(("source", "target"), [*product(SEEN, SEEN)])
def test_what_was_not_sent_leaves_nothing_to_find_out(source: str, target: str) -> None:
    looks = {"hv01": SEEN[source], "hv02": SEEN[target]}
    found = judge_unsent(RUNNING, looks, None, LIMITS)
    if (source, target) == ("away", "here"):
        assert found.step is MigrationStep.ARRIVED
    elif source == target and source in {"here", "away"}:
        assert found.step is MigrationStep.GIVEN_UP
    else:
        assert found.step is MigrationStep.POSTPONED


def test_what_two_hosts_say_alike_is_said_once_with_what_to_do() -> None:
    expired = NoHostTicket("the ticket has expired", "kinit")
    same = NoHostTicket("the ticket has expired", "kinit")
    found = judge(RUNNING, {"hv01": expired, "hv02": same}, None, LIMITS)
    assert (found.reason, found.fix) == ("the ticket has expired", "kinit")
    found = judge(RUNNING, {"hv01": expired, "hv02": SILENCE}, None, LIMITS)
    assert found.reason == "the ticket has expired; it does not answer"
    assert found.fix == "kinit; look at it"


def test_a_bypass_is_passed_and_not_the_end() -> None:
    aside = replace(RUNNING, to="hv03")
    found = judge(aside, {"hv01": AWAY, "hv03": HERE}, None, LIMITS)
    assert found.step is MigrationStep.PASSED


def at_source(
    move: Migration, cause: Cause | None, limits: TryLimits = LIMITS
) -> MigrationStep | None:
    return judge(move, {"hv01": HERE, "hv02": AWAY}, cause, limits).step


def test_what_comes_of_one_that_is_where_it_was() -> None:
    assert at_source(RUNNING, None) is MigrationStep.RETURNED
    assert at_source(RUNNING, AGAIN) is MigrationStep.POSTPONED
    assert at_source(replace(RUNNING, attempts=2), AGAIN) is MigrationStep.GIVEN_UP
    assert at_source(RUNNING, NEVER) is MigrationStep.GIVEN_UP
    assert at_source(RUNNING, NEVER, TryLimits(stopping=True)) is MigrationStep.RETURNED
    assert (
        at_source(replace(RUNNING, state=MigrationState.STOPPING), AGAIN) is MigrationStep.RETURNED
    )
    assert at_source(replace(RUNNING, abandoned=True), AGAIN) is MigrationStep.ABANDONED


def test_only_tries_that_failed_are_counted() -> None:
    looks = {"hv01": HERE, "hv02": AWAY}
    assert not judge(RUNNING, looks, None, LIMITS).blamed
    assert judge(RUNNING, looks, AGAIN, LIMITS).blamed
    assert not judge(RUNNING, looks, AGAIN, TryLimits(stopping=True)).blamed


def test_one_that_is_on_both_or_neither_can_be_given_up_by_somebody() -> None:
    both = {"hv01": HERE, "hv02": HERE}
    assert judge(RUNNING, both, AGAIN, LIMITS).step is None
    given_up = judge(replace(RUNNING, abandoned=True), both, AGAIN, LIMITS)
    assert given_up.step is MigrationStep.ABANDONED
    assert "left as it is" in given_up.reason


@pytest.mark.parametrize(
    ("hresult", "again"),
    [
        ("0x8009030E", False),
        ("0x80070005", False),
        ("0x80070070", False),
        ("0x80072746", True),
        ("0x80070020", True),
        ("0x800705B4", True),
        ("", False),
    ],
)
def test_what_can_help_is_tried_again(hresult: str, again: bool) -> None:  # noqa: FBT001
    assert cause_of_failure(RUNNING, Failure("in the host's own words", hresult)).again == again


def test_fixes_name_the_hosts() -> None:
    cause = cause_of_failure(RUNNING, Failure("", "0x8009030E"))
    assert "delegation explain hv01 hv02" in cause.fix
    assert "0x8009030E" in cause.words


def test_who_does_not_answer_may_later_and_who_refuses_will_not() -> None:
    assert cause_of_error(RUNNING, SILENCE).again
    assert cause_of_error(RUNNING, NoHostTicket("the ticket has expired", "kinit")).again
    assert not cause_of_error(RUNNING, HostRefused("no right", "get it")).again
    assert not cause_of_error(RUNNING, CommandFailed("no module", "")).again
    assert cause_of_error(RUNNING, CommandFailed("in use", "", hresult="0x80070020")).again


def test_a_move_that_somebody_else_stopped_is_not_started_again() -> None:
    assert at_source(RUNNING, cause_of_end(RUNNING, stopped())) is MigrationStep.GIVEN_UP


def test_done_and_still_there_is_tried_again() -> None:
    assert cause_of_end(RUNNING, None).again


# What is left of a host


def test_what_is_on_the_way_is_taken_off() -> None:
    coming = replace(RUNNING, percent=25)
    found = capacity("hv02", hosted(), [coming])
    assert (found.live, found.storage) == (2, 3)
    assert (found.memory, found.disk) == (50 - 4, 500 - 75)
    source = capacity("hv01", hosted(machine(migrating=True)), [coming])
    assert (source.live, source.memory, source.disk) == (2, 50, 500)


def test_what_has_arrived_is_in_the_reading_already() -> None:
    found = capacity("hv02", hosted(machine()), [RUNNING])
    assert (found.memory, found.disk) == (50, 500)


def test_migrations_of_others_take_slots() -> None:
    seen = hosted(machine(migrating=True), machine(7, migrating=True), machine(8))
    assert migrations_of_others(seen, [RUNNING]) == 1
    found = capacity("hv01", seen, [RUNNING])
    assert (found.live, found.storage) == (1, 2)


def test_one_of_ours_that_was_at_rest_takes_a_slot_where_the_host_moves_it_after_all() -> None:
    found = capacity("hv01", hosted(machine(migrating=True)), [RUNNING], {ID})
    assert (found.live, found.storage) == (1, 2)
    assert capacity("hv01", hosted(machine()), [RUNNING], {ID}).live == 2


def test_a_host_that_is_switched_off_has_no_slots() -> None:
    off = Hosted(HostReading("hv01", {"enabled": False}, hosted().reading.resources), ())
    assert capacity("hv01", off, []).live == 0
