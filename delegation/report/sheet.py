"""A report as CSV for a spreadsheet: one row for each value of each source.

Of a run on hosts it is a row for each setting, of one that moved machines one for each of them.

No cell can be a formula: where one begins like a formula, also behind a semicolon, which some
spreadsheets take for the separator, an apostrophe stands before it.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from delegation import names
from delegation.hosts.settings import HOST_SETTINGS
from delegation.migrations.record.recorded import MIGRATE
from delegation.report import Data, host_settings, migration

COLUMNS = (
    "source",
    "target",
    "value",
    "standing",
    "change",
    "result",
    "reason",
    "rule",
    "severity",
    "fix",
    "domain",
    "dc",
    "generated",
)
"""``change`` and ``result`` are of a plan or a run; ``rule`` to ``fix`` are of a finding."""

BYTE_ORDER_MARK = "\ufeff"
"""Before the first cell of a file: without it Excel takes UTF-8 for the local code page."""

_FORMULA = re.compile("(^|;)(\\s*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])")
"""What a spreadsheet takes for the beginning of a formula; of tabs and the like none is left."""

Row = dict[str, Any]


def text(data: Data) -> str:
    """The whole table, every cell quoted; each row tells which report it is of."""
    columns, told = _TABLES.get(data.get("kind", ""), (COLUMNS, rows))
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    origin = {
        "domain": data["domain"],
        "dc": data["dc"],
        "generated": data["report"]["generated"],
    }
    for row in told(data):
        cells = {**row, **origin}
        found = (cells.get(column) for column in columns)
        writer.writerow([defused("" if cell is None else str(cell)) for cell in found])
    return out.getvalue()


_TABLES = {
    **dict.fromkeys(HOST_SETTINGS.runs, (host_settings.COLUMNS, host_settings.rows)),
    MIGRATE: (migration.COLUMNS, migration.rows),
}
"""The columns and rows of a run by its kind; of all else they are those of values."""


def defused(cell: str) -> str:
    """``cell`` as text that no spreadsheet calculates and no terminal obeys."""
    return _FORMULA.sub(r"\1\2'", names.inert(cell))


def rows(data: Data) -> Iterator[Row]:
    """What each row tells, by the names of its columns."""
    subject = data["report"]["subject"]
    if subject == "run":
        yield from _changes(data)
        yield from _with_findings((), data.get("findings", ()))
        return
    values = _kept(data) if subject == "audit" else _values(data)
    yield from _with_findings(values, data.get("findings", ()))
    for change in data.get("changes", ()):
        yield from _flags(change)
    for refusal in data.get("blocked", ()):
        yield {
            "source": refusal["computer"],
            "standing": "refused",
            "reason": refusal["message"],
            "fix": refusal["override"],
        }


def _values(data: Data) -> Iterator[Row]:
    """Every value, desired or found, with what a plan does about it."""
    targets = {target["label"]: target["values"] for target in data["matrix"]["targets"]}
    change = {
        (one["computer"], value): verb
        for one in data.get("changes", ())
        for verb, values in (("add", one["add"]), ("remove", [v["value"] for v in one["remove"]]))
        for value in values
    }
    for row in data["matrix"]["sources"]:
        for told in _of_source(row, targets):
            source, value = row["source"], told["value"]
            yield {"source": source, **told, "change": change.get((source, value))}


def _of_source(row: Data, targets: Mapping[str, list[str]]) -> Iterator[Row]:
    for target in row["complete"]:
        for value in targets[target]:
            yield {"target": target, "value": value, "standing": "present"}
    for other in row["others"]:
        for standing in ("present", "missing"):
            for value in other[standing]:
                yield {"target": other["target"], "value": value, "standing": standing}
        for one in other["extra"]:
            yield {"target": other["target"], **one}
    yield from row["elsewhere"]


def _kept(data: Data) -> Iterator[Row]:
    for kept in data["kept"]:
        yield {
            "source": kept["computer"],
            "value": kept["value"],
            "standing": "kept",
            "reason": kept["reason"],
        }


def _with_findings(values: Iterable[Row], findings: Iterable[Data]) -> Iterator[Row]:
    """Each value with the findings about it; those about something else follow."""
    about: dict[tuple[str, str], list[Data]] = defaultdict(list)
    for finding in findings:
        about[finding["computer"], finding["value"]].append(finding)
    for row in values:
        found = about.pop((row["source"], row["value"]), None)
        yield {**row, **_findings(found, row.get("reason"))} if found else row
    for (source, value), found in about.items():
        for one in found:
            yield {"source": source, "value": value, **_findings([one], None)}


def _findings(found: list[Data], reason: str | None) -> Row:
    """What several say in one row; the worst of them, which comes first, gives the severity."""
    told = {
        column: "; ".join(dict.fromkeys(one[key] for one in found))
        for column, key in (("rule", "rule"), ("fix", "fix"), ("reason", "message"))
    }
    return {**told, "severity": found[0]["severity"], "reason": reason or told["reason"]}


def _changes(data: Data) -> Iterator[Row]:
    for change in data["changes"]:
        became = {
            "source": change["computer"],
            "result": change["result"] or ("not settled" if change["intended"] else "not written"),
            "reason": change["reason"],
        }
        for value in change["add"]:
            yield {**became, "value": value, "change": "add"}
        for removal in change["remove"]:
            yield {**became, "value": removal["value"], "change": "remove"}
        for row in _flags(change):
            yield {**became, **row}


def _flags(change: Data) -> Iterator[Row]:
    for flag, (_, after) in change["flags"].items():
        switch = f"switch {'on' if after else 'off'}"
        yield {"source": change["computer"], "standing": flag, "change": switch}
