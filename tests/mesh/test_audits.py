"""Audits in the journal, on a real file; and a journal of an older version."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from delegation.changes import journal_schema, store
from delegation.changes.journal import Journal
from delegation.changes.run import NewRun
from delegation.errors import JournalError
from delegation.mesh import audits
from delegation.mesh.checks import Finding, Severity
from delegation.mesh.state import AUDIT, DELEGATION
from delegation.wiring import KINDS
from tests.builders import DIRECTORY, DOMAIN
from tests.nobody import nobodys_folder

FOUND = Finding("KCD001", Severity.HIGH, "hv01", "cifs/hv02", "desired and not there", "apply")
ALL = audits.scope(None, ())
OLD = Path(__file__).parents[1] / "cases" / "journal" / "version-1.sql"
"""A journal of version 1: an audit, an apply, an audit, a rollback."""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal.writable(tmp_path, KINDS)) as opened:
        yield opened


def run(directory: str = DOMAIN) -> NewRun:
    return NewRun(AUDIT, directory, DOMAIN, DIRECTORY.dc, {"url": DIRECTORY.url})


def recorded(journal: Journal, *found: Finding, directory: str = DOMAIN, scope: str = ALL) -> bool:
    summary = {"findings": len(found)}
    return audits.record(journal, run(directory), scope, found, summary)


def last(journal: Journal, directory: str = DOMAIN, scope: str = ALL) -> int | None:
    found = audits.last(journal, directory, scope)
    return found.run if found else None


def old_journal(folder: Path) -> Path:
    path = folder / "journal.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(OLD.read_text(encoding="utf-8"))
    path.chmod(0o600)
    return path


def test_an_audit_is_a_finished_run_with_its_findings(journal: Journal, tmp_path: Path) -> None:
    other = replace(FOUND, value="cifs/caf\u00e9\ud800")
    assert recorded(journal, FOUND, other)
    with closing(Journal.readable(tmp_path, KINDS)) as reader:
        [done] = reader.runs()
        assert (done.kind, done.status, done.summary) == (AUDIT, "done", {"findings": 2})
        assert audits.found_by(reader, 1) == (FOUND, other)
        past = audits.last(reader, DOMAIN, ALL)
        assert past == audits.Audited(1, done.started, (FOUND, other))


def test_only_audits_of_the_same_are_compared(journal: Journal) -> None:
    assert last(journal) is None
    recorded(journal)
    recorded(journal, directory="ldif:/srv/export.ldf")
    limited = audits.scope(["hv02", "hv01"], ())
    recorded(journal, scope=limited)
    recorded(journal, scope=audits.scope(None, ["VMAdmin", "other"]))
    assert last(journal) == 1
    assert last(journal, "ldif:/srv/export.ldf") == 2
    assert last(journal, scope=audits.scope(frozenset({"hv01", "hv02"}), ())) == 3
    assert last(journal, scope=audits.scope(None, ["OTHER", "vmadmin"])) == 4
    assert last(journal, scope=audits.scope(["hv01"], ())) is None
    recorded(journal)
    assert last(journal) == 5


def test_an_audit_that_died_before_its_end_is_not_compared_with(journal: Journal) -> None:
    recorded(journal)
    with closing(sqlite3.connect(journal.path)) as db:
        db.execute("UPDATE runs SET status = 'running', finished = NULL")
        db.commit()
    assert last(journal) is None


def test_findings_that_are_too_many_are_not_kept(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(journal)
    monkeypatch.setattr("delegation.mesh.news.MOST", 10)
    assert not recorded(journal, FOUND)
    assert journal.run(2).summary == {"findings": 1}
    assert audits.found_by(journal, 2) is None
    assert last(journal) == 1


def test_the_oldest_findings_are_forgotten_first(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(journal, FOUND)
    [size] = next(iter(journal.rows("SELECT length(content) FROM findings")))
    monkeypatch.setattr(audits, "ROOM", 3 * size)
    for _ in range(4):
        recorded(journal, FOUND)
    assert [audits.found_by(journal, n) is not None for n in range(1, 6)] == [
        False, False, True, True, True,
    ]  # fmt: skip
    assert [done.id for done in journal.runs()] == [1, 2, 3, 4, 5]
    monkeypatch.setattr(audits, "ROOM", 1)
    recorded(journal, FOUND)
    assert last(journal) == 6, "the newest stays"
    assert audits.found_by(journal, 5) is None


def test_damaged_findings_are_an_error_in_words(journal: Journal) -> None:
    recorded(journal, FOUND)
    with closing(sqlite3.connect(journal.path)) as db:
        db.execute("UPDATE findings SET content = x'00'")
        db.commit()
    for use in (lambda: audits.found_by(journal, 1), lambda: last(journal)):
        with pytest.raises(JournalError, match="what run 1 found") as damaged:
            use()
        assert damaged.value.fix


# A journal of version 1


def test_an_old_journal_is_read_as_it_is(tmp_path: Path) -> None:
    path = old_journal(tmp_path)
    before = path.read_bytes()
    with closing(Journal.readable(tmp_path, KINDS)) as journal:
        assert [done.kind for done in journal.runs()] == ["audit", "apply", "audit", "rollback"]
        assert audits.found_by(journal, 1) is None
        assert audits.last(journal, "ldif:/srv/directory.ldif", ALL) is None
    assert path.read_bytes() == before


def test_a_writer_makes_an_old_journal_new_and_keeps_all_that_is_in_it(tmp_path: Path) -> None:
    old_journal(tmp_path)
    with closing(Journal.readable(tmp_path, KINDS)) as journal:
        runs = journal.runs()
        changes = {done.id: journal.changes(done.id, DELEGATION) for done in runs}
    with closing(Journal.writable(tmp_path, KINDS)) as journal:
        assert journal.runs() == runs
        assert {done.id: journal.changes(done.id, DELEGATION) for done in runs} == changes
        assert audits.last(journal, "ldif:/srv/directory.ldif", ALL) is None
        assert recorded(journal, FOUND)
        assert last(journal) == 5
        assert journal.undoable(None, DELEGATION) is None
    with closing(Journal.writable(tmp_path, KINDS)) as journal:
        assert audits.found_by(journal, 5) == (FOUND,)


def test_an_old_journal_becomes_what_a_new_one_is(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir(mode=0o700)
    old_journal(tmp_path / "old")
    tables = []
    for name in ("old", "new"):
        with closing(store.open_writable(tmp_path / name)) as db:
            version = db.execute("PRAGMA user_version").fetchone()
            schema = db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
            tables.append((version, [(n, " ".join((sql or "").split())) for n, sql in schema]))
    assert tables[0] == tables[1]


def test_a_step_that_fails_leaves_the_old_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old_journal(tmp_path)
    before = path.read_bytes()
    monkeypatch.setattr(store, "STEPS", (*journal_schema.STEPS, "CREATE TABLE findings (a)"))
    monkeypatch.setattr(store, "VERSION", journal_schema.VERSION + 1)
    with pytest.raises(JournalError, match="findings"):
        store.open_writable(tmp_path)
    assert path.read_bytes() == before


def test_an_old_journal_that_may_only_be_read_is_read() -> None:
    with nobodys_folder() as folder:
        path = old_journal(folder)
        path.chmod(0o400)
        folder.chmod(0o500)
        with closing(Journal.readable(folder, KINDS)) as journal:
            assert len(journal.runs()) == 4
            assert audits.last(journal, "ldif:/srv/directory.ldif", ALL) is None
        with pytest.raises(JournalError, match="can't be written"):
            Journal.writable(folder, KINDS)
        folder.chmod(0o700)
