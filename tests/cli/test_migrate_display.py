"""What is shown of a run while it goes on: the whole in one line, and each change of a machine."""

from dataclasses import replace
from uuid import UUID

import pytest

from delegation.cli.migrate import ticket_life
from delegation.cli.migrate.lines import EVERY, Lines
from delegation.cli.migrate.overall import Overall, line
from delegation.errors import NoHostTicket
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.runner import FINISH, STOP
from delegation.migrations.runner.work import Wait

GIB = 1 << 30


def move(
    number: int, state: MigrationState = MigrationState.QUEUED, percent: int = 0, **values: str
) -> Migration:
    made = Migration(UUID(int=number), f"web{number}", "hv01", "hv02", size=10 * GIB, at="hv01")
    return replace(made, state=state, percent=percent, to="hv02", **values)  # type: ignore[arg-type]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def overall(clock: Clock) -> Overall:
    made = Overall(clock)
    made.begin([move(1), move(2), move(3)])
    return made


def test_nothing_has_happened_yet(overall: Overall) -> None:
    assert overall.in_words() == "0 of 3 moved, 0 bytes of 30.0 GB"
    assert overall.left() is None


def test_the_time_that_is_left_goes_by_what_was_done_here(overall: Overall, clock: Clock) -> None:
    overall.see(move(1, MigrationState.RUNNING))
    clock.now += 60
    overall.see(move(1, MigrationState.MOVED, 100))
    overall.see(move(2, MigrationState.RUNNING, 50))
    assert overall.left() == 60
    assert overall.in_words() == ("1 of 3 moved, 1 under way, 15.0 GB of 30.0 GB, about 1 min left")


def test_at_first_the_plan_says_how_long_it_takes(clock: Clock) -> None:
    overall = Overall(clock, expected=600.0)
    overall.begin([move(1), move(2)])
    assert overall.left() is None, "nothing runs yet"
    overall.see(move(1, MigrationState.RUNNING))
    clock.now += 60
    assert overall.left() == 540
    overall.see(move(1, MigrationState.RUNNING, 50))
    assert overall.left() == pytest.approx(180), "by what was moved by now"


def test_nothing_is_estimated_while_nothing_runs(overall: Overall, clock: Clock) -> None:
    """And that time says nothing of how fast it goes."""
    overall.see(move(1, MigrationState.RUNNING))
    clock.now += 60
    overall.see(move(1, MigrationState.RUNNING, 50))
    assert overall.left() == pytest.approx(300)
    overall.see(move(1, MigrationState.UNKNOWN, 50, reason="hv02 does not answer"))
    clock.now += 3600
    assert overall.left() is None
    assert overall.in_words() == "0 of 3 moved, 1 unknown, 5.0 GB of 30.0 GB"
    overall.see(move(1, MigrationState.RUNNING, 50))
    assert overall.left() == pytest.approx(300)


def test_a_machine_is_counted_once(overall: Overall) -> None:
    overall.see(move(1, MigrationState.UNKNOWN))
    overall.see(move(2, MigrationState.STOPPING))
    assert overall.in_words() == "0 of 3 moved, 1 under way, 1 unknown, 0 bytes of 30.0 GB"


EXPIRED = NoHostTicket("the Kerberos ticket has expired", "get a new one with kinit")


def test_what_it_waits_for_is_told_once(
    overall: Overall, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Lines(overall)
    hosts = {"hv01": EXPIRED, "hv02": NoHostTicket(EXPIRED.what, EXPIRED.fix)}
    lines.waits(Wait(hosts))
    lines.waits(Wait(hosts))
    lines.waits(Wait(hosts, 300.0))
    lines.waits(Wait(hosts, 299.0))
    assert capsys.readouterr().err.splitlines() == [
        "  hv[01-02] can't be asked: the Kerberos ticket has expired",
        "    get a new one with kinit; the run goes on by itself then",
        "  nothing else can be done: it waits for hv[01-02], for 5 min",
    ]
    clock.now += EVERY
    lines.waits(Wait(hosts, 270.0))
    lines.pulse(0)
    [told] = capsys.readouterr().err.splitlines()
    assert told.endswith("30.0 GB, waits for hv[01-02], for 4 min 30 s more")


def test_trouble_that_comes_back_is_told_again(
    overall: Overall, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Lines(overall)
    for hosts in ({"hv01": EXPIRED}, {}, {"hv01": EXPIRED}):
        lines.waits(Wait(hosts))
    assert capsys.readouterr().err.count("can't be asked") == 2


def test_what_was_done_before_a_resume_says_nothing_about_the_rate(clock: Clock) -> None:
    overall = Overall(clock)
    overall.begin([move(1, MigrationState.MOVED, 100), move(2, MigrationState.UNKNOWN, 40)])
    overall.see(move(2, MigrationState.RUNNING, 40))
    course = overall.courses[UUID(int=2)]
    clock.now += 10
    assert overall.left() is None
    assert course.left(clock()) is None
    overall.see(move(2, MigrationState.RUNNING, 50))
    assert course.rate(clock()) == pytest.approx(GIB / 10)
    assert course.left(clock()) == pytest.approx(50)
    assert overall.left() == pytest.approx(50)


def test_what_will_not_be_moved_is_not_waited_for(overall: Overall) -> None:
    overall.see(move(1, MigrationState.FAILED))
    overall.see(move(2, MigrationState.ABORTED))
    assert overall.in_words() == "0 of 3 moved, 1 failed, 1 aborted, 0 bytes of 10.0 GB"


def test_each_change_is_told_once(overall: Overall, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(overall)
    for seen in (
        move(1, MigrationState.STARTING),
        move(1, MigrationState.RUNNING),
        move(1, MigrationState.RUNNING, 30),
        move(1, MigrationState.UNKNOWN, 30, reason="hv02 does not answer"),
        move(1, MigrationState.UNKNOWN, 30, reason="hv02 does not answer"),
        move(1, MigrationState.RUNNING, 30),
        move(1, MigrationState.MOVED, 100, at="hv02"),
    ):
        lines.move(seen)
    assert capsys.readouterr().err.splitlines() == [
        "  web1: hv01 to hv02",
        "  web1: unknown: hv02 does not answer",
        "  web1: still runs, hv01 to hv02",
        "  web1: moved to hv02",
    ]


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
    assert line(stopping, move(1, MigrationState.RUNNING)) == "web1: is being stopped"
    assert line(after, stopping) == told


def test_a_bypass_is_called_so() -> None:
    aside = replace(move(1, MigrationState.STARTING), to="hv03")
    assert line(aside, move(1)) == "web1: hv01 to hv03, aside to make room"
    passed = replace(move(1), at="hv03", to="hv03", started="2026-01-01")
    assert line(passed, aside) == "web1: on hv03, waits for its turn"


def test_the_whole_is_told_now_and_then(
    overall: Overall, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Lines(overall)
    lines.pulse(0)
    assert capsys.readouterr().err == ""
    clock.now += EVERY
    lines.pulse(0)
    lines.pulse(0)
    assert capsys.readouterr().err == "  0 of 3 moved, 0 bytes of 30.0 GB\n"


def test_a_ticket_that_is_too_short_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    ticket_life.warn(None, 600)
    ticket_life.warn(600, 600)
    assert capsys.readouterr().err == ""
    ticket_life.warn(320, 600)
    told = capsys.readouterr().err
    assert "good for 5 min 20 s, and this should take 10 min" in told
    assert "kinit" in told


def test_how_it_ends_is_told_once(overall: Overall, capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(overall)
    for urgency in (0, FINISH, FINISH, STOP):
        lines.pulse(urgency)
    first, second = capsys.readouterr().err.splitlines()
    assert "nothing more is started" in first
    assert "is stopped" in second
