"""The recordings as files, and how they compare with what is given now."""

import difflib
from pathlib import Path

from tests.recordings import audits, changes, files, hosts, journal, migrations, words
from tests.recordings.desk import Story

FOLDER = Path(__file__).with_name("given")
WRITE = "DELEGATION_RECORDINGS_WRITE"
"""The variable that has the tests write the recordings, rather than compare."""

STORIES: dict[str, Story] = {
    name: story
    for module in (words, changes, audits, files, hosts, migrations, journal)
    for name, story in module.STORIES.items()
}
"""Those that need no lab."""


def compared(name: str, given: str) -> str:
    """The difference between the recording of that name and what was given; empty where equal."""
    path = FOLDER / f"{name}.txt"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before == given:
        return ""
    old, new = (text.splitlines(keepends=True) for text in (before, given))
    return "".join(difflib.unified_diff(old, new, f"recorded/{path.name}", "given now", n=4))


def write(name: str, given: str) -> None:
    """Make it the recording."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.txt").write_text(given, encoding="utf-8", newline="\n")
