"""Files that a command writes for the user: whole or not at all, and never over its own input."""

import os
from collections.abc import Iterable
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
