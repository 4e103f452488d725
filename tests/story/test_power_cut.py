"""The power is cut in the middle of an apply: the record still knows, and the rollback is exact.

The state folder is on a disk that is cut off; the directory, an export, is elsewhere, as a domain
controller is. Never skipped: where there is no loop device, or no root, these fail.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Delegation, environment
from tests.cli.world import (
    INVENTORY,
    MEMBER,
    TRANSITION,
    account,
    apply_change_file,
    directory,
    forms,
    held,
    holdings,
    undo_file,
)
from tests.story.disk import Disk

pytestmark = pytest.mark.lab

SIX = [f"hv{number:02}" for number in range(1, 7)]
DNS = {f"CN={host.upper()},OU=Hyper-V,DC=corp,DC=example": host for host in SIX}
BEFORE = directory(*(account(host.upper()) for host in SIX))
MADE = directory(
    *(
        account(host.upper(), *forms(*(one for one in SIX if one != host)), uac=MEMBER | TRANSITION)
        for host in SIX
    )
)

MOMENTS = (
    "after begin 1",
    "before intend 1",
    "after intend 1",
    "before outcome 1",
    "before settle 1",
    "after settle 1",
    "after intend 2",
    "before outcome 3",
    "before settle 3",
    "before finish 1",
)
"""See lethal.py; six hosts in three windows of two. Twice each: twenty cuts."""


@dataclass(frozen=True)
class Rig:
    """A disk for the state folder, and a folder with inventory and directory that stays."""

    disk: Disk
    folder: Path
    delegation: Delegation

    @property
    def export(self) -> Path:
        return self.folder / "directory.ldif"

    def written(self) -> set[str]:
        """The hosts that the directory shows as changed, whatever any record says."""
        return {host for host, one in held(self.export).items() if host in SIX and one.values}

    def killed(self, moment: str, program: str) -> None:
        """An apply that dies at the moment."""
        command = [sys.executable, "-m", program, "--state", str(self.disk.folder / "new/state")]
        done = subprocess.run(
            [*command, moment], cwd=self.folder, env=environment(), capture_output=True, check=False
        )
        assert done.returncode == -signal.SIGKILL, done.stderr

    def made_and_undone(self) -> None:
        """Two runs that came to their end, before the one that does not."""
        for command in ("apply", "rollback"):
            state = self.disk.folder / "new/state"
            assert self.delegation("--state", state, command, "--yes").code == 0


@pytest.fixture
def rig(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Rig]:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    text = INVENTORY.replace("hv[01-03]", "hv[01-06]")
    (folder / "inventory.yaml").write_text(text, encoding="utf-8")
    (folder / "directory.ldif").write_bytes(BEFORE)
    disk = Disk(tmp_path)
    try:
        yield Rig(disk, folder, Delegation(capsys))
    finally:
        disk.close()


def recorded(rig: Rig, state: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The newest run as the history shows it, and its changes by host."""
    runs = rig.delegation("--state", state, "history", "--format", "json").json["runs"]
    newest = runs[-1]
    page = rig.delegation("--state", state, "history", str(newest["run"]), "--format", "json").json
    return {**newest, "undo_file": page["undo_file"]}, {
        one["computer"]: one for one in page["changes"]
    }


@pytest.mark.parametrize("earlier", [False, True], ids=["very first run", "third run"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_the_record_knows_what_was_written(rig: Rig, moment: str, *, earlier: bool) -> None:
    if earlier:
        rig.made_and_undone()
    rig.killed(moment, "tests.story.lethal")
    written = rig.written()
    state = rig.disk.cut() / "new/state"

    run, changes = recorded(rig, state)
    assert run["run"] == (3 if earlier else 1)
    assert run["unsettled"]
    assert {host for host in SIX if changes[host]["intended"]} >= written
    assert {host for host in SIX if changes[host]["result"] == "applied"} <= written
    if moment != "after begin 1":
        undo = undo_file(state, run["run"])
        assert undo.name == run["undo_file"]
        assert apply_change_file(undo.read_text(), holdings(MADE), DNS) == holdings(BEFORE)

    back = rig.delegation("--state", state, "rollback", "--yes")
    assert back.code == (0 if written else 1)
    assert rig.export.read_bytes() == BEFORE
    run, _ = recorded(rig, state)
    assert not run["unsettled"]


@pytest.mark.parametrize("earlier", [False, True], ids=["very first run", "third run"])
@pytest.mark.parametrize("moment", ["after intend 1", "before outcome 1", "before settle 3"])
def test_as_0_1_0_kept_it_the_same_cuts_take_intents_away(
    rig: Rig, moment: str, *, earlier: bool
) -> None:
    """Not of the product: it shows that the cuts above take what a disk takes."""
    if earlier:
        rig.made_and_undone()
    rig.killed(moment, "tests.story.lethal_before")
    state = rig.disk.cut() / "new/state"
    run, changes = recorded(rig, state)
    window = SIX[4:] if moment == "before settle 3" else SIX[:2]
    assert not [host for host in window if changes[host]["intended"]]

    if moment == "after intend 1":
        return
    # What was written is not ours to take back then; but it is told, and nobody calls it nothing.
    settled = rig.delegation("--state", state, "apply", "--yes")
    assert "can't be told: hv" in settled.err
    page = rig.delegation("--state", state, "history", str(run["run"]), "--format", "json").json
    results = {one["computer"]: one["result"] for one in page["changes"]}
    assert {results[host] for host in window} == {"unknown"}
