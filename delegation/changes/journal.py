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
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from delegation.changes import journal_rows, store
from delegation.changes.kinds import Kind, Kinds
from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, S
from delegation.changes.run import AS_BEFORE, DONE, RUNNING, NewRun, RecordedChange, Run
from delegation.changes.run_record import RunRecord, now
from delegation.errors import JournalError, UsageError

_Known = dict[int, list[Change[S]]]


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

    def begin(
        self, run: NewRun, changes: Sequence[Change[S]] = (), as_before: Sequence[Change[S]] = ()
    ) -> RunRecord[S]:
        """Record a run that begins, with all that it plans to change.

        States are kept whole, before and after, so that a rollback needs nothing but the journal
        and the objects: no plan, and no inventory that may have changed since. ``as_before`` are
        changes that a rollback needs no more to make: what it would have made of them is so.
        """
        db = self.writing()
        with store.transaction(db, self.path):
            number = self.add(run)
            self._insert("changes", number, changes)
            self._insert("as_before", number, as_before)
        return RunRecord(db, self.path, number, changes)

    def found_done(self, run: NewRun, as_before: Sequence[Change[S]]) -> int:
        """Record a rollback that had nothing to write, and has ended."""
        objects = {change.target.name for change in as_before}
        summary = {"objects": 0, AS_BEFORE: len(objects)}
        with store.transaction(self.writing(), self.path):
            number = self.add(run, DONE, summary)
            self._insert("as_before", number, as_before)
        return number

    def _insert(self, table: str, number: int, listed: Sequence[Change[Any]]) -> None:
        self.writing().executemany(
            f"INSERT INTO {table} (run, seq, name, dn, guid, before, after)"  # noqa: S608
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (journal_rows.row_of(number, seq, change) for seq, change in enumerate(listed)),
        )

    def add(
        self, run: NewRun, status: str = RUNNING, summary: Mapping[str, Any] | None = None
    ) -> int:
        """A run's line and its number, within a transaction; it has ended unless it is running."""
        moment = now()
        kind = self.kinds.of(run.kind)
        writes_undo = status == RUNNING and kind is not None and kind.has_undo_file
        undo_id = secrets.token_hex(8) if writes_undo else None
        cursor = self.writing().execute(
            "INSERT INTO runs (kind, status, started, finished, who, machine, directory, domain,"
            " dc, connection, inventory_digest, plan_digest, ticket, reverses, back_to, account,"
            " inventory_path, asked, left_out, undo_id, summary)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run.kind,
                status,
                moment,
                None if status == RUNNING else moment,
                who(),
                platform.node(),
                run.directory,
                run.domain,
                run.dc,
                json.dumps(run.connection),
                run.inventory_digest,
                run.plan_digest,
                run.ticket,
                run.reverses,
                run.back_to,
                run.account,
                run.inventory_path,
                json.dumps(run.asked.to_json()),
                json.dumps([left.to_json() for left in run.left_out]),
                undo_id,
                json.dumps(summary or {}),
            ),
        )
        return int(cursor.lastrowid or 0)

    def reopen(self, run: int, kind: Kind[S]) -> RunRecord[S]:  # noqa: ARG002 - its type
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

    def as_before(self, run: int, kind: Kind[S]) -> list[Change[S]]:
        """What a rollback found done already, each as the change that it needed no more to make."""
        if not self.has("as_before"):
            return []
        rows = self.rows("SELECT * FROM as_before WHERE run = ? ORDER BY seq", run)
        with self.reading(f"run {run}"):
            return [journal_rows.found_of(dict(row), kind.state) for row in rows]

    def unsettled(self, kind: Kind[Any] | None = None) -> list[Run]:
        """Runs, of one kind or all, of which nobody knows the end, or what became of all changes.

        Of all: also those of a kind that this version does not know. Nothing tells what they wrote.
        """
        membership, run_kinds = ("IN", kind.runs) if kind else ("NOT IN", self.kinds.unchanging)
        marks = ", ".join("?" * len(run_kinds))
        rows = self.rows(
            # By lists and not by EXISTS: SQLite has an index of each, and takes it for these alone.
            f"SELECT * FROM runs WHERE kind {membership} ({marks}) AND (finished IS NULL OR id IN"  # noqa: S608
            " (SELECT run FROM changes WHERE intended IS NOT NULL AND result IS NULL)"
            " OR id IN (SELECT run FROM changes WHERE result = 'unknown')) ORDER BY id",
            *run_kinds,
        )
        return [self._run(row) for row in rows]

    def in_effect(self, run: int, kind: Kind[S]) -> list[Change[S]]:
        """What ``run`` changed and no rollback has taken back for certain, part by part.

        A rollback that was itself rolled back, or perhaps so, leaves what it took back in effect.
        """
        return self._not_undone(run, self._applied(run, kind), kind, {})

    def _applied(self, run: int, kind: Kind[S]) -> list[Change[S]]:
        return [it.change for it in self.changes(run, kind) if it.result is Result.APPLIED]

    def _perhaps_in_effect(self, run: int, kind: Kind[S], known: _Known[S]) -> list[Change[S]]:
        if run not in known:  # one rollback may reverse many, and many ways lead to each
            changes = self.changes(run, kind)
            made = [it.change for it in changes if it.result is Result.APPLIED or it.in_doubt]
            known[run] = self._not_undone(run, made, kind, known)
        return known[run]

    def _not_undone(
        self, run: int, made: Sequence[Change[S]], kind: Kind[S], known: _Known[S]
    ) -> list[Change[S]]:
        # Part by part, because a rollback may have reached some hosts and not others, or have put
        # one value back and found another one changed: the rest can still be undone.
        undone: dict[UUID, set[str]] = defaultdict(set)
        for rollback in self.rollbacks_of(run):
            again: dict[UUID, set[str]] = defaultdict(set)
            for redone in self.rollbacks_of(rollback):
                for change in self._perhaps_in_effect(redone, kind, known):
                    again[change.target.guid] |= change.parts
            for change in self._applied(rollback, kind):
                undone[change.target.guid] |= change.parts - again[change.target.guid]
            for change in self.as_before(rollback, kind):
                undone[change.target.guid] |= change.parts
        remaining = (change.without(undone[change.target.guid]) for change in made)
        return [change for change in remaining if change is not None]

    def rollbacks_of(self, run: int) -> list[int]:
        """Their numbers. A rollback's number is higher than that of the run it reverses.

        That bounds a recursion even in a journal whose rows were tampered with. One that goes back
        to an older run reverses all of a kind that lies between, but for rollbacks of what is
        reversed with them: together, both leave nothing.
        """
        rows = self.rows("SELECT id FROM runs WHERE reverses = ? AND id > ?", run, run)
        found = [row["id"] for row in rows]
        if self.has("as_before"):  # as the columns of that version
            rows = self.rows(
                "SELECT later.id FROM runs AS later JOIN runs AS run ON run.id = ?"
                " WHERE later.back_to < run.id AND later.id > run.id"
                " AND later.directory = run.directory"
                " AND coalesce(run.reverses, run.back_to + 1, 0) <= later.back_to",
                run,
            )
            found += [row["id"] for row in rows]
        return sorted(found)

    def applied_to(self, guid: UUID, kind: Kind[S]) -> list[tuple[int, Change[S]]]:
        """What runs have made of one object, with their numbers, the oldest first."""
        rows = self.rows(
            "SELECT changes.* FROM changes JOIN runs ON run = id"
            " WHERE guid = ? AND result = ? AND kind IN (?, ?) ORDER BY run",
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
                "the journal is damaged: restore a backup; undo files are LDIF, and need none",
            ) from exc


def who() -> str:
    """The user that this program runs as, as far as the system tells."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
