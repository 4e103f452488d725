"""A plan as a document, saved so that its reviewer needs nothing else: no directory, no inventory.

Values are said once, and changes refer to them by their places in that list: at 64 hosts 256 values
stand for 16,128. ``plan_document_read`` reads it back.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from delegation import names
from delegation.changes.plan import Blocked
from delegation.changes.plan_origin import FORM, PlanOrigin
from delegation.changes.review import SavedPlan
from delegation.mesh.plan_view import PlanView
from delegation.mesh.state import Delegation, DelegationChange, added, flags, removed


class PlanDocument(NamedTuple):
    """A plan with what its reviewer is to know of it."""

    origin: PlanOrigin
    view: PlanView

    @property
    def saved(self) -> SavedPlan[Delegation]:
        """What an apply compares with."""
        plan = self.view.plan
        return SavedPlan(plan.domain, plan.digest, plan.changes, self.origin)

    def to_json(self) -> dict[str, Any]:
        """The document. ``read`` undoes it."""
        view = self.view
        references = References()
        changes = [_change_to_json(view, change, references) for change in view.plan.changes]
        kept = names.grouped(
            ((one.value, one.reason, one.expires), one.computer) for one in view.kept
        )
        foreign = names.grouped(((one.value, one.hint), one.computer) for one in view.foreign)
        return {
            "saved_plan": FORM,
            "kind": view.plan.kind,
            "made": self.origin.to_json(),
            "domain": view.plan.domain,
            "dc": view.dc,
            "digest": view.plan.digest,
            "values": references.values,
            "changes": changes,
            "kept": [
                {"value": value, "hosts": hosts, "reason": reason,
                 "expires": expires.isoformat() if expires else None}
                for (value, reason, expires), hosts in kept.items()
            ],
            "foreign": [
                {"value": value, "hosts": hosts, "hint": hint}
                for (value, hint), hosts in foreign.items()
            ],
            "blocked": [_blocked_to_json(refusal) for refusal in view.plan.blocked],
            "summary": {
                "objects": view.summary.objects,
                "unchanged_values": view.summary.unchanged_values,
            },
        }  # fmt: skip


class References:
    """The values of a document, each once, and runs of places in that list as ``0-3,8``."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    @property
    def values(self) -> list[str]:
        return list(self._places)

    def to(self, values: Iterable[str]) -> str:
        """Where these values stand, in their order; a new one is put at the end."""
        runs: list[list[int]] = []
        for value in values:
            place = self._places.setdefault(value, len(self._places))
            if runs and runs[-1][1] == place - 1:
                runs[-1][1] = place
            else:
                runs.append([place, place])
        return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def _change_to_json(
    view: PlanView, change: DelegationChange, references: References
) -> dict[str, Any]:
    target = change.target
    by_reason = names.grouped((view.reason(change, value), value) for value in removed(change))
    return {
        "computer": target.name,
        "dn": target.dn,
        "guid": str(target.guid),
        "user_account_control": change.before.uac,
        "flags": {name: list(bits) for name, bits in flags(change).items()},
        "found": references.to(change.before.values),
        "add": references.to(added(change)),
        "remove": [
            {"values": references.to(values), "reason": reason}
            for reason, values in by_reason.items()
        ],
    }


def _blocked_to_json(refusal: Blocked) -> dict[str, str]:
    return {
        "computer": refusal.computer,
        "why": refusal.why,
        "message": refusal.message,
        "override": refusal.override,
    }
