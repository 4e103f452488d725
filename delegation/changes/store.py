"""The state folder: its SQLite file (open, version, permissions) and the lock of one writer.

The folder is created for its owner alone. What lies in it is trusted when a run is undone, so a
folder or file that anybody may change is refused.
"""

import os
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from delegation.errors import Busy, JournalError

APPLICATION_ID = 0x44656C67

STEPS = (
    """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    started TEXT NOT NULL,
    finished TEXT,
    who TEXT NOT NULL,
    machine TEXT NOT NULL,
    directory TEXT NOT NULL,
    domain TEXT NOT NULL,
    dc TEXT NOT NULL,
    connection TEXT NOT NULL,
    inventory_digest TEXT,
    plan_digest TEXT,
    ticket TEXT,
    reverses INTEGER REFERENCES runs (id),
    summary TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE changes (
    run INTEGER NOT NULL REFERENCES runs (id),
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    dn TEXT NOT NULL,
    guid TEXT NOT NULL,
    before BLOB NOT NULL,
    after BLOB NOT NULL,
    intended TEXT,
    result TEXT,
    settled TEXT,
    reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE INDEX changes_by_guid ON changes (guid);
CREATE INDEX unsettled_changes ON changes (run) WHERE intended IS NOT NULL AND result IS NULL
""",
    """
CREATE TABLE findings (
    run INTEGER PRIMARY KEY REFERENCES runs (id),
    scope TEXT NOT NULL,
    content BLOB NOT NULL
)
""",
    """
CREATE TABLE moves (
    run INTEGER NOT NULL REFERENCES runs (id),
    seq INTEGER NOT NULL,
    machine TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    storage TEXT NOT NULL,
    memory INTEGER NOT NULL,
    disk INTEGER NOT NULL,
    size INTEGER NOT NULL,
    seconds REAL NOT NULL,
    state TEXT NOT NULL,
    host TEXT NOT NULL,
    bound TEXT NOT NULL DEFAULT '',
    shell TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    percent INTEGER NOT NULL DEFAULT 0,
    abandoned INTEGER NOT NULL DEFAULT 0,
    started TEXT,
    ended TEXT,
    reason TEXT NOT NULL DEFAULT '',
    fix TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, machine)
) WITHOUT ROWID;
CREATE TABLE steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES runs (id),
    machine TEXT NOT NULL,
    time TEXT NOT NULL,
    step TEXT NOT NULL,
    state TEXT NOT NULL,
    host TEXT NOT NULL,
    bound TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX steps_by_machine ON steps (run, machine);
CREATE TABLE requests (
    run INTEGER NOT NULL REFERENCES runs (id),
    machine TEXT NOT NULL,
    time TEXT NOT NULL,
    PRIMARY KEY (run, machine)
) WITHOUT ROWID
""",
)
"""What makes each version of the journal out of the one before it; the first makes its tables.

Before and after are the states as UTF-8 JSON with the exact values; ``content`` is news.encode's.
"""
VERSION = len(STEPS)


def open_writable(folder: Path) -> sqlite3.Connection:
    """The journal, created where there is none. Raises JournalError, with what to do."""
    _own_folder(folder)
    path = folder / "journal.sqlite"
    _own_file(path)
    with translated(path):
        db = sqlite3.connect(path, timeout=5, isolation_level=None)
        db.execute("PRAGMA synchronous = FULL")
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


def open_readable(folder: Path) -> sqlite3.Connection | None:
    """The journal to look at, None where there is none. Raises JournalError.

    SQLite opens it for writing where it may, and only to read where not: what a process that was
    killed in the middle of a commit left there has to be undone first, even for a reader.
    """
    path = folder / "journal.sqlite"
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
    """All or nothing, on disk when it returns. Raises JournalError."""
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
    _own_folder(folder)
    path = folder / doing
    _own_file(path)
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


def _own_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32" and folder.stat().st_mode & 0o002:
            # Whoever can write a journal can make a rollback write values of their choice.
            raise JournalError(
                f"anybody may change the state folder {folder}",
                f"what lies there is trusted when a run is undone: chmod 700 {folder}",
            )
    except OSError as exc:
        raise JournalError(
            f"the state folder {folder} can't be used: {exc.strerror or exc}",
            "make it a folder that you may write, or name another --state",
        ) from exc


def _own_file(path: Path) -> None:
    """Make sure that the file is there, and ours to write.

    One that is there is not opened: on POSIX, closing any descriptor of a file ends the locks that
    this process holds on it, those of SQLite among them.
    """
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        status = path.stat()
    except OSError as exc:
        raise _unwritable(path, exc.strerror or str(exc)) from exc
    if not stat.S_ISREG(status.st_mode) or not os.access(path, os.R_OK | os.W_OK):
        raise _unwritable(path, "not a file that you may read and write")
    if sys.platform != "win32" and status.st_mode & 0o022:
        raise JournalError(f"others may change {path}", f"chmod 600 {path}")


def _unwritable(path: Path, why: str) -> JournalError:
    return JournalError(
        f"{path} can't be written: {why}; nothing was changed",
        "every write needs its record: make it writable, or name another --state",
    )


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
