"""A report as CSV for a spreadsheet: one row for each value of each source.

Of a run on hosts it is a row for each setting, of one that moved machines one for each of them.

No cell can be a formula: where one begins like a formula, also behind a semicolon, which some
spreadsheets take for the separator, an apostrophe stands before it.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from delegation import names
from delegation.mesh.checks import Finding
from delegation.mesh.plan_view import PlanView
from delegation.mesh.state import DelegationChange, RecordedDelegation, added, flags, removed
from delegation.report import host_settings, migration
from delegation.report.any_report import AnyReport
from delegation.report.contents import DirectoryReport, RunReport
from delegation.report.host_settings import SettingsRunReport
from delegation.report.mesh_data import ReportedMatrix, ReportedSource

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

CsvRow = dict[str, object]
"""Cells by the names of their columns; what is absent or None is empty."""


def text(report: AnyReport) -> str:
    """The whole table, every cell quoted; each row tells which report it is of."""
    if isinstance(report, DirectoryReport | RunReport):
        origin = _origin(report.domain, report.dc, report.origin.generated)
        return _written(COLUMNS, rows(report), origin)
    run = report.run if isinstance(report, SettingsRunReport) else report.view.run
    origin = _origin(run.domain, run.dc, report.origin.generated)
    if isinstance(report, SettingsRunReport):
        return _written(host_settings.COLUMNS, report.rows(), origin)
    return _written(migration.COLUMNS, report.rows(), origin)


def _origin(domain: str, dc: str | None, generated: str) -> CsvRow:
    return {"domain": domain, "dc": dc, "generated": generated}


def _written(columns: Sequence[str], table: Iterable[CsvRow], origin: CsvRow) -> str:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    for row in table:
        cells = {**row, **origin}
        found = (cells.get(column) for column in columns)
        writer.writerow([defused("" if cell is None else str(cell)) for cell in found])
    return out.getvalue()


def defused(cell: str) -> str:
    """``cell`` as text that no spreadsheet calculates and no terminal obeys."""
    return _FORMULA.sub(r"\1\2'", names.inert(cell))


def rows(report: DirectoryReport | RunReport) -> Iterator[CsvRow]:
    """What each row tells, by the names of its columns."""
    findings = report.findings or ()
    if isinstance(report, RunReport):
        for recorded in report.changes:
            yield from _recorded(recorded)
        yield from _with_findings((), findings)
        return
    if report.made is not None and report.plan is not None:
        yield from _planned(report.plan)
    values = _kept(report) if report.matrix is None else _values(report.matrix, report.plan)
    yield from _with_findings(values, findings)
    if report.plan is not None:
        yield from _refusals_and_flags(report.plan)


def _refusals_and_flags(view: PlanView) -> Iterator[CsvRow]:
    for change in view.plan.changes:
        yield from _flags(change)
    for refusal in view.plan.blocked:
        yield {
            "source": refusal.computer,
            "standing": "refused",
            "reason": refusal.message,
            "fix": f"--allow {refusal.override}" if refusal.override else None,
        }


def _values(matrix: ReportedMatrix, plan: PlanView | None) -> Iterator[CsvRow]:
    """Every value, desired or found, with what a plan does about it."""
    targets = {target.label: target.values for target in matrix.targets}
    verbs = _verbs(plan.plan.changes if plan else ())
    for source in matrix.sources:
        for row in _of_source(source, targets):
            verb = verbs.get((source.source, str(row["value"])))
            yield {"source": source.source, **row, "change": verb}


def _planned(view: PlanView) -> Iterator[CsvRow]:
    """What a saved plan does with each value: what is on the hosts besides, it does not know."""
    for change in view.plan.changes:
        row = {"source": change.target.name}
        for value in added(change):
            yield {**row, "value": value, "standing": "missing", "change": "add"}
        for value in removed(change):
            reason = view.reason(change, value)
            yield {**row, "value": value, "reason": reason, "change": "remove"}
    for left in view.foreign:
        alone = {"source": left.computer, "value": left.value, "standing": "foreign"}
        yield {**alone, "reason": left.hint}


def _verbs(changes: Iterable[DelegationChange]) -> dict[tuple[str, str], str]:
    """What a plan does with a value of a computer."""
    verbs: dict[tuple[str, str], str] = {}
    for change in changes:
        verbs |= {(change.target.name, value): "add" for value in added(change)}
        verbs |= {(change.target.name, value): "remove" for value in removed(change)}
    return verbs


def _of_source(source: ReportedSource, targets: Mapping[str, Sequence[str]]) -> Iterator[CsvRow]:
    for target in source.complete:
        for value in targets[target]:
            yield {"target": target, "value": value, "standing": "present"}
    for pair in source.others:
        for standing, values in (("present", pair.present), ("missing", pair.missing)):
            for value in values:
                yield {"target": pair.target, "value": value, "standing": standing}
        for extra in pair.extra:
            yield {"target": pair.target, **extra.to_json()}
    for elsewhere in source.elsewhere:
        yield elsewhere.to_json()


def _kept(report: DirectoryReport) -> Iterator[CsvRow]:
    for kept in report.kept:
        yield {
            "source": kept.computer,
            "value": kept.value,
            "standing": "kept",
            "reason": kept.reason,
        }


def _with_findings(values: Iterable[CsvRow], findings: Iterable[Finding]) -> Iterator[CsvRow]:
    """Each value with the findings about it; those about something else follow."""
    about = names.grouped(((one.computer, one.value), one) for one in findings)
    for row in values:
        found = about.pop((str(row["source"]), str(row["value"])), None)
        yield {**row, **_findings(found, row.get("reason"))} if found else row
    for (source, value), left in about.items():
        for one in left:
            yield {"source": source, "value": value, **_findings([one], None)}


def _findings(found: Sequence[Finding], reason: object) -> CsvRow:
    """What several say in one row; the worst of them, which comes first, gives the severity."""
    messages = _distinct(one.message for one in found)
    return {
        "rule": _distinct(one.rule for one in found),
        "fix": _distinct(one.fix for one in found),
        "reason": reason or messages,
        "severity": str(found[0].severity),
    }


def _distinct(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))


def _recorded(recorded: RecordedDelegation) -> Iterator[CsvRow]:
    change, result = recorded.change, recorded.result
    unknown = "not settled" if recorded.intended else "not written"
    became: CsvRow = {
        "source": change.target.name,
        "result": result.value if result else unknown,
        "reason": recorded.reason,
    }
    for value in added(change):
        yield {**became, "value": value, "change": "add"}
    for value in removed(change):
        yield {**became, "value": value, "change": "remove"}
    for row in _flags(change):
        yield {**became, **row}


def _flags(change: DelegationChange) -> Iterator[CsvRow]:
    for flag, (_, after) in flags(change).items():
        switch = f"switch {'on' if after else 'off'}"
        yield {"source": change.target.name, "standing": flag, "change": switch}
