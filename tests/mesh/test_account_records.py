"""Which object a name means, in a journal on a real file: the first one, until an apply says so."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.changes.run import DONE, NewRun
from delegation.mesh import account_records
from delegation.mesh.account_records import known
from delegation.mesh.identities import AccountName
from delegation.mesh.snapshot import Computer
from delegation.mesh.state import APPLY, AUDIT
from delegation.wiring import KINDS
from tests.builders import DIRECTORY, DOMAIN, computer

FIRST, SECOND = UUID(int=1, version=4), UUID(int=2, version=4)
OLD = Path(__file__).parents[1] / "cases" / "journal" / "version-1.sql"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal.writable(tmp_path, KINDS)) as opened:
        yield opened


def run(kind: str, directory: str = DOMAIN) -> NewRun:
    return NewRun(kind, directory, DOMAIN, DIRECTORY.dc, {})


def hv04(guid: UUID, **changes: str) -> Computer:
    return computer("HV04")._replace(guid=guid, **changes)  # type: ignore[arg-type]


def audited(journal: Journal, *accounts: Computer, directory: str = DOMAIN) -> None:
    with store.transaction(journal.writing(), journal.path):
        number = journal.add(run(AUDIT, directory), DONE, {})
        account_records.seen(journal, number, directory, accounts)


def applied(journal: Journal, *accounts: Computer) -> None:
    with store.transaction(journal.writing(), journal.path):
        number = journal.add(run(APPLY), DONE, {})
    account_records.allowed(journal, number, DOMAIN, accounts)


def meant(journal: Journal, directory: str = DOMAIN) -> tuple[UUID, int] | None:
    account = known(journal, directory).meant_by("hv04", "hv04")
    return None if account is None else (account.guid, account.run)


def test_nothing_is_known_at_first(journal: Journal, tmp_path: Path) -> None:
    assert meant(journal) is None
    with closing(Journal.readable(tmp_path / "none", KINDS)) as absent:
        assert meant(absent) is None


def test_the_first_that_an_audit_sees_is_known_and_no_audit_changes_that(journal: Journal) -> None:
    """The scheduled audit's folder may hold no apply at all."""
    audited(journal, hv04(FIRST))
    for _ in range(3):
        audited(journal, hv04(SECOND))
    assert meant(journal) == (FIRST, 1)


def test_an_apply_makes_another_one_known(journal: Journal) -> None:
    audited(journal, hv04(FIRST))
    audited(journal, hv04(SECOND))
    applied(journal, hv04(SECOND))
    audited(journal, hv04(FIRST))
    assert meant(journal) == (SECOND, 3)


def test_and_back_to_one_that_was_restored(journal: Journal) -> None:
    applied(journal, hv04(FIRST))
    applied(journal, hv04(SECOND))
    applied(journal, hv04(FIRST))
    assert meant(journal) == (FIRST, 3)


def test_another_directory_is_another_world(journal: Journal) -> None:
    """An export may be older than the domain, and its objects with it."""
    audited(journal, hv04(FIRST))
    audited(journal, hv04(SECOND), directory="ldif:/exports/old.ldf")
    assert meant(journal) == (FIRST, 1)
    assert meant(journal, "ldif:/exports/old.ldf") == (SECOND, 2)


def test_names_that_are_made_of_names_are_not_kept(journal: Journal) -> None:
    """Of an export without objectGUID: its objects have numbers of their DN."""
    audited(journal, computer("HV04"))
    applied(journal, computer("HV04"))
    assert meant(journal) is None


def test_an_object_is_known_by_all_names_that_it_had_in_turn(journal: Journal) -> None:
    audited(journal, hv04(FIRST, dns_host_name="HV04.old.example"))
    applied(journal, hv04(FIRST))
    audited(journal, hv04(FIRST, account="HV90$"))
    assert known(journal, DOMAIN).called[FIRST] == (
        AccountName("hv04", "hv04.old.example"),
        AccountName("hv04", "HV04.corp.example".casefold()),
        AccountName("hv90", "hv04.corp.example"),
    )


def test_an_apply_that_went_by_exactly_these_names_is_remembered(journal: Journal) -> None:
    audited(journal, hv04(FIRST))
    assert not known(journal, DOMAIN).has_allowed(hv04(FIRST))
    applied(journal, hv04(FIRST))
    found = known(journal, DOMAIN)
    assert found.has_allowed(hv04(FIRST))
    assert not found.has_allowed(hv04(FIRST, dns_host_name="hv04.old.example"))
    assert not found.has_allowed(hv04(SECOND))


def test_an_old_journal_knows_what_it_has_written_to(tmp_path: Path) -> None:
    """By the inventory's labels: it recorded no names of accounts."""
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as db:
        db.executescript(OLD.read_text(encoding="utf-8"))
        # Its objects are those of an export without objectGUID, but for this one.
        db.execute("UPDATE changes SET guid = ? WHERE name = 'hv01'", [str(FIRST)])
        db.commit()
        [[directory]] = db.execute("SELECT DISTINCT directory FROM runs WHERE kind = 'apply'")
    with closing(Journal.writable(tmp_path, KINDS)) as journal:
        found = known(journal, directory)
    assert {label: it.guid for label, it in found.by_label.items()} == {"hv01": FIRST}
    assert found.by_name == {}
    assert all(it.is_allowed for it in found.by_label.values())
