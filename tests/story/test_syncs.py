"""The order in which a first apply writes and syncs, by what it asks of the kernel (strace).

The cheap half of test_power_cut.py: it sees a sync that is missing on any file system, also where
ext4 is kinder than it has to be.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.program import PROGRAM, environment
from tests.cli.world import INVENTORY, plain

pytestmark = pytest.mark.lab

CALLS = "mkdir,mkdirat,openat,link,linkat,unlink,rename,renameat2,ftruncate,fsync,fdatasync"
SYNCS = ("fsync", "fdatasync")
JOURNAL = "new/state/journal.sqlite"
ROLLBACK = f"{JOURNAL}-journal"


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """``sync new/state`` and the like: what the first run of a new folder did, in its order."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    (folder / "directory.ldif").write_bytes(plain())
    log = folder / "strace.log"
    command = [*PROGRAM, "--state", "new/state", "apply", "--yes"]
    subprocess.run(
        ["strace", "-f", "-y", "-e", f"trace={CALLS}", "-o", log, *command],
        cwd=folder,
        env=environment(),
        check=True,
        capture_output=True,
    )
    return [step for line in log.read_text().splitlines() if (step := _step(line, folder))]


def _step(line: str, folder: Path) -> str:
    """What a successful call did to a file of the folder; empty for all else."""
    found = re.match(r"\d+ +(\w+)\((.*)\) += (\d+)", line)
    if not found:
        return ""
    call, arguments = found[1], found[2]
    if call in SYNCS:
        [path] = re.findall(r"<(.*?)>", arguments)
        return f"sync {_name(path, folder)}" if path.startswith(str(folder)) else ""
    if call == "ftruncate":
        [path] = re.findall(r"<(.*?)>", arguments)
        return f"cut {_name(path, folder)}"
    names = [_name(name, folder) for name in re.findall(r'"(.*?)"', arguments)]
    if call == "openat":
        return f"make {names[0]}" if "O_EXCL" in arguments else ""
    return f"{call.removesuffix('at')} {' '.join(names)}"


def _name(path: str, folder: Path) -> str:
    """Below the folder, with no number that differs from run to run."""
    short = path.removeprefix(f"{folder}/") if path != str(folder) else "."
    return re.sub(r"[0-9a-f]{16}|(?<=\.)[0-9a-f]{8}$", "ID", short)


UNDO = "new/state/run-1-ID-undo.ldif"
UNFINISHED = "new/state/.run-1-ID-undo.ldif.ID"
COMMIT = [f"sync {JOURNAL}", f"cut {ROLLBACK}", f"sync {ROLLBACK}"]
"""How one ends: the pages are in the file, the way back from them is gone, and that is synced."""


@pytest.fixture
def before(steps: list[str]) -> list[str]:
    """What is done before the first write to the directory."""
    return steps[: steps.index("make .directory.ldif.ID")]


def in_order(steps: list[str], *wanted: str) -> bool:
    """Whether these are among the steps, each after the one before it."""
    left = iter(steps)
    return all(one in left for one in wanted)


def test_new_folders_are_synced_where_their_names_are(before: list[str]) -> None:
    assert in_order(before, "mkdir new", "sync .")
    assert in_order(before, "mkdir new/state", "sync new")
    assert in_order(before, f"make {JOURNAL}", "sync new/state")


def test_the_undo_is_there_with_its_name_before_the_first_write(before: list[str]) -> None:
    named = f"link {UNFINISHED} {UNDO}"
    made = (f"make {UNFINISHED}", f"sync {UNFINISHED}", named, "sync new/state")
    assert in_order(before, *made, *COMMIT)


def test_the_intent_is_committed_before_the_write_and_the_outcome_after_it(
    steps: list[str], before: list[str]
) -> None:
    assert before[-3:] == COMMIT
    assert in_order(steps[len(before) :], f"sync {ROLLBACK}", *COMMIT)


def test_no_commit_hangs_on_a_name(steps: list[str]) -> None:
    assert f"unlink {ROLLBACK}" not in steps
    assert steps.count(f"cut {ROLLBACK}") >= 5
