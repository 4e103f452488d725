"""An audit as a use case: the order of its steps, what it tells, and that it can't write."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from delegation.changes import store
from delegation.directory.offline import OfflineReader
from delegation.errors import Busy, DirectoryError, UsageError
from delegation.events import Event, Progress, Remark
from delegation.mesh.audit_events import (
    AuditNotRecorded,
    BaselineAssumed,
    BaselineLate,
    FindingsNotKept,
    NothingKeptBefore,
    NothingToCompareWith,
    OutsideUnread,
    UnsettledRuns,
)
from delegation.mesh.audit_view import AuditVerdict, AuditView, OutsideLook, Threshold
from delegation.mesh.auditing import AuditRequest, AuditWorld, audit
from delegation.mesh.delegator import Delegator
from delegation.mesh.seams import Inspector
from delegation.wiring import World
from tests.cli.world import finished, plain
from tests.mesh.worlds import Heard, contents, world

EVERYTHING = AuditRequest()
NEW = AuditRequest(new_only=True)


def ran(where: World, request: AuditRequest = EVERYTHING) -> AuditView:
    """What was delivered is what it gives."""
    delivered: list[AuditView] = []
    view = audit(where, request, delivered.append)
    assert delivered == [view]
    return view


@pytest.fixture
def drifted(tmp_path: Path) -> tuple[World, Heard]:
    """Three hosts that hold nothing yet."""
    return world(tmp_path, plain())


def test_its_world_has_no_write() -> None:
    abilities = {name for name in dir(AuditWorld) if not name.startswith("_")}
    assert abilities == {
        "audited_as",
        "connection_record",
        "recorded_as",
        "inventory",
        "now",
        "reading",
        "records",
        "teller",
        "today",
    }


def test_the_verdict_is_a_value(tmp_path: Path, drifted: tuple[World, Heard]) -> None:
    assert ran(drifted[0]).verdict is AuditVerdict.FAILING
    clean, _ = world(tmp_path, finished())
    assert ran(clean).verdict is AuditVerdict.CLEAN
    assert ran(clean, AuditRequest(fail_on=Threshold.LOW)).verdict is AuditVerdict.CLEAN


def test_the_level_goes_by_what_is_told() -> None:
    assert EVERYTHING.threshold is Threshold.HIGH
    assert NEW.threshold is Threshold.MEDIUM
    assert AuditRequest(new_only=True, fail_on=Threshold.NEVER).threshold is Threshold.NEVER


def test_hosts_that_nobody_knows_are_refused_before_anything_is_read(
    tmp_path: Path, drifted: tuple[World, Heard]
) -> None:
    (tmp_path / "directory.ldif").unlink()
    with pytest.raises(UsageError, match="hv77"):
        ran(drifted[0], AuditRequest(limit="hv77"))


def test_what_could_not_be_told_is_told_the_next_time(drifted: tuple[World, Heard]) -> None:
    """The record comes last: an output that fails would else silence its findings for good."""
    where, _ = drifted

    def full_disk(view: AuditView) -> None:
        raise OSError(f"no room for {view.title}")

    with pytest.raises(OSError, match="no room"):
        audit(where, NEW, full_disk)
    assert ran(where, NEW).findings == ran(where, EVERYTHING).findings
    assert ran(where, NEW).findings == ()


def test_it_tells_under_the_lock_of_those_that_compare(drifted: tuple[World, Heard]) -> None:
    where, _ = drifted

    def meanwhile(_view: AuditView) -> None:
        with pytest.raises(Busy):
            ran(where, NEW)
        ran(where, EVERYTHING)

    audit(where, NEW, meanwhile)


def test_it_leaves_a_page_in_the_journal_and_nothing_else(
    tmp_path: Path, drifted: tuple[World, Heard]
) -> None:
    before = contents(tmp_path)
    ran(drifted[0])
    assert contents(tmp_path, "journal.sqlite", "journal.sqlite-journal") == before
    with drifted[0].records.reading() as journal:
        [run] = journal.runs()
    assert (run.kind, run.status, run.summary["drift"]) == ("audit", "done", True)


def test_a_journal_that_cannot_be_read_is_told_where_it_matters(
    tmp_path: Path, drifted: tuple[World, Heard]
) -> None:
    where, heard = drifted
    ran(where)
    heard.events.clear()
    (tmp_path / ".delegation" / "journal.sqlite").write_bytes(b"no database " * 1000)
    ran(where, EVERYTHING)
    told: list[type] = [type(event) for event in heard.events]
    assert told == [Remark, AuditNotRecorded]
    assert "no account is compared with the one that was known before" in heard.lines[0]
    heard.events.clear()
    ran(where, NEW)
    kinds: list[type] = [type(event) for event in heard.events]
    assert kinds == [Remark, NothingToCompareWith, AuditNotRecorded]


def test_words_of_the_warnings() -> None:
    """Each is one line, without a full stop, as every warning."""
    events: list[Event] = [
        NothingToCompareWith("it is gone"),
        NothingKeptBefore("it is gone"),
        OutsideUnread("it took too long"),
        AuditNotRecorded("it is gone"),
        FindingsNotKept(),
        BaselineAssumed(),
        BaselineLate("/srv/farm.yaml", "2026-06-14T01:02:03.000+00:00", timedelta(days=1)),
        UnsettledRuns((3, 12)),
    ]
    lines = [line for event in events for line in event.words()]
    assert len(lines) == len(events)
    assert not any(line.endswith(".") for line in lines)
    assert lines[-1] == "run 3, 12 has not come to its end, or is in doubt; see delegation history"


def test_where_nothing_can_be_locked_it_audits_all_the_same(
    tmp_path: Path, drifted: tuple[World, Heard]
) -> None:
    where, heard = drifted
    (tmp_path / ".delegation").write_text("a file where the state folder should be")
    assert ran(where, NEW).since is None
    assert [type(event) for event in heard.events][-1] is AuditNotRecorded
    assert store.AUDITING == "audit.lock"


class Endless(World):
    """A domain so large that the search of it fails; its hosts are read all the same."""

    @contextmanager
    def reading(self) -> Iterator[Inspector]:
        with super().reading() as inspector:

            class Asked(OfflineReader):
                def delegators(self, known: int, progress: Progress) -> list[Delegator]:
                    raise DirectoryError(f"{known} hosts among too many", str(progress))

            assert isinstance(inspector, OfflineReader)
            yield Asked(self.places.inventory.parent / "directory.ldif", self.domain)


def test_a_domain_that_can_not_be_searched_is_unknown_and_not_clean(tmp_path: Path) -> None:
    where, heard = world(tmp_path, finished(), kind=Endless)
    view = ran(where)
    assert (view.verdict, view.outside) == (AuditVerdict.UNREAD, OutsideLook.UNREAD)
    assert view.to_json()["outside"] == "unread"
    kinds: list[type] = [type(event) for event in heard.events]
    assert kinds == [OutsideUnread, Remark], "the state folder is new, too"
    assert "3 hosts among too many" in heard.lines[0]
    inside = ran(where, AuditRequest(inside_only=True))
    assert (inside.verdict, inside.outside) == (AuditVerdict.CLEAN, OutsideLook.LEFT_OUT)
    drifting, _ = world(tmp_path, plain(), kind=Endless)
    assert ran(drifting).verdict is AuditVerdict.FAILING
