"""Several runs taken back as one: part by part, and nothing of what others did; real journals."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from delegation.changes.outcomes import Result
from delegation.changes.records import Records
from delegation.changes.run import Run
from delegation.changes.verbs import Carried
from delegation.errors import DelegationError, Refused, UsageError
from delegation.mesh.mesh_verbs import roll_back_mesh
from delegation.mesh.seams import Writer
from delegation.mesh.snapshot import Directory
from delegation.mesh.state import (
    AUDIT,
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
    UNCONSTRAINED,
    MemoryDirectory,
    change,
    computer,
)
from tests.changes.test_in_doubt import Told
from tests.changes.test_journal import run

HV01, HV02 = computer("hv01", "cifs/old"), computer("hv02")


class Desk:
    """One domain controller in memory and a journal; implements mesh_undo.UndoWorld."""

    directory_meant = "corp.example"
    elsewhere: str | None = None

    def __init__(self, folder: Path) -> None:
        self.teller = Told()
        self.records = Records(folder, KINDS, self.teller)
        self.dc = MemoryDirectory([HV01, HV02])
        self.undo_plans: list[DelegationPlan] = []

    @contextmanager
    def writing_back(self, run: Run) -> Iterator[Writer]:  # noqa: ARG002
        yield self.dc

    def connection_record_of(self, run: Run, directory: Directory) -> Mapping[str, Any]:  # noqa: ARG002
        return {"url": directory.url}

    def write_undo_file(self, run: Run, plan: DelegationPlan) -> None:  # noqa: ARG002
        self.undo_plans.append(plan)

    def made(self, *changes: DelegationChange, on: str = DIRECTORY.dc, **other: Any) -> int:
        """A run that has made these."""
        for one in changes:
            assert self.dc.modify(one).result is Result.APPLIED
        with self.records.recording() as journal:
            record = journal.begin(replace(run(**other), dc=on), changes)
            record.intend(changes)
            outcomes = [self.outcome(one) for one in changes]
            record.settle(outcomes)
            record.finish("done", {})
            return record.number

    @staticmethod
    def outcome(one: DelegationChange) -> Any:
        from delegation.changes.outcomes import Outcome

        return Outcome(one, Result.APPLIED)

    def gives(self, name: str, *values: str, uac: int = -1) -> DelegationChange:
        return change(self.dc[name], add=values, uac=uac)

    def takes(self, name: str, *values: str, uac: int = -1) -> DelegationChange:
        return change(self.dc[name], remove=values, uac=uac)

    def back_to(self, number: int, **options: Any) -> Carried[Delegation]:
        return roll_back_mesh(self, self.records, None, back_to=number, **options)

    def back(self, number: int | None = None, **options: Any) -> Carried[Delegation]:
        return roll_back_mesh(self, self.records, None, run=number, **options)

    @property
    def told(self) -> list[str]:
        return self.teller.words

    def in_effect(self) -> dict[int, set[str]]:
        with self.records.reading() as journal:
            return {
                run.id: {it.target.name for it in journal.in_effect(run.id, DELEGATION)}
                for run in journal.runs()
                if run.kind in DELEGATION.runs
            }


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_all_after_a_run_are_taken_back_by_one_modify_an_object(desk: Desk) -> None:
    desk.made(desk.gives("hv01", "cifs/first"))
    stays = desk.dc.state()
    desk.made(desk.gives("hv01", "cifs/a", uac=ENABLED | TRANSITION), desk.gives("hv02", "cifs/b"))
    desk.made(desk.takes("hv01", "cifs/a", "cifs/old"))
    desk.made(desk.gives("hv01", "cifs/c"))
    carried = desk.back_to(1)
    assert carried.complete
    assert desk.dc.state() == stays
    [plan] = desk.undo_plans
    assert sorted(it.target.name for it in plan.changes) == ["hv01", "hv02"]
    with desk.records.reading() as journal:
        page = journal.runs()[-1]
    assert (page.kind, page.back_to, page.reverses) == (ROLLBACK, 1, None)
    assert desk.in_effect() == {1: {"hv01"}, 2: set(), 3: set(), 4: set(), 5: {"hv01", "hv02"}}
    with pytest.raises(DelegationError, match="nothing that could be undone"):
        desk.back(3)
    before = desk.dc.state()
    again = desk.back_to(1)
    assert again.complete
    assert again.report is None
    assert desk.dc.state() == before
    with desk.records.reading() as journal:
        assert len(journal.runs()) == 5, "nothing new is known"


def test_it_is_undone_by_its_number(desk: Desk) -> None:
    desk.made(desk.gives("hv02", "cifs/x"))
    desk.made(desk.gives("hv01", "cifs/a"))
    desk.made(desk.gives("hv01", "cifs/b"))
    there = desk.dc.state()
    assert desk.back_to(1).complete
    assert desk.back(4).complete
    assert desk.dc.state() == there
    assert desk.in_effect() == {1: {"hv02"}, 2: {"hv01"}, 3: {"hv01"}, 4: set(), 5: {"hv01"}}
    assert desk.back_to(1).complete
    assert desk.dc["hv01"].values == ("cifs/old",)


def test_what_they_undid_among_themselves_is_somebody_elses_by_now(desk: Desk) -> None:
    desk.made(desk.gives("hv02", "cifs/x"))
    desk.made(desk.gives("hv01", "cifs/a"))
    desk.made(desk.takes("hv01", "cifs/a"))
    desk.made(desk.gives("hv01", "cifs/b"))
    desk.dc.edit("hv01", add=["cifs/a", "HTTP/portal"])
    assert desk.back_to(1).complete
    assert set(desk.dc["hv01"].values) == {"cifs/old", "cifs/a", "HTTP/portal"}
    assert desk.in_effect()[3] == set(), "the run that took it does not give it back"


def test_of_an_object_that_is_gone_all_stays_in_effect(desk: Desk) -> None:
    """What the runs undid among themselves, too: it is taken back whole when it is found again."""
    desk.made(desk.gives("hv02", "cifs/x"))
    desk.made(desk.gives("hv01", "cifs/a", "cifs/b"), desk.gives("hv02", "cifs/a"))
    desk.made(desk.takes("hv01", "cifs/a"))
    gone = desk.dc["hv01"]
    desk.dc.delete("hv01")
    assert not desk.back_to(1).complete
    assert desk.in_effect() == {1: {"hv02"}, 2: {"hv01"}, 3: {"hv01"}, 4: {"hv02"}}
    desk.dc.put(gone)
    assert desk.back_to(1).complete
    assert desk.dc["hv01"].values == ("cifs/old",)
    assert desk.in_effect() == {1: {"hv02"}, 2: set(), 3: set(), 4: {"hv02"}, 5: {"hv01"}}


def test_a_rollback_of_an_older_run_is_taken_back_too(desk: Desk) -> None:
    desk.made(desk.gives("hv01", "cifs/a"))
    desk.made(desk.gives("hv02", "cifs/b"))
    assert desk.back(1).complete
    desk.made(desk.gives("hv01", "cifs/c"))
    assert desk.back_to(2).complete
    assert set(desk.dc["hv01"].values) == {"cifs/old", "cifs/a"}
    assert desk.in_effect()[1] == {"hv01"}, "run 1 is in effect again"
    assert desk.back(1).complete
    assert desk.dc["hv01"].values == ("cifs/old",)


def test_a_rollback_among_them_goes_with_its_run(desk: Desk) -> None:
    desk.made(desk.gives("hv02", "cifs/b"))
    desk.made(desk.gives("hv01", "cifs/a", "cifs/c"))
    assert desk.back(2).complete
    desk.dc.edit("hv01", add=["cifs/a"])
    before = desk.dc.state()
    again = desk.back_to(1)
    assert again.report is None
    assert desk.dc.state() == before, "a colleague's"


def test_what_colleagues_did_between_runs_stays(desk: Desk) -> None:
    desk.made(desk.gives("hv02", "cifs/x"))
    desk.made(desk.gives("hv01", "cifs/a", "cifs/b"))
    desk.dc.edit("hv01", add=["HTTP/portal"], remove=["cifs/a"])
    desk.made(desk.gives("hv01", "cifs/a", "cifs/c"))
    desk.dc.edit("hv01", remove=["cifs/b"])
    assert desk.back_to(1).complete
    assert set(desk.dc["hv01"].values) == {"cifs/old", "HTTP/portal"}
    desk.dc.edit("hv01", add=["cifs/b"])
    assert desk.back_to(1).report is None, "it counted as done"
    assert "cifs/b" in desk.dc["hv01"].values


def test_only_these_hosts_and_the_others_another_time(desk: Desk) -> None:
    desk.made(desk.gives("hv02", "cifs/x"))
    desk.made(desk.gives("hv01", "cifs/a"), desk.gives("hv02", "cifs/a"))
    desk.made(desk.gives("hv01", "cifs/b"))
    assert desk.back_to(1, limit="HV01").complete
    assert desk.dc["hv01"].values == ("cifs/old",)
    assert set(desk.dc["hv02"].values) == {"cifs/x", "cifs/a"}
    with pytest.raises(UsageError, match="runs 2 to 4 were not to change hv07"):
        desk.back_to(1, limit="hv07")
    assert desk.back_to(1).complete
    assert desk.dc["hv02"].values == ("cifs/x",)
    with desk.records.reading() as journal:
        assert [run.asked.limit for run in journal.runs()] == [None, None, None, "HV01", None]


def test_an_object_in_doubt_or_gone_is_left(desk: Desk) -> None:
    desk.made(desk.gives("hv02", "cifs/x"))
    desk.made(desk.gives("hv01", "cifs/a"), desk.gives("hv02", "cifs/a"))
    doubtful = desk.gives("hv01", "cifs/b", "cifs/c")
    with desk.records.recording() as journal:
        journal.begin(run(), [doubtful]).intend([doubtful])
    desk.dc.edit("hv01", add=["cifs/b"])
    carried = desk.back_to(1)
    assert not carried.complete
    assert "in doubt whether run 3 changed it" in carried.planned.unreached["hv01"].what
    assert desk.dc["hv02"].values == ("cifs/x",)
    assert "cifs/a" in desk.dc["hv01"].values
    with desk.records.reading() as journal:
        assert [left.hosts for left in journal.runs()[-1].left_out] == ["hv01"]
    gone = desk.dc["hv01"]
    desk.dc.delete("hv01")
    with pytest.raises(DelegationError, match="nothing of the runs after run 1 can be taken back"):
        desk.back_to(1)
    desk.dc.put(gone._replace(values=("cifs/old", "cifs/a")))
    assert desk.back_to(1).complete
    assert desk.dc["hv01"].values == ("cifs/old",)


def test_runs_of_another_domain_controller_need_it_said(desk: Desk) -> None:
    desk.made(desk.gives("hv02", "cifs/x"))
    desk.made(desk.gives("hv01", "cifs/a"), on="dc2.corp.example")
    desk.made(desk.gives("hv01", "cifs/b"), desk.gives("hv02", "cifs/b"))
    desk.dc.edit("hv01", remove=["cifs/a"])
    before = desk.dc.state()
    with pytest.raises(Refused, match=r"run 2 was made on dc2.*and this is dc1"):
        desk.back_to(1)
    assert desk.dc.state() == before
    desk.elsewhere = "dc1"
    carried = desk.back_to(1)
    assert desk.dc["hv02"].values == ("cifs/x",)
    [stays] = carried.planned.stays
    assert stays.computer == "hv01"
    assert not carried.complete, "what looks undone may not have replicated"


def test_back_to_an_audit_and_to_nothing(desk: Desk) -> None:
    with desk.records.recording() as journal:
        journal.add(run(AUDIT), "done")
    with pytest.raises(DelegationError, match="no run after run 1 has changed"):
        desk.back_to(1)
    with pytest.raises(UsageError, match="no run 7"):
        desk.back_to(7)
    desk.made(desk.gives("hv01", "cifs/a"))
    assert desk.back_to(1).complete
    assert desk.dc["hv01"] == HV01


def test_plain_rollback_passes_over_what_is_later_runs_own(desk: Desk) -> None:
    """As older versions have left it, which undid a run whatever a later one had made of it."""
    desk.made(desk.takes("hv01", "cifs/old"))
    desk.made(desk.gives("hv01", "cifs/old"))
    desk.dc.edit("hv01", remove=["cifs/old"])
    desk.made(desk.gives("hv01", "cifs/old"), kind=ROLLBACK, reverses=1)
    before = desk.dc.state()
    with pytest.raises(Refused):
        desk.back(2)
    with pytest.raises(DelegationError, match="there is no apply left to undo"):
        desk.back()
    assert any("run 2 is passed over: what is left of it is later" in it for it in desk.told)
    assert any("hv01: cifs/old, written again by run 3" in it for it in desk.told)
    assert desk.dc.state() == before


def test_or_what_they_have_changed_back(desk: Desk) -> None:
    desk.made(desk.gives("hv02", "cifs/x"))
    desk.made(desk.gives("hv01", "cifs/a"))
    desk.made(desk.takes("hv01", "cifs/a"), kind=ROLLBACK, reverses=1)
    desk.dc.edit("hv01", add=["cifs/a"])
    older = desk.back()
    assert older.undone
    assert older.undone.id == 1
    assert any("hv01: 1 part changed again by run 3, and left to it" in it for it in desk.told)
    assert "cifs/a" in desk.dc["hv01"].values, "a colleague's"


def test_what_would_be_dangerous_is_refused(desk: Desk) -> None:
    desk.dc.put(HV01._replace(uac=ENABLED | UNCONSTRAINED))
    desk.made(desk.gives("hv02", "cifs/x"))
    desk.made(desk.takes("hv01", uac=ENABLED))
    with pytest.raises(Refused, match="the rollback is refused"):
        desk.back_to(1)
    assert desk.back_to(1, allow=["unconstrained"]).complete
    assert desk.dc["hv01"].uac == ENABLED | UNCONSTRAINED
    with desk.records.reading() as journal:
        assert journal.runs()[-1].asked.allow == ("unconstrained",)


@pytest.mark.parametrize("seed", range(30))
def test_law_without_colleagues_all_is_as_it_was(tmp_path: Path, seed: int) -> None:
    """Whatever runs and rollbacks came, one goes back over all of them; and forth again."""
    rng = random.Random(seed)
    desk = Desk(tmp_path)
    states = {}
    for _ in range(9):
        number = one_more(desk, rng)
        states[number] = desk.dc.state()
    stays = rng.choice(list(states)[:-1])
    newest = desk.dc.state()
    carried = desk.back_to(stays)
    assert desk.dc.state() == states[stays]
    effects = desk.in_effect()
    if carried.report is not None:
        assert carried.complete
        assert desk.back(max(effects)).complete
        assert desk.dc.state() == newest
        assert desk.back_to(stays).complete
        assert desk.dc.state() == states[stays]
    before = desk.dc.state()
    assert desk.back_to(stays).report is None
    assert desk.dc.state() == before
    for number in effects:
        applies = number > stays and number in states and states[number]
        with desk.records.reading() as journal:
            page = journal.run(number)
            if applies and page.kind == "apply":
                assert journal.in_effect(number, DELEGATION) == []


def one_more(desk: Desk, rng: random.Random) -> int:
    with desk.records.reading() as journal:
        numbers = [run.id for run in journal.runs()]
    if len(numbers) > 1 and rng.random() < 0.4:
        number = rng.choice(numbers)
        try:
            if rng.random() < 0.4:
                desk.back_to(number)
            else:
                desk.back(number, skip_conflicts=True, allow=["unconstrained"])
        except DelegationError:
            pass
        with desk.records.reading() as journal:
            return journal.runs()[-1].id
    changes = []
    for name in rng.sample(["hv01", "hv02"], rng.choice((1, 2))):
        account = desk.dc[name]
        values = rng.sample("abcdef", 3)
        held = {value.rpartition("/")[2] for value in account.values}
        plus = [f"cifs/{value}" for value in values if value not in held]
        minus = [f"cifs/{value}" for value in values if value in held]
        uac = account.uac ^ (TRANSITION if rng.random() < 0.5 else 0)
        one = change(account, add=plus, remove=minus, uac=uac)
        changes.append(one)
    return desk.made(*changes)


def test_changes_that_follow_are_one() -> None:
    first = change(HV01, add=["cifs/a"], uac=ENABLED | TRANSITION)
    between = HV01._replace(values=("cifs/a", "HTTP/x"), uac=ENABLED | TRANSITION)
    second = change(between, add=["cifs/old", "cifs/b"], remove=["cifs/a"])
    both = first.followed_by(second, first.parts)
    assert both.parts == {"cifs/b", "cifs/old", "protocol_transition"}
    assert "HTTP/x" not in both.after.values, "a colleague's"
    nothing = first.followed_by(first.reversed(), first.parts)
    assert nothing.parts == frozenset()
    assert nothing.followed_by(first, first.parts) == first, "what was touched is not new"
    assert first.only({"cifs/a"}) == change(HV01, add=["cifs/a"])
