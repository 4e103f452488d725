"""The verb that takes runs back, of every kind, under the journal's lock."""

from collections.abc import Collection
from dataclasses import replace
from typing import Generic, NamedTuple
from uuid import UUID

from delegation.changes.carry import carry_out, recover
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kind
from delegation.changes.objects_meant import objects_meant
from delegation.changes.opening import OpenedToUndo, Prospect, UndoOpening
from delegation.changes.plan import S
from delegation.changes.records import Records
from delegation.changes.review import PlanForm
from delegation.changes.run import Asked, NewRun
from delegation.changes.run_events import (
    LeftToLaterRuns,
    RunPassedOver,
    RunSuperseded,
    RunUndoneAlready,
)
from delegation.changes.undoing import Effects, Undoing, effects_of
from delegation.changes.verbs import Carried, Confirm, confirmed, refuse_blocked
from delegation.errors import DelegationError
from delegation.events import Event, Teller


class UndoRequest(NamedTuple):
    """What is to be taken back: the run of that number, or the newest apply in effect.

    ``back_to``: instead of one run, all that came after that one. ``limit``: only on these hosts,
    as the runs called them. ``skip_conflicts``: the rest is undone where something can't be.
    ``allow`` is what was said of it, for the record.
    """

    number: int | None = None
    limit: str | None = None
    skip_conflicts: bool = False
    back_to: int | None = None
    allow: tuple[str, ...] = ()

    @property
    def may_pass_over(self) -> bool:
        """Where a run, or hosts, are named, no other run is meant."""
        return self.number is None and self.limit is None

    @property
    def recorded(self) -> Asked:
        return Asked(self.limit, tuple(sorted(self.allow)), self.skip_conflicts)


def roll_back(  # noqa: PLR0913, PLR0917 - what one verb needs
    opening: UndoOpening[S],
    records: Records,
    asked: UndoRequest,
    form: PlanForm[S],
    teller: Teller,
    confirm: Confirm[S] | None,
    ticket: str | None = None,
) -> Carried[S]:
    """Take back what one run did, or all after one, and nothing else, where it was done.

    Objects that are not found, or of which nobody knows whether they were changed, are left out:
    what was made of them stays in effect. What is as before already counts as done, and is recorded
    as that: whoever does the same again does it on their own. Raises Refused, with nothing written,
    where something of the rest is in conflict, unless that is to be skipped.
    """
    records.refuse_unused()
    with records.recording() as journal:
        if asked.back_to is not None:
            undoing = opening.all_after(journal, asked.back_to)
            with opening.to_undo(undoing) as opened:
                recover(journal, opened, teller)
                rollback = _Rollback(journal, opened, undoing, asked, teller)
                return rollback.carried(rollback.looked(), form, confirm, ticket)
        return _roll_back_one(opening, journal, asked, form, teller, confirm, ticket)


def _roll_back_one(  # noqa: PLR0913, PLR0917 - what one verb needs
    opening: UndoOpening[S],
    journal: Journal,
    asked: UndoRequest,
    form: PlanForm[S],
    teller: Teller,
    confirm: Confirm[S] | None,
    ticket: str | None,
) -> Carried[S]:
    passed_over: set[int] = set()
    recorded_as: str | None = None
    while True:
        chosen = opening.choose(journal, asked.number, recorded_as, passed_over)
        with opening.to_undo(Undoing((chosen,))) as opened:
            recover(journal, opened, teller)
            if asked.number is None:
                recorded_as = chosen.directory
                newest = opening.choose(journal, None, recorded_as, passed_over)
                if newest.id != chosen.id:
                    # What was chosen turned out to have written nothing. The other one may have
                    # been made elsewhere.
                    continue
            rollback = _Rollback(journal, opened, Undoing((chosen,)), asked, teller)
            looked = rollback.looked()
            if asked.may_pass_over and (passing := rollback.passing_over(looked)):
                rollback.record_done(looked.back)
                teller.say(passing)
                passed_over.add(chosen.id)
                continue
            return rollback.carried(looked, form, confirm, ticket)


class _Rollback(NamedTuple, Generic[S]):
    """One rollback, of what is chosen and opened."""

    journal: Journal
    opened: OpenedToUndo[S]
    undoing: Undoing
    asked: UndoRequest
    teller: Teller

    def looked(self, without: Collection[UUID] = ()) -> "_Looked[S]":
        """What takes the runs back now, as far as is asked; ``without`` those objects.

        Raises UsageError for hosts that they did not mean to change, DelegationError where nothing
        of them is in effect on those that are meant.
        """
        effects = self._meant(effects_of(self.journal, self.undoing, self.opened.kind))
        effects = effects.without_objects(without)
        back = self.opened.undo(effects)
        left = back.unreached_objects
        cancelled = [it for it in effects.cancelled if it.target.guid not in left]
        back = back._replace(done=(*back.done, *cancelled))
        return _Looked(effects, back if self.asked.skip_conflicts else back.refusing_conflicts())

    def _meant(self, effects: Effects[S]) -> Effects[S]:
        limit = self.asked.limit
        if limit is None:
            return effects
        numbers = self.undoing.numbers
        meant = objects_meant(self.journal, numbers, self.opened.kind, limit, "--limit")
        known = {name.casefold() for name in meant}
        within = effects.without([it for it in effects.names if it.casefold() not in known])
        if within.is_empty:
            what = f"{self.undoing.words} changed nothing on {limit} that is still in effect"
            raise DelegationError(what, "see: delegation history")
        return within

    def passing_over(self, looked: "_Looked[S]") -> Event | None:
        """What is told where nothing of the run can be taken back, or nothing is left to be."""
        run, kind, back = self.undoing.newest, self.opened.kind, looked.back
        if back.is_all_lost:
            return RunPassedOver(run.id, kind, back.unreached)
        is_refused = any(refusal not in back.conflicts for refusal in back.plan.blocked)
        if back.plan.changes or is_refused or back.unreached or back.stays:
            return None
        if looked.effects.is_superseded(back.done):
            lines = [f"{one.computer}: {one.message}" for one in back.conflicts]
            return RunSuperseded(run.id, (*looked.effects.superseded_lines(), *lines))
        if not back.conflicts and self.opened.nothing_left(back) is None:
            return RunUndoneAlready(self.undoing.words, is_passed_over=True)
        return None

    def carried(
        self,
        looked: "_Looked[S]",
        form: PlanForm[S],
        confirm: Confirm[S] | None,
        ticket: str | None,
    ) -> Carried[S]:
        """Show, ask, look again, write."""
        back = looked.back
        self.teller.show(back.view)
        left_to_others = tuple(looked.effects.superseded_lines())
        if left_to_others:
            self.teller.say(LeftToLaterRuns(left_to_others))
        _refuse_undo(self.opened.kind, back)
        if not back.plan.changes:
            self.record_done(back, ticket)
            if nothing_left := self.opened.nothing_left(back):
                raise nothing_left
            hosts = self.asked.limit or ""
            is_left = bool(left_to_others)
            self.teller.say(RunUndoneAlready(self.undoing.words, hosts=hosts, is_left=is_left))
            return Carried(back, undoing=self.undoing)
        if confirm is not None:
            left = back.unreached_objects
            back = confirmed(
                self.opened,
                back,
                form,
                self.teller,
                confirm,
                lambda: self.looked(left).back,
            )
        run = self._new_run(back, ticket)
        report = carry_out(self.journal, run, back, self.opened, self.teller, "rolled back")
        return Carried(back, report, self.undoing)

    def record_done(self, back: Prospect[S], ticket: str | None = None) -> None:
        """Put on record what needs no more to be taken back, where nothing else is written."""
        if back.done:
            self.journal.found_done(self._new_run(back, ticket), back.done)

    def _new_run(self, back: Prospect[S], ticket: str | None) -> NewRun:
        run = replace(
            self.opened.new_run(back.plan),
            domain=self.undoing.newest.domain,
            ticket=ticket,
            asked=self.asked.recorded,
            left_out=back.left_out,
        )
        if self.undoing.back_to is not None:
            return replace(run, back_to=self.undoing.back_to)
        chosen = self.undoing.newest
        digest, path = chosen.inventory_digest, chosen.inventory_path
        return replace(run, inventory_digest=digest, inventory_path=path, reverses=chosen.id)


class _Looked(NamedTuple, Generic[S]):
    """What is in effect by the record, and what takes it back as the objects are now."""

    effects: Effects[S]
    back: Prospect[S]


def _refuse_undo(kind: Kind[S], back: Prospect[S]) -> None:
    words = kind.words
    is_conflict = any(refusal.why == "conflict" for refusal in back.plan.blocked)
    instead = f", or {words.left}" if is_conflict else ""
    rest = "; --skip-conflicts undoes the rest" if is_conflict else ""
    refuse_blocked(
        back,
        f"the rollback is refused; nothing was {words.written}",
        f"settle these by hand{instead}, then try again{rest}",
    )
