"""The C: of a lab host: a folder, with real files of random content below it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from tests.lab.hosts.state import HostState

STAGING = "C:\\$VSM$"
"""Where the folders of temporary shares are."""
CHUNK = 1 << 20


class NoSuchPath(Exception):
    """A Windows path that this host cannot have."""


class Volume:
    """Windows paths of a host, and the files that they are."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "c"

    def file(self, path: str) -> Path:
        """Give the file of a Windows path.

        Raises:
            NoSuchPath: it is not an absolute one on C:.
        """
        windows = PureWindowsPath(path)
        if windows.drive.casefold() != "c:" or not windows.root or ".." in windows.parts:
            raise NoSuchPath(path)
        return self.root.joinpath(*windows.parts[1:])

    def windows(self, file: Path) -> str:
        """Give the Windows path of a file."""
        return str(PureWindowsPath("C:\\", *file.relative_to(self.root).parts))

    def files(self) -> list[Path]:
        """List all files; one with two names is there twice."""
        return sorted(one for one in self.root.rglob("*") if one.is_file())

    def fill(self, path: str, size: int) -> None:
        """Write a file of random content."""
        file = self.file(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as new:
            for start in range(0, size, CHUNK):
                new.write(os.urandom(min(CHUNK, size - start)))

    def size(self, path: str) -> int:
        """Give the size of a file, 0 where there is none (yet)."""
        try:
            return self.file(path).stat().st_size
        except FileNotFoundError:
            return 0

    def used(self) -> int:
        """Count the bytes of all files, each once however many names it has."""
        found = {}
        for file in self.files():
            try:
                seen = file.stat()
            except FileNotFoundError:
                continue
            found[seen.st_ino] = seen.st_size
        return sum(found.values())

    def free(self, state: HostState) -> int:
        """Count the bytes that are neither used nor promised to a migration on its way here."""
        promised = sum(
            max(0, size - self.size(disk))
            for one in state.incoming
            for disk, size in zip(one.machine.files, one.sizes, strict=True)
        )
        return state.disk - self.used() - promised

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files, and the folders that this leaves empty."""
        for path in paths:
            file = self.file(path)
            file.unlink(missing_ok=True)
            self.prune(file.parent)

    def prune(self, folder: Path) -> None:
        """Remove empty folders upwards, up to the root."""
        while folder != self.root and self.root in folder.parents:
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError:
                return
            folder = folder.parent

    def clear(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)

    def digests(self) -> dict[str, str]:
        """Give the SHA-256 of every file, by its Windows path."""
        return {
            self.windows(file): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in self.files()
        }
