"""One writer at a time per state folder; readers are never in the way."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.lab import Lab
from tests.story.wiretap import Wiretap
from tests.story.witness import holding, restored, untouched
from tests.story.workstation import Terminal, Workstation

pytestmark = pytest.mark.lab

FOUR = "hosts: {'hv[01-04]': }\n"


@pytest.fixture
def asking(desk: Workstation) -> Iterator[Terminal]:
    """An apply that waits at its prompt, and holds the state folder."""
    desk.inventory(FOUR)
    terminal = desk.at_terminal("apply")
    terminal.wait_for("[y/N]")
    yield terminal
    if terminal.process.poll() is None:
        terminal.kill()


def test_a_second_writer_is_refused_at_once(
    desk: Workstation, asking: Terminal, fresh_lab: Lab
) -> None:
    with untouched(fresh_lab):
        refused = desk.run("apply", "--yes")
        assert refused.code == 4
        assert "another apply or rollback is using the state folder" in refused.err
        asking.type("n\n")
        assert asking.end().code == 1
    assert desk.runs() == []
    assert desk.run("apply", "--yes").code == 0


def test_so_is_a_rollback(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-02]': }")
    assert desk.run("apply", "--yes").code == 0
    desk.inventory(FOUR)
    first = desk.at_terminal("apply")
    first.wait_for("[y/N]")
    with untouched(fresh_lab):
        refused = desk.run("rollback", "--yes")
        assert refused.code == 4
        assert "another apply or rollback is using the state folder" in refused.err
        first.type("n\n")
        assert first.end().code == 1
    assert desk.run("rollback", "--yes").code == 0


def test_the_first_is_not_disturbed(desk: Workstation, asking: Terminal, fresh_lab: Lab) -> None:
    with restored(fresh_lab):
        assert desk.run("apply", "--yes").code == 4
        asking.type("y\n")
        assert asking.end().code == 0
        assert holding(fresh_lab).keys() == {"hv01", "hv02", "hv03", "hv04"}
        assert desk.run("rollback", "--yes").code == 0


def test_readers_may_look_meanwhile(desk: Workstation, asking: Terminal, fresh_lab: Lab) -> None:
    assert desk.run("plan").code == 3
    assert desk.run("history").code == 0
    assert desk.run("check").code == 0
    audit = desk.run("audit")
    assert audit.code == 3
    assert "warning" not in audit.err
    assert [run["kind"] for run in desk.runs()] == ["audit"]
    asking.type("y\n")
    assert asking.end().code == 0


def test_readers_may_look_while_it_writes(desk: Workstation, wire: Wiretap, fresh_lab: Lab) -> None:
    desk.inventory(FOUR)
    wire.stop_at(3)
    apply = Workstation(desk.folder, fresh_lab, url=wire.url).start("apply", "--yes")
    wire.wait_until_held(apply.process)
    assert desk.run("apply", "--yes").code == 4
    assert desk.run("plan").code == 3
    assert desk.run("audit").code == 3
    assert "UNSETTLED" in desk.run("history").out
    wire.release()
    assert apply.end().code == 0
    assert not any(run["unsettled"] for run in desk.runs())
    assert desk.run("plan").code == 0


def test_a_lock_dies_with_its_process(desk: Workstation, asking: Terminal, fresh_lab: Lab) -> None:
    asking.process.send_signal(signal.SIGKILL)
    asking.end()
    assert desk.run("apply", "--yes").code == 0


def test_two_state_folders_meet_at_the_directory(
    desk: Workstation, asking: Terminal, fresh_lab: Lab
) -> None:
    """The lock is a folder's; between two of them, the object itself decides."""
    other = Workstation(desk.folder / "other", fresh_lab)
    other.folder.mkdir()
    other.inventory(FOUR)
    assert other.run("apply", "--yes").code == 0
    with untouched(fresh_lab):
        asking.type("y\n")
        late = asking.end()
    assert late.code == 4
    assert "hv01: would not be changed any more" in late.text
