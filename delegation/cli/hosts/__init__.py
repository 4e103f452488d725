"""``delegation hosts``: the hosts' own live-migration settings. One module a command."""

import click

from delegation.cli import options
from delegation.cli.groups import LazyGroup

SUMMARIES = {
    "show": "Show the hosts' live-migration settings as they are.",
    "plan": "Show what an apply would change on the hosts.",
    "apply": "Set the hosts as the inventory declares.",
    "rollback": "Undo one run on the hosts exactly, or all after one.",
    "settle": "Say what no host can tell: set, or not set.",
    "probe": "Ask two hosts what only real Windows can tell, into one file.",
}


@click.group(cls=LazyGroup, package=__name__, summaries=SUMMARIES)
@options.common()
def hosts() -> None:
    """Show, plan, apply and undo the hosts' own live-migration settings.

    What live_migration declares in the inventory, set by CIM over WinRM, recorded
    and undone like changes to the directory.

    \b
    Examples:
      delegation hosts show
      delegation hosts plan
      delegation hosts apply
      delegation hosts rollback
      delegation hosts probe hv01 hv02

    A host that can't be reached is listed, and costs the others nothing.
    """
