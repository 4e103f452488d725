"""The verbs of every kind: apply what is planned, roll back a run; each under the journal's lock.

Both recover what died before, plan, show, ask, look again, and only then write. What is asked about
is a plan; what would be written after the answer must still be that plan. The lock is held while
somebody thinks: two admins who confirm the same plan would otherwise write it twice.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Generic

from delegation.changes import review
from delegation.changes.apply import Report
from delegation.changes.carry import carry_out, recover
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kind
from delegation.changes.opening import Opened, OpenedToApply, Prospect, UndoOpening
from delegation.changes.plan import Change, S, refusal_lines
from delegation.changes.records import Records
from delegation.changes.review import PlanForm, Reviewed
from delegation.changes.run import Run
from delegation.changes.run_events import tell_unreached
from delegation.errors import DelegationError, Refused
from delegation.events import Teller

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
        return not self.unreached and (self.report is None or self.report.complete)


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
    number: int | None,
    form: PlanForm[S],
    teller: Teller,
    confirm: Confirm[S] | None,
    ticket: str | None = None,
) -> Carried[S]:
    """Take back what one run did, and nothing else, where it was done.

    Raises Refused, with nothing written, where something of it has changed since.
    """
    with records.recording() as journal:
        chosen = opening.choose(journal, number)
        with opening.to_undo(chosen) as opened:
            recover(journal, opened, teller)
            if number is None:
                # What was chosen may turn out to have written nothing.
                chosen = opening.choose(journal, None, chosen.directory)
            made, in_doubt = _what_to_undo(journal, opened.kind, chosen)
            back = opened.undo(made, in_doubt)
            teller.show(back.view)
            _refuse_undo(opened.kind, back)
            if not back.plan.changes:
                raise opened.nothing_left(back)
            if confirm is not None:
                reachable = [change for change in made if change.target.name not in back.unreached]
                back = _confirmed(
                    opened, back, form, teller, confirm, lambda: opened.undo(reachable, ())
                )
            run = replace(
                opened.new_run(back.plan),
                domain=chosen.domain,
                inventory_digest=chosen.inventory_digest,
                ticket=ticket,
                reverses=chosen.id,
            )
            report = carry_out(
                journal, run, back.plan, opened, teller, "rolled back", back.unreached
            )
            return Carried(back, report, chosen)


def _what_to_undo(
    journal: Journal, kind: Kind[S], run: Run
) -> tuple[list[Change[S]], list[Change[S]]]:
    """What the run changed and is in effect, and of what nobody knows whether it was made."""
    recorded_changes = journal.changes(run.id, kind)
    in_doubt = [recorded.change for recorded in recorded_changes if recorded.unsettled]
    return journal.in_effect(run.id, kind), in_doubt


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
    _refuse_blocked(
        back,
        f"the rollback is refused; nothing was {words.written}",
        f"settle these by hand, or {words.left}, then try again",
    )
