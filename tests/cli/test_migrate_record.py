"""``delegation migrate status`` and ``abort``: by the record, with and without somebody at work."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.changes.run import NewRun
from delegation.cli.migrate import runs_shown
from delegation.cli.options import Options
from delegation.hosts.machines import Failure, MovePhase, MoveProgress
from delegation.migrations import MIGRATE
from delegation.migrations.lifecycle import Migration, MigrationStep
from delegation.migrations.perform import RunEnd
from delegation.migrations.record import queue
from delegation.migrations.record.queue import Queue
from delegation.migrations.run_view import MigrationRunView
from delegation.wiring import KINDS
from tests.cli.program import Delegation

STATE = Path(".delegation")
GIB = 1 << 30
RUN = NewRun(MIGRATE, "hosts:corp.example", "corp.example", "hv[01-03]", {}, ticket="CHG-7")


def machine(number: int) -> UUID:
    return UUID(int=number)


def move(number: int, target: str) -> Migration:
    name = f"web{number:02}"
    size = number * GIB
    return Migration(machine(number), name, "hv01", target, "", 0, 0, size, 9.0, at="hv01")


@contextmanager
def recorded() -> Iterator[Queue]:
    with closing(Journal.writable(STATE, KINDS)) as journal:
        yield Queue(journal, 1)


@pytest.fixture
def under_way(here: Path) -> None:
    """A run of four: one moved, one that runs, one that failed, one that waits."""
    with closing(Journal.writable(STATE, KINDS)) as journal:
        moves = [move(1, "hv02"), move(2, "hv03"), move(3, "hv02"), move(4, "hv03")]
        queued = queue.begin(journal, RUN, moves)
        for number, target in ((1, "hv02"), (2, "hv03"), (3, "hv02")):
            handle = str(100 + number)
            queued.step(
                machine(number), MigrationStep.INTENDED, at="hv01", to=target, handle=handle
            )
            queued.step(machine(number), MigrationStep.ACCEPTED)
        queued.advanced({machine(2): MoveProgress(50)})
        queued.step(machine(1), MigrationStep.ARRIVED, at="hv02")
        queued.step(
            machine(3), MigrationStep.GIVEN_UP, "the disk is full (0x80070070)", "make room on hv02"
        )


pytestmark = pytest.mark.usefixtures("under_way")


def states() -> list[str]:
    with recorded() as queued:
        return [str(move.state) for move in queued.moves()]


def test_how_far_it_is(delegation: Delegation) -> None:
    ran = delegation("migrate", "status")
    assert ran.code == 1
    assert "Run 1: was left" in ran.out
    assert "ticket CHG-7" in ran.out
    lines = {line.split()[0]: line for line in ran.out.splitlines() if "web" in line}
    assert lines["web01"].split()[3:6] == ["moved", "100", "1.0"]
    assert "hv01 > hv03" in lines["web02"]
    assert "50" in lines["web02"]
    assert "the disk is full" in lines["web03"]
    assert "  web03: make room on hv02" in ran.out
    assert "1 of 4 moved, 1 under way, 1 failed, 2.0 GB of 7.0 GB" in ran.out
    assert "delegation migrate resume 1" in ran.err


def test_somebody_is_at_it(delegation: Delegation) -> None:
    with store.lock(STATE, store.MIGRATING):
        ran = delegation("migrate", "status")
        data = delegation("migrate", "status", "--format", "json").json
    assert "Run 1: goes on" in ran.out
    assert "resume" not in ran.err
    assert data["alive"]


def test_what_its_job_is_at_is_told_while_somebody_is_at_it(delegation: Delegation) -> None:
    with closing(Journal.writable(STATE, KINDS)) as journal:
        last = MoveProgress(60, MovePhase.STORAGE, text="Speicher wird verschoben")
        queue.Queue(journal, 1).advanced({machine(2): last})
    left = delegation("migrate", "status", "-v")
    assert "moving storage" not in left.out, "nobody follows it"
    with store.lock(STATE, store.MIGRATING):
        ran, verbose = delegation("migrate", "status"), delegation("migrate", "status", "-v")
        data = delegation("migrate", "status", "--format", "json").json
    [line] = [one for one in ran.out.splitlines() if one.strip().startswith("web02 ")]
    assert "running, moving storage" in line
    assert " 60 " in line
    assert "Speicher" not in ran.out, "only with -v"
    assert "web02: its host says of it: Speicher wird verschoben" in verbose.out
    [move] = [one for one in data["moves"] if one["vm"] == "web02"]
    assert (move["phase"], move["job_status"]) == ("moving storage", "Speicher wird verschoben")


def test_as_data(delegation: Delegation) -> None:
    data = delegation("migrate", "status", "1", "--format", "json").json
    assert (data["run"], data["status"], data["alive"]) == (1, "running", False)
    moves = {one["vm"]: one for one in data["moves"]}
    assert moves["web02"]["state"] == "running"
    assert (moves["web02"]["percent"], moves["web02"]["to"]) == (50, "hv03")
    assert moves["web03"]["fix"] == "make room on hv02"
    assert data["result"]["summary"]["moved"] == 1
    assert data["result"]["failures"][0]["machines"] == ["web02"]


def test_as_a_page(delegation: Delegation) -> None:
    page = delegation("migrate", "status", "--format", "markdown")
    assert page.out.startswith("# Migrations of")
    assert "make room on hv02" in page.out


def test_it_needs_no_inventory(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").unlink()
    assert delegation("migrate", "status").code == 1


def test_only_runs_that_moved_something(delegation: Delegation) -> None:
    delegation("audit")
    ran = delegation("migrate", "status", "2")
    assert ran.code == 2
    assert "moved nothing" in ran.err
    assert delegation("migrate", "status", "3").code == 2
    assert delegation("migrate", "resume", "2").code == 2


def another() -> None:
    """A second run, newer than the one that was left, which is done."""
    with closing(Journal.writable(STATE, KINDS)) as journal:
        queued = queue.begin(journal, RUN, [move(7, "hv02")])
        queued.step(machine(7), MigrationStep.INTENDED, at="hv01", to="hv02", handle="7")
        queued.step(machine(7), MigrationStep.ARRIVED, at="hv02")
        queued.finish()


def test_the_newest_run_is_shown_and_what_was_left_is_told(delegation: Delegation) -> None:
    another()
    ran = delegation("migrate", "status")
    assert "Run 2: done" in ran.out
    assert "run 1 has machines without an end, too: delegation migrate resume 1" in ran.err
    assert delegation("migrate", "status", "--format", "json").json["left"] == [1]
    shown = delegation("migrate", "status", "1")
    assert "Run 1: was left" in shown.out
    assert "too:" not in shown.err


def test_several_runs_that_were_left_are_told_in_one_line(delegation: Delegation) -> None:
    with closing(Journal.writable(STATE, KINDS)) as journal:
        queue.begin(journal, RUN, [move(8, "hv02")])
    another()
    told = delegation("migrate", "status").err
    assert "runs 1 and 2 have machines without an end, too: delegation migrate resume 2" in told


def test_the_run_that_goes_on_is_shown_also_where_another_is_newer(delegation: Delegation) -> None:
    another()
    with recorded() as queued:
        queued.reopen()
        queued.step(machine(2), MigrationStep.LOST)
    with store.lock(STATE, store.MIGRATING):
        ran = delegation("migrate", "status")
    assert "Run 1: goes on" in ran.out
    assert "too:" not in ran.err


def test_what_a_run_came_to_is_told_by_its_machines(delegation: Delegation) -> None:
    """Its page is that of the moment in which it began: whoever was to write its end has died."""
    another()
    told = delegation("history")
    [left, done] = told.out.splitlines()[1:]
    assert "UNSETTLED: 1 queued, 1 unknown, 1 moved, 1 failed" in left
    assert "done: 1 moved" in done
    assert "delegation migrate resume 1" in told.err
    assert "the next apply" not in told.err
    first, second = delegation("history", "--format", "json").json["runs"]
    assert (first["unsettled"], first["alive"]) == (True, False)
    assert first["summary"] == {"objects": 4, "queued": 1, "unknown": 1, "moved": 1, "failed": 1}
    assert (second["unsettled"], second["summary"]) == (False, {"objects": 1, "moved": 1})


def test_a_run_that_goes_on_is_not_unsettled(delegation: Delegation) -> None:
    with store.lock(STATE, store.MIGRATING):
        told = delegation("history")
        [data] = delegation("history", "--format", "json").json["runs"]
    assert "goes on: 1 queued, 1 running, 1 moved, 1 failed" in told.out
    assert (data["unsettled"], data["alive"]) == (False, True)


def test_a_run_of_which_nothing_is_on_its_way_was_left(delegation: Delegation) -> None:
    with recorded() as queued:
        queued.step(machine(2), MigrationStep.ARRIVED, at="hv03")
    assert "was left: 1 queued, 2 moved, 1 failed" in delegation("history").out


def test_history_shows_one_runs_machines(delegation: Delegation) -> None:
    ran = delegation("history", "1")
    assert ran.code == 0
    assert "UNSETTLED" in ran.out
    assert "the disk is full" in ran.out
    moves = delegation("history", "1", "--format", "json").json["moves"]
    assert [one["vm"] for one in moves] == ["web01", "web02", "web03", "web04"]


# Giving up


def test_what_waits_is_given_up_at_once_where_nobody_is_at_it(delegation: Delegation) -> None:
    ran = delegation("migrate", "abort", "WEB04")
    assert ran.code == 0
    assert "given up: 1 migration that waited" in ran.err
    assert states() == ["moved", "running", "failed", "aborted"]


def test_the_end_of_a_run_that_was_given_up_is_written_anew(delegation: Delegation) -> None:
    with recorded() as queued:
        queued.step(machine(2), MigrationStep.LOST)
        queued.finish(interrupted=True)
    assert delegation("migrate", "abort").code == 0
    with closing(Journal.readable(STATE, KINDS)) as journal:
        run = journal.run(1)
    assert run.status == "interrupted"
    assert run.summary == {"objects": 4, "unknown": 1, "moved": 1, "failed": 1, "aborted": 1}


def test_what_was_left_is_called_one_thing(
    delegation: Delegation, capsys: pytest.CaptureFixture[str]
) -> None:
    """The counts and the reasons, when whoever watched it has gone at once."""
    with closing(Journal.readable(STATE, KINDS)) as journal:
        view = MigrationRunView.of(journal, journal.run(1), alive=False)
    assert runs_shown.show_and_judge(RunEnd(view), Options()) == 1
    told = capsys.readouterr().out
    assert "1 not started, 1 unknown" in told
    assert "unknown: web02: it went on, hv01 to hv03, when it was left" in told
    assert "not started: web04" in told
    assert "running" not in told


def test_what_may_run_is_left_to_a_resume(delegation: Delegation) -> None:
    ran = delegation("migrate", "abort")
    assert ran.code == 0
    assert "delegation migrate resume 1" in ran.err
    assert states() == ["moved", "running", "failed", "aborted"]
    with recorded() as queued:
        assert queued.requests() == {machine(2): False}
    shown = delegation("migrate", "status")
    [web02] = [line for line in shown.out.splitlines() if "web02" in line]
    assert "to be stopped, as asked" in web02
    moves = delegation("migrate", "status", "--format", "json").json["moves"]
    assert [one["vm"] for one in moves if one["aborting"]] == ["web02"]


def test_whoever_is_at_it_is_asked(delegation: Delegation) -> None:
    with store.lock(STATE, store.MIGRATING):
        ran = delegation("migrate", "abort", str(machine(2)), "web04")
    assert ran.code == 0
    assert "asked for: 2 migrations" in ran.err
    assert states() == ["moved", "running", "failed", "queued"]
    with recorded() as queued:
        assert queued.requests() == {machine(2): False, machine(4): False}


def test_a_job_is_killed_only_where_somebody_confirms_that_it_is_meant(
    delegation: Delegation,
) -> None:
    with store.lock(STATE, store.MIGRATING):
        unasked = delegation("migrate", "abort", "web02", "--kill-job")
        assert unasked.code == 2
        assert "add --yes where that is meant" in unasked.err
        with recorded() as queued:
            assert queued.requests() == {}
        assert delegation("migrate", "abort", "web02").code == 0
        assert delegation("migrate", "abort", "web02", "--kill-job", "--yes").code == 0
    with recorded() as queued:
        assert queued.requests() == {machine(2): True}


def test_what_a_host_said_is_told_with_all_of_its_numbers(delegation: Delegation) -> None:
    said = Failure("失敗しました", "0x80070020", "21024", 32768, MovePhase.MACHINE_AND_STORAGE)
    with recorded() as queued:
        queued.step(machine(2), MigrationStep.POSTPONED, "in use", "try again", said=said)
    told = (
        "web02: the host said: 失敗しました (phase moving machine and storage, "
        "HRESULT 0x80070020, MessageID 21024, ErrorCode 32768)"
    )
    assert told not in delegation("migrate", "status").out
    assert told in delegation("migrate", "status", "-v").out
    moves = delegation("migrate", "status", "--format", "json").json["moves"]
    (found,) = [one["said"] for one in moves if one["vm"] == "web02"]
    assert found == {
        "message": "失敗しました",
        "hresult": "0x80070020",
        "message_id": "21024",
        "error_code": 32768,
        "phase": "moving machine and storage",
        "stopped": False,
    }
    page = delegation("report", "markdown", "1").out
    assert "In the words of the hosts" in page
    assert "MessageID 21024" in page
    timeline = delegation("report", "json", "1").json["timeline"]
    assert found in [one["said"] for one in timeline]


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("nobody", 2, "no run moves nobody"),
        ("web01", 1, "the migration of web01 has ended already"),
        ("web03", 1, "the migration of web03 has ended already"),
    ],
)
def test_what_has_no_migration_is_refused_and_nothing_is_given_up(
    delegation: Delegation, name: str, code: int, why: str
) -> None:
    ran = delegation("migrate", "abort", name, "web04")
    assert ran.code == code
    assert why in ran.err
    assert "nothing was given up" in ran.err
    assert states()[-1] == "queued"


def test_nothing_is_left_to_give_up(delegation: Delegation) -> None:
    with recorded() as queued:
        queued.step(machine(2), MigrationStep.ARRIVED, at="hv03")
        queued.step(machine(4), MigrationStep.ABANDONED)
    ran = delegation("migrate", "abort")
    assert ran.code == 1
    assert "nothing to give up" in ran.err
    assert delegation("migrate", "abort", "web04").code == 1
    assert delegation("migrate", "abort", "nobody").code == 2
    assert "nothing left to do" in delegation("migrate", "resume", "1").err
    assert "no run to go on with" in delegation("migrate", "resume").err


def test_a_host_that_left_the_inventory_keeps_a_run_from_going_on(
    delegation: Delegation, here: Path
) -> None:
    text = (here / "inventory.yaml").read_text()
    (here / "inventory.yaml").write_text(text.replace("hv[01-03]", "hv[01-02]"))
    ran = delegation("migrate", "resume")
    assert ran.code == 2
    assert "hv03" in ran.err


def test_one_at_a_time(delegation: Delegation) -> None:
    with store.lock(STATE, store.MIGRATING):
        ran = delegation("migrate", "resume")
    assert ran.code == 4
    assert "another migration run" in ran.err
