"""Where a lab host's state lies on disk.

One JSON file a host, replaced whole, and a lock that dies with its holder: the host's process, and
a test beside it, change it by the same way. What was written outlives ``kill -9``.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tests.lab.hosts.state import HostState


class Store:
    """The state of the host whose folder this is."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "state.json"
        self.lock = folder / "state.lock"

    def read(self) -> HostState:
        """Give the state as it is now; a host that has none is new."""
        try:
            return HostState.read(json.loads(self.file.read_text()))
        except FileNotFoundError:
            return HostState()

    @contextmanager
    def change(self) -> Iterator[HostState]:
        """Give the state to be changed: what it is in the end is written, unless this raises."""
        with self.lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            state = self.read()
            before = asdict(state)
            yield state
            if asdict(state) != before or not self.file.exists():
                self.write(state)

    def renew(self) -> None:
        """Forget everything: the state of a host that is new."""
        with self.change() as state:
            vars(state).update(vars(HostState()))

    def write(self, state: HostState) -> None:
        """Replace the file at once, by one that is whole."""
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(asdict(state), indent=1))
        new.replace(self.file)
