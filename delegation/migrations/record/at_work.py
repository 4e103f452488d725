"""The journal and its lock -> whether somebody carries a run out just now, and which."""

from contextlib import AbstractContextManager
from typing import Protocol

from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.errors import Busy, JournalError
from delegation.events import Teller, warning
from delegation.migrations.record import recorded


class MigratingLock(Protocol):
    """The state folder, as far as its locks go (changes.records)."""

    def alone(self, doing: str) -> AbstractContextManager[None]: ...


def somebody_migrates(folder: MigratingLock, teller: Teller) -> bool:
    """Whether somebody migrates from this state folder just now.

    False where that can't be told, which the teller says.
    """
    try:
        # The lock goes with the process that holds it: a run that was killed holds none, whatever
        # its record says.
        with folder.alone(store.MIGRATING):
            return False
    except Busy:
        return True
    except JournalError as exc:
        teller.say(warning(f"whether somebody carries it out can't be told: {exc.what}"))
        return False


def run_at_work(folder: MigratingLock, journal: Journal, teller: Teller) -> int | None:
    """The run that somebody carries out just now, of those that have no end."""
    newest = recorded.newest_at_work(journal)
    if newest is None or not somebody_migrates(folder, teller):
        return None
    return newest
