"""``delegation migrate status``: how far a run is, by the record alone."""

import json

import click

from delegation.cli import opening, options, telling, terminal
from delegation.cli.migrate import runs_shown
from delegation.migrations.run_status import RunStatus, status_of
from delegation.report import migration


@click.command()
@options.common()
@click.argument("run", required=False, type=options.RUN, metavar="[RUN]")
@options.forms("text", "json", "markdown", purpose="markdown is a report of the run, for a ticket.")
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
    records = opening.records(given)
    run_status = status_of(records, run, telling.TerminalTeller(given))
    if form == "json":
        click.echo(json.dumps(run_status.to_json(), indent=1))
    elif form == "markdown":
        click.echo(migration.markdown_of(run_status.view), nl=False)
    else:
        _show(given, run_status)
    return 0 if run_status.view.complete else 1


def _show(given: options.Options, run_status: RunStatus) -> None:
    title, *lines = run_status.heading()
    terminal.out(title, bold=True)
    for line in lines:
        terminal.out(line)
    terminal.out()
    runs_shown.table(run_status.moves_in_words())
    runs_shown.show_details(run_status.view, given)
    terminal.out()
    terminal.out(run_status.progress_in_words)
    for step in run_status.next_steps():
        terminal.say(given.said(step))
