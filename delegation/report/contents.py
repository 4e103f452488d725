"""Comparison, plan, findings and journal -> a report's contents: one view for each subject.

They are made of the views that ``plan``, ``audit`` and ``history`` show, with the matrix and the
hosts beside them. Every form of a report is made from these.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from delegation.changes.history import OBJECTS, found_to_json, run_to_json
from delegation.changes.plan_origin import PlanOrigin
from delegation.changes.run import SETTLE, Run, settled_in_words
from delegation.mesh import matrix
from delegation.mesh.audit_view import UNREAD
from delegation.mesh.checks import ACCOUNT_RULE, DRIFT, AcceptedFinding, Finding, Severity
from delegation.mesh.compare import Comparison
from delegation.mesh.findings_view import FindingsView, KeptValue, rules_of
from delegation.mesh.past_runs import MeshPast, delegation_to_json, found_in_words
from delegation.mesh.plan_document import PlanDocument
from delegation.mesh.plan_view import ForeignValue, PlanView, foreign_hints
from delegation.mesh.state import DelegationChange, DelegationPlan, RecordedDelegation
from delegation.names import counted
from delegation.report.mesh_data import ReportedMatrix, pair_counts
from delegation.report.mesh_hosts import ReportedHost


@dataclass(frozen=True, slots=True)
class Origin:
    """Which report this is; ``generated`` is ISO 8601 in UTC, ``limit`` the hosts in scope."""

    subject: str
    generated: str
    program: str
    limit: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "generated": self.generated,
            "program": self.program,
            "limit": self.limit,
        }


@dataclass(frozen=True, slots=True)
class ReportVerdict:
    """The whole in a word for programs, by which a page colours, and in a sentence."""

    standing: str
    words: str

    def to_json(self) -> dict[str, Any]:
        return {"standing": self.standing, "words": self.words}


@dataclass(frozen=True)
class DirectoryReport:
    """The directory as it is, with what was found there or what a plan would change.

    ``matrix`` is None in an audit, which has the hosts alone on which something was found, and of a
    saved plan, which knows of its changes alone; ``made`` tells where that comes from.
    """

    origin: Origin
    verdict: ReportVerdict
    inventory_digest: str
    told: FindingsView | PlanView
    foreign: tuple[ForeignValue, ...]
    pairs: Mapping[str, int]
    matrix: ReportedMatrix | None
    hosts: tuple[ReportedHost, ...]
    runs: tuple[Run, ...]
    made: PlanOrigin | None = None

    @property
    def plan(self) -> PlanView | None:
        return self.told if isinstance(self.told, PlanView) else None

    @property
    def findings(self) -> tuple[Finding, ...] | None:
        """None where none were looked for."""
        return self.told.findings if isinstance(self.told, FindingsView) else None

    @property
    def accepted(self) -> tuple[AcceptedFinding, ...]:
        """Findings that the inventory accepts."""
        return self.told.accepted if isinstance(self.told, FindingsView) else ()

    @property
    def kept(self) -> Sequence[KeptValue]:
        return self.told.kept

    @property
    def domain(self) -> str:
        return self.told.plan.domain if isinstance(self.told, PlanView) else self.told.domain

    @property
    def dc(self) -> str | None:
        return self.told.dc

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {**self.told.to_json()}
        data = {
            "report": self.origin.to_json(),
            "verdict": self.verdict.to_json(),
            "inventory_digest": self.inventory_digest,
            **told,
            "summary": {**told["summary"], "pairs": dict(self.pairs)},
            "foreign": [value.to_json() for value in self.foreign],
        }
        if self.made is not None:
            data["made"] = self.made.to_json()
        if self.matrix is not None:
            data["matrix"] = self.matrix.to_json()
        data["hosts"] = [host.to_json() for host in self.hosts]
        data["runs"] = [run_to_json(run) for run in self.runs]
        return data


def state(
    origin: Origin,
    comparison: Comparison,
    found: Sequence[Finding],
    past: MeshPast,
    accepted: Sequence[AcceptedFinding] = (),
) -> DirectoryReport:
    """Everything: the mesh, its hosts, what was found, what is not ours, the newest runs."""
    grid = matrix.matrix(comparison)
    counts = Counter(finding.computer for finding in found)
    return DirectoryReport(
        origin,
        _found(comparison, found),
        comparison.inventory.digest,
        FindingsView.of(comparison, found, accepted),
        foreign_hints(comparison, past.hints),
        pair_counts(grid.rows),
        ReportedMatrix.of(grid, comparison, found),
        tuple(
            ReportedHost.of(row, comparison, counts[row.source.label], past.of(row))
            for row in grid.rows
        ),
        past.runs,
    )


def audit(
    origin: Origin,
    comparison: Comparison,
    found: Sequence[Finding],
    past: MeshPast,
    accepted: Sequence[AcceptedFinding] = (),
) -> DirectoryReport:
    """What was found, and the hosts on which it was found."""
    everything = state(origin, comparison, found, past, accepted)
    meant = {finding.computer for finding in found}
    hosts = tuple(host for host in everything.hosts if host.label in meant)
    return replace(everything, matrix=None, hosts=hosts)


def plan(
    origin: Origin, comparison: Comparison, planned: DelegationPlan, past: MeshPast
) -> DirectoryReport:
    """What an apply would change, and the mesh as it is before that."""
    grid = matrix.matrix(comparison)
    view = PlanView.of(planned, comparison, past.hints)
    changed = {change.target.name for change in planned.changes}
    hosts = []
    for row in grid.rows:
        is_changed = row.source.label in changed
        hosts.append(ReportedHost.of(row, comparison, 0, past.of(row), is_changed))
    return DirectoryReport(
        origin,
        _pending(view),
        comparison.inventory.digest,
        view,
        view.foreign,
        pair_counts(grid.rows),
        ReportedMatrix.of(grid, comparison, ()),
        tuple(hosts),
        past.runs,
    )


def saved_plan(document: PlanDocument) -> DirectoryReport:
    """What a saved plan would change, by itself: no directory is looked at, and no journal."""
    made, view = document.origin, document.view
    origin = Origin("plan", made.made, made.program, made.limit)
    verdict, digest = _pending(view), made.inventory_digest
    return DirectoryReport(origin, verdict, digest, view, view.foreign, {}, None, (), (), made)


@dataclass(frozen=True)
class RunReport:
    """One run of the journal that concerned the directory, with all that it changed.

    ``findings`` are those of an audit; None where it was none, or they are not kept.
    """

    origin: Origin
    run: Run
    changes: tuple[RecordedDelegation, ...]
    is_settled: bool
    findings: tuple[Finding, ...] | None = None
    found: tuple[DelegationChange, ...] = ()
    """What a rollback found done already."""

    @property
    def verdict(self) -> ReportVerdict:
        if not self.is_settled:
            words = "it has not come to its end, and may have written"
            if self.run.finished is not None:
                words = "some of what it wrote, or did not write, is in doubt"
            return ReportVerdict("unsettled", words)
        if self.run.kind == SETTLE:
            return ReportVerdict(self.run.status, settled_in_words(self.run.summary))
        summary = self.run.summary
        if "drift" in summary:
            return ReportVerdict(_standing(summary), _audit_in_words(summary))
        words = ", ".join(f"{count} {name}" for name, count in summary.items())
        return ReportVerdict(self.run.status, words or "nothing written")

    @property
    def domain(self) -> str:
        return self.run.domain

    @property
    def dc(self) -> str:
        return self.run.dc

    def to_json(self) -> dict[str, Any]:
        data = {
            "report": self.origin.to_json(),
            "verdict": self.verdict.to_json(),
            **run_to_json(self.run),
            "unsettled": not self.is_settled,
            "undo_file": self.run.undo_file,
            "changes": [delegation_to_json(change) for change in self.changes],
            "as_before": found_to_json(self.found),
        }
        if self.findings is None:
            return data
        counts = Counter(finding.severity for finding in self.findings)
        by_severity = {str(severity): counts[severity] for severity in Severity}
        return {
            **data,
            "findings": [finding.to_json() for finding in self.findings],
            "rules": rules_of(self.findings),
            "summary": {**by_severity, **data["summary"]},
        }


def _standing(summary: Mapping[str, Any]) -> str:
    """What an audit on record came to, by the worst that can be said of it."""
    if summary.get("drift"):
        return "drift"
    if summary.get(UNREAD):
        return "incomplete"
    return "risk" if summary.get("findings") else "clean"


def _audit_in_words(summary: Mapping[str, Any]) -> str:
    """What an audit on record found on how many hosts; its standing says whether that is drift."""
    words = f"{counted(summary.get(OBJECTS, 0), 'host')}, {found_in_words(summary)}"
    if unread := summary.get(UNREAD):
        words = f"{words}; {counted(unread, 'host')} could not be judged"
    return words


def _found(comparison: Comparison, found: Sequence[Finding]) -> ReportVerdict:
    hosts = counted(len(comparison.objects), "host")
    drifted = len({finding.computer for finding in found if finding.rule in DRIFT})
    unread = len({finding.computer for finding in found if finding.rule == ACCOUNT_RULE})
    others = sum(finding.rule not in DRIFT for finding in found)
    risks = counted(others, "finding")
    if drifted:
        also = f", and there {'is' if others == 1 else 'are'} {risks} besides" if others else ""
        standing, words = "drift", f"{drifted:,} of {hosts} differ from the inventory{also}"
    elif found:
        standing, words = "risk", f"as the inventory says, with {risks}"
    else:
        standing, words = "clean", f"all {hosts} are as the inventory says"
    if unread:
        words += f"; {unread:,} could not be judged"
    return ReportVerdict(standing, words)


def _pending(view: PlanView) -> ReportVerdict:
    summary, blocked = view.summary, view.plan.blocked
    words = (
        f"{summary.changed:,} of {counted(summary.objects, 'host')} to change: "
        f"{counted(summary.add, 'value')} to add, {summary.remove:,} to remove, "
        f"{counted(summary.flags, 'flag')} to set"
    )
    if blocked:
        return ReportVerdict("blocked", f"{counted(len(blocked), 'refusal')}; {words}")
    if view.plan.changes:
        return ReportVerdict("pending", words)
    return ReportVerdict("clean", "the directory is as the inventory says; nothing to do")
