"""Migrations of which nothing runs any more, or nothing is known -> their next step, on record."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID

from delegation.errors import MoveUnsettled
from delegation.migrations.lifecycle import Migration, MigrationState, MigrationStep
from delegation.migrations.runner.board import Board
from delegation.migrations.runner.judging import (
    Cause,
    MigrationVerdict,
    TryLimits,
    cause_of_end,
    cause_of_error,
    judge,
    judge_unsent,
)
from delegation.migrations.runner.learning import Learning
from delegation.migrations.runner.lookout import Lookout
from delegation.migrations.runner.patience import Alarms, Every, Lasting, Patience
from delegation.migrations.runner.work import Lost, MigrationOver, Unsent


class Ends:
    """Settles migrations by what both of their hosts say, and knows when to ask again."""

    def __init__(
        self,
        board: Board,
        lookout: Lookout,
        learning: Learning,
        clock: Callable[[], float],
        patience: Patience,
    ) -> None:
        self._board = board
        self._lookout = lookout
        self._learning = learning
        self._clock = clock
        self._patience = patience
        self._retries: Alarms[UUID] = Alarms(clock)
        self._causes: dict[UUID, Cause] = {}
        self._pursued_due: dict[UUID, Every] = {}
        self._odd: Lasting[UUID] = Lasting(clock)
        self._at_work: set[UUID] = set()
        """Machines that a host is at, as it says, or may still begin with."""

    @property
    def is_awaiting(self) -> bool:
        """Whether something is to be tried, or asked, again."""
        return bool(self._retries)

    @property
    def has_time(self) -> bool:
        """Whether something takes its time, however patient the run is.

        That is what waits for another try, and what a host works on or will tell in a while.
        """
        waits = any(move.state is MigrationState.WAITING for move in self._board.pending)
        return waits or bool(self._odd or self._at_work)

    def due(self) -> Iterator[UUID]:
        """What is to be tried, or asked, again now."""
        return self._retries.due()

    def forget(self, machine: UUID) -> None:
        """It begins anew: what was heard of its last try tells nothing of this one."""
        self._causes.pop(machine, None)

    def found_again(self, machine: UUID) -> None:
        """Its job is there, and is followed."""
        self._at_work.discard(machine)

    def lost(self, event: Lost) -> None:
        """Its host does not answer any more."""
        machine, error = event.machine, event.error
        self._note_at_work(machine, is_so=isinstance(error, MoveUnsettled))
        self._odd.seconds(machine, so=False)
        move = self._board.moves[machine]
        self._causes[machine] = cause_of_error(move, error)
        self._ask_again(move, error.what, error.fix)

    def settle(self, event: Unsent | MigrationOver, *, stopping: bool) -> None:
        """Nothing of ours runs: settle it by what both hosts say, and see them as they are now.

        ``stopping``: all are to stop, for now.
        """
        move = self._board.now(event.machine)
        limits = TryLimits(stopping, self._patience.attempts)
        if isinstance(event, Unsent):
            self._follow_verdict(move, judge_unsent(move, event, limits))
        else:
            if event.heard:
                self._causes[move.machine] = cause_of_end(move, event.failure, event.looks)
            cause = self._causes.get(move.machine)
            verdict = self._unless_odd_too_long(move, judge(move, event, cause, limits))
            self._note_at_work(move.machine, is_so=verdict.unsettled or verdict.moving)
            self._follow_verdict(move, verdict)
        # Only now: what ended may not be counted among what runs at a host as it was just seen.
        self._lookout.take_answers(event.looks)
        if not event.looks:
            self._lookout.visit(move.at, move.to)

    def _note_at_work(self, machine: UUID, *, is_so: bool) -> None:
        if is_so:
            self._at_work.add(machine)
        else:
            self._at_work.discard(machine)

    def _unless_odd_too_long(self, move: Migration, verdict: MigrationVerdict) -> MigrationVerdict:
        """The verdict; given up is what both hosts, or neither, have shown for too long."""
        odd_for = self._odd.seconds(move.machine, so=verdict.odd)
        if not verdict.odd or odd_for < self._patience.grace:
            return verdict
        self._odd.seconds(move.machine, so=False)
        return replace(verdict, step=MigrationStep.GIVEN_UP)

    def _follow_verdict(self, move: Migration, verdict: MigrationVerdict) -> None:
        if verdict.step is None:
            self._ask_again(move, verdict.reason, verdict.fix)
            self._board.set_at_rest(move, at_rest=verdict.at_rest)
            if verdict.moving:
                self._lookout.note_activity()
            return
        if verdict.step is MigrationStep.RETURNED and self._board.is_prepared(move.machine):
            self._board.unprepare(move.machine)  # it was not sent: nothing has happened to it
            return
        if verdict.step in {MigrationStep.ARRIVED, MigrationStep.PASSED}:
            self._learning.note_arrival(move)
        after = self._board.step(
            move,
            verdict.step,
            verdict.reason,
            verdict.fix,
            blamed=verdict.blamed,
            said=verdict.said,
        )
        if after.state is MigrationState.WAITING:
            soon = self._patience.before_try(after.attempts)
            self._retries.set(move.machine, self._patience.longest if verdict.waits else soon)
        self._lookout.note_activity()

    def _ask_again(self, move: Migration, why: str, fix: str) -> None:
        """Nobody has told its end: ask at once where that was not done just now, else later."""
        if move.state is MigrationState.UNKNOWN:
            self._board.explain(move, why, fix)
        else:
            self._board.step(move, MigrationStep.LOST, why, fix)
        every = Every(self._clock, self._patience.poll)
        at_once = self._pursued_due.setdefault(move.machine, every)()
        self._retries.set(move.machine, 0 if at_once else self._patience.poll)
