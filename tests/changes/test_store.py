"""The state folder with real files, real permissions, real locks and real processes."""

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from delegation.changes import journal_schema, store
from delegation.errors import Busy, JournalError
from tests.nobody import nobodys_folder

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")


@contextmanager
def child(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process that has said ``ready``; it is killed at the end."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


HOLD_THE_LOCK = """
import sys
from pathlib import Path
from delegation.changes import journal_schema, store
with store.lock(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""

TRY_THE_LOCK = """
import sys
from pathlib import Path
from delegation import errors
from delegation.changes import journal_schema, store
try:
    with store.lock(Path(sys.argv[1])):
        print("got it")
except errors.Busy:
    print("busy")
"""


def lock_elsewhere(folder: Path) -> str:
    """What another process is told that wants the lock."""
    command = [sys.executable, "-c", TRY_THE_LOCK, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


# The lock


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with child(HOLD_THE_LOCK, tmp_path), pytest.raises(Busy) as busy, store.lock(tmp_path):
        pass
    assert str(tmp_path) in busy.value.what
    assert busy.value.fix
    assert busy.value.exit_code == 4


def test_the_lock_is_free_when_its_process_has_ended(tmp_path: Path) -> None:
    with child(HOLD_THE_LOCK, tmp_path) as holder:
        holder.communicate()
        with store.lock(tmp_path):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_the_lock_is_free_when_its_process_was_killed(tmp_path: Path) -> None:
    with child(HOLD_THE_LOCK, tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert holder.returncode == -signal.SIGKILL
        with store.lock(tmp_path):
            assert lock_elsewhere(tmp_path) == "busy"


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), store.lock(tmp_path):
        raise ZeroDivisionError
    assert lock_elsewhere(tmp_path) == "got it"


def test_a_second_attempt_of_the_same_process_is_refused_and_gives_nothing_away(
    tmp_path: Path,
) -> None:
    """Closing any descriptor of a locked file would end the lock, on POSIX."""
    with store.lock(tmp_path):
        with pytest.raises(Busy), store.lock(tmp_path):
            pass
        assert lock_elsewhere(tmp_path) == "busy"


def test_two_folders_have_two_locks(tmp_path: Path) -> None:
    with store.lock(tmp_path / "a"), store.lock(tmp_path / "b"):
        pass


def test_readers_and_audits_do_not_need_the_lock(tmp_path: Path) -> None:
    with child(HOLD_THE_LOCK, tmp_path):
        store.open_writable(tmp_path).close()
        db = store.open_readable(tmp_path)
        assert db
        db.close()


def test_a_lock_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(JournalError), store.lock(tmp_path):
        pass


# Permissions


@posix
def test_folder_and_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "state"
    old = os.umask(0)
    try:
        store.open_writable(folder).close()
        with store.lock(folder):
            pass
    finally:
        os.umask(old)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {f.name: f.stat().st_mode & 0o777 for f in folder.iterdir()} == {
        "journal.sqlite": 0o600,
        "journal.sqlite-journal": 0o600,
        "lock": 0o600,
    }


@posix
@pytest.mark.parametrize("mode", [0o777, 0o702, 0o757])
def test_a_folder_that_anybody_may_change_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(JournalError, match="anybody") as refused:
        store.open_writable(folder)
    assert "chmod 700" in refused.value.fix
    with pytest.raises(JournalError, match="anybody"), store.lock(folder):
        pass


@posix
@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_a_folder_that_others_may_look_at_is_fine(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(mode)
    store.open_writable(folder).close()


@posix
@pytest.mark.parametrize("mode", [0o770, 0o775, 0o720])
def test_so_is_one_that_its_group_may_change(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(JournalError, match="its group"):
        store.open_writable(folder)


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_journal_that_others_may_change_is_refused(tmp_path: Path, mode: int) -> None:
    store.open_writable(tmp_path).close()
    (tmp_path / "journal.sqlite").chmod(mode)
    with pytest.raises(JournalError, match="others may change"):
        store.open_writable(tmp_path)


@posix
def test_a_journal_that_may_only_be_read_is_readable_and_not_writable() -> None:
    with nobodys_folder() as folder:
        store.open_writable(folder).close()
        with store.lock(folder):
            pass
        for file in folder.iterdir():
            file.chmod(0o400)
        db = store.open_readable(folder)
        assert db
        db.close()
        with pytest.raises(JournalError, match="can't be written"):
            store.open_writable(folder)
        with pytest.raises(JournalError, match="can't be written"), store.lock(folder):
            pass


@posix
def test_a_journal_that_may_not_be_read_is_an_error() -> None:
    with nobodys_folder() as folder:
        store.open_writable(folder).close()
        (folder / "journal.sqlite").chmod(0)
        with pytest.raises(JournalError):
            store.open_readable(folder)


@posix
@pytest.mark.parametrize("mode", [0o500, 0o400, 0])
def test_a_folder_that_may_not_be_changed_is_an_error(mode: int) -> None:
    with nobodys_folder() as folder:
        state = folder / "state"
        state.mkdir()
        state.chmod(mode)
        with pytest.raises(JournalError):
            store.open_writable(state)
        with pytest.raises(JournalError), store.lock(state):
            pass


@posix
def test_a_folder_that_may_not_be_entered_is_an_error_to_a_reader() -> None:
    with nobodys_folder() as folder:
        store.open_writable(folder / "state").close()
        (folder / "state").chmod(0)
        with pytest.raises(JournalError):
            store.open_readable(folder / "state")


def test_a_folder_in_place_of_the_journal_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").mkdir()
    (tmp_path / "journal.sqlite" / "x").touch()
    with pytest.raises(JournalError) as refused:
        store.open_writable(tmp_path)
    assert refused.value.fix
    with pytest.raises(JournalError):
        store.open_readable(tmp_path)


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.touch()
    with pytest.raises(JournalError) as refused:
        store.open_writable(path)
    assert str(path) in refused.value.what
    with pytest.raises(JournalError), store.lock(path / "below"):
        pass


@posix
def test_a_path_that_the_system_refuses_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    with pytest.raises(JournalError):
        store.open_writable(path)
    with pytest.raises(JournalError):
        store.open_readable(path)


# What lies there


def test_where_there_is_no_journal_there_is_nothing_to_read_and_nothing_is_made(
    tmp_path: Path,
) -> None:
    assert store.open_readable(tmp_path / "state") is None
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_a_journal_that_was_not_begun(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").touch(0o600)
    assert store.open_readable(tmp_path) is None
    store.open_writable(tmp_path).close()
    db = store.open_readable(tmp_path)
    assert db
    assert db.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    db.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    store.open_writable(tmp_path).close()
    db = store.open_readable(tmp_path)
    assert db
    with closing(db), pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM runs")


def test_it_opens_again_with_what_was_written(tmp_path: Path) -> None:
    with closing(store.open_writable(tmp_path)) as db:
        db.execute(
            "INSERT INTO runs (kind, status, started, who, machine, directory, domain, dc,"
            " connection) VALUES ('apply', '', '', '', '', '', '', '', '')"
        )
    with closing(store.open_writable(tmp_path)) as db:
        assert db.execute("SELECT kind FROM runs").fetchall() == [("apply",)]


def _sqlite(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()
    path.chmod(0o600)


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        pytest.param(["CREATE TABLE cookies (a)"], "not a journal", id="another program's"),
        pytest.param(["PRAGMA application_id = 7"], "not a journal", id="empty, another program's"),
        pytest.param(["PRAGMA user_version = 1"], "not a journal", id="only a version"),
        pytest.param(
            [
                f"PRAGMA application_id = {journal_schema.APPLICATION_ID}",
                f"PRAGMA user_version = {journal_schema.VERSION + 1}",
                "CREATE TABLE runs (id)",
            ],
            "newer version",
            id="of a newer version",
        ),
    ],
)
def test_a_database_that_is_not_ours_is_refused_and_left_alone(
    tmp_path: Path, statements: list[str], says: str
) -> None:
    path = tmp_path / "journal.sqlite"
    _sqlite(path, *statements)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=says) as refused:
        store.open_writable(tmp_path)
    assert refused.value.fix
    with pytest.raises(JournalError, match=says):
        store.open_readable(tmp_path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["journal.sqlite"]


def test_a_file_of_garbage_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database, " * 100)
    path.chmod(0o600)
    for use in (store.open_writable, store.open_readable):
        with pytest.raises(JournalError, match="damaged or not a journal") as refused:
            use(tmp_path)
        assert "backup" in refused.value.fix
    assert path.read_bytes() == b"not a database, " * 100


def test_a_damaged_journal_is_an_error(tmp_path: Path) -> None:
    store.open_writable(tmp_path).close()
    path = tmp_path / "journal.sqlite"
    damaged = bytearray(path.read_bytes())
    damaged[100:4096] = b"\xff" * 3996
    path.write_bytes(damaged)
    with pytest.raises(JournalError, match="damaged"):
        store.open_writable(tmp_path)


def test_a_database_that_another_program_has_locked_is_busy(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(store.open_writable(tmp_path)) as db:
        db.execute("PRAGMA busy_timeout = 0")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with (
                pytest.raises(Busy, match="locked by another program"),
                store.transaction(db, path),
            ):
                raise AssertionError
            other.execute("ROLLBACK")
        with store.transaction(db, path):
            pass


def test_a_commit_that_fails_leaves_no_transaction_behind(tmp_path: Path) -> None:
    """A backup that reads for long holds up the commit, not the beginning."""
    path = tmp_path / "journal.sqlite"
    with closing(store.open_writable(tmp_path)) as db:
        db.execute("PRAGMA busy_timeout = 0")
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM runs").fetchone()
            with pytest.raises(Busy), store.transaction(db, path):
                db.execute("PRAGMA user_version = 1")
        with store.transaction(db, path):
            pass


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(store.open_writable(tmp_path)) as db:

        def interrupted() -> None:
            with store.transaction(db, path):
                db.execute("PRAGMA user_version = 99")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert db.execute("PRAGMA user_version").fetchone() == (journal_schema.VERSION,)


FIRST_RUN = """
import sys
from pathlib import Path
from delegation.changes import journal_schema, store
print("ready", flush=True)
sys.stdin.readline()
store.open_writable(Path(sys.argv[1])).close()
"""


def test_first_runs_that_start_together_find_one_journal(tmp_path: Path) -> None:
    with (
        child(FIRST_RUN, tmp_path) as one,
        child(FIRST_RUN, tmp_path) as two,
        child(FIRST_RUN, tmp_path) as three,
    ):
        processes = [one, two, three]
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait() for process in processes] == [0, 0, 0]
    store.open_writable(tmp_path).close()


# Power cuts; a real one is in tests/story/test_power_cut.py


def test_commits_do_not_hang_on_a_name_that_nobody_syncs(tmp_path: Path) -> None:
    """Of 0.1.0: DELETE and FULL. A cut brought the deleted file back, which undid the commit."""
    with closing(store.open_writable(tmp_path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("truncate",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
        with store.transaction(db, tmp_path / "journal.sqlite"):
            db.execute("PRAGMA user_version = 3")
        assert (tmp_path / "journal.sqlite-journal").stat().st_size == 0


def test_a_journal_that_was_made_wal_is_so_no_more(tmp_path: Path) -> None:
    store.open_writable(tmp_path).close()
    path = tmp_path / "journal.sqlite"
    _sqlite(path, "PRAGMA journal_mode = WAL")
    assert path.read_bytes()[18:20] == b"\2\2"
    with closing(store.open_writable(tmp_path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("truncate",)
    assert path.read_bytes()[18:20] == b"\1\1"


def test_a_journal_that_sqlite_keeps_otherwise_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as db, pytest.raises(JournalError, match="power cut"):
        store._survive_power_cuts(db, tmp_path / "journal.sqlite")


@posix
def test_a_new_folder_is_synced_where_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda it: synced.append(os.fstat(it).st_ino))
    with store.lock(tmp_path / "a" / "b" / "state"):
        pass
    above = [tmp_path / "a" / "b", tmp_path / "a", tmp_path]
    assert set(synced) >= {folder.stat().st_ino for folder in above}


@posix
def test_so_is_one_that_a_process_made_which_died_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda it: synced.append(os.fstat(it).st_ino))
    store.open_writable(tmp_path / "state").close()
    assert tmp_path.stat().st_ino in synced


@posix
def test_a_new_folder_that_cannot_be_synced_is_not_left_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(JournalError, match="Input/output error"):
        store.open_writable(tmp_path / "a" / "state")
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_folder_in_one_that_may_not_be_read_is_fine() -> None:
    """As /var/lib/private is, in which systemd makes the folder of a service."""
    with nobodys_folder() as folder:
        (folder / "private" / "state").mkdir(parents=True, mode=0o700)
        (folder / "private").chmod(0o100)
        store.open_writable(folder / "private" / "state").close()
        (folder / "private").chmod(0o700)


DIE_AMID_A_COMMIT = """
import os, signal, sys
from pathlib import Path
from delegation.changes import journal_schema, store
db = store.open_writable(Path(sys.argv[1]))
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN IMMEDIATE")
for number in range(500):
    db.execute(
        "INSERT INTO changes (run, seq, name, dn, guid, before, after)"
        " VALUES (1, ?, ?, '', '', '', '')",
        (number, "x" * 1000),
    )
print("ready", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_journal_whose_writer_died_amid_a_commit_can_be_read(tmp_path: Path) -> None:
    """Its half-written pages are rolled back by whoever comes first, a reader included."""
    with closing(store.open_writable(tmp_path)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(
            "INSERT INTO runs (kind, status, started, who, machine, directory, domain, dc,"
            " connection) VALUES ('apply', '', '', '', '', '', '', '', '')"
        )
    with child(DIE_AMID_A_COMMIT, tmp_path) as process:
        process.wait()
    assert (tmp_path / "journal.sqlite-journal").stat().st_size > 0
    found = store.open_readable(tmp_path)
    assert found
    assert found.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    assert found.execute("SELECT count(*) FROM changes").fetchone() == (0,)
    found.close()


def test_what_persons_said_in_an_older_journal_is_known_as_that(tmp_path: Path) -> None:
    """Format 6 had it in the reason alone; a reason that names no such page is none."""
    path = tmp_path / "journal.sqlite"
    reasons = (
        "said to be made in run 2; seen: nothing was seen",
        "said to be made in run 1; seen: x",
        "found made",
        "said to be odd",
    )
    with closing(sqlite3.connect(path)) as db:
        for step in journal_schema.STEPS[:6]:
            for statement in step.split(";\n"):
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {journal_schema.APPLICATION_ID}")
        db.execute("PRAGMA user_version = 6")
        for kind in ("apply", "settle"):
            db.execute(
                "INSERT INTO runs (kind, status, started, who, machine, directory, domain, dc,"
                " connection) VALUES (?, '', '', '', '', '', '', '', '{}')",
                (kind,),
            )
        for seq, reason in enumerate(reasons):
            db.execute(
                "INSERT INTO changes (run, seq, name, dn, guid, before, after, reason)"
                " VALUES (1, ?, '', '', '', '', '', ?)",
                (seq, reason),
            )
        db.commit()
    path.chmod(0o600)
    with closing(store.open_writable(tmp_path)) as db:
        said = db.execute("SELECT said_in FROM changes ORDER BY seq").fetchall()
        assert said == [(2,), (None,), (None,), (None,)]
        told = db.execute("SELECT account, asked, left_out, back_to FROM runs").fetchall()
        assert told == [(None, "{}", "[]", None)] * 2
        assert db.execute("SELECT count(*) FROM as_before").fetchone() == (0,)
