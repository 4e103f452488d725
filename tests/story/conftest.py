"""Who takes part in a story: an administrator's workstation, and a line to the DC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Lab
from tests.lab.description import ACCOUNTS

pytest.register_assert_rewrite("tests.story.witness", "tests.story.workstation")

from tests.story.wiretap import Wiretap  # noqa: E402 - after it is registered
from tests.story.workstation import Workstation  # noqa: E402


@pytest.fixture
def desk(fresh_lab: Lab, tmp_path: Path) -> Iterator[Workstation]:
    """A workstation, before a domain as new; in the end, no password lies about on it."""
    folder = tmp_path / "desk"
    folder.mkdir()
    yield Workstation(folder, fresh_lab)
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.endswith(".secret"):
            text = path.read_bytes()
            assert not [word for word in ACCOUNTS.values() if word.encode() in text], path


@pytest.fixture
def wire(fresh_lab: Lab) -> Iterator[Wiretap]:
    """A way to the DC on which everything is seen, and may be held up."""
    with Wiretap(fresh_lab) as wire:
        yield wire
