"""The mesh, opened to take back a run: on its own domain controller, or on one that is chosen."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from delegation import names
from delegation.changes.journal import Journal
from delegation.changes.opening import Prospect
from delegation.changes.plan import Blocked, Plan
from delegation.changes.rewrites import Rewrites
from delegation.changes.run import NewRun, Run
from delegation.errors import Advice, DelegationError, Refused, UsageError
from delegation.events import Teller, warning
from delegation.mesh import snapshot, undo
from delegation.mesh.mesh_changes import OpenedDirectory
from delegation.mesh.seams import Writer
from delegation.mesh.snapshot import Directory
from delegation.mesh.state import DELEGATION, Delegation, DelegationChange, DelegationPlan
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


@dataclass(frozen=True)
class MeshUndoView:
    """A rollback that is about to be made: of which run, where, and what to be warned of.

    ``left`` are objects that stay as the run left them, or may have left them, and why, by name;
    ``conflicts`` what of others a later run has written again; ``as_before`` the parts that are as
    before already, by name.
    """

    run: Run
    dc: str
    plan: DelegationPlan
    warnings: tuple[str, ...]
    left: Mapping[str, DelegationError]
    conflicts: tuple[StayingPart, ...] = ()
    as_before: Mapping[str, frozenset[str]] = field(default_factory=dict)


class MeshToUndo(OpenedDirectory):
    """The mesh, opened where a run was made, to take it back."""

    def __init__(self, changer: Writer, world: UndoWorld, run: Run, allow: Collection[str]) -> None:
        super().__init__(changer, run.directory, world.write_undo_file)
        self._connection = world.connection_record_of(run, changer.directory)
        self._run = run
        self._allow = allow

    def cannot_tell_of(self, run: Run) -> str:
        """Somebody chose this one in the open, for the run that is to be undone."""
        return "" if run.id == self._run.id else super().cannot_tell_of(run)

    def unmade_is_untold(self, run: Run) -> str:
        """Where the run's own domain controller did not get to replicate, it looks unmade."""
        here = self.changer.directory.dc
        if here.casefold() == run.dc.casefold():
            return ""
        return f"not found made on {here}, where what {run.dc} has not replicated is missing"

    def undo(
        self,
        made: Sequence[DelegationChange],
        in_doubt: Sequence[DelegationChange],
        rewrites: Rewrites,
    ) -> Prospect[Delegation]:
        """One reading of the objects, and one of the domain controllers that nobody may reach."""
        run = self._run
        if not made and not in_doubt:
            raise self._nothing_in_effect()
        directory = self.changer.directory
        accounts = self.changer.find([])
        controllers = snapshot.resolve(directory, [], accounts).domain_controller_names
        now = self.changer.read([change.target.guid for change in (*made, *in_doubt)])
        back = undo.reversal(run.domain, made, now, controllers, self._allow, rewrites)
        found = [change.target.name for change in in_doubt if change.target.guid in now]
        absent = [change.target.name for change in in_doubt if change.target.guid not in now]
        lost = (*back.not_found, *absent)
        left = {**_not_found(run, lost), **_in_doubt(run, found)}
        view = MeshUndoView(
            run, directory.dc, back.plan, back.warnings, left, back.conflicts, back.as_before
        )
        conflicts, stays = undo.refusals(back.conflicts), self._may_be_there(back.as_before)
        return Prospect(back.plan, view, left, frozenset(lost), conflicts, stays)

    def _may_be_there(self, as_before: Collection[str]) -> tuple[Blocked, ...]:
        """Where the run's own domain controller did not get to replicate, all looks undone."""
        why = self.unmade_is_untold(self._run)
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
        )

    def nothing_left(self, back: Prospect[Delegation]) -> DelegationError | None:
        if not back.unreached and not back.left:
            return None
        what = f"nothing of run {self._run.id} can be taken back now; nothing was written"
        return DelegationError(what)

    def _nothing_in_effect(self) -> DelegationError:
        what = f"run {self._run.id} wrote nothing that is still in effect"
        return DelegationError(what, "see: delegation history")


def _not_found(run: Run, lost: Collection[str]) -> dict[str, DelegationError]:
    """Objects that are left out because none has their GUID, by name."""
    error = DelegationError(
        "left: not found by GUID: deleted, moved out of sight, or not for this logon to see",
        Advice("when it is restored: ", DELEGATION.undo_command(run.id)),
    )
    return dict.fromkeys(lost, error)


def _in_doubt(run: Run, doubtful: Collection[str]) -> dict[str, DelegationError]:
    """Objects that are left out because nobody knows what the run did to them, by name."""
    said = DELEGATION.settle_command(run.id, names.fold(doubtful))
    error = DelegationError(
        f"left: in doubt whether run {run.id} changed it",
        Advice("a person may say what no domain controller can tell: ", said),
    )
    return dict.fromkeys(doubtful, error)


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

    @contextmanager
    def to_undo(self, run: Run) -> Iterator[MeshToUndo]:
        with self._world.writing_back(run) as writer:
            if risk := self._risk_of_elsewhere(run, writer.directory):
                self._world.teller.say(warning(risk))
            yield MeshToUndo(writer, self._world, run, self._allow)

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
