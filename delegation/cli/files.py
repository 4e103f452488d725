"""Files that a command writes for the user: whole or not at all, and never over its own input."""

import os
from pathlib import Path

from delegation.cli.options import Options
from delegation.errors import UsageError


def save(path: Path, text: str, given: Options) -> None:
    """Write ``text`` to ``path``, replacing what is there. Raises UsageError."""
    inputs = [given.inventory]
    if given.directory is not None and given.directory.startswith("ldif:"):
        inputs.append(Path(given.directory.removeprefix("ldif:")))
    if any(path.exists() and known.exists() and path.samefile(known) for known in inputs):
        raise UsageError(f"{path} is what was read; nothing was saved", "name another file")
    try:
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
