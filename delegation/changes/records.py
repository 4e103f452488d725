"""The state folder of an inventory, opened for one step at a time: to look, to add, to change."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kinds


class Records:
    """The journal of one state folder, opened for one step at a time. Raises JournalError, Busy."""

    def __init__(self, folder: Path, kinds: Kinds) -> None:
        self.folder = folder
        self._kinds = kinds

    @contextmanager
    def reading(self) -> Iterator[Journal]:
        """To look at only."""
        with closing(Journal.readable(self.folder, self._kinds)) as journal:
            yield journal

    @contextmanager
    def recording(self) -> Iterator[Journal]:
        """For the one run that may change anything: an apply or a rollback."""
        with self.alone(store.WRITING), self.adding() as journal:
            yield journal

    @contextmanager
    def migrating(self) -> Iterator[Journal]:
        """For the one run that may migrate."""
        with self.alone(store.MIGRATING), self.adding() as journal:
            yield journal

    @contextmanager
    def adding(self) -> Iterator[Journal]:
        """To add a run, or a request to another's, without keeping anybody out."""
        with closing(Journal.writable(self.folder, self._kinds)) as journal:
            yield journal

    def alone(self, doing: str) -> AbstractContextManager[None]:
        """The only one who is ``doing`` this (store.AUDITING and the like)."""
        return store.lock(self.folder, doing)
