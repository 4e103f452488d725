"""``delegation migrate resume``: go on with a run that was interrupted."""

import click

from delegation.cli import opening, options, telling
from delegation.cli.migrate import runs_shown
from delegation.cli.migrate.attending import TerminalAttendant
from delegation.cli.migrate.run import WAIT
from delegation.migrations import resume_run
from delegation.migrations.resume_run import ResumeRequest
from delegation.migrations.runner.patience import Patience


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("run", required=False, type=options.RUN, metavar="[RUN]")
@WAIT
@click.pass_context
def resume(ctx: click.Context, run: int | None, wait: int) -> int:
    """Go on with a run that was interrupted.

    That is RUN, or the newest that has machines without an end. What still runs on its host is
    watched again. Of everything else that was on its way, both hosts are asked where the machine
    is, and nothing is started that may be moving. Then the rest goes on, once every pair that it
    uses is checked, as at the start of a run.

    \b
    Examples:
      delegation migrate resume
      delegation migrate resume 12
      delegation migrate status         what is left, without asking the hosts

    Exit codes: 0 everything is where it should be, 1 something is not, 4 the rest was refused and
    not started, 130 interrupted.
    """
    given = options.given(ctx)
    world = opening.world(given)
    request = ResumeRequest(run, Patience(silence=wait))
    teller = telling.TerminalTeller(given)
    attendant = TerminalAttendant(given, world)
    end = resume_run.resume(world, request, teller, attendant)
    return runs_shown.show_and_judge(end, given)
