"""What commands tell, as data: the JSON of a plan, an audit and a history (DESIGN.md section 2).

``render`` fills a template of ``templates/`` with such data.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from delegation.changes.run import RecordedChange, Run
from delegation.hosts.settings import RecordedSetting, SettingChange
from delegation.inventory import Foreign
from delegation.mesh.checks import Finding
from delegation.mesh.compare import Comparison, Standing, Verdict
from delegation.mesh.findings_view import kept_values
from delegation.mesh.planning import removals
from delegation.mesh.state import (
    DelegationChange,
    DelegationPlan,
    RecordedDelegation,
    added,
    flags,
    removed,
)
from delegation.report.templates import render as render

Data = dict[str, Any]


def plan_data(
    plan: DelegationPlan, comparison: Comparison, hints: Mapping[tuple[UUID, str], int]
) -> Data:
    """A plan with all that it leaves alone. ``hints`` tells which run wrote a foreign value."""
    reasons = {
        (host.label, verdict.value): verdict.reason
        for host in comparison.hosts
        for verdict in removals(comparison, host)
    }
    gone = set(reasons)
    return {
        "digest": plan.digest,
        "domain": plan.domain,
        "dc": comparison.snapshot.directory.dc,
        "changes": [change_data(change, reasons) for change in plan.changes],
        "kept": [value.to_json() for value in kept_values(comparison)],
        "foreign": [
            {
                "computer": verdict.computer,
                "value": verdict.value,
                "hint": hint(verdict, guid, hints),
            }
            for verdict, guid in foreign(comparison)
            if (verdict.computer, verdict.value) not in gone
        ],
        "blocked": [
            {
                "computer": refusal.computer,
                "why": refusal.why,
                "message": refusal.message,
                "override": f"--allow {refusal.override}" if refusal.override else None,
            }
            for refusal in plan.blocked
        ],
        "summary": summary(plan, comparison),
    }


def summary(plan: DelegationPlan, comparison: Comparison) -> Data:
    return {
        "objects": len(comparison.hosts),
        "changed": len(plan.changes),
        "add": sum(len(added(change)) for change in plan.changes),
        "remove": sum(len(removed(change)) for change in plan.changes),
        "flags": sum(bool(flags(change)) for change in plan.changes),
        "unchanged_values": sum(len(host.present) for host in comparison.hosts),
    }


def change_data(change: DelegationChange, reasons: Mapping[tuple[str, str], str]) -> Data:
    """One change; ``before`` is all of the object that the plan rests on."""
    name, guid = change.target.name, change.target.guid
    return {
        "computer": name,
        "dn": change.target.dn,
        "guid": None if guid.version == 5 else str(guid),
        "add": list(added(change)),
        "remove": [
            {"value": value, "reason": reasons.get((name, value), "undo")}
            for value in removed(change)
        ],
        "flags": {flag: list(bits) for flag, bits in flags(change).items()},
        "before": change.before.canonical(),
    }


def hint(verdict: Verdict, guid: UUID, hints: Mapping[tuple[UUID, str], int]) -> str:
    """What may help to decide about a foreign value."""
    if verdict.rule is not None:
        return verdict.reason
    run = hints.get((guid, verdict.value.casefold()))
    if run is None:
        return ""
    host = verdict.value.rpartition("/")[2].partition(".")[0]
    return f"run {run} added this; list {host} under retired to remove it"


def finding_data(finding: Finding) -> Data:
    return {**finding.to_json()}


def run_data(run: Run) -> Data:
    return {
        "run": run.id,
        "kind": run.kind,
        "status": run.status,
        "started": run.started,
        "finished": run.finished,
        "who": run.who,
        "machine": run.machine,
        "directory": run.directory,
        "domain": run.domain,
        "dc": run.dc,
        "inventory_digest": run.inventory_digest,
        "digest": run.plan_digest,
        "ticket": run.ticket,
        "reverses": run.reverses,
        "summary": dict(run.summary),
    }


def recorded_data(recorded: RecordedDelegation) -> Data:
    after = recorded.change.after.canonical()
    return {**change_data(recorded.change, {}), "after": after, **_became_data(recorded)}


def recorded_setting_data(recorded: RecordedSetting) -> Data:
    return {**setting_data(recorded.change), **_became_data(recorded)}


def setting_data(change: SettingChange) -> Data:
    """One setting of one host: ``before`` and ``after`` are its values."""
    return {
        "host": change.target.name,
        "setting": change.before.name,
        "before": change.before.value,
        "after": change.after.value,
    }


def _became_data(recorded: RecordedChange[Any]) -> Data:
    return {
        "intended": recorded.intended,
        "result": recorded.result.value if recorded.result else None,
        "settled": recorded.settled,
        "reason": recorded.reason,
    }


def foreign(comparison: Comparison) -> list[tuple[Verdict, UUID]]:
    """Values that are not ours, with the object that holds them; none where they are ignored."""
    if comparison.inventory.policy.foreign is Foreign.IGNORE:
        return []
    return [
        (verdict, host.computer.guid)
        for host in comparison.hosts
        for verdict in host.standing(Standing.FOREIGN)
    ]
