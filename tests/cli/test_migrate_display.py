"""What is told in lines of a run while it goes on, where nobody is at a terminal."""

import pytest

from delegation.cli.migrate.lines import SUMMARY_SECONDS, Lines
from delegation.errors import NoHostTicket
from delegation.migrations.lifecycle import MigrationState
from delegation.migrations.perform import FollowedRun
from delegation.migrations.progress_of_run import RunProgress
from delegation.migrations.runner import FINISH, STOP
from delegation.migrations.runner.work import Wait
from tests.migrations.in_progress import Clock, begun, move


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> RunProgress:
    return begun(clock)


EXPIRED = NoHostTicket("the Kerberos ticket has expired", "get a new one with kinit")


def test_what_it_waits_for_is_told_once(
    progress: RunProgress, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = FollowedRun(progress, Lines(progress))
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
    clock.now += SUMMARY_SECONDS
    lines.waits(Wait(hosts, 270.0))
    lines.pulse(0)
    [told] = capsys.readouterr().err.splitlines()
    assert told.endswith("30.0 GB, waits for hv[01-02], for 4 min 30 s more")


def test_trouble_that_comes_back_is_told_again(
    progress: RunProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = FollowedRun(progress, Lines(progress))
    for hosts in ({"hv01": EXPIRED}, {}, {"hv01": EXPIRED}):
        lines.waits(Wait(hosts))
    assert capsys.readouterr().err.count("can't be asked") == 2


def test_each_change_is_told_once(
    progress: RunProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = FollowedRun(progress, Lines(progress))
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


def test_the_whole_is_told_now_and_then(
    progress: RunProgress, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = FollowedRun(progress, Lines(progress))
    lines.pulse(0)
    assert capsys.readouterr().err == ""
    clock.now += SUMMARY_SECONDS
    lines.pulse(0)
    lines.pulse(0)
    assert capsys.readouterr().err == "  0 of 3 moved, 0 bytes of 30.0 GB\n"


def test_how_it_ends_is_told_once(
    progress: RunProgress, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = FollowedRun(progress, Lines(progress))
    for urgency in (0, FINISH, FINISH, STOP):
        lines.pulse(urgency)
    first, second = capsys.readouterr().err.splitlines()
    assert "nothing more is started" in first
    assert "is stopped" in second
