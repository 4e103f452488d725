"""A report as a page: one file of HTML that asks for nothing, from no one.

Its content-security policy allows exactly the one style and the one script that stand in it, and
no request at all. The matrix is drawn by that script, from data that stands in the page as JSON;
all else is there without it.
"""

import hashlib
from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from delegation import names
from delegation.mesh.checks import AcceptedFinding, Finding, Severity
from delegation.mesh.findings_view import groups_of
from delegation.mesh.matrix import PairState
from delegation.report import changed_hosts, readable
from delegation.report.any_report import AnyReport
from delegation.report.contents import DirectoryReport, RunReport
from delegation.report.host_settings import SettingsRunReport
from delegation.report.mesh_data import (
    ReportedGroup,
    ReportedMatrix,
    ReportedMesh,
    ReportedPair,
    ReportedTarget,
)
from delegation.report.mesh_hosts import ReportedHost
from delegation.report.readable import TemplateRow
from delegation.report.templates import TemplateChoice, asset

_CODES = {
    PairState.COMPLETE: "c",
    PairState.PARTIAL: "p",
    PairState.MISSING: "m",
    PairState.UNEXPECTED: "u",
    PairState.KEPT: "k",
}
_OURS = TemplateChoice()


def html(report: AnyReport, template: TemplateChoice = _OURS) -> str:
    """The page of a report. Raises UsageError of a template that is not ours.

    Ours is plain ASCII, so that nothing on its way can take it for another encoding.
    """
    style, script = asset("report.css"), asset("report.js")
    filled = {
        **people(report),
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
    }
    text = template.fill("report.html.j2", filled, html=True)
    return text if template.own else text.encode("ascii", "xmlcharrefreplace").decode()


def markdown(report: AnyReport, template: TemplateChoice = _OURS) -> str:
    """The same for a ticket."""
    return template.fill("report.md.j2", people(report))


def people(report: AnyReport) -> TemplateRow:
    """What templates are given: the data as it is in JSON, inert, and the same folded.

    ``body`` is which of ``templates/page`` tells it; ``figures`` stand beside the verdict.
    """
    common: TemplateRow = {"body": "directory", "grid": None, "figures": [], "figures_of": ""}
    if isinstance(report, DirectoryReport):
        return common | inert_rows(report.to_json() | _of_directory(report))
    if isinstance(report, RunReport):
        return common | inert_rows(report.to_json() | _of_run(report))
    if isinstance(report, SettingsRunReport):
        told: TemplateRow = readable.inert(report.to_json() | report.people())
        return common | told | {"body": "settings"}
    shown: TemplateRow = readable.inert(report.to_json())
    # What people are told is made inert before it is folded and drawn, in the report itself.
    return {**shown, **common, "body": "migration", **report.people()}


def inert_rows(data: TemplateRow) -> TemplateRow:
    """Inert, with what the template of the mesh calls for on rows of them."""
    rows: TemplateRow = readable.inert(data)
    return rows | {
        "folded_values": readable.folded_values,
        "flag_words": changed_hosts.flag_words,
        "result_of": changed_hosts.result,
    }


def _of_directory(report: DirectoryReport) -> TemplateRow:
    kept = [value.to_json() for value in report.kept]
    foreign = [value.to_json() for value in report.foreign]
    changes = report.plan.plan.changes if report.plan else ()
    return {
        **_found(report.findings),
        "told_hosts": readable.hosts(report),
        "alike_hosts": readable.alike_hosts(report),
        "told_changes": changed_hosts.planned_changes(changes),
        "told_accepted": list(_accepted(report.accepted)),
        "told_kept": readable.same_values(kept, "reason", "expires"),
        "told_foreign": readable.same_values(foreign, "hint"),
        "grid": grid(report.matrix, report.hosts) if report.matrix else None,
    }


def _of_run(report: RunReport) -> TemplateRow:
    """Of a run the hosts are told by its changes alone."""
    return {
        **_found(report.findings),
        "told_hosts": [],
        "alike_hosts": [],
        "told_changes": changed_hosts.recorded_changes(report.changes),
        "told_accepted": [],
        "told_kept": [],
        "told_foreign": [],
    }


def _accepted(known: Sequence[AcceptedFinding]) -> Iterator[str]:
    """Each as a sentence: where, what, and the terms."""
    by_terms = names.grouped((one.in_words, one.finding) for one in known)
    for words, found in by_terms.items():
        for group in groups_of(found):
            where = "; ".join(one.where for one in group.holders)
            yield names.inert(f"{group.rule} {where}: {group.message}; {words}")


def _found(findings: Sequence[Finding] | None) -> TemplateRow:
    return {
        "figures": [] if findings is None else _severities(findings),
        "figures_of": "Findings by severity",
        "told_rules": readable.by_rule(findings or ()),
    }


_TONES = {
    Severity.CRITICAL: "bad",
    Severity.HIGH: "bad",
    Severity.MEDIUM: "warn",
    Severity.LOW: "",
}


def _severities(findings: Sequence[Finding]) -> list[TemplateRow]:
    counts = {severity: sum(one.severity is severity for one in findings) for severity in _TONES}
    return [
        {
            "tone": tone if counts[severity] else "none",
            "value": f"{counts[severity]:,}",
            "word": str(severity),
        }
        for severity, tone in _TONES.items()
    ]


def _hash(text: str) -> str:
    """As a content-security policy names an inline style or script (CSP Level 3, 2.3.1)."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def grid(matrix: ReportedMatrix, hosts: Sequence[ReportedHost]) -> TemplateRow:
    """The matrix as the page's script reads it: hosts by number, and only what is not complete.

    A row is (source, flags, cells); a cell is (target, state, bits of the values that are there,
    other values as (value, standing, reason, whether nothing lets it stay)). A target alone is one
    of which everything is missing. A mesh ends with the bits of the services that it asks for.
    """
    number = {target.label: index for index, target in enumerate(matrix.targets)}
    values = {target.label: target.values for target in matrix.targets}
    by_label = {host.label: host for host in hosts}
    rows: list[list[Any]] = []
    for row in matrix.sources:
        cells = [_cell(pair, number, values[pair.target]) for pair in row.others]
        rows.append([number[row.source], _flags(by_label[row.source]), cells])
    return {
        "services": list(names.MANAGED_SERVICES),
        "targets": [_target(one) for one in matrix.targets],
        "groups": [_group(one, number) for one in matrix.groups],
        "meshes": [_mesh(one, number) for one in matrix.meshes],
        "unread": _numbers([one for one in matrix.unread if one in number], number),
        "rows": rows,
    }


def _numbers(labels: Sequence[str], number: Mapping[str, int]) -> list[int]:
    return [number[label] for label in labels]


def _target(one: ReportedTarget) -> list[Any]:
    return [one.label, one.computer, one.fqdn, int(one.is_host), *_paths(one)]


def _group(one: ReportedGroup, number: Mapping[str, int]) -> list[Any]:
    return [one.name, _numbers(one.members, number), list(one.reaches)]


def _mesh(one: ReportedMesh, number: Mapping[str, int]) -> list[Any]:
    sources, targets = _numbers(one.sources, number), _numbers(one.targets, number)
    return [one.name, sources, targets, _bits(one.services, names.MANAGED_SERVICES)]


def _paths(target: ReportedTarget) -> list[list[str]]:
    """The values towards a file server, which may have any number of names."""
    return [] if target.is_host else [list(target.values)]


def _flags(host: ReportedHost) -> list[int]:
    """Protocol transition as found and as declared, unconstrained, disabled, findings."""
    return [*map(int, host.flags().values()), int(not host.is_enabled), host.findings]


def _cell(pair: ReportedPair, number: Mapping[str, int], values: Sequence[str]) -> list[Any] | int:
    if pair.state is PairState.MISSING and not pair.extra:
        return number[pair.target]
    cell = [number[pair.target], _CODES[pair.state], _bits(pair.present, values)]
    extra = [[one.value, one.standing, one.reason, int(one.unexpected)] for one in pair.extra]
    return [*cell, extra] if extra else cell


def _bits(some: Collection[str], values: Sequence[str]) -> int:
    """Which of the values are among those, the first one in the lowest bit."""
    there = set(some)
    return sum(1 << index for index, value in enumerate(values) if value in there)
