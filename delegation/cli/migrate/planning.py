"""Reads the hosts and makes the plan of migrations that plan, drain and run share."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from delegation import names
from delegation.changes.journal import Journal
from delegation.cli import options, terminal, wiring
from delegation.cli.migrate import status
from delegation.errors import DelegationError, HostError, Refused, UsageError
from delegation.hosts import fleet
from delegation.hosts.hosted import Hosted
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.inventory import Inventory
from delegation.inventory.yaml_text import MAX_BYTES
from delegation.migrations import moves
from delegation.migrations.lifecycle import State
from delegation.migrations.moves import drain, placement, preview
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.placement import Unmovable
from delegation.migrations.moves.preview import Preview
from delegation.migrations.moves.surveyed import MIGRATING, Surveyed
from delegation.migrations.moves.terms import Terms
from delegation.migrations.record import recorded
from delegation.migrations.record.recorded import MIGRATE
from delegation.migrations.result import between
from delegation.migrations.schedule.estimate import StreamRates
from delegation.wiring import KINDS

NEWEST = 20
"""Runs from which the rate of a migration is learnt."""


@dataclass(frozen=True)
class Planned:
    """A plan, and all that it rests on."""

    preview: Preview
    surveyed: Surveyed
    terms: Terms
    asked: tuple[AskedMove, ...]


Choice = Callable[[Surveyed, Terms], tuple[Sequence[AskedMove], Sequence[Unmovable]]]
"""What is asked for, once the hosts were read, and what of it is out of the question."""


def listed(file: Path, inventory: Inventory) -> Choice:
    """The moves of a list, which is read and judged at once.

    Raises UsageError where it can't be read, InventoryError with all of its problems.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise UsageError(
            f"the list of moves {str(file)!r} can't be read: {reason}",
            "name a YAML or CSV file of moves; delegation migrate --help shows one",
        ) from exc
    asked = moves.parse(text, str(file), inventory)
    return lambda _surveyed, _terms: (asked, ())


def draining(expressions: Iterable[str], inventory: Inventory) -> Choice:
    """Every machine on these hosts, to hosts chosen by room and rules. Raises UsageError."""
    hosts = labels(expressions, inventory)

    def chosen(surveyed: Surveyed, terms: Terms) -> tuple[Sequence[AskedMove], Sequence[Unmovable]]:
        found = drain.drain(hosts, surveyed, terms)
        return found.moves, found.unmovable

    return chosen


def labels(expressions: Iterable[str], inventory: Inventory) -> tuple[str, ...]:
    """The labels that ``hv[01-02],hv07`` and the like mean, FQDNs as well. Raises UsageError."""
    known = {
        name.casefold(): host.label
        for host in inventory.hosts.values()
        for name in (host.fqdn, host.computer, host.label)
    }
    listed = [part for text in expressions for part in names.split_list(text)]
    try:
        wanted = [name for part in listed for name in names.expand(part)]
    except ValueError as exc:
        raise UsageError(str(exc), "write hosts as in hv[01-08],hv12") from exc
    unknown = [name for name in wanted if name.casefold() not in known]
    if unknown or not wanted:
        raise UsageError(
            f"no host of the inventory: {names.fold(unknown) or 'nothing was named'}",
            f"its hosts are {names.fold(inventory.hosts)}",
        )
    return tuple(dict.fromkeys(known[name.casefold()] for name in wanted))


def plan(given: options.Options, inventory: Inventory, open_host: Open, choice: Choice) -> Planned:
    """Read all hosts and plan what is asked for. Nothing is touched."""
    folder = wiring.state_folder(given, inventory)
    made = planned(choice, survey(open_host, inventory), Terms.of(inventory), rates(folder))
    if all(one.why != MIGRATING for one in made.preview.placement.unmovable):
        return made
    try:
        return _with_runs(given, made, folder)
    except DelegationError:  # that the journal can't be read was told when the rates were learnt
        return made


def _with_runs(given: options.Options, made: Planned, folder: Path) -> Planned:
    """Where a machine is moved by a run that was left, that is what to go on with."""
    with closing(Journal.readable(folder, KINDS)) as journal:
        under_way = {move.machine: run for run, move in recorded.under_way(journal)}
        current = status.at_work(journal, folder)
    left: dict[tuple[str | None, str], int] = {
        (label, machine.name): under_way[machine.id]
        for label, hosted in made.surveyed.hosts.items()
        for machine in hosted.machines
        if machine.migrating and under_way.get(machine.id, current) != current
    }

    def told(one: Unmovable) -> Unmovable:
        if one.why != MIGRATING or (one.host, one.name) not in left:
            return one
        run = str(left[one.host, one.name])
        command = given.command("migrate", "resume", run)
        return replace(one, fix=f"run {run} was left with it; go on with that: {command}")

    placement_ = made.preview.placement
    changed = replace(placement_, unmovable=tuple(map(told, placement_.unmovable)))
    return replace(made, preview=replace(made.preview, placement=changed))


def survey(open_host: Open, inventory: Inventory) -> Surveyed:
    """All hosts of the inventory, read at the same time; those that don't answer are left out.

    All, because a machine can be anywhere, and can go through a third host. Raises HostError
    where none answers: its details say why for each.
    """
    answers = fleet.ask(open_host, inventory.hosts, _look, terminal.Progress("hosts read:"))
    found = Surveyed(
        {label: said for label, said in answers.items() if isinstance(said, Hosted)},
        {label: said.what for label, said in answers.items() if isinstance(said, HostError)},
    )
    if not found.hosts:
        alike: dict[tuple[str, str], list[str]] = defaultdict(list)
        for label, said in answers.items():
            if isinstance(said, HostError):
                alike[said.what, said.fix].append(label)
        lines = [f"{names.fold(hosts)}: {what}; {fix}" for (what, fix), hosts in alike.items()]
        raise HostError("no host could be read", "", lines)
    return found


def _look(host: Hypervisor) -> Hosted:
    return Hosted(host.read(), tuple(host.machines()))


def planned(choice: Choice, surveyed: Surveyed, terms: Terms, known: StreamRates) -> Planned:
    asked, out_of_question = choice(surveyed, terms)
    placed = placement.resolve(asked, surveyed, terms, known.seconds)
    placed = placed.without(out_of_question)
    return Planned(preview.preview(placed, surveyed, terms), surveyed, terms, tuple(asked))


def hold_to(plan_: Preview, expect: str | None, command: str) -> None:
    """Raise Refused where the plan is not the expected one; ``command`` shows it as it is now."""
    if expect is not None and expect != plan_.digest:
        raise Refused(
            "the plan is not the expected one; nothing was started",
            f"look at what changed: {command}",
            [f"expected  {expect}", f"now       {plan_.digest}"],
        )


def rates(folder: Path) -> StreamRates:
    """How fast migrations were, as the journal tells; one that can't be read is a warning."""
    learnt = StreamRates()
    try:
        with closing(Journal.readable(folder, KINDS)) as journal:
            newest = [run for run in journal.runs() if run.kind == MIGRATE][-NEWEST:]
            done = [move for run in newest for move in recorded.migrations(journal, run.id)]
    except DelegationError as exc:
        terminal.warn(f"estimates are without what the journal tells: {exc.what}")
        return learnt
    for move in done:
        seconds = between(move.started, move.ended)
        if move.state is State.MOVED and move.at == move.target and seconds is not None:
            learnt.learn(move.source, move.target, move.size, seconds)
    return learnt
