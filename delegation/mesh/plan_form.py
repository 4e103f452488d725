"""Plans of delegation, saved and fresh: read back as changes, and compared line by line."""

from collections.abc import Iterator, Sequence

from delegation.errors import Command, command
from delegation.mesh.plan_view import WITHOUT_GUID
from delegation.mesh.state import (
    DELEGATION,
    DelegationChange,
    added,
    flags,
    removed,
)


class DelegationPlanForm:
    """Implements review.PlanForm."""

    @property
    def command(self) -> Command:
        return command("plan")

    @property
    def have(self) -> str:
        return DELEGATION.words.have

    def differences(
        self, then: Sequence[DelegationChange], now: Sequence[DelegationChange]
    ) -> list[str]:
        old = {change.target.name: change for change in then}
        new = {change.target.name: change for change in now}
        lines = [f"{name}: would not be changed any more" for name in old.keys() - new.keys()]
        lines += [f"{name}: would be changed as well" for name in new.keys() - old.keys()]
        for name in old.keys() & new.keys():
            for difference in _differences(old[name], new[name]):
                lines.append(f"{name}: {difference}")
        return sorted(lines)


def _differences(then: DelegationChange, now: DelegationChange) -> Iterator[str]:
    """How one object's change has become another."""
    planned_for, found = _identity(then), _identity(now)
    if planned_for != found:
        yield f"is another account of that name: objectGUID was {planned_for}, is {found}"
    aspects = (
        ("to add", added(then), added(now)),
        ("to remove", removed(then), removed(now)),
        ("found there", then.before.values, now.before.values),
    )
    for words, before, after in aspects:
        for value in sorted(set(after).difference(before)):
            yield f"now {words}: {value}"
        for value in sorted(set(before).difference(after)):
            yield f"no longer {words}: {value}"
    facts = (
        ("flags", _bits(then), _bits(now)),
        ("user_account_control", then.before.uac, now.before.uac),
        ("dn", then.target.dn.casefold(), now.target.dn.casefold()),
    )
    for name, old, new in facts:
        if old != new:
            yield f"{name} was {old}, is {new}"


def _identity(change: DelegationChange) -> str:
    """The objectGUID; of an object in an export without any, that there is none."""
    guid = change.target.guid
    return "not told" if guid.version == WITHOUT_GUID else str(guid)


def _bits(change: DelegationChange) -> dict[str, list[bool]]:
    return {name: list(bits) for name, bits in flags(change).items()}
