"""A queue of migrations -> carried out: it starts what is due, follows it and settles its end.

It is given everything: somebody who works at the hosts, the record, a clock. It may die between
any two of its lines; whoever takes the run up again finds out from the record and the hosts.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from uuid import UUID

from delegation.hosts.hypervisor import NewHandle
from delegation.migrations.lifecycle import UNWATCHED, Migration, MigrationState, MigrationStep
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
from delegation.migrations.runner.work import (
    Accepted,
    Advanced,
    Display,
    ErrandEvent,
    Lost,
    MigrationOver,
    QueueRecord,
    Reattached,
    RunnerCrew,
    Unsent,
    Visited,
    Wait,
)
from delegation.migrations.schedule import Slots
from delegation.migrations.schedule.bypass import Via, anywhere
from delegation.migrations.schedule.estimate import StreamRates

FINISH, STOP, LEAVE = 1, 2, 3
"""How urgently it was asked to end: start nothing more, stop what runs, go at once."""


class Runner:
    """One run, from where its record says that it is to its end, in the thread that calls it.

    ``hosts`` are those that take part, by label, the third hosts of a bypass included. ``clock``
    gives seconds that only grow; ``new_handle`` that of a migration, by the label of its source.
    ``rates`` learn from what is moved.
    """

    def __init__(  # noqa: PLR0913
        self,
        record: QueueRecord,
        crew: RunnerCrew,
        hosts: Iterable[str],
        *,
        clock: Callable[[], float],
        new_handle: NewHandle,
        display: Display,
        rates: StreamRates,
        slots: Slots = Slots.BOTH,
        via: Via = anywhere,
        patience: Patience = Patience(),  # noqa: B008 - it is frozen
    ) -> None:
        self._record = record
        self._crew = crew
        self._board = Board(record, display, slots, via)
        self._lookout = Lookout(self._board, crew, hosts, clock, patience)
        self._display = display
        self._clock = clock
        self._new_handle = new_handle
        self._patience = patience
        self._wishes_due = Every(clock, patience.listen)
        self._record_due = Every(clock, patience.record)
        self._wait_shown_due = Every(clock, patience.listen)
        self._learning = Learning(self._board, rates, clock, patience)
        self._retries: Alarms[UUID] = Alarms(clock)
        self._watched: set[UUID] = set()
        self._causes: dict[UUID, Cause] = {}
        self._pursued_due: dict[UUID, Every] = {}
        self._odd: Lasting[UUID] = Lasting(clock)
        self._percents: dict[UUID, int] = {}
        self._pressed = 0
        self._stop_by: float | None = None

    def press(self, urgency: int = 0) -> None:
        """Ask it to end: ``urgency`` at least, else more urgently than before.

        A signal's handler may call it: it only counts.
        """
        self._pressed = max(self._pressed, urgency) if urgency else self._pressed + 1

    @property
    def urgency(self) -> int:
        """How urgently it was asked to end; 0: not at all."""
        return self._pressed

    def run(self) -> tuple[Migration, ...]:
        """All migrations as they are at the end. Raises JournalError where nothing is recorded."""
        try:
            self._begin()
            while not self._is_over():
                self._stop_as_asked()
                self._give_up_as_asked()
                if not self._pressed:
                    self._start_due()
                self._listen()
                self._do_what_is_due()
            self._board.explain_rest()
        finally:
            self._crew.dismiss()
        return tuple(self._board.moves.values())

    def _begin(self) -> None:
        """Look at every host; then, what became of what may be running."""
        self._lookout.visit_all()
        while self._lookout.is_looking and self._pressed < LEAVE:
            self._listen()
        for move in self._board.under_way:
            # Nobody has watched it since the run was left: unknown, until its hosts are asked.
            if move.state is not MigrationState.UNKNOWN:
                move = self._board.step(move, MigrationStep.LOST, UNWATCHED)  # noqa: PLW2901
            self._pursue(move)
        for move in self._board.pending:
            if move.state is MigrationState.WAITING:
                self._board.step(move, MigrationStep.DUE)

    def _listen(self) -> None:
        self._take_event(self._crew.next(self._patience.listen))
        self._display.pulse(self._pressed)

    # What is done

    def _start_due(self) -> None:
        for start in self._board.due():
            move = self._board.moves[UUID(start.move.machine)]
            handle = self._new_handle(start.source)
            move = self._board.step(move, MigrationStep.INTENDED, start=start, handle=handle)
            self._causes.pop(move.machine, None)
            self._watched.add(move.machine)
            self._crew.carry(move)
            self._lookout.note_activity()

    def _pursue(self, move: Migration) -> None:
        if move.machine not in self._watched:
            self._watched.add(move.machine)
            self._crew.pursue(move)

    def _stop(self, move: Migration) -> None:
        """Ask its host; what is not watched just now is asked when it is found again."""
        if move.machine in self._watched:
            self._crew.stop(move.machine)
        if move.state in {MigrationState.STARTING, MigrationState.RUNNING}:
            self._board.step(move, MigrationStep.STOPPED)

    def _stop_as_asked(self) -> None:
        """Once, where a signal asked for it: stop all that runs."""
        if self._pressed < STOP or self._stop_by is not None:
            return
        self._stop_by = self._clock() + self._patience.stop
        for move in self._board.under_way:
            self._stop(move)

    def _give_up_as_asked(self) -> None:
        """What was asked meanwhile, from other terminals."""
        wishes = self._record.requests() if self._wishes_due() else ()
        if not wishes:
            return
        for move in self._board.abandon(wishes):
            if move.state.pending:
                self._board.step(move, MigrationStep.ABANDONED)
            elif move.state.on_the_way:
                self._stop(move)

    def _do_what_is_due(self) -> None:
        """What is to be done at this second."""
        if self._percents and self._record_due():
            self._board.advanced(self._percents)
            self._percents.clear()
        for machine in self._retries.due():
            move = self._board.moves[machine]
            if move.state is MigrationState.WAITING:
                self._board.step(move, MigrationStep.DUE)
            elif move.state is MigrationState.UNKNOWN:
                self._pursue(move)
        self._lookout.revisit_due()
        if self._wait_shown_due():
            self._show_wait()

    def _show_wait(self) -> None:
        is_idle = all(move.state is MigrationState.UNKNOWN for move in self._board.under_way)
        seconds = self._lookout.seconds_left if is_idle else None
        self._display.waits(Wait(self._lookout.unreachable, seconds))

    # What happens

    def _take_event(self, event: ErrandEvent | None) -> None:
        match event:
            case Visited(host, answer):
                self._lookout.take_visit(host, answer)
            case Accepted(machine, handle):
                self._learning.note_start(machine)
                move = self._board.moves[machine]
                self._board.step(move, MigrationStep.ACCEPTED, handle=handle)
            case Advanced(machine, percent):
                self._advanced(machine, percent)
            case Reattached(machine):
                self._reattached(machine)
            case Lost(machine, error):
                self._watched.discard(machine)
                self._odd.seconds(machine, so=False)
                move = self._board.moves[machine]
                self._causes[machine] = cause_of_error(move, error)
                self._ask_again(move, error.what, error.fix)
            case Unsent() | MigrationOver():
                self._watched.discard(event.machine)
                self._settle_end(event)

    def _advanced(self, machine: UUID, percent: int) -> None:
        known = self._percents.get(machine, self._board.moves[machine].percent)
        if percent != known:
            self._percents[machine] = percent
            self._lookout.note_activity()

    def _reattached(self, machine: UUID) -> None:
        move = self._board.step(self._board.moves[machine], MigrationStep.REATTACHED)
        if move.abandoned or self._pressed >= STOP:
            self._stop(move)
        self._lookout.note_activity()

    def _settle_end(self, event: Unsent | MigrationOver) -> None:
        """Nothing of ours runs: settle it by what both hosts say, and see them as they are now."""
        move = self._board.moves[event.machine]
        self._percents.pop(move.machine, None)
        limits = TryLimits(self._pressed >= STOP, self._patience.attempts)
        if isinstance(event, Unsent):
            self._settle(move, judge_unsent(move, event.looks, event.error, limits))
        else:
            if event.heard:
                self._causes[move.machine] = cause_of_end(move, event.failure)
            cause = self._causes.get(move.machine)
            verdict = self._unless_odd_too_long(move, judge(move, event.looks, cause, limits))
            self._settle(move, verdict)
        # Only now: what ended may not be counted among what runs at a host as it was just seen.
        self._lookout.take_answers(event.looks)
        if not event.looks:
            self._lookout.visit(move.at, move.to)

    def _unless_odd_too_long(self, move: Migration, verdict: MigrationVerdict) -> MigrationVerdict:
        """The verdict; given up is what both hosts, or neither, have shown for too long."""
        odd_for = self._odd.seconds(move.machine, so=verdict.odd)
        if not verdict.odd or odd_for < self._patience.grace:
            return verdict
        self._odd.seconds(move.machine, so=False)
        return replace(verdict, step=MigrationStep.GIVEN_UP)

    def _settle(self, move: Migration, verdict: MigrationVerdict) -> None:
        if verdict.step is None:
            self._ask_again(move, verdict.reason, verdict.fix)
            self._board.set_at_rest(move, at_rest=verdict.at_rest)
            if verdict.moving:
                self._lookout.note_activity()
            return
        if verdict.step in {MigrationStep.ARRIVED, MigrationStep.PASSED}:
            self._learning.note_arrival(move)
        after = self._board.step(
            move, verdict.step, verdict.reason, verdict.fix, blamed=verdict.blamed
        )
        if after.state is MigrationState.WAITING:
            self._retries.set(move.machine, self._patience.before_try(after.attempts))
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

    # The end

    def _is_over(self) -> bool:
        if self._pressed >= LEAVE:
            return True
        if self._watched or self._lookout.is_looking:
            return self._stop_by is not None and self._clock() >= self._stop_by
        if self._pressed or all(move.state.ended for move in self._board.moves.values()):
            return True
        if not self._retries:
            self._lookout.give_up_stuck()
        return not (self._odd or self._lookout.is_patient)
