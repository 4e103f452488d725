"""A disk whose power can be cut: an ext4 image on a loop device. Needs root.

What stands in for the cut: the process is killed, and the image is copied as it is below the file
system, which goes on being mounted. Whatever was written and not synced is still in the kernel's
memory then, and is not in the copy: file data is allocated late, and ``commit=600`` keeps the file
system from committing names, sizes and deletions by itself before any test has ended. The copy is
then mounted, as it is after a reboot, and ext4 replays its own journal.

That is kinder than a disk in one way: what was handed to the device counts as kept, even where no
flush has followed. It says nothing of disks that lie about a flush.
"""

from __future__ import annotations

import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

BLOCKS = "8M"
OPTIONS = "loop,commit=600,noauto_da_alloc"
"""Without the file system's own mercy on files that are renamed or cut without a sync."""


class Disk:
    """One that is mounted at ``folder``; ``close`` unmounts whatever became of it."""

    def __init__(self, place: Path) -> None:
        self._mounted = ExitStack()
        self._image = place / "disk.img"
        self._place = place
        _run("truncate", "-s", BLOCKS, self._image)
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", self._image)
        self.folder = self._mount(self._image, "disk")

    def cut(self) -> Path:
        """The power goes, and comes back: where what was on the disk is mounted now."""
        after = self._place / "after.img"
        shutil.copyfile(self._image, after)
        return self._mount(after, "after")

    def close(self) -> None:
        self._mounted.close()

    def _mount(self, image: Path, name: str) -> Path:
        folder = self._place / name
        folder.mkdir()
        _run("mount", "-t", "ext4", "-o", OPTIONS, image, folder)
        self._mounted.callback(_run, "umount", folder)
        return folder


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
