"""Runs of the mesh in the journal -> what they changed and found, as the history tells it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from delegation import names
from delegation.changes.history import became_to_json
from delegation.changes.journal import Journal
from delegation.changes.run import Run
from delegation.errors import DelegationError
from delegation.events import warning
from delegation.mesh import audits
from delegation.mesh.audit_view import UNREAD
from delegation.mesh.checks import Finding
from delegation.mesh.compare import Comparison
from delegation.mesh.matrix import Row
from delegation.mesh.plan_mesh import PlanWorld, hints
from delegation.mesh.plan_view import Hints, change_to_json
from delegation.mesh.state import DELEGATION, RecordedDelegation


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
    in_words: str
    is_unsettled: bool = False
    advice: str = ""
    tells_status: bool = False

    @classmethod
    def of(cls, journal: Journal, run: Run, *, detailed: bool) -> "AuditAccount":
        findings = audits.found_by(journal, run.id) if detailed else None
        with journal.reading(f"run {run.id}"):
            return cls(run, findings, audited_in_words(run.summary))

    @property
    def hosts(self) -> frozenset[str]:
        """Those on which it found something."""
        return frozenset(finding.computer for finding in self.findings or ())

    def summary_json(self) -> Mapping[str, Any]:
        """Nothing: the page of an audit has its numbers."""
        return {}

    def details_json(self) -> Mapping[str, Any]:
        if self.findings is None:
            return {"findings": None}
        return {"findings": [finding.to_json() for finding in self.findings]}


def drift_in_words(summary: Mapping[str, Any]) -> str:
    """``drift``, ``no drift``, or of how many hosts nobody knows; of an audit's summary."""
    if summary.get("drift"):
        return "drift"
    if unread := int(summary.get(UNREAD, 0)):
        return f"{names.counted(unread, 'host')} could not be judged"
    return "no drift"


def audited_in_words(summary: Mapping[str, Any]) -> str:
    """``drift, 3 findings, 1 new since run 4, baseline``."""
    return f"{drift_in_words(summary)}, {found_in_words(summary)}"


def found_in_words(summary: Mapping[str, Any]) -> str:
    """``3 findings, 1 new since run 4, baseline``."""
    words = [names.counted(int(summary.get("findings", 0)), "finding")]
    if summary.get("accepted"):
        words.append(f"{int(summary['accepted']):,} accepted")
    if summary.get("since"):
        words.append(f"{summary.get('new', 0):,} new since run {summary['since']}")
    words += ["baseline"] if summary.get("baseline") else []
    return ", ".join(words)


Touches = Sequence[tuple[int, RecordedDelegation]]
"""What runs, by their number, did to one object."""


@dataclass(frozen=True, slots=True)
class MeshPast:
    """What the journal tells: the newest runs, and what those that wrote did to each object.

    ``hints``: which run wrote a value that is foreign now.
    """

    runs: tuple[Run, ...] = ()
    hints: Hints = field(default_factory=dict)
    touched: Mapping[UUID, Touches] = field(default_factory=dict)

    def of(self, row: Row) -> Touches:
        """What the runs did to a source."""
        return self.touched.get(row.source.computer.guid, ())


def mesh_past(world: PlanWorld, comparison: Comparison, newest: int) -> MeshPast:
    """The past of a mesh in as many runs; a journal that can't be read is a warning."""
    try:
        with world.records.reading() as journal:
            runs = journal.runs()[-newest:]
            written: list[tuple[int, RecordedDelegation]] = []
            for run in runs:
                if run.kind in DELEGATION.runs:
                    changes = journal.changes(run.id, DELEGATION)
                    written += [(run.id, recorded) for recorded in changes]
    except DelegationError as exc:
        world.teller.say(warning(f"the report is without runs: {exc.what}"))
        return MeshPast()
    guids = {host.computer.guid for host in comparison.objects}
    touched: dict[UUID, list[tuple[int, RecordedDelegation]]] = defaultdict(list)
    for number, recorded in written:
        # By objectGUID, which stays when an account is renamed or moved.
        guid = recorded.change.target.guid
        if guid in guids and recorded.intended:
            touched[guid].append((number, recorded))
    return MeshPast(tuple(runs), hints(world, comparison), touched)
