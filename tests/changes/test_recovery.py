"""Runs that have no end, with a record that has lost what was committed last; a real journal."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from uuid import UUID

import pytest

from delegation.changes.carry import recover_run
from delegation.changes.doubt import doubt_of
from delegation.changes.journal import Journal
from delegation.changes.outcomes import Absent, Outcome, Result
from delegation.changes.plan import Target
from delegation.changes.run import INTERRUPTED, SETTLED
from delegation.events import Event, Silence
from delegation.mesh.state import DELEGATION, Delegation, DelegationChange
from delegation.wiring import KINDS
from tests.builders import MemoryDirectory, change, computer
from tests.changes.test_journal import run

HOSTS = ("hv01", "hv02", "hv03")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.writable(tmp_path, KINDS)
    yield opened
    opened.close()


class Distant(MemoryDirectory):
    """Of which one object can't be got at."""

    unreachable = ""

    def look(self, targets: Collection[Target]) -> Mapping[UUID, Delegation | Absent]:
        found = dict(super().look(targets))
        for target in targets:
            if target.name == self.unreachable:
                found[target.guid] = Absent("no answer", for_good=False)
        return found


class Heard(Silence):
    """What was said, in words."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def say(self, event: Event) -> None:
        self.words += event.words()


@pytest.fixture
def directory() -> Distant:
    return Distant([computer(name) for name in HOSTS])


@pytest.fixture
def changes(journal: Journal) -> list[DelegationChange]:
    """Of a run that began, and died."""
    planned = [change(computer(name), add=["cifs/x", "cifs/y"]) for name in HOSTS]
    journal.begin(run(), planned)
    return planned


def recovered(journal: Journal, directory: MemoryDirectory) -> str:
    """What is told."""
    heard = Heard()
    recover_run(journal, journal.run(1), DELEGATION, directory, heard)
    return "\n".join(heard.words)


def results(journal: Journal) -> list[Result | None]:
    return [recorded.result for recorded in journal.changes(1, DELEGATION)]


def test_what_is_found_made_without_an_intent_is_in_doubt_and_never_ours(
    journal: Journal, directory: Distant, changes: list[DelegationChange]
) -> None:
    """As after a power cut that took the intent: 0.1.0 said of it that nothing was written."""
    directory.modify(changes[1])
    assert "can't be told: hv02" in recovered(journal, directory)
    assert results(journal) == [None, Result.UNKNOWN, None]
    assert journal.changes(1, DELEGATION)[1].reason.startswith("found made, but there is no record")
    assert journal.in_effect(1, DELEGATION) == []
    assert journal.run(1).status == SETTLED
    assert journal.run(1).summary == {"objects": 3, "unknown": 1}
    assert [it.id for it in journal.unsettled()] == [1]


def test_so_is_what_is_found_made_in_part(
    journal: Journal, directory: Distant, changes: list[DelegationChange]
) -> None:
    directory.modify(changes[0])
    directory.edit("hv01", remove=["cifs/x"])
    assert "can't be told: hv01" in recovered(journal, directory)
    assert results(journal) == [Result.UNKNOWN, None, None]


def test_what_has_an_intent_is_told_beside_what_has_none(
    journal: Journal, directory: Distant, changes: list[DelegationChange]
) -> None:
    journal.reopen(1, DELEGATION).intend(changes[:1])
    directory.modify(changes[0])
    directory.modify(changes[1])
    recovered(journal, directory)
    assert results(journal) == [Result.APPLIED, Result.UNKNOWN, None]
    assert [it.target.name for it in journal.in_effect(1, DELEGATION)] == ["hv01"]


def test_where_nothing_was_made_nothing_is_in_doubt(
    journal: Journal, directory: Distant, changes: list[DelegationChange]
) -> None:
    assert "nothing was under way" in recovered(journal, directory)
    assert results(journal) == [None, None, None]
    assert journal.unsettled() == []


def test_what_is_not_found_by_its_guid_is_in_doubt_until_it_is_back(
    journal: Journal, directory: Distant, changes: list[DelegationChange]
) -> None:
    """It may have been written, and lie in the recycle bin, where nobody here sees it."""
    journal.reopen(1, DELEGATION).intend(changes[:1])
    directory.modify(changes[0])
    bin_of = {name: directory.accounts[changes[i].target.guid] for i, name in ((0, "1"), (2, "3"))}
    directory.delete("hv01")
    directory.delete("hv03")
    assert "can't be told: hv[01,03]" in recovered(journal, directory)
    assert results(journal) == [Result.UNKNOWN, None, Result.UNKNOWN]
    assert journal.changes(1, DELEGATION)[0].reason == "not found by its GUID"
    for account in bin_of.values():
        directory.accounts[account.guid] = account
    recovered(journal, directory)
    assert results(journal) == [Result.APPLIED, None, Result.REFUSED]
    assert journal.unsettled() == []


def test_a_run_is_in_doubt_until_all_of_it_was_looked_at(
    journal: Journal, directory: Distant, changes: list[DelegationChange]
) -> None:
    directory.modify(changes[1])
    directory.unreachable = "hv02"
    assert "can't be told: hv02" in recovered(journal, directory)
    assert results(journal) == [None, Result.UNKNOWN, None]
    assert [it.target.name for it in doubt_of(journal, 1, DELEGATION).changes] == ["hv02"]
    directory.unreachable = ""
    recovered(journal, directory)
    assert journal.run(1).status == SETTLED
    assert results(journal) == [None, Result.UNKNOWN, None]
    assert journal.changes(1, DELEGATION)[1].reason.startswith("found made, but there is no record")


def test_a_run_that_came_to_an_end_is_asked_for_its_intents_alone(
    journal: Journal, directory: Distant, changes: list[DelegationChange]
) -> None:
    """What it left out it knew to leave out; it may have been made by a later run."""
    record = journal.reopen(1, DELEGATION)
    record.intend(changes[:1])
    record.finish(INTERRUPTED, {})
    directory.modify(changes[1])
    recovered(journal, directory)
    assert results(journal) == [Result.REFUSED, None, None]


def test_what_was_settled_before_stays(
    journal: Journal, directory: Distant, changes: list[DelegationChange]
) -> None:
    record = journal.reopen(1, DELEGATION)
    record.settle([Outcome(changes[0], Result.REFUSED, "conflict")])
    directory.modify(changes[0])
    recovered(journal, directory)
    assert results(journal) == [Result.REFUSED, None, None]
