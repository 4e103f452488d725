"""What audits found, in the journal: a page of findings for each, to tell what is new next time.

A page is kept beside its run's. Together they take a bounded room: the oldest go first, and of an
audit that finds more than can be kept, the numbers alone stay.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from delegation import names
from delegation.changes import journal_schema, store
from delegation.changes.journal import Journal
from delegation.changes.records import Records
from delegation.changes.run import DONE, NewRun
from delegation.mesh import news
from delegation.mesh.checks import Finding
from delegation.mesh.state import DELEGATION, added

ROOM = 64 * 2**20
"""Bytes that all pages of findings take together, as compressed."""


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit of the past that can be compared with; ``started`` is ISO 8601 in UTC."""

    run: int
    started: str
    findings: tuple[Finding, ...]


def scope(limit: Collection[str] | None, operators: Collection[str]) -> str:
    """What an audit looked at, as a key: only those that looked at the same can be compared.

    A finding that is gone from a smaller look is not resolved, and one that a larger look adds is
    no news.
    """
    hosts = None if limit is None else names.fold(sorted(limit))
    return json.dumps([hosts, sorted(name.casefold() for name in operators)])


def alone(records: Records) -> AbstractContextManager[None]:
    """The only audit that compares with the one before it. Raises Busy, JournalError."""
    return records.alone(store.AUDITING)


def last(journal: Journal, directory: str, scope_key: str) -> Audited | None:
    """The newest audit of that directory and scope whose findings are kept; None without one.

    Raises JournalError for a page that can't be read.
    """
    if _format(journal) < _SINCE:
        return None
    for row in journal.rows(
        "SELECT run, started, content FROM findings JOIN runs ON run = id"
        " WHERE directory = ? AND scope = ? AND status = ? ORDER BY run DESC LIMIT 1",
        directory,
        scope_key,
        DONE,
    ):
        with journal.reading(f"what run {row['run']} found"):
            return Audited(row["run"], row["started"], news.decode(row["content"]))
    return None


def found_by(journal: Journal, run: int) -> tuple[Finding, ...] | None:
    """What an audit found; None where that is not kept. Raises JournalError."""
    if _format(journal) < _SINCE:
        return None
    for row in journal.rows("SELECT content FROM findings WHERE run = ?", run):
        with journal.reading(f"what run {run} found"):
            return news.decode(row["content"])
    return None


def record(
    journal: Journal,
    run: NewRun,
    scope_key: str,
    findings: Sequence[Finding],
    summary: Mapping[str, Any],
) -> bool:
    """Put a finished audit on record; whether its findings could be kept as well."""
    content = news.encode(findings)
    db = journal.writing()
    # One transaction: a run whose findings were lost would make the next audit call all of it new.
    with store.transaction(db, journal.path):
        number = journal.add(run, DONE, summary)
        if content is not None:
            db.execute("INSERT INTO findings VALUES (?, ?, ?)", (number, scope_key, content))
            db.execute(_FORGET, (ROOM, number))
    return content is not None


def writers_of(journal: Journal, guids: Collection[UUID]) -> dict[tuple[UUID, str], int]:
    """Which run added a value to an object, by GUID and casefolded value; the newest one."""
    writers: dict[tuple[UUID, str], int] = {}
    for guid in guids:
        # The journal tells the oldest run first: the newest that added a value stays.
        for run, change in journal.applied_to(guid, DELEGATION):
            for value in added(change):
                writers[guid, value.casefold()] = run
    return writers


# The newest pages that fit into ROOM stay; the run just added stays whatever its size.
_FORGET = """
DELETE FROM findings WHERE run IN (
    SELECT run FROM (
        SELECT run, sum(length(content)) OVER (ORDER BY run DESC) AS taken FROM findings
    ) WHERE taken > ?
) AND run != ?
"""
_SINCE = 2
"""The first version of the journal that keeps findings; an older one is made so by a writer."""


def _format(journal: Journal) -> int:
    for row in journal.rows("PRAGMA user_version"):
        return int(row[0])
    return journal_schema.VERSION
