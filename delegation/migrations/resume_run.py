"""A run that was left, on record -> gone on with: what is on its way first, then the rest."""

from dataclasses import dataclass, field

from delegation import names
from delegation.changes.journal import Journal
from delegation.errors import Advice, DelegationError, Refused, UsageError, command
from delegation.events import Remark, Teller, warning
from delegation.inventory import Inventory
from delegation.migrations import MIGRATE, migration_plan
from delegation.migrations.lifecycle import Migration
from delegation.migrations.moves.terms import Terms
from delegation.migrations.perform import (
    MigratingWorld,
    QueuedRun,
    RunAttendant,
    RunEnd,
    perform,
)
from delegation.migrations.precheck import HostsRead, check
from delegation.migrations.record import recorded
from delegation.migrations.record.queue import Queue
from delegation.migrations.run_view import MigrationRunView
from delegation.migrations.runner import FINISH
from delegation.migrations.runner.board import involved
from delegation.migrations.runner.patience import Patience
from delegation.migrations.schedule.bypass import Via, anywhere


@dataclass(frozen=True)
class ResumeRequest:
    """``run`` None: the newest that has migrations without an end."""

    run: int | None = None
    patience: Patience = field(default_factory=Patience)


def resume(
    world: MigratingWorld, request: ResumeRequest, teller: Teller, attendant: RunAttendant
) -> RunEnd:
    """Go on with a run. What is on its way is followed even where the rest is refused.

    Raises UsageError, DelegationError where there is nothing to go on with, and Refused where
    nothing is on its way and a pair is broken.
    """
    with world.records.migrating() as journal:
        number = _chosen(journal, request.run)
        queued = Queue(journal, number)
        left = _unended(queued)
        if not left:
            teller.say(Remark(f"run {number} has nothing left to do"))
            return RunEnd(MigrationRunView.of(journal, journal.run(number), alive=False))
        _refuse_unknown_hosts(world.inventory, queued)
        open_host = world.hosts()
        surveyed = migration_plan.survey(open_host, world.inventory, teller)
        liberties = recorded.notes(journal, number).liberties
        if liberties.assume_full:
            surveyed = surveyed.taken_for_full()
        hosts = HostsRead(open_host, surveyed, Terms.of(world.inventory, liberties))
        under_way = sum(move.state.on_the_way for move in left)
        machines = names.counted(len(left), "machine")
        left_in_words = f"{machines} left, {under_way:,} of them were on their way"
        teller.say(Remark(f"run {number}: {left_in_words}"))
        # What is on its way goes on whether it is followed or not. So a broken pair is no reason to
        # leave it: only nothing more is started.
        refused: Refused | None = None
        via: Via = anywhere
        try:
            via = check(world, hosts, left, teller, waiting=True)
        except Refused as exc:
            refused = exc
            if not under_way:
                raise
            teller.say(warning(f"{exc.what}; what is on its way is followed to its end"))
        queued.reopen()
        urgency = FINISH if refused else 0
        run = QueuedRun(journal, queued, via, request.patience, urgency)
        end = perform(world, hosts, run, teller, attendant)
        return RunEnd(end.view, end.interrupted, refused)


def _chosen(journal: Journal, run: int | None) -> int:
    """The run to go on with: the one of that number, else the newest that has work left."""
    if run is not None:
        kind = journal.run(run).kind
        if kind != MIGRATE:
            raise UsageError(f"run {run} ({kind}) moved nothing", "see: delegation history")
        return run
    unfinished = recorded.unfinished(journal)
    if not unfinished:
        raise DelegationError(
            "there is no run to go on with",
            Advice("start one: ", command("migrate", "run", "moves.yaml")),
        )
    return unfinished[-1]


def _unended(queued: Queue) -> list[Migration]:
    return [move for move in queued.moves() if not move.state.ended]


def _refuse_unknown_hosts(inventory: Inventory, queued: Queue) -> None:
    """Raise UsageError where a host of the run is not in the inventory any more."""
    gone = sorted(involved(_unended(queued)) - inventory.hosts.keys())
    if gone:
        raise UsageError(
            f"run {queued.run} needs hosts that are not in the inventory any more: "
            f"{', '.join(gone)}",
            "put them back there, or give up their machines: delegation migrate abort VM",
        )
