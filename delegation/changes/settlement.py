"""What no look can tell, a person says: a change in doubt -> made or not made, on record.

A run that was killed, and somebody else's change after it, can leave an object of which nobody can
tell what the run did. It stays in doubt, and no rollback passes over that in silence. So a person
looks, asks colleagues, and says. Where the object itself tells, nobody is asked.

A person may be wrong. What only a person has said may be said anew, as long as no rollback has gone
by it: both sayings stay on record.
"""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from typing import Any, Generic, NamedTuple
from uuid import UUID

from delegation.changes import store
from delegation.changes.carry import finish_settled, recover_run, written_since_by_others
from delegation.changes.doubt import doubt_of
from delegation.changes.evidence import what_became_of
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kind
from delegation.changes.objects_meant import objects_meant
from delegation.changes.opening import UndoOpening
from delegation.changes.outcomes import Outcome, Result
from delegation.changes.plan import Change, S
from delegation.changes.records import Records
from delegation.changes.run import (
    DONE,
    SETTLE,
    NewRun,
    RecordedChange,
    Run,
)
from delegation.changes.undoing import Undoing
from delegation.errors import (
    Advice,
    ConnectionFailed,
    DelegationError,
    ExportError,
    Refused,
    command,
)
from delegation.events import Teller, warning


class Said(StrEnum):
    """What a person says of changes in doubt."""

    MADE = "made"
    """They are in effect, and a rollback of their run takes them back."""
    NOT_MADE = "not-made"
    """They are out of effect, and no rollback touches them."""


class SeenChange(NamedTuple):
    """What was seen of one change; ``part`` is what of the host is meant, where not all of it."""

    host: str
    part: str
    seen: str

    def to_json(self) -> dict[str, str]:
        return {"host": self.host, "part": self.part, "seen": self.seen}


class SettlementView(NamedTuple):
    """What a person is about to say of a run, and what was seen; ``place`` is where.

    ``instead_of`` are the pages on which something else was said of it, or the same.
    """

    run: Run
    said: Said
    place: str
    evidence: tuple[SeenChange, ...]
    instead_of: tuple[int, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(evidence.host for evidence in self.evidence))


ConfirmSettlement = Callable[[SettlementView], bool]
"""Asked whether that is to be recorded."""


class LookAtDoubt(NamedTuple):
    """What was seen of changes in doubt, by object; ``nothing`` is why nothing could be."""

    place: str
    seen: Mapping[UUID, str]
    nothing: str = ""
    made: frozenset[UUID] = frozenset()
    """Those that are proved to be made, among what a person has said of before."""

    def refuse_disproved(self, before: "SaidBefore[Any]", said: Said) -> None:
        """Raise Refused where it is to be said not to be made, and the object shows that it was."""
        if said is Said.MADE:
            return
        proved = [it for it in before.changes if it.target.guid in self.made]
        if proved:
            raise Refused(
                "these are seen to be made; nothing was recorded",
                "leave them out, or say that they are made",
                [f"{change.target.name}: {self.of(change)}" for change in proved],
            )

    def of(self, change: Change[Any]) -> str:
        if self.nothing:
            return f"nothing could be seen: {self.nothing}"
        return self.seen.get(change.target.guid, "nothing was seen")


def settle(  # noqa: PLR0913, PLR0917 - what is said, of what, and who hears it
    opening: UndoOpening[S],
    records: Records,
    number: int,
    hosts: str,
    said: Said,
    teller: Teller,
    confirm: ConfirmSettlement | None,
    ticket: str | None = None,
) -> SettlementView:
    """Record what a person says of the changes of a run that are in doubt, on ``hosts``.

    Or says anew, where only a person has said it. They are looked at first; ``confirm`` is asked,
    with what was seen. Raises UsageError for hosts that the run did not mean to change, Refused
    where it is known or told what became of them, and DelegationError where it was declined.
    Nothing is said then.
    """
    records.refuse_unused()
    with records.recording() as journal:
        run, kind = opening.numbered(journal, number), opening.kind
        meant = objects_meant(journal, [number], kind, hosts, "--host")
        before = said_before(journal, run, kind, meant)
        in_doubt = {change.target.name for change in doubt_of(journal, number, kind).changes}
        _refuse_known(journal, run, kind, meant - in_doubt - before.names)
        looked = _look(journal, opening, run, teller, before)
        doubtful = doubt_of(journal, number, kind).changes
        changes = [change for change in doubtful if change.target.name in meant]
        changes += before.changes
        _refuse_known(journal, run, kind, meant - {change.target.name for change in changes})
        looked.refuse_disproved(before, said)
        evidence = [
            SeenChange(change.target.name, change.after.part_shown, looked.of(change))
            for change in changes
        ]
        view = SettlementView(run, said, looked.place, tuple(evidence), before.pages)
        teller.show(view)
        if confirm is not None and not confirm(view):
            raise DelegationError("declined; nothing was recorded")
        _record(journal, kind, view, changes, ticket)
        return view


class SaidBefore(NamedTuple, Generic[S]):
    """Changes of which a person has said what became of them, and the pages that say so."""

    changes: tuple[Change[S], ...] = ()
    pages: tuple[int, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(change.target.name for change in self.changes)


def said_before(journal: Journal, run: Run, kind: Kind[S], meant: Collection[str]) -> SaidBefore[S]:
    """What only a person has said of objects. Raises Refused where a rollback has gone by it."""
    in_effect = {change.target.guid: change for change in journal.in_effect(run.id, kind)}
    said: list[Change[S]] = []
    pages: set[int] = set()
    gone_by: list[str] = []
    for recorded in journal.changes(run.id, kind):
        change, page = recorded.change, recorded.said_in
        if page is None or change.target.name not in meant:
            continue
        still = in_effect.get(change.target.guid)
        is_whole = still is not None and still.parts == change.parts
        if recorded.result is Result.APPLIED and not is_whole:
            gone_by.append(f"{change.target.name}: {recorded.reason}")
        said.append(change)
        pages.add(page)
    if gone_by:
        raise Refused(
            "a rollback has taken these back since, as they were said to be made; nothing was "
            "recorded",
            Advice("undo that rollback first, where it was wrong: ", command("history")),
            gone_by,
        )
    return SaidBefore(tuple(said), tuple(sorted(pages)))


def _refuse_known(journal: Journal, run: Run, kind: Kind[Any], certain: Collection[str]) -> None:
    """Raise Refused for objects of which it is known what became of their changes."""
    if not certain:
        return
    lines: list[str] = []
    for recorded in journal.changes(run.id, kind):
        if recorded.change.target.name in certain:
            lines.append(f"{recorded.change.target.name}: {_became(recorded)}")
    raise Refused(
        "what became of these needs no person to say; nothing was recorded of it",
        Advice("leave them out; what is known: ", command("history", str(run.id))),
        list(dict.fromkeys(lines)),
    )


def _became(recorded: RecordedChange[Any]) -> str:
    if recorded.result is None:
        return "not made: it was not begun"
    words = "made" if recorded.result is Result.APPLIED else "not made"
    return f"{words}: {recorded.reason}" if recorded.reason else words


def _look(
    journal: Journal, opening: UndoOpening[S], run: Run, teller: Teller, before: SaidBefore[S]
) -> LookAtDoubt:
    """Look at the changes in doubt where the run was made, or where somebody chose to.

    What is told there is recorded; of what a person has said ``before`` it is only shown. Nothing
    is seen where nobody answers any more.
    """
    try:
        with opening.to_undo(Undoing((run,))) as opened:
            if why := opened.cannot_tell_of(run):
                return LookAtDoubt("", {}, why)
            kind, changer, untold = opening.kind, opened.changer, opened.unmade_is_untold(run)
            outcomes: tuple[Outcome[S], ...] = ()
            if doubt_of(journal, run.id, kind).changes:
                outcomes = recover_run(journal, run, kind, changer, teller, untold)
            seen = {outcome.change.target.guid: outcome.reason for outcome in outcomes}
            made: set[UUID] = set()
            now = changer.look([change.target for change in before.changes])
            written_since = written_since_by_others(journal, run.id, kind)
            for change in before.changes:
                guid = change.target.guid
                by_others = written_since.get(guid, frozenset())
                result, seen[guid] = what_became_of(change, now[guid], by_others)
                if result is Result.APPLIED:
                    made.add(guid)
            return LookAtDoubt(opened.place, seen, made=frozenset(made))
    except (ConnectionFailed, ExportError) as exc:
        teller.say(warning(f"nothing could be looked at: {exc.what}"))
        return LookAtDoubt("", {}, exc.what)


def _record(
    journal: Journal,
    kind: Kind[S],
    view: SettlementView,
    changes: Collection[Change[S]],
    ticket: str | None,
) -> None:
    """A page of its own says who said it, when, and what was seen; the changes refer to it.

    All at once: a page without its changes would tell what was never so, and nobody could tell it.
    """
    run, said = view.run, view.said
    page = NewRun(
        SETTLE, run.directory, run.domain, view.place or run.dc, run.connection, ticket=ticket
    )
    summary: dict[str, Any] = {
        "settles": run.id,
        "said": said.value,
        "evidence": [evidence.to_json() for evidence in view.evidence],
    }
    if view.instead_of:
        summary["instead_of"] = list(view.instead_of)
    result = Result.APPLIED if said is Said.MADE else Result.REFUSED
    with store.transaction(journal.writing(), journal.path):
        number = journal.add(page, DONE, summary)
        outcomes: list[Outcome[S]] = []
        for change, evidence in zip(changes, view.evidence, strict=True):
            reason = f"said to be {said.value} in run {number}; seen: {evidence.seen}"
            outcomes.append(Outcome(change, result, reason))
        journal.reopen(run.id, kind).settle(outcomes, number)
        finish_settled(journal, journal.run(run.id), kind)
