"""``delegation migrate resume``: go on with a run that was interrupted."""

import click

from delegation.changes.journal import Journal
from delegation.cli import options, terminal, wiring
from delegation.cli.migrate import ended, planning, running
from delegation.cli.migrate.run import WAIT
from delegation.cli.migrate.running import Ground
from delegation.errors import DelegationError, Refused, UsageError
from delegation.inventory import Inventory
from delegation.migrations.moves.terms import Terms
from delegation.migrations.record import recorded
from delegation.migrations.record.queue import Queue
from delegation.migrations.record.recorded import MIGRATE
from delegation.migrations.runner import FINISH
from delegation.migrations.runner.board import involved
from delegation.migrations.runner.patience import Patience
from delegation.migrations.schedule.bypass import Via, anywhere
from delegation.names import counted


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
    inventory = wiring.load(given)
    with running.recording(wiring.state_folder(given, inventory)) as journal:
        number = _chosen(given, journal, run)
        queued = Queue(journal, number)
        if all(move.state.ended for move in queued.moves()):
            terminal.say(f"run {number} has nothing left to do")
            return ended.tell(given, journal, number)
        _refuse_strangers(inventory, queued)
        open_host = wiring.open_host(given, inventory)
        surveyed = planning.survey(open_host, inventory)
        ground = Ground(given, inventory, open_host, surveyed, Terms.of(inventory))
        left = [move for move in queued.moves() if not move.state.ended]
        under_way = sum(move.state.on_the_way for move in left)
        terminal.say(
            f"run {number}: {counted(len(left), 'machine')} left, {under_way:,} of them were on "
            "their way"
        )
        refused: Refused | None = None
        via: Via = anywhere
        try:
            via = running.check(ground, left, waiting=True)
        except Refused as exc:
            refused = exc
            if not under_way:
                raise
            terminal.warn(f"{exc.what}; what is on its way is followed to its end")
        queued.reopen()
        patience = Patience(silence=wait)
        code = running.perform(
            ground, journal, queued, via, patience, urgency=FINISH if refused else 0
        )
        if refused is not None and code != INTERRUPTED:
            raise refused
        return code


INTERRUPTED = 130


def _chosen(given: options.Options, journal: Journal, run: int | None) -> int:
    if run is not None:
        if (found := journal.run(run)).kind != MIGRATE:
            raise UsageError(f"run {run} ({found.kind}) moved nothing", "see: delegation history")
        return run
    unfinished = recorded.unfinished(journal)
    if not unfinished:
        raise DelegationError(
            "there is no run to go on with",
            f"start one: {given.command('migrate', 'run', 'moves.yaml')}",
        )
    return unfinished[-1]


def _refuse_strangers(inventory: Inventory, queued: Queue) -> None:
    """Raise UsageError where a host of the run is not in the inventory any more."""
    left = [move for move in queued.moves() if not move.state.ended]
    gone = sorted(involved(left) - inventory.hosts.keys())
    if gone:
        raise UsageError(
            f"run {queued.run} needs hosts that are not in the inventory any more: "
            f"{', '.join(gone)}",
            "put them back there, or give up their machines: delegation migrate abort VM",
        )
