"""The tries of a run, from the steps in the journal: where each went, when, and what it came to."""

from delegation.migrations.lifecycle import UNWATCHED, MigrationStep
from delegation.migrations.tries import ENDS
from tests.report.runs import Past, at


def test_a_try_goes_from_its_intent_to_its_end() -> None:
    past = Past()
    machine = past.asked("web01", "hv01", "hv02")
    past.moved(0, 61, machine)
    assert past.report(62).to_json()["timeline"] == [
        {
            "vm": "web01",
            "id": str(machine),
            "source": "hv01",
            "to": "hv02",
            "started": at(0),
            "ended": at(61),
            "became": "moved",
            "reason": "",
            "said": None,
            "unwatched": [],
        }
    ]


def test_each_try_is_one_and_what_was_never_sent_is_none() -> None:
    past = Past()
    machine, other = past.asked("sql01", "hv01", "hv02"), past.asked("app01", "hv01", "hv02")
    past.sent(0, machine)
    past.step(5, machine, MigrationStep.POSTPONED, "a slot was taken")
    past.step(35, machine, MigrationStep.DUE)
    past.sent(36, machine, to="hv03")
    past.step(40, machine, MigrationStep.PASSED)
    past.sent(41, machine)
    past.step(60, machine, MigrationStep.GIVEN_UP, "the disk is full")
    past.step(61, other, MigrationStep.ABANDONED)
    tries = past.report(62).to_json()["timeline"]
    assert [(one["source"], one["to"], one["became"], one["reason"]) for one in tries] == [
        ("hv01", "hv02", "failed, tried again", "a slot was taken"),
        ("hv01", "hv03", "put aside", ""),
        ("hv03", "hv02", "failed", "the disk is full"),
    ]


def test_what_has_no_end_yet_has_no_word() -> None:
    past = Past()
    machine = past.asked("web01", "hv01", "hv02")
    past.sent(0, machine)
    [one] = past.report(None, alive=True).to_json()["timeline"]
    assert (one["ended"], one["became"]) == (None, None)


def test_while_nobody_knows_it_is_not_watched() -> None:
    past = Past()
    first, second = past.asked("web01", "hv01", "hv02"), past.asked("web02", "hv01", "hv02")
    past.sent(0, first)
    past.sent(1, second)
    past.step(10, first, MigrationStep.LOST, "the link broke")
    past.step(20, first, MigrationStep.REATTACHED)
    past.step(30, second, MigrationStep.LOST, "the link broke")
    tries = past.report(None).to_json()["timeline"]
    assert [one["unwatched"] for one in tries] == [[[at(10), at(20)]], [[at(30), None]]]


def test_what_a_resume_finds_was_not_watched_since_the_last_step_before_it() -> None:
    past = Past()
    machines = [past.asked(f"web0{n}", "hv01", "hv02") for n in (1, 2)]
    past.sent(0, machines[0])
    past.sent(10, machines[1])
    for machine in machines:
        past.step(9000, machine, MigrationStep.LOST, UNWATCHED)
    past.step(9005, machines[0], MigrationStep.ARRIVED)
    past.step(9006, machines[1], MigrationStep.RETURNED)
    tries = past.report(9010).to_json()["timeline"]
    assert [one["unwatched"] for one in tries] == [[[at(10.4), at(9005)]], [[at(10.4), at(9006)]]]


def test_every_step_that_ends_a_try_has_a_word() -> None:
    going_on = {
        MigrationStep.INTENDED,
        MigrationStep.ACCEPTED,
        MigrationStep.STOPPED,
        MigrationStep.LOST,
        MigrationStep.REATTACHED,
        MigrationStep.DUE,
    }
    assert ENDS.keys() | going_on == set(MigrationStep)
