import errno
import os
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from delegation.changes import files
from tests.nobody import nobodys_folder


def there(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@contextmanager
def racing(step: Callable[[], int]) -> Iterator[list[int]]:
    """``step`` again and again, by somebody else; what it came to, where to anything."""
    over = threading.Event()
    made: list[int] = []

    def run() -> None:
        while not over.is_set():
            if came_to := step():
                made.append(came_to)

    other = threading.Thread(target=run)
    other.start()
    try:
        yield made
    finally:
        over.set()
        other.join()


def _replace_by_links(folder: Path, victim: Path) -> int:
    """A link to ``victim`` in the place of each hidden file; how many."""
    links = 0
    for path in folder.glob(".*"):
        with suppress(FileNotFoundError):
            path.unlink()
            path.symlink_to(victim)
            links += 1
    return links


class TestReplace:
    def test_what_was_there_is_gone(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"old")
        files.replace(tmp_path / "a", b"new\r\n")
        assert there(tmp_path) == {"a": b"new\r\n"}

    def test_a_link_is_replaced_and_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "theirs").write_bytes(b"theirs")
        (tmp_path / "a").symlink_to("theirs")
        files.replace(tmp_path / "a", b"new")
        assert there(tmp_path) == {"a": b"new", "theirs": b"theirs"}
        assert not (tmp_path / "a").is_symlink()

    def test_a_private_one_is_never_anybodys(self, tmp_path: Path) -> None:
        with files.beside(tmp_path / "a", b"new", files.OWNERS_ALONE) as new:
            assert stat.S_IMODE(new.stat().st_mode) == 0o600
        assert there(tmp_path) == {}

    def test_others_have_the_rights_that_the_umask_leaves(self, tmp_path: Path) -> None:
        before = os.umask(0o027)
        try:
            files.replace(tmp_path / "a", b"new")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664])
    @pytest.mark.parametrize("mask", [0, 0o077])
    def test_the_mode_of_what_was_there_stays(self, tmp_path: Path, mode: int, mask: int) -> None:
        (tmp_path / "a").write_bytes(b"old")
        (tmp_path / "a").chmod(mode)
        before = os.umask(mask)
        try:
            files.replace(tmp_path / "a", b"new")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode

    def test_of_a_link_its_mode_is_not_taken(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to("nowhere")
        before = os.umask(0o077)
        try:
            files.replace(tmp_path / "a", b"new")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600

    def test_a_link_that_is_put_in_its_place_meanwhile_takes_no_mode(self, tmp_path: Path) -> None:
        """Where others may write to the folder, a name is theirs at any moment."""
        victim, folder = tmp_path / "victim", tmp_path / "shared"
        victim.write_bytes(b"private")
        victim.chmod(0o600)
        folder.mkdir()
        (folder / "a").write_bytes(b"old")
        (folder / "a").chmod(0o666)
        with racing(lambda: _replace_by_links(folder, victim)) as swaps:
            for _ in range(200):
                with suppress(FileNotFoundError):
                    files.replace(folder / "a", b"new")
                (folder / "a").unlink(missing_ok=True)
                (folder / "a").touch()
                (folder / "a").chmod(0o666)
        assert swaps
        assert stat.S_IMODE(victim.stat().st_mode) == 0o600
        assert victim.read_bytes() == b"private"

    def test_what_fails_names_the_file_and_leaves_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        with pytest.raises(IsADirectoryError):
            files.replace(tmp_path / "a", b"new")
        assert [path.name for path in tmp_path.iterdir()] == ["a"]

    def test_without_a_right_to_write_the_file_is_named(self) -> None:
        with nobodys_folder() as folder:
            folder.chmod(0o500)
            with pytest.raises(PermissionError) as caught:
                files.replace(folder / "a", b"new")
            assert caught.value.filename == str(folder / "a")


class TestCreate:
    def test_it_is_whole(self, tmp_path: Path) -> None:
        files.create(tmp_path / "a", b"new")
        assert there(tmp_path) == {"a": b"new"}

    def test_what_is_there_stays(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to("nowhere")
        with pytest.raises(FileExistsError):
            files.create(tmp_path / "a", b"new")
        assert [path.name for path in tmp_path.iterdir()] == ["a"]

    def test_a_private_one_is_private(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            files.create(tmp_path / "a", b"new", files.OWNERS_ALONE)
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600

    def test_where_there_are_no_links_what_is_there_stays_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "link", _no_links)
        files.create(tmp_path / "a", b"new")
        with pytest.raises(FileExistsError):
            files.create(tmp_path / "a", b"newer")
        (tmp_path / "b").symlink_to("nowhere")
        with pytest.raises(FileExistsError):
            files.create(tmp_path / "b", b"new")
        assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
        assert (tmp_path / "a").read_bytes() == b"new"


class TestCreateAll:
    def test_all_of_them(self, tmp_path: Path) -> None:
        files.create_all([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")])
        assert there(tmp_path) == {"a": b"1", "b": b"2"}

    def test_none_where_one_is_there(self, tmp_path: Path) -> None:
        (tmp_path / "b").write_bytes(b"mine")
        with pytest.raises(FileExistsError) as caught:
            files.create_all([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")])
        assert caught.value.filename == str(tmp_path / "b")
        assert there(tmp_path) == {"b": b"mine"}

    def test_none_where_one_comes_twice(self, tmp_path: Path) -> None:
        with pytest.raises(FileExistsError):
            files.create_all([(tmp_path / "a", b"1"), (tmp_path / "." / "a", b"2")])
        assert there(tmp_path) == {}


def _no_links(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


@pytest.mark.skipif(sys.platform == "win32", reason="no such call")
class TestSyncFolder:
    def test_it_syncs_the_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        synced: list[int] = []
        monkeypatch.setattr(os, "fsync", lambda it: synced.append(os.fstat(it).st_ino))
        files.sync_folder(tmp_path)
        assert synced == [tmp_path.stat().st_ino]

    def test_a_share_without_such_a_call_is_no_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "fsync", _failing(errno.EINVAL))
        files.sync_folder(tmp_path)

    def test_a_disk_that_fails_is(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "fsync", _failing(errno.EIO))
        with pytest.raises(OSError, match="Input/output"):
            files.sync_folder(tmp_path)


def _failing(code: int) -> Callable[[int], None]:
    def fsync(_: int) -> None:
        raise OSError(code, os.strerror(code))

    return fsync
