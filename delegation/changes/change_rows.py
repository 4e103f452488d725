"""A change <-> its row in the journal."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, S, State, Target
from delegation.changes.run import RecordedChange


def row(run: int, seq: int, change: Change[S]) -> tuple[object, ...]:
    """The columns of a change that was planned, in the order of the table."""
    target = change.target
    before, after = encoded(change.before), encoded(change.after)
    return run, seq, target.name, target.dn, str(target.guid), before, after


def recorded(columns: Mapping[str, Any], state: type[S]) -> RecordedChange[S]:
    """Raises ValueError, LookupError or TypeError for a row that was not written so."""
    target = Target(columns["name"], columns["dn"], UUID(columns["guid"]))
    before = state.from_record(json.loads(columns["before"]))
    after = state.from_record(json.loads(columns["after"]))
    change = Change(target, before, after)
    result = Result(columns["result"]) if columns["result"] else None
    return RecordedChange(
        change, columns["intended"], result, columns["settled"], columns["reason"]
    )


def encoded(state: State) -> bytes:
    """A state in UTF-8. Text that is not Unicode raises UnicodeEncodeError."""
    return json.dumps(state.recorded(), ensure_ascii=False).encode()
