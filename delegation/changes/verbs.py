"""The verbs of every kind, each under the journal's lock: here to apply what is planned.

All recover what died before, plan, show, ask, look again, and only then write. What is asked about
is a plan; what would be written after the answer must still be that plan. The lock is held while
somebody thinks: two admins who confirm the same plan would otherwise write it twice.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Generic, NamedTuple

from delegation.changes import review
from delegation.changes.apply import Report
from delegation.changes.carry import carry_out, recover
from delegation.changes.journal import Journal
from delegation.changes.opening import Opened, OpenedToApply, Prospect
from delegation.changes.plan import S, refusal_lines
from delegation.changes.records import Records
from delegation.changes.review import PlanForm, Reviewed
from delegation.changes.run import NOTHING_ASKED, Asked, Run
from delegation.changes.run_events import tell_unreached
from delegation.changes.undoing import Undoing
from delegation.errors import DelegationError, Refused
from delegation.events import Teller

Confirm = Callable[[Prospect[S]], bool]
"""Asked whether a plan is to be carried out."""


class Carried(NamedTuple, Generic[S]):
    """What a verb came to; without a ``report`` nothing was to be done."""

    planned: Prospect[S]
    report: Report[S] | None = None
    undoing: Undoing | None = None

    @property
    def undone(self) -> Run | None:
        """The run that was taken back, or the newest of those that were."""
        return self.undoing.newest if self.undoing else None

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


def apply(  # noqa: PLR0913, PLR0917 - what one verb needs
    open_to_apply: Callable[[Journal], AbstractContextManager[OpenedToApply[S]]],
    records: Records,
    reviewed: Reviewed[S],
    teller: Teller,
    confirm: Confirm[S] | None,
    ticket: str | None = None,
    asked: Asked = NOTHING_ASKED,
) -> Carried[S]:
    """Plan, show, ask, plan once more, write, verify.

    ``reviewed`` is what somebody looked at before; without ``confirm`` nobody is asked; ``asked``
    is for the record. Raises Refused, with nothing written, where what was reviewed or confirmed is
    no longer what would happen; DelegationError where it was declined.
    """
    with records.recording() as journal, open_to_apply(journal) as opened:
        recover(journal, opened, teller)
        first = opened.plan()
        if first.whole is not None:
            reviewed.refuse_other(first.whole)
        else:
            reviewed.refuse_other(first.plan, first.unreached)
        teller.show(first.view)
        refuse_blocked(first, f"the plan is blocked; nothing was {opened.kind.words.written}")
        if not first.plan.changes:
            return Carried(first)
        final = first
        if confirm is not None:
            form = reviewed.form
            final = confirmed(
                opened, first, form, teller, confirm, lambda: opened.plan_again(first)
            )
        new_run = opened.new_run(final.plan)
        run = replace(new_run, ticket=ticket, asked=asked, left_out=final.left_out)
        report = carry_out(journal, run, final, opened, teller, "applied")
        return Carried(final, report)


def confirmed(  # noqa: PLR0913, PLR0917 - what is compared with what
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
    lost = {name: why for name, why in again.unreached.items() if name not in first.unreached}
    tell_unreached(teller, lost)
    reachable = tuple(
        change for change in first.plan.changes if change.target.name not in again.unreached
    )
    review.refuse_changed(form, replace(first.plan, changes=reachable), again.plan)
    if not reachable:
        raise DelegationError("none of the hosts can be reached any more; nothing was changed")
    return again._replace(unreached={**first.unreached, **again.unreached})


def refuse_blocked(planned: Prospect[S], what: str, fix: str = "") -> None:
    if planned.plan.blocked:
        raise Refused(what, fix, refusal_lines(planned.plan.blocked))
