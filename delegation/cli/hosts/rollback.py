"""``delegation hosts rollback``: take back exactly what one run set on the hosts."""

import click

from delegation.cli import asking, opening, options, show, terminal
from delegation.cli.hosts import tables
from delegation.hosts.settings import HOST_SETTINGS
from delegation.hosts.settings_plan import KERBEROS_BEFORE_MESH
from delegation.hosts.settings_verbs import roll_back_settings
from delegation.hosts.settings_view import HostsUndoView


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("run", required=False, type=options.RUN, metavar="[RUN]")
@options.limit("hosts")
@options.back_to
@options.skip_conflicts
@options.ticket
@options.yes
@options.allow(KERBEROS_BEFORE_MESH)
@click.pass_context
def rollback(  # noqa: PLR0913, PLR0917 - its options
    ctx: click.Context,
    run: int | None,
    limit: str | None,
    back_to: int | None,
    skip_conflicts: bool,  # noqa: FBT001 - click passes it by name
    ticket: str | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
    allow: tuple[str, ...],
) -> int:
    """Undo one run on the hosts exactly, or all after one.

    That is RUN, or the newest hosts apply that is not undone yet; or, with --to, every run on the
    hosts after that one, which stays.

    Where one of its settings has been changed to something else since, or set again by a later
    run, nothing is changed at all, unless --skip-conflicts leaves it and undoes the rest; one that
    is as before already counts as done. A host that can't be reached stays as the run left it: undo
    the run again when it is back. What belongs to a cluster by now is left alone. A rollback is
    undone by its number.

    \b
    Examples:
      delegation hosts rollback
      delegation hosts rollback 12 --ticket CHG-1234 --yes
      delegation hosts rollback 12 --limit hv[01-02]
      delegation history                     the runs and their numbers

    Exit codes: 0 done, 1 a setting was not made, a host not reached or something left,
    4 refused and nothing was changed.
    """
    options.refuse_two_runs(run, back_to)
    given = options.given(ctx)
    world = opening.world(given)
    carried = roll_back_settings(
        world,
        asking.confirmation(tables.question, yes=yes),
        run=run,
        back_to=back_to,
        limit=limit,
        skip_conflicts=skip_conflicts,
        allow=allow,
        ticket=ticket,
    )
    if carried.unreached and carried.undoing is not None:
        tables.unreached(carried.unreached)
        undo = carried.undoing.command(HOST_SETTINGS).words
        skipping = ("--skip-conflicts",) if skip_conflicts else ()
        again = given.command(*undo, *options.again(limit, allow), *skipping)
        terminal.say(f"next    {again}   when the others can be reached")
    show.left(carried.planned.left)
    view = carried.planned.view
    left_to_a_cluster = isinstance(view, HostsUndoView) and bool(view.cluster)
    return 0 if carried.complete and not left_to_a_cluster else 1
