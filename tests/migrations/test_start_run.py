"""A run of migrations from what is asked for to its end, without a command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from delegation.errors import Busy, DelegationError, Refused
from delegation.events import EventSeverity
from delegation.hosts.machines import UnderWay
from delegation.migrations.migration_plan import PlannedMigrations, plan
from delegation.migrations.moves.terms import Liberties
from delegation.migrations.perform import RunEnd, Unattended
from delegation.migrations.record import recorded
from delegation.migrations.record.queue import Queue
from delegation.migrations.run_view import MigrationRunView
from delegation.migrations.slot_counts import SlotCounts
from delegation.migrations.start_run import RunRequest, ShortTicket, start
from delegation.migrations.wanted_moves import DrainedHosts, ListedMoves
from tests.migrations.memory_world import MemoryWorld, Told
from tests.migrations.world import Handle, machine_id

LIST = b"moves: [{vm: web01, target: hv02}, {vm: web02, target: hv03}]"
REQUEST = RunRequest(ListedMoves(LIST, "moves.yaml"), ticket="CHG-7")


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def world(tmp_path: Path, told: Told) -> MemoryWorld:
    made = MemoryWorld(tmp_path, told)
    for name in ("web01", "web02"):
        made.hosts_there.add("hv01", name)
    return made


def started(world: MemoryWorld, told: Told, request: RunRequest = REQUEST) -> RunEnd:
    end = start(world, request, told, None, Unattended())
    assert end is not None
    return end


def runs(world: MemoryWorld) -> int:
    with world.records.reading() as journal:
        return len(journal.runs())


def test_a_list_is_moved_and_recorded(world: MemoryWorld, told: Told) -> None:
    end = started(world, told)
    assert world.where() == {"web01": "hv02", "web02": "hv03"}
    assert (end.view.complete, end.interrupted, end.refused) == (True, False, None)
    assert end.view.headline.startswith("run 1: 2 moved")
    assert end.view.run.ticket == "CHG-7"
    [planned] = told.shown
    assert isinstance(planned, PlannedMigrations)
    assert planned.digest == end.view.run.plan_digest
    lines = [line for line in told.lines if not line.endswith("is new: made now")]
    assert lines == ["hosts read:", "disks measured:", "machines checked:"]


def test_the_intent_is_on_record_with_its_handle_before_the_host_hears_of_it(
    tmp_path: Path, told: Told
) -> None:
    seen: list[str] = []

    class Watched(MemoryWorld):
        def moving(self) -> None:
            with self.records.reading() as journal:
                seen.extend(
                    move.handle
                    for move in recorded.migrations(journal, 1)
                    if move.state.on_the_way and move.handle
                )

    watched = Watched(tmp_path, told)
    watched.hosts_there.add("hv01", "web01")
    start(watched, RunRequest(DrainedHosts(("hv01",))), told, None, Unattended())
    (handle,) = seen
    known = Handle.read(handle)
    assert known
    assert (known.target, known.job) == ("hv02", 0), "nothing has a number before it is sent"


def test_what_was_allowed_for_a_run_is_on_record_and_in_what_is_sent(
    world: MemoryWorld, told: Told
) -> None:
    liberties = Liberties(with_checkpoints=True)
    request = RunRequest(DrainedHosts(("hv01",)), liberties=liberties)
    end = start(world, request, told, None, Unattended())
    assert end
    assert end.view.notes.liberties == liberties
    assert [order.with_checkpoints for order in world.hosts_there.orders] == [True, True]


def test_what_hosts_count_while_the_first_one_is_copied_is_on_record(
    world: MemoryWorld, told: Told
) -> None:
    end = started(world, told)
    assert end.view.notes.counts is None, "it was over before anybody could count"
    counts = SlotCounts(machine_id("web01"), "web01")
    with world.records.adding() as journal:
        Queue(journal, end.view.run.id).note_counts(
            counts.with_more({"hv01": UnderWay(1, 1), "hv02": UnderWay(1)}, {"hv01": 1})
        )
        view = MigrationRunView.of(journal, end.view.run, alive=False)
    first, second = view.notes.in_words()
    assert first.startswith("hv01 counted 1 live and 1 storage migrations")
    assert "while web01 was copied, 1 of this run; 0 and 0 before" in first
    assert second.startswith("hv02 counted 1 live and 0 storage migrations")


def test_nothing_to_do_is_no_run(world: MemoryWorld, told: Told) -> None:
    request = RunRequest(DrainedHosts(("hv03",)))
    assert start(world, request, told, None, Unattended()) is None
    assert runs(world) == 0


def test_who_declines_moves_nothing(world: MemoryWorld, told: Told) -> None:
    asked: list[PlannedMigrations] = []

    def no(planned: PlannedMigrations) -> bool:
        asked.append(planned)
        return False

    with pytest.raises(DelegationError, match="declined; nothing was moved"):
        start(world, REQUEST, told, no, Unattended())
    assert asked == told.shown
    assert runs(world) == 0


def test_what_changed_while_somebody_was_asked_is_refused(world: MemoryWorld, told: Told) -> None:
    def meanwhile(_planned: PlannedMigrations) -> bool:
        hosts = world.hosts_there.hosts
        machine = next(one for one in hosts["hv01"].machines if one)
        hosts["hv03"].machines[machine] = hosts["hv01"].machines.pop(machine)
        return True

    with pytest.raises(Refused, match="have changed since you confirmed") as refused:
        start(world, REQUEST, told, meanwhile, Unattended())
    assert any("hv03 to hv02" in line for line in refused.value.details)
    assert runs(world) == 0


def test_another_plan_than_was_reviewed_is_refused(world: MemoryWorld, told: Told) -> None:
    reviewed = plan(world, REQUEST.wanted, told).digest
    request = RunRequest(REQUEST.wanted, expect=reviewed)
    world.hosts_there.hosts["hv01"].machines.popitem()
    with pytest.raises(Refused, match="not the expected one") as refused:
        start(world, request, told, None, Unattended())
    assert str(refused.value.fix).endswith("delegation migrate plan moves.yaml")


def test_what_can_not_be_moved_starts_nothing(world: MemoryWorld, told: Told) -> None:
    wanted = ListedMoves(b"moves: [{vm: nobody, target: hv02}]", "moves.yaml")
    with pytest.raises(Refused, match="nothing was started") as refused:
        start(world, RunRequest(wanted), told, None, Unattended())
    assert refused.value.details[0].startswith("nobody")


def test_a_pair_that_is_broken_starts_nothing(world: MemoryWorld, told: Told) -> None:
    export = world.places.inventory.parent / "directory.ldif"
    text = export.read_text()
    export.write_text(text.replace("cifs/hv02\n", "cifs/other\n"))
    with pytest.raises(Refused, match="1 pair can't be used as things are") as refused:
        start(world, REQUEST, told, None, Unattended())
    assert refused.value.details[0].startswith("hv01 to hv02: ")
    assert world.where() == {"web01": "hv01", "web02": "hv01"}
    assert runs(world) == 0


def test_one_run_at_a_time(world: MemoryWorld, told: Told) -> None:
    with world.records.migrating(), pytest.raises(Busy, match="another migration run"):
        start(world, REQUEST, told, None, Unattended())


def test_a_ticket_that_is_too_short_is_told() -> None:
    event = ShortTicket(left=320, expected=600)
    [words] = event.words()
    assert event.severity is EventSeverity.WARNING
    assert "good for 5 min 20 s, and this should take 10 min" in words
    assert "kinit" in words


def test_no_command_line_is_loaded(tmp_path: Path) -> None:
    """Plan and carry out migrations from a program of one's own."""
    program = """
import pathlib, sys
from delegation.migrations.wanted_moves import DrainedHosts
from delegation.migrations.perform import Unattended
from delegation.migrations.start_run import RunRequest, start
from tests.migrations.memory_world import MemoryWorld, Told
from tests.migrations.world import Handle, machine_id
told = Told()
world = MemoryWorld(pathlib.Path(sys.argv[1]), told)
world.hosts_there.add("hv01", "web01")
end = start(world, RunRequest(DrainedHosts(("hv01",))), told, None, Unattended())
assert end.view.complete
assert not {"click", "rich", "delegation.cli"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=60)
