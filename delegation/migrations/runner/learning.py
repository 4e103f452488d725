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
        self._began: dict[UUID, float] = {}

    def began(self, machine: UUID) -> None:
        self._began[machine] = self._clock()

    def ended(self, move: Migration) -> None:
        """It has come to where Move-VM took it.

        One whose beginning was not seen says nothing: nobody knows for how long it was copied.
        """
        began = self._began.pop(move.machine, None)
        if began is None:
            return
        self._rates.learn(move.at, move.to, move.size, self._clock() - began)
        if self._is_due():
            self._board.timed(
                {waiting.machine: self._seconds(waiting) for waiting in self._board.pending}
            )

    def _seconds(self, waiting: Migration) -> float:
        return self._rates.seconds(waiting.at, waiting.target, waiting.size)
