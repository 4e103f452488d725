"""What Windows is asked whose a file is: before a stand-in, for want of a Windows machine."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.changes.windows_stand_in"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_what_is_found_is_judged(seen: dict[str, Any]) -> None:
    told = seen["told"]
    assert told["folder"] is None
    assert told["journal"].startswith("BUILTIN\\Users may change ")
    assert told["link"].startswith("BUILTIN\\Users may change ")
    assert told["secret"].startswith("BUILTIN\\Users may read ")


def test_what_may_not_be_asked_about_is_nobodys_to_trust(seen: dict[str, Any]) -> None:
    assert seen["told"]["barred"].endswith("can't be told: Access is denied.")


def test_links_and_junctions_are_links_and_files_kept_elsewhere_are_none(
    seen: dict[str, Any],
) -> None:
    kinds = ("symlink", "junction", "cloud", "plain", "nowhere")
    assert [seen["told"][kind] for kind in kinds] == [True, True, False, False, False]


def test_owner_and_list_are_asked_for_with_no_more_rights_than_that_takes(
    seen: dict[str, Any],
) -> None:
    """READ_CONTROL; a link itself by FILE_FLAG_OPEN_REPARSE_POINT; every handle is closed."""
    opened = [asked for asked in seen["asked"] if "open" in asked]
    assert {asked["access"] for asked in opened} == {0x20000}
    behind, itself = 0x2000000, 0x2000000 | 0x200000
    assert [asked["flags"] for asked in opened] == [behind, behind, itself, behind]
    asked_of = [asked["of"] for asked in seen["asked"] if "of" in asked]
    assert [handle > 1000 for handle in asked_of] == [False, False, False, True]
    assert {(asked["kind"], asked["what"]) for asked in seen["asked"] if "of" in asked} == {(1, 5)}
    assert sum("closed" in asked for asked in seen["asked"]) == 3
