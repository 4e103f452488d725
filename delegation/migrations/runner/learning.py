"""Migrations that came to their end -> how long those will take that wait."""

from collections.abc import Callable
from uuid import UUID

from delegation.migrations.lifecycle import Migration
from delegation.migrations.runner.board import Board
from delegation.migrations.runner.patience import Every, Patience
from delegation.migrations.schedule.estimate import StreamRates


class Learning:
    """Learns the ``rates`` between hosts from a run, and has its schedule use them."""

    def __init__(
        self, board: Board, rates: StreamRates, clock: Callable[[], float], patience: Patience
    ) -> None:
        self._board = board
        self._rates = rates
        self._clock = clock
        self._is_due = Every(clock, patience.learn)
        self._starts: dict[UUID, float] = {}

    def note_start(self, machine: UUID) -> None:
        self._starts[machine] = self._clock()

    def note_arrival(self, move: Migration) -> None:
        """It has come to where it was to go.

        One whose beginning was not seen says nothing: nobody knows for how long it was copied.
        """
        started = self._starts.pop(move.machine, None)
        if started is None:
            return
        seconds = self._clock() - started
        self._rates.learn(move.at, move.to, move.size, seconds)
        if self._is_due():
            self._board.timed(
                {waiting.machine: self._seconds(waiting) for waiting in self._board.pending}
            )

    def _seconds(self, waiting: Migration) -> float:
        return self._rates.seconds(waiting.at, waiting.target, waiting.size)
