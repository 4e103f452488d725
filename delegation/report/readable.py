"""A report's views -> rows for templates: hosts folded, findings by rule, pairs by what they lack.

Rows are data for templates: text, numbers, lists and mappings of those.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from operator import itemgetter
from typing import Any

from delegation import names
from delegation.mesh.checks import Finding
from delegation.mesh.findings_view import rules_of
from delegation.mesh.matrix import PairState
from delegation.mesh.plan_view import PlanView, change_to_json
from delegation.report.contents import DirectoryReport
from delegation.report.mesh_data import ReportedPair, ReportedSource
from delegation.report.mesh_hosts import ReportedHost

TemplateRow = dict[str, Any]
"""What a template is told of one thing."""

FEW = 12
"""Values, or targets with the same values, that a finding lists for people; more are counted."""
LINES = 40
"""Lines of one finding; the hosts beyond are counted, and each has its own section."""
FORMS = ("cifs, short name", "cifs, FQDN", "migration, short name", "migration, FQDN")
"""The values towards a target in words, in their order; a file server has the first two."""


def inert(data: Any) -> Any:  # noqa: ANN401 - JSON data, or a view
    """``data`` with every text in it inert, as it may be shown."""
    if isinstance(data, Enum):  # our own words, some of which are text as well
        return data
    if is_dataclass(data) and not isinstance(data, type):
        shown = {field.name: inert(getattr(data, field.name)) for field in fields(data)}
        return replace(data, **shown)
    if isinstance(data, str):
        return names.inert(data)
    if isinstance(data, Mapping):
        return {names.inert(key): inert(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [inert(one) for one in data]
    return data


def by_rule(findings: Sequence[Finding]) -> list[TemplateRow]:
    """Findings rule by rule, the worst first; what several hosts have in common is said once."""
    meaning = rules_of(findings)
    rules = names.grouped(((one.severity, one.rule), one) for one in findings)
    rows: list[TemplateRow] = []
    for (severity, rule), group in rules.items():
        row: TemplateRow = {"rule": rule, "severity": str(severity)}
        row |= meaning.get(rule, {"title": rule, "reference": ""})
        row["count"] = len(group)
        row["hosts"] = len({one.computer for one in group if one.computer})
        row["groups"] = alike(group)
        rows.append(row)
    return rows


def alike(findings: Iterable[Finding]) -> list[TemplateRow]:
    """Findings of one rule by what they say, and in that by hosts with the same values."""
    said = names.grouped(((one.message, one.fix), one) for one in findings)
    rows: list[TemplateRow] = []
    for (message, fix), group in said.items():
        rows.append({"message": message, "fix": fix, **_lines(group)})
    return rows


def _lines(findings: Iterable[Finding]) -> TemplateRow:
    by_host = names.grouped((one.computer, one.value) for one in findings)
    # A finding about a whole object has no value; its host is told all the same.
    hosts_of = names.grouped(
        (tuple(filter(None, values)), host) for host, values in by_host.items()
    )
    lines: list[TemplateRow] = []
    rest: list[str] = []
    for values, hosts in hosts_of.items():
        if len(lines) < LINES:
            lines.append(_line(values, hosts))
        else:
            rest += hosts
    return {"lines": lines, "rest": names.fold(rest), "rest_count": len(rest)}


def _line(values: Sequence[str], hosts: list[str]) -> TemplateRow:
    leading = folded_values(values)
    return {
        "hosts": names.fold(hosts),
        "computers": hosts,
        "leading": leading[:FEW],
        "more": max(0, len(leading) - FEW),
    }


def hosts(report: DirectoryReport) -> list[TemplateRow]:
    """Every host of a report with all that is said of it, in its order."""
    sources = {row.source: row for row in report.matrix.sources} if report.matrix else {}
    findings = names.grouped((one.computer, one) for one in report.findings or ())
    changes = _changes_by_host(report.plan)
    rows: list[TemplateRow] = []
    for host in report.hosts:
        row = host.to_json()
        row["towards"] = towards(sources.get(host.label))
        row["others"] = _others(sources.get(host.label))
        row["findings_by_rule"] = by_rule(findings.get(host.label, ()))
        row["change"] = changes.get(host.label)
        rows.append(row)
    return rows


def _changes_by_host(view: PlanView | None) -> dict[str, TemplateRow]:
    changes: dict[str, TemplateRow] = {}
    if view is not None:
        for change in view.plan.changes:
            changes[change.target.name] = change_to_json(change, view.reasons)
    return changes


def alike_hosts(report: DirectoryReport) -> list[TemplateRow]:
    """Hosts with the same figures and flags, folded, in the order of the first of each."""
    groups = names.grouped((_figures(host), host) for host in report.hosts)
    rows: list[TemplateRow] = []
    for same in groups.values():
        labels = names.fold(host.label for host in same)
        rows.append({**same[0].to_json(), "computer": labels})
    return rows


def _figures(host: ReportedHost) -> tuple[object, ...]:
    told: list[object] = [*host.flags().values()]
    for figures in host.figures().values():
        told += figures.values()
    return *told, host.is_enabled, host.findings, host.changes


def towards(source: ReportedSource | None) -> list[TemplateRow]:
    """A source's pairs by state and by what they lack, targets folded."""
    if source is None:
        return []
    # A pair that is complete, and holds a value of others besides, is complete all the same.
    also = [pair.target for pair in source.others if pair.state is PairState.COMPLETE]
    complete = [*source.complete, *also]
    rows = [_pairs(PairState.COMPLETE, complete, "")] if complete else []
    partly = [pair for pair in source.others if pair.state in _PARTLY]
    lacking = names.grouped(((pair.state, _lack(pair)), pair) for pair in partly)
    for (state, forms), pairs in sorted(lacking.items(), key=itemgetter(0)):
        targets = [pair.target for pair in pairs]
        rows.append(_pairs(state, targets, _lack_in_words(state, forms, pairs)))
    return rows


_PARTLY = {PairState.PARTIAL, PairState.MISSING}


def _lack_in_words(state: PairState, forms: Sequence[int], pairs: Sequence[ReportedPair]) -> str:
    if state is PairState.MISSING:
        return "all its values"
    if len(pairs) == 1:
        return ", ".join(pairs[0].missing)
    return ", ".join(FORMS[form] for form in forms)


def _pairs(state: PairState, targets: Sequence[str], lack: str) -> TemplateRow:
    return {
        "state": state.value,
        "targets": names.fold(targets),
        "count": len(targets),
        "lack": lack,
    }


def _lack(pair: ReportedPair) -> tuple[int, ...]:
    """Which of the values towards a target are missing, as positions in FORMS."""
    wanted = sorted([*pair.present, *pair.missing], key=_form)
    return tuple(index for index, value in enumerate(wanted) if value in pair.missing)


def _form(value: str) -> tuple[bool, bool]:
    service, _, host = value.partition("/")
    return service.casefold() != names.CIFS, "." in host


def _others(source: ReportedSource | None) -> list[TemplateRow]:
    if source is None:
        return []
    rows: list[TemplateRow] = []
    for pair in source.others:
        rows += [value.to_json() | {"target": pair.target} for value in pair.extra]
    rows += [value.to_json() | {"target": ""} for value in source.elsewhere]
    return rows


def same_values(found: Iterable[TemplateRow], *why: str) -> list[TemplateRow]:
    """Kept or foreign values with the hosts that hold them folded, by value and by ``why``."""
    told = ("value", *why)
    groups = names.grouped((tuple(one[name] or "" for name in told), one) for one in found)
    rows: list[TemplateRow] = []
    for _, same in sorted(groups.items(), key=itemgetter(0)):
        hosts_of = names.fold(one["computer"] for one in same)
        rows.append({**same[0], "hosts": hosts_of})
    return rows


def folded_values(values: Iterable[str]) -> list[TemplateRow]:
    """Values by where they lead: targets with the same forms folded, all others as they are.

    No more than one target has are spelled out.
    """
    values = list(values)
    if len(values) <= len(FORMS):
        return [_spelled_out(value) for value in values]
    forms_towards: dict[str, set[int]] = {}
    others: list[TemplateRow] = []
    for value in values:
        known = _target_and_form(value)
        if known is None:
            others.append(_spelled_out(value))
        else:
            target, form = known
            forms_towards.setdefault(target, set()).add(form)
    same = names.grouped((tuple(sorted(forms)), target) for target, forms in forms_towards.items())
    return [_folded(forms, targets) for forms, targets in same.items()] + others


def _folded(forms: Sequence[int], targets: Sequence[str]) -> TemplateRow:
    every = len(forms) == len(FORMS)
    in_words = "all four" if every else "; ".join(FORMS[form] for form in forms)
    return {
        "targets": names.fold(targets),
        "forms": in_words,
        "count": len(forms) * len(targets),
    }


def _spelled_out(value: str) -> TemplateRow:
    return {"targets": value, "forms": "", "count": 1}


def _target_and_form(value: str) -> tuple[str, int] | None:
    """The target of a value of live migration, and which of FORMS it is; None of any other."""
    service, _, host = value.partition("/")
    known = [one.casefold() for one in names.MANAGED_SERVICES]
    if service.casefold() not in known or not host or set(host) & set("/:"):
        return None
    short = host.partition(".")[0].casefold()
    return short, 2 * known.index(service.casefold()) + ("." in host)
