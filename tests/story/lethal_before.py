"""The same as ``lethal``, with the journal kept as 0.1.0 (0960242) did: deleted at a commit, FULL.

For the proof that the power cuts of test_power_cut.py take away what a disk takes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from delegation import cli
from delegation.changes.journal import Journal
from delegation.changes.records import Records
from delegation.wiring import KINDS
from tests.story.lethal import Fuse, LethalRecords, LethalWorld


class RecordsOfBefore(LethalRecords):
    @contextmanager
    def adding(self) -> Iterator[Journal]:
        with super().adding() as journal:
            journal.writing().execute("PRAGMA journal_mode = DELETE")
            journal.writing().execute("PRAGMA synchronous = FULL")
            yield journal


class WorldOfBefore(LethalWorld):
    def records_in(self, folder: Path) -> Records:
        records = RecordsOfBefore(folder, KINDS)
        records.fuse = self.fuse
        return records


if __name__ == "__main__":
    WorldOfBefore.fuse = Fuse(sys.argv.pop())
    sys.exit(cli.run([*sys.argv[1:], "apply", "--yes"], WorldOfBefore))
