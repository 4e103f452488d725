"""A queue of migrations -> carried out: it starts what is due, follows it and settles its end.

It is given everything: somebody who works at the hosts, the record, a clock. It may die between
any two of its lines; whoever takes the run up again finds out from the record and the hosts.
"""

from collections.abc import Callable, Iterable
from uuid import UUID

from delegation.hosts.machines import MoveProgress
from delegation.migrations.lifecycle import UNWATCHED, Migration, MigrationState, MigrationStep
from delegation.migrations.runner.board import Board
from delegation.migrations.runner.counting import Counting
from delegation.migrations.runner.ends import Ends
from delegation.migrations.runner.learning import Learning
from delegation.migrations.runner.lookout import Lookout
from delegation.migrations.runner.patience import Every, Patience
from delegation.migrations.runner.work import (
    Accepted,
    Advanced,
    Counted,
    Display,
    ErrandEvent,
    Lost,
    MigrationOver,
    Prepared,
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

_GOES_ON = "its host does not let it be stopped now: it goes on to its end"
FINISH, STOP, LEAVE = 1, 2, 3
"""How urgently it was asked to end: start nothing more, stop what runs, go at once."""


class Runner:
    """One run, from where its record says that it is to its end, in the thread that calls it.

    ``hosts`` are those that take part, by label, the third hosts of a bypass included. ``clock``
    gives seconds that only grow. ``rates`` learn from what is moved. ``assume_full``: a host that
    does not tell its free space has none.
    """

    def __init__(  # noqa: PLR0913
        self,
        record: QueueRecord,
        crew: RunnerCrew,
        hosts: Iterable[str],
        *,
        clock: Callable[[], float],
        display: Display,
        rates: StreamRates,
        slots: Slots = Slots.BOTH,
        via: Via = anywhere,
        patience: Patience = Patience(),  # noqa: B008 - it is frozen
        assume_full: bool = False,
    ) -> None:
        self._record = record
        self._crew = crew
        self._board = Board(record, display, slots, via, assume_full=assume_full)
        self._lookout = Lookout(self._board, crew, hosts, clock, patience)
        self._display = display
        self._clock = clock
        self._patience = patience
        self._wishes_due = Every(clock, patience.listen)
        self._record_due = Every(clock, patience.record)
        self._wait_shown_due = Every(clock, patience.listen)
        self._learning = Learning(self._board, rates, clock, patience)
        self._counting = Counting(record, self._board)
        self._ends = Ends(self._board, self._lookout, self._learning, clock, patience)
        self._watched: set[UUID] = set()
        self._advances: dict[UUID, MoveProgress] = {}
        """What jobs have said since it was last put on record."""
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
            while self._pressed < LEAVE:
                self._stop_as_asked()
                self._give_up_as_asked()
                if not self._pressed:
                    self._start_due()
                if self._is_over():
                    break
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
        for move in self._board.prepare_due():
            self._ends.forget(move.machine)
            self._watched.add(move.machine)
            self._crew.prepare(move, counting=self._counting.wants(move.machine))
            self._lookout.note_activity()

    def _send(self, prepared: Prepared) -> None:
        """Its handle is committed before it is sent; one that is not wanted any more is not."""
        move = self._board.now(prepared.machine)
        if move.abandoned or self._pressed:
            self._take_event(Unsent(move.machine, is_stopped=True))
            return
        self._counting.begin(move, prepared.counted)
        move = self._board.step(move, MigrationStep.INTENDED, handle=prepared.handle)
        counting = self._counting.wants(move.machine)
        self._crew.carry(move, prepared.order, counting=counting)

    def _pursue(self, move: Migration) -> None:
        if move.machine not in self._watched:
            self._watched.add(move.machine)
            self._crew.pursue(move)

    def _stop(self, move: Migration) -> None:
        """Ask its host; what is not watched just now is asked when it is found again."""
        if move.machine in self._watched:
            self._crew.stop(move.machine, kill=move.kill)
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
            if move.state.pending and not self._board.is_prepared(move.machine):
                self._board.step(move, MigrationStep.ABANDONED)
            elif not move.state.ended:
                self._stop(move)

    def _do_what_is_due(self) -> None:
        """What is to be done at this second."""
        if self._advances and self._record_due():
            self._board.advanced(self._advances)
            self._advances.clear()
        for machine in self._ends.due():
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
            case Prepared():
                self._send(event)
            case Accepted(machine, handle):
                self._learning.note_start(machine)
                move = self._board.moves[machine]
                self._board.step(move, MigrationStep.ACCEPTED, handle=handle)
            case Advanced():
                self._advanced(event)
            case Counted(machine, counted):
                self._counting.take(machine, counted)
            case Reattached(machine, handle):
                self._reattached(machine, handle)
            case Lost():
                self._watched.discard(event.machine)
                self._ends.lost(event)
            case Unsent() | MigrationOver():
                self._watched.discard(event.machine)
                self._advances.pop(event.machine, None)
                self._ends.settle(event, stopping=self._pressed >= STOP)

    def _advanced(self, event: Advanced) -> None:
        """Its job is there, however long it says nothing new: reason enough to go on."""
        move, progress = self._board.moves[event.machine], event.progress
        last = self._advances.get(move.machine)
        seen = (move.percent, move.phase, move.status)
        if last is not None:
            seen = (last.percent, last.phase, last.text)
        if (progress.percent, progress.phase, progress.text) != seen:
            self._advances[move.machine] = progress
        if move.state is MigrationState.STOPPING:
            why = "" if progress.can_be_stopped else _GOES_ON
            self._board.explain(move, why)
        self._lookout.note_activity()

    def _reattached(self, machine: UUID, handle: str) -> None:
        self._ends.found_again(machine)
        move = self._board.moves[machine]
        move = self._board.step(move, MigrationStep.REATTACHED, handle=handle)
        if move.abandoned or self._pressed >= STOP:
            self._stop(move)
        self._lookout.note_activity()

    # The end

    def _is_over(self) -> bool:
        if self._watched or self._lookout.is_looking:
            return self._stop_by is not None and self._clock() >= self._stop_by
        if self._pressed or all(move.state.ended for move in self._board.moves.values()):
            return True
        if not self._ends.is_awaiting:
            self._lookout.give_up_stuck()
        return not (self._ends.has_time or self._lookout.is_patient)
