"""``delegation rollback``: take back exactly what one run did."""

from dataclasses import replace

import click

from delegation import names
from delegation.changes.opening import Prospect
from delegation.changes.verbs import Carried
from delegation.cli import asking, opening, options, show, terminal
from delegation.mesh.mesh_undo import MeshUndoView
from delegation.mesh.mesh_verbs import roll_back_mesh
from delegation.mesh.state import Delegation


@click.command()
@options.common()
@click.argument("run", required=False, type=options.RUN, metavar="[RUN]")
@options.limit("hosts' objects")
@options.back_to
@options.skip_conflicts
@options.elsewhere
@options.ticket
@options.yes
@options.allow("unconstrained")
@click.pass_context
def rollback(  # noqa: PLR0913, PLR0917 - its options
    ctx: click.Context,
    run: int | None,
    limit: str | None,
    back_to: int | None,
    skip_conflicts: bool,  # noqa: FBT001 - click passes it by name
    elsewhere: str | None,
    ticket: str | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
    allow: tuple[str, ...],
) -> int:
    """Undo one run exactly, or all after one.

    That is RUN, or the newest apply that is not undone yet; or, with --to, every run after that
    one, which stays: by one change of each object, back to how it was, as far as runs changed it.

    Restores the values and flags which that run wrote, in their original spelling, on the objects
    it wrote them to, wherever they have been moved. What others changed since is left alone, and
    what is as before already counts as done, for good. A value or flag that a later run has written
    again is a conflict, and then nothing is written, unless --skip-conflicts leaves it and undoes
    the rest (exit code 1 while anything is left). What a later run has taken away again is left to
    that run. A rollback is undone by its number.

    What is not found by its GUID, or in doubt after a crash, is left and told by name (exit code
    1): RUN tries it again. Plain rollback passes over a run of which nothing else is left, or only
    what later runs have written again.

    It needs no valid inventory. Without one, name the server that may have the password with
    --directory: the journal alone is not believed.

    \b
    Examples:
      delegation rollback
      delegation rollback 12 --ticket CHG-1234 --yes
      delegation rollback 12 --on dc2        where the run's domain controller is gone
      delegation rollback 12 --limit hv[01-02]
      delegation rollback --to 12            all runs after 12 as one
      delegation history                     the runs and their numbers

    Rollback is not revocation: tickets that were issued already work for up to 10 hours.
    """
    options.refuse_two_runs(run, back_to)
    given = replace(options.given(ctx), elsewhere=elsewhere)
    world = opening.world_of(given, opening.inventory_if_valid(given))
    carried = roll_back_mesh(
        world,
        world.records,
        asking.confirmation(_question, yes=yes),
        run=run,
        back_to=back_to,
        limit=limit,
        skip_conflicts=skip_conflicts,
        allow=allow,
        ticket=ticket,
    )
    return _ended(carried)


def _ended(carried: Carried[Delegation]) -> int:
    """What is left is told once more, at the end."""
    if carried.planned.unreached and carried.undoing is not None:
        left = names.fold(carried.planned.unreached)
        words = carried.undoing.words
        terminal.say(f"left as {words} left it, or may have: {left}", fg="red")
    show.left(carried.planned.left)
    if not carried.complete:
        return 1
    if carried.report is not None:
        terminal.say("  tickets that were issued already go on working for up to 10 hours")
    return 0


def _question(planned: Prospect[Delegation]) -> str:
    dc = planned.view.dc if isinstance(planned.view, MeshUndoView) else planned.plan.domain
    return f"Write this to {len(planned.plan.changes):,} objects on {dc}?"
