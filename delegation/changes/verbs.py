"""The verbs of every kind: apply what is planned, roll back a run; each under the journal's lock.

Both recover what died before, plan, show, ask, look again, and only then write. What is asked about
is a plan; what would be written after the answer must still be that plan. The lock is held while
somebody thinks: two admins who confirm the same plan would otherwise write it twice.
"""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Generic

from delegation.changes import review
from delegation.changes.apply import Report
from delegation.changes.carry import carry_out, recover
from delegation.changes.doubt import doubt_of
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kind
from delegation.changes.objects_meant import objects_meant
from delegation.changes.opening import (
    Opened,
    OpenedToApply,
    OpenedToUndo,
    Prospect,
    UndoOpening,
)
from delegation.changes.plan import S, refusal_lines
from delegation.changes.records import Records
from delegation.changes.review import PlanForm, Reviewed
from delegation.changes.rewrites import rewrites_of
from delegation.changes.run import Run
from delegation.changes.run_events import RunPassedOver, RunUndoneAlready, tell_unreached
from delegation.errors import DelegationError, Refused
from delegation.events import Event, Teller

Confirm = Callable[[Prospect[S]], bool]
"""Asked whether a plan is to be carried out."""


@dataclass(frozen=True)
class Carried(Generic[S]):
    """What a verb came to; without a ``report`` nothing was to be done."""

    planned: Prospect[S]
    report: Report[S] | None = None
    undone: Run | None = None

    @property
    def unreached(self) -> frozenset[str]:
        """The names of all objects that nothing could be done on."""
        written = self.report.unreached if self.report else frozenset()
        return written | frozenset(self.planned.unreached)

    @property
    def complete(self) -> bool:
        """All that was meant was done, and nothing is unknown."""
        is_all_meant = not self.unreached and not self.planned.left
        return is_all_meant and (self.report is None or self.report.complete)


@dataclass(frozen=True, slots=True)
class UndoRequest:
    """What is to be taken back: the run of that number, or the newest apply in effect.

    ``limit``: only on these hosts, as the run called them. ``skip_conflicts``: the rest is undone
    where something can't be.
    """

    number: int | None = None
    limit: str | None = None
    skip_conflicts: bool = False

    @property
    def may_pass_over(self) -> bool:
        """Where a run, or hosts, are named, no other run is meant."""
        return self.number is None and self.limit is None


def apply(  # noqa: PLR0913, PLR0917 - what one verb needs
    open_to_apply: Callable[[Journal], AbstractContextManager[OpenedToApply[S]]],
    records: Records,
    reviewed: Reviewed[S],
    teller: Teller,
    confirm: Confirm[S] | None,
    ticket: str | None = None,
) -> Carried[S]:
    """Plan, show, ask, plan once more, write, verify.

    ``reviewed`` is what somebody looked at before; without ``confirm`` nobody is asked. Raises
    Refused, with nothing written, where what was reviewed or confirmed is no longer what would
    happen; DelegationError where it was declined.
    """
    with records.recording() as journal, open_to_apply(journal) as opened:
        recover(journal, opened, teller)
        first = opened.plan()
        reviewed.refuse_other(first.plan, first.unreached)
        teller.show(first.view)
        _refuse_blocked(first, f"the plan is blocked; nothing was {opened.kind.words.written}")
        if not first.plan.changes:
            return Carried(first)
        final = first
        if confirm is not None:
            form = reviewed.form
            final = _confirmed(
                opened, first, form, teller, confirm, lambda: opened.plan_again(first)
            )
        run = replace(opened.new_run(final.plan), ticket=ticket)
        report = carry_out(journal, run, final.plan, opened, teller, "applied", final.unreached)
        return Carried(final, report)


def roll_back(  # noqa: PLR0913, PLR0917 - what one verb needs
    opening: UndoOpening[S],
    records: Records,
    asked: UndoRequest,
    form: PlanForm[S],
    teller: Teller,
    confirm: Confirm[S] | None,
    ticket: str | None = None,
) -> Carried[S]:
    """Take back what one run did, and nothing else, where it was done.

    Objects that are not found, or of which nobody knows whether they were changed, are left out:
    what was made of them stays in effect. What is as before already counts as done. Raises Refused,
    with nothing written, where something of the rest is in conflict, unless that is to be skipped.
    """
    with records.recording() as journal:
        passed_over: set[int] = set()
        recorded_as: str | None = None
        while True:
            chosen = opening.choose(journal, asked.number, recorded_as, passed_over)
            with opening.to_undo(chosen) as opened:
                recover(journal, opened, teller)
                if asked.number is None:
                    recorded_as = chosen.directory
                    newest = opening.choose(journal, None, recorded_as, passed_over)
                    if newest.id != chosen.id:
                        # What was chosen turned out to have written nothing. The other one may
                        # have been made elsewhere.
                        continue
                back = _looked_back(journal, opened, chosen, asked)
                if asked.may_pass_over and (passing := _passing_over(opened, chosen, back)):
                    teller.say(passing)
                    passed_over.add(chosen.id)
                    continue
                return _take_back(
                    journal, opened, chosen, asked, back, form, teller, confirm, ticket
                )


def _looked_back(
    journal: Journal,
    opened: OpenedToUndo[S],
    run: Run,
    asked: UndoRequest,
    without: Collection[str] = (),
) -> Prospect[S]:
    """What takes ``run`` back now, as far as is asked; ``without`` objects of those names.

    Raises UsageError for hosts that the run did not mean to change, DelegationError where nothing
    of it is in effect on those that are meant.
    """
    kind = opened.kind
    made = journal.in_effect(run.id, kind)
    in_doubt = doubt_of(journal, run.id, kind).changes
    left_out = set(without)
    if asked.limit is not None:
        all_names = {change.target.name for change in (*made, *in_doubt)}
        left_out |= all_names - objects_meant(journal, run, kind, asked.limit, "--limit")
    made = [change for change in made if change.target.name not in left_out]
    doubtful = [change for change in in_doubt if change.target.name not in left_out]
    if asked.limit is not None and not made and not doubtful:
        what = f"run {run.id} changed nothing on {asked.limit} that is still in effect"
        raise DelegationError(what, "see: delegation history")
    back = opened.undo(made, doubtful, rewrites_of(journal, run, kind, made))
    return back if asked.skip_conflicts else back.refusing_conflicts()


def _passing_over(opened: OpenedToUndo[S], run: Run, back: Prospect[S]) -> Event | None:
    """What is told where nothing of that run can be taken back, or nothing is left to be."""
    if back.is_all_lost:
        return RunPassedOver(run.id, opened.kind, back.unreached)
    if back.is_empty and opened.nothing_left(back) is None:
        return RunUndoneAlready(run.id, is_passed_over=True)
    return None


def _take_back(  # noqa: PLR0913, PLR0917 - what one rollback needs
    journal: Journal,
    opened: OpenedToUndo[S],
    chosen: Run,
    asked: UndoRequest,
    back: Prospect[S],
    form: PlanForm[S],
    teller: Teller,
    confirm: Confirm[S] | None,
    ticket: str | None,
) -> Carried[S]:
    """Show, ask, look again, write."""
    teller.show(back.view)
    _refuse_undo(opened.kind, back)
    if not back.plan.changes:
        if nothing_left := opened.nothing_left(back):
            raise nothing_left
        teller.say(RunUndoneAlready(chosen.id, hosts=asked.limit or ""))
        return Carried(back, undone=chosen)
    if confirm is not None:
        left = back.unreached
        back = _confirmed(
            opened,
            back,
            form,
            teller,
            confirm,
            lambda: _looked_back(journal, opened, chosen, asked, left),
        )
    run = replace(
        opened.new_run(back.plan),
        domain=chosen.domain,
        inventory_digest=chosen.inventory_digest,
        ticket=ticket,
        reverses=chosen.id,
    )
    report = carry_out(journal, run, back.plan, opened, teller, "rolled back", back.unreached)
    return Carried(back, report, chosen)


def _confirmed(  # noqa: PLR0913, PLR0917 - what is compared with what
    opened: Opened[S],
    first: Prospect[S],
    form: PlanForm[S],
    teller: Teller,
    confirm: Confirm[S],
    look_again: Callable[[], Prospect[S]],
) -> Prospect[S]:
    """Ask, and look again: an admin may think for an hour, and others go on working.

    An object that has dropped out meanwhile is told and left out; any other difference ends it.
    """
    words = opened.kind.words
    if not confirm(first):
        raise DelegationError(f"declined; nothing was {words.written}")
    again = look_again()
    tell_unreached(teller, again.unreached)
    reachable = tuple(
        change for change in first.plan.changes if change.target.name not in again.unreached
    )
    review.refuse_changed(form, replace(first.plan, changes=reachable), again.plan)
    if not reachable:
        raise DelegationError("none of the hosts can be reached any more; nothing was changed")
    return replace(again, unreached={**first.unreached, **again.unreached})


def _refuse_blocked(planned: Prospect[S], what: str, fix: str = "") -> None:
    if planned.plan.blocked:
        raise Refused(what, fix, refusal_lines(planned.plan.blocked))


def _refuse_undo(kind: Kind[S], back: Prospect[S]) -> None:
    words = kind.words
    is_conflict = any(refusal.why == "conflict" for refusal in back.plan.blocked)
    instead = f", or {words.left}" if is_conflict else ""
    rest = "; --skip-conflicts undoes the rest" if is_conflict else ""
    _refuse_blocked(
        back,
        f"the rollback is refused; nothing was {words.written}",
        f"settle these by hand{instead}, then try again{rest}",
    )
