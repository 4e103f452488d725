"""A report as a page: one file of HTML that asks for nothing, from no one.

Its content-security policy allows exactly the one style and the one script that stand in it, and
no request at all. The matrix is drawn by that script, from data that stands in the page as JSON;
all else is there without it.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from delegation import names
from delegation.hosts.settings import HOST_SETTINGS
from delegation.migrations.record.recorded import MIGRATE
from delegation.report import Data, host_settings, migration, readable
from delegation.report.templates import TemplateChoice, asset

_CODES = {"complete": "c", "partial": "p", "missing": "m", "unexpected": "u", "kept": "k"}


def html(data: Data, template: Path | None = None) -> str:
    """The page of a report, by our template or by ``template``, of which it raises UsageError.

    Ours is plain ASCII, so that nothing on its way can take it for another encoding.
    """
    style, script = (asset(name) for name in ("report.css", "report.js"))
    filled = {
        **people(data),
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'",
    }
    return _rendered("report.html.j2", filled, template, html=True)


def markdown(data: Data, template: Path | None = None) -> str:
    """The same for a ticket."""
    return _rendered("report.md.j2", people(data), template, html=False)


def _rendered(ours: str, filled: Data, own: Path | None, *, html: bool) -> str:
    text = TemplateChoice(own).fill(ours, filled, html=html)
    if own is not None:
        return text
    return text.encode("ascii", "xmlcharrefreplace").decode() if html else text


def people(data: Data) -> Data:
    """What templates are given: the data as it is in JSON, inert, and the same folded.

    ``body`` is which of ``templates/page`` tells it; ``figures`` stand beside the verdict.
    """
    shown: Data = readable.inert(data)
    body, told = _BODIES.get(data.get("kind", ""), ("directory", directory))
    common: Data = {"body": body, "grid": None, "figures": [], "figures_of": ""}
    return {**shown, **common, **told(shown)}


def directory(shown: Data) -> Data:
    """What is told of the directory, and of runs that wrote to it."""
    found = "findings" in shown
    return {
        "figures": _severities(shown["summary"]) if found else [],
        "figures_of": "Findings by severity",
        "told_rules": readable.by_rule(shown.get("findings", ()), shown.get("rules", {})),
        "told_hosts": readable.hosts(shown),
        "alike_hosts": readable.alike_hosts(shown),
        "told_changes": readable.changes(shown),
        "told_kept": readable.same_values(shown.get("kept", ()), "reason", "expires"),
        "told_foreign": readable.same_values(shown.get("foreign", ()), "hint"),
        "folded_values": readable.folded_values,
        "flag_words": readable.flag_words,
        "result_of": readable.result,
        "grid": grid(shown) if "matrix" in shown else None,
    }


_BODIES: Mapping[str, tuple[str, Callable[[Data], Data]]] = {
    **dict.fromkeys(HOST_SETTINGS.runs, ("settings", host_settings.people)),
    MIGRATE: ("migration", migration.people),
}
"""The body of a page and what it is given, by the kind of the run."""


def _severities(summary: Data) -> list[Data]:
    tones = {"critical": "bad", "high": "bad", "medium": "warn", "low": ""}
    return [
        {
            "tone": tone if summary[severity] else "none",
            "value": f"{summary[severity]:,}",
            "word": severity,
        }
        for severity, tone in tones.items()
    ]


def _hash(text: str) -> str:
    """As a content-security policy names an inline style or script (CSP Level 3, 2.3.1)."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def grid(data: Data) -> Data:
    """The matrix as the page's script reads it: hosts by number, and only what is not complete.

    A row is (source, flags, cells); a cell is (target, state, bits of the values that are there,
    other values as (value, standing, reason, whether nothing lets it stay)). A target alone is one
    of which everything is missing.
    """
    matrix = data["matrix"]
    number = {target["label"]: index for index, target in enumerate(matrix["targets"])}
    values = {target["label"]: target["values"] for target in matrix["targets"]}
    hosts = {host["computer"]: host for host in data["hosts"]}
    return {
        "services": list(names.MANAGED_SERVICES),
        "targets": [
            [one["label"], one["computer"], one["fqdn"], int(one["kind"] == "host")]
            for one in matrix["targets"]
        ],
        "groups": [
            [group["name"], [number[one] for one in group["members"]], group["reaches"]]
            for group in matrix["groups"]
        ],
        "meshes": [
            [mesh["name"], *([number[one] for one in mesh[end]] for end in ("sources", "targets"))]
            for mesh in matrix["meshes"]
        ],
        "unread": [number[label] for label in matrix["unread"] if label in number],
        "rows": [
            [
                number[row["source"]],
                _flags(hosts[row["source"]]),
                [_cell(other, number, values[other["target"]]) for other in row["others"]],
            ]
            for row in matrix["sources"]
        ],
    }


def _flags(host: Mapping[str, Any]) -> list[int]:
    """Protocol transition as found and as declared, unconstrained, disabled, findings."""
    flags = host["flags"]
    return [
        int(flags["protocol_transition"]),
        int(flags["protocol_transition_declared"]),
        int(flags["unconstrained"]),
        int(not host["enabled"]),
        host["findings"],
    ]


def _cell(other: Data, number: Mapping[str, int], values: Sequence[str]) -> list[Any] | int:
    if other["state"] == "missing" and not other["extra"]:
        return number[other["target"]]
    there = set(other["present"])
    bits = sum(1 << index for index, value in enumerate(values) if value in there)
    cell = [number[other["target"]], _CODES[other["state"]], bits]
    extra = [
        [one["value"], one["standing"], one["reason"], int(one["unexpected"])]
        for one in other["extra"]
    ]
    return [*cell, extra] if extra else cell
