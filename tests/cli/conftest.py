import os
from pathlib import Path

import pytest

from tests.cli.farm import Farm
from tests.cli.program import Delegation
from tests.cli.world import INVENTORY, plain


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the admin works: an inventory of three hosts, and their directory."""
    for name in os.environ:
        if name.startswith("DELEGATION_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    (folder / "directory.ldif").write_bytes(plain())
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def delegation(here: Path, capsys: pytest.CaptureFixture[str]) -> Delegation:
    """``delegation("plan", "-v")`` runs that command line in the folder ``here``."""
    return Delegation(capsys)


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    """Three Hyper-V hosts, as Windows is installed, and an inventory that declares them."""
    return Farm.made_in(tmp_path / "farm")
