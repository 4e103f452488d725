"""An audit -> Markdown, for a ticket or a pull request."""

from delegation.mesh.audit_view import AuditView
from delegation.mesh.findings_view import groups_of
from delegation.report.templates import render


def markdown(view: AuditView) -> str:
    """The same data as the JSON, with what is alike told once."""
    page = {
        **view.to_json(),
        "groups": [group.to_json() for group in groups_of(view.findings)],
        "headline": view.headline,
        "resolved": [group.to_json() for group in groups_of(view.resolved)],
    }
    return render("audit.md.j2", page).rstrip("\n")
