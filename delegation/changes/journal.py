"""The record of runs: what was intended, what became of it, and what was there before.

An apply commits its intent before each write and the outcome after it; a run that died in
between is *unsettled* until the next apply or rollback has looked at its objects, and as long as
that does not tell what became of them.
"""

import getpass
import json
import platform
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic
from uuid import UUID

from delegation.changes import journal_rows, store
from delegation.changes.kinds import Kind, Kinds
from delegation.changes.outcomes import Outcome, Result
from delegation.changes.plan import Change, S
from delegation.changes.run import RUNNING, NewRun, RecordedChange, Run
from delegation.errors import JournalError, UsageError


class Journal:
    """The journal of one state folder. Every method raises JournalError for what SQLite raises.

    It has no file where ``db`` is None: nothing was recorded yet, and all queries find nothing.
    """

    def __init__(self, folder: Path, db: sqlite3.Connection | None, kinds: Kinds) -> None:
        self.folder = folder
        self.kinds = kinds
        self.path = folder / "journal.sqlite"
        self._db = db

    @classmethod
    def writable(cls, folder: Path, kinds: Kinds) -> "Journal":
        return cls(folder, store.open_writable(folder), kinds)

    @classmethod
    def readable(cls, folder: Path, kinds: Kinds) -> "Journal":
        """To look at only; one that does not exist yet is empty."""
        return cls(folder, store.open_readable(folder), kinds)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()

    def begin(self, run: NewRun, changes: Sequence[Change[S]] = ()) -> "RunRecord[S]":
        """Record a run that begins, with all that it plans to change.

        States are kept whole, before and after, so that a rollback needs nothing but the journal
        and the objects: no plan, and no inventory that may have changed since.
        """
        db = self.writing()
        with store.transaction(db, self.path):
            number = self.add(run)
            rows = (journal_rows.row_of(number, seq, change) for seq, change in enumerate(changes))
            db.executemany(
                "INSERT INTO changes (run, seq, name, dn, guid, before, after)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
        return RunRecord(db, self.path, number)

    def add(
        self, run: NewRun, status: str = RUNNING, summary: Mapping[str, Any] | None = None
    ) -> int:
        """A run's line and its number, within a transaction; it has ended unless it is running."""
        now = _now()
        kind = self.kinds.of(run.kind)
        undo_id = secrets.token_hex(8) if kind and kind.has_undo_file else None
        cursor = self.writing().execute(
            "INSERT INTO runs (kind, status, started, finished, who, machine, directory, domain,"
            " dc, connection, inventory_digest, plan_digest, ticket, reverses, undo_id, summary)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run.kind,
                status,
                now,
                None if status == RUNNING else now,
                _who(),
                platform.node(),
                run.directory,
                run.domain,
                run.dc,
                json.dumps(run.connection),
                run.inventory_digest,
                run.plan_digest,
                run.ticket,
                run.reverses,
                undo_id,
                json.dumps(summary or {}),
            ),
        )
        return int(cursor.lastrowid or 0)

    def reopen(self, run: int, kind: Kind[S]) -> "RunRecord[S]":  # noqa: ARG002 - its type
        """The record of a run that has begun before, to settle it."""
        return RunRecord(self.writing(), self.path, run)

    def runs(self) -> list[Run]:
        """All runs, the oldest first."""
        return [self._run(row) for row in self.rows("SELECT * FROM runs ORDER BY id")]

    def run(self, number: int) -> Run:
        """One run by its number. Raises UsageError where there is none."""
        for row in self.rows("SELECT * FROM runs WHERE id = ?", number):
            return self._run(row)
        raise UsageError(f"there is no run {number} in {self.path}", "see: delegation history")

    def changes(self, run: int, kind: Kind[S]) -> list[RecordedChange[S]]:
        """What a run planned to change and what became of each, in the order of its plan."""
        rows = self.rows("SELECT * FROM changes WHERE run = ? ORDER BY seq", run)
        with self.reading(f"run {run}"):
            return [journal_rows.recorded_of(dict(row), kind.state) for row in rows]

    def unsettled(self, kind: Kind[Any] | None = None) -> list[Run]:
        """Runs, of one kind or all, of which nobody knows the end, or what became of all changes.

        Of all: also those of a kind that this version does not know. Nothing tells what they wrote.
        """
        membership, run_kinds = ("IN", kind.runs) if kind else ("NOT IN", self.kinds.unchanging)
        marks = _marks(run_kinds)
        rows = self.rows(
            f"SELECT * FROM runs WHERE kind {membership} ({marks}) AND (finished IS NULL OR EXISTS"  # noqa: S608
            " (SELECT 1 FROM changes WHERE run = id AND intended IS NOT NULL AND result IS NULL)"
            " OR EXISTS (SELECT 1 FROM changes WHERE run = id AND result = 'unknown')) ORDER BY id",
            *run_kinds,
        )
        return [self._run(row) for row in rows]

    def in_effect(self, run: int, kind: Kind[S]) -> list[Change[S]]:
        """What ``run`` changed and no rollback has taken back for certain, part by part.

        A rollback that was itself rolled back, or perhaps so, leaves what it took back in effect.
        """
        applied = [it.change for it in self.changes(run, kind) if it.result is Result.APPLIED]
        return self._not_undone(run, applied, kind)

    def _perhaps_in_effect(self, run: int, kind: Kind[S]) -> list[Change[S]]:
        made = [
            recorded.change
            for recorded in self.changes(run, kind)
            if recorded.result is Result.APPLIED or recorded.in_doubt
        ]
        return self._not_undone(run, made, kind)

    def _not_undone(self, run: int, made: Sequence[Change[S]], kind: Kind[S]) -> list[Change[S]]:
        # Part by part, because a rollback may have reached some hosts and not others, or have put
        # one value back and found another one changed: the rest can still be undone.
        undone: dict[UUID, set[str]] = defaultdict(set)
        for rollback in self.rollbacks_of(run):
            again: dict[UUID, set[str]] = defaultdict(set)
            for redone in self.rollbacks_of(rollback):
                for change in self._perhaps_in_effect(redone, kind):
                    again[change.target.guid] |= change.parts
            for recorded in self.changes(rollback, kind):
                if recorded.result is Result.APPLIED:
                    guid = recorded.change.target.guid
                    undone[guid] |= recorded.change.parts - again[guid]
        remaining = (change.without(undone[change.target.guid]) for change in made)
        return [change for change in remaining if change is not None]

    def rollbacks_of(self, run: int) -> list[int]:
        """Their numbers. A rollback's number is higher than that of the run it reverses.

        That bounds a recursion even in a journal whose rows were tampered with.
        """
        rows = self.rows("SELECT id FROM runs WHERE reverses = ? AND id > ?", run, run)
        return [row["id"] for row in rows]

    def applied_to(self, guid: UUID, kind: Kind[S]) -> list[tuple[int, Change[S]]]:
        """What runs have made of one object, with their numbers, the oldest first."""
        rows = self.rows(
            "SELECT changes.* FROM changes JOIN runs ON run = id"  # noqa: S608
            f" WHERE guid = ? AND result = ? AND kind IN ({_marks(kind.runs)}) ORDER BY run",
            str(guid),
            Result.APPLIED.value,
            *kind.runs,
        )
        with self.reading(f"what was written to {guid}"):
            read = [(it["run"], journal_rows.recorded_of(dict(it), kind.state)) for it in rows]
        return [(run, recorded.change) for run, recorded in read]

    def undoable(
        self, directory: str | None, kind: Kind[Any], passed_over: Collection[int] = ()
    ) -> Run | None:
        """The newest apply, of that directory where given, with changes in effect, or perhaps so.

        That is the case while it is unsettled.
        """
        unsettled = {run.id for run in self.unsettled(kind)}
        for run in reversed(self.runs()):
            is_candidate = run.kind == kind.apply and directory in {None, run.directory}
            if not is_candidate or run.id in passed_over:
                continue
            if run.id in unsettled or self.in_effect(run.id, kind):
                return run
        return None

    def writing(self) -> sqlite3.Connection:
        """The file, for what belongs to a run and is kept elsewhere (mesh/audits.py).

        Raises RuntimeError in a journal that was opened to be read.
        """
        if self._db is None:
            raise RuntimeError("this journal was opened to be read")
        return self._db

    def rows(self, query: str, *parameters: object) -> Iterator[sqlite3.Row]:
        """What ``query`` finds; nothing in a journal that does not exist yet."""
        if self._db is None:
            return
        with store.translated(self.path):
            cursor = self._db.cursor()
            cursor.row_factory = sqlite3.Row
            yield from cursor.execute(query, parameters).fetchall()

    def has(self, table: str) -> bool:
        """Whether it is of a version that has it; a writer makes an older journal so."""
        named = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return any(True for _ in self.rows(named, table))

    def _run(self, row: sqlite3.Row) -> Run:
        with self.reading(f"run {row['id']}"):
            return journal_rows.run_of(dict(row))

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Raises JournalError where ``what`` turns out to be nothing that was written so."""
        try:
            yield
        except journal_rows.UNREADABLE as exc:
            raise JournalError(
                f"{what} in {self.path} can't be read: {exc}",
                "the journal is damaged: restore it from a backup; the undo files beside it are "
                "LDIF and need no journal",
            ) from exc


class RunRecord(Generic[S]):
    """What becomes of one run, as it happens; implements outcomes.ChangeRecord."""

    def __init__(self, db: sqlite3.Connection, path: Path, number: int) -> None:
        self._db = db
        self._path = path
        self.number = number

    def intend(self, changes: Sequence[Change[S]]) -> None:
        now = _now()
        rows = ((now, self.number, str(change.target.guid)) for change in changes)
        self._update("UPDATE changes SET intended = ? WHERE run = ? AND guid = ?", rows)

    def settle(self, outcomes: Sequence[Outcome[S]]) -> None:
        """``after`` is written once more: only the object tells what was left to it."""
        now = _now()
        rows: list[tuple[object, ...]] = []
        for outcome in outcomes:
            guid = str(outcome.change.target.guid)
            after = journal_rows.encoded(outcome.change.after)
            rows.append((outcome.result.value, now, outcome.reason, after, self.number, guid))
        self._update(
            "UPDATE changes SET result = ?, settled = ?, reason = ?, after = ?"
            " WHERE run = ? AND guid = ?",
            rows,
        )

    def finish(self, status: str, summary: Mapping[str, Any]) -> None:
        self._update(
            "UPDATE runs SET status = ?, finished = ?, summary = ? WHERE id = ?",
            [(status, _now(), json.dumps(summary), self.number)],
        )

    def _update(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with store.transaction(self._db, self._path):
            self._db.executemany(statement, rows)


def _marks(values: Sequence[object]) -> str:
    """Placeholders of SQLite for as many values."""
    return ", ".join("?" * len(values))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
