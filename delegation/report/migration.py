"""What became of a migration run, as a page for a ticket."""

from collections.abc import Mapping
from typing import Any

from delegation import report
from delegation.migrate.schedule.obstacles import size
from delegation.migrate.words import duration

FORMS = {
    "moved": "moved",
    "there": "there already",
    "failed": "failed",
    "aborted": "given up",
    "not_started": "not started",
    "unknown": "unknown",
}
"""The ends that a machine's move can have, as the summary counts them, and in words."""


def markdown(data: Mapping[str, Any]) -> str:
    """The data of ``migrate.result.data`` as Markdown."""
    counted = [
        f"{data['summary'][key]} {words}" for key, words in FORMS.items() if data["summary"][key]
    ]
    filled = {**data, "counted": ", ".join(counted), "size_of": size, "length_of": duration}
    return report.render("migration.md.j2", filled)
