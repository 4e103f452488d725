"""A run's migrations, on record and in the schedule at once: no step in one without the other."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from delegation.errors import HostError
from delegation.hosts.hosted import Hosted
from delegation.hosts.machines import Failure, MoveProgress
from delegation.migrations.lifecycle import Migration, MigrationState, MigrationStep
from delegation.migrations.runner.room import capacity, of_others
from delegation.migrations.runner.whereabouts import Answer, errors_in_words
from delegation.migrations.runner.work import Display, QueueRecord
from delegation.migrations.schedule import Move, Schedule, Slots, Start
from delegation.migrations.schedule.bypass import Via


class Board:
    """All migrations by machine. ``gone`` and ``seen`` are the hosts as they were looked at last.
    ``assume_full``: one that does not tell its free space has none.

    A migration that is on the way runs in the schedule, and one that is pending waits there: held
    back, where it waits for another try. One that is being prepared runs in the schedule, too,
    while its record still has it as queued: nothing of it was sent. The record comes first at every
    step: where that fails, the schedule has not started anything.
    """

    def __init__(
        self,
        record: QueueRecord,
        display: Display,
        slots: Slots,
        via: Via,
        *,
        assume_full: bool = False,
    ) -> None:
        self.moves = {move.machine: move for move in record.moves()}
        self.seen: dict[str, Hosted] = {}
        self.gone: dict[str, HostError] = {}
        self._prepared: dict[UUID, Start] = {}
        self._record = record
        self._display = display
        self._assume_full = assume_full
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

    def prepare_due(self) -> list[Migration]:
        """What is to start now, with where from and whereto: from here on it holds its slots."""
        due: list[Migration] = []
        for start in self._schedule.due():
            machine = UUID(start.move.machine)
            self._prepared[machine] = start
            due.append(self.now(machine))
        return due

    def now(self, machine: UUID) -> Migration:
        """A migration as it is; one that is being prepared with where from and whereto."""
        move = self.moves[machine]
        start = self._prepared.get(machine)
        return replace(move, at=start.source, to=start.to) if start is not None else move

    def is_prepared(self, machine: UUID) -> bool:
        """Whether it is being prepared to be sent."""
        return machine in self._prepared

    def unprepare(self, machine: UUID) -> None:
        """It is not to be sent after all, and waits as before."""
        del self._prepared[machine]
        self._schedule.returned(str(machine), again=True)

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
        handle: str | None = None,
        blamed: bool = False,
        said: Failure | None = None,
    ) -> Migration:
        """Record it, tell the schedule, and show it. ``blamed``: a try that failed.

        One that is prepared is recorded with where from and whereto once it is INTENDED.
        """
        at: str | None = None
        if step in _CAME:
            at = move.to or move.target
        elif step is MigrationStep.INTENDED:
            at = move.at
        after = self._record.step(
            move.machine,
            step,
            reason,
            fix,
            at=at,
            to=move.to if step is MigrationStep.INTENDED else None,
            handle=handle,
            attempts=_attempts(move, step, blamed=blamed),
            said=said,
        )
        self._tell_schedule(move, after, step)
        self._changed(after)
        return after

    def _tell_schedule(self, before: Migration, after: Migration, step: MigrationStep) -> None:
        machine = str(before.machine)
        was_prepared = self._prepared.pop(before.machine, None) is not None
        if before.state.on_the_way or was_prepared:
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

    def ours_at(self, hosts: Iterable[str]) -> dict[str, int]:
        """How many of its migrations are on their way at these hosts, at either end."""
        counted = dict.fromkeys(hosts, 0)
        for move in self.under_way:
            for host in {move.at, move.to} & counted.keys():
                counted[host] += 1
        return counted

    def set_at_rest(self, move: Migration, *, at_rest: bool) -> None:
        """Whether its source does nothing about one that is unknown: then its slot there is free.

        Its end is known only when its target has answered, too. Until then it is not sent again,
        and what it may hold there is held.
        """
        self._schedule.rests(str(move.machine), at_rest=at_rest)

    def take_answers(self, answers: Mapping[str, Answer]) -> None:
        """Hosts as they were looked at just now. What ended there has been stepped on before."""
        under_way, at_rest = self.under_way, self._at_rest
        prepared = [self.now(machine) for machine in self._prepared]
        for host, answer in answers.items():
            if isinstance(answer, HostError):
                self.gone[host] = answer
                self._schedule.without(host)
            else:
                self.gone.pop(host, None)
                self.seen[host] = answer
                found = capacity(
                    host, answer, under_way, at_rest, prepared, assume_full=self._assume_full
                )
                self._schedule.reread(host, found)

    def is_shared(self, host: str) -> bool:
        """Whether somebody else migrates from or to there, who may be in our way."""
        if host not in self.seen:
            return False
        others = of_others(host, self.seen[host], self.under_way, self._at_rest)
        return others.migrations > 0 or others.storage_migrations > 0

    @property
    def _at_rest(self) -> set[UUID]:
        return {UUID(machine) for machine in self._schedule.at_rest}

    def abandon(self, wishes: Mapping[UUID, bool]) -> list[Migration]:
        """Take the wish that these be given up; they are still to be stepped on."""
        ours = {machine: kill for machine, kill in wishes.items() if machine in self.moves}
        moves = self._record.abandon(ours)
        for move in moves:
            self._changed(move)
        return moves

    def advanced(self, progress: Mapping[UUID, MoveProgress]) -> None:
        self._record.advanced(progress)
        for move in self._record.moves():
            if move.machine in progress:
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
"""The steps after which a VM is where its migration took it."""


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
