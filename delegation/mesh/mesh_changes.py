"""The mesh as a kind of change: opened on a domain controller, to apply a plan."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from delegation import names
from delegation.changes.apply import Report
from delegation.changes.journal import Journal
from delegation.changes.opening import Prospect
from delegation.changes.outcomes import Result
from delegation.changes.plan import Blocked, Plan
from delegation.changes.run import NewRun, Run
from delegation.errors import DelegationError
from delegation.events import Event, EventSeverity, Remark
from delegation.mesh import account_records, retirement
from delegation.mesh.known_accounts import accounts_in_reach
from delegation.mesh.new_account_refusal import refuse_unknown_hosts
from delegation.mesh.plan_mesh import (
    PlannedMesh,
    PlanWorld,
    lacking_rights,
    plan_from,
    tell_remarks,
)
from delegation.mesh.seams import Writer
from delegation.mesh.snapshot import Directory
from delegation.mesh.state import DELEGATION, Delegation, DelegationPlan


class WriteWorld(PlanWorld, Protocol):
    """What an apply needs besides: the directory to change, and where its undo is put."""

    @property
    def inventory_path(self) -> str:
        """Where the inventory lies, for the record."""

    def writing(self, prefer: Collection[str] = ()) -> AbstractContextManager[Writer]:
        """``prefer``: domain controllers to try first, if none is named."""

    def connection_record(self, directory: Directory) -> Mapping[str, Any]: ...

    def write_undo_file(self, run: Run, plan: DelegationPlan) -> None: ...

    def migrating(self, journal: Journal) -> Mapping[str, int]:
        """The run of migrations that holds each host, by casefolded label; none without one."""


UNWRITABLE = "unwritable"
"""The refusal of objects that the account may not write, and the --allow name that leaves them."""

WriteUndo = Callable[[Run, DelegationPlan], None]
"""Puts the undo of a run where it is found without us. Raises JournalError."""


class OpenedDirectory:
    """What applies and rollbacks of the mesh have in common; see changes.opening.Opened."""

    kind = DELEGATION

    def __init__(self, changer: Writer, recorded_as: str, write_undo: WriteUndo) -> None:
        self.changer = changer
        self.recorded_as = recorded_as
        self._writes_undo = write_undo

    @property
    def place(self) -> str:
        return self.changer.directory.dc

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

    def unmade_is_untold(self, run: Run) -> str:  # noqa: ARG002
        """A domain controller tells of its own writes whether they were made."""
        return ""

    def before_first_write(self, run: Run, plan: Plan[Delegation]) -> None:
        self._writes_undo(run, plan)

    def after_write(self, report: Report[Delegation]) -> Iterable[Event]:
        applied = [outcome for outcome in report.outcomes if outcome.result is Result.APPLIED]
        if not applied:
            return
        if self.recorded_as.startswith("ldif:"):
            yield FileAloneChanged(self.place)
            return
        yield InEffectLater(tuple(outcome.change.target.name for outcome in applied))


class InEffectLater(NamedTuple):
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


class FileAloneChanged(NamedTuple):
    """What was written to is an export: no domain controller reads it, and nothing is in effect."""

    file: str
    severity: EventSeverity = EventSeverity.NOTE

    def words(self) -> Sequence[str]:
        return (
            f"  only the file {self.file} was changed: no domain controller knows of it",
            "  export ldif, before an apply, writes the change for a directory",
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
        super().__init__(changer, world.recorded_as, world.write_undo_file)
        self._world = world
        self._labels = labels
        self._allow = allow
        self._journal = journal
        self._known = account_records.known(journal, self.recorded_as)
        self._goes_by: PlannedMesh | None = None
        """The last plan, and with it the accounts that it takes for the hosts."""

    def plan(self) -> Prospect[Delegation]:
        planned = self._planned()
        tell_remarks(self._world.teller, planned.comparison, self._labels)
        return self._within_rights(planned)

    def plan_again(self, confirmed: Prospect[Delegation]) -> Prospect[Delegation]:  # noqa: ARG002
        """All of it: one search reads every host at once."""
        return self._within_rights(self._planned())

    def _within_rights(self, planned: PlannedMesh) -> Prospect[Delegation]:
        """The plan, refused for objects that this account surely may not write, or without them.

        Otherwise the first of them ends the run in the middle, with a part of the mesh written.
        """
        plan, view = planned.plan, planned.view
        lacking = lacking_rights(plan, self.changer)
        if not lacking:
            return Prospect(plan, view)
        if UNWRITABLE not in self._allow:
            refused = tuple(_refused_rights(hosts, what) for what, hosts in lacking.items())
            plan = replace(plan, blocked=(*plan.blocked, *refused))
            return Prospect(plan, view._replace(plan=plan))
        left: dict[str, DelegationError] = {}
        for attributes, hosts in lacking.items():
            why = DelegationError(
                f"left: this account may not write {attributes} there",
                "apply again as an account that may",
            )
            left |= dict.fromkeys(hosts, why)
        changes = tuple(change for change in plan.changes if change.target.name not in left)
        return Prospect(replace(plan, changes=changes), view, left, whole=plan)

    def _planned(self) -> PlannedMesh:
        planned = plan_from(self._world, self.changer, self._labels, self._allow, self._known)
        self._goes_by = planned
        held = tuple(self._held_by_migrations(planned.plan))
        if not held:
            return planned
        plan = replace(planned.plan, blocked=(*planned.plan.blocked, *held))
        return planned._replace(plan=plan, view=planned.view._replace(plan=plan))

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

    def before_first_write(self, run: Run, plan: Plan[Delegation]) -> None:
        """Whoever confirmed the plan has confirmed the accounts that it is for."""
        super().before_first_write(run, plan)
        if self._goes_by is not None:
            accounts = accounts_in_reach(self._goes_by.comparison).values()
            news = [account for account in accounts if not self._known.has_allowed(account)]
            account_records.allowed(self._journal, run.id, self.recorded_as, news)

    def keep_allowed(self) -> None:
        """Record that accounts were allowed where nothing was to be written to any."""
        planned = self._goes_by
        if planned is None or planned.plan.changes or planned.plan.blocked:
            return
        new = [other.account for other in planned.comparison.identities.new]
        if new:
            run = account_records.allowed_alone(self._journal, self.new_run(planned.plan), new)
            hosts = names.fold(other.label for other in planned.comparison.identities.new)
            what = f"run {run} records that another account of {hosts} is allowed"
            self._world.teller.say(Remark(what))

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
            account=self.changer.own_account(),
            inventory_path=self._world.inventory_path,
        )


def _refused_rights(hosts: Collection[str], attributes: str) -> Blocked:
    message = (
        f"this account may not write {attributes} there: give it the right, or apply as one that "
        "may; delegation check shows what each object lets it write"
    )
    return Blocked(names.fold(hosts), UNWRITABLE, message, UNWRITABLE)


@contextmanager
def open_to_apply(
    world: WriteWorld, labels: frozenset[str] | None, allow: Collection[str], journal: Journal
) -> Iterator[MeshToApply]:
    """The mesh to change, on the DC that alone can tell of runs that died, if there is one."""
    refuse_unknown_hosts(world.inventory, allow)
    unsettled = journal.unsettled(DELEGATION)
    prefer = [run.dc for run in unsettled if run.directory == world.recorded_as]
    with world.writing(prefer) as writer:
        opened = MeshToApply(writer, world, labels, allow, journal)
        yield opened
        # Not reached where it was refused or declined.
        opened.keep_allowed()
