"""A journal in which somebody has put what this program never writes: one error, in words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from delegation.changes.history import AccountOf, history, run_details
from delegation.changes.journal import Journal
from delegation.changes.past_settlements import SettlementAccount
from delegation.changes.run import SETTLE
from delegation.errors import JournalError
from delegation.mesh.past_runs import AuditAccount, delegation_to_json
from delegation.mesh.state import AUDIT, DELEGATION
from delegation.wiring import KINDS
from tests.changes.test_journal import done, gives, run

ACCOUNTS: dict[str, AccountOf] = {AUDIT: AuditAccount.of, SETTLE: SettlementAccount.of}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An apply, an audit, and what somebody said."""
    opened = Journal.writable(tmp_path, KINDS)
    done(opened, gives("hv01"))
    opened.add(run(AUDIT), "done", {"findings": 1})
    said = {"host": "hv01", "part": "", "seen": "it"}
    opened.add(run(SETTLE), "done", {"settles": 1, "said": "made", "evidence": [said]})
    yield opened
    opened.close()


def looked_at(journal: Journal) -> None:
    history(journal, ACCOUNTS).to_json()
    for number in (1, 2, 3):
        run_details(journal, number, ACCOUNTS, {DELEGATION.name: delegation_to_json}).to_json()
    journal.in_effect(1, DELEGATION)


def test_what_was_written_is_read(journal: Journal) -> None:
    looked_at(journal)


BYTES = [
    *(("runs", column) for column in ("who", "dc", "directory", "started", "finished", "ticket")),
    *(("runs", column) for column in ("account", "inventory_path", "asked", "left_out")),
    *(("changes", column) for column in ("name", "dn", "intended", "settled", "reason")),
]
EVIDENCE = '{"evidence": [{"host": "hv01", "part": 1, "seen": 2}]}'
ODD = [
    pytest.param("changes", "after", '{"values": ["\\ud800"], "uac": 4096}', 1, id="half a letter"),
    pytest.param("runs", "reverses", "x", 1, id="reverses no number"),
    pytest.param("runs", "summary", "[" * 100_000, 1, id="a deep summary"),
    pytest.param("runs", "back_to", "x", 1, id="back to no number"),
    pytest.param("runs", "asked", '{"limit": 5}', 1, id="a limit that is no text"),
    pytest.param("runs", "asked", '{"allow": [5]}', 1, id="an override that is no text"),
    pytest.param("runs", "left_out", '[{"hosts": 1, "why": 2}]', 1, id="hosts that are no text"),
    pytest.param("runs", "left_out", '["x"]', 1, id="what was left in no form"),
    pytest.param("changes", "said_in", "x", 1, id="a page that is no number"),
    pytest.param("runs", "summary", '{"findings": "x"}', 2, id="findings that are no number"),
    pytest.param("runs", "summary", '{"evidence": 5}', 3, id="evidence that is no list"),
    pytest.param("runs", "summary", EVIDENCE, 3, id="evidence that is no text"),
]


@pytest.mark.parametrize(
    ("table", "column", "value", "number"), [*((*place, b"\xff", 1) for place in BYTES), *ODD]
)
def test_what_was_not_is_one_error_in_words(
    journal: Journal, table: str, column: str, value: object, number: int
) -> None:
    key = "id" if table == "runs" else "run"
    journal.writing().execute("PRAGMA foreign_keys = OFF")
    statement = f"UPDATE {table} SET {column} = ? WHERE {key} = ?"  # noqa: S608
    journal.writing().execute(statement, (value, number))
    with pytest.raises(JournalError, match="can't be read") as refused:
        looked_at(journal)
    assert "restore a backup" in refused.value.fix
