"""Plan and comparison -> what a plan shows: its changes, what is left alone, what is refused.

This is the one view of a plan: JSON, text, reports and reviews all come from it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from delegation.inventory import Foreign
from delegation.mesh.compare import Comparison, Standing, Verdict
from delegation.mesh.findings_view import KeptValue, kept_values
from delegation.mesh.inventory_lines import InventoryLines
from delegation.mesh.planning import removals
from delegation.mesh.state import DelegationChange, DelegationPlan, added, flags, removed

WITHOUT_GUID = 5
"""The version of UUIDs that are derived from a name, for exports without objectGUID."""

Hints = Mapping[tuple[UUID, str], int]
"""Which run of ours wrote a value, by the object's GUID and the casefolded value."""


class ForeignValue(NamedTuple):
    """A value that is not ours; ``hint`` may help to decide about it."""

    computer: str
    value: str
    hint: str

    def to_json(self) -> dict[str, Any]:
        return {"computer": self.computer, "value": self.value, "hint": self.hint}


class PlanSummary(NamedTuple):
    """Counts: of hosts in scope, of those to change, of values and flags."""

    objects: int
    changed: int
    add: int
    remove: int
    flags: int
    unchanged_values: int

    @classmethod
    def of(cls, plan: DelegationPlan, comparison: Comparison) -> "PlanSummary":
        unchanged = sum(len(host.present) for host in comparison.hosts)
        return cls.counted(plan.changes, len(comparison.objects), unchanged)

    @classmethod
    def counted(
        cls, changes: Sequence[DelegationChange], objects: int, unchanged_values: int
    ) -> "PlanSummary":
        """Of changes, and of how much they are a part."""
        return cls(
            objects=objects,
            changed=len(changes),
            add=sum(len(added(change)) for change in changes),
            remove=sum(len(removed(change)) for change in changes),
            flags=sum(bool(flags(change)) for change in changes),
            unchanged_values=unchanged_values,
        )

    def to_json(self) -> dict[str, int]:
        return {
            "objects": self.objects,
            "changed": self.changed,
            "add": self.add,
            "remove": self.remove,
            "flags": self.flags,
            "unchanged_values": self.unchanged_values,
        }


class PlanView(NamedTuple):
    """A plan with all that it leaves alone; ``reasons`` are those of removals."""

    plan: DelegationPlan
    dc: str
    reasons: Mapping[tuple[str, str], str]
    kept: tuple[KeptValue, ...]
    foreign: tuple[ForeignValue, ...]
    summary: PlanSummary

    @classmethod
    def of(cls, plan: DelegationPlan, comparison: Comparison, hints: Hints) -> "PlanView":
        reasons: dict[tuple[str, str], str] = {}
        for host in comparison.objects:
            for verdict in removals(comparison, host):
                reasons[host.label, verdict.value] = verdict.reason
        left_alone: list[ForeignValue] = []
        for foreign in foreign_hints(comparison, hints):
            if (foreign.computer, foreign.value) not in reasons:
                left_alone.append(foreign)
        return cls(
            plan,
            comparison.snapshot.directory.dc,
            reasons,
            kept_values(comparison),
            tuple(left_alone),
            PlanSummary.of(plan, comparison),
        )

    def reason(self, change: DelegationChange, value: str) -> str:
        """Why a change removes that value."""
        return self.reasons.get((change.target.name, value), UNDO)

    def to_json(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "digest": plan.digest,
            "domain": plan.domain,
            "dc": self.dc,
            "changes": [change_to_json(change, self.reasons) for change in plan.changes],
            "kept": [kept.to_json() for kept in self.kept],
            "foreign": [foreign.to_json() for foreign in self.foreign],
            "blocked": [refusal.to_json("computer") for refusal in plan.blocked],
            "summary": self.summary.to_json(),
        }


UNDO = "undo"
"""The reason of a removal that takes back what a run added."""


def change_to_json(
    change: DelegationChange, reasons: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
    """One change; ``before`` is all of the object that the plan rests on."""
    name, guid = change.target.name, change.target.guid
    leaving: list[dict[str, str]] = []
    for value in removed(change):
        leaving.append({"value": value, "reason": reasons.get((name, value), UNDO)})
    return {
        "computer": name,
        "dn": change.target.dn,
        "guid": None if guid.version == WITHOUT_GUID else str(guid),
        "add": list(added(change)),
        "remove": leaving,
        "flags": {flag: list(bits) for flag, bits in flags(change).items()},
        "before": change.before.canonical(),
    }


def foreign_values(comparison: Comparison) -> list[tuple[Verdict, UUID]]:
    """Values that are not ours, with the object that holds them; none where they are ignored."""
    if comparison.inventory.policy.foreign is Foreign.IGNORE:
        return []
    with_holders: list[tuple[Verdict, UUID]] = []
    for host in comparison.objects:
        for verdict in host.standing(Standing.FOREIGN):
            with_holders.append((verdict, host.computer.guid))
    return with_holders


def foreign_hints(comparison: Comparison, hints: Hints) -> tuple[ForeignValue, ...]:
    """The same, each with what may help to decide about it."""
    lines = InventoryLines(comparison.inventory)
    return tuple(
        ForeignValue(verdict.computer, verdict.value, _hint(lines, verdict, guid, hints))
        for verdict, guid in foreign_values(comparison)
    )


def _hint(lines: InventoryLines, verdict: Verdict, guid: UUID, hints: Hints) -> str:
    if verdict.rule is not None:
        return verdict.reason
    run = hints.get((guid, verdict.value.casefold()))
    if run is None:
        return ""
    return f"run {run} added this; {lines.to_remove(verdict.value)}"
