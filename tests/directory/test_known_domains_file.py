"""The file of known domains, where it lies and who may read it."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from delegation.directory.known_domains import KnownDomain
from delegation.directory.known_domains_file import KnownDomainsFile
from delegation.errors import UsageError


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_what_root_writes_others_can_read_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    file = tmp_path / "delegation" / "known-domains"
    before = os.umask(umask)
    try:
        KnownDomainsFile(file, Path("inventory.yaml")).add("corp.example", KnownDomain())
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o755
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    KnownDomainsFile(tmp_path / "known", Path("none.yaml")).add("corp.example", KnownDomain())
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_list_beside_a_link_to_the_inventory(tmp_path: Path) -> None:
    """Both may come out of one archive, or one repository."""
    sent, real = tmp_path / "sent", tmp_path / "sent" / "real"
    real.mkdir(parents=True)
    (real / "inventory.yaml").write_text("domain: corp.example\n")
    link, file = sent / "inventory.yaml", sent / "known-domains"
    link.symlink_to(real / "inventory.yaml")
    file.write_text("corp.example: {}\n")
    file.chmod(0o644)
    with pytest.raises(UsageError, match="lies in the folder of the inventory"):
        KnownDomainsFile(file, link).all()


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe with a name is POSIX's")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody may ever write into it."""
    os.mkfifo(tmp_path / "known")
    with pytest.raises(UsageError) as caught:
        KnownDomainsFile(tmp_path / "known", tmp_path / "elsewhere" / "inventory.yaml").all()
    assert "are a pipe" in caught.value.what
