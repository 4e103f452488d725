"""``delegation migrate drain``: empty hosts."""

from pathlib import Path

import click

from delegation.cli import options, terminal, wiring
from delegation.cli.migrate import planning, running, show
from delegation.cli.migrate.plan import save
from delegation.cli.migrate.run import WAIT
from delegation.errors import Refused
from delegation.migrations.runner.patience import Patience


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("hosts", nargs=-1, required=True, metavar="HOST...")
@options.expect
@options.ticket
@options.yes
@WAIT
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Only save the moves as a list, for: delegation migrate run FILE",
)
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
    inventory = wiring.load(given)
    choice = planning.draining(hosts, inventory)
    open_host = wiring.open_host(given, inventory)
    planned = planning.plan(given, inventory, open_host, choice)
    plan_ = planned.preview
    show.plan(plan_, verbose=given.verbose)
    planning.hold_to(plan_, expect, given.command("migrate", "plan", "--drain", ",".join(hosts)))
    if output is not None:
        save(given, inventory, planned, output, [])
    if plan_.unmovable:
        raise Refused(
            "not every machine has a target; nothing was moved",
            "with -o FILE the others are saved as a list, to be run without these"
            if output is None
            else f"the others: {given.command('migrate', 'run', str(output))}",
            show.refusals(plan_.unmovable),
        )
    if not plan_.placement.moves:
        terminal.say("nothing to do: the hosts are empty", fg="green")
        return 0
    if output is not None:
        command = given.command("migrate", "run", str(output), "--expect", plan_.digest)
        terminal.say(f"next    {command}")
        return 0
    return running.carry_out(
        given,
        inventory,
        open_host,
        planned,
        ticket=ticket,
        yes=yes,
        patience=Patience(silence=wait),
    )
