"""What a report holds, by its subject: the state, an audit, a plan or a run, as data.

Made of the parts that ``plan``, ``audit`` and ``history`` give as JSON, with the matrix and the
hosts beside them. Every form of a report is made from this.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from delegation import report
from delegation.changes.run import Run
from delegation.mesh import matrix
from delegation.mesh.checks import ACCOUNT_RULE, DRIFT, Finding, Severity
from delegation.mesh.compare import Comparison
from delegation.mesh.findings_view import FindingsView, rules_of
from delegation.mesh.matrix import Row
from delegation.mesh.state import DelegationPlan, RecordedDelegation
from delegation.report import Data
from delegation.report.mesh_data import Touches, host_data, matrix_data, pairs_data


@dataclass(frozen=True, slots=True)
class Origin:
    """Which report this is; ``generated`` is ISO 8601 in UTC, ``limit`` the hosts in scope."""

    subject: str
    generated: str
    program: str
    limit: str | None = None

    def data(self) -> Data:
        return {
            "subject": self.subject,
            "generated": self.generated,
            "program": self.program,
            "limit": self.limit,
        }


@dataclass(frozen=True, slots=True)
class Past:
    """What the journal tells: the newest runs, and what those that wrote did to each object.

    ``hints``: which run wrote a value that is foreign now.
    """

    runs: tuple[Run, ...] = ()
    hints: Mapping[tuple[UUID, str], int] = field(default_factory=dict)
    touched: Mapping[UUID, Touches] = field(default_factory=dict)

    def of(self, row: Row) -> Touches:
        """What the runs did to a source."""
        return self.touched.get(row.source.computer.guid, ())


def state(origin: Origin, comparison: Comparison, found: Sequence[Finding], past: Past) -> Data:
    """Everything: the mesh, its hosts, what was found, what is not ours, the newest runs."""
    grid = matrix.matrix(comparison)
    audited = FindingsView.of(comparison, found)
    counts = Counter(finding.computer for finding in found)
    return {
        "report": origin.data(),
        "verdict": _verdict(comparison, found),
        "inventory_digest": comparison.inventory.digest,
        **audited.to_json(),
        "summary": {**audited.summary(), "pairs": pairs_data(grid.rows)},
        "foreign": _foreign(comparison, past.hints),
        "matrix": matrix_data(grid, comparison, found),
        "hosts": [host_data(row, comparison, counts, past.of(row)) for row in grid.rows],
        "runs": [report.run_data(run) for run in past.runs],
    }


def audit(origin: Origin, comparison: Comparison, found: Sequence[Finding], past: Past) -> Data:
    """What was found, and the hosts on which it was found."""
    everything = state(origin, comparison, found, past)
    meant = {finding.computer for finding in found}
    del everything["matrix"]
    return {
        **everything,
        "hosts": [host for host in everything["hosts"] if host["computer"] in meant],
    }


def plan(origin: Origin, comparison: Comparison, planned: DelegationPlan, past: Past) -> Data:
    """What an apply would change, and the mesh as it is before that."""
    grid = matrix.matrix(comparison)
    told = report.plan_data(planned, comparison, past.hints)
    changed = {change.target.name for change in planned.changes}
    return {
        "report": origin.data(),
        "verdict": _pending(told),
        "inventory_digest": comparison.inventory.digest,
        **told,
        "summary": {**told["summary"], "pairs": pairs_data(grid.rows)},
        "matrix": matrix_data(grid, comparison, ()),
        "hosts": [
            {**host_data(row, comparison, {}, past.of(row)), "changes": row.source.label in changed}
            for row in grid.rows
        ],
        "runs": [report.run_data(run) for run in past.runs],
    }


def run(
    origin: Origin, recorded: Run, changes: Sequence[RecordedDelegation], *, settled: bool
) -> Data:
    """One run of the journal that concerned the directory, with all that it changed."""
    return {
        "report": origin.data(),
        "verdict": _became(recorded, settled=settled),
        **report.run_data(recorded),
        "unsettled": not settled,
        "undo_file": recorded.undo_file,
        "changes": [report.recorded_data(change) for change in changes],
    }


def past_audit(origin: Origin, recorded: Run, found: Sequence[Finding] | None) -> Data:
    """One run of the journal that was an audit; ``found`` is None where that is not kept."""
    told = run(origin, recorded, (), settled=True)
    if found is None:
        return told
    counts = Counter(finding.severity for finding in found)
    by_severity = {str(severity): counts[severity] for severity in Severity}
    return {
        **told,
        "findings": [finding.to_json() for finding in found],
        "rules": rules_of(found),
        "summary": {**by_severity, **told["summary"]},
    }


def _verdict(comparison: Comparison, found: Sequence[Finding]) -> Data:
    hosts = _counted(len(comparison.hosts), "host")
    drifted = len({finding.computer for finding in found if finding.rule in DRIFT})
    unread = len({finding.computer for finding in found if finding.rule == ACCOUNT_RULE})
    others = sum(finding.rule not in DRIFT for finding in found)
    risks = _counted(others, "finding")
    if drifted:
        also = f", and there {'is' if others == 1 else 'are'} {risks} besides" if others else ""
        standing, words = "drift", f"{drifted:,} of {hosts} differ from the inventory{also}"
    elif found:
        standing, words = "risk", f"as the inventory says, with {risks}"
    else:
        standing, words = "clean", f"all {hosts} are as the inventory says"
    if unread:
        words += f"; {unread:,} could not be judged"
    return {"standing": standing, "words": words}


def _pending(told: Data) -> Data:
    summary = told["summary"]
    words = (
        f"{summary['changed']:,} of {_counted(summary['objects'], 'host')} to change: "
        f"{_counted(summary['add'], 'value')} to add, {summary['remove']:,} to remove, "
        f"{_counted(summary['flags'], 'flag')} to set"
    )
    if told["blocked"]:
        refusals = _counted(len(told["blocked"]), "refusal")
        return {"standing": "blocked", "words": f"{refusals}; {words}"}
    if told["changes"]:
        return {"standing": "pending", "words": words}
    return {"standing": "clean", "words": "the directory is as the inventory says; nothing to do"}


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _became(recorded: Run, *, settled: bool) -> Data:
    if not settled:
        return {
            "standing": "unsettled",
            "words": "it has not come to its end, and may have written",
        }
    counts = dict(recorded.summary)
    drift = counts.pop("drift", None)
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    if drift is not None:
        return {"standing": "drift" if drift else "clean", "words": told}
    return {"standing": recorded.status, "words": told or "nothing written"}


def _foreign(comparison: Comparison, hints: Mapping[tuple[UUID, str], int]) -> list[Data]:
    return [
        {
            "computer": verdict.computer,
            "value": verdict.value,
            "hint": report.hint(verdict, guid, hints),
        }
        for verdict, guid in report.foreign(comparison)
    ]
