"""``delegation migrate abort``: give up migrations, from another terminal, too."""

import click

from delegation.changes.records import Records
from delegation.cli import options, telling, wiring
from delegation.migrations.give_up import give_up
from delegation.wiring import KINDS


@click.command()
@options.common()
@click.argument("machines", nargs=-1, metavar="[VM]...")
@click.pass_context
def abort(ctx: click.Context, machines: tuple[str, ...]) -> int:
    """Give up migrations.

    All that have no end, or those of the machines VM, by name or id. What waits is not started;
    what runs is stopped, which leaves the machine where it was. Whoever carries the run out hears
    of it at once. Where nobody does, migrate resume stops what still runs.

    \b
    Examples:
      delegation migrate abort web01
      delegation migrate abort            everything
      delegation migrate status           what has become of it

    Exit codes: 0 asked for, or done, 1 nothing to give up: all of it, or one VM, has its end
    already, 2 a VM is in no run.
    """
    given = options.given(ctx)
    teller = telling.TerminalTeller(given)
    records = Records(wiring.usual_state_folder(given), KINDS, teller)
    teller.say(give_up(records, machines))
    return 0
