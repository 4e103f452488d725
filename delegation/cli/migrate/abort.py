"""``delegation migrate abort``: give up migrations, from another terminal, too."""

import click

from delegation.cli import opening, options, telling, terminal
from delegation.errors import DelegationError
from delegation.migrations.give_up import give_up

_KILL = (
    "What runs is killed at its host: something of it may go on there, and files or a planned "
    "machine may be left on its target. Kill it?"
)


@click.command()
@options.common()
@click.argument("machines", nargs=-1, metavar="[VM]...")
@click.option(
    "--kill-job",
    is_flag=True,
    help="Kill what its host does not stop in time; it may leave something running there.",
)
@options.yes
@click.pass_context
def abort(
    ctx: click.Context,
    machines: tuple[str, ...],
    kill_job: bool,  # noqa: FBT001 - click passes it by name
    yes: bool,  # noqa: FBT001
) -> int:
    """Give up migrations.

    All that have no end, or those of the machines VM, by name or id. What waits is not started;
    what runs is stopped, which leaves the machine where it was. Whoever carries the run out hears
    of it at once. Where nobody does, migrate resume stops what still runs.

    Its host takes back what was copied, which can take minutes, and may have come too far to stop:
    then it is moved. In the end both hosts are asked where the machine is.

    --kill-job ends the job at its host at once (RequestedState 5, Kill). Processes of it may go on
    there, and files, a share or a planned machine may be left on its target: look at both hosts
    afterwards. Only where stopping it has come to nothing.

    \b
    Examples:
      delegation migrate abort web01
      delegation migrate abort            everything
      delegation migrate abort web01 --kill-job
      delegation migrate status           what has become of it

    Exit codes: 0 asked for, or done, 1 nothing to give up: all of it, or one VM, has its end
    already, or declined, 2 a VM is in no run.
    """
    given = options.given(ctx)
    if kill_job and not terminal.confirm(_KILL, yes=yes, reviewed="that is meant"):
        raise DelegationError("declined; nothing was given up")
    records = opening.records(given)
    telling.TerminalTeller(given).say(give_up(records, machines, kill=kill_job))
    return 0
