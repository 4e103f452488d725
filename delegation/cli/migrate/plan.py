"""``delegation migrate plan``: what a list of moves, or a drain, would do."""

import json
from pathlib import Path

import click

from delegation.cli import files, options, terminal, wiring
from delegation.cli.migrate import planning, show
from delegation.errors import Refused, UsageError
from delegation.inventory import Inventory
from delegation.migrations import moves
from delegation.migrations.moves import preview


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument(
    "file", required=False, type=click.Path(path_type=Path, dir_okay=False), metavar="[FILE]"
)
@click.option(
    "--drain", metavar="HOSTS", help="Instead of FILE: empty these hosts, as in hv[01-02],hv07."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the moves as a list, for: delegation migrate run FILE",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
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
    inventory = wiring.load(given)
    choice = _choice(file, drain, inventory)
    planned = planning.plan(given, inventory, wiring.open_host(given, inventory), choice)
    plan_ = planned.preview
    if output is not None:
        save(given, inventory, planned, output, [file] if file else [])
    if form == "json":
        click.echo(json.dumps(preview.data(plan_), indent=1))
    else:
        show.plan(plan_, verbose=given.verbose)
    if plan_.unmovable:
        raise Refused("not everything can be moved; a run would move nothing", "see the plan")
    if not plan_.placement.moves:
        terminal.say("nothing to do: every machine is where it should be", fg="green")
        return 0
    run = output or file
    if run is not None:
        next_ = given.command("migrate", "run", str(run), "--expect", plan_.digest)
    else:
        next_ = given.command("migrate", "drain", str(drain), "--expect", plan_.digest)
    terminal.say(f"next    {next_}")
    return 3


def _choice(file: Path | None, drain: str | None, inventory: Inventory) -> planning.Choice:
    if (file is None) == (drain is None):
        raise UsageError(
            "a plan is of a list of moves or of a drain",
            "name a FILE, or the hosts to empty: --drain hv01",
        )
    if file is not None:
        return planning.listed(file, inventory)
    return planning.draining([drain or ""], inventory)


def save(
    given: options.Options,
    inventory: Inventory,
    planned: planning.Planned,
    path: Path,
    read: list[Path],
) -> None:
    """The moves of a plan as a list that gives this plan again. Raises UsageError."""
    if path.suffix.casefold() in {".csv", ".tsv"}:
        raise UsageError(f"{path}: lists are written as YAML", "name it .yaml")
    asked = preview.as_asked(planned.preview, planned.surveyed)
    remark = (
        f"Made by delegation from what the hosts of {inventory.domain} held: "
        f"{planned.preview.digest}"
    )
    own = wiring.own_files(given, inventory, wiring.settings(given, inventory))
    files.save(path, moves.written(asked, remark), [*own, *read])
    terminal.say(f"{len(asked):,} moves are in {path}")
