"""The mesh as a kind of change: opened on a domain controller, to apply a plan or to undo a run."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from delegation import names
from delegation.changes.apply import Report
from delegation.changes.journal import Journal
from delegation.changes.opening import Prospect
from delegation.changes.outcomes import Result
from delegation.changes.plan import Blocked, Plan
from delegation.changes.run import NewRun, Run
from delegation.errors import Advice, DelegationError, UsageError
from delegation.events import Event, EventSeverity, Teller, warning
from delegation.mesh import retirement, snapshot, undo
from delegation.mesh.plan_mesh import PlannedMesh, PlanWorld, plan_from, tell_left_alone
from delegation.mesh.seams import Writer
from delegation.mesh.snapshot import Directory
from delegation.mesh.state import DELEGATION, Delegation, DelegationChange, DelegationPlan


class WriteWorld(PlanWorld, Protocol):
    """What an apply needs besides: the directory to change, and where its undo is put."""

    @property
    def recorded_as(self) -> str:
        """What runs on this directory are recorded against."""

    def writing(self, prefer: Collection[str] = ()) -> AbstractContextManager[Writer]:
        """``prefer``: domain controllers to try first, if none is named."""

    def connection_record(self, directory: Directory) -> Mapping[str, Any]: ...

    def write_undo_file(self, run: Run, plan: DelegationPlan) -> None: ...

    def migrating(self, journal: Journal) -> Mapping[str, int]:
        """The run of migrations that holds each host, by casefolded label; none without one."""


class UndoWorld(Protocol):
    """What a rollback needs; it does without an inventory that is valid."""

    @property
    def teller(self) -> Teller: ...

    @property
    def directory_meant(self) -> str | None:
        """Which directory's runs are meant, as far as anything tells."""

    def writing_back(self, run: Run) -> AbstractContextManager[Writer]:
        """The domain controller that the run was made on. Raises Refused where nothing vouches."""

    def connection_record_of(self, run: Run, directory: Directory) -> Mapping[str, Any]: ...

    def write_undo_file(self, run: Run, plan: DelegationPlan) -> None: ...


class OpenedDirectory:
    """What applies and rollbacks of the mesh have in common; see changes.opening.Opened."""

    kind = DELEGATION

    def __init__(self, changer: Writer, recorded_as: str, world: WriteWorld | UndoWorld) -> None:
        self.changer = changer
        self.recorded_as = recorded_as
        self._writes_undo = world.write_undo_file

    def cannot_tell_of(self, run: Run) -> str:
        """A write that has not replicated yet looks, on any other DC, as if it was never made.

        Recovered there, it would be recorded as refused, and no rollback would ever take it back.
        """
        here = self.changer.directory.dc
        if run.dc.casefold() == here.casefold():
            return ""
        return (
            f"run {run.id} is unsettled and was made on {run.dc}; this is {here}, which can't tell "
            "what became of it"
        )

    def before_first_write(self, run: Run, plan: Plan[Delegation]) -> None:
        self._writes_undo(run, plan)

    def after_write(self, report: Report[Delegation]) -> Iterable[Event]:
        if self.recorded_as.startswith("ldif:"):
            return
        applied = [outcome for outcome in report.outcomes if outcome.result is Result.APPLIED]
        if applied:
            yield InEffectLater(tuple(outcome.change.target.name for outcome in applied))


@dataclass(frozen=True, slots=True)
class InEffectLater:
    """When hosts go by what was written, and which of them can be hurried.

    The KDC keeps what it knows of a delegating account for 15 minutes, and a host its tickets:
    klist purge empties the cache of the host's own account, logon session 0x3e7. What was taken
    away works on until the tickets that were issued end, after up to 600 minutes.
    """

    hosts: tuple[str, ...]
    severity: EventSeverity = EventSeverity.NOTE

    def words(self) -> Sequence[str]:
        return (
            "  in effect on a host when this has replicated to its domain controller, and",
            "  up to 15 minutes later; sooner, run there as administrator",
            f"  klist purge -li 0x3e7   on {names.fold(self.hosts)}",
        )


class MeshToApply(OpenedDirectory):
    """The mesh, opened to be made as the inventory says; implements opening.OpenedToApply."""

    def __init__(
        self,
        changer: Writer,
        world: WriteWorld,
        labels: frozenset[str] | None,
        allow: Collection[str],
        journal: Journal,
    ) -> None:
        super().__init__(changer, world.recorded_as, world)
        self._world = world
        self._labels = labels
        self._allow = allow
        self._journal = journal

    def plan(self) -> Prospect[Delegation]:
        planned = self._planned()
        tell_left_alone(self._world.teller, planned.comparison, self._labels)
        return Prospect(planned.plan, planned.view)

    def plan_again(self, confirmed: Prospect[Delegation]) -> Prospect[Delegation]:  # noqa: ARG002
        """All of it: one search reads every host at once."""
        planned = self._planned()
        return Prospect(planned.plan, planned.view)

    def _planned(self) -> PlannedMesh:
        planned = plan_from(self._world, self.changer, self._labels, self._allow)
        held = tuple(self._held_by_migrations(planned.plan))
        if not held:
            return planned
        plan = replace(planned.plan, blocked=(*planned.plan.blocked, *held))
        return replace(planned, plan=plan, view=replace(planned.view, plan=plan))

    def _held_by_migrations(self, plan: DelegationPlan) -> Iterator[Blocked]:
        """Retired hosts that a run still has to move machines from or to, and that lose values.

        It would fail halfway: a source whose values are gone gets no ticket for its target.
        """
        retired = self._world.inventory.retired
        running = self._world.migrating(self._journal) if retired and plan.changes else {}
        for former in retired:
            run = running.get(former.name.casefold())
            if run is not None and retirement.takes_from(plan, former):
                yield Blocked(
                    former.name,
                    "migrating",
                    f"it is retired, and run {run} still has machines to move from it or to it: "
                    f"see delegation migrate status {run}; let it end, or abandon them",
                )

    def new_run(self, plan: Plan[Delegation]) -> NewRun:
        inventory, directory = self._world.inventory, self.changer.directory
        return NewRun(
            self.kind.apply,
            self.recorded_as,
            inventory.domain,
            directory.dc,
            self._world.connection_record(directory),
            inventory.digest,
            plan.digest,
        )


@dataclass(frozen=True)
class MeshUndoView:
    """A rollback that is about to be made: of which run, where, and what to be warned of."""

    run: Run
    dc: str
    plan: DelegationPlan
    warnings: tuple[str, ...]


class MeshToUndo(OpenedDirectory):
    """The mesh, opened where a run was made, to take it back."""

    def __init__(self, changer: Writer, world: UndoWorld, run: Run, allow: Collection[str]) -> None:
        super().__init__(changer, run.directory, world)
        self._connection = world.connection_record_of(run, changer.directory)
        self._run = run
        self._allow = allow

    def undo(
        self,
        made: Sequence[DelegationChange],
        in_doubt: Sequence[DelegationChange],  # noqa: ARG002
    ) -> Prospect[Delegation]:
        """One reading of the objects, and one of the domain controllers that nobody may reach."""
        run = self._run
        if not made:
            raise self._nothing_in_effect()
        directory = self.changer.directory
        accounts = self.changer.find([])
        controllers = snapshot.resolve(directory, [], accounts).domain_controller_names
        now = self.changer.read([change.target.guid for change in made])
        back = undo.reversal(run.domain, made, now, controllers, self._allow)
        return Prospect(back.plan, MeshUndoView(run, directory.dc, back.plan, back.warnings))

    def new_run(self, plan: Plan[Delegation]) -> NewRun:
        directory = self.changer.directory
        return NewRun(
            self.kind.rollback,
            self.recorded_as,
            plan.domain,
            directory.dc,
            self._connection,
            plan_digest=plan.digest,
        )

    def nothing_left(self, back: Prospect[Delegation]) -> DelegationError:  # noqa: ARG002
        return self._nothing_in_effect()

    def _nothing_in_effect(self) -> DelegationError:
        what = f"run {self._run.id} wrote nothing that is still in effect"
        return DelegationError(what, "see: delegation history")


@contextmanager
def open_to_apply(
    world: WriteWorld, labels: frozenset[str] | None, allow: Collection[str], journal: Journal
) -> Iterator[MeshToApply]:
    """The mesh to change, on the DC that alone can tell of runs that died, if there is one."""
    unsettled = journal.unsettled(DELEGATION)
    prefer = [run.dc for run in unsettled if run.directory == world.recorded_as]
    with world.writing(prefer) as writer:
        yield MeshToApply(writer, world, labels, allow, journal)


class MeshUndoOpening:
    """Implements changes.opening.UndoOpening."""

    kind = DELEGATION

    def __init__(self, world: UndoWorld, allow: Collection[str]) -> None:
        self._world = world
        self._allow = allow

    def choose(self, journal: Journal, number: int | None, recorded_as: str | None = None) -> Run:
        if number is not None:
            return self._named(journal, number)
        directory = recorded_as or self._world.directory_meant
        newest = journal.undoable(directory, DELEGATION)
        if newest is None:
            where = f" on {directory}" if directory else ""
            raise DelegationError(
                f"there is no apply left to undo{where}",
                "see: delegation history; a rollback is undone by its number",
            )
        return newest

    def _named(self, journal: Journal, number: int) -> Run:
        chosen = journal.run(number)
        other = journal.kinds.of(chosen.kind)
        if other is not None and other != DELEGATION:
            raise UsageError(
                f"run {number} changed settings of the hosts, not the directory",
                Advice("to undo it: ", other.undo_command(number)),
            )
        if not (journal.in_effect(number, DELEGATION) or chosen in journal.unsettled(DELEGATION)):
            raise DelegationError(
                f"run {number} ({chosen.kind}) has nothing that could be undone",
                "see: delegation history",
            )
        return chosen

    @contextmanager
    def to_undo(self, run: Run) -> Iterator[MeshToUndo]:
        with self._world.writing_back(run) as writer:
            here = writer.directory.dc
            # The attribute replicates whole, and the last writer wins: two edits of one object on
            # two DCs lose one of them without an error. So a run is undone where it was made.
            if here.casefold() != run.dc.casefold():
                what = (
                    f"run {run.id} was made on {run.dc}, this is {here}: what has not replicated "
                    "yet will look like a conflict"
                )
                self._world.teller.say(warning(what))
            yield MeshToUndo(writer, self._world, run, self._allow)
