"""``delegation settle``: say what no domain controller can tell of a change in doubt."""

from dataclasses import replace

import click

from delegation.changes.settlement import Said
from delegation.cli import opening, options, settled
from delegation.mesh.mesh_verbs import settle_mesh


@click.command()
@options.common()
@settled.arguments
@options.elsewhere
@options.ticket
@options.yes
@click.pass_context
def settle(  # noqa: PLR0913, PLR0917 - its options
    ctx: click.Context,
    run: int,
    hosts: str,
    said: str,
    elsewhere: str | None,
    ticket: str | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Say what no look can tell: made, or not made.

    A run that was killed, or lost its connection, and somebody else's change after it, can leave
    changes in doubt. They stay in effect, and no rollback of the run ends with exit code 0 until
    it is known whether they were made. Look at the objects, ask who else was there, and say so.

    The objects are looked at first, and what is seen is shown and recorded with what you say. Where
    that tells what became of a change, nobody needs to say it, and it is refused (exit code 4).
    What is said to be made, delegation rollback RUN takes back, with all its guards. It needs no
    valid inventory.

    \b
    Examples:
      delegation settle 12 --host hv07 --as made
      delegation settle 12 --host hv[01-03] --as not-made --ticket CHG-1234 --yes
      delegation settle 12 --host hv07 --as made --on dc2    where dc1 is gone
    """
    given = replace(options.given(ctx), elsewhere=elsewhere)
    world = opening.world_of(given, opening.inventory_if_valid(given))
    view = settle_mesh(
        world,
        world.records,
        settled.confirmation(yes=yes),
        run=run,
        hosts=hosts,
        said=Said(said),
        ticket=ticket,
    )
    on = () if elsewhere is None else ("--on", elsewhere)
    settled.next_step(view, given.command("rollback", str(run), *on))
    return 0
