"""Changes that a run made -> the plan that takes them back, judged by the objects as they are now.

Only what the change itself touched is judged: the values it added or removed and the bits it
flipped. What others did to the object since is left alone.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from delegation import names
from delegation.changes.plan import Blocked, Change, Plan, Target
from delegation.mesh.snapshot import (
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    Computer,
)
from delegation.mesh.state import (
    DELEGATION,
    Delegation,
    DelegationChange,
    DelegationPlan,
    added,
    removed,
)


@dataclass(frozen=True, slots=True)
class Reversal:
    """The plan that takes a run back, blocked by whatever conflicts, and what to warn about."""

    plan: DelegationPlan
    warnings: tuple[str, ...]


def reversal(
    domain: str,
    changes: Iterable[DelegationChange],
    now: Mapping[UUID, Computer],
    domain_controller_names: Collection[str],
    allow: Collection[str] = (),
) -> Reversal:
    """Undo ``changes`` on the objects as they are ``now``.

    Restores values in their original spelling and the bits that were flipped, and nothing else.
    An object is a conflict where such a value or bit has changed since, or where it is gone.
    """
    back: list[DelegationChange] = []
    conflicts: list[Blocked] = []
    warnings: list[str] = []
    for change in changes:
        computer = now.get(change.target.guid)
        if computer is None:
            conflicts.append(_conflict(change, "the object is gone"))
            continue
        if words := change.departures(Delegation.of(computer)):
            conflicts.append(_conflict(change, "changed since: " + "; ".join(words)))
            continue
        undone = _undone(change, computer)
        back.append(undone)
        conflicts += _dangers(undone, computer, domain_controller_names, allow)
        warnings += _warnings(undone)
    back.sort(key=lambda change: names.dn_key(change.target.dn))
    return Reversal(Plan(DELEGATION.name, domain, tuple(back), tuple(conflicts)), tuple(warnings))


def _conflict(change: DelegationChange, why: str) -> Blocked:
    return Blocked(change.target.name, "conflict", why)


def _undone(change: DelegationChange, now: Computer) -> DelegationChange:
    goes = {value.casefold() for value in added(change)}
    values = [value for value in now.values if value.casefold() not in goes]
    values += removed(change)
    if sorted(values) == sorted(change.before.values):
        values = list(change.before.values)
    flipped = change.before.uac ^ change.after.uac
    uac = (now.uac & ~flipped) | (change.before.uac & flipped)
    target = Target(change.target.name, now.dn, now.guid)
    return Change(target, Delegation.of(now), Delegation(tuple(values), uac))


def _dangers(
    undone: DelegationChange,
    now: Computer,
    domain_controller_names: Collection[str],
    allow: Collection[str],
) -> list[Blocked]:
    name = undone.target.name
    dangers = []
    restored = added(undone)
    for value in restored:
        spn = names.ServicePrincipalName.parse(value)
        if spn and spn.host.casefold() in domain_controller_names:
            dangers.append(
                Blocked(name, "domain-controller", f"would restore {value} to a domain controller")
            )
    if restored and now.is_domain_controller:
        dangers.append(Blocked(name, "domain-controller", f"{now.name} is a domain controller"))
    rises = ~undone.before.uac & undone.after.uac & TRUSTED_FOR_DELEGATION
    if rises and "unconstrained" not in allow:
        dangers.append(
            Blocked(
                name,
                "unconstrained",
                "would trust it for delegation to any service again",
                "unconstrained",
            )
        )
    return dangers


def _warnings(undone: DelegationChange) -> list[str]:
    """The flag governs the whole list, whoever wrote it."""
    governed = undone.after.values
    if not governed or not (undone.before.uac ^ undone.after.uac) & TRUSTED_TO_AUTH_FOR_DELEGATION:
        return []
    named = ", ".join(governed) if len(governed) <= FEW else f"its {len(governed):,} values"
    return [f"{undone.target.name}: the restored delegation flag also governs {named}"]


FEW = 6
"""Values that a warning spells out; more are counted."""
