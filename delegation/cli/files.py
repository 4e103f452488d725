"""Files that a command writes for the user: whole or not at all, and never over its own input."""

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from delegation.errors import UsageError


def save(path: Path, text: str, own: Iterable[Path]) -> None:
    """Write ``text`` to ``path``, replacing what is there unless it is one of the program's own.

    Raises UsageError.
    """
    try:
        if any(path.exists() and known.exists() and path.samefile(known) for known in own):
            raise UsageError(
                f"{path} is what this program reads; nothing was saved", "name another file"
            )
        if path.exists() and not path.is_file():
            path.write_text(text + "\n", encoding="utf-8")  # a device, such as /dev/stdout
            return
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            temporary.write_text(text + "\n", encoding="utf-8")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as exc:
        raise UsageError(
            f"{path} can't be written: {exc.strerror or exc}", "name another file"
        ) from exc


def create(path: Path, text: str) -> None:
    """Write ``text`` to a new file; whatever stands at ``path`` already stays.

    Raises FileExistsError where something does, UsageError where it can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            temporary.write_text(text, encoding="utf-8")
            _rename_to_new(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError:
        raise
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise UsageError(f"{path} can't be written: {reason}", "name another file") from exc


def create_all(made: Mapping[Path, bytes]) -> None:
    """Write new files, all or none; whatever stands there already stays. Raises UsageError."""
    written: list[Path] = []
    try:
        for path, content in made.items():
            with path.open("xb") as file:
                written.append(path)
                file.write(content)
    except BaseException as exc:
        for path in written:
            with suppress(OSError):
                path.unlink()
        if isinstance(exc, FileExistsError):
            raise UsageError(
                f"{exc.filename} is there already; nothing was written",
                "move it away, or name another place with -o",
            ) from exc
        if isinstance(exc, OSError):
            raise UsageError(
                f"{exc.filename} can't be written: {exc.strerror or exc}; nothing was written",
                "name another place with -o",
            ) from exc
        raise


def make_folder(path: Path) -> None:
    """A folder to write to, unless it is there. Raises UsageError."""
    try:
        path.mkdir(exist_ok=True)
    except OSError as exc:
        raise UsageError(
            f"{path} is no folder, and can't be made one: {exc.strerror or exc}",
            "name a folder with -o",
        ) from exc


def _rename_to_new(temporary: Path, path: Path) -> None:
    """A rename replaces what is there, except on Windows; a link to the same file never does."""
    if sys.platform == "win32":
        temporary.rename(path)
        return
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        temporary.rename(path)
