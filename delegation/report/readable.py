"""A report's data as people read it: hosts folded, findings by rule, pairs by what they lack."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from delegation import names
from delegation.report import Data

FEW = 12
"""Values, or targets with the same values, that a finding lists for people; more are counted."""
LINES = 40
"""Lines of one finding; the hosts beyond are counted, and each has its own section."""
FORMS = ("cifs, short name", "cifs, FQDN", "migration, short name", "migration, FQDN")
"""The values towards a target in words, in their order; a file server has the first two."""


def inert(data: Any) -> Any:  # noqa: ANN401 - JSON data
    """``data`` with every text in it inert, as it may be shown."""
    if isinstance(data, str):
        return names.inert(data)
    if isinstance(data, Mapping):
        return {names.inert(key): inert(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [inert(one) for one in data]
    return data


def by_rule(findings: Sequence[Data], meaning: Mapping[str, Data]) -> list[Data]:
    """Findings rule by rule, the worst first; what several hosts have in common is said once."""
    rules: dict[tuple[str, str], list[Data]] = defaultdict(list)
    for finding in findings:
        rules[finding["severity"], finding["rule"]].append(finding)
    return [
        {
            "rule": rule,
            "severity": severity,
            **meaning.get(rule, {"title": rule, "reference": ""}),
            "count": len(group),
            "hosts": len({one["computer"] for one in group if one["computer"]}),
            "groups": alike(group),
        }
        for (severity, rule), group in rules.items()
    ]


def alike(findings: Iterable[Data]) -> list[Data]:
    """Findings of one rule by what they say, and in that by hosts with the same values."""
    said: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for finding in findings:
        values = said[finding["message"], finding["fix"]][finding["computer"]]
        if finding["value"]:
            values.append(finding["value"])
    return [
        {"message": message, "fix": fix, **_lines(hosts)} for (message, fix), hosts in said.items()
    ]


def _lines(hosts: Mapping[str, Sequence[str]]) -> Data:
    same: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for host, values in hosts.items():
        same[tuple(values)].append(host)
    lines: list[Data] = [
        {
            "hosts": names.fold(members),
            "computers": members,
            "leading": (told := folded_values(values))[:FEW],
            "more": max(0, len(told) - FEW),
        }
        for values, members in same.items()
    ]
    rest = [host for line in lines[LINES:] for host in line["computers"]]
    return {"lines": lines[:LINES], "rest": names.fold(rest), "rest_count": len(rest)}


def hosts(data: Data) -> list[Data]:
    """Every host of a report with all that is said of it, in its order."""
    rows = {row["source"]: row for row in data.get("matrix", {}).get("sources", ())}
    findings: dict[str, list[Data]] = defaultdict(list)
    for finding in data.get("findings", ()):
        findings[finding["computer"]].append(finding)
    changes = {change["computer"]: change for change in data.get("changes", ())}
    return [
        {
            **host,
            "towards": towards(rows.get(host["computer"])),
            "others": _others(rows.get(host["computer"])),
            "findings_by_rule": by_rule(findings[host["computer"]], data.get("rules", {})),
            "change": changes.get(host["computer"]),
        }
        for host in data.get("hosts", ())
    ]


def alike_hosts(data: Data) -> list[Data]:
    """Hosts with the same figures and flags, folded, in the order of the first of each."""
    same: dict[tuple[Any, ...], list[Data]] = defaultdict(list)
    for host in data.get("hosts", ()):
        figures = (*host["flags"].values(), *host["values"].values(), *host["pairs"].values())
        same[*figures, host["enabled"], host["findings"], host.get("changes")].append(host)
    return [
        {**first, "computer": names.fold([first["computer"], *(one["computer"] for one in rest)])}
        for first, *rest in same.values()
    ]


def towards(row: Data | None) -> list[Data]:
    """A source's pairs by state and by what they lack, targets folded."""
    if row is None:
        return []
    complete = [*row["complete"]]
    lacking: dict[tuple[str, tuple[int, ...]], list[Data]] = defaultdict(list)
    for other in row["others"]:
        if other["state"] == "complete":
            complete.append(other["target"])
        elif other["state"] in {"partial", "missing"}:
            lacking[other["state"], _lack(other)].append(other)
    told = [_pairs("complete", complete, "")] if complete else []
    for (state, forms), others in sorted(lacking.items()):
        lack = ", ".join(FORMS[form] for form in forms) if state == "partial" else "all its values"
        if len(others) == 1 and state == "partial":
            lack = ", ".join(others[0]["missing"])
        told.append(_pairs(state, [other["target"] for other in others], lack))
    return told


def _pairs(state: str, targets: Sequence[str], lack: str) -> Data:
    return {"state": state, "targets": names.fold(targets), "count": len(targets), "lack": lack}


def _lack(other: Data) -> tuple[int, ...]:
    """Which of the values towards a target are missing, as positions in FORMS."""
    wanted = sorted([*other["present"], *other["missing"]], key=_form)
    return tuple(index for index, value in enumerate(wanted) if value in other["missing"])


def _form(value: str) -> tuple[bool, bool]:
    service, _, host = value.partition("/")
    return service.casefold() != names.CIFS, "." in host


def _others(row: Data | None) -> list[Data]:
    if row is None:
        return []
    extra = [
        {**one, "target": other["target"]} for other in row["others"] for one in other["extra"]
    ]
    return [*extra, *({**one, "target": ""} for one in row["elsewhere"])]


def same_values(found: Sequence[Data], *why: str) -> list[Data]:
    """Kept or foreign values with the hosts that hold them folded, by value and by ``why``."""

    def key(one: Data) -> tuple[str, ...]:
        return (one["value"], *(one[name] or "" for name in why))

    return [
        {**first, "hosts": names.fold([first["computer"], *(one["computer"] for one in rest)])}
        for _, group in groupby(sorted(found, key=key), key)
        for first, *rest in [list(group)]
    ]


def changes(data: Data) -> list[Data]:
    """What a plan or a run changes, hosts that change by the same numbers folded."""
    same: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for change in data.get("changes", ()):
        became = change.get("result") or ("not settled" if change.get("intended") else "")
        words = ", ".join(flag_words(name, *bits) for name, bits in change["flags"].items())
        key = (len(change["add"]), len(change["remove"]), words, became, change.get("reason", ""))
        same[key].append(change["computer"])
    return [
        {
            "hosts": names.fold(members),
            "count": len(members),
            "add": plus,
            "remove": minus,
            "flags": words,
            "became": became,
            "reason": reason,
        }
        for (plus, minus, words, became, reason), members in same.items()
    ]


def folded_values(values: Iterable[str]) -> list[Data]:
    """Values by where they lead: targets with the same forms folded, all others as they are.

    No more than one target has are spelled out.
    """
    values = list(values)
    if len(values) <= len(FORMS):
        return [{"targets": value, "forms": "", "count": 1} for value in values]
    forms: dict[str, dict[int, str]] = defaultdict(dict)
    plain = []
    for value in values:
        service, _, host = value.partition("/")
        known = [one.casefold() for one in names.MANAGED_SERVICES]
        if service.casefold() in known and host and not set(host) & set("/:"):
            form = 2 * known.index(service.casefold()) + ("." in host)
            forms[host.partition(".")[0].casefold()][form] = value
        else:
            plain.append(value)
    same: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for target, found in forms.items():
        same[tuple(sorted(found))].append(target)
    told = [
        {
            "targets": names.fold(targets),
            "forms": "all four" if len(key) == len(FORMS) else "; ".join(FORMS[i] for i in key),
            "count": len(key) * len(targets),
        }
        for key, targets in same.items()
    ]
    return [*told, *({"targets": value, "forms": "", "count": 1} for value in plain)]


def flag_words(name: str, before: bool, after: bool) -> str:  # noqa: FBT001, ARG001
    """``protocol transition on`` of a flag that changes."""
    return f"{name.replace('_', ' ')} {'on' if after else 'off'}"


def result(run: Data) -> str:
    """What became of a run, in a few words."""
    counts = {name: count for name, count in run["summary"].items() if name != "drift"}
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    if "drift" in run["summary"]:
        told = f"{'drift' if run['summary']['drift'] else 'no drift'}; {told}"
    return f"{run['status']}: {told or 'nothing written'}"
