"""The first migration that a run copies -> what both hosts counted meanwhile, on record."""

from collections.abc import Mapping
from uuid import UUID

from delegation.hosts.machines import UnderWay
from delegation.migrations.lifecycle import Migration
from delegation.migrations.runner.board import Board
from delegation.migrations.runner.work import QueueRecord
from delegation.migrations.slot_counts import SlotCounts


class Counting:
    """Follows one migration at a time, until one has been counted."""

    def __init__(self, record: QueueRecord, board: Board) -> None:
        self._record = record
        self._board = board
        self._machine: UUID | None = None
        self._counts: SlotCounts | None = None
        self._is_done = record.has_counts()

    def wants(self, machine: UUID) -> bool:
        """Whether that migration is to be counted: the first one, or the next where it failed."""
        if self._is_done and self._machine != machine:
            return False
        if self._machine is None or self._board.moves[self._machine].state.ended:
            self._machine = machine
        return self._machine == machine

    def begin(self, move: Migration, before: Mapping[str, UnderWay]) -> None:
        """It is about to be sent; ``before`` are the counts of its hosts, where they were asked."""
        if self._machine == move.machine:
            self._counts = SlotCounts(move.machine, move.name, before)

    def take(self, machine: UUID, counted: Mapping[str, UnderWay]) -> None:
        """What its hosts count now."""
        if self._counts is None or self._counts.machine != machine or not counted:
            return
        self._counts = self._counts.with_more(counted, self._board.ours_at(counted))
        self._record.note_counts(self._counts)
        self._is_done = True
