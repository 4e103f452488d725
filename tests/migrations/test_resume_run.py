"""A run that is pressed to end, and gone on with; one whose rest is refused; wishes to give up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from delegation.errors import DelegationError, JournalError, Refused, UsageError
from delegation.migrations.give_up import GivenUp, WishesLeft, give_up
from delegation.migrations.lifecycle import Migration, MigrationState, MigrationStep
from delegation.migrations.perform import RunEnd, Unattended
from delegation.migrations.record.queue import Queue
from delegation.migrations.resume_run import ResumeRequest, resume
from delegation.migrations.run_status import status_of
from delegation.migrations.runner import FINISH
from delegation.migrations.start_run import RunRequest, start
from delegation.migrations.wanted_moves import DrainedHosts
from tests.migrations.memory_world import MemoryWorld, Told

DRAIN = RunRequest(DrainedHosts(("hv01",)))


class Impatient(Unattended):
    """Presses a run to its end as soon as something has been moved."""

    def __init__(self) -> None:
        self._press: Callable[[int], None] = lambda _urgency: None

    @contextmanager
    def heeding(self, press: Callable[[int], None]) -> Iterator[None]:
        self._press = press
        yield

    def move(self, move: Migration, news: str) -> None:  # noqa: ARG002
        if move.state is MigrationState.MOVED:
            self._press(FINISH)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def world(tmp_path: Path, told: Told) -> MemoryWorld:
    """Three machines on a host that sends one at a time."""
    made = MemoryWorld(tmp_path, told)
    made.hosts_there.hosts["hv01"].slots = 1
    for name in ("web01", "web02", "web03"):
        made.hosts_there.add("hv01", name)
    return made


def interrupted(world: MemoryWorld, told: Told) -> RunEnd:
    end = start(world, DRAIN, told, None, Impatient())
    assert end is not None
    return end


def lost(world: MemoryWorld) -> None:
    """As if whoever carried the run out had died while one machine was on its way."""
    with world.records.migrating() as journal:
        queued = Queue(journal, 1)
        move = next(move for move in queued.moves() if move.state.pending)
        intended = MigrationStep.INTENDED
        queued.step(move.machine, intended, at=move.source, to=move.target, handle="gone")


def test_a_run_that_was_interrupted_is_gone_on_with(world: MemoryWorld, told: Told) -> None:
    end = interrupted(world, told)
    assert (end.interrupted, end.view.complete) == (True, False)
    assert "delegation migrate resume 1   to go on" in next(end.view.next_steps())
    assert "hv01" in world.where().values()
    again = resume(world, ResumeRequest(), told, Unattended())
    assert (again.interrupted, again.view.complete) == (False, True)
    assert "hv01" not in world.where().values()
    assert "run 1: 2 machines left, 0 of them were on their way" in told.lines
    done = resume(world, ResumeRequest(1), told, Unattended())
    assert done.view.complete
    assert told.lines[-1] == "run 1 has nothing left to do"
    with pytest.raises(DelegationError, match="no run to go on with"):
        resume(world, ResumeRequest(), told, Unattended())


def test_what_is_on_its_way_is_followed_where_the_rest_is_refused(
    world: MemoryWorld, told: Told
) -> None:
    interrupted(world, told)
    lost(world)
    export = world.places.inventory.parent / "directory.ldif"
    export.write_text(export.read_text().replace("cifs/hv0", "cifs/other0"))
    end = resume(world, ResumeRequest(), told, Unattended())
    assert isinstance(end.refused, Refused)
    assert not any(move.state.on_the_way for move in end.view.moves)
    assert any("what is on its way is followed to its end" in line for line in told.lines)
    with pytest.raises(Refused, match="can't be used as things are"):
        resume(world, ResumeRequest(), told, Unattended())


def test_a_wish_is_left_where_somebody_is_at_work(world: MemoryWorld, told: Told) -> None:
    waiting = [move.name for move in interrupted(world, told).view.left]
    with world.records.migrating():
        assert give_up(world.records, waiting[:1]) == WishesLeft(1)
        assert status_of(world.records, None, told).to_json()["result"]["summary"]["aborted"] == 0
    lost(world)
    assert give_up(world.records, []) == GivenUp(1, (1,))
    with pytest.raises(UsageError, match="no run moves nobody"):
        give_up(world.records, ["nobody"])


def test_what_an_earlier_run_may_be_moving_is_not_started_by_another(
    world: MemoryWorld, told: Told
) -> None:
    interrupted(world, told)
    lost(world)
    with pytest.raises(Refused, match="an earlier run may still be moving") as refused:
        start(world, DRAIN, told, None, Unattended())
    assert refused.value.fix == "find out first: delegation migrate resume 1"
    assert refused.value.details[0].endswith(": starting in run 1")


def test_a_record_that_is_gone_ends_the_run_with_what_goes_on(tmp_path: Path, told: Told) -> None:
    class Careless(MemoryWorld):
        def moving(self) -> None:
            (self.records.folder / "journal.sqlite").unlink(missing_ok=True)

    world = Careless(tmp_path, told)
    world.hosts_there.add("hv01", "web01")
    with pytest.raises(JournalError, match="was removed while run 1 went on") as left:
        start(world, DRAIN, told, None, Unattended())
    assert "put it back from a backup, then: delegation migrate resume 1;" in left.value.fix
    assert list(left.value.details) == ["web01 may go on, without us: hv01 to hv02"]
