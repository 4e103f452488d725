"""The folder that a journal lies in: its owner's alone, and still there after a power cut.

What lies in it is trusted when a run is undone, so a folder or file that anybody may change is
refused.
"""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

from delegation.changes import files
from delegation.errors import JournalError


def own_folder(folder: Path) -> None:
    """Make sure that the folder is there, for its owner alone. Raises JournalError."""
    try:
        _make_durably(folder)
        if sys.platform != "win32" and folder.stat().st_mode & 0o002:
            # Whoever can write a journal can make a rollback write values of their choice.
            raise JournalError(
                f"anybody may change the state folder {folder}",
                f"what lies there is trusted when a run is undone: chmod 700 {folder}",
            )
    except OSError as exc:
        raise JournalError(
            f"the state folder {folder} can't be used: {exc.strerror or exc}",
            "make it a folder that you may write, or name another --state",
        ) from exc


def _make_durably(folder: Path) -> None:
    """A name that is not synced in its folder is gone after a power cut, with all that is below it.

    That holds however well what is below was synced itself.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        for made in missing:
            files.sync_folder(made.parent)
    except OSError:
        for made in missing:
            with suppress(OSError):
                made.rmdir()
        raise


def own_file(path: Path) -> None:
    """Make sure that the file is there, and ours to write. Raises JournalError.

    One that is there is not opened: on POSIX, closing any descriptor of a file ends the locks that
    this process holds on it, those of SQLite among them.
    """
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, files.OWNERS_ALONE))
            # Also where the folder was made by a process that did not live to sync its name. Who
            # may not look at the folder above did not make this one: systemd did, or an admin.
            with suppress(PermissionError):
                files.sync_folder(path.parent.parent)
        status = path.stat()
    except OSError as exc:
        raise _unwritable(path, exc.strerror or str(exc)) from exc
    if not stat.S_ISREG(status.st_mode) or not os.access(path, os.R_OK | os.W_OK):
        raise _unwritable(path, "not a file that you may read and write")
    if sys.platform != "win32" and status.st_mode & 0o022:
        raise JournalError(f"others may change {path}", f"chmod 600 {path}")


def _unwritable(path: Path, why: str) -> JournalError:
    return JournalError(
        f"{path} can't be written: {why}; nothing was changed",
        "every write needs its record: make it writable, or name another --state",
    )
