"""What can't be told stays in doubt: what proves a write, what is left, what a person says."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from delegation.changes.carry import recover_run
from delegation.changes.doubt import doubt_of
from delegation.changes.evidence import what_became_of
from delegation.changes.outcomes import Outcome, Result
from delegation.changes.records import Records
from delegation.changes.run import SETTLE, SETTLED, Run
from delegation.changes.settlement import Said, SettlementView
from delegation.changes.verbs import Carried
from delegation.errors import (
    ConnectionFailed,
    DelegationError,
    JournalError,
    Refused,
    UsageError,
)
from delegation.events import Event, Silence
from delegation.mesh.mesh_verbs import roll_back_mesh, settle_mesh
from delegation.mesh.seams import Writer
from delegation.mesh.snapshot import Computer, Directory
from delegation.mesh.state import (
    DELEGATION,
    ROLLBACK,
    Delegation,
    DelegationChange,
    DelegationPlan,
)
from delegation.wiring import KINDS
from tests.builders import (
    DIRECTORY,
    ENABLED,
    TRANSITION,
    MemoryDirectory,
    change,
    computer,
    forms,
)
from tests.changes.test_journal import done, run

PEERS = ("hv02", "hv03", "hv04", "hv05", "hv06")
VALUES = tuple(value for peer in PEERS for value in forms(peer))
HV01 = computer("hv01", "cifs/hv99")
GIVEN = change(HV01, add=VALUES, uac=ENABLED | TRANSITION)
"""The mesh of six, on one of them: 20 values and the flag."""
CLEANED = change(HV01, add=VALUES, remove=["cifs/hv99"], uac=ENABLED | TRANSITION)
PAIR = change(HV01, add=forms("hv02"), uac=ENABLED | TRANSITION)


def found(
    *values: str, without: tuple[str, ...] = (), uac: int = ENABLED | TRANSITION
) -> Delegation:
    """An object that has these values, but for some."""
    return Delegation(tuple(value for value in values if value not in without), uac)


MIXES = [
    pytest.param(GIVEN, found(*VALUES, "HTTP/x"), Result.APPLIED, id="all, and one of others"),
    pytest.param(
        GIVEN, found(*VALUES, without=("cifs/hv02",)), Result.APPLIED, id="a colleague took one"
    ),
    pytest.param(
        GIVEN, found(*VALUES, without=forms("hv02")), Result.UNKNOWN, id="all towards a peer gone"
    ),
    pytest.param(GIVEN, found(*VALUES, uac=ENABLED), Result.UNKNOWN, id="all but the flag"),
    pytest.param(
        CLEANED, found(*VALUES, "cifs/hv99"), Result.UNKNOWN, id="all but what a rule removes"
    ),
    pytest.param(
        PAIR, found(*forms("hv02"), without=("cifs/hv02",)), Result.UNKNOWN, id="few, and one gone"
    ),
    pytest.param(GIVEN, found("cifs/hv02", uac=ENABLED), Result.UNKNOWN, id="a colleague made one"),
    pytest.param(GIVEN, found(*forms("hv02")), Result.UNKNOWN, id="a colleague made a pair"),
    pytest.param(GIVEN, found("HTTP/x", uac=ENABLED), Result.REFUSED, id="nothing of it"),
    pytest.param(CLEANED, found("cifs/hv99", uac=ENABLED), Result.REFUSED, id="all as before"),
    pytest.param(CLEANED, found(uac=ENABLED), Result.UNKNOWN, id="a value to remove is gone"),
]


@pytest.mark.parametrize(("made", "now", "result"), MIXES)
def test_what_nobody_else_leaves_proves_a_write(
    made: DelegationChange, now: Delegation, result: Result
) -> None:
    assert what_became_of(made, now)[0] is result


def test_what_other_runs_wrote_since_proves_nothing() -> None:
    """Else an apply that repairs an object would settle what it was in doubt of before."""
    now = found(*VALUES)
    by_others = {value.casefold() for value in forms("hv02")}
    assert what_became_of(GIVEN, now, by_others)[0] is Result.UNKNOWN
    assert what_became_of(GIVEN, now, {"cifs/hv02"})[0] is Result.APPLIED


# On one domain controller, or two


class Told(Silence):
    """What was said and shown."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.views: list[object] = []

    def say(self, event: Event) -> None:
        self.words += event.words()

    def show(self, view: object) -> None:
        self.views.append(view)


class UndoHere:
    """Two domain controllers in memory, of which the first made the runs, and may be gone."""

    directory_meant = "corp.example"

    def __init__(self, folder: Path, accounts: list[Computer]) -> None:
        self.teller = Told()
        self.records = Records(folder, KINDS, self.teller)
        self.dc1 = MemoryDirectory(accounts)
        second = DIRECTORY._replace(url="ldaps://dc2.corp.example", dc="dc2.corp.example")
        self.dc2 = MemoryDirectory(accounts, second)
        self.elsewhere: str | None = None
        self.is_gone = False

    @contextmanager
    def writing_back(self, run: Run) -> Iterator[Writer]:
        if self.elsewhere is None and self.is_gone:
            raise ConnectionFailed(f"{run.dc} does not answer")
        yield self.dc1 if self.elsewhere is None else self.dc2

    def connection_record_of(self, run: Run, directory: Directory) -> Mapping[str, Any]:  # noqa: ARG002
        return {"url": directory.url}

    def write_undo_file(self, run: Run, plan: DelegationPlan) -> None:
        pass

    def died(self, *changes: DelegationChange, made: int) -> None:
        """A run that intended all of them, made some, and was killed."""
        with self.records.recording() as journal:
            record = journal.begin(run(), changes)
            record.intend(changes)
        for one in changes[:made]:
            self.dc1.modify(one)

    def back(self, number: int | None = 1) -> Carried[Delegation]:
        return roll_back_mesh(self, self.records, None, run=number)

    def says(self, hosts: str, said: Said, number: int = 1) -> SettlementView:
        return settle_mesh(self, self.records, None, run=number, hosts=hosts, said=said)

    @property
    def results(self) -> list[Result | None]:
        with self.records.reading() as journal:
            return [recorded.result for recorded in journal.changes(1, DELEGATION)]

    @property
    def runs(self) -> list[Run]:
        with self.records.reading() as journal:
            return journal.runs()

    @property
    def in_doubt(self) -> list[str]:
        with self.records.reading() as journal:
            doubt = doubt_of(journal, 1, DELEGATION)
        return [doubtful.target.name for doubtful in doubt.changes]


HV02 = computer("hv02")
OTHER = change(HV02, add=("cifs/hv01",))


@pytest.fixture
def world(tmp_path: Path) -> UndoHere:
    return UndoHere(tmp_path, [HV01, HV02])


@pytest.fixture
def doubtful(world: UndoHere) -> UndoHere:
    """A killed run that made both, and a colleague who took back a whole pair."""
    world.died(GIVEN, OTHER, made=2)
    world.dc1.edit("hv01", remove=forms("hv02"))
    return world


def test_a_rollback_takes_back_the_rest_and_names_what_is_in_doubt(doubtful: UndoHere) -> None:
    """0.1.0 recorded hv01 as unknown for good, and ended well without it."""
    carried = doubtful.back(None)
    assert not carried.complete
    assert carried.unreached == {"hv01"}
    assert "in doubt whether run 1 changed it" in carried.planned.unreached["hv01"].what
    assert "delegation settle 1 --host hv01 --as" in carried.planned.unreached["hv01"].fix
    assert doubtful.dc1["hv02"].values == ()
    assert doubtful.in_doubt == ["hv01"]
    with pytest.raises(DelegationError, match="nothing of run 1 can be taken back now"):
        doubtful.back(None)
    with pytest.raises(DelegationError, match="nothing of run 1 can be taken back now"):
        doubtful.back(1)


def test_a_later_look_may_tell(doubtful: UndoHere) -> None:
    doubtful.back()
    doubtful.dc1.edit("hv01", add=forms("hv02"))
    assert doubtful.back().complete
    assert doubtful.dc1["hv01"] == HV01
    assert doubtful.results == [Result.APPLIED, Result.APPLIED]


def test_what_is_as_before_again_is_settled(doubtful: UndoHere) -> None:
    doubtful.dc1.put(HV01)
    assert doubtful.back().complete
    assert doubtful.results == [Result.REFUSED, Result.APPLIED]
    assert doubtful.in_doubt == []


def test_said_to_be_made_what_is_left_of_it_is_taken_back(doubtful: UndoHere) -> None:
    view = doubtful.says("hv01", Said.MADE)
    assert "17 of 21 parts are as written" in view.evidence[0].seen
    assert view.place == "dc1.corp.example"
    assert doubtful.results[0] is Result.APPLIED
    assert doubtful.in_doubt == []
    assert doubtful.back().complete
    assert doubtful.dc1["hv01"] == HV01


def test_said_to_be_not_made_it_is_out_of_effect(doubtful: UndoHere) -> None:
    left = doubtful.dc1["hv01"]
    doubtful.says("HV01", Said.NOT_MADE)
    assert doubtful.back().complete
    assert doubtful.dc1["hv01"] == left
    assert doubtful.results == [Result.REFUSED, Result.APPLIED]


def test_who_said_it_and_what_was_seen_is_on_record(doubtful: UndoHere) -> None:
    doubtful.says("hv01", Said.MADE)
    page = doubtful.runs[1]
    assert (page.kind, page.dc, page.status) == (SETTLE, "dc1.corp.example", "done")
    assert page.who
    assert page.started
    assert page.summary["settles"] == 1
    assert page.summary["said"] == "made"
    assert "17 of 21 parts" in page.summary["evidence"][0]["seen"]
    with doubtful.records.reading() as journal:
        reason = journal.changes(1, DELEGATION)[0].reason
        assert journal.unsettled() == []
    assert reason.startswith("said to be made in run 2; seen: changed by somebody else since")


def test_what_only_a_person_said_may_be_said_anew(doubtful: UndoHere) -> None:
    """Both sayings stay; what the last one says is so."""
    left = doubtful.dc1["hv01"]
    doubtful.says("hv01", Said.NOT_MADE)
    view = doubtful.says("hv01", Said.MADE)
    assert view.instead_of == (2,)
    assert "17 of 21 parts are as written" in view.evidence[0].seen
    first, second = doubtful.runs[1:]
    assert (first.summary["said"], second.summary["said"]) == ("not-made", "made")
    assert second.summary["instead_of"] == [2]
    with doubtful.records.reading() as journal:
        [recorded, _] = journal.changes(1, DELEGATION)
    assert (recorded.result, recorded.said_in) == (Result.APPLIED, 3)
    doubtful.says("hv01", Said.NOT_MADE)
    assert doubtful.back().complete
    assert doubtful.dc1["hv01"] == left, "the last one counts"
    doubtful.says("hv01", Said.MADE)
    assert doubtful.back().complete
    assert doubtful.dc1["hv01"] == HV01


def test_not_where_a_rollback_has_gone_by_it(doubtful: UndoHere) -> None:
    doubtful.says("hv01", Said.MADE)
    assert doubtful.back().complete
    with pytest.raises(Refused, match="a rollback has taken these back since") as refused:
        doubtful.says("hv01", Said.NOT_MADE)
    assert refused.value.details[0].startswith("hv01: said to be made in run 2")
    assert len(doubtful.runs) == 3


def test_not_against_what_is_seen_by_now(doubtful: UndoHere) -> None:
    doubtful.says("hv01", Said.MADE)
    doubtful.dc1.edit("hv01", add=forms("hv02"))
    with pytest.raises(Refused, match="these are seen to be made"):
        doubtful.says("hv01", Said.NOT_MADE)
    assert doubtful.says("hv01", Said.MADE).evidence[0].seen == "found made"


def test_nor_what_the_directory_has_told(doubtful: UndoHere) -> None:
    doubtful.says("hv01", Said.MADE)
    with pytest.raises(Refused, match="needs no person"):
        doubtful.says("hv[01-02]", Said.NOT_MADE)
    assert len(doubtful.runs) == 2


def test_a_saying_is_on_record_whole_or_not_at_all(doubtful: UndoHere) -> None:
    doubtful.back()
    path = doubtful.records.folder / "journal.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "CREATE TRIGGER full BEFORE UPDATE OF result ON changes"
            " BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
        db.commit()
    with pytest.raises(JournalError, match="no room"):
        doubtful.says("hv01", Said.MADE)
    assert [page.kind for page in doubtful.runs] == ["apply", "rollback"]
    assert doubtful.in_doubt == ["hv01"]


def test_what_an_older_version_gave_up_as_unknown_is_looked_at_again(world: UndoHere) -> None:
    world.died(GIVEN, OTHER, made=2)
    with world.records.recording() as journal:
        record = journal.reopen(1, DELEGATION)
        given_up = Outcome(GIVEN, Result.UNKNOWN, "changed by somebody else since")
        record.settle([given_up, Outcome(OTHER, Result.APPLIED, "found made")])
        record.finish(SETTLED, {"objects": 2, "applied": 1, "unknown": 1})
    assert world.back(None).complete
    assert world.dc1["hv01"] == HV01
    assert world.dc1["hv02"] == HV02


def test_declined_nothing_is_said(doubtful: UndoHere) -> None:
    shown: list[SettlementView] = []

    def declines(view: SettlementView) -> bool:
        shown.append(view)
        return False

    with pytest.raises(DelegationError, match="declined; nothing was recorded"):
        settle_mesh(doubtful, doubtful.records, declines, run=1, hosts="hv01", said=Said.NOT_MADE)
    assert doubtful.teller.views == shown
    assert doubtful.in_doubt == ["hv01"]
    assert len(doubtful.runs) == 1


@pytest.mark.parametrize("hosts", ["hv09", "hv[01-09]", "hv[", ""])
def test_hosts_that_the_run_does_not_know_are_refused(doubtful: UndoHere, hosts: str) -> None:
    with pytest.raises(UsageError):
        doubtful.says(hosts, Said.MADE)


def test_what_the_directory_tells_no_person_says(world: UndoHere) -> None:
    world.died(GIVEN, OTHER, made=1)
    with pytest.raises(Refused) as refused:
        world.says("hv[01-02]", Said.NOT_MADE)
    assert refused.value.details == (
        "hv01: made: found made",
        "hv02: not made: found not made",
    )
    assert world.results == [Result.APPLIED, Result.REFUSED], "and it is recorded"
    with pytest.raises(Refused, match="needs no person"):
        world.says("hv01", Said.NOT_MADE)
    assert world.results == [Result.APPLIED, Result.REFUSED]


def test_an_apply_that_repairs_it_does_not_settle_it(doubtful: UndoHere) -> None:
    doubtful.back()
    repair = change(doubtful.dc1["hv01"], add=forms("hv02"))
    doubtful.dc1.modify(repair)
    with doubtful.records.recording() as journal:
        done(journal, repair)
        recover_run(journal, journal.run(1), DELEGATION, doubtful.dc1, doubtful.teller)
    assert doubtful.in_doubt == ["hv01"]


def test_what_was_perhaps_done_again_is_no_more_taken_back(world: UndoHere) -> None:
    """A rollback of the rollback died: its run is in effect again, or nobody knows."""
    world.died(GIVEN, OTHER, made=2)
    assert world.back(1).complete
    again = [GIVEN, OTHER]
    with world.records.recording() as journal:
        record = journal.begin(run(ROLLBACK, reverses=2), again)
        record.intend(again)
    for one in again:
        world.dc1.modify(one)
    world.dc1.edit("hv01", remove=forms("hv02")[:1])
    assert world.back(1).complete
    assert world.dc1["hv01"] == HV01
    assert world.dc1["hv02"] == HV02


def test_what_was_perhaps_taken_back_is_not_taken_from_somebody_else(world: UndoHere) -> None:
    """The rollback died after its write, and a colleague put one of the values there again."""
    with world.records.recording() as journal:
        done(journal, GIVEN)
    world.dc1.modify(GIVEN)
    back = GIVEN.reversed()
    with world.records.recording() as journal:
        journal.begin(run(ROLLBACK, reverses=1), [back]).intend([back])
    world.dc1.modify(back)
    world.dc1.edit("hv01", add=forms("hv02")[:1])
    with pytest.raises(Refused) as refused:
        world.back(1)
    assert "perhaps taken back by run 2, which is in doubt" in refused.value.details[0]
    world.says("hv01", Said.MADE, 2)
    with pytest.raises(DelegationError, match="nothing that could be undone"):
        world.back()
    assert forms("hv02")[0] in world.dc1["hv01"].values


# An object that is not found


def test_a_deleted_object_is_left_passed_over_and_taken_back_when_it_is_restored(
    world: UndoHere,
) -> None:
    with world.records.recording() as journal:
        done(journal, OTHER)
    world.dc1.modify(OTHER)
    world.died(GIVEN, made=1)
    written = world.dc1["hv01"]
    world.dc1.delete("hv01")
    world.dc1.put(written._replace(guid=computer("hv77").guid))
    anew = world.dc1["hv01"]

    older = world.back(None)
    assert older.complete
    assert older.undone is not None
    assert older.undone.id == 1
    assert any("run 2 is passed over: hv01: left: not found" in it for it in world.teller.words)
    with pytest.raises(DelegationError, match="there is no apply left to undo"):
        world.back(None)
    with pytest.raises(DelegationError, match="nothing of run 2 can be taken back now"):
        world.back(2)
    assert world.dc1["hv01"] == anew, "an account of the same name is another object"

    world.dc1.delete("hv01")
    world.dc1.put(written)
    assert world.back(None).complete
    assert world.dc1["hv01"] == HV01


def test_of_a_run_with_more_the_rest_is_taken_back(world: UndoHere) -> None:
    with world.records.recording() as journal:
        done(journal, GIVEN, OTHER)
    world.dc1.modify(OTHER)
    world.dc1.delete("hv01")
    carried = world.back(None)
    assert carried.unreached == {"hv01"}
    assert not carried.complete
    assert world.dc1["hv02"] == HV02


# A domain controller that is gone


@pytest.fixture
def gone(doubtful: UndoHere) -> UndoHere:
    """The second has what the first replicated before it died: hv02 alone."""
    doubtful.dc2.put(doubtful.dc1["hv02"])
    doubtful.is_gone = True
    return doubtful


def test_nothing_is_lost_while_it_is_gone(gone: UndoHere) -> None:
    with pytest.raises(ConnectionFailed):
        gone.back()
    assert gone.in_doubt == ["hv01", "hv02"]
    gone.is_gone = False
    assert gone.back().unreached == {"hv01"}


def test_on_another_one_what_is_not_there_stays_in_doubt(gone: UndoHere) -> None:
    gone.elsewhere = "dc2"
    carried = gone.back()
    assert carried.unreached == {"hv01"}
    assert gone.results == [Result.UNKNOWN, Result.APPLIED]
    assert any("looks undone, or not made" in it for it in gone.teller.words)
    assert gone.dc2["hv02"] == HV02
    assert (gone.runs[1].kind, gone.runs[1].dc) == (ROLLBACK, "dc2.corp.example")
    gone.elsewhere, gone.is_gone = None, False
    gone.dc1.edit("hv01", add=forms("hv02"))
    with pytest.raises(Refused):
        gone.back(2)
    assert gone.back().complete, "the first is back, and tells"
    assert gone.dc1["hv01"] == HV01


def test_on_another_one_what_is_not_there_is_not_called_undone(world: UndoHere) -> None:
    """The first did not get to replicate hv01, and may come back with it."""
    with world.records.recording() as journal:
        done(journal, GIVEN, OTHER)
    world.dc1.modify(GIVEN)
    world.dc2.modify(OTHER)
    world.is_gone, world.elsewhere = True, "dc2"
    carried = world.back()
    [left] = carried.planned.stays
    assert left.computer == "hv01"
    assert "where what dc1.corp.example has not replicated is missing" in left.message
    assert not carried.complete
    assert world.dc2["hv02"] == HV02
    with pytest.raises(DelegationError, match="nothing of run 1 can be taken back now"):
        world.back()
    world.is_gone, world.elsewhere = False, None
    assert world.back().complete, "the first is back, and tells"
    assert world.dc1["hv01"] == HV01


def test_nobody_comes_to_another_one_unasked(world: UndoHere) -> None:
    """As where a name in the record leads to another one by now."""
    world.died(GIVEN, made=1)
    world.dc1, world.dc2 = world.dc2, world.dc1
    with pytest.raises(
        Refused, match=r"was made on dc1.*and this is dc2.*nothing was written"
    ) as no:
        world.back()
    assert "--on dc2.corp.example" in no.value.fix


def test_what_nobody_can_look_at_is_said_with_that(gone: UndoHere) -> None:
    view = gone.says("hv[01-02]", Said.NOT_MADE)
    assert {evidence.seen for evidence in view.evidence} == {
        "nothing could be seen: dc1.corp.example does not answer"
    }
    assert gone.in_doubt == []
    assert gone.results == [Result.REFUSED, Result.REFUSED]
    with pytest.raises(DelegationError, match="nothing that could be undone"):
        gone.back()


def test_what_is_known_is_refused_without_a_look(gone: UndoHere) -> None:
    gone.is_gone = False
    gone.back()
    gone.is_gone = True
    gone.teller.words.clear()
    with pytest.raises(Refused, match="needs no person"):
        gone.says("hv02", Said.NOT_MADE)
    assert gone.teller.words == []


def test_what_nobody_can_look_at_is_said_anew_all_the_same(gone: UndoHere) -> None:
    gone.says("hv[01-02]", Said.NOT_MADE)
    gone.says("hv02", Said.MADE)
    assert gone.results == [Result.REFUSED, Result.APPLIED]
