"""``delegation rollback``: take back exactly what one run did."""

import click

from delegation.changes.opening import Prospect
from delegation.cli import asking, opening, options, terminal
from delegation.errors import InventoryError, UsageError
from delegation.inventory import Inventory
from delegation.mesh.mesh_changes import MeshUndoView
from delegation.mesh.mesh_verbs import roll_back_mesh
from delegation.mesh.state import Delegation


@click.command()
@options.common()
@click.argument("run", required=False, type=options.RUN, metavar="[RUN]")
@options.ticket
@options.yes
@options.allow("unconstrained")
@click.pass_context
def rollback(
    ctx: click.Context,
    run: int | None,
    ticket: str | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
    allow: tuple[str, ...],
) -> int:
    """Undo one run exactly.

    That is RUN, or the newest apply that is not undone yet.

    Restores the values and flags which that run wrote, in their original spelling, on the objects
    it wrote them to, wherever they have been moved. What others changed since is left alone; an
    object on which the run's own values have changed since is a conflict, and then nothing is
    written. A rollback is undone by its number.

    It needs no valid inventory. Without one, name the server that may have the password with
    --directory: the journal alone is not believed.

    \b
    Examples:
      delegation rollback
      delegation rollback 12 --ticket CHG-1234 --yes
      delegation history                     the runs and their numbers

    Rollback is not revocation: tickets that were issued already work for up to 10 hours.
    """
    given = options.given(ctx)
    world = opening.world_of(given, _inventory_if_valid(given))
    carried = roll_back_mesh(
        world,
        world.records,
        asking.confirmation(_question, yes=yes),
        run=run,
        allow=allow,
        ticket=ticket,
    )
    if not carried.complete:
        return 1
    terminal.say("  tickets that were issued already go on working for up to 10 hours")
    return 0


def _inventory_if_valid(given: options.Options) -> Inventory | None:
    try:
        return opening.load(given)
    except (InventoryError, UsageError) as exc:
        terminal.warn(f"{given.inventory} is not usable, going by the journal alone: {exc.what}")
        return None


def _question(planned: Prospect[Delegation]) -> str:
    dc = planned.view.dc if isinstance(planned.view, MeshUndoView) else planned.plan.domain
    return f"Write this to {len(planned.plan.changes):,} objects on {dc}?"
