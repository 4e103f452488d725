"""Files written whole or not at all, whatever happens meanwhile. Raises OSError.

A file is made under a hidden name in the folder where it is to be, and then gets its own: a rename
within one folder is a single step, and whoever reads the old file keeps it.
"""

import errno
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

OWNERS_ALONE = 0o600
ANYBODYS = 0o666
"""The rights on a new file, of which the user's umask takes away."""


def replace(path: Path, content: bytes) -> None:
    """``content`` in the place of whatever is there; of a link, of the link itself.

    A file that was kept from others stays so, and one that others may read goes on being read.
    """
    status = _status_of(path)
    if status is None:
        made = beside(path, content)
    else:
        made = beside(path, content, OWNERS_ALONE, lambda new: take_mode(new, status))
    with made as new:
        new.replace(path)


def _status_of(path: Path) -> os.stat_result | None:
    """None where there is no file, or a link."""
    with suppress(FileNotFoundError):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            return status
    return None


def take_mode(new: int, status: os.stat_result) -> None:
    """Give an open file the rights of another one.

    By its descriptor: whoever may write to the folder may put a link in the place of the name. On
    Windows a file has the rights that its folder hands on.
    """
    if sys.platform != "win32":
        os.fchmod(new, status.st_mode & 0o777)


def create(path: Path, content: bytes, mode: int = ANYBODYS) -> None:
    """A new file. Raises FileExistsError where anything is there already, which stays."""
    with beside(path, content, mode) as new:
        _rename_to_new(new, path)


def create_all(made: Sequence[tuple[Path, bytes]]) -> None:
    """New files, all or none. Raises FileExistsError where one is there already, or comes twice.

    Every name is taken first, so that most of what may go wrong does before anything is written.
    """
    taken: list[Path] = []
    try:
        for path, _ in made:
            path.open("xb").close()
            taken.append(path)
        for path, content in made:
            replace(path, content)
    except BaseException:
        for path in taken:
            with suppress(OSError):
                path.unlink()
        raise


@contextmanager
def beside(
    path: Path,
    content: bytes,
    mode: int = ANYBODYS,
    prepare: Callable[[int], None] = lambda _: None,
) -> Iterator[Path]:
    """A file of ``content`` in the folder of ``path``, on the disk; what is left of it is removed.

    ``prepare`` is given it while it is open, by its descriptor.
    Its name is new, so that nothing that somebody has put there is followed or overwritten. What
    the system says against it is said of ``path``.
    """
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(new, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            prepare(file.fileno())
            file.flush()
            os.fsync(file.fileno())
        yield new
    except OSError as exc:
        if exc.filename in {str(new), None}:
            raise OSError(exc.errno, exc.strerror, str(path)) from exc
        raise
    finally:
        new.unlink(missing_ok=True)


def _rename_to_new(new: Path, path: Path) -> None:
    """A rename replaces what is there, except on Windows; a link to the same file never does."""
    if sys.platform == "win32":
        new.rename(path)
        return
    try:
        path.hardlink_to(new)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: only what is ours is renamed over
        path.open("xb").close()
        new.rename(path)


def sync_folder(folder: Path) -> None:
    """Make sure that the names in it outlive a power cut: fsync of a file does not say its name.

    Windows has no such call: its file systems keep a log of names, in their order.
    """
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as exc:
        # Some network file systems have no such call either (fsync(2)).
        if exc.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)
