"""Read an export whole, and put another in its place: at once, or not at all.

No lock is held in between, so that other programs may read and replace it on Windows too.
"""

import contextlib
import os
import stat
import sys
from functools import partial
from pathlib import Path

from delegation import names
from delegation.changes import files
from delegation.directory import ldif
from delegation.directory.ldif import MAX_BYTES
from delegation.errors import ExportError


def domains(path: Path) -> list[str]:
    """The domains of which an export holds objects. Raises ExportError."""
    records = ldif.records(ldif.document(read(path), str(path)))
    contexts = sorted({names.naming_context(record.dn) for record in records} - {""})
    return [context.removeprefix("dc=").replace(",dc=", ".") for context in contexts]


def read(path: Path) -> bytes:
    """All bytes of a regular file. Raises ExportError where there is none, or it is too large."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ExportError(f"{path}: not a file", "give the path of an LDIF export")
        if status.st_size > MAX_BYTES:
            raise ExportError(
                f"{path}: larger than {MAX_BYTES:,} bytes", "export the computer accounts only"
            )
        return path.read_bytes()
    except (OSError, ValueError) as exc:
        raise ExportError(
            f"{path}: {_reason(exc)}", "give the path of an LDIF export that you may read"
        ) from exc


def swap(path: Path, seen: bytes, content: bytes) -> str:
    """Replace the file by ``content``, if it still holds ``seen``; why not, or empty.

    A link stays: the file that it leads to is replaced. Mode, and owner where allowed, are kept.
    Whatever goes wrong, the old file is as it was.
    """
    try:
        return _swap(path.resolve(strict=True), seen, content)
    except OSError as exc:
        return f"{path}: {_reason(exc)}; nothing was written; make room or give the right to write"


def _swap(path: Path, seen: bytes, content: bytes) -> str:
    if not os.access(path, os.W_OK):
        return f"{path}: the file is read-only; nothing was written; make it writable"
    before = path.stat()
    kept = partial(_keep_owner_and_mode, old=before)
    with files.beside(path, content, files.OWNERS_ALONE, kept) as new:
        if path.read_bytes() != seen or _version(path.stat()) != _version(before):
            return f"{path}: somebody else changed the file; nothing was written; plan again"
        new.replace(path)
    _sync_folder(path.parent)
    return ""


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _keep_owner_and_mode(new: int, old: os.stat_result) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(PermissionError):
            os.fchown(new, old.st_uid, old.st_gid)
    files.take_mode(new, old)


def _sync_folder(folder: Path) -> None:
    """So that the new name outlives a power failure; the file is in place already."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _reason(exc: Exception) -> str:
    return (exc.strerror if isinstance(exc, OSError) else None) or str(exc)
