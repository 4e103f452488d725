"""Views -> JSON, HTML, Markdown, CSV and change files.

What a report holds is in ``contents`` (of the directory: ``mesh_data``, ``mesh_hosts``),
``host_settings`` and ``migration`` (with ``timeline``, ``chart``, ``axis``). Its forms are ``page``
(with ``readable``) and ``sheet``; ``change_files`` are a plan for other programs, and ``templates``
the one module that fills a template. A new column of a mesh's report goes to ``mesh_data`` or
``mesh_hosts``, and to ``sheet`` or the template that shows it.

The names below serve commands that don't have their view yet.
"""

from collections.abc import Sequence
from typing import Any

from delegation.changes.history import run_to_json as run_data
from delegation.hosts.past_settings import recorded_setting_to_json as recorded_setting_data
from delegation.inventory import Inventory
from delegation.mesh.checks import Finding
from delegation.mesh.compare import Comparison
from delegation.mesh.findings_view import FindingsView
from delegation.report.templates import render

__all__ = [
    "audit_data",
    "finding_data",
    "recorded_setting_data",
    "render",
    "run_data",
    "unread_data",
]

Data = dict[str, Any]


def audit_data(comparison: Comparison, found: Sequence[Finding]) -> Data:
    return {**FindingsView.of(comparison, found).to_json()}


def unread_data(inventory: Inventory) -> Data:
    return {**FindingsView.unread(inventory).to_json()}


def finding_data(finding: Finding) -> Data:
    return {**finding.to_json()}
