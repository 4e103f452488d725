"""A report's views -> rows for templates: hosts folded, findings by rule, pairs by what they lack.

Rows are data for templates: text, numbers, lists and mappings of those.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

from delegation import names
from delegation.changes.history import became_to_json
from delegation.changes.run import SETTLE, settled_in_words
from delegation.mesh.audit_view import UNREAD
from delegation.mesh.checks import Finding
from delegation.mesh.findings_view import rules_of
from delegation.mesh.matrix import PairState
from delegation.mesh.past_runs import drift_in_words
from delegation.mesh.plan_view import change_to_json
from delegation.mesh.state import DelegationChange, RecordedDelegation, added, flags, removed
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
        return replace(
            data, **{field.name: inert(getattr(data, field.name)) for field in fields(data)}
        )
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
    return [
        {
            "rule": rule,
            "severity": str(severity),
            **meaning.get(rule, {"title": rule, "reference": ""}),
            "count": len(group),
            "hosts": len({one.computer for one in group if one.computer}),
            "groups": alike(group),
        }
        for (severity, rule), group in rules.items()
    ]


def alike(findings: Iterable[Finding]) -> list[TemplateRow]:
    """Findings of one rule by what they say, and in that by hosts with the same values."""
    said = names.grouped(((one.message, one.fix), one) for one in findings)
    return [{"message": message, "fix": fix, **_lines(of)} for (message, fix), of in said.items()]


def _lines(findings: Iterable[Finding]) -> TemplateRow:
    by_host = names.grouped((one.computer, one.value) for one in findings)
    # A finding about a whole object has no value; its host is told all the same.
    held = ((tuple(filter(None, values)), host) for host, values in by_host.items())
    lines = list(names.grouped(held).items())
    shown = [_line(values, hosts) for values, hosts in lines[:LINES]]
    rest = [host for _, hosts in lines[LINES:] for host in hosts]
    return {"lines": shown, "rest": names.fold(rest), "rest_count": len(rest)}


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
    changes: dict[str, TemplateRow] = {}
    if report.plan is not None:
        reasons = report.plan.reasons
        changes = {
            change.target.name: change_to_json(change, reasons)
            for change in report.plan.plan.changes
        }
    return [
        {
            **host.to_json(),
            "towards": towards(sources.get(host.label)),
            "others": _others(sources.get(host.label)),
            "findings_by_rule": by_rule(findings.get(host.label, ())),
            "change": changes.get(host.label),
        }
        for host in report.hosts
    ]


def alike_hosts(report: DirectoryReport) -> list[TemplateRow]:
    """Hosts with the same figures and flags, folded, in the order of the first of each."""
    groups = names.grouped((_figures(host), host) for host in report.hosts)
    return [
        {**same[0].to_json(), "computer": names.fold(host.label for host in same)}
        for same in groups.values()
    ]


def _figures(host: ReportedHost) -> tuple[object, ...]:
    counts = [count for figures in host.figures().values() for count in figures.values()]
    return *host.flags().values(), *counts, host.is_enabled, host.findings, host.changes


def towards(source: ReportedSource | None) -> list[TemplateRow]:
    """A source's pairs by state and by what they lack, targets folded."""
    if source is None:
        return []
    # A pair that is complete, and holds a value of others besides, is complete all the same.
    also = [pair.target for pair in source.others if pair.state is PairState.COMPLETE]
    complete = [*source.complete, *also]
    rows = [_pairs(PairState.COMPLETE, complete, "")] if complete else []
    partly = {PairState.PARTIAL, PairState.MISSING}
    lacking = names.grouped(
        ((pair.state, _lack(pair)), pair) for pair in source.others if pair.state in partly
    )
    for (state, forms), pairs in sorted(lacking.items(), key=lambda group: group[0]):
        targets = [pair.target for pair in pairs]
        rows.append(_pairs(state, targets, _lack_in_words(state, forms, pairs)))
    return rows


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
    rows = [
        {**value.to_json(), "target": pair.target} for pair in source.others for value in pair.extra
    ]
    return [*rows, *({**value.to_json(), "target": ""} for value in source.elsewhere)]


def same_values(found: Iterable[TemplateRow], *why: str) -> list[TemplateRow]:
    """Kept or foreign values with the hosts that hold them folded, by value and by ``why``."""
    keyed = (((one["value"], *(one[name] or "" for name in why)), one) for one in found)
    groups = names.grouped(keyed)
    return [
        {**same[0], "hosts": names.fold(one["computer"] for one in same)}
        for _, same in sorted(groups.items(), key=lambda group: group[0])
    ]


def planned_changes(changes: Iterable[DelegationChange]) -> list[TemplateRow]:
    """What a plan changes, hosts that change by the same numbers folded."""
    return _folded_changes((change, "", "") for change in changes)


def recorded_changes(changes: Iterable[RecordedDelegation]) -> list[TemplateRow]:
    """The same of a run, with what became of it."""
    return _folded_changes((one.change, _became(one), one.reason) for one in changes)


def _became(recorded: RecordedDelegation) -> str:
    result = became_to_json(recorded)["result"]
    return result or ("not settled" if recorded.intended else "")


def _folded_changes(
    changes: Iterable[tuple[DelegationChange, str, str]],
) -> list[TemplateRow]:
    keyed = (
        (
            (len(added(change)), len(removed(change)), _flags_in_words(change), became, reason),
            change.target.name,
        )
        for change, became, reason in changes
    )
    return [
        {
            "hosts": names.fold(computers),
            "count": len(computers),
            "add": plus,
            "remove": minus,
            "flags": words,
            "became": became,
            "reason": reason,
        }
        for (plus, minus, words, became, reason), computers in names.grouped(keyed).items()
    ]


def _flags_in_words(change: DelegationChange) -> str:
    return ", ".join(flag_words(name, *bits) for name, bits in flags(change).items())


def folded_values(values: Iterable[str]) -> list[TemplateRow]:
    """Values by where they lead: targets with the same forms folded, all others as they are.

    No more than one target has are spelled out.
    """
    values = list(values)
    if len(values) <= len(FORMS):
        return [_spelled_out(value) for value in values]
    known = [(target, form) for value in values for target, form in _forms_of(value)]
    forms = names.grouped(known)
    same = names.grouped((tuple(sorted(set(of))), target) for target, of in forms.items())
    rows = [
        {
            "targets": names.fold(targets),
            "forms": "all four" if len(key) == len(FORMS) else "; ".join(FORMS[i] for i in key),
            "count": len(key) * len(targets),
        }
        for key, targets in same.items()
    ]
    return [*rows, *(_spelled_out(value) for value in values if not list(_forms_of(value)))]


def _spelled_out(value: str) -> TemplateRow:
    return {"targets": value, "forms": "", "count": 1}


def _forms_of(value: str) -> Iterator[tuple[str, int]]:
    """The target of a value of live migration, and which of FORMS it is; none of any other."""
    service, _, host = value.partition("/")
    known = [one.casefold() for one in names.MANAGED_SERVICES]
    if service.casefold() in known and host and not set(host) & set("/:"):
        yield host.partition(".")[0].casefold(), 2 * known.index(service.casefold()) + ("." in host)


def flag_words(name: str, before: bool, after: bool) -> str:  # noqa: FBT001, ARG001
    """``protocol transition on`` of a flag that changes."""
    return f"{name.replace('_', ' ')} {'on' if after else 'off'}"


def result(run: TemplateRow) -> str:
    """What became of a run, in a few words."""
    if run["kind"] == SETTLE:
        return settled_in_words(run["summary"])
    told_apart = {"drift", UNREAD}
    counts = {name: count for name, count in run["summary"].items() if name not in told_apart}
    words = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    if "drift" in run["summary"]:
        words = f"{drift_in_words(run['summary'])}; {words}"
    return f"{run['status']}: {words or 'nothing written'}"
