"""The folder that a journal lies in: its owner's alone, and still there after a power cut.

What lies in it is trusted when a run is undone: whoever can write a journal can make a rollback
write values of their choice, and say where to log on. So whatever somebody else could have put
there is refused by what changes anything, and told by what only reads.
"""

import os
import stat
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from delegation.changes import files
from delegation.changes.file_rights import Distrust
from delegation.errors import JournalDistrusted, JournalError

if sys.platform == "win32":
    from delegation.changes import windows_owners as owners
else:
    from delegation.changes import posix_owners as owners

MOST_LINKS = 40
"""More on one way are followed by no system (path_resolution(7))."""


def distrusted(path: Path) -> Distrust | None:
    """Who else could have made or changed what is at ``path``, as far as owners and rights tell.

    None where nobody could, or nothing is there. Raises OSError.
    """
    if not path.exists():
        return None
    for link in _links_on_the_way(path):
        if doubt := owners.distrusted_link(link):
            return doubt
    return owners.distrusted_there(path)


def shown(descriptor: int, path: Path) -> Distrust | None:
    """Who else may read the open file ``descriptor``, which is at ``path``. Raises OSError."""
    return owners.shown(descriptor, path)


def is_handed_over(path: Path) -> bool:
    """Whether systemd hands it over (LoadCredential=): in a folder kept from everybody else."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and path.absolute().parent == Path(folder or "")


def distrusted_journal(folder: Path) -> Distrust | None:
    """The same of a state folder and the journal in it. Raises OSError."""
    return distrusted(folder) or distrusted(folder / "journal.sqlite")


def not_ours(doubt: Distrust) -> JournalError:
    """Why nothing is done by what may be somebody else's."""
    return JournalDistrusted(
        doubt.why,
        f"what lies there is trusted when a run is undone; {doubt.fix}, or name another --state",
    )


def _links_on_the_way(path: Path) -> Iterator[Path]:
    """Every link that is followed to get to what is at ``path``."""
    absolute = path.absolute()
    here, left = Path(absolute.anchor), deque(absolute.parts[1:])
    followed = 0
    while left and followed < MOST_LINKS:
        part = left.popleft()
        there = here.parent if part == ".." else here / part
        if not owners.is_link(there):
            here = there
            continue
        yield there
        followed += 1
        target = there.readlink()
        here = Path(target.anchor) if target.is_absolute() else here
        parts = target.parts[1:] if target.is_absolute() else target.parts
        left.extendleft(reversed(parts))


def own_folder(folder: Path) -> None:
    """Make sure that the folder is there, and nobody else's. Raises JournalError."""
    try:
        _make_durably(folder)
        doubt = distrusted(folder)
    except OSError as exc:
        raise JournalError(
            f"the state folder {folder} can't be used: {exc.strerror or exc}",
            "make it a folder that you may write, or name another --state",
        ) from exc
    if doubt:
        raise not_ours(doubt)


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
        is_file = stat.S_ISREG(path.stat().st_mode)
        doubt = distrusted(path)
    except OSError as exc:
        raise _unwritable(path, exc.strerror or str(exc)) from exc
    if not is_file or not os.access(path, os.R_OK | os.W_OK):
        raise _unwritable(path, "not a file that you may read and write")
    if doubt:
        raise not_ours(doubt)


def _unwritable(path: Path, why: str) -> JournalError:
    return JournalError(
        f"{path} can't be written: {why}; nothing was changed",
        "every write needs its record: make it writable, or name another --state",
    )
