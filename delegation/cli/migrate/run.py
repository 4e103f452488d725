"""``delegation migrate run``: perform a list of moves."""

from pathlib import Path

import click

from delegation.cli import options, terminal, wiring
from delegation.cli.migrate import planning, running, show
from delegation.errors import Refused
from delegation.migrations.runner.patience import Patience

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
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@options.expect
@options.ticket
@options.yes
@WAIT
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
    as it is now, the hosts' settings, their ports, and a dry run of each machine. Where one is
    broken nothing is started.

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
    inventory = wiring.load(given)
    choice = planning.listed(file, inventory)
    open_host = wiring.open_host(given, inventory)
    planned = planning.plan(given, inventory, open_host, choice)
    plan = planned.preview
    show.plan(plan, verbose=given.verbose)
    planning.hold_to(plan, expect, given.command("migrate", "plan", str(file)))
    if plan.unmovable:
        raise Refused(
            "not everything can be moved; nothing was started",
            "take these out of the list, or do what is said",
            show.refusals(plan.unmovable),
        )
    if not plan.placement.moves:
        terminal.say("nothing to do: every machine is where it should be", fg="green")
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
