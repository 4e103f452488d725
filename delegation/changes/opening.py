"""How a kind of change is opened for one verb: what plans come from, and what they are written to.

A kind implements these protocols beside its rules; the verbs know nothing else of it. Planning,
recovery and writing all happen while it is open, by one connection: what is written goes to the
very place that was looked at.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from types import MappingProxyType
from typing import Generic, NamedTuple, Protocol
from uuid import UUID

from delegation import names
from delegation.changes.apply import Report
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kind
from delegation.changes.outcomes import Changer
from delegation.changes.plan import Blocked, Change, Plan, S
from delegation.changes.run import LeftUndone, NewRun, Run
from delegation.changes.undoing import Effects, Undoing
from delegation.errors import DelegationError
from delegation.events import Event


class Prospect(NamedTuple, Generic[S]):
    """What would be done, as somebody is asked about it.

    ``unreached``: objects that could not be looked at, by name, or of which nobody knows what was
    made, and so are not in the plan; a rollback has them by identity too, ``unreached_objects``.
    Those ``lost`` among them are not found by their identity.
    ``conflicts``: parts of other objects that can't be taken back, and ``stays``: those of which it
    is not known whether there is anything to take back. ``done`` are the changes that a rollback
    needs no more to make. ``view`` shows it all.

    ``whole`` is the plan with what is left out on purpose, which is what somebody has reviewed;
    None where nothing is.
    """

    plan: Plan[S]
    view: object
    unreached: Mapping[str, DelegationError] = MappingProxyType({})
    unreached_objects: frozenset[UUID] = frozenset()
    lost: frozenset[str] = frozenset()
    conflicts: tuple[Blocked, ...] = ()
    stays: tuple[Blocked, ...] = ()
    done: tuple[Change[S], ...] = ()
    whole: Plan[S] | None = None

    @property
    def is_empty(self) -> bool:
        """There is nothing to do, and nothing stands in its way."""
        return not self.plan.changes and not self.plan.blocked

    @property
    def left(self) -> tuple[Blocked, ...]:
        """What stays of the objects that are reached, and why."""
        return (*self.conflicts, *self.stays)

    @property
    def left_out(self) -> tuple[LeftUndone, ...]:
        """The same for the record, with the objects that are not reached."""
        reasons = [
            (error.what.removeprefix("left: "), name) for name, error in self.unreached.items()
        ]
        undone = []
        for why, objects in names.grouped(reasons).items():
            undone.append(LeftUndone(names.fold(objects), why))
        for left in self.left:
            undone.append(LeftUndone(left.computer, left.message))
        return tuple(undone)

    @property
    def is_all_lost(self) -> bool:
        """Nothing can be done because no object of it is found."""
        is_only_lost = self.lost == self.unreached.keys() and not self.left
        return self.is_empty and bool(self.lost) and is_only_lost

    def refusing_conflicts(self) -> "Prospect[S]":
        """The same, blocked by its conflicts: nothing is done while there are any."""
        plan = replace(self.plan, blocked=(*self.plan.blocked, *self.conflicts))
        return self._replace(plan=plan)


class Opened(Protocol[S]):
    """One kind, opened: everything of one verb happens while it is."""

    @property
    def kind(self) -> Kind[S]: ...

    @property
    def recorded_as(self) -> str:
        """What its runs are recorded against: only those can be recovered or undone here."""

    @property
    def place(self) -> str:
        """Where all of it is looked at: a domain controller, or nothing in particular."""

    @property
    def changer(self) -> Changer[S]: ...

    def cannot_tell_of(self, run: Run) -> str:
        """Why nothing can be told here of that run's writes; empty where something can."""

    def unmade_is_untold(self, run: Run) -> str:
        """Why that run may have made what is not found made here; empty where it has not."""

    def new_run(self, plan: Plan[S]) -> NewRun:
        """What is known of the run that will write ``plan``."""

    def before_first_write(self, run: Run, plan: Plan[S]) -> None:
        """What must be on disk before anything is written. Raises JournalError."""

    def after_write(self, report: Report[S]) -> Iterable[Event]:
        """What somebody should know now that it is written."""


class OpenedToApply(Opened[S], Protocol[S]):
    """Opened to be made as the inventory says."""

    def plan(self) -> Prospect[S]:
        """Look afresh, and plan what the inventory wants."""

    def plan_again(self, confirmed: Prospect[S]) -> Prospect[S]:
        """The same after somebody has confirmed: of the objects that could be looked at then."""


class OpenedToUndo(Opened[S], Protocol[S]):
    """Opened where a run was made, to take it back."""

    def undo(self, effects: Effects[S]) -> Prospect[S]:
        """Look afresh, and plan what takes back the ``effects`` of the runs.

        Raises DelegationError where there are none.
        """

    def nothing_left(self, back: Prospect[S]) -> DelegationError | None:
        """Why a plan that takes them back is empty; None where all is as before already."""


class UndoOpening(Protocol[S]):
    """Finds the run that is to be undone, and opens what it was made on."""

    @property
    def kind(self) -> Kind[S]: ...

    def numbered(self, journal: Journal, number: int) -> Run:
        """The run of that number. Raises UsageError for one of another kind, or none."""

    def choose(
        self,
        journal: Journal,
        number: int | None,
        recorded_as: str | None = None,
        passed_over: Collection[int] = (),
    ) -> Run:
        """The run to undo: that one, or the newest apply in effect that is not passed over.

        Raises UsageError for a run of another kind, DelegationError where there is none.
        """

    def all_after(self, journal: Journal, number: int) -> Undoing:
        """All runs after that one, which stays. Raises UsageError as ``numbered``.

        Raises DelegationError where there is none.
        """

    def to_undo(self, undoing: Undoing) -> AbstractContextManager[OpenedToUndo[S]]:
        """Raises DelegationError where it can't be opened, Refused where that is not safe."""
