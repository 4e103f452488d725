"""A run's migrations, on record and in the schedule at once."""

from __future__ import annotations

from dataclasses import replace

from delegation.migrations.lifecycle import MigrationStep
from delegation.migrations.record import queue
from delegation.migrations.runner.board import Board
from delegation.migrations.schedule import Slots
from delegation.migrations.schedule.bypass import anywhere
from tests.migrations.in_progress import move
from tests.migrations.station import RUN, Station, memory_journal
from tests.migrations.world import World


def test_the_next_leg_begins_without_the_tries_of_the_one_before() -> None:
    queued = queue.begin(memory_journal(), RUN, [replace(move(1), to="")])
    [web01] = queued.moves()
    queued.step(web01.machine, MigrationStep.INTENDED, at="hv01", to="hv03", handle="7", attempts=2)
    board = Board(queued, Station(World([]), {}), Slots.BOTH, anywhere)
    [under_way] = board.under_way
    passed = board.step(under_way, MigrationStep.PASSED)
    assert (passed.at, passed.attempts) == ("hv03", 0)
    assert board.pending == [passed]
