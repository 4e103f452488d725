"""``delegation migrate status``: how far a run is, by the record alone."""

import json
from contextlib import closing
from pathlib import Path

import click

from delegation import store
from delegation.cli import options, terminal, wiring
from delegation.cli.migrate import ended
from delegation.cli.migrate.overall import Overall
from delegation.errors import Busy, DelegationError, JournalError, UsageError
from delegation.journal import Journal
from delegation.migrate import recorded, result
from delegation.report import migration
from delegation.run import MIGRATE, RUNNING, Run


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

    That is RUN, or the newest. From another terminal, too, while it goes on: it reads the record,
    and asks no host.

    \b
    Examples:
      delegation migrate status
      delegation migrate status 12 --format json
      delegation migrate status 12 --format markdown > report.md

    Exit codes: 0 everything is where it should be, 1 not yet, or something is not.
    """
    given = options.given(ctx)
    folder = wiring.usual_state_folder(given)
    with closing(Journal.readable(folder)) as journal:
        found = _chosen(journal, run)
        moves = recorded.migrations(journal, found.id)
    alive = found.status == RUNNING and is_alive(folder)
    outcome = ended.of(found, moves)
    if form == "json":
        click.echo(json.dumps(ended.data(found, moves, alive=alive), indent=1))
    elif form == "markdown":
        click.echo(migration.markdown(result.data(outcome)), nl=False)
    else:
        _show(found, alive=alive)
        ended.table(moves)
        overall = Overall(lambda: 0.0)
        overall.begin(moves)
        terminal.out()
        terminal.out(overall.in_words())
        if not alive and any(not move.state.ended for move in moves):
            command = given.command("migrate", "resume", str(found.id))
            terminal.say(f"next    {command}   to go on: nobody carries it out")
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


def _chosen(journal: Journal, number: int | None) -> Run:
    if number is not None:
        found = journal.run(number)
        if found.kind != MIGRATE:
            raise UsageError(
                f"run {number} ({found.kind}) moved nothing", "see: delegation history"
            )
        return found
    runs = [run for run in journal.runs() if run.kind == MIGRATE]
    going_on = [run for run in runs if run.status == RUNNING]
    if not runs:
        raise DelegationError(
            f"there was no migration run yet in {journal.folder}", "see: delegation migrate --help"
        )
    return (going_on or runs)[-1]


def _show(run: Run, *, alive: bool) -> None:
    state = "goes on" if alive else "was left" if run.status == RUNNING else run.status
    terminal.out(f"Run {run.id}: {state}", bold=True)
    ended_at = f", ended {run.finished}" if run.finished else ""
    terminal.out(f"  started {run.started} by {run.who} on {run.machine}{ended_at}")
    if run.ticket:
        terminal.out(f"  ticket {run.ticket}")
    terminal.out()
