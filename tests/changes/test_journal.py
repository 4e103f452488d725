"""The record of runs, on a real file, read back by another opening of it."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delegation.changes.journal import Journal
from delegation.changes.outcomes import Outcome, Result
from delegation.changes.plan import Change, Target
from delegation.changes.run import DONE, RUNNING, SETTLED, NewRun
from delegation.errors import JournalError, UsageError
from delegation.mesh import audits
from delegation.mesh.state import APPLY, AUDIT, DELEGATION, ROLLBACK, Delegation, DelegationChange
from delegation.wiring import KINDS
from tests.builders import DIRECTORY, DOMAIN, ENABLED, TRANSITION, change, computer, guid

ODD_VALUES = (
    "HTTP/caf\u00e9",
    "HTTP/cafe\u0301",
    "MSSQLSvc/\u5317\u4eac.corp.example:1433",
    "cifs/\U0001f5a7",
    "cifs/\u202ehv02",
    'cifs/"quoted"\\back\u2028slash',
    "cifs/nul\0inside",
    "CIFS/HV02",
    " cifs/hv03 ",
    "",
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.writable(tmp_path, KINDS)
    yield opened
    opened.close()


def run(kind: str = APPLY, **other: object) -> NewRun:
    begun = NewRun(kind, "corp.example", DOMAIN, DIRECTORY.dc, {"url": DIRECTORY.url})
    return replace(begun, **other)  # type: ignore[arg-type]


def gives(name: str, *values: str) -> DelegationChange:
    return change(computer(name), add=values or ("cifs/x",))


def done(
    journal: Journal,
    *changes: DelegationChange,
    kind: str = APPLY,
    result: Result = Result.APPLIED,
    **other: object,
) -> int:
    """A run that intended, made and settled all of its changes."""
    record = journal.begin(run(kind, **other), changes)
    record.intend(changes)
    record.settle([Outcome(c, result) for c in changes])
    record.finish(DONE, {"objects": len(changes)})
    return record.number


def rolled_back(journal: Journal, number: int, *names: str) -> int:
    """A rollback of what the run has in effect, on these hosts only where any are named."""
    changes = [
        c.reversed()
        for c in journal.in_effect(number, DELEGATION)
        if not names or c.target.name in names
    ]
    return done(journal, *changes, kind=ROLLBACK, reverses=number)


def in_effect(journal: Journal, number: int) -> list[str]:
    return [change.target.name for change in journal.in_effect(number, DELEGATION)]


# What is recorded


def test_a_run_is_read_back_as_it_was_begun_and_finished(journal: Journal, tmp_path: Path) -> None:
    begun = run(
        inventory_digest="sha256:1", plan_digest="sha256:2", ticket="CHG-1 \u2713", reverses=None
    )
    record = journal.begin(begun, [gives("hv01")])
    [found] = Journal.readable(tmp_path, KINDS).runs()
    assert (found.id, found.status, found.finished) == (record.number, RUNNING, None)
    assert found.ticket == "CHG-1 \u2713"
    assert found.connection == {"url": DIRECTORY.url}
    assert found.who
    assert found.started.endswith("+00:00")
    record.finish(DONE, {"applied": 1})
    found = Journal.readable(tmp_path, KINDS).run(record.number)
    assert (found.status, found.summary) == (DONE, {"applied": 1})
    assert found.finished
    assert found.finished >= found.started


def test_runs_are_numbered_in_their_order(journal: Journal) -> None:
    numbers = [journal.begin(run()).number for _ in range(3)]
    assert numbers == [1, 2, 3]
    assert [found.id for found in journal.runs()] == numbers


def test_a_run_that_is_not_there_is_a_usage_error(journal: Journal) -> None:
    with pytest.raises(UsageError, match="no run 7"):
        journal.run(7)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    before=st.lists(st.sampled_from(ODD_VALUES) | st.text(max_size=20), unique=True),
    after=st.lists(st.sampled_from(ODD_VALUES) | st.text(max_size=20), unique=True),
    uac=st.integers(0, 0x7FFFFFFF),
)
def test_states_survive_byte_for_byte(
    journal: Journal, tmp_path: Path, before: list[str], after: list[str], uac: int
) -> None:
    target = Target("hv01", "CN=H\u00e9,OU=\u5317,DC=corp,DC=example", uuid4())
    written = Change(target, Delegation(tuple(before), uac), Delegation(tuple(after), uac ^ 1))
    number = journal.begin(run(), [written]).number
    [recorded] = Journal.readable(tmp_path, KINDS).changes(number, DELEGATION)
    assert recorded.change == written
    assert [v.encode() for v in recorded.change.before.values] == [v.encode() for v in before]


def test_changes_come_in_the_order_of_the_plan(journal: Journal) -> None:
    changes = [gives(name) for name in ("hv03", "hv01", "hv02")]
    number = journal.begin(run(), changes).number
    assert [r.change.target.name for r in journal.changes(number, DELEGATION)] == [
        "hv03",
        "hv01",
        "hv02",
    ]


def test_text_that_is_no_unicode_is_refused_before_anything_is_recorded(journal: Journal) -> None:
    """Such a ticket comes from a terminal in another encoding."""
    with pytest.raises(JournalError, match="Unicode"):
        journal.begin(run(ticket="CHG \udcff"))
    assert journal.runs() == []
    assert journal.begin(run()).number


# Lifecycle of a change


def test_a_change_goes_from_planned_to_intended_to_settled(journal: Journal) -> None:
    one, two = gives("hv01"), gives("hv02")
    record = journal.begin(run(), [one, two])
    assert [(r.intended, r.result, r.unsettled) for r in journal.changes(1, DELEGATION)] == [
        (None, None, False)
    ] * 2
    record.intend([one])
    assert [r.unsettled for r in journal.changes(1, DELEGATION)] == [True, False]
    record.settle([Outcome(one, Result.REFUSED, "conflict")])
    [first, second] = journal.changes(1, DELEGATION)
    assert (first.result, first.reason, first.unsettled) == (Result.REFUSED, "conflict", False)
    assert first.settled
    assert (second.intended, second.result) == (None, None)


@pytest.mark.parametrize("result", list(Result))
def test_every_result_is_read_back(journal: Journal, result: Result) -> None:
    done(journal, gives("hv01"), result=result)
    assert journal.changes(1, DELEGATION)[0].result is result
    assert in_effect(journal, 1) == (["hv01"] if result is Result.APPLIED else [])


def test_a_change_is_told_by_its_object_not_by_its_name(journal: Journal) -> None:
    same = [
        change(computer("hv01"), add=["cifs/x"]),
        change(computer("hv01", base="DC=b"), add=["cifs/x"]),
    ]
    record = journal.begin(run(), same)
    record.intend(same[1:])
    assert [r.unsettled for r in journal.changes(1, DELEGATION)] == [False, True]


# Unsettled runs


def test_a_run_that_did_not_come_to_its_end_is_unsettled(journal: Journal) -> None:
    record = journal.begin(run(), [gives("hv01")])
    assert [r.id for r in journal.unsettled()] == [1]
    record.finish("interrupted", {})
    assert journal.unsettled() == []


def test_a_run_with_an_intent_without_an_outcome_is_unsettled_even_when_it_ended(
    journal: Journal,
) -> None:
    one, two = gives("hv01"), gives("hv02")
    record = journal.begin(run(), [one, two])
    record.intend([one, two])
    record.settle([Outcome(one, Result.APPLIED)])
    record.finish("failed", {})
    assert [r.id for r in journal.unsettled()] == [1]
    page = journal.reopen(1, DELEGATION)
    page.settle([Outcome(two, Result.UNKNOWN, "nobody can tell")])
    page.finish(SETTLED, {})
    assert [r.id for r in journal.unsettled()] == [1], "what nobody can tell is never the end"
    page.settle([Outcome(two, Result.REFUSED, "found not made")])
    assert journal.unsettled() == []
    assert in_effect(journal, 1) == ["hv01"]


def test_an_audit_is_never_unsettled(journal: Journal) -> None:
    journal.begin(run(AUDIT))
    assert journal.unsettled() == []


def test_unsettled_rollbacks_count_as_well(journal: Journal) -> None:
    journal.begin(run(ROLLBACK))
    assert [r.kind for r in journal.unsettled()] == [ROLLBACK]


# What is in effect


def test_what_was_applied_is_in_effect_until_it_is_rolled_back(journal: Journal) -> None:
    number = done(journal, gives("hv01"), gives("hv02"))
    assert in_effect(journal, number) == ["hv01", "hv02"]
    rolled_back(journal, number)
    assert in_effect(journal, number) == []


def test_a_rollback_in_part_leaves_the_rest_in_effect(journal: Journal) -> None:
    number = done(journal, gives("hv01"), gives("hv02"))
    rolled_back(journal, number, "hv02")
    assert in_effect(journal, number) == ["hv01"]
    rolled_back(journal, number)
    assert in_effect(journal, number) == []


def test_a_rollback_that_failed_takes_nothing_back(journal: Journal) -> None:
    number = done(journal, gives("hv01"))
    back = [c.reversed() for c in journal.in_effect(number, DELEGATION)]
    done(journal, *back, kind=ROLLBACK, reverses=number, result=Result.REFUSED)
    assert in_effect(journal, number) == ["hv01"]


def test_a_rollback_of_a_rollback_puts_the_run_into_effect_again(journal: Journal) -> None:
    first = done(journal, gives("hv01"), gives("hv02"))
    second = rolled_back(journal, first)
    third = rolled_back(journal, second, "hv01")
    assert in_effect(journal, first) == ["hv01"]
    assert in_effect(journal, second) == ["hv02"]
    rolled_back(journal, third)
    assert in_effect(journal, first) == []
    assert in_effect(journal, second) == ["hv01", "hv02"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.integers(0, 30), max_size=8))
def test_in_effect_is_what_a_directory_would_show(tmp_path: Path, picks: Sequence[int]) -> None:
    """One object; any run that is in effect may be rolled back, the newest first or not."""
    folder = tmp_path / str(uuid4())
    journal = Journal.writable(folder, KINDS)
    reverses: dict[int, int | None] = {done(journal, gives("hv01")): None}
    for pick in picks:
        candidates = [number for number in reverses if in_effect(journal, number)]
        if not candidates:
            break
        chosen = candidates[pick % len(candidates)]
        reverses[rolled_back(journal, chosen)] = chosen

    def shown(number: int) -> bool:
        return not any(shown(later) for later, of in reverses.items() if of == number)

    assert {n: bool(in_effect(journal, n)) for n in reverses} == {n: shown(n) for n in reverses}
    journal.close()


# Which run a rollback takes


def test_the_newest_apply_that_is_not_undone_is_undoable(journal: Journal) -> None:
    assert journal.undoable(None, DELEGATION) is None
    first = done(journal, gives("hv01"))
    second = done(journal, gives("hv02"))
    done(journal, gives("hv03"), kind=AUDIT)
    assert (found := journal.undoable(None, DELEGATION))
    assert found.id == second
    rolled_back(journal, second)
    assert (found := journal.undoable(None, DELEGATION))
    assert found.id == first
    rolled_back(journal, first)
    assert journal.undoable(None, DELEGATION) is None


def test_an_apply_that_wrote_nothing_is_not_undoable(journal: Journal) -> None:
    done(journal)
    done(journal, gives("hv01"), result=Result.FAILED)
    assert journal.undoable(None, DELEGATION) is None


def test_an_apply_that_may_have_written_is_undoable(journal: Journal) -> None:
    done(journal, gives("hv01"))
    record = journal.begin(run(), [gives("hv02")])
    record.intend([gives("hv02")])
    assert (found := journal.undoable(None, DELEGATION))
    assert found.id == record.number


def test_a_run_on_another_directory_is_not_undoable_here(journal: Journal) -> None:
    first = done(journal, gives("hv01"))
    done(journal, gives("hv01"), directory="ldif:/tmp/export.ldif")
    assert (found := journal.undoable("corp.example", DELEGATION))
    assert found.id == first
    assert journal.undoable("lab.example", DELEGATION) is None
    assert (found := journal.undoable(None, DELEGATION))
    assert found.directory == "ldif:/tmp/export.ldif"


# Which run wrote a value


def test_the_newest_run_that_added_a_value_wrote_it(journal: Journal) -> None:
    done(journal, gives("hv01", "cifs/x", "CIFS/Y"))
    done(journal, gives("hv01", "cifs/x"))
    done(journal, gives("hv01", "cifs/z"), result=Result.REFUSED)
    done(journal, gives("hv02", "cifs/q"))
    hv01 = computer("hv01").guid
    assert audits.writers_of(journal, [hv01]) == {(hv01, "cifs/x"): 2, (hv01, "cifs/y"): 1}
    assert audits.writers_of(journal, []) == {}


def test_a_value_that_was_there_before_was_not_written(journal: Journal) -> None:
    done(journal, change(computer("hv01", "cifs/old"), add=["cifs/x"], uac=ENABLED | TRANSITION))
    assert set(audits.writers_of(journal, [computer("hv01").guid]).values()) == {1}
    assert (computer("hv01").guid, "cifs/old") not in audits.writers_of(
        journal, [computer("hv01").guid]
    )


# Reading and writing


def test_a_journal_that_does_not_exist_yet_is_empty_and_is_not_made_by_reading(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "state"
    journal = Journal.readable(folder, KINDS)
    assert journal.runs() == []
    assert journal.unsettled() == []
    assert journal.changes(1, DELEGATION) == []
    assert journal.undoable(None, DELEGATION) is None
    assert audits.writers_of(journal, [guid("hv01")]) == {}
    journal.close()
    assert not folder.exists()


def test_a_journal_that_is_only_read_cannot_be_written(journal: Journal, tmp_path: Path) -> None:
    journal.begin(run())
    reader = Journal.readable(tmp_path, KINDS)
    with pytest.raises(JournalError, match="readonly"):
        reader.begin(run())
    with pytest.raises(RuntimeError):
        Journal.readable(tmp_path / "other", KINDS).begin(run())
    reader.close()


def test_a_reader_sees_what_is_written_while_it_looks(journal: Journal, tmp_path: Path) -> None:
    journal.begin(run())
    reader = Journal.readable(tmp_path, KINDS)
    assert len(reader.runs()) == 1
    journal.begin(run())
    assert len(reader.runs()) == 2
    reader.close()


def test_a_closed_journal_gives_an_error_in_words(journal: Journal) -> None:
    journal.close()
    with pytest.raises(JournalError):
        journal.runs()


class Counting(Journal):
    reads = 0

    def changes(self, run: int, kind: Any) -> Any:
        self.reads += 1
        return super().changes(run, kind)


def test_rollbacks_over_rollbacks_are_looked_at_once_each(tmp_path: Path) -> None:
    """Each of these reverses most of those before it: there are many ways from one to another."""
    with closing(Counting.writable(tmp_path, KINDS)) as opened:
        journal = Counting(tmp_path, opened.writing(), KINDS)
        done(journal, gives("hv01"))
        for number in range(2, 26):
            done(journal, kind=ROLLBACK, back_to=number // 2 - 1)
        assert in_effect(journal, 1) == ["hv01"]
        assert journal.reads < 1_000


def test_unsettled_runs_are_found_without_reading_what_others_wrote(tmp_path: Path) -> None:
    """States are most of a journal: to read all that were ever written took longer every night."""
    asked: list[str] = []
    with closing(Journal.writable(tmp_path, KINDS)) as journal:
        journal.writing().set_trace_callback(asked.append)
        assert journal.unsettled(DELEGATION) == []
        journal.writing().set_trace_callback(None)
        (query,) = asked
        steps = [row["detail"] for row in journal.rows(f"EXPLAIN QUERY PLAN {query}")]
    found = [step for step in steps if "changes" in step]
    assert [step.rpartition(" ")[2] for step in found] == ["unsettled_changes", "unknown_changes"]
