"""A VM that may be moved and back -> what only a move tells of real hosts, on record as any other.

It is checked, also in ways that this program does not send, begun and cancelled, moved, and moved
back: each as a migration of a run, so that whatever becomes of this program, ``migrate resume``
finds it again. What a host says of each is kept as numbers, for the file that is sent in.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from delegation.changes.journal import Journal
from delegation.changes.run import NewRun
from delegation.errors import Advice, DelegationError, Interrupted, Refused, command
from delegation.events import Remark, Teller
from delegation.hosts.machines import VirtualMachine
from delegation.hosts.probe.probe_facts import Fact
from delegation.hosts.probe.probe_view import ProbeStep, ProbeView
from delegation.hosts.probe.probing import ProbeWorld, ask_again, check_ways, probe_pair
from delegation.migrations import MIGRATE, migration_plan
from delegation.migrations.lifecycle import Migration, MigrationStep
from delegation.migrations.migration_plan import PlannedMigrations
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.terms import Terms
from delegation.migrations.perform import MigratingWorld
from delegation.migrations.precheck import HostsRead, check, read_links
from delegation.migrations.record import queue
from delegation.migrations.refused_moves import refusals
from delegation.migrations.start_run import queued_migration, refuse_unsettled
from delegation.migrations.trial import Trial
from delegation.migrations.wanted_moves import listed

AGAIN = ("jobs", "planned", "listeners")
"""What both hosts are asked after each step: a host keeps its jobs for minutes."""


class ProbeMoveWorld(MigratingWorld, ProbeWorld, Protocol):
    """What is needed to ask hosts, and to move a VM between them on record."""

    @property
    def teller(self) -> Teller: ...


@dataclass(frozen=True)
class ProbedMove:
    """What is about to be done, for whoever is asked: there, once cancelled, and back."""

    name: str
    source: str
    target: str
    storage: str
    home: str


Confirm = Callable[[ProbedMove], bool]


def probe_move(  # noqa: PLR0913, PLR0917 - a pair, and what is done between the two
    world: ProbeMoveWorld,
    source: str,
    target: str,
    vm: str,
    confirm: Confirm,
    checked: Sequence[str] = (),
) -> ProbeView:
    """Ask both hosts, have the ``checked`` VMs checked, then move the VM there and back.

    Raises Refused, with nothing moved, and DelegationError where declined. Where a step leaves
    something to be settled, that is the view's ``trouble``. Raises Interrupted for Ctrl-C in the
    midst of a migration, which goes on at its host and is on record.
    """
    view = probe_pair(world, source, target, checked)
    if view.trouble is not None:
        return view
    if not all(host.was_asked for host in view.hosts):
        raise DelegationError(
            "a host could not be asked, so nothing was moved",
            "probe both without --vm first",
            [host.failure.what for host in view.hosts if host.failure],
        )
    ends = (view.source.label, view.target.label)
    open_host = world.hosts()
    terms = Terms.of(world.inventory)
    choice = listed([AskedMove(vm, ends[1], ends[0])])
    planned = migration_plan.plan_chosen(world, open_host, choice, terms, world.teller)
    there, machine = _only_move(planned, ends[0])
    back = _way_back(there, machine, terms)
    wanted = ProbedMove(there.name, *ends, there.storage, back.storage)
    if not confirm(wanted):
        raise DelegationError("declined; nothing was moved")
    with world.records.migrating() as journal:
        refuse_unsettled(journal, planned)
        hosts = HostsRead(open_host, planned.surveyed, terms)
        _refuse_no_way_back(world, hosts, ends)
        check(world, hosts, [there], world.teller)
        steps = [*view.steps, ProbeStep("check", _asked(world, there))]
        trouble: DelegationError | None = None
        try:
            steps.append(check_ways(world, ends, machine.id, there.storage))
            trial = Trial(open_host, world.seconds)
            for step in _steps(world, journal, trial, (there, back), planned):
                steps.append(step)  # noqa: PERF402 - those before an error are kept
        except DelegationError as exc:
            # What was learnt by then is worth as much as ever, and its end is told.
            trouble = exc
        machines = (*view.machines, there.name)
        return replace(view, steps=tuple(steps), machines=machines, trouble=trouble)


def _only_move(planned: PlannedMigrations, source: str) -> tuple[Migration, VirtualMachine]:
    """The move of the one VM, and the VM. Raises Refused where it can't be moved."""
    if planned.preview.unmovable:
        why = refusals(planned.preview.unmovable)
        raise Refused("it can't be moved; nothing was moved", "name another VM", why)
    if not planned.preview.placement.moves:
        raise Refused("it is on the target already; nothing was moved", "name one of the source")
    [placed] = planned.preview.placement.moves
    there = queued_migration(placed)
    machines = planned.surveyed.hosts[source].machines
    machine = next(vm for vm in machines if vm.id == there.machine)
    return there, machine


def _way_back(there: Migration, machine: VirtualMachine, terms: Terms) -> Migration:
    """The same VM to where it was. Raises Refused where it would not be as it was then."""
    if not terms.reaches(there.target, there.source):
        raise Refused(
            f"no mesh lets {there.target} reach {there.source}: it could not be moved back",
            "probe a pair that a mesh has in both directions",
        )
    home = machine.path.rstrip("\\")
    inside = f"{home}\\".casefold()
    if not home or not all(disk.path.casefold().startswith(inside) for disk in machine.disks):
        raise Refused(
            f"the files of {there.name} are in several folders, and a move gives it one",
            "name a VM all of whose files are in the folder of its configuration",
        )
    return replace(there, source=there.target, target=there.source, at=there.target, storage=home)


def _refuse_no_way_back(world: ProbeMoveWorld, hosts: HostsRead, ends: tuple[str, str]) -> None:
    """Raise Refused where the directory or the settings speak against the way back."""
    back = (ends[1], ends[0])
    link = read_links(world, hosts.surveyed, [back]).broken(back)
    if link is not None:
        raise Refused(
            f"it could not be moved back: {link.name}: {link.evidence}",
            Advice("look at the whole chain: ", command("explain", *back, "--hosts")),
        )


def _steps(
    world: ProbeMoveWorld,
    journal: Journal,
    trial: Trial,
    ways: tuple[Migration, Migration],
    planned: PlannedMigrations,
) -> Iterator[ProbeStep]:
    """Begun and cancelled, and moved, in one run; moved back in another."""
    there, back = ways
    run = queue.begin(journal, _new_run(world, planned, there), [there])
    with _interrupts_told(world.teller, run, _GOES_BACK, lambda: _ask_back(journal, run)):
        for key, is_cancelled in (("cancel", True), ("move", False)):
            current = run.moves()[0]
            if not current.state.pending:
                break
            world.teller.say(Remark(f"{key}: {there.name} from {there.source} to {there.target}"))
            facts = trial.attempt(run, current, cancel=is_cancelled)
            yield ProbeStep(key, {**facts, **_asked(world, there)})
        _give_up_rest(run)
        run.finish()
    arrived = _settled(run, there.machine)
    world.teller.say(Remark(f"back: {arrived.name} from {back.source} to {back.target}"))
    home = queue.begin(journal, _new_run(world, planned, back), [back])
    with _interrupts_told(world.teller, home, _GOES_HOME, lambda: None):
        facts = trial.attempt(home, home.moves()[0], cancel=False)
        yield ProbeStep("back", {**facts, **_asked(world, there)})
        home.finish()
    _settled(home, back.machine)


_GOES_BACK = "what has begun goes on at its host until this stops it, or finds it arrived: "
_GOES_HOME = "what has begun goes on at its host; this brings it home where it has not: "


@contextmanager
def _interrupts_told(
    teller: Teller, run: queue.Queue, words: str, undo: Callable[[], None]
) -> Iterator[None]:
    """Ctrl-C in the midst of a run: ``undo`` what does not run, and say what goes on without us."""
    try:
        yield
    except KeyboardInterrupt as exc:
        undo()
        run.finish(interrupted=True)
        [move] = run.moves()
        if move.state.ended:
            teller.say(Remark(f"{move.name} is on {move.at}, and nothing of it is under way"))
        else:
            resume = command("migrate", "resume", str(run.run))
            teller.say(Remark(Advice(f"{move.name}: {words}", resume)))
        raise Interrupted from exc


def _ask_back(journal: Journal, run: queue.Queue) -> None:
    """What waits is given up; of what is under way it is on record that it be taken back."""
    _give_up_rest(run)
    [move] = run.moves()
    if move.state.on_the_way:
        queue.ask_to_give_up(journal, run.run, [move.machine], kill=False)


def _give_up_rest(run: queue.Queue) -> None:
    """What is where it was after two attempts stays there: no later run is to try it by itself."""
    [move] = run.moves()
    if move.state.pending:
        said = move.said.message if move.said is not None else ""
        why = said or "it did not begin"
        run.step(move.machine, MigrationStep.GIVEN_UP, why, "look at what the probe tells of it")


def _asked(world: ProbeMoveWorld, move: Migration) -> dict[str, Fact]:
    found = ask_again(world, (move.source, move.target), AGAIN)
    return {"source_after": found[move.source], "target_after": found[move.target]}


def _settled(run: queue.Queue, machine: UUID) -> Migration:
    """The VM where it was to go. Raises DelegationError where it is not, or nobody knows."""
    [move] = [one for one in run.moves() if one.machine == machine]
    if move.state.ended and move.at == move.target:
        return move
    what = f"{move.name} is {move.state}: {move.reason or 'it is not where it was to go'}"
    if move.state.ended:
        raise DelegationError(what, f"it is on {move.at}, as before; {move.fix}")
    again = command("migrate", "resume", str(run.run))
    raise DelegationError(what, Advice("look where it is, and go on: ", again))


def _new_run(world: ProbeMoveWorld, planned: PlannedMigrations, move: Migration) -> NewRun:
    inventory = world.inventory
    hosts = f"{move.source},{move.target}"
    domain = inventory.domain
    return NewRun(
        MIGRATE,
        f"hosts:{domain.casefold()}",
        domain,
        hosts,
        {},
        inventory.digest,
        planned.digest,
        "hosts probe",
    )
