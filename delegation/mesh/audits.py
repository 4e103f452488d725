"""What audits found, in the journal, to tell what is new next time: pages, and the baseline.

A page is kept beside its run's. Together they take a bounded room: the oldest go first, but for
those that the next audit compares with; and of an audit that finds more than can be kept, the
numbers alone stay. The *baseline* says of each subject which audit looked at it last; only audits
that were asked to move it do: one by hand at noon must not make the nightly one silent.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple
from uuid import UUID

from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.changes.outcomes import Result
from delegation.changes.records import Records
from delegation.changes.run import DONE, NewRun
from delegation.mesh import account_records, audit_pages
from delegation.mesh.audit_look import Look
from delegation.mesh.audit_pages import AuditPage
from delegation.mesh.checks import Finding
from delegation.mesh.kept_before import KeptBefore
from delegation.mesh.news import Audited, Baseline, LastLook, OldAudit
from delegation.mesh.snapshot import Computer
from delegation.mesh.state import APPLY, DELEGATION, ROLLBACK, Delegation, added

ROOM = 64 * 2**20
"""Bytes that all pages of findings take together, as compressed."""


class AuditRecord(NamedTuple):
    """A finished audit; ``audited_as`` is the inventory that it looked by.

    ``moves``: it is what later ones compare with. ``is_declared``: because it was told so.
    ``accounts`` are those that it took for the inventory's machines.
    """

    audited_as: str
    look: Look
    page: AuditPage
    summary: Mapping[str, Any]
    moves: bool = False
    is_declared: bool = False
    accounts: tuple[Computer, ...] = ()


def alone(records: Records) -> AbstractContextManager[None]:
    """The only audit that compares with the one before it. Raises Busy, JournalError."""
    return records.alone(store.AUDITING)


def baseline(
    journal: Journal, audited_as: str, look: Look, directory: str, digest: str
) -> Baseline:
    """What audits by that inventory found before. Raises JournalError for a page that is damaged.

    What is not in ``look`` is there as long as nobody was told that it is left out. ``directory``
    and the inventory's ``digest`` find an audit of 0.1.0, until one of this version has looked at
    the whole.
    """
    if not journal.has("baselines"):
        return _since_old(journal, directory, digest)
    moved = list(
        journal.rows(
            "SELECT run, started, declared, whole FROM baselines JOIN runs ON run = id"
            " WHERE inventory = ? ORDER BY run",
            audited_as,
        )
    )
    looks = _last_looks(journal, audited_as, look)
    was_whole = any(row["whole"] for row in moved)
    old = None if was_whole else _old(journal, directory, digest)
    if moved:
        newest: Audited | None = Audited(moved[-1]["run"], moved[-1]["started"])
    else:
        newest = old.audited if old else None
    return Baseline(
        newest,
        is_declared=any(row["declared"] for row in moved),
        looks=looks,
        pages=_pages(journal, looks.values()),
        old=old,
    )


def _last_looks(journal: Journal, audited_as: str, look: Look) -> dict[str, LastLook]:
    """Of each subject; one that was told as left out counts only where it is looked at again."""
    looks: dict[str, LastLook] = {}
    for row in journal.rows("SELECT * FROM looks WHERE inventory = ?", audited_as):
        subject, is_gone = row["subject"], bool(row["gone"])
        if subject in look.subjects or not is_gone:
            looks[subject] = LastLook(row["run"], row["label"], is_gone)
    return looks


def _pages(journal: Journal, looks: Iterable[LastLook]) -> dict[int, AuditPage]:
    """What these audits found, as far as it is kept, by their run."""
    pages: dict[int, AuditPage] = {}
    for run in sorted({last.run for last in looks}):
        page = _page(journal, run)
        if page is not None:
            pages[run] = page
    return pages


def _since_old(journal: Journal, directory: str, digest: str) -> Baseline:
    old = _old(journal, directory, digest)
    return Baseline(old.audited if old else None, old=old)


def _old(journal: Journal, directory: str, digest: str) -> OldAudit | None:
    """The newest audit of 0.1.0 that looked at all hosts; one by this very inventory first."""
    if not journal.has("findings"):
        return None
    # It recorded what it looked at as JSON: no limit, and the operators.
    for row in journal.rows(
        "SELECT run, started, inventory_digest FROM findings JOIN runs ON run = id"
        " WHERE directory = ? AND scope LIKE '[null, %' AND status = ?"
        " ORDER BY inventory_digest IS ? DESC, run DESC LIMIT 1",
        directory,
        DONE,
        digest,
    ):
        page = _page(journal, row["run"])
        if page is not None:
            of_same = row["inventory_digest"] == digest
            return OldAudit(Audited(row["run"], row["started"]), page, of_same)
    return None


def kept_before(
    journal: Journal, audited_as: str, objects: Mapping[str, str]
) -> tuple[KeptBefore, ...]:
    """What keep rules let stay when the last audit by that inventory looked, whoever made it.

    Where none has looked so far: what the newest run left on ``objects``, accounts with their
    labels by objectGUID. Raises JournalError.
    """
    if not journal.has("findings"):
        return ()
    for row in journal.rows(_NEWEST_PAGE, audited_as):
        page = _page(journal, row["run"])
        if page is not None and page.kept is not None:
            # What was seen by that very audit had no number then.
            return tuple(it if it.run else it._replace(run=row["run"]) for it in page.kept)
    found: list[KeptBefore] = []
    for guid, label in objects.items():
        applied = guid, Result.APPLIED.value, APPLY, ROLLBACK
        for row in journal.rows(_NEWEST_CHANGE, *applied):
            with journal.reading(f"what run {row['run']} wrote"):
                left = Delegation.from_record(json.loads(row["after"]))
            found += [KeptBefore(guid, label, it, row["run"], row["started"]) for it in left.values]
    return tuple(found)


def listed_by_others(journal: Journal, audited_as: str) -> frozenset[str]:
    """The objectGUIDs that audits by other inventories look at, as far as this journal knows."""
    if not journal.has("looks"):
        return frozenset()
    query = "SELECT subject FROM looks WHERE inventory != ? AND NOT gone"
    return frozenset(row["subject"] for row in journal.rows(query, audited_as))


def found_by(journal: Journal, run: int) -> tuple[Finding, ...] | None:
    """What an audit found; None where that is not kept. Raises JournalError."""
    page = _page(journal, run)
    return None if page is None else page.findings


def _page(journal: Journal, run: int) -> AuditPage | None:
    if not journal.has("findings"):
        return None
    for row in journal.rows("SELECT content FROM findings WHERE run = ?", run):
        with journal.reading(f"what run {run} found"):
            return audit_pages.decode(row["content"])
    return None


def record(journal: Journal, run: NewRun, audit: AuditRecord) -> bool:
    """Put a finished audit on record; whether its findings could be kept as well.

    One whose findings can't be moves no baseline: the next would call all of them new.
    """
    content = audit_pages.encode(audit.page)
    db = journal.writing()
    # One transaction: a run whose findings were lost would make the next audit call all of it new.
    with store.transaction(db, journal.path):
        number = journal.add(run, DONE, audit.summary)
        account_records.seen(journal, number, run.directory, audit.accounts)
        if content is not None:
            page = (number, audit.audited_as, content)
            db.execute("INSERT INTO findings VALUES (?, ?, ?)", page)
            if audit.moves:
                _move(journal, number, audit)
            db.execute(_FORGET, (ROOM, number))
    return content is not None


def _move(journal: Journal, number: int, audit: AuditRecord) -> None:
    inventory, look = audit.audited_as, audit.look
    db = journal.writing()
    row = (number, inventory, audit.is_declared, look.is_whole)
    db.execute("INSERT INTO baselines VALUES (?, ?, ?, ?)", row)
    if look.is_whole:
        # What it leaves out stays as it was found last, in case it is looked at again.
        db.execute("UPDATE looks SET gone = 1 WHERE inventory = ?", (inventory,))
    db.executemany(
        "INSERT OR REPLACE INTO looks (inventory, subject, label, run) VALUES (?, ?, ?, ?)",
        [(inventory, subject, label, number) for subject, label in look.subjects.items()],
    )


def writers_of(journal: Journal, guids: Collection[UUID]) -> dict[tuple[UUID, str], int]:
    """Which run added a value to an object, by GUID and casefolded value; the newest one."""
    writers: dict[tuple[UUID, str], int] = {}
    for guid in guids:
        # The journal tells the oldest run first: the newest that added a value stays.
        for run, change in journal.applied_to(guid, DELEGATION):
            for value in added(change):
                writers[guid, value.casefold()] = run
    return writers


_NEWEST_PAGE = "SELECT run FROM findings WHERE scope = ? ORDER BY run DESC LIMIT 1"
_NEWEST_CHANGE = (
    "SELECT run, after, started FROM changes JOIN runs ON run = id"
    " WHERE guid = ? AND result = ? AND kind IN (?, ?) ORDER BY run DESC LIMIT 1"
)

# The newest pages that fit into ROOM stay; besides them the run just added, whatever its size, and
# what a baseline rests on: a host whose last page is forgotten would be new altogether.
_FORGET = """
DELETE FROM findings WHERE run IN (
    SELECT run FROM (
        SELECT run, sum(length(content)) OVER (ORDER BY run DESC) AS taken FROM findings
    ) WHERE taken > ?
) AND run != ? AND run NOT IN (SELECT run FROM looks)
"""
