"""Files that a command writes for the user, never over its own input. Raises UsageError."""

import errno
import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from delegation.changes import files
from delegation.errors import UsageError


def save(path: Path, text: str, own: Iterable[Path], *, over: bool = True) -> None:
    """Write ``text`` to ``path``, replacing what is there unless it is one of the program's own.

    ``over`` False: no file is replaced.
    """
    content = _with_line_ends(f"{text}\n")
    try:
        _refuse_own(path, own)
        if not over:
            refuse_file(path)
        if (output := _own_output(path)) is not None:
            _write_into(os.dup(output), content)
        elif path.exists() and not path.is_file():
            _write_into(_opened_device(path), content)
        else:
            files.replace(path, content)
    except OSError as exc:
        raise UsageError(
            f"{path} can't be written: {exc.strerror or exc}", "name another file"
        ) from exc


def _own_output(path: Path) -> int | None:
    """Where ``path`` leads to our own output, its descriptor: /dev/stdout is no file to replace.

    That also holds where the output goes to a file.
    """
    for descriptor in (1, 2):
        with suppress(OSError):
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
    return None


def _opened_device(path: Path) -> int:
    """A device or a pipe, opened to be written to; nothing is made or emptied. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):  # a link to it was put there meanwhile
        os.close(descriptor)
        raise FileExistsError(errno.EEXIST, "a file is there now", str(path))
    return descriptor


def _write_into(descriptor: int, content: bytes) -> None:
    with open(descriptor, "wb") as opened:
        opened.write(content)


def refuse(path: Path, own: Iterable[Path]) -> None:
    """Raise UsageError where ``save`` surely would: before work is done that would be lost."""
    _refuse_own(path, own)
    if not path.parent.is_dir():
        raise UsageError(f"{path} can't be written: {path.parent} is no folder", "name another one")


def refuse_file(path: Path, own: Iterable[Path] = ()) -> None:
    """Raise UsageError where a file is there, or one of our ``own``; a device is none."""
    with suppress(OSError):  # told by whoever writes there
        _refuse_own(path, own)
        if not path.is_file() or _own_output(path) is not None:
            return
        raise UsageError(
            f"{path} is there already, and may have been reviewed; nothing was saved",
            "name another file, or say --force",
        )


def create(path: Path, text: str) -> None:
    """Write ``text`` to a new file; whatever stands at ``path`` already stays.

    Raises FileExistsError where something does.
    """
    try:
        files.create(path, _with_line_ends(text))
    except FileExistsError:
        raise
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise UsageError(f"{path} can't be written: {reason}", "name another file") from exc


def create_all(made: Sequence[tuple[Path, bytes]], if_taken: str, if_failing: str) -> None:
    """Write new files, all or none; the fixes are for what is there already, and for all else."""
    try:
        files.create_all(made)
    except FileExistsError as exc:
        raise UsageError(f"{exc.filename} is there already; nothing was written", if_taken) from exc
    except OSError as exc:
        raise UsageError(
            f"{exc.filename} can't be written: {exc.strerror or exc}; nothing was written",
            if_failing,
        ) from exc


def make_folder(path: Path) -> None:
    """A folder to write to, unless it is there."""
    try:
        path.mkdir(exist_ok=True)
    except OSError as exc:
        raise UsageError(
            f"{path} is no folder, and can't be made one: {exc.strerror or exc}",
            "name a folder with -o",
        ) from exc


def _refuse_own(path: Path, own: Iterable[Path]) -> None:
    if any(_is_same_file(path, known) for known in own):
        raise UsageError(
            f"{path} is what this program reads; nothing was saved", "name another file"
        )


def _is_same_file(path: Path, known: Path) -> bool:
    """Whatever the two are called: by a link, or in another case, a file is still the same."""
    return path.exists() and known.exists() and path.samefile(known)


def _with_line_ends(text: str) -> bytes:
    return text.replace("\n", os.linesep).encode()
