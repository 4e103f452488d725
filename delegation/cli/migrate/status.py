"""``delegation migrate status``: how far a run is, by the record alone."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from delegation import names
from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.changes.run import RUNNING, Run
from delegation.cli import options, terminal, wiring
from delegation.cli.migrate import ended
from delegation.cli.migrate.overall import Overall
from delegation.errors import Busy, DelegationError, JournalError, UsageError
from delegation.migrations import result
from delegation.migrations.lifecycle import Migration
from delegation.migrations.record import recorded
from delegation.migrations.record.recorded import MIGRATE
from delegation.report import migration
from delegation.wiring import KINDS

SHOWN = 5
"""Runs that are named one by one."""


@click.command()
@options.common()
@click.argument("run", required=False, type=options.RUN, metavar="[RUN]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="markdown is a report of the run, for a ticket.",
)
@click.pass_context
def status(ctx: click.Context, run: int | None, form: str) -> int:
    """Show how far a run is.

    That is RUN, or the one that goes on, or the newest. From another terminal, too: it reads the
    record, and asks no host.

    \b
    Examples:
      delegation migrate status
      delegation migrate status 12 --format json
      delegation migrate status 12 --format markdown > report.md

    Exit codes: 0 everything is where it should be, 1 not yet, or something is not.
    """
    given = options.given(ctx)
    folder = wiring.usual_state_folder(given)
    with closing(Journal.readable(folder, KINDS)) as journal:
        current = at_work(journal, folder)
        found = _chosen(given, journal, run, current)
        moves = _moves(journal, found.id)
        left = [one for one in recorded.unfinished(journal) if one not in {found.id, current}]
    alive = found.id == current
    outcome = ended.of(found, moves)
    if form == "json":
        data = {**ended.data(found, moves, alive=alive), "left": left}
        click.echo(json.dumps(data, indent=1))
    elif form == "markdown":
        click.echo(migration.markdown(result.data(outcome)), nl=False)
    else:
        _show(found, alive=alive)
        ended.table([_in_words(move) for move in moves])
        overall = Overall(lambda: 0.0)
        overall.begin(moves)
        terminal.out()
        terminal.out(overall.in_words())
        if not alive and any(not move.state.ended for move in moves):
            command = given.command("migrate", "resume", str(found.id))
            terminal.say(f"next    {command}   to go on: nobody carries it out")
        _others(given, left)
    return 0 if outcome.complete else 1


def is_alive(folder: Path) -> bool:
    """Whether somebody migrates from this state folder just now."""
    try:
        with store.lock(folder, store.MIGRATING):
            return False
    except Busy:
        return True
    except JournalError as exc:
        terminal.warn(f"whether somebody carries it out can't be told: {exc.what}")
        return False


def at_work(journal: Journal, folder: Path) -> int | None:
    """The run that somebody carries out just now, of those that have no end."""
    newest = recorded.newest_at_work(journal)
    return newest if newest is not None and is_alive(folder) else None


def _moves(journal: Journal, run: int) -> list[Migration]:
    """A run's migrations; that one is to be given up is known as soon as somebody asked for it."""
    asked = recorded.to_be_given_up(journal, run)
    return [
        replace(move, abandoned=True) if move.machine in asked else move
        for move in recorded.migrations(journal, run)
    ]


def _others(given: options.Options, left: list[int]) -> None:
    """Tell of other runs that have machines without an end."""
    if left:
        runs = f"run {left[0]} has" if len(left) == 1 else f"runs {_listed(left)} have"
        command = given.command("migrate", "resume", str(left[-1]))
        terminal.say(f"        {runs} machines without an end, too: {command}")


def _listed(numbers: list[int]) -> str:
    """``3, 7 and 8``; many as ``[3-7,9]``."""
    if len(numbers) > SHOWN:
        return names.fold(map(str, numbers))
    *others, last = map(str, numbers)
    return f"{', '.join(others)} and {last}"


def _chosen(
    given: options.Options, journal: Journal, number: int | None, current: int | None
) -> Run:
    if number is not None:
        found = journal.run(number)
        if found.kind != MIGRATE:
            see = f"see: {given.command('history')}"
            raise UsageError(f"run {number} ({found.kind}) moved nothing", see)
        return found
    runs = [run for run in journal.runs() if run.kind == MIGRATE]
    if not runs:
        raise DelegationError(
            f"there was no migration run yet in {journal.folder}", "see: delegation migrate --help"
        )
    return next((run for run in runs if run.id == current), runs[-1])


def _in_words(move: Migration) -> Migration:
    """With what somebody has asked for, where that is not done yet, in its reason."""
    if not move.abandoned or move.state.ended:
        return move
    wish = "to be stopped, as asked" if move.state.on_the_way else "to be given up, as asked"
    return replace(move, reason=f"{wish}; {move.reason}" if move.reason else wish)


def _show(run: Run, *, alive: bool) -> None:
    state = "goes on" if alive else "was left" if run.status == RUNNING else run.status
    terminal.out(f"Run {run.id}: {state}", bold=True)
    ended_at = f", ended {run.finished}" if run.finished else ""
    terminal.out(f"  started {run.started} by {run.who} on {run.machine}{ended_at}")
    if run.ticket:
        terminal.out(f"  ticket {run.ticket}")
    terminal.out()
