"""What becomes of one run, written to the journal as it happens."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic

from delegation.changes import journal_rows, store
from delegation.changes.outcomes import Outcome
from delegation.changes.plan import Change, S

NOT_BEGUN = "not begun"
"""What of a run is neither intended nor has a result, by the record alone."""


class RunRecord(Generic[S]):
    """What becomes of one run, as it happens; implements outcomes.ChangeRecord."""

    def __init__(
        self, db: store.Connection, path: Path, number: int, planned: Sequence[Change[S]] = ()
    ) -> None:
        """``planned``: what is on record of it already, as begun by this process."""
        self._db = db
        self._path = path
        self.number = number
        self._recorded = {change.target.guid: change.after for change in planned}

    def intend(self, changes: Sequence[Change[S]]) -> None:
        moment = now()
        rows = ((moment, self.number, str(change.target.guid)) for change in changes)
        self._update("UPDATE changes SET intended = ? WHERE run = ? AND guid = ?", rows)

    def settle(self, outcomes: Sequence[Outcome[S]], said_in: int | None = None) -> None:
        """``after`` is written once more where it is another: the object tells what was left to it.

        ``said_in`` is the page on which a person has said it; None where the objects told it.
        """
        moment = now()
        rows: list[tuple[object, ...]] = []
        for outcome in outcomes:
            guid, after = outcome.change.target.guid, outcome.change.after
            is_recorded = self._recorded.get(guid) is after
            encoded = None if is_recorded else journal_rows.encoded(after)
            became = outcome.result.value, moment, outcome.reason, encoded, said_in
            rows.append((*became, self.number, str(guid)))
            self._recorded[guid] = after
        self._update(
            "UPDATE changes SET result = ?, settled = ?, reason = ?, after = coalesce(?, after),"
            " said_in = ? WHERE run = ? AND guid = ?",
            rows,
        )

    def results(self) -> dict[str, int]:
        """How many of its changes came to each result, are ``unsettled`` or NOT_BEGUN."""
        with store.translated(self._path):
            rows = self._db.execute(
                "SELECT CASE WHEN result IS NOT NULL THEN result"
                " WHEN intended IS NULL THEN ? ELSE 'unsettled' END, count(*)"
                " FROM changes WHERE run = ? GROUP BY 1 ORDER BY min(seq)",
                (NOT_BEGUN, self.number),
            )
            return dict(rows.fetchall())

    def finish(self, status: str, summary: Mapping[str, Any]) -> None:
        self._update(
            "UPDATE runs SET status = ?, finished = ?, summary = ? WHERE id = ?",
            [(status, now(), json.dumps(summary), self.number)],
        )

    def _update(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with store.transaction(self._db, self._path):
            self._db.executemany(statement, rows)


def now() -> str:
    """The time as the journal has it: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
