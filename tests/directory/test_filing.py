import os
import stat
from pathlib import Path

import pytest

from delegation.directory import filing
from delegation.directory.ldif import MAX_BYTES
from delegation.errors import ExportError
from tests.nobody import nobodys_folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "export.ldif"
    path.write_bytes(b"old")
    return path


def alone(file: Path) -> bool:
    return list(file.parent.iterdir()) == [file]


def test_a_file_is_put_in_its_place(file: Path) -> None:
    file.chmod(0o604)
    assert filing.swap(file, b"old", b"new") == ""
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o604
    assert alone(file)


def test_what_somebody_else_wrote_stays(file: Path) -> None:
    file.write_bytes(b"his")
    assert "somebody else changed the file; nothing was written" in filing.swap(
        file, b"old", b"new"
    )
    assert file.read_bytes() == b"his"
    assert alone(file)


def test_a_reader_keeps_what_it_opened(file: Path) -> None:
    with file.open("rb") as reader:
        assert filing.swap(file, b"old", b"new") == ""
        assert reader.read() == b"old"


def test_a_file_that_is_gone_is_not_made(file: Path) -> None:
    file.unlink()
    assert "No such file" in filing.swap(file, b"old", b"new")
    assert not file.exists()


def test_links_lead_to_the_file(file: Path) -> None:
    folder = file.with_name("elsewhere")
    folder.mkdir()
    link = folder / "link.ldif"
    link.symlink_to(file)
    assert filing.swap(link, b"old", b"new") == ""
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert list(folder.iterdir()) == [link]


def test_a_read_only_file_is_left_alone() -> None:
    with nobodys_folder() as folder:
        file = folder / "export.ldif"
        file.write_bytes(b"old")
        file.chmod(0o400)
        assert "read-only" in filing.swap(file, b"old", b"new")
        assert file.read_bytes() == b"old"


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ExportError, match="not a file"):
        filing.read(tmp_path / "pipe")


def test_too_large_a_file_is_not_read(file: Path) -> None:
    os.truncate(file, MAX_BYTES + 1)
    with pytest.raises(ExportError, match="larger than"):
        filing.read(file)
