"""Whatever ends an apply, and whenever: the next run knows what was written, and can undo it."""

from __future__ import annotations

import signal
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest

from tests.lab import Lab, admin, domain
from tests.story.wiretap import SEARCH, Wiretap
from tests.story.witness import first, holding, mesh, mesh_of, restored, towards
from tests.story.workstation import Answer, Workstation

pytestmark = pytest.mark.lab

SIX = first(6)
INVENTORY = "hosts: {'hv[01-06]': }"

NONE, ONE, TWO, FOUR, ALL = set(first(0)), set(first(1)), set(first(2)), set(first(4)), set(SIX)
MOMENTS = {
    "after begin 1": NONE,
    "before intend 1": NONE,
    "after intend 1": NONE,
    "after request 1": None,
    "before outcome 1": ONE,
    "before request 2": ONE,
    "before settle 1": TWO,
    "after settle 1": TWO,
    "after intend 2": TWO,
    "after request 3": None,
    "after outcome 3": FOUR,
    "before settle 3": ALL,
    "after settle 3": ALL,
    "before finish 1": ALL,
}
"""When it is killed, and what is written by then; None: the DC may make the last request or not.

The six hosts are written in three windows of two, the very first host alone.
"""
IDLE = {"after begin 1", "before intend 1", "after settle 1", "after settle 3", "before finish 1"}
"""When nothing is under way: what was intended has its outcome on record."""


def killed(desk: Workstation, moment: str) -> None:
    """Apply, and die at the moment."""
    assert desk.run_by("tests.story.lethal", moment).code == -signal.SIGKILL


def is_unsettled(desk: Workstation) -> None:
    """The history shows it."""
    assert "UNSETTLED" in desk.run("history").out


def roll_back(desk: Workstation, *runs: int) -> None:
    """Undo runs, each the newest that is left; then none is left."""
    for number in runs:
        back = desk.run("rollback", "--yes")
        assert back.code == 0
        assert f"Undo of run {number} " in back.out


def applied(desk: Workstation, run: int) -> set[str]:
    """The hosts of which the history says that the run has written them."""
    return {host for host, result in desk.became(run).items() if result == "applied"}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_then_apply(desk: Workstation, fresh_lab: Lab, moment: str) -> None:
    desk.inventory(INVENTORY)
    with restored(fresh_lab):
        killed(desk, moment)
        undos = list(desk.state.glob("run-1-*-undo.ldif"))
        assert len(undos) == (moment != "after begin 1")
        is_unsettled(desk)
        written = holding(fresh_lab).keys()
        assert MOMENTS[moment] in (None, written)

        again = desk.run("apply", "--yes")
        assert again.code == 0
        assert "run 1 had not come to its end" in again.err
        tells_what_it_finds(again, moment, written)
        assert applied(desk, 1) == written
        found = mesh(fresh_lab)
        assert {host: found[host] for host in SIX} == mesh_of(*SIX)

        roll_back(desk, *([2] if written != ALL else []), *([1] if written else []))


def tells_what_it_finds(answer: Answer, moment: str, written: Collection[str]) -> None:
    """What was intended and has no outcome is told by name."""
    if moment in IDLE:
        assert "nothing was under way" in answer.err
    elif moment == "before settle 1":
        assert "had been written: hv[01-02]" in answer.err
    elif moment == "after intend 2":
        assert "had not been written: hv[03-04]" in answer.err
    else:
        assert "written: hv0" in answer.err or "written: hv[0" in answer.err


@pytest.mark.parametrize(
    "moment",
    ["after begin 1", "after intend 1", "after request 4", "after settle 1", "after outcome 3"],
)
def test_killed_then_rollback(desk: Workstation, fresh_lab: Lab, moment: str) -> None:
    desk.inventory(INVENTORY)
    with restored(fresh_lab):
        killed(desk, moment)
        written = holding(fresh_lab).keys()
        back = desk.run("rollback", "--yes")
        assert "run 1 had not come to its end" in back.err
        assert back.code == (0 if written else 1)
    assert not any(run["unsettled"] for run in desk.runs())


def test_killed_as_soon_as_all_is_on_record(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory(INVENTORY)
    with restored(fresh_lab):
        killed(desk, "after finish 1")
        assert not desk.runs()[-1]["unsettled"]
        assert desk.run("plan").code == 0
        assert desk.run("rollback", "--yes").code == 0


def test_killed_before_it_is_on_record(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory(INVENTORY)
    with restored(fresh_lab):
        killed(desk, "before begin 1")
        assert desk.runs() == []
        assert desk.run("apply", "--yes").code == 0
        roll_back(desk, 1)


def test_readers_show_an_unsettled_run_and_leave_it(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory(INVENTORY)
    killed(desk, "before outcome 1")
    audit = desk.run("audit")
    assert audit.code == 3
    assert "run 1 has not come to its end" in audit.err
    assert desk.run("plan").code == 3
    assert desk.runs()[0]["unsettled"]
    assert desk.became(1) == dict.fromkeys(SIX)
    assert holding(fresh_lab).keys() == {"hv01"}


def test_a_host_that_somebody_changed_after_the_death_is_told(
    desk: Workstation, fresh_lab: Lab
) -> None:
    """The canary was made; somebody takes half of it back: nobody can tell what the run did."""
    desk.inventory(INVENTORY)
    killed(desk, "before outcome 1")
    admin.remove_values(fresh_lab, "hv01", *sorted(towards("hv02")))
    settled = desk.run("apply", "--yes")
    assert settled.code == 0
    assert "can't be told: hv01" in settled.err
    assert desk.became(1)["hv01"] == "unknown"
    assert desk.run("plan").code == 0


# The line, the DC, and the one who presses Ctrl-C.


@pytest.fixture
def tapped(desk: Workstation, wire: Wiretap) -> Workstation:
    """The workstation, with the wiretap between it and the DC."""
    desk.inventory(INVENTORY)
    return Workstation(desk.folder, desk.lab, url=wire.url)


def told_as(answer: Answer, words: str) -> Sequence[str]:
    """The lines of standard error that hold the words."""
    return [line for line in answer.err.splitlines() if words in line]


@pytest.mark.parametrize("answer", [False, True], ids=["before the DC", "before the answer"])
def test_ctrl_c_in_the_middle(
    desk: Workstation, tapped: Workstation, wire: Wiretap, fresh_lab: Lab, *, answer: bool
) -> None:
    with restored(fresh_lab):
        wire.stop_at(3, answer=answer)
        apply = tapped.start("apply", "--yes")
        wire.wait_until_held(apply.process)
        apply.interrupt()
        interrupted = apply.end()
        assert interrupted.code == 130
        assert "interrupted" in interrupted.err
        is_unsettled(desk)
        assert "hv01" in applied(desk, 1)

        written = holding(fresh_lab).keys()
        assert written >= {"hv01", "hv02"}
        assert ("hv03" in written) == answer
        again = desk.run("apply", "--yes")
        assert again.code == 0
        assert "run 1 had not come to its end" in again.err
        # The DC may have made what was sent after we looked.
        assert applied(desk, 1) >= written
        roll_back(desk, *([2] if applied(desk, 1) != ALL else []), 1)


def test_ctrl_c_at_the_prompt(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory(INVENTORY)
    with restored(fresh_lab):
        terminal = desk.at_terminal("apply")
        terminal.wait_for("[y/N]")
        terminal.interrupt()
        assert terminal.end().code == 130
        assert desk.runs() == []
        assert holding(fresh_lab) == {}
        assert desk.run("apply", "--yes").code == 0
        roll_back(desk, 1)


@pytest.mark.parametrize("modify", [1, 3])
def test_the_dc_dies_in_the_middle(
    desk: Workstation, tapped: Workstation, wire: Wiretap, fresh_lab: Lab, modify: int
) -> None:
    with restored(fresh_lab):
        wire.stop_at(modify)
        apply = tapped.start("apply", "--yes")
        wire.wait_until_held(apply.process)
        domain.kill(fresh_lab)
        wire.release()
        failed = apply.end()
        assert failed.code == 1
        # The canary goes alone; behind it, all others were on their way.
        # Whether the answer to hv02 still came through, is luck.
        unknown = {1: ["hv01"], 3: ["hv[02-06]", "hv[03-06]"]}[modify]
        assert any(told_as(failed, f"{hosts}: unknown: no answer") for hosts in unknown)
        assert ("hv[02-06]: failed: not tried" in failed.err) == (modify == 1)
        assert "the next apply or rollback looks what became of the unknown ones" in failed.err
        is_unsettled(desk)

        nobody = desk.run("apply", "--yes")
        assert nobody.code == 1
        assert f"no connection to {fresh_lab.ldaps_url}" in nobody.err

        domain.start(fresh_lab)
        again = desk.run("apply", "--yes")
        assert again.code == 0
        assert "run 1 had not come to its end" in again.err
        assert not any(run["unsettled"] for run in desk.runs())
        roll_back(desk, *([2, 1] if applied(desk, 1) else [2]))


def test_the_dc_dies_when_all_is_written(
    desk: Workstation, tapped: Workstation, wire: Wiretap, fresh_lab: Lab
) -> None:
    """What was written can't be read back: that is told, with what was written."""
    with restored(fresh_lab):
        # Which DC it is (two), what HOST stands for, the accounts, the rights, who writes (two),
        # the accounts once more before the first write, and what was written.
        wire.stop_at(9, SEARCH)
        apply = tapped.start("apply", "--yes")
        wire.wait_until_held(apply.process)
        assert holding(fresh_lab).keys() == ALL
        domain.kill(fresh_lab)
        wire.release()
        failed = apply.end()
        assert failed.code == 1
        assert "6 applied" in failed.err
        assert "lost the connection" in failed.err
        domain.start(fresh_lab)
        assert applied(desk, 1) == ALL
        assert desk.run("plan").code == 0
        roll_back(desk, 1)


def test_the_dc_dies_between_two_windows(
    desk: Workstation, tapped: Workstation, wire: Wiretap, fresh_lab: Lab
) -> None:
    with restored(fresh_lab):
        # Which DC it is (two), what HOST stands for, the accounts, the rights, who writes (two),
        # the accounts once more before the first window, and before the second.
        wire.stop_at(9, SEARCH)
        apply = tapped.start("never", program="tests.story.lethal")
        wire.wait_until_held(apply.process)
        domain.kill(fresh_lab)
        wire.release()
        failed = apply.end()
        assert failed.code == 1
        assert told_as(failed, "hv[03-06]: failed: not tried")
        assert "2 applied" in failed.err
        domain.start(fresh_lab)
        assert applied(desk, 1) == holding(fresh_lab).keys() == TWO
        assert desk.run("apply", "--yes").code == 0
        roll_back(desk, 2, 1)


@pytest.mark.parametrize("answer", [False, True], ids=["before the DC", "before the answer"])
def test_the_dc_freezes_in_the_middle(
    desk: Workstation, tapped: Workstation, wire: Wiretap, fresh_lab: Lab, *, answer: bool
) -> None:
    with restored(fresh_lab):
        wire.stop_at(3, answer=answer)
        gave_up = tapped.run_by("tests.story.lethal", "frozen")
        assert wire.held.is_set()
        assert gave_up.code == 1
        assert told_as(gave_up, "unknown: no answer: ")
        is_unsettled(desk)
        wire.release()
        written = holding(fresh_lab).keys()
        again = desk.run("apply", "--yes")
        assert again.code == 0
        assert "run 1 had not come to its end" in again.err
        assert applied(desk, 1) >= written
        roll_back(desk, *([2] if applied(desk, 1) != ALL else []), 1)


# An export instead of a DC: it is written as a whole, at once.


@pytest.fixture
def offline(tmp_path: Path, lab: Lab) -> Workstation:
    """A workstation with an export of six hosts."""
    folder = tmp_path / "offline"
    folder.mkdir()
    (folder / "export.ldif").write_text("".join(record(host) for host in SIX))
    desk = Workstation(folder, lab, url="ldif:export.ldif")
    desk.inventory(INVENTORY)
    return desk


def record(host: str) -> str:
    return f"""\
dn: CN={host},OU=Hyper-V,DC=corp,DC=example
objectClass: computer
sAMAccountName: {host}$
userAccountControl: 4096
primaryGroupID: 515
dNSHostName: {host}.corp.example

"""


@pytest.mark.parametrize(
    "moment", ["after intend 1", "before outcome 1", "after settle 1", "after outcome 3"]
)
@pytest.mark.parametrize("then", ["apply", "rollback"])
def test_killed_at_an_export(offline: Workstation, moment: str, then: str) -> None:
    file = offline.folder / "export.ldif"
    before = file.read_bytes()
    killed(offline, moment)
    is_unsettled(offline)
    written = file.read_bytes().count(b"msDS-AllowedToDelegateTo") // 20
    settled = offline.run(then, "--yes")
    assert "run 1 had not come to its end" in settled.err
    assert applied(offline, 1) == set(first(written))
    if then == "apply":
        assert settled.code == 0
        assert file.read_bytes() != before
        roll_back(offline, *([2, 1] if written else [2]))
    assert file.read_bytes() == before
