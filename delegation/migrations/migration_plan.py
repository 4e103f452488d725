"""What is asked for, and the hosts as they are -> the plan that plan, drain and run share.

All hosts are read, and nothing is touched.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from delegation import names
from delegation.changes import review
from delegation.changes.journal import Journal
from delegation.errors import (
    Advice,
    Command,
    DelegationError,
    HostError,
    UsageError,
    command,
)
from delegation.events import Teller, warning
from delegation.hosts import fleet
from delegation.hosts.hosted import Hosted
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.inventory import Inventory
from delegation.migrations import MIGRATE, moves
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.moves import drain, placement, preview
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.placement import Unmovable
from delegation.migrations.moves.preview import Preview
from delegation.migrations.moves.surveyed import MIGRATING, Surveyed
from delegation.migrations.moves.terms import Liberties, Terms
from delegation.migrations.record import recorded
from delegation.migrations.record.at_work import MigratingLock, run_at_work
from delegation.migrations.result import between
from delegation.migrations.schedule.estimate import StreamRates

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


Choice = Callable[[Surveyed, Terms], tuple[Sequence[AskedMove], Sequence[Unmovable]]]
"""What is asked for, once the hosts were read, and what of it is out of the question."""


class WantedMoves(Protocol):
    """What somebody asks for: a list of moves, or hosts to be emptied."""

    unmovable_words: tuple[str, str]
    """Why nothing is started where not all of it can be moved, and what to do."""
    nothing_words: str
    """What it means that there is nothing to move."""

    @property
    def shown_by(self) -> Command:
        """The command that shows the plan as it is now."""

    def choice(self, inventory: Inventory) -> Choice:
        """Judge it by the inventory, before any host is asked."""


@dataclass(frozen=True)
class ListedMoves:
    """The text of a list, and the name of its file, by which a problem is told."""

    text: bytes
    file: str
    unmovable_words = (
        "not everything can be moved; nothing was started",
        "take these out of the list, or do what is said",
    )
    nothing_words = "nothing to do: every machine is where it should be"

    @property
    def shown_by(self) -> Command:
        return command("migrate", "plan", self.file)

    def choice(self, inventory: Inventory) -> Choice:
        """Raises InventoryError with all of its problems."""
        asked = moves.parse(self.text, self.file, inventory)
        return lambda _surveyed, _terms: (asked, ())


@dataclass(frozen=True)
class DrainedHosts:
    """Hosts to be emptied, as in ``hv[01-02]``; where to is chosen by room and rules."""

    hosts: tuple[str, ...]
    unmovable_words = (
        "not every machine has a target; nothing was moved",
        "with -o FILE the others are saved as a list, to be run without these",
    )
    nothing_words = "nothing to do: the hosts are empty"

    @property
    def shown_by(self) -> Command:
        return command("migrate", "plan", "--drain", ",".join(self.hosts))

    def choice(self, inventory: Inventory) -> Choice:
        """Raises UsageError for a host that is not in the inventory."""
        hosts = host_labels(self.hosts, inventory)

        def chosen(
            surveyed: Surveyed, terms: Terms
        ) -> tuple[Sequence[AskedMove], Sequence[Unmovable]]:
            drained = drain.drain(hosts, surveyed, terms)
            return drained.moves, drained.unmovable

        return chosen


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


def host_labels(expressions: Iterable[str], inventory: Inventory) -> tuple[str, ...]:
    """The labels that ``hv[01-02],hv07`` and the like mean, FQDNs as well. Raises UsageError."""
    label_of: dict[str, str] = {}
    for host in inventory.hosts.values():
        for name in (host.fqdn, host.computer, host.label):
            label_of[name.casefold()] = host.label
    named: list[str] = []
    try:
        for text in expressions:
            for part in names.split_list(text):
                named += names.expand(part)
    except ValueError as exc:
        raise UsageError(str(exc), "write hosts as in hv[01-08],hv12") from exc
    unknown = [name for name in named if name.casefold() not in label_of]
    if unknown or not named:
        raise UsageError(
            f"no host of the inventory: {names.fold(unknown) or 'nothing was named'}",
            f"its hosts are {names.fold(inventory.hosts)}",
        )
    return tuple(dict.fromkeys(label_of[name.casefold()] for name in named))


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
    surveyed = survey(open_host, world.inventory, teller)
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


def survey(open_host: Open, inventory: Inventory, teller: Teller) -> Surveyed:
    """All hosts of the inventory, read at the same time; those that don't answer are left out.

    All, because a VM can be anywhere, and can go through a third host. Raises HostError where
    none answers: its details say why for each.
    """
    answers = fleet.ask(open_host, inventory.hosts, _read, teller.progress("hosts read:"))
    hosts = {label: hosted for label, hosted in answers.items() if isinstance(hosted, Hosted)}
    errors = {label: error for label, error in answers.items() if isinstance(error, HostError)}
    if not hosts:
        alike = names.alike(((error.what, error.fix), label) for label, error in errors.items())
        lines = [f"{labels}: {what}; {fix}" for (what, fix), labels in alike.items()]
        raise HostError("no host could be read", "", lines)
    return Surveyed(hosts, {label: error.what for label, error in errors.items()})


def _read(host: Hypervisor) -> Hosted:
    return Hosted(host.read(), tuple(host.machines()))


def place_chosen(
    choice: Choice, surveyed: Surveyed, terms: Terms, rates: StreamRates
) -> PlannedMigrations:
    """What is chosen of hosts as they were read, placed on them."""
    asked, out_of_question = choice(surveyed, terms)
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
