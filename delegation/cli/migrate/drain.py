"""``delegation migrate drain``: empty hosts."""

from pathlib import Path

import click

from delegation.cli import opening, options, telling, terminal
from delegation.cli.migrate.liberties import given_liberties, liberties
from delegation.cli.migrate.lists import save
from delegation.cli.migrate.run import WAIT
from delegation.cli.migrate.starting import start_and_show
from delegation.errors import Advice, Refused, command
from delegation.migrations.refused_moves import refusals
from delegation.migrations.runner.patience import Patience
from delegation.migrations.start_run import RunRequest, reviewed_plan
from delegation.migrations.wanted_moves import DrainedHosts


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("hosts", nargs=-1, required=True, metavar="HOST...")
@options.expect
@options.ticket
@options.yes
@WAIT
@liberties
@options.output("Only save the moves as a list, for: delegation migrate run FILE")
@click.pass_context
def drain(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context,
    hosts: tuple[str, ...],
    expect: str | None,
    ticket: str | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
    wait: int,
    output: Path | None,
) -> int:
    """Empty hosts: choose targets, and move everything there.

    Targets have room for what they get, are filled evenly, are reached by the inventory's meshes,
    keep its affinity rules (migrate.affinity), and are none of the hosts that are emptied. Where
    one machine has no target, nothing is moved.

    \b
    Examples:
      delegation migrate drain hv01
      delegation migrate drain hv[01-02] --ticket CHG-1234
      delegation migrate drain hv01 --expect sha256:4f1d… --yes
      delegation migrate drain hv01 -o drain.yaml     to look at, edit, and run later

    Exit codes: 0 the hosts are empty, 1 something was not moved, 4 refused and nothing was moved.
    """
    given = options.given(ctx)
    world = opening.world(given)
    request = RunRequest(
        DrainedHosts(hosts), expect, ticket, Patience(silence=wait), given_liberties(ctx)
    )
    if output is None:
        return start_and_show(given, world, request, yes=yes)
    planned = reviewed_plan(world, request, telling.TerminalTeller(given))
    save(world, planned, output)
    if planned.preview.unmovable:
        raise Refused(
            request.wanted.unmovable_words[0],
            Advice("the others: ", command("migrate", "run", str(output))),
            refusals(planned.preview.unmovable),
        )
    if not planned.preview.placement.moves:
        terminal.say(request.wanted.nothing_words, fg="green")
        return 0
    again = ("migrate", "run", str(output), *request.liberties.options)
    next_command = given.command(*again, "--expect", planned.digest)
    terminal.say(f"next    {next_command}")
    return 0
