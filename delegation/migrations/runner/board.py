"""A run's migrations, on record and in the schedule at once: no step in one without the other."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from delegation.errors import HostError
from delegation.hosts.hosted import Hosted
from delegation.migrations.lifecycle import Migration, MigrationState, MigrationStep
from delegation.migrations.runner.room import capacity, migrations_of_others
from delegation.migrations.runner.whereabouts import Answer, errors_in_words
from delegation.migrations.runner.work import Display, QueueRecord
from delegation.migrations.schedule import Move, Schedule, Slots, Start
from delegation.migrations.schedule.bypass import Via


class Board:
    """All migrations by machine. ``gone`` and ``seen`` are the hosts as they were looked at last.

    A migration that is on the way runs in the schedule, and one that is pending waits there: held
    back, where it waits for another try. The record comes first at every step: where that fails,
    the schedule has not started anything.
    """

    def __init__(self, record: QueueRecord, display: Display, slots: Slots, via: Via) -> None:
        self.moves = {move.machine: move for move in record.moves()}
        self.seen: dict[str, Hosted] = {}
        self.gone: dict[str, HostError] = {}
        self._record = record
        self._display = display
        waiting = [as_move(move) for move in self.pending]
        running = [Start(as_move(move), move.at, move.to) for move in self.under_way]
        self._schedule = Schedule({}, waiting, slots=slots, via=via, running=running)
        for move in self.pending:
            if move.state is MigrationState.WAITING:
                self._schedule.hold(str(move.machine), move.reason)

    @property
    def under_way(self) -> list[Migration]:
        return [move for move in self.moves.values() if move.state.on_the_way]

    @property
    def pending(self) -> list[Migration]:
        return [move for move in self.moves.values() if move.state.pending]

    def due(self) -> list[Start]:
        """What is to start now; each of them has to be stepped on to STARTING."""
        return self._schedule.due()

    def stuck(self) -> dict[UUID, str]:
        """Why each that is queued can't be moved, where nothing runs and nothing is due."""
        return {UUID(machine): why for machine, why in self._schedule.stuck().items()}

    def step(  # noqa: PLR0913
        self,
        move: Migration,
        step: MigrationStep,
        reason: str = "",
        fix: str = "",
        *,
        start: Start | None = None,
        handle: str | None = None,
        blamed: bool = False,
    ) -> Migration:
        """Record it, tell the schedule, and show it. ``blamed``: a try that failed."""
        at: str | None = None
        if start is not None:
            at = start.source
        elif step in _CAME:
            at = move.to or move.target
        after = self._record.step(
            move.machine,
            step,
            reason,
            fix,
            at=at,
            to=start.to if start else None,
            handle=handle,
            attempts=_attempts(move, step, blamed=blamed),
        )
        self._tell_schedule(move, after, step)
        self._changed(after)
        return after

    def _tell_schedule(self, before: Migration, after: Migration, step: MigrationStep) -> None:
        machine = str(before.machine)
        if before.state.on_the_way:
            self._leave_the_way(before, step)
        elif after.state.ended:
            self._schedule.dropped(machine)
        elif step is MigrationStep.DUE:
            self._schedule.unhold(machine)
        if step is MigrationStep.REATTACHED:
            self._schedule.rests(machine, at_rest=False)
        if step is MigrationStep.POSTPONED:
            self._schedule.hold(machine, after.reason)

    def _leave_the_way(self, move: Migration, step: MigrationStep) -> None:
        """Tell the schedule, where a migration that was on the way is not any more."""
        machine = str(move.machine)
        if step in _CAME:
            self._schedule.arrived(machine)
        elif step in {MigrationStep.RETURNED, MigrationStep.POSTPONED}:
            self._schedule.returned(machine, again=True)
        elif step in {MigrationStep.GIVEN_UP, MigrationStep.ABANDONED}:
            self._schedule.returned(machine, again=False)

    def set_at_rest(self, move: Migration, *, at_rest: bool) -> None:
        """Whether its source does nothing about one that is unknown: then its slot there is free.

        Its end is known only when its target has answered, too. Until then it is not sent again,
        and what it may hold there is held.
        """
        self._schedule.rests(str(move.machine), at_rest=at_rest)

    def take_answers(self, answers: Mapping[str, Answer]) -> None:
        """Hosts as they were looked at just now. What ended there has been stepped on before."""
        under_way, at_rest = self.under_way, self._at_rest
        for host, answer in answers.items():
            if isinstance(answer, HostError):
                self.gone[host] = answer
                self._schedule.without(host)
            else:
                self.gone.pop(host, None)
                self.seen[host] = answer
                self._schedule.reread(host, capacity(host, answer, under_way, at_rest))

    def is_shared(self, host: str) -> bool:
        """Whether somebody else migrates from there, who may be in our way."""
        if host not in self.seen:
            return False
        at_rest = self._at_rest
        ours = [move for move in self.under_way if move.machine not in at_rest]
        return migrations_of_others(self.seen[host], ours) > 0

    @property
    def _at_rest(self) -> set[UUID]:
        return {UUID(machine) for machine in self._schedule.at_rest}

    def abandon(self, machines: Collection[UUID]) -> list[Migration]:
        """Take the wish that these be given up; they are still to be stepped on."""
        moves = self._record.abandon([machine for machine in machines if machine in self.moves])
        for move in moves:
            self._changed(move)
        return moves

    def advanced(self, percents: Mapping[UUID, int]) -> None:
        self._record.advanced(percents)
        for move in self._record.moves():
            if move.machine in percents:
                self._changed(move)

    def explain(self, move: Migration, reason: str, fix: str = "") -> None:
        """Why it is still in its state, on record where that is news."""
        if (reason, fix) != (move.reason, move.fix):
            self._changed(self._record.explain(move.machine, reason, fix))

    def explain_rest(self) -> None:
        """Why what waits still does, for whoever looks at the record."""
        stuck = self.stuck()
        for move in self.pending:
            errors = [self.gone[host] for host in (move.at, move.target) if host in self.gone]
            why, fix = errors_in_words(errors)
            why = why or stuck.get(move.machine, "")
            if why:
                self.explain(move, why, fix)

    def timed(self, seconds: Mapping[UUID, float]) -> None:
        """Better estimates for what waits."""
        by_id = {str(machine): length for machine, length in seconds.items()}
        self._schedule.timed(by_id)

    def _changed(self, move: Migration) -> None:
        self.moves[move.machine] = move
        self._display.move(move)


_CAME = {MigrationStep.ARRIVED, MigrationStep.PASSED}
"""The steps after which a VM is where its Move-VM took it."""


def _attempts(move: Migration, step: MigrationStep, *, blamed: bool) -> int | None:
    """How many tries of its leg have failed after the step; None: as many as before."""
    if step is MigrationStep.PASSED:  # the next leg begins
        return 0
    return move.attempts + 1 if blamed else None


def involved(moves: Iterable[Migration]) -> set[str]:
    """The hosts that these need, by label."""
    hosts: set[str] = set()
    for move in moves:
        hosts.update((move.at, move.target, move.to))
    hosts.discard("")  # what was not sent yet goes nowhere so far
    return hosts


def as_move(move: Migration) -> Move:
    """The migration from where it is now, as the schedule has it."""
    return Move(
        machine=str(move.machine),
        name=move.name,
        source=move.at,
        target=move.target,
        memory=move.memory,
        disk=move.disk,
        seconds=move.seconds,
    )
