"""What is asked for, and the hosts as they are -> the plan that plan, drain and run share.

All hosts are read, and nothing is touched.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from delegation import names
from delegation.changes import review
from delegation.changes.journal import Journal
from delegation.errors import Advice, Command, DelegationError, HostError, command
from delegation.events import Teller, warning
from delegation.hosts import fleet
from delegation.hosts.hosted import Hosted
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.hosts.machines import VirtualMachine
from delegation.inventory import Inventory
from delegation.migrations import MIGRATE, moves
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.moves import placement, preview
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.movable import MIGRATING
from delegation.migrations.moves.placed import Unmovable
from delegation.migrations.moves.preview import Preview
from delegation.migrations.moves.surveyed import Surveyed
from delegation.migrations.moves.terms import Liberties, Terms
from delegation.migrations.record import recorded
from delegation.migrations.record.at_work import MigratingLock, run_at_work
from delegation.migrations.result import between
from delegation.migrations.schedule.estimate import StreamRates
from delegation.migrations.wanted_moves import Choice, WantedMoves

NEWEST = 20
"""Runs from which the rate of a migration is learnt."""


class PastRuns(MigratingLock, Protocol):
    """The state folder, to look at."""

    def reading(self) -> AbstractContextManager[Journal]: ...


class PlanningWorld(Protocol):
    """The inventory, its hosts to look at, and what is on record."""

    @property
    def inventory(self) -> Inventory: ...

    @property
    def records(self) -> PastRuns: ...

    def hosts(self) -> Open: ...


@dataclass(frozen=True)
class PlannedMigrations:
    """A plan, and all that it rests on."""

    preview: Preview
    surveyed: Surveyed
    terms: Terms
    asked: tuple[AskedMove, ...]

    @property
    def digest(self) -> str:
        return self.preview.digest

    def to_json(self, said: Callable[[str], str] = str) -> dict[str, Any]:
        """The plan as data; ``said`` writes commands in what to do as they are to be typed."""
        data = preview.data(self.preview)
        for unmovable in data["unmovable"]:
            unmovable["fix"] = said(unmovable["fix"])
        return data

    def as_list(self) -> str:
        """The moves as a list, in YAML, that gives this plan again."""
        domain = self.preview.domain
        remark = f"Made by delegation from what the hosts of {domain} held: {self.digest}"
        return moves.written(preview.as_asked(self.preview, self.surveyed), remark)


def plan(
    world: PlanningWorld,
    wanted: WantedMoves,
    teller: Teller,
    liberties: Liberties = Liberties(),  # noqa: B008 - frozen
) -> PlannedMigrations:
    """Read all hosts and plan what is asked for. Nothing is touched.

    Raises HostError where no host answers, and what ``wanted.choice`` raises.
    """
    choice = wanted.choice(world.inventory)
    terms = Terms.of(world.inventory, liberties)
    return plan_chosen(world, world.hosts(), choice, terms, teller)


def plan_chosen(
    world: PlanningWorld, open_host: Open, choice: Choice, terms: Terms, teller: Teller
) -> PlannedMigrations:
    """Read all hosts and plan what was judged by the inventory already."""
    surveyed = survey_chosen(world, open_host, choice, terms, teller)
    planned = place_chosen(choice, surveyed, terms, learnt_rates(world.records, teller))
    if all(refused.why != MIGRATING for refused in planned.preview.placement.unmovable):
        return planned
    try:
        return _with_runs_left(world.records, planned, teller)
    except DelegationError:  # that the journal can't be read was told when the rates were learnt
        return planned


def _with_runs_left(
    records: PastRuns, planned: PlannedMigrations, teller: Teller
) -> PlannedMigrations:
    """Where a VM is moved by a run that was left, that is what to go on with."""
    left = _left_with_runs(records, planned.surveyed, teller)

    def advised(refused: Unmovable) -> Unmovable:
        run = left.get((refused.host, refused.name))
        if run is None or refused.why != MIGRATING:
            return refused
        resume = command("migrate", "resume", str(run))
        fix = Advice(f"run {run} was left with it; go on with that: ", resume)
        return replace(refused, fix=fix)

    placed = planned.preview.placement
    changed = replace(placed, unmovable=tuple(map(advised, placed.unmovable)))
    return replace(planned, preview=replace(planned.preview, placement=changed))


def _left_with_runs(
    records: PastRuns, surveyed: Surveyed, teller: Teller
) -> dict[tuple[str | None, str], int]:
    """The runs that nobody carries out, by host and name of the VMs that still move by them."""
    with records.reading() as journal:
        run_of = {move.machine: run for run, move in recorded.under_way(journal)}
        current = run_at_work(records, journal, teller)
    left: dict[tuple[str | None, str], int] = {}
    for label, hosted in surveyed.hosts.items():
        for vm in hosted.machines:
            run = run_of.get(vm.id, current)
            if vm.migrating and run is not None and run != current:
                left[label, vm.name] = run
    return left


def survey_chosen(
    world: PlanningWorld, open_host: Open, choice: Choice, terms: Terms, teller: Teller
) -> Surveyed:
    """All hosts, with the sizes of those VMs that may move: two requests a file.

    Raises HostError where no host answers.
    """
    surveyed = survey(open_host, world.inventory, teller)
    if terms.liberties.assume_full:
        surveyed = surveyed.taken_for_full()
    return _measured(open_host, surveyed, choice, terms, teller)


def survey(open_host: Open, inventory: Inventory, teller: Teller) -> Surveyed:
    """All hosts of the inventory, read at the same time; those that don't answer are left out.

    All, because a VM can be anywhere, and can go through a third host. A host whose list of VMs
    can't be relied upon is one that was not read: to act on it would be to act on a part of it.
    Raises HostError where none answers: its details say why for each.
    """
    progress = teller.progress("hosts read:")
    answers = fleet.ask(open_host, inventory.hosts, _read, progress, fleet.PATIENT)
    hosts: dict[str, Hosted] = {}
    whys: dict[str, str] = {}
    fixes: dict[str, str] = {}
    failed: list[tuple[tuple[str, str], str]] = []
    for label, answer in answers.items():
        if isinstance(answer, Hosted):
            hosts[label] = answer
            continue
        whys[label] = answer.what
        failed.append(((answer.what, answer.fix), label))
        if answer.fix:
            fixes[label] = answer.fix
    if not hosts:
        alike = names.alike(failed)
        lines = [f"{labels}: {what}; {fix}" for (what, fix), labels in alike.items()]
        raise HostError("no host could be read", "", lines)
    return Surveyed(hosts, whys, fixes)


def _read(host: Hypervisor) -> Hosted:
    return Hosted(host.read(), tuple(host.machines()))


def _measured(
    open_host: Open, surveyed: Surveyed, choice: Choice, terms: Terms, teller: Teller
) -> Surveyed:
    """With the sizes of those that may move; a host that stops answering then was not read."""
    moving = names.grouped(choice.moving(surveyed, terms))
    if not moving:
        return surveyed

    def measure(machines: list[VirtualMachine], host: Hypervisor) -> list[VirtualMachine]:
        return host.measured(machines)

    questions = {label: partial(measure, machines) for label, machines in moving.items()}
    progress = teller.progress("disks measured:")
    for label, found in fleet.ask_each(open_host, questions, progress, fleet.PATIENT).items():
        if isinstance(found, HostError):
            surveyed = surveyed.without(label, found.what, found.fix)
        else:
            surveyed = surveyed.with_machines(label, found)
    return surveyed


def place_chosen(
    choice: Choice, surveyed: Surveyed, terms: Terms, rates: StreamRates
) -> PlannedMigrations:
    """What is chosen of hosts as they were read, placed on them."""
    asked, out_of_question = choice.asked(surveyed, terms)
    resolved = placement.resolve(asked, surveyed, terms, rates.seconds)
    placed = resolved.without(out_of_question)
    shown = preview.preview(placed, surveyed, terms)
    return PlannedMigrations(shown, surveyed, terms, tuple(asked))


def hold_to(planned: PlannedMigrations, expect: str | None, shown_by: Command) -> None:
    """Raise Refused where the plan is not the expected one; ``shown_by`` shows it as it is now."""
    fix = Advice("look at what changed: ", shown_by)
    review.refuse_unexpected(expect, planned.digest, fix, done="started")


def learnt_rates(records: PastRuns, teller: Teller) -> StreamRates:
    """How fast migrations were, as the journal tells; one that can't be read is a warning."""
    rates = StreamRates()
    past: list[Migration] = []
    try:
        with records.reading() as journal:
            runs = [run for run in journal.runs() if run.kind == MIGRATE]
            for run in runs[-NEWEST:]:
                past += recorded.migrations(journal, run.id)
    except DelegationError as exc:
        teller.say(warning(f"estimates are without what the journal tells: {exc.what}"))
        return rates
    for move in past:
        seconds = between(move.started, move.ended)
        has_arrived = move.state is MigrationState.MOVED and move.at == move.target
        if has_arrived and seconds is not None:
            rates.learn(move.source, move.target, move.size, seconds)
    return rates
