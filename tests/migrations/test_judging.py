"""What became of a migration, by what both hosts say: every combination of their answers."""

from dataclasses import replace
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from delegation.errors import (
    CimFailed,
    CommandFailed,
    HostRefused,
    HostUnreachable,
    MachinesNotTold,
    MoveRefused,
    MoveUnsettled,
    NoHostTicket,
)
from delegation.hosts.failures import stopped
from delegation.hosts.hosted import Hosted
from delegation.hosts.machines import (
    Failure,
    HostReading,
    MachineActivity,
    MachineState,
    MovePhase,
    Resources,
    UnderWay,
    VirtualMachine,
)
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
from delegation.migrations.runner.room import capacity, of_others
from delegation.migrations.runner.whereabouts import Answer
from delegation.migrations.runner.work import MigrationOver, Unsent

ID = UUID(int=1)
SILENCE = HostUnreachable("it does not answer", "look at it")
RUNNING = Migration(
    ID, "web01", "hv01", "hv02", "", 4, 100, 104, state=MigrationState.RUNNING, at="hv01", to="hv02"
)
LIMITS = TryLimits(attempts=3)
AGAIN, NEVER = Cause("busy", "", again=True), Cause("no right", "get it", again=False)


def machine(
    number: int = 1, activity: MachineActivity | None = None, *, migrating: bool = False
) -> VirtualMachine:
    goes_on = MachineActivity.MIGRATING if migrating else activity
    return VirtualMachine(UUID(int=number), "web", MachineState.RUNNING, 4, activity=goes_on)


def hosted(*machines: VirtualMachine, under_way: UnderWay = UnderWay()) -> Hosted:  # noqa: B008
    """A host that allows 2 migrations at a time, and 3 of storage."""
    found = Resources(2, 3, 50, 500, "")
    return Hosted(HostReading("hv.corp.example", {}, found, under_way=under_way), machines)


HERE, AWAY, MOVING = hosted(machine()), hosted(), hosted(machine(migrating=True))
SEEN: dict[str, Answer] = {"here": HERE, "away": AWAY, "moving": MOVING, "silent": SILENCE}


def over(source: Answer, target: Answer, **facts: Any) -> MigrationOver:
    return MigrationOver(ID, {"hv01": source, "hv02": target}, **facts)


@pytest.mark.parametrize(("source", "target"), [*product(SEEN, SEEN)])
def test_where_it_is_takes_the_word_of_both(source: str, target: str) -> None:
    found = judge(RUNNING, over(SEEN[source], SEEN[target]), None, LIMITS)
    expected = {("here", "away"): MigrationStep.RETURNED, ("away", "here"): MigrationStep.ARRIVED}
    assert found.step == expected.get((source, target))
    assert found.moving == ("moving" in {source, target})
    assert found.odd == (source == target and source in {"here", "away"})
    if found.step is None:
        assert bool(found.fix) == (not found.moving)
    assert found.at_rest == (found.step is None and source == "here" and target != "moving")
    if "silent" in {source, target} and not found.moving:
        assert "does not answer" in found.reason


@pytest.mark.parametrize(("source", "target"), [*product(SEEN, SEEN)])
def test_what_was_not_sent_leaves_nothing_to_find_out(source: str, target: str) -> None:
    looks = {"hv01": SEEN[source], "hv02": SEEN[target]}
    found = judge_unsent(RUNNING, Unsent(ID, looks=looks), LIMITS)
    if (source, target) == ("away", "here"):
        assert found.step is MigrationStep.ARRIVED
    elif source == target and source in {"here", "away"}:
        assert found.step is MigrationStep.GIVEN_UP
    else:
        assert found.step is MigrationStep.POSTPONED


def test_what_two_hosts_say_alike_is_said_once_with_what_to_do() -> None:
    expired = NoHostTicket("the ticket has expired", "kinit")
    same = NoHostTicket("the ticket has expired", "kinit")
    found = judge(RUNNING, over(expired, same), None, LIMITS)
    assert (found.reason, found.fix) == ("the ticket has expired", "kinit")
    found = judge(RUNNING, over(expired, SILENCE), None, LIMITS)
    assert found.reason == "the ticket has expired; it does not answer"
    assert found.fix == "kinit; look at it"


def test_a_bypass_is_passed_and_not_the_end() -> None:
    aside = replace(RUNNING, to="hv03")
    found = judge(aside, MigrationOver(ID, {"hv01": AWAY, "hv03": HERE}), None, LIMITS)
    assert found.step is MigrationStep.PASSED


def at_source(
    move: Migration, cause: Cause | None, limits: TryLimits = LIMITS
) -> MigrationStep | None:
    return judge(move, over(HERE, AWAY), cause, limits).step


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
    looks = over(HERE, AWAY)
    assert not judge(RUNNING, looks, None, LIMITS).blamed
    assert judge(RUNNING, looks, AGAIN, LIMITS).blamed
    assert not judge(RUNNING, looks, AGAIN, TryLimits(stopping=True)).blamed


def test_one_that_is_on_both_or_neither_can_be_given_up_by_somebody() -> None:
    both = over(HERE, HERE)
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
        ("0x80041234", False),
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
    assert cause_of_error(RUNNING, MachinesNotTold("no list", "get rights")).again
    assert cause_of_error(RUNNING, NoHostTicket("the ticket has expired", "kinit")).again
    assert not cause_of_error(RUNNING, HostRefused("no right", "get it")).again
    assert not cause_of_error(RUNNING, CommandFailed("no module", "")).again
    assert cause_of_error(RUNNING, CommandFailed("in use", "", hresult="0x80070020")).again


def test_a_move_that_somebody_else_stopped_is_not_started_again() -> None:
    assert at_source(RUNNING, cause_of_end(RUNNING, stopped())) is MigrationStep.GIVEN_UP


def test_done_and_still_there_is_tried_again() -> None:
    assert cause_of_end(RUNNING, None).again


# Limits, and what has no numbers

NO_NUMBERS = Failure("移行の制限に達しました")
FULL_HOST = hosted(machine(), under_way=UnderWay(2, 0))


@pytest.mark.parametrize("where", ["source", "target"])
@pytest.mark.parametrize("counted", [UnderWay(2, 0), UnderWay(0, 3)])
def test_what_fails_beside_a_count_at_its_maximum_was_the_limit(
    where: str, counted: UnderWay
) -> None:
    full = hosted(machine(), under_way=counted)
    looks: dict[str, Answer] = {"hv01": HERE, "hv02": AWAY}
    looks["hv01" if where == "source" else "hv02"] = full
    cause = cause_of_end(RUNNING, NO_NUMBERS, looks)
    assert cause.again
    assert "limit of migrations" in cause.words
    assert cause.said == NO_NUMBERS


def test_without_numbers_and_beside_free_slots_the_cause_is_unknown() -> None:
    room = hosted(machine(), under_way=UnderWay(1, 2))
    cause = cause_of_end(RUNNING, NO_NUMBERS, {"hv01": room, "hv02": SILENCE})
    assert not cause.again
    assert cause.words.startswith("unknown: ")
    assert NO_NUMBERS.message in cause.words


def test_a_number_that_is_known_is_the_cause_however_full_a_host_is() -> None:
    failure = Failure("migration limit reached", "0x8009030E")
    cause = cause_of_end(RUNNING, failure, {"hv01": FULL_HOST, "hv02": FULL_HOST})
    assert not cause.again
    assert "0x8009030E" in cause.words


def test_a_request_that_is_refused_at_the_limit_is_tried_again() -> None:
    refused = MoveRefused("method returned 32768", code=32768)
    looks: dict[str, Answer] = {"hv01": FULL_HOST, "hv02": AWAY}
    assert judge_unsent(RUNNING, Unsent(ID, refused, looks), LIMITS).step is (
        MigrationStep.POSTPONED
    )
    free: dict[str, Answer] = {"hv01": HERE, "hv02": AWAY}
    found = judge_unsent(RUNNING, Unsent(ID, refused, free), LIMITS)
    assert found.step is MigrationStep.GIVEN_UP
    assert found.said is not None
    assert found.said.error_code == 32768


# What others do with it, and what is left behind


@pytest.mark.parametrize(
    ("source", "is_at_work", "words"),
    [
        (hosted(machine(activity=MachineActivity.BUSY)), True, "hv01 is busy with it"),
        (hosted(machine(activity=MachineActivity.BUSY)), False, "hv01 is busy with it"),
        (MOVING, True, "somebody else is migrating it"),
        (HERE, True, "somebody else is migrating it"),
    ],
)
def test_what_is_held_up_is_waited_for_and_nobody_is_to_blame(
    source: Answer,
    is_at_work: bool,  # noqa: FBT001
    words: str,
) -> None:
    unsent = Unsent(ID, looks={"hv01": source, "hv02": AWAY}, is_at_work=is_at_work)
    found = judge_unsent(replace(RUNNING, attempts=99), unsent, LIMITS)
    assert found.step is MigrationStep.POSTPONED
    assert (found.waits, found.blamed) == (True, False)
    assert found.reason.startswith(words)


@pytest.mark.parametrize(
    "seen",
    [
        over(HERE, AWAY, is_at_work=True, heard=True, failure=NO_NUMBERS),
        over(hosted(machine(activity=MachineActivity.BUSY)), AWAY, heard=True),
    ],
)
def test_nothing_is_settled_while_its_source_works_on_it(seen: MigrationOver) -> None:
    found = judge(RUNNING, seen, NEVER, LIMITS)
    assert found.step is None
    assert found.moving
    assert not found.at_rest


def test_a_source_that_can_not_tell_yet_settles_nothing() -> None:
    """Whatever it shows of the machine: a job that is about to begin is not seen there."""
    can_not_tell = MoveUnsettled("it may still begin", "wait")
    for source, target in ((HERE, AWAY), (AWAY, HERE)):
        found = judge(RUNNING, over(source, target, silence=can_not_tell), None, LIMITS)
        assert (found.step, found.unsettled, found.at_rest) == (None, True, False)
        assert (found.reason, found.fix) == ("it may still begin", "wait")


def test_a_planned_machine_that_stays_ends_it_and_is_told() -> None:
    """Another try could not tell it from somebody else's."""
    stays = CimFailed("it can't be removed", "")
    for cause in (AGAIN, None):
        found = judge(RUNNING, over(HERE, AWAY, untidied=stays), cause, LIMITS)
        assert found.step is MigrationStep.GIVEN_UP
        assert "remove the planned machine that it has left on hv02" in found.fix
        assert "it can't be removed" in found.fix


@pytest.mark.parametrize(
    ("phase", "is_told"),
    [
        (MovePhase.CREATING, False),
        (MovePhase.CHECKING, False),
        (MovePhase.MACHINE_AND_STORAGE, True),
        (None, True),
    ],
)
def test_files_that_may_be_left_are_told_with_their_folder(
    phase: MovePhase | None,
    is_told: bool,  # noqa: FBT001
) -> None:
    cause = cause_of_failure(RUNNING, Failure("it failed", phase=phase))
    folder = replace(RUNNING, storage="D:\\VMs\\web01")
    found = judge(folder, over(HERE, AWAY, heard=True), cause, LIMITS)
    assert ("D:\\VMs\\web01 on hv02" in found.fix) == is_told


def test_all_that_a_host_gave_is_kept() -> None:
    failure = Failure("失敗", "0x80070020", "21024", 32768, MovePhase.STORAGE)
    found = judge(RUNNING, over(HERE, AWAY), cause_of_failure(RUNNING, failure), LIMITS)
    assert found.said == failure
    failed = CimFailed("it fails", "", ["失敗"], hresult="0x80070005", code=7, message_id="13")
    assert cause_of_error(RUNNING, failed).said == Failure("失敗", "0x80070005", "13", 7)


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


@pytest.mark.parametrize("host", ["hv01", "hv02"])
def test_migrations_of_others_take_slots_of_their_kind_at_either_end(host: str) -> None:
    """What a host counts, ours taken off: once they were taken by both of us, or by nobody."""
    seen = hosted(under_way=UnderWay(2, 1))
    assert of_others(host, seen, [RUNNING]) == UnderWay(1, 0)
    found = capacity(host, seen, [RUNNING])
    assert (found.live, found.storage) == (1, 3)


def test_ours_that_no_host_counts_yet_takes_nothing_off_what_others_have() -> None:
    assert of_others("hv01", hosted(), [RUNNING]) == UnderWay()
    assert capacity("hv01", hosted(), [RUNNING]).live == 2
    elsewhere = replace(RUNNING, machine=UUID(int=7), at="hv03", to="hv04")
    assert of_others("hv01", hosted(under_way=UnderWay(1, 1)), [elsewhere]) == UnderWay(1, 1)


def test_one_of_ours_that_was_at_rest_takes_a_slot_where_the_host_moves_it_after_all() -> None:
    moves = hosted(under_way=UnderWay(1, 1))
    found = capacity("hv01", moves, [RUNNING], {ID})
    assert (found.live, found.storage) == (1, 2)
    assert capacity("hv01", hosted(), [RUNNING], {ID}).live == 2


def test_one_that_is_prepared_has_its_room_and_no_slot_of_others() -> None:
    """Nothing was sent: what the host counts is somebody else's."""
    found = capacity("hv02", hosted(under_way=UnderWay(1, 0)), [], (), [RUNNING])
    assert (found.live, found.memory, found.disk) == (1, 50 - 4, 500 - 100)


def test_free_space_that_is_not_told_is_no_bound_unless_somebody_says_so() -> None:
    silent = Resources(2, 2, None, None, "")
    seen = Hosted(HostReading("hv02", {}, silent, not_told={"disk": "no right"}), ())
    free = capacity("hv02", seen, [RUNNING])
    assert min(free.memory, free.disk) > 1 << 60
    full = capacity("hv02", seen, [], assume_full=True)
    assert (full.memory, full.disk) == (0, 0)


def test_a_host_that_is_switched_off_has_no_slots() -> None:
    off = Hosted(HostReading("hv01", {"enabled": False}, hosted().reading.resources), ())
    assert capacity("hv01", off, []).live == 0
