"""``delegation migrate status``: how far a run is, by the record alone."""

import json

import click

from delegation.changes.records import Records
from delegation.cli import options, telling, terminal, wiring
from delegation.cli.migrate import runs_shown
from delegation.migrations.run_status import RunStatus, status_of
from delegation.report import migration
from delegation.wiring import KINDS


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
    teller = telling.TerminalTeller(given)
    records = Records(wiring.usual_state_folder(given), KINDS, teller)
    found = status_of(records, run, teller)
    if form == "json":
        click.echo(json.dumps(found.to_json(), indent=1))
    elif form == "markdown":
        click.echo(migration.markdown(found.view.result), nl=False)
    else:
        _show(given, found)
    return 0 if found.view.complete else 1


def _show(given: options.Options, found: RunStatus) -> None:
    title, *lines = found.heading()
    terminal.out(title, bold=True)
    for line in lines:
        terminal.out(line)
    terminal.out()
    runs_shown.table(found.moves_in_words())
    terminal.out()
    terminal.out(found.progress_in_words)
    for step in found.next_steps():
        terminal.say(given.said(step))
