"""How far a run is while it goes on: the whole in one line, and each change of a machine."""

from dataclasses import replace
from uuid import UUID

import pytest

from delegation.hosts.machines import MovePhase
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.progress_of_run import RunProgress, news_of
from tests.migrations.in_progress import GIB, Clock, begun, move


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> RunProgress:
    return begun(clock)


def test_nothing_has_happened_yet(progress: RunProgress) -> None:
    assert progress.in_words() == "0 of 3 moved, 0 bytes of 30.0 GB"
    assert progress.left() is None


def test_the_time_that_is_left_goes_by_what_was_done_here(
    progress: RunProgress, clock: Clock
) -> None:
    progress.see(move(1, MigrationState.RUNNING))
    clock.now += 60
    progress.see(move(1, MigrationState.MOVED, 100))
    progress.see(move(2, MigrationState.RUNNING, 50))
    assert progress.left() == 60
    assert progress.in_words() == (
        "1 of 3 moved, 1 under way, 15.0 GB of 30.0 GB, about 1 min left"
    )


def test_at_first_the_plan_says_how_long_it_takes(clock: Clock) -> None:
    progress = RunProgress(clock, expected=600.0)
    progress.begin([move(1), move(2)])
    assert progress.left() is None, "nothing runs yet"
    progress.see(move(1, MigrationState.RUNNING))
    clock.now += 60
    assert progress.left() == 540
    progress.see(move(1, MigrationState.RUNNING, 50))
    assert progress.left() == pytest.approx(180), "by what was moved by now"


def test_nothing_is_estimated_while_nothing_runs(progress: RunProgress, clock: Clock) -> None:
    """And that time says nothing of how fast it goes."""
    progress.see(move(1, MigrationState.RUNNING))
    clock.now += 60
    progress.see(move(1, MigrationState.RUNNING, 50))
    assert progress.left() == pytest.approx(300)
    progress.see(move(1, MigrationState.UNKNOWN, 50, reason="hv02 does not answer"))
    clock.now += 3600
    assert progress.left() is None
    assert progress.in_words() == "0 of 3 moved, 1 unknown, 5.0 GB of 30.0 GB"
    progress.see(move(1, MigrationState.RUNNING, 50))
    assert progress.left() == pytest.approx(300)


def test_a_machine_is_counted_once(progress: RunProgress) -> None:
    progress.see(move(1, MigrationState.UNKNOWN))
    progress.see(move(2, MigrationState.STOPPING))
    assert progress.in_words() == "0 of 3 moved, 1 under way, 1 unknown, 0 bytes of 30.0 GB"


def test_what_was_done_before_a_resume_says_nothing_about_the_rate(clock: Clock) -> None:
    progress = RunProgress(clock)
    progress.begin([move(1, MigrationState.MOVED, 100), move(2, MigrationState.UNKNOWN, 40)])
    progress.see(move(2, MigrationState.RUNNING, 40))
    vm = progress.vms[UUID(int=2)]
    clock.now += 10
    assert progress.left() is None
    assert vm.left(clock()) is None
    progress.see(move(2, MigrationState.RUNNING, 50))
    assert vm.rate(clock()) == pytest.approx(GIB / 10)
    assert vm.left(clock()) == pytest.approx(50)
    assert progress.left() == pytest.approx(50)


def test_what_will_not_be_moved_is_not_waited_for(progress: RunProgress) -> None:
    progress.see(move(1, MigrationState.FAILED))
    progress.see(move(2, MigrationState.ABORTED))
    assert progress.in_words() == "0 of 3 moved, 1 failed, 1 aborted, 0 bytes of 10.0 GB"


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (
            move(1, MigrationState.MOVED, at="hv02"),
            "web1: moved to hv02 before it could be stopped",
        ),
        (move(1, MigrationState.ABORTED, reason="stopped"), "web1: given up: stopped"),
        (replace(move(1, reason="stopped"), started="x"), "web1: stopped, it is on hv01"),
    ],
)
def test_what_is_to_stop_is_not_called_stopped_before_it_is(after: Migration, told: str) -> None:
    stopping = move(1, MigrationState.STOPPING)
    assert news_of(stopping, move(1, MigrationState.RUNNING)) == "web1: is being stopped"
    assert news_of(after, stopping) == told


def test_a_bypass_is_called_so() -> None:
    aside = replace(move(1, MigrationState.STARTING), to="hv03")
    assert news_of(aside, move(1)) == "web1: hv01 to hv03, aside to make room"
    passed = replace(move(1), at="hv03", to="hv03", started="2026-01-01")
    assert news_of(passed, aside) == "web1: on hv03, waits for its turn"


def test_what_says_nothing_new_for_a_while_is_told_and_no_more() -> None:
    clock = Clock()
    progress = begun(clock)
    progress.see(move(1, MigrationState.RUNNING, 7))
    progress.see(move(2, MigrationState.RUNNING, 7))
    clock.now += 299
    assert "for" not in progress.in_words()
    clock.now += 1
    progress.see(move(2, MigrationState.RUNNING, 8))
    assert "web1 at 7 % for 5 min" in progress.in_words()
    clock.now += 720
    assert "web1 at 7 % for 17 min and 1 more" in progress.in_words()
    progress.see(move(1, MigrationState.RUNNING, 8))
    progress.see(move(2, MigrationState.MOVED, 100))
    assert " % for " not in progress.in_words()


def at(number: int, phase: MovePhase | None, percent: int = 0) -> Migration:
    return replace(move(number, MigrationState.RUNNING, percent), phase=phase)


def test_what_jobs_are_at_is_counted_where_it_is_asked_for(progress: RunProgress) -> None:
    progress.see(move(1, MigrationState.RUNNING))
    assert "1 under way, " in progress.in_words(with_phases=True), "nothing is told yet"
    progress.see(at(1, MovePhase.MACHINE_AND_STORAGE))
    progress.see(at(2, MovePhase.WAITING))
    progress.see(at(3, MovePhase.MACHINE_AND_STORAGE))
    counted = "3 under way (2 moving machine and storage, 1 waiting at its host), "
    assert counted in progress.in_words(with_phases=True)
    assert "3 under way, " in progress.in_words()


def test_another_phase_is_news_and_the_usual_one_is_not() -> None:
    usual = at(1, MovePhase.MACHINE_AND_STORAGE)
    waits = at(1, MovePhase.WAITING)
    begun_now = at(1, None)
    assert news_of(usual, begun_now) == ""
    assert news_of(waits, begun_now) == "web1: waiting at its host"
    assert news_of(at(1, MovePhase.WAITING, 7), waits) == ""
    assert news_of(usual, waits) == "web1: moving machine and storage"
    assert news_of(begun_now, waits) == ""
