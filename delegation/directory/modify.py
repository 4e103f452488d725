"""Computer, change -> what Active Directory answers to that modify: the new state, or a code.

One change is one atomic modify of value-level deltas: values to delete, values to add, and
userAccountControl by its exact old value (RFC 4511 4.6, MS-ADTS 3.1.1.5.3).
"""

from collections import Counter
from enum import Enum

from delegation.mesh.snapshot import Computer
from delegation.mesh.state import Delegation, DelegationChange, added, removed

VALUE_LIMIT = 1200
"""How many values an object takes at most, about; AD counts those of all its attributes that are
not linked ones. With the optional database pages of 32 KiB of Server 2025 it takes more."""


class ModifyRefusal(Enum):
    """LDAP result codes (RFC 4511 appendix A) that Active Directory gives to such a modify."""

    ADMIN_LIMIT_EXCEEDED = 11, "adminLimitExceeded"
    NO_SUCH_ATTRIBUTE = 16, "noSuchAttribute"
    ATTRIBUTE_OR_VALUE_EXISTS = 20, "attributeOrValueExists"
    NO_SUCH_OBJECT = 32, "noSuchObject"

    def __str__(self) -> str:
        return f"{self.value[1]} ({self.value[0]})"


class ModifyRefused(Exception):
    """The directory's no to one modify; none of it was made."""

    def __init__(self, refusal: ModifyRefusal, what: str, fix: str = "plan again") -> None:
        super().__init__(f"{refusal}: {what}; {fix}")
        self.refusal = refusal


def applied(computer: Computer, change: DelegationChange) -> Delegation:
    """What one modify of ``change`` makes of ``computer``: deletes, then adds, then the swap.

    In the order of ``change.after`` where it comes to the same values, else with new ones last.
    Raises ModifyRefused, with the object's name, for what Active Directory would refuse.
    """
    name = computer.name
    values = list(computer.values)
    for value in removed(change):
        values.remove(_spelling_in(values, value, name))
    present = {value.casefold() for value in values}
    for value in added(change):
        if value.casefold() in present:
            raise ModifyRefused(
                ModifyRefusal.ATTRIBUTE_OR_VALUE_EXISTS, f"{name} already holds {value!r}"
            )
        present.add(value.casefold())
        values.append(value)
    # Only what grows is refused: an object over the limit can still lose values.
    if added(change) and len(values) > VALUE_LIMIT:
        raise ModifyRefused(
            ModifyRefusal.ADMIN_LIMIT_EXCEEDED,
            f"{name} would hold {len(values):,} values, more than {VALUE_LIMIT:,}",
            "make its mesh smaller",
        )
    swaps_flags = change.before.uac != change.after.uac
    if swaps_flags and computer.uac != change.before.uac:
        raise ModifyRefused(
            ModifyRefusal.NO_SUCH_ATTRIBUTE,
            f"userAccountControl of {name} is {computer.uac}, not {change.before.uac}",
        )
    as_planned = Counter(values) == Counter(change.after.values)
    values_after = change.after.values if as_planned else tuple(values)
    return Delegation(values_after, change.after.uac if swaps_flags else computer.uac)


def _spelling_in(values: list[str], value: str, computer: str) -> str:
    """The spelling in which ``values`` hold ``value``; exactly this one where there are twins."""
    if value in values:
        return value
    for present in values:
        if present.casefold() == value.casefold():
            return present
    raise ModifyRefused(
        ModifyRefusal.NO_SUCH_ATTRIBUTE, f"{computer} does not hold {value!r} any more"
    )
