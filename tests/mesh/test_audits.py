"""Audits in the journal, on a real file; and a journal of an older version."""

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from delegation.changes import journal_schema, store
from delegation.changes.journal import Journal
from delegation.changes.run import DONE, NewRun
from delegation.errors import JournalError
from delegation.mesh import audits
from delegation.mesh.audit_look import Look
from delegation.mesh.audit_pages import AuditPage, PastFinding
from delegation.mesh.audits import AuditRecord
from delegation.mesh.checks import RULE_IDS, Finding, Severity
from delegation.mesh.news import Audited, Baseline, LastLook
from delegation.mesh.state import AUDIT, DELEGATION
from delegation.wiring import KINDS
from tests.builders import DIRECTORY, DOMAIN
from tests.nobody import nobodys_folder

FOUND = Finding("KCD001", Severity.HIGH, "hv01", "cifs/hv02", "desired and not there", "apply")
WHEN = "2026-06-14T01:02:03.000+00:00"
FARM, OTHER = (
    '["corp.example", "/srv/a.yaml", "domain"]',
    '["corp.example", "/srv/b.yaml", "domain"]',
)
"""Two inventories of one domain, as audits are recorded by them."""
OLD = Path(__file__).parents[1] / "cases" / "journal" / "version-1.sql"
"""A journal of version 1: an audit, an apply, an audit, a rollback."""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal.writable(tmp_path, KINDS)) as opened:
        yield opened


def run(directory: str = DOMAIN) -> NewRun:
    return NewRun(AUDIT, directory, DOMAIN, DIRECTORY.dc, {"url": DIRECTORY.url})


def recorded(
    journal: Journal,
    *found: Finding,
    by: str = FARM,
    labels: tuple[str, ...] = ("hv01", "hv02"),
    moves: bool = True,
    declared: bool = True,
    whole: bool = True,
) -> bool:
    at = look(*labels, whole=whole)
    page = AuditPage(tuple(PastFinding(it, at.subject(it), WHEN) for it in found), RULE_IDS)
    record = AuditRecord(by, at, page, {"findings": len(found)}, moves, declared)
    return audits.record(journal, run(), record)


def look(*labels: str, whole: bool = True) -> Look:
    return Look({f"guid of {label}": label for label in labels}, whole)


def last(
    journal: Journal, *labels: str, by: str = FARM, directory: str = DOMAIN, digest: str = "d"
) -> Baseline:
    return audits.baseline(journal, by, look(*labels or ("hv01", "hv02")), directory, digest)


def since(journal: Journal, by: str = FARM) -> int | None:
    audited = last(journal, by=by).since
    return audited.run if audited else None


def old_journal(folder: Path) -> Path:
    path = folder / "journal.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(OLD.read_text(encoding="utf-8"))
    path.chmod(0o600)
    return path


def test_an_audit_is_a_finished_run_with_its_findings(journal: Journal, tmp_path: Path) -> None:
    other = FOUND._replace(value="cifs/caf\u00e9\ud800")
    assert recorded(journal, FOUND, other)
    with closing(Journal.readable(tmp_path, KINDS)) as reader:
        [done] = reader.runs()
        assert (done.kind, done.status, done.summary) == (AUDIT, "done", {"findings": 2})
        assert audits.found_by(reader, 1) == (FOUND, other)
        past = audits.baseline(reader, FARM, look("hv01", "hv02"), DOMAIN, "d")
        assert past.since == Audited(1, done.started)
        assert past.pages[1].findings == (FOUND, other)
        assert past.looks == {f"guid of {it}": LastLook(1, it) for it in ("hv01", "hv02")}


def test_each_inventory_has_a_baseline_of_its_own(journal: Journal) -> None:
    assert last(journal) == Baseline()
    recorded(journal, FOUND)
    recorded(journal, by=OTHER)
    assert since(journal) == 1
    assert since(journal, OTHER) == 2
    assert last(journal).pages[1].findings == (FOUND,)
    assert last(journal, by=OTHER).pages[2].findings == ()


def test_only_audits_that_were_told_to_move_it(journal: Journal) -> None:
    recorded(journal, moves=False, declared=False)
    assert since(journal) is None
    recorded(journal, declared=False)
    assert (since(journal), last(journal).is_declared) == (2, False)
    recorded(journal)
    recorded(journal, FOUND, moves=False, declared=False)
    assert (since(journal), last(journal).is_declared) == (3, True)
    assert audits.found_by(journal, 4) == (FOUND,)


def test_of_each_host_the_last_that_looked_at_it(journal: Journal) -> None:
    recorded(journal, FOUND)
    recorded(journal, labels=("hv02",), whole=False)
    before = last(journal)
    assert {it.label: it.run for it in before.looks.values()} == {"hv01": 1, "hv02": 2}
    assert before.pages.keys() == {1, 2}


def test_what_is_left_out_is_there_until_it_was_said(journal: Journal) -> None:
    recorded(journal, FOUND)
    assert [it.is_gone for it in last(journal, "hv02").looks.values()] == [False, False]
    recorded(journal, labels=("hv02",))
    assert {it.label for it in last(journal, "hv02").looks.values()} == {"hv02"}
    back = last(journal).looks["guid of hv01"]
    assert back == LastLook(1, "hv01", is_gone=True), "with what was known of it then"
    recorded(journal)
    assert last(journal).looks["guid of hv01"] == LastLook(3, "hv01")


def test_findings_that_are_too_many_are_not_kept(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(journal)
    with monkeypatch.context() as little_room:
        little_room.setattr("delegation.mesh.audit_pages.MOST", 10)
        assert not recorded(journal, FOUND)
    assert journal.run(2).summary == {"findings": 1}
    assert audits.found_by(journal, 2) is None
    assert since(journal) == 1, "there is nothing to compare with"


def test_the_oldest_findings_are_forgotten_first(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(journal, FOUND, moves=False)
    [size] = next(iter(journal.rows("SELECT length(content) FROM findings")))
    monkeypatch.setattr(audits, "ROOM", 3 * size)
    for _ in range(4):
        recorded(journal, FOUND, moves=False)
    assert [audits.found_by(journal, n) is not None for n in range(1, 6)] == [
        False, False, True, True, True,
    ]  # fmt: skip
    assert [done.id for done in journal.runs()] == [1, 2, 3, 4, 5]
    monkeypatch.setattr(audits, "ROOM", 1)
    recorded(journal, FOUND)
    assert since(journal) == 6, "the newest stays"
    assert audits.found_by(journal, 5) is None
    recorded(journal, moves=False)
    recorded(journal, moves=False)
    assert audits.found_by(journal, 7) is None
    assert last(journal).pages[6].findings == (FOUND,), "and so does what a baseline rests on"


def test_damaged_findings_are_an_error_in_words(journal: Journal) -> None:
    recorded(journal, FOUND)
    with closing(sqlite3.connect(journal.path)) as db:
        db.execute("UPDATE findings SET content = x'00'")
        db.commit()
    for use in (lambda: audits.found_by(journal, 1), lambda: last(journal).pages):
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
        assert last(journal, directory="ldif:/srv/directory.ldif") == Baseline()
    assert path.read_bytes() == before


def test_a_writer_makes_an_old_journal_new_and_keeps_all_that_is_in_it(tmp_path: Path) -> None:
    old_journal(tmp_path)
    with closing(Journal.readable(tmp_path, KINDS)) as journal:
        runs = journal.runs()
        changes = {done.id: journal.changes(done.id, DELEGATION) for done in runs}
    with closing(Journal.writable(tmp_path, KINDS)) as journal:
        assert journal.runs() == runs
        assert {done.id: journal.changes(done.id, DELEGATION) for done in runs} == changes
        assert last(journal, directory="ldif:/srv/directory.ldif") == Baseline()
        assert recorded(journal, FOUND)
        assert since(journal) == 5
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
            assert last(journal, directory="ldif:/srv/directory.ldif") == Baseline()
        with pytest.raises(JournalError, match="can't be written"):
            Journal.writable(folder, KINDS)
        folder.chmod(0o700)


# A journal of 0.1.0, whose audits name no inventory


OLD_SCOPE = "[null, []]"


def audited_before(journal: Journal, *found: Finding, digest: str, scope: str = OLD_SCOPE) -> int:
    """As 0.1.0 recorded an audit."""
    rows = [(f.rule, str(f.severity), f.computer, f.value, f.message, f.fix) for f in found]
    content = zlib.compress(json.dumps(rows).encode())
    db = journal.writing()
    number = journal.add(replace(run(), inventory_digest=digest), DONE)
    db.execute("INSERT INTO findings VALUES (?, ?, ?)", (number, scope, content))
    return number


def test_an_audit_of_the_first_version_counts_until_one_has_looked_at_all(journal: Journal) -> None:
    audited_before(journal, FOUND, digest="d")
    old = last(journal).old
    assert old
    assert (old.audited.run, old.of_same, old.page.findings) == (1, True, (FOUND,))
    assert since(journal) == 1
    recorded(journal, labels=("hv01",), whole=False)
    assert last(journal).old == old, "of hv02 nothing else is known"
    recorded(journal, by=OTHER)
    assert last(journal).old == old
    recorded(journal)
    assert last(journal).old is None


def test_of_those_one_by_the_same_inventory_comes_first(journal: Journal) -> None:
    audited_before(journal, FOUND, digest="d")
    audited_before(journal, digest="other")
    audited_before(journal, digest="d", scope='["hv01", []]')
    mine = last(journal).old
    assert mine
    assert (mine.audited.run, mine.of_same) == (1, True)
    changed = last(journal, digest="changed").old
    assert changed
    assert (changed.audited.run, changed.of_same) == (2, False)
    assert last(journal, directory="other.example").old is None
