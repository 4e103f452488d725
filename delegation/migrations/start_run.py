"""What is asked for -> a new run of migrations: planned, confirmed, checked, recorded, carried out.

The order is what keeps it safe: nothing is recorded before every pair was checked, and nothing is
checked by what was seen before somebody took his time to confirm.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from delegation import names
from delegation.changes.journal import Journal
from delegation.changes.run import NewRun
from delegation.errors import Advice, DelegationError, Refused, command
from delegation.events import EventSeverity, Teller
from delegation.hosts.hypervisor import Open
from delegation.inventory import Inventory
from delegation.migrations import MIGRATE, migration_plan, perform
from delegation.migrations.lifecycle import Migration
from delegation.migrations.migration_plan import PlannedMigrations, PlanningWorld
from delegation.migrations.moves.placed import Placed
from delegation.migrations.moves.terms import Liberties, Terms
from delegation.migrations.perform import MigratingWorld, QueuedRun, RunAttendant, RunEnd
from delegation.migrations.precheck import HostsRead, check
from delegation.migrations.record import queue, recorded
from delegation.migrations.refused_moves import refusals
from delegation.migrations.runner.board import involved
from delegation.migrations.runner.patience import Patience
from delegation.migrations.wanted_moves import Choice, WantedMoves, listed
from delegation.migrations.words import duration

Confirm = Callable[[PlannedMigrations], bool]
"""Whether somebody wants this plan to be carried out now."""


@dataclass(frozen=True)
class RunRequest:
    """``expect``: the digest of the plan that was reviewed, if one was.

    ``liberties``: what is taken for granted of what no host tells.
    """

    wanted: WantedMoves
    expect: str | None = None
    ticket: str | None = None
    patience: Patience = field(default_factory=Patience)
    liberties: Liberties = field(default_factory=Liberties)


@dataclass(frozen=True)
class ShortTicket:
    """The Kerberos ticket at hand lasts for less than the run is expected to take."""

    left: float
    expected: float
    severity: EventSeverity = EventSeverity.WARNING

    def words(self) -> Iterator[str]:
        yield (
            f"the Kerberos ticket is good for {duration(self.left)}, and this should take "
            f"{duration(self.expected)}: get a new one with kinit before it expires, in another "
            "terminal, too; without one the run waits"
        )


def reviewed_plan(world: PlanningWorld, request: RunRequest, teller: Teller) -> PlannedMigrations:
    """The plan as it is now, shown. Raises Refused where it is not the expected one."""
    choice = request.wanted.choice(world.inventory)
    return _shown(world, world.hosts(), choice, request, teller)


def start(
    world: MigratingWorld,
    request: RunRequest,
    teller: Teller,
    confirm: Confirm | None,
    attendant: RunAttendant,
) -> RunEnd | None:
    """Plan what is asked for and carry it out as a new run; None where there is nothing to do.

    ``confirm`` None: nobody is to be asked, and the plan holds as it was made. After a question the
    hosts are read again for what has changed since. Raises Refused, with nothing started, where
    something can't be moved, a pair is broken or the plan is another one, and DelegationError where
    declined.
    """
    choice = request.wanted.choice(world.inventory)
    open_host = world.hosts()
    planned = _shown(world, open_host, choice, request, teller)
    if planned.preview.unmovable:
        raise Refused(*request.wanted.unmovable_words, refusals(planned.preview.unmovable))
    if not planned.preview.placement.moves:
        return None
    if confirm is not None and not confirm(planned):
        raise DelegationError("declined; nothing was moved")
    with world.records.migrating() as journal:
        refuse_unsettled(journal, planned)
        if confirm is not None:
            planned = _planned_again(world, open_host, planned, teller)
        moves = [queued_migration(placed) for placed in planned.preview.placement.moves]
        hosts = HostsRead(open_host, planned.surveyed, planned.terms)
        via = check(world, hosts, moves, teller)
        expected = planned.preview.timeline.seconds
        _warn_of_ticket(world, min(involved(moves)), expected, teller)
        new_run = _new_run(world.inventory, planned, moves, request)
        queued = queue.begin(journal, new_run, moves, request.liberties)
        run = QueuedRun(journal, queued, via, request.patience, expected=expected)
        return perform.perform(world, hosts, run, teller, attendant)


def _shown(
    world: PlanningWorld, open_host: Open, choice: Choice, request: RunRequest, teller: Teller
) -> PlannedMigrations:
    terms = Terms.of(world.inventory, request.liberties)
    planned = migration_plan.plan_chosen(world, open_host, choice, terms, teller)
    teller.show(planned)
    migration_plan.hold_to(planned, request.expect, request.wanted.shown_by)
    return planned


def _new_run(
    inventory: Inventory,
    planned: PlannedMigrations,
    moves: Sequence[Migration],
    request: RunRequest,
) -> NewRun:
    """How the journal has it: a run of the hosts of a domain, not of one directory server."""
    return NewRun(
        MIGRATE,
        f"hosts:{inventory.domain.casefold()}",
        inventory.domain,
        names.fold(sorted(involved(moves))),
        {},
        inventory.digest,
        planned.digest,
        request.ticket,
    )


def _warn_of_ticket(world: MigratingWorld, label: str, expected: float, teller: Teller) -> None:
    left = world.ticket_seconds(label)
    if left is not None and left < expected:
        teller.say(ShortTicket(left, expected))


def refuse_unsettled(journal: Journal, planned: PlannedMigrations) -> None:
    """Raise Refused where an earlier run may still be moving one of these."""
    vms = {UUID(placed.move.machine) for placed in planned.preview.placement.moves}
    under_way = recorded.under_way(journal)
    unsettled = [(run, move) for run, move in under_way if move.machine in vms]
    if unsettled:
        first_run, _ = unsettled[0]
        resume = command("migrate", "resume", str(first_run))
        raise Refused(
            "an earlier run may still be moving some of these; nothing was started",
            Advice("find out first: ", resume),
            [f"{move.name}: {move.state} in run {run}" for run, move in unsettled],
        )


def _planned_again(
    world: MigratingWorld, open_host: Open, planned: PlannedMigrations, teller: Teller
) -> PlannedMigrations:
    """The same moves, planned by the hosts as they are now. Raises Refused where it differs."""
    choice, terms = listed(planned.asked), planned.terms
    fresh = migration_plan.place_chosen(
        choice,
        migration_plan.survey_chosen(world, open_host, choice, terms, teller),
        terms,
        migration_plan.learnt_rates(world.records, teller),
    )
    changed = "the hosts have changed since you confirmed; nothing was started"
    if fresh.preview.unmovable:
        raise Refused(changed, "", refusals(fresh.preview.unmovable))
    if fresh.digest != planned.digest:
        before = {_in_words(placed) for placed in planned.preview.placement.moves}
        now = {_in_words(placed) for placed in fresh.preview.placement.moves}
        raise Refused(changed, "run it again, and look at the new plan", sorted(before ^ now))
    return fresh


def _in_words(placed: Placed) -> str:
    move = placed.move
    return f"{move.name}: {move.source} to {move.target}, {placed.storage}"


def queued_migration(placed: Placed) -> Migration:
    """As it is queued: nothing of it has happened, and its VM is at its source."""
    move = placed.move
    return Migration(
        machine=UUID(move.machine),
        name=move.name,
        source=move.source,
        target=move.target,
        storage=placed.storage,
        memory=move.memory,
        disk=move.disk,
        size=move.memory + move.disk if placed.size is None else placed.size,
        seconds=move.seconds,
        at=move.source,
    )
