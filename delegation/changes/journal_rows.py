"""A row of the journal -> a run or a change as it was recorded, and back.

A journal may have been damaged, or written by somebody else's hand. SQLite gives back bytes from a
column of text where bytes were put in it, and JSON gives back half a character that it was given by
its number: neither is anything that was written so, and nothing further on expects it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, S, State, Target
from delegation.changes.run import Asked, LeftUndone, RecordedChange, Run

UNREADABLE = (ValueError, LookupError, TypeError, RecursionError)
"""What these functions raise for a row that was not written by ``row_of`` or Journal.add."""


def run_of(row: Mapping[str, Any]) -> Run:
    """``row`` is all of its line, by column."""
    connection, summary = dict(_json(row["connection"])), dict(_json(row["summary"]))
    if not isinstance(row["reverses"], int | None):
        raise TypeError("the run that it reverses is no number")
    if not isinstance(row.get("back_to"), int | None):
        raise TypeError("the run that it goes back to is no number")
    fields = {**row, "connection": connection, "summary": summary}
    if "asked" in row:
        fields |= {"asked": _asked(row["asked"]), "left_out": _left_out(row["left_out"])}
    _refuse_bytes(fields)
    return Run(**fields)


def _asked(text: str | bytes) -> Asked:
    data = dict(_json(text))
    limit, allow = data.get("limit"), data.get("allow", [])
    _refuse_no_text(allow if limit is None else [limit, *allow])
    return Asked(limit, tuple(allow), bool(data.get("skip_conflicts")))


def _left_out(text: str | bytes) -> tuple[LeftUndone, ...]:
    left = [LeftUndone(one["hosts"], one["why"]) for one in _json(text)]
    _refuse_no_text([told for one in left for told in (one.hosts, one.why)])
    return tuple(left)


def recorded_of(row: Mapping[str, Any], state: type[S]) -> RecordedChange[S]:
    before, after = state.from_record(_json(row["before"])), state.from_record(_json(row["after"]))
    _refuse_bytes({column: row[column] for column in row.keys() - {"before", "after"}})
    change = Change(Target(row["name"], row["dn"], UUID(row["guid"])), before, after)
    result = Result(row["result"]) if row["result"] else None
    said_in = row.get("said_in")
    if not isinstance(said_in, int | None):
        raise TypeError("the page on which a person said it is no number")
    return RecordedChange(change, row["intended"], result, row["settled"], row["reason"], said_in)


def found_of(row: Mapping[str, Any], state: type[S]) -> Change[S]:
    """What a rollback found done already: the change that it needed no more to make."""
    unsettled = {"intended": None, "result": None, "settled": None, "reason": ""}
    return recorded_of({**row, **unsettled}, state).change


def row_of(run: int, seq: int, change: Change[Any]) -> tuple[object, ...]:
    target = change.target
    before, after = encoded(change.before), encoded(change.after)
    return run, seq, target.name, target.dn, str(target.guid), before, after


def encoded(state: State) -> bytes:
    """UTF-8. Text that is not Unicode raises UnicodeEncodeError, which store.translated names."""
    return json.dumps(state.recorded(), ensure_ascii=False).encode()


def _json(text: str | bytes) -> Any:  # noqa: ANN401 - whatever stands there
    data = json.loads(text)
    written = text if isinstance(text, bytes) else text.encode()
    if b"\\ud" in written.lower():  # never by ``encoded``, but after a backslash
        json.dumps(data, ensure_ascii=False).encode()
    return data


def _refuse_no_text(told: Iterable[object]) -> None:
    if not all(isinstance(text, str) for text in told):
        raise TypeError("what it was told, or left out, is no text")


def _refuse_bytes(fields: Mapping[str, Any]) -> None:
    for column, value in fields.items():
        if isinstance(value, bytes):
            raise TypeError(f"its {column} is no text")
