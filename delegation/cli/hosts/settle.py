"""``delegation hosts settle``: say what no host can tell of a setting in doubt."""

import click

from delegation.changes.settlement import Said
from delegation.cli import opening, options, settled
from delegation.hosts.settings_verbs import settle_settings


@click.command()
@options.common()
@options.reaching_hosts()
@settled.arguments
@options.ticket
@options.yes
@click.pass_context
def settle(  # noqa: PLR0913, PLR0917 - its options
    ctx: click.Context,
    run: int,
    hosts: str,
    said: str,
    ticket: str | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Say what no host can tell: set, or not set.

    For settings in doubt: their answer was lost, and somebody else has set them since, or the host
    is gone. All settings of a host that are in doubt are meant. The hosts are asked first; where
    that tells what became of a setting, it is refused (exit code 4).

    \b
    Examples:
      delegation hosts settle 12 --host hv07 --as not-made
      delegation hosts settle 12 --host hv[01-03] --as made --yes
    """
    given = options.given(ctx)
    view = settle_settings(
        opening.world(given),
        settled.confirmation(yes=yes),
        run=run,
        hosts=hosts,
        said=Said(said),
        ticket=ticket,
    )
    settled.next_step(view, given.command("hosts", "rollback", str(run)))
    return 0
