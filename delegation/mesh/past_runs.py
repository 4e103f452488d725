"""Runs of the mesh in the journal -> what they changed and found, as the history tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delegation import names
from delegation.changes.history import became_to_json
from delegation.changes.journal import Journal
from delegation.changes.run import Run
from delegation.mesh import audits
from delegation.mesh.checks import Finding
from delegation.mesh.plan_view import change_to_json
from delegation.mesh.state import RecordedDelegation


def delegation_to_json(recorded: RecordedDelegation) -> dict[str, Any]:
    """A change of a computer with what became of it; the journal keeps no reasons of removals."""
    return {
        **change_to_json(recorded.change, {}),
        "after": recorded.change.after.canonical(),
        **became_to_json(recorded),
    }


@dataclass(frozen=True)
class AuditAccount:
    """An audit of the past; implements changes.history.RunAccount.

    ``findings`` is None where they are not kept, or were not asked for.
    """

    run: Run
    findings: tuple[Finding, ...] | None
    is_unsettled: bool = False
    advice: str = ""
    tells_status: bool = False

    @classmethod
    def of(cls, journal: Journal, run: Run, *, detailed: bool) -> "AuditAccount":
        return cls(run, audits.found_by(journal, run.id) if detailed else None)

    @property
    def in_words(self) -> str:
        """``drift, 3 findings, 1 new since run 4``."""
        summary = self.run.summary
        words = [
            "drift" if summary.get("drift") else "no drift",
            names.counted(int(summary.get("findings", 0)), "finding"),
        ]
        if summary.get("since"):
            words.append(f"{summary.get('new', 0):,} new since run {summary['since']}")
        return ", ".join(words)

    def summary_json(self) -> Mapping[str, Any]:
        """Nothing: the page of an audit has its numbers."""
        return {}

    def details_json(self) -> Mapping[str, Any]:
        if self.findings is None:
            return {"findings": None}
        return {"findings": [finding.to_json() for finding in self.findings]}
