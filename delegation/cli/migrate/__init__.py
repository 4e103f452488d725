"""``delegation migrate``: the migrations that the mesh is for. One module a command."""

import click

from delegation.cli import options
from delegation.cli.groups import LazyGroup

SUMMARIES = {
    "plan": "Show what a list of moves, or a drain, would do.",
    "drain": "Empty hosts: choose targets, and move everything there.",
    "run": "Perform a list of moves.",
    "resume": "Go on with a run that was interrupted.",
    "status": "Show how far a run is.",
    "abort": "Give up migrations.",
    "watch": "Show what migrations do on a target, as SMB sees it.",
}


@click.group(cls=LazyGroup, package=__name__, summaries=SUMMARIES)
@options.common()
def migrate() -> None:
    """Plan and perform migrations; watch, resume and stop them.

    A list of moves is a YAML file, or a CSV file with the same words as columns. Source and
    storage may be left out:

    \b
      moves:
        - {vm: web01, target: hv02}
        - {vm: web02, source: hv01, target: hv03, storage: 'D:\\VMs\\web02'}

    \b
    Examples:
      delegation migrate plan moves.yaml      what would happen, and how long it takes
      delegation migrate run moves.yaml       do it
      delegation migrate drain hv01           empty a host
      delegation migrate status               how far is it?

    Exit codes: 0 all that was asked for is where it should be, 1 not all is, 4 refused and nothing
    was moved.
    """
