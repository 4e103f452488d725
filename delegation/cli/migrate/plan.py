"""``delegation migrate plan``: what a list of moves, or a drain, would do."""

import json
from pathlib import Path

import click

from delegation.cli import opening, options, telling, terminal
from delegation.cli.migrate import show
from delegation.cli.migrate.liberties import given_liberties, liberties
from delegation.cli.migrate.lists import read_list, save
from delegation.errors import Refused, UsageError
from delegation.migrations import migration_plan
from delegation.migrations.wanted_moves import DrainedHosts, ListedMoves


@click.command()
@options.common()
@options.reaching_hosts()
@options.optional_file
@click.option(
    "--drain", metavar="HOSTS", help="Instead of FILE: empty these hosts, as in hv[01-02],hv07."
)
@options.output("Save the moves as a list, for: delegation migrate run FILE")
@liberties
@options.text_or_json
@click.pass_context
def plan(
    ctx: click.Context, file: Path | None, drain: str | None, output: Path | None, form: str
) -> int:
    """Show what a list of moves, or a drain, would do.

    All hosts are read and nothing is touched: the order of the migrations, how long they take and
    what they take at least, each host's load over time, what can't be moved and why.

    \b
    Examples:
      delegation migrate plan moves.yaml
      delegation migrate plan moves.csv --format json
      delegation migrate plan --drain hv[01-02] -o drain.yaml

    Exit codes: 0 nothing to do, 3 moves pending, 4 something can't be moved.
    """
    given = options.given(ctx)
    inventory = opening.load(given)
    moves, said = _asked_for(file, drain), given_liberties(ctx)
    world = opening.world_of(given, inventory)
    planned = migration_plan.plan(world, moves, telling.TerminalTeller(given), said)
    if output is not None:
        save(world, planned, output, [file] if file else [])
    if form == "json":
        click.echo(json.dumps(planned.to_json(given.said), indent=1))
    else:
        show.plan(planned, given)
    if planned.preview.unmovable:
        raise Refused("not everything can be moved; a run would move nothing", "see the plan")
    if not planned.preview.placement.moves:
        terminal.say("nothing to do: every machine is where it should be", fg="green")
        return 0
    listed_in = output or file
    asked_for = ("run", str(listed_in)) if listed_in is not None else ("drain", str(drain))
    next_command = given.command("migrate", *asked_for, *said.options, "--expect", planned.digest)
    terminal.say(f"next    {next_command}")
    return 3


def _asked_for(file: Path | None, drain: str | None) -> ListedMoves | DrainedHosts:
    if (file is None) == (drain is None):
        raise UsageError(
            "a plan is of a list of moves or of a drain",
            "name a FILE, or the hosts to empty: --drain hv01",
        )
    return read_list(file) if file is not None else DrainedHosts((drain or "",))
