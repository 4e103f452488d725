"""The record -> how far a run is, by the record alone: no host is asked."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from delegation import names
from delegation.changes.journal import Journal
from delegation.changes.run import Run
from delegation.errors import Advice, DelegationError, UsageError, command
from delegation.events import Teller
from delegation.migrations import MIGRATE
from delegation.migrations.lifecycle import Migration
from delegation.migrations.migration_plan import PastRuns
from delegation.migrations.progress_of_run import RunProgress
from delegation.migrations.record import recorded
from delegation.migrations.record.at_work import run_at_work
from delegation.migrations.run_view import MigrationRunView

SHOWN = 5
"""Runs that are named one by one."""


@dataclass(frozen=True)
class RunStatus:
    """One run, and the ``others`` that have migrations without an end."""

    view: MigrationRunView
    others: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        return {**self.view.to_json(), "left": list(self.others)}

    @property
    def progress_in_words(self) -> str:
        progress = RunProgress(lambda: 0.0)
        progress.begin(self.view.moves)
        return progress.in_words()

    def heading(self) -> Iterator[str]:
        """The run's page, in lines; the first is its title."""
        run = self.view.run
        yield f"Run {run.id}: {self.view.standing}"
        ended_at = f", ended {run.finished}" if run.finished else ""
        yield f"  started {run.started} by {run.who} on {run.machine}{ended_at}"
        if run.ticket:
            yield f"  ticket {run.ticket}"

    def moves_in_words(self) -> list[Migration]:
        """With what somebody has asked for, where that is not done yet, in the reasons."""
        return [_with_wish(move) for move in self.view.moves]

    def next_steps(self) -> Iterator[str]:
        """What can be done about it, and about others that were left."""
        if self.view.can_be_resumed:
            resume = command("migrate", "resume", str(self.view.run.id))
            yield Advice("next    ", resume, "   to go on: nobody carries it out")
        if self.others:
            is_single = len(self.others) == 1
            runs = f"run {self.others[0]} has" if is_single else f"runs {_listed(self.others)} have"
            resume = command("migrate", "resume", str(self.others[-1]))
            yield Advice(f"        {runs} machines without an end, too: ", resume)


def status_of(records: PastRuns, number: int | None, teller: Teller) -> RunStatus:
    """How far a run is: the one of that number, else of the one that goes on, else of the newest.

    Raises UsageError for a run of another kind, DelegationError where there is none.
    """
    with records.reading() as journal:
        current = run_at_work(records, journal, teller)
        run = _chosen(journal, number, current)
        goes_on = run.id == current
        moves = tuple(_moves(journal, run.id, going_on=goes_on))
        view = MigrationRunView(run, moves, goes_on, recorded.notes(journal, run.id))
        shown = {run.id, current}
        others = [other for other in recorded.unfinished(journal) if other not in shown]
    return RunStatus(view, tuple(others))


def _chosen(journal: Journal, number: int | None, current: int | None) -> Run:
    if number is not None:
        run = journal.run(number)
        if run.kind != MIGRATE:
            see = Advice("see: ", command("history"))
            raise UsageError(f"run {number} ({run.kind}) moved nothing", see)
        return run
    runs = [run for run in journal.runs() if run.kind == MIGRATE]
    if not runs:
        raise DelegationError(
            f"there was no migration run yet in {journal.folder}", "see: delegation migrate --help"
        )
    return next((run for run in runs if run.id == current), runs[-1])


def _moves(journal: Journal, run: int, *, going_on: bool) -> Iterator[Migration]:
    """A run's migrations; that one is to be given up is known as soon as somebody asked for it.

    ``going_on``: somebody follows them, so that what their jobs were last at is news.
    """
    asked = recorded.to_be_given_up(journal, run)
    for move in recorded.migrations(journal, run, with_phases=going_on):
        yield replace(move, abandoned=True) if move.machine in asked else move


def _with_wish(move: Migration) -> Migration:
    if not move.abandoned or move.state.ended:
        return move
    wish = "to be stopped, as asked" if move.state.on_the_way else "to be given up, as asked"
    reason = f"{wish}; {move.reason}" if move.reason else wish
    return replace(move, reason=reason)


def _listed(numbers: tuple[int, ...]) -> str:
    """``3, 7 and 8``; many as ``[3-7,9]``."""
    if len(numbers) > SHOWN:
        return names.fold(map(str, numbers))
    *others, last = map(str, numbers)
    return f"{', '.join(others)} and {last}"
