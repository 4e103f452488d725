"""The driver: what is written and recorded in which order, and what a death at any point leaves.

The crash law runs against a real journal. ``Fate`` counts every step that an apply makes in the
world; the step at which it strikes is never made, nor is any later one, as when a process dies.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given

from delegation.changes import apply as driver
from delegation.changes.journal import Journal
from delegation.changes.outcomes import ChangeRecord, Outcome, Result
from delegation.changes.plan import Plan
from delegation.changes.run import NewRun
from delegation.errors import DirectoryError, JournalError, Refused
from delegation.inventory import Inventory, Policy, Unconstrained
from delegation.mesh import undo
from delegation.mesh.snapshot import Computer
from delegation.mesh.state import (
    APPLY,
    DELEGATION,
    ROLLBACK,
    Delegation,
    DelegationChange,
    DelegationOutcome,
    DelegationPlan,
)
from delegation.wiring import KINDS
from tests.builders import (
    DIRECTORY,
    DISABLED,
    DOMAIN,
    ENABLED,
    EVERY_OVERRIDE,
    TRANSITION,
    UNCONSTRAINED,
    Forgetful,
    MemoryDirectory,
    World,
    computer,
    inventory,
    planned,
    retired,
    silent,
    worlds,
)

FIVE = inventory(
    *(f"hv0{n}" for n in range(1, 6)),
    retired=[retired("hv99")],
    policy=Policy(unconstrained=Unconstrained.CLEAR, max_removals=100),
)


def five_hosts(window: int = 2) -> MemoryDirectory:
    """Flags and values of every kind, so that each write is one of another kind."""
    return MemoryDirectory(
        [
            computer("hv01", "CIFS/HV02", "HTTP/portal"),
            computer("hv02", "cifs/hv99", "CIFS/hv01", uac=ENABLED | UNCONSTRAINED),
            computer("hv03", uac=ENABLED | TRANSITION | DISABLED),
            computer("hv04", "cifs/HV99.corp.example", uac=ENABLED | TRANSITION | UNCONSTRAINED),
            computer("hv05"),
        ],
        window=window,
    )


def plan_of(directory: MemoryDirectory, wanted: Inventory = FIVE) -> DelegationPlan:
    return planned(wanted, directory, allow=EVERY_OVERRIDE)


class Diary:
    """A ChangeRecord that writes down what it is told, in order, with the hosts' names."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, list[str]]] = []

    def intend(self, changes: Sequence[DelegationChange]) -> None:
        self.entries.append(("intend", [change.target.name for change in changes]))

    def settle(self, outcomes: Sequence[DelegationOutcome]) -> None:
        self.entries.append(("settle", [f"{o.change.target.name} {o.result}" for o in outcomes]))


class Watched(MemoryDirectory):
    """Writes into the same diary, and lets somebody meddle before and after each change."""

    def __init__(
        self,
        directory: MemoryDirectory,
        diary: Diary,
        *,
        before: Callable[["Watched", DelegationChange], DelegationOutcome | None] = lambda _, __: (
            None
        ),
        after: Callable[["Watched", DelegationChange], None] = lambda _, __: None,
    ) -> None:
        super().__init__(directory.accounts.values(), window=directory.window)
        self._diary = diary
        self._before = before
        self._after = after

    def read(self, guids: Collection[UUID]) -> Mapping[UUID, Computer]:
        found = super().read(guids)
        self._diary.entries.append(("read", [account.name for account in found.values()]))
        return found

    def modify(self, change: DelegationChange) -> DelegationOutcome:
        outcome = self._before(self, change) or super().modify(change)
        self._diary.entries.append(("write", [change.target.name]))
        self._after(self, change)
        return outcome


# What happens in which order


def test_each_window_is_read_again_intended_written_and_settled() -> None:
    diary = Diary()
    directory = Watched(five_hosts(window=2), diary)
    report = driver.apply(plan_of(five_hosts()), directory, diary, silent)
    assert report.complete
    every = ["hv01", "hv02", "hv03", "hv04", "hv05"]
    assert diary.entries == [
        ("read", every),
        ("intend", ["hv01", "hv02"]),
        ("write", ["hv01"]),
        ("write", ["hv02"]),
        ("settle", ["hv01 applied", "hv02 applied"]),
        ("read", ["hv03", "hv04"]),
        ("intend", ["hv03", "hv04"]),
        ("write", ["hv03"]),
        ("write", ["hv04"]),
        ("settle", ["hv03 applied", "hv04 applied"]),
        ("read", ["hv05"]),
        ("intend", ["hv05"]),
        ("write", ["hv05"]),
        ("settle", ["hv05 applied"]),
        ("read", every),
    ]


def test_progress_is_told_change_by_change() -> None:
    told: list[tuple[int, int]] = []
    directory = five_hosts()
    driver.apply(plan_of(directory), directory, Forgetful(), lambda *count: told.append(count))
    assert told == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_an_empty_plan_writes_nothing() -> None:
    report = driver.apply(Plan("delegation", DOMAIN, ()), five_hosts(), Diary(), silent)
    assert report.complete
    assert report.outcomes == ()


@given(worlds())
def test_every_change_has_one_outcome(world: World) -> None:
    directory = world.directory
    plan = plan_of(directory, world.inventory)
    report = driver.apply(plan, directory, Forgetful(), silent)
    assert [outcome.change for outcome in report.outcomes] == list(plan.changes)


# Conflicts


@pytest.mark.parametrize(
    ("meddle", "says"),
    [
        (lambda d: d.delete("hv04"), "hv04: not found by its GUID"),
        (lambda d: d.edit("hv04", add=["HTTP/new"]), "hv04: HTTP/new was added"),
        (lambda d: d.edit("hv01", remove=["HTTP/portal"]), "hv01: HTTP/portal was removed"),
        (
            lambda d: d.edit("hv01", remove=["CIFS/HV02"], add=["cifs/hv02"]),
            "hv01: cifs/hv02 was added, CIFS/HV02 was removed",
        ),
        (
            lambda d: d.edit("hv05", uac=ENABLED | DISABLED),
            "hv05: userAccountControl went from 0x1000 to 0x1002",
        ),
    ],
)
def test_a_difference_before_the_first_write_refuses_all_and_writes_nothing(
    meddle: Callable[[MemoryDirectory], None], says: str
) -> None:
    directory = five_hosts()
    plan = plan_of(directory)
    meddle(directory)
    before = directory.state()
    diary = Diary()
    with pytest.raises(Refused) as refused:
        driver.apply(plan, directory, diary, silent)
    assert "nothing was written" in refused.value.what
    assert refused.value.details == (says,)
    assert refused.value.exit_code == 4
    assert directory.state() == before
    assert diary.entries == []


def test_every_difference_is_told_at_once() -> None:
    directory = five_hosts()
    plan = plan_of(directory)
    for name in ("hv01", "hv02", "hv05"):
        directory.edit(name, add=["HTTP/new"])
    with pytest.raises(Refused) as refused:
        driver.apply(plan, directory, Diary(), silent)
    assert len(refused.value.details) == 3


def test_the_order_of_values_is_no_difference() -> None:
    directory = five_hosts()
    plan = plan_of(directory)
    account = directory["hv02"]
    directory.put(account._replace(values=tuple(reversed(account.values))))
    assert driver.apply(plan, directory, Forgetful(), silent).complete


def test_a_conflict_in_a_later_window_leaves_that_object_alone_and_the_others_go_on() -> None:
    def meddle(directory: Watched, change: DelegationChange) -> None:
        if change.target.name == "hv01":
            directory.edit("hv04", add=["HTTP/new"])

    diary = Diary()
    directory = Watched(five_hosts(), diary, after=meddle)
    report = driver.apply(plan_of(five_hosts()), directory, diary, silent)
    results = {o.change.target.name: (o.result, o.reason) for o in report.outcomes}
    assert results.pop("hv04") == (Result.REFUSED, "conflict: HTTP/new was added")
    assert {result for result, _ in results.values()} == {Result.APPLIED}
    assert not report.complete
    assert ("intend", ["hv03"]) in diary.entries
    assert ("settle", ["hv04 refused", "hv03 applied"]) in diary.entries
    assert directory["hv04"].values == ("cifs/HV99.corp.example", "HTTP/new")


def test_a_refusal_in_flight_does_not_stop_the_others() -> None:
    def meddle(directory: Watched, change: DelegationChange) -> None:
        if change.target.name == "hv02":
            directory.edit("hv02", remove=["cifs/hv99"])

    directory = Watched(five_hosts(), Diary(), before=meddle)
    report = driver.apply(plan_of(five_hosts()), directory, Forgetful(), silent)
    assert report.count(Result.APPLIED) == 4
    assert [o.change.target.name for o in report.outcomes if o.result is Result.REFUSED] == ["hv02"]


def test_a_failure_that_would_meet_every_object_ends_the_run() -> None:
    def fail(_: Watched, change: DelegationChange) -> DelegationOutcome:
        return Outcome(change, Result.FAILED, "insufficientAccessRights", stops=True)

    diary = Diary()
    directory = Watched(five_hosts(window=1), diary, before=fail)
    before = directory.state()
    report = driver.apply(plan_of(five_hosts()), directory, diary, silent)
    assert [(o.result, o.reason) for o in report.outcomes] == [
        (Result.FAILED, "insufficientAccessRights"),
        *[(Result.FAILED, "not tried")] * 4,
    ]
    assert [name for what, names in diary.entries if what == "intend" for name in names] == ["hv01"]
    assert directory.state() == before


# Verification afterwards

MOVED = "userAccountControl went from 0x1001000 to 0x1001002"


@pytest.mark.parametrize(
    ("meddle", "says"),
    [
        (lambda d: d.delete("hv01"), "hv01: gone after it was written"),
        (
            lambda d: d.edit("hv01", add=["HTTP/new"]),
            "hv01: changed by somebody else meanwhile: HTTP/new was added",
        ),
        (
            lambda d: d.edit("hv01", remove=["cifs/hv03"]),
            "hv01: not as written: cifs/hv03 is not there",
        ),
        (
            lambda d: d.edit("hv01", uac=ENABLED),
            "hv01: not as written: protocol_transition is not set",
        ),
        (
            lambda d: d.edit("hv01", uac=ENABLED | TRANSITION | DISABLED),
            f"hv01: changed by somebody else meanwhile: {MOVED}",
        ),
    ],
)
def test_what_moved_meanwhile_is_told(meddle: Callable[[MemoryDirectory], None], says: str) -> None:
    def after(directory: Watched, change: DelegationChange) -> None:
        if change.target.name == "hv05":
            meddle(directory)

    directory = Watched(five_hosts(), Diary(), after=after)
    report = driver.apply(plan_of(five_hosts()), directory, Forgetful(), silent)
    assert report.surprises == (says,)
    assert report.count(Result.APPLIED) == 5
    assert not report.complete


def test_an_unknown_outcome_stays_intended_and_is_no_surprise() -> None:
    def lose(_: Watched, change: DelegationChange) -> DelegationOutcome | None:
        return Outcome(change, Result.UNKNOWN, "lost") if change.target.name == "hv02" else None

    diary = Diary()
    directory = Watched(five_hosts(window=5), diary, before=lose)
    report = driver.apply(plan_of(five_hosts()), directory, diary, silent)
    [settled] = [names for what, names in diary.entries if what == "settle"]
    assert settled == [f"{name} applied" for name in ("hv01", "hv03", "hv04", "hv05")]
    assert report.surprises == ()
    assert not report.complete


def test_where_the_connection_is_lost_nothing_is_read_any_more() -> None:
    class Lost(MemoryDirectory):
        lost = False

        def read(self, guids: Collection[UUID]) -> Mapping[UUID, Computer]:
            if self.lost:
                raise DirectoryError("connection lost")
            return super().read(guids)

        def modify(self, change: DelegationChange) -> DelegationOutcome:
            if change.target.name != "hv02":
                return super().modify(change)
            self.lost = True
            return Outcome(change, Result.UNKNOWN, "connection lost", stops=True)

    directory = Lost(five_hosts().accounts.values())
    report = driver.apply(plan_of(directory), directory, Forgetful(), silent)
    assert [str(outcome.result) for outcome in report.outcomes] == [
        "applied",
        "unknown",
        *["failed"] * 3,
    ]


def test_without_a_record_nothing_is_written() -> None:
    class Full(Forgetful):
        def intend(self, changes: Sequence[DelegationChange]) -> None:  # noqa: ARG002
            raise JournalError("disk full")

    directory = five_hosts()
    before = directory.state()
    with pytest.raises(JournalError):
        driver.apply(plan_of(directory), directory, Full(), silent)
    assert directory.state() == before


def test_a_directory_that_cannot_be_read_is_not_written_to() -> None:
    class Gone(MemoryDirectory):
        def read(self, guids: Collection[UUID]) -> Mapping[UUID, Computer]:  # noqa: ARG002
            raise DirectoryError("nobody there")

    directory = Gone(five_hosts().accounts.values())
    diary = Diary()
    with pytest.raises(DirectoryError):
        driver.apply(plan_of(five_hosts()), directory, diary, silent)
    assert diary.entries == []


@pytest.mark.parametrize("settled", range(1, 6))
def test_an_interruption_between_two_outcomes_records_those_that_came(settled: int) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == settled:
            raise KeyboardInterrupt

    diary = Diary()
    directory = Watched(five_hosts(window=5), diary)
    with pytest.raises(KeyboardInterrupt):
        driver.apply(plan_of(five_hosts()), directory, diary, interrupt)
    every = ["hv01", "hv02", "hv03", "hv04", "hv05"]
    assert [names for what, names in diary.entries if what == "write"] == [
        [n] for n in every[:settled]
    ]
    assert diary.entries[-1] == ("settle", [f"{name} applied" for name in every[:settled]])


# The crash law


class Killed(BaseException):
    """The process dies. Not an Exception: no handler of the product may catch it."""


class Fate:
    """Lets ``steps`` steps happen; from then on the process is dead."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed

    @property
    def struck(self) -> bool:
        return self.left < 0


class Interruption(Fate):
    """Strikes once, as Ctrl-C does: what clears up afterwards still works."""

    def step(self) -> None:
        self.left -= 1
        if self.left == -1:
            raise KeyboardInterrupt


class Mortal(MemoryDirectory):
    """A directory whose visitor dies; ``pipelined``: answers come when all has been written."""

    def __init__(self, directory: MemoryDirectory, fate: Fate, *, pipelined: bool) -> None:
        super().__init__((), window=directory.window)
        self.accounts = directory.accounts
        self._fate = fate
        self._pipelined = pipelined

    def read(self, guids: Collection[UUID]) -> Mapping[UUID, Computer]:
        self._fate.step()
        return super().read(guids)

    def write(self, changes: Iterable[DelegationChange]) -> Iterator[DelegationOutcome]:
        made = (self._made(change) for change in list(changes))
        for outcome in list(made) if self._pipelined else made:
            self._fate.step()
            yield outcome

    def _made(self, change: DelegationChange) -> DelegationOutcome:
        self._fate.step()
        return self.modify(change)


class MortalRecord:
    """Dies before or after its page is committed."""

    def __init__(self, record: ChangeRecord[Delegation], fate: Fate) -> None:
        self._record = record
        self._fate = fate

    def intend(self, changes: Sequence[DelegationChange]) -> None:
        self._fate.step()
        self._record.intend(changes)
        self._fate.step()

    def settle(self, outcomes: Sequence[DelegationOutcome]) -> None:
        self._fate.step()
        self._record.settle(outcomes)
        self._fate.step()


def _run(kind: str = APPLY, reverses: int | None = None) -> NewRun:
    return NewRun(kind, DOMAIN, DOMAIN, DIRECTORY.dc, {}, reverses=reverses)


def carry_out(
    plan: DelegationPlan,
    directory: MemoryDirectory,
    folder: Path,
    run: NewRun,
    fate: Fate,
    *,
    pipelined: bool,
) -> int:
    """Apply as the command line does, until fate strikes; the run's number."""
    with closing(Journal.writable(folder, KINDS)) as journal:
        record = journal.begin(run, plan.changes)
        mortal = Mortal(directory, fate, pipelined=pipelined)
        try:
            report = driver.apply(plan, mortal, MortalRecord(record, fate), silent)
        except (Killed, KeyboardInterrupt):
            assert fate.struck
        else:
            assert report.complete
            record.finish("done", {})
        return record.number


def settle_all(directory: MemoryDirectory, folder: Path) -> None:
    """What the next apply or rollback does first."""
    with closing(Journal.writable(folder, KINDS)) as journal:
        for run in journal.unsettled():
            unsettled = [r.change for r in journal.changes(run.id, DELEGATION) if r.unsettled]
            page = journal.reopen(run.id, DELEGATION)
            outcomes = driver.settle(unsettled, (), directory, page)
            page.finish("settled", {})
            assert {o.result for o in outcomes} <= {Result.APPLIED, Result.REFUSED}
        assert journal.unsettled() == []


def reversal(directory: MemoryDirectory, folder: Path, run: int) -> DelegationPlan:
    with closing(Journal.readable(folder, KINDS)) as journal:
        changes = journal.in_effect(run, DELEGATION)
    now = directory.read([change.target.guid for change in changes])
    back = undo.reversal(DOMAIN, changes, now, frozenset(), ["unconstrained"])
    assert not back.plan.blocked
    return back.plan


def settled_with(directory: MemoryDirectory, folder: Path, run: int) -> bool:
    """Whether the journal says of each change what the directory shows."""
    with closing(Journal.readable(folder, KINDS)) as journal:
        in_effect = {change.target.guid for change in journal.in_effect(run, DELEGATION)}
        every = [recorded.change for recorded in journal.changes(run, DELEGATION)]
    written = {
        change.target.guid
        for change in every
        if change.after.same(Delegation.of(directory.accounts[change.target.guid]))
    }
    return in_effect == written


FATES = [
    pytest.param(Fate, False, id="killed"),
    pytest.param(Fate, True, id="killed, pipelined"),
    pytest.param(Interruption, False, id="interrupted"),
]


def _strikes(fate: type[Fate]) -> Iterator[Fate]:
    """One fate after the other, each a step later, until one does not strike any more."""
    steps = 0
    while True:
        chosen = fate(steps)
        yield chosen
        if not chosen.struck:
            assert steps > 20
            return
        steps += 1


@pytest.mark.parametrize(("fate", "pipelined"), FATES)
def test_after_a_death_at_any_step_the_journal_knows_and_the_rollback_is_exact(
    tmp_path: Path,
    fate: type[Fate],
    pipelined: bool,  # noqa: FBT001
) -> None:
    original = five_hosts().state()
    for number, strike in enumerate(_strikes(fate)):
        folder = tmp_path / str(number)
        directory = five_hosts()
        plan = plan_of(directory)
        run = carry_out(plan, directory, folder, _run(), strike, pipelined=pipelined)
        settle_all(directory, folder)
        assert settled_with(directory, folder, run)
        back = reversal(directory, folder, run)
        carry_out(back, directory, folder, _run(ROLLBACK, run), Fate(1_000), pipelined=pipelined)
        assert directory.state() == original
        assert reversal(directory, folder, run).changes == ()


@pytest.mark.parametrize(("fate", "pipelined"), FATES)
def test_after_a_death_at_any_step_the_next_apply_finishes_the_work(
    tmp_path: Path,
    fate: type[Fate],
    pipelined: bool,  # noqa: FBT001
) -> None:
    original = five_hosts().state()
    for number, strike in enumerate(_strikes(fate)):
        folder = tmp_path / str(number)
        directory = five_hosts()
        first = carry_out(
            plan_of(directory), directory, folder, _run(), strike, pipelined=pipelined
        )
        settle_all(directory, folder)
        rest = plan_of(directory)
        second = carry_out(rest, directory, folder, _run(), Fate(1_000), pipelined=pipelined)
        assert plan_of(directory).changes == ()
        for run in (second, first):
            back = reversal(directory, folder, run)
            carry_out(back, directory, folder, _run(ROLLBACK, run), Fate(1_000), pipelined=False)
        assert directory.state() == original


@pytest.mark.parametrize(("fate", "pipelined"), FATES)
def test_a_rollback_that_died_at_any_step_is_finished_by_the_next(
    tmp_path: Path,
    fate: type[Fate],
    pipelined: bool,  # noqa: FBT001
) -> None:
    original = five_hosts().state()
    for number, strike in enumerate(_strikes(fate)):
        folder = tmp_path / str(number)
        directory = five_hosts()
        run = carry_out(plan_of(directory), directory, folder, _run(), Fate(1_000), pipelined=False)
        for chosen in (strike, Fate(1_000)):
            back = reversal(directory, folder, run)
            carry_out(back, directory, folder, _run(ROLLBACK, run), chosen, pipelined=pipelined)
            settle_all(directory, folder)
        assert directory.state() == original
        assert reversal(directory, folder, run).changes == ()


def test_lost_answers_are_settled_by_looking(tmp_path: Path) -> None:
    """Half of the writes whose answers were lost were made."""

    class Lossy(MemoryDirectory):
        def modify(self, change: DelegationChange) -> DelegationOutcome:
            if change.target.name in {"hv02", "hv03"}:
                super().modify(change)
            if change.target.name in {"hv02", "hv03", "hv04", "hv05"}:
                return Outcome(change, Result.UNKNOWN, "connection lost", stops=True)
            return super().modify(change)

    directory = Lossy(five_hosts().accounts.values(), window=5)
    plan = plan_of(directory)
    with closing(Journal.writable(tmp_path, KINDS)) as journal:
        record = journal.begin(_run(), plan.changes)
        driver.apply(plan, directory, record, silent)
        record.finish("failed", {})
        assert [run.id for run in journal.unsettled()] == [record.number]
    sound = MemoryDirectory(directory.accounts.values())
    settle_all(sound, tmp_path)
    with closing(Journal.readable(tmp_path, KINDS)) as journal:
        in_effect = [change.target.name for change in journal.in_effect(record.number, DELEGATION)]
    assert in_effect == ["hv01", "hv02", "hv03"]


def test_a_write_that_nobody_can_judge_stays_unknown_and_is_not_undone(tmp_path: Path) -> None:
    directory = five_hosts(window=5)
    plan = plan_of(directory)
    fate = Fate(2)  # read, and the intent
    run = carry_out(plan, directory, tmp_path, _run(), fate, pipelined=False)
    directory.edit("hv01", add=["cifs/hv03"])
    directory.delete("hv05")
    with closing(Journal.writable(tmp_path, KINDS)) as journal:
        unsettled = [r.change for r in journal.changes(run, DELEGATION)]
        outcomes = driver.settle(unsettled, (), directory, journal.reopen(run, DELEGATION))
        results = {o.change.target.name: o.result for o in outcomes}
        assert results.pop("hv01") is results.pop("hv05") is Result.UNKNOWN
        assert set(results.values()) == {Result.REFUSED}
        assert journal.in_effect(run, DELEGATION) == []
