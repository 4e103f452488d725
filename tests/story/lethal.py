"""An apply that dies: the product's own parts, of which one kills the process at a given moment.

``python -m tests.story.lethal [-i FILE] --directory URL 'after outcome 3'`` is
``delegation apply --yes`` in a world that kills it, two objects a window, at that moment.
The moments, counted from 1 each:

- ``before begin``, ``after begin``: the run's page in the journal
- ``before intend``, ``after intend``, ``before settle``, ``after settle``: the record of a window
- ``before request``, ``after request``: a modify leaves for the DC
- ``before outcome``, ``after outcome``: what became of a modify is told to the driver
- ``before finish``, ``after finish``: the run's end in the journal

``frozen`` never dies: it gives up on a silent DC after a second instead of a minute.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from delegation import cli
from delegation.changes.journal import Journal
from delegation.changes.outcomes import Outcome
from delegation.changes.plan import Change, S
from delegation.changes.records import Records
from delegation.changes.run import NewRun
from delegation.changes.run_record import RunRecord
from delegation.directory import bounded, ldap
from delegation.directory.connection import Credentials
from delegation.directory.ldap import LdapDirectory
from delegation.directory.offline import OfflineDirectory
from delegation.mesh.seams import Writer
from delegation.mesh.state import DelegationChange, DelegationOutcome
from delegation.wiring import KINDS, World

FROZEN = "frozen"


class Fuse:
    """Burns down to one moment."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self._seen: Counter[str] = Counter()

    def burn(self, step: str) -> None:
        """Come to a step; the process may not survive it."""
        self._seen[step] += 1
        if self.moment == f"{step} {self._seen[step]}":
            os.kill(os.getpid(), signal.SIGKILL)


class LethalRecord(RunRecord[S]):
    fuse: Fuse

    def intend(self, changes: Sequence[Change[S]]) -> None:
        self.fuse.burn("before intend")
        super().intend(changes)
        self.fuse.burn("after intend")

    def settle(self, outcomes: Sequence[Outcome[S]], said_in: int | None = None) -> None:
        self.fuse.burn("before settle")
        super().settle(outcomes, said_in)
        self.fuse.burn("after settle")

    def finish(self, status: str, summary: Mapping[str, Any]) -> None:
        self.fuse.burn("before finish")
        super().finish(status, summary)
        self.fuse.burn("after finish")


class LethalJournal(Journal):
    fuse: Fuse

    def begin(
        self, run: NewRun, changes: Sequence[Change[S]] = (), as_before: Sequence[Change[S]] = ()
    ) -> RunRecord[S]:
        self.fuse.burn("before begin")
        page = super().begin(run, changes, as_before)
        self.fuse.burn("after begin")
        record: LethalRecord[S] = LethalRecord(self.writing(), self.path, page.number)
        record.fuse = self.fuse
        return record


class LethalDirectory(LdapDirectory):
    fuse: Fuse
    window = 2

    def write(self, changes: Iterable[DelegationChange]) -> Iterator[DelegationOutcome]:
        if self.fuse.moment == FROZEN:
            bounded.ANSWER_TIMEOUT, ldap._SECONDS_A_WRITE = 1, 0
        yield from told(self.fuse, super().write(changes))

    def _send(self, change: DelegationChange) -> int:
        self.fuse.burn("before request")
        number = super()._send(change)
        self.fuse.burn("after request")
        return number


class LethalFile(OfflineDirectory):
    fuse: Fuse
    window = 2

    def write(self, changes: Iterable[DelegationChange]) -> Iterator[DelegationOutcome]:
        yield from told(self.fuse, super().write(changes))


def told(fuse: Fuse, outcomes: Iterator[DelegationOutcome]) -> Iterator[DelegationOutcome]:
    for outcome in outcomes:
        fuse.burn("before outcome")
        yield outcome
        fuse.burn("after outcome")


class LethalRecords(Records):
    """The state folder, whose journal burns."""

    fuse: Fuse

    @contextmanager
    def adding(self) -> Iterator[Journal]:
        with closing(LethalJournal.writable(self.folder, KINDS)) as journal:
            assert isinstance(journal, LethalJournal)
            journal.fuse = self.fuse
            yield journal


class LethalWorld(World):
    """The world as it is shipped, but for a journal and a directory that burn."""

    fuse: Fuse

    def records_in(self, folder: Path) -> Records:
        records = LethalRecords(folder, KINDS)
        records.fuse = self.fuse
        return records

    @contextmanager
    def writing(self, prefer: Collection[str] = ()) -> Iterator[Writer]:  # noqa: ARG002
        settings = self.settings
        url = settings.url or ""
        made: LethalFile | LethalDirectory
        if url.startswith("ldif:"):
            made = LethalFile(url.removeprefix("ldif:"), self.domain)
        else:
            account = Credentials(settings.user or "", os.environ["DELEGATION_PASSWORD"])
            made = LethalDirectory(settings, self.domain, account)
        made.fuse = self.fuse
        with closing(made):
            yield made


if __name__ == "__main__":
    LethalWorld.fuse = Fuse(sys.argv.pop())
    sys.exit(cli.run([*sys.argv[1:], "apply", "--yes"], LethalWorld))
