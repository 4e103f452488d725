"""The SQLite file in the state folder: opened, of which version; and the lock of one writer."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from delegation.changes.journal_schema import APPLICATION_ID, STEPS, VERSION
from delegation.changes.state_folder import own_file, own_folder
from delegation.errors import Busy, JournalError

Connection = sqlite3.Connection
"""What has the file open."""


def journal_of(folder: Path) -> Path:
    """The file of a state folder's journal, which need not be there."""
    return folder / "journal.sqlite"


def open_writable(folder: Path) -> sqlite3.Connection:
    """The journal, created where there is none. Raises JournalError, with what to do."""
    own_folder(folder)
    path = journal_of(folder)
    own_file(path)
    with translated(path):
        db = sqlite3.connect(path, timeout=5, isolation_level=None)
        _survive_power_cuts(db, path)
        db.execute("PRAGMA foreign_keys = ON")
        with transaction(db, path):  # two first runs may meet here: look inside it
            version = version_of(db, path)
            for step in STEPS[version:]:
                # One by one: executescript would commit the transaction that we are in.
                for statement in step.split(";\n"):
                    db.execute(statement)
            if version < VERSION:
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                db.execute(f"PRAGMA user_version = {VERSION}")
            else:
                # Changes no row, but finds out now, and not after the first write to the
                # directory, that the journal can't be written.
                db.execute("UPDATE runs SET status = status WHERE 0")
        return db


def _survive_power_cuts(db: sqlite3.Connection, path: Path) -> None:
    """What ``transaction`` has committed stays so, whatever happens to the machine.

    A commit ends with the rollback journal of SQLite losing its validity: until that is on the
    disk, a power cut brings it back, and it takes the commit back. By default the file is deleted,
    and with FULL nobody syncs the folder that it is deleted from. Cut to no length instead, the
    file itself is synced (sqlite.org/pragma.html#pragma_synchronous), on Windows as well, where
    EXTRA, which syncs the folder, has nothing to call. No WAL: it needs memory that is shared,
    which a state folder on a network share can't give.
    """
    mode = db.execute("PRAGMA journal_mode = TRUNCATE").fetchone()[0]
    db.execute("PRAGMA synchronous = FULL")
    if mode != "truncate":
        raise JournalError(
            f"{path} can't be kept so that it survives a power cut (its journal mode is {mode})",
            "close whatever else has it open, and try again",
        )


def open_readable(folder: Path) -> sqlite3.Connection | None:
    """The journal to look at, None where there is none. Raises JournalError.

    SQLite opens it for writing where it may, and only to read where not: what a process that was
    killed in the middle of a commit left there has to be undone first, even for a reader.
    """
    path = journal_of(folder)
    try:
        if not path.exists() or path.stat().st_size == 0:
            return None
    except OSError as exc:
        raise JournalError(
            f"{path} can't be read: {exc.strerror or exc}",
            "make it readable, or name another --state",
        ) from exc
    with translated(path):
        db = sqlite3.connect(path, timeout=5)
        db.execute("PRAGMA query_only = ON")
        return db if version_of(db, path) else None


@contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All or nothing, on disk when it returns. Raises JournalError.

    Within another one it is a part of that: what belongs together is on disk together.
    """
    if db.in_transaction:
        yield
        return
    with translated(path):
        # IMMEDIATE takes the write lock at once. A transaction that begins by reading and writes
        # later fails where another process has written in between.
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


WRITING, AUDITING, MIGRATING = "lock", "audit.lock", "migrate.lock"
"""What only one process at a time does with a state folder; the names of the files that say so."""

_OTHER = {
    WRITING: "another apply or rollback",
    AUDITING: "another audit --new-only",
    MIGRATING: "another migration run",
}


@contextmanager
def lock(folder: Path, doing: str = WRITING) -> Iterator[None]:
    """Be the only one who is ``doing`` this with the state folder. Raises Busy, JournalError.

    An exclusive SQLite transaction on a file of its own: the operating system ends it with the
    process, however that dies, on Linux and on Windows. A file that says "locked" by being there
    would outlive a kill, and a number of a process in it may be another one's by then.
    """
    own_folder(folder)
    path = folder / doing
    own_file(path)
    with translated(path):
        db = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            db.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as exc:
            db.close()
            if exc.sqlite_errorcode not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise
            raise Busy(
                f"{_OTHER[doing]} is using the state folder {folder}",
                "wait until it has ended; nothing was written by this one",
            ) from exc
    try:
        yield
    finally:
        db.close()


def version_of(db: sqlite3.Connection, path: Path) -> int:
    """The journal's version; 0 of an empty file. Raises JournalError for any other program's."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    application = int(db.execute("PRAGMA application_id").fetchone()[0])
    empty = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if empty and version == application == 0:
        return 0
    if application != APPLICATION_ID:
        raise JournalError(f"{path} is not a journal of this program", "name another --state")
    if version > VERSION:
        raise JournalError(
            f"{path} was written by a newer version of this program (format {version}, "
            f"this one reads {VERSION})",
            "use that version",
        )
    return version


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's exceptions as JournalError and Busy, by their codes; texts differ by version."""
    try:
        yield
    except UnicodeEncodeError as exc:
        raise JournalError(
            f"{path}: {exc.object!a} can't be recorded: it is not Unicode text",
            "write it otherwise",
        ) from exc
    except sqlite3.Error as exc:
        code = getattr(exc, "sqlite_errorcode", None)
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise Busy(
                f"{path} is locked by another program", "close that program, and try again"
            ) from exc
        if code in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
            raise JournalError(
                f"{path} is damaged or not a journal ({exc})",
                "keep it for a look, restore it from a backup, or name another --state",
            ) from exc
        raise JournalError(
            f"{path}: {exc}", "every write needs its record: free or repair the state folder"
        ) from exc
