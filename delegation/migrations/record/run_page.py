"""The journal -> the page of a run of migrations: how it ended, and what is noted on it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from delegation.changes.journal import Journal
from delegation.changes.run import DONE, FAILED, INTERRUPTED
from delegation.migrations.lifecycle import MigrationState
from delegation.migrations.record import recorded


def note(journal: Journal, run: int, name: str, data: Mapping[str, Any]) -> None:
    """Within a transaction: note something of a run beside its queue."""
    notes = {**recorded.noted(journal, run), name: data}
    journal.writing().execute(
        "INSERT OR REPLACE INTO notes VALUES (?, ?)", (run, json.dumps(notes, ensure_ascii=False))
    )


def summary(journal: Journal, run: int) -> dict[str, int]:
    """How many VMs of a run there are, and how many are in each state, as its record says."""
    rows = journal.rows("SELECT state, count(*) FROM moves WHERE run = ? GROUP BY state", run)
    counts: dict[str, int] = dict(map(tuple, rows))
    found = {"objects": sum(counts.values())}
    for state in MigrationState:
        if state in counts:
            found[str(state)] = counts[state]
    return found


def is_complete(counts: Mapping[str, int]) -> bool:
    """Whether all of them were moved."""
    return counts.get(MigrationState.MOVED, 0) == counts["objects"]


def amend(journal: Journal, run: int) -> None:
    """Within a transaction: write the end of a run anew, unless it has none yet, and work left."""
    counts = summary(journal, run)
    run_before = journal.run(run)
    unended = [state for state in MigrationState if counts.get(state) and not state.ended]
    if run_before.finished is None and unended:
        return
    incomplete = INTERRUPTED if run_before.status == INTERRUPTED else FAILED
    status = DONE if is_complete(counts) else incomplete
    finished = run_before.finished or now()
    journal.writing().execute(
        "UPDATE runs SET status = ?, finished = ?, summary = ? WHERE id = ?",
        (status, finished, json.dumps(counts), run),
    )


def now() -> str:
    """The time, as the journal has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
