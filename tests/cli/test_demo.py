"""``delegation demo``: the whole story, without a trace and without touching anything real."""

import re
from pathlib import Path

import pytest

from tests.cli.program import Ran, spawned
from tests.cli.world import tree


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    """The demo as somebody runs it whose shell is set up for real work."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "inventory.yaml").write_text("precious", encoding="utf-8")
    (folder / "temporary").mkdir()
    ran = spawned(
        "demo",
        cwd=folder,
        changes={
            "TMPDIR": str(folder / "temporary"),
            "DELEGATION_INVENTORY": str(folder / "inventory.yaml"),
            "DELEGATION_DIRECTORY": "ldaps://dc1.corp.example",
            "DELEGATION_STATE": str(folder / "state"),
            "DELEGATION_PASSWORD": "not for the demo",
        },
    )
    return ran, folder


def test_it_is_0(told: tuple[Ran, Path]) -> None:
    assert told[0].code == 0


def test_it_leaves_no_trace(told: tuple[Ran, Path]) -> None:
    assert tree(told[1]) == {"inventory.yaml": b"precious", "temporary": None}


def test_it_tells_the_whole_story(told: tuple[Ran, Path]) -> None:
    text = told[0].out
    commands = re.findall(
        r"^\$ delegation .*?(check|plan|apply|audit|rollback|history)", text, re.MULTILINE
    )
    assert commands == [
        "check", "plan", "apply", "plan", "audit", "apply", "rollback", "rollback", "rollback",
        "history",
    ]  # fmt: skip
    codes = [int(code) for code in re.findall(r"^\(exit code (\d+)\)$", text, re.MULTILINE)]
    assert codes == [0, 3, 0, 0, 3, 0, 4, 0, 0, 0]
    assert "hv[01-64]" in text
    assert "16,128" in text
    assert "byte for byte" in text


def test_the_answers_follow_their_commands(told: tuple[Ran, Path]) -> None:
    """Its stdout alone is the story, in order."""
    text = told[0].out
    assert text.index("plan") < text.index("16,128") < text.index("KCD001") < text.index("Undo of")
