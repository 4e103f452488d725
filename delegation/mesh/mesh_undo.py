"""The mesh, opened to take back a run: on its own domain controller, or on one that is chosen."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from delegation import names
from delegation.changes.journal import Journal
from delegation.changes.opening import Prospect
from delegation.changes.plan import Blocked, Plan
from delegation.changes.run import NewRun, Run
from delegation.changes.undoing import Effects, Undoing, all_after
from delegation.errors import Advice, DelegationError, Refused, UsageError
from delegation.events import Teller, warning
from delegation.mesh import snapshot, undo
from delegation.mesh.mesh_changes import OpenedDirectory
from delegation.mesh.seams import Writer
from delegation.mesh.snapshot import Directory
from delegation.mesh.state import DELEGATION, Delegation, DelegationPlan
from delegation.mesh.undo import StayingPart


class UndoWorld(Protocol):
    """What a rollback needs; it does without an inventory that is valid."""

    @property
    def teller(self) -> Teller: ...

    @property
    def directory_meant(self) -> str | None:
        """Which directory's runs are meant, as far as anything tells."""

    @property
    def elsewhere(self) -> str | None:
        """Another domain controller than the run's, that a person chose for it in the open."""

    def writing_back(self, run: Run) -> AbstractContextManager[Writer]:
        """The domain controller that the run was made on, or the one that was chosen.

        Raises ConnectionFailed, and Refused where nothing vouches for it.
        """

    def connection_record_of(self, run: Run, directory: Directory) -> Mapping[str, Any]: ...

    def write_undo_file(self, run: Run, plan: DelegationPlan) -> None: ...


class MeshUndoView(NamedTuple):
    """A rollback that is about to be made: of which runs, where, and what to be warned of.

    ``left`` are objects that stay as the runs left them, or may have left them, and why, by name;
    ``conflicts`` what of others a later run has written again; ``as_before`` the parts that are as
    before already, by name.
    """

    undoing: Undoing
    dc: str
    plan: DelegationPlan
    warnings: tuple[str, ...]
    left: Mapping[str, DelegationError]
    conflicts: tuple[StayingPart, ...] = ()
    as_before: Mapping[str, frozenset[str]] = MappingProxyType({})


class MeshToUndo(OpenedDirectory):
    """The mesh, opened where runs were made, to take them back."""

    def __init__(
        self, changer: Writer, world: UndoWorld, undoing: Undoing, allow: Collection[str]
    ) -> None:
        newest = undoing.newest
        super().__init__(changer, newest.directory, world.write_undo_file)
        self._connection = world.connection_record_of(newest, changer.directory)
        self._undoing = undoing
        self._allow = allow

    def cannot_tell_of(self, run: Run) -> str:
        """Somebody chose this one in the open, for the run that is to be undone."""
        return "" if run.id in self._undoing.numbers else super().cannot_tell_of(run)

    def unmade_is_untold(self, run: Run) -> str:
        """Where the run's own domain controller did not get to replicate, it looks unmade."""
        here = self.changer.directory.dc
        if here.casefold() == run.dc.casefold():
            return ""
        return f"not found made on {here}, where what {run.dc} has not replicated is missing"

    def undo(self, effects: Effects[Delegation]) -> Prospect[Delegation]:
        """One reading of the objects, and one of the domain controllers that nobody may reach."""
        undoing, made = self._undoing, effects.made
        if effects.is_empty and undoing.back_to is None:
            what = f"{undoing.words} wrote nothing that is still in effect"
            raise DelegationError(what, "see: delegation history")
        doubtful = [change for _, change in effects.in_doubt]
        directory = self.changer.directory
        accounts = self.changer.find([])
        controllers = snapshot.resolve(directory, [], accounts).domain_controller_names
        now = self.changer.read([change.target.guid for change in (*made, *doubtful)])
        domain, rewrites = undoing.newest.domain, effects.rewrites
        back = undo.reversal(domain, made, now, controllers, self._allow, rewrites)
        absent = [change.target.name for change in doubtful if change.target.guid not in now]
        lost = (*back.not_found, *absent)
        found = [(run, it.target.name) for run, it in effects.in_doubt if it.target.guid in now]
        left = {**_not_found(undoing, lost), **_in_doubt(found)}
        unreached = {change.target.guid for change in doubtful}
        unreached.update(change.target.guid for change in made if change.target.guid not in now)
        view = MeshUndoView(
            undoing, directory.dc, back.plan, back.warnings, left, back.conflicts, back.as_before
        )
        conflicts, stays = undo.refusals(back.conflicts), self._may_be_there(back.as_before)
        # What may only look undone is not called so for good.
        done = () if stays else back.done
        return Prospect(
            back.plan, view, left, frozenset(unreached), frozenset(lost), conflicts, stays, done
        )

    def _may_be_there(self, as_before: Collection[str]) -> tuple[Blocked, ...]:
        """Where a run's own domain controller did not get to replicate, all looks undone."""
        untold = filter(None, map(self.unmade_is_untold, self._undoing.runs))
        why = next(untold, "")
        if not why or not as_before:
            return ()
        return (Blocked(names.fold(as_before), "not-replicated", f"as before, or {why}"),)

    def new_run(self, plan: Plan[Delegation]) -> NewRun:
        directory = self.changer.directory
        return NewRun(
            self.kind.rollback,
            self.recorded_as,
            plan.domain,
            directory.dc,
            self._connection,
            plan_digest=plan.digest,
            account=self.changer.own_account(),
        )

    def nothing_left(self, back: Prospect[Delegation]) -> DelegationError | None:
        if not back.unreached and not back.left:
            return None
        what = f"nothing of {self._undoing.words} can be taken back now; nothing was written"
        return DelegationError(what)


def _not_found(undoing: Undoing, lost: Collection[str]) -> dict[str, DelegationError]:
    """Objects that are left out because none has their GUID, by name."""
    error = DelegationError(
        "left: not found by GUID: deleted, moved out of sight, or not for this logon to see",
        Advice("when it is restored: ", undoing.command(DELEGATION)),
    )
    return dict.fromkeys(lost, error)


def _in_doubt(doubtful: Iterable[tuple[int, str]]) -> dict[str, DelegationError]:
    """Objects that are left out because nobody knows what a run did to them, by name."""
    errors: dict[str, DelegationError] = {}
    for run, hosts in names.grouped(doubtful).items():
        said = DELEGATION.settle_command(run, names.fold(hosts))
        error = DelegationError(
            f"left: in doubt whether run {run} changed it",
            Advice("a person may say what no domain controller can tell: ", said),
        )
        errors |= dict.fromkeys(hosts, error)
    return errors


class MeshUndoOpening:
    """Implements changes.opening.UndoOpening."""

    kind = DELEGATION

    def __init__(self, world: UndoWorld, allow: Collection[str]) -> None:
        self._world = world
        self._allow = allow

    def choose(
        self,
        journal: Journal,
        number: int | None,
        recorded_as: str | None = None,
        passed_over: Collection[int] = (),
    ) -> Run:
        if number is not None:
            return self._with_effect(journal, number)
        directory = recorded_as or self._world.directory_meant
        newest = journal.undoable(directory, DELEGATION, passed_over)
        if newest is None:
            where = f" on {directory}" if directory else ""
            raise DelegationError(
                f"there is no apply left to undo{where}",
                "see: delegation history; a rollback is undone by its number",
            )
        return newest

    def _with_effect(self, journal: Journal, number: int) -> Run:
        chosen = self.numbered(journal, number)
        if not (journal.in_effect(number, DELEGATION) or chosen in journal.unsettled(DELEGATION)):
            raise DelegationError(
                f"run {number} ({chosen.kind}) has nothing that could be undone",
                "see: delegation history",
            )
        return chosen

    def numbered(self, journal: Journal, number: int) -> Run:
        chosen = journal.run(number)
        other = journal.kinds.of(chosen.kind)
        if other is not None and other != DELEGATION:
            raise UsageError(
                f"run {number} changed settings of the hosts, not the directory",
                Advice("to undo it: ", other.undo_command(number)),
            )
        return chosen

    def all_after(self, journal: Journal, number: int) -> Undoing:
        stays = self.numbered(journal, number)
        # A run on hosts says nothing of a directory; an audit of one does.
        is_of_one = not stays.directory.startswith("hosts:")
        directory = stays.directory if is_of_one else self._world.directory_meant
        return all_after(journal, stays, DELEGATION, directory)

    @contextmanager
    def to_undo(self, undoing: Undoing) -> Iterator[MeshToUndo]:
        with self._world.writing_back(undoing.newest) as writer:
            risks = [self._risk_of_elsewhere(run, writer.directory) for run in undoing.runs]
            for risk in dict.fromkeys(filter(None, risks)):
                self._world.teller.say(warning(risk))
            yield MeshToUndo(writer, self._world, undoing, self._allow)

    def _risk_of_elsewhere(self, run: Run, directory: Directory) -> str:
        """What may go wrong on another DC than the run's; empty on that one.

        The attribute replicates whole, and the last writer wins: two edits of one object on two DCs
        lose one of them without an error. So a run is undone where it was made, unless a person has
        named another DC. Raises Refused where nobody has. Of exports each is the only one.
        """
        here = directory.dc
        if here.casefold() == run.dc.casefold():
            return ""
        risk = "what has not replicated yet looks undone, or not made"
        if not (self._world.elsewhere or run.directory.startswith("ldif:")):
            raise Refused(
                f"run {run.id} was made on {run.dc}, and this is {here}; nothing was written",
                f"to choose it in the open, say --on {here}",
                [f"on another one, {risk}"],
            )
        return f"run {run.id} was made on {run.dc}, this is {here}: {risk}"
