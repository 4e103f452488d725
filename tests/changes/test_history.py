"""What a journal tells of its runs, with accounts of capabilities that are not there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from delegation.changes.history import became_to_json, history, run_details
from delegation.changes.journal import Journal
from delegation.changes.run import DONE, Run
from delegation.errors import UsageError
from delegation.mesh.state import APPLY, AUDIT, DELEGATION, ROLLBACK
from delegation.wiring import KINDS
from tests.changes.test_journal import done, gives, run


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.writable(tmp_path, KINDS)
    yield opened
    opened.close()


@dataclass(frozen=True)
class Account:
    """Of a run that somebody else tells of."""

    run: Run
    detailed: bool
    is_unsettled: bool
    tells_status: bool = True
    in_words: str = "found a lot"

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset({"hv77"})

    @property
    def advice(self) -> str:
        return f"look at run {self.run.id}"

    def summary_json(self) -> Mapping[str, Any]:
        return {"summary": {"much": 1}}

    def details_json(self) -> Mapping[str, Any]:
        return {"detailed": self.detailed}


def settled(journal: Journal, run: Run, *, detailed: bool) -> Account:
    return Account(run, detailed, is_unsettled=False)


def unsettled(journal: Journal, run: Run, *, detailed: bool) -> Account:
    return Account(run, detailed, is_unsettled=True)


def test_the_page_of_a_run_tells_what_it_came_to(journal: Journal) -> None:
    done(journal, gives("hv01"))
    done(journal, kind=ROLLBACK, reverses=1)
    view = history(journal, {})
    assert [one.in_words for one in view.runs] == ["done: nothing written"] * 2
    assert [one.kind for one in view.runs] == ["apply", "rollback of 1"]
    assert list(view.remarks()) == []


def test_a_run_without_an_end_is_unsettled(journal: Journal) -> None:
    journal.begin(run(), [gives("hv01")])
    view = history(journal, {APPLY: settled})
    assert view.runs[0].in_words == "UNSETTLED"
    assert view.to_json()["runs"][0]["unsettled"] is True
    assert list(view.remarks()) == [
        "an unsettled run may have written; the next apply or rollback looks at it"
    ]


def test_so_is_one_of_a_kind_that_nobody_knows(journal: Journal) -> None:
    number = journal.begin(run("shrink"), [gives("hv01")]).number
    view = history(journal, {})
    assert view.runs[0].in_words == "UNSETTLED"
    details = run_details(journal, number, {}, {})
    assert details.kind is None
    assert details.to_json()["changes"] == []


def test_an_audit_that_has_no_end_yet_is_not(journal: Journal) -> None:
    journal.add(run(AUDIT))
    assert not history(journal, {}).runs[0].is_unsettled


def test_whoever_made_a_run_tells_of_it(journal: Journal) -> None:
    journal.add(run(AUDIT), DONE, {"findings": 3})
    journal.add(run(AUDIT), DONE)
    view = history(journal, {AUDIT: unsettled})
    assert view.runs[0].in_words == "found a lot"
    assert view.to_json()["runs"][0]["summary"] == {"much": 1}
    assert view.to_json()["runs"][0]["unsettled"] is True
    assert list(view.remarks()) == ["look at run 2"]
    details = run_details(journal, 1, {AUDIT: settled}, {})
    assert details.to_json()["detailed"] is True
    facts = dict(details.facts())
    assert facts["result"] == "found a lot"
    assert "status" not in facts


def test_the_changes_of_one_run_are_told_by_their_kind(journal: Journal) -> None:
    number = done(journal, gives("hv01"), gives("hv02"))
    told = {DELEGATION.name: became_to_json}
    details = run_details(journal, number, {}, told)
    assert [one["result"] for one in details.to_json()["changes"]] == ["applied", "applied"]
    assert dict(details.facts())["status"] == DONE


def test_there_is_no_run_of_that_number(journal: Journal) -> None:
    with pytest.raises(UsageError, match="no run 1"):
        run_details(journal, 1, {}, {})
