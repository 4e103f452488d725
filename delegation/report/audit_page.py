"""An audit -> Markdown, for a ticket or a pull request."""

from collections.abc import Sequence

from delegation import names
from delegation.mesh.audit_view import REMINDED, UNCOUNTED, AuditView
from delegation.mesh.checks import AcceptedFinding, Finding
from delegation.mesh.findings_view import groups_of
from delegation.report.templates import render


def markdown(view: AuditView) -> str:
    """The same data as the JSON, with what is alike told once."""
    page = {
        **view.to_json(),
        "sections": [
            {"title": title, "rows": _rows(findings)}
            for title, findings in (
                ("", view.findings),
                (REMINDED, view.reminded),
                (UNCOUNTED, view.uncounted),
            )
            if findings
        ],
        "headline": view.headline,
        "known": _accepted(view.accepted),
        "resolved": _rows(view.resolved),
        "left_out": [left_out.to_json() for left_out in view.left_out],
    }
    return render("audit.md.j2", page).rstrip("\n")


def _accepted(known: Sequence[AcceptedFinding]) -> list[dict[str, str]]:
    """With the terms of each: until when, whose it is, and why."""
    by_terms = names.grouped((one.in_words, one.finding) for one in known)
    return [{**row, "terms": words} for words, found in by_terms.items() for row in _rows(found)]


def _rows(findings: Sequence[Finding]) -> list[dict[str, str]]:
    return [row for group in groups_of(findings) for row in group.to_json()]
