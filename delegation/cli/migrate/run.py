"""``delegation migrate run``: perform a list of moves."""

from pathlib import Path

import click

from delegation.cli import opening, options
from delegation.cli.migrate.liberties import given_liberties, liberties
from delegation.cli.migrate.lists import read_list
from delegation.cli.migrate.starting import start_and_show
from delegation.migrations.runner.patience import Patience
from delegation.migrations.start_run import RunRequest

WAIT = click.option(
    "--wait",
    type=click.IntRange(0, 7 * 24 * 3600),
    default=int(Patience().silence),
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for hosts that do not answer, once nothing else is left to do.",
)


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("file", type=options.FILE, metavar="FILE")
@options.expect
@options.ticket
@options.yes
@WAIT
@liberties
@click.pass_context
def run(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context,
    file: Path,
    expect: str | None,
    ticket: str | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
    wait: int,
) -> int:
    """Perform a list of moves.

    Before the first one every pair that is used is checked: the links of explain by the directory
    as it is now, the hosts' settings, where the target listens, and what the source's own check
    says of each machine. Where one is broken nothing is started.

    Ctrl-C finishes what runs and starts nothing more; again, it stops what runs. Whatever ends
    it, a closed laptop or a reboot too: migrate resume goes on, and moves nothing twice.

    \b
    Examples:
      delegation migrate run moves.yaml
      delegation migrate run moves.yaml --expect sha256:4f1d… --yes
      delegation migrate run drain.csv --ticket CHG-1234

    Exit codes: 0 everything is where it should be, 1 something is not, 4 refused and nothing was
    started, 130 interrupted.
    """
    given = options.given(ctx)
    world = opening.world(given)
    request = RunRequest(
        read_list(file), expect, ticket, Patience(silence=wait), given_liberties(ctx)
    )
    return start_and_show(given, world, request, yes=yes)
