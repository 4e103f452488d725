"""A file on POSIX -> who else may change or read it, by its owner and its mode.

An access list is seen as well: its mask stands in the group's bits (acl(5)).
"""

import os
import stat
import sys
from pathlib import Path

from delegation.changes.file_rights import Distrust

if sys.platform != "win32":
    _OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
    _OTHERS_READ = stat.S_IRGRP | stat.S_IROTH

    def is_link(path: Path) -> bool:
        return path.is_symlink()

    def distrusted_link(link: Path) -> Distrust | None:
        """A link has no mode: its owner alone makes it lead elsewhere."""
        owner = link.lstat().st_uid
        if owner in _trusted():
            return None
        return Distrust(
            f"{link} is a link that belongs to another account (uid {owner})",
            "name the place itself that it leads to",
        )

    def distrusted_there(path: Path) -> Distrust | None:
        """Who else may change what is at ``path``, behind whatever links. Raises OSError."""
        status = path.stat()
        if doubt := _of_a_stranger(path, status.st_uid):
            return doubt
        if not status.st_mode & _OTHERS_WRITE:
            return None
        if not stat.S_ISDIR(status.st_mode):
            return Distrust(f"others may change {path}", f"chmod 600 {path}")
        who = "anybody" if status.st_mode & stat.S_IWOTH else "its group"
        return Distrust(f"{who} may change what is in {path}", f"chmod 700 {path}")

    def shown(descriptor: int, path: Path) -> Distrust | None:
        """Who else may read the open file ``descriptor``: its owner may, whatever its mode."""
        status = os.fstat(descriptor)
        if doubt := _of_a_stranger(path, status.st_uid):
            return doubt
        if status.st_mode & _OTHERS_READ:
            mode = stat.S_IMODE(status.st_mode)
            return Distrust(f"others may read {path} (mode {mode:04o})", f"chmod 600 {path}")
        return None

    def _of_a_stranger(path: Path, owner: int) -> Distrust | None:
        if owner in _trusted():
            return None
        return Distrust(
            f"{path} belongs to another account (uid {owner})",
            f'if it is yours: chown "$(id -un)" {path}',
        )

    def _trusted() -> set[int]:
        """Root can do anything anyway, and systemd links /var/lib/NAME to where its folder is."""
        return {0, os.geteuid()}
