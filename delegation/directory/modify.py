"""What Active Directory answers to one modify of a computer object: the new state, or a code.

One change is one atomic modify of value-level deltas: values to delete, values to add, and
userAccountControl by its exact old value (RFC 4511 4.6, MS-ADTS 3.1.1.5.3).
"""

from collections import Counter
from enum import Enum

from delegation.mesh.snapshot import Computer
from delegation.mesh.state import Delegation, DelegationChange, added, removed

VALUE_LIMIT = 1200
"""How many values an object takes at most, about (FIELD.md section 5); AD counts others too."""


class Answer(Enum):
    """LDAP result codes (RFC 4511 appendix A) that Active Directory gives to such a modify."""

    ADMIN_LIMIT_EXCEEDED = 11, "adminLimitExceeded"
    NO_SUCH_ATTRIBUTE = 16, "noSuchAttribute"
    ATTRIBUTE_OR_VALUE_EXISTS = 20, "attributeOrValueExists"
    NO_SUCH_OBJECT = 32, "noSuchObject"

    def __str__(self) -> str:
        return f"{self.value[1]} ({self.value[0]})"


class No(Exception):
    """The directory's no to one modify; none of it was made."""

    def __init__(self, answer: Answer, what: str, fix: str = "plan again") -> None:
        super().__init__(f"{answer}: {what}; {fix}")
        self.answer = answer


def applied(computer: Computer, change: DelegationChange) -> Delegation:
    """What one modify of ``change`` makes of ``computer``: deletes, then adds, then the swap.

    In the order of ``change.after`` where it comes to the same values, else with new ones last.
    Raises No, with the object's name, for what Active Directory would refuse.
    """
    values = list(computer.values)
    for value in removed(change):
        values.remove(_found(values, value, computer.name))
    present = {value.casefold() for value in values}
    for value in added(change):
        if value.casefold() in present:
            raise No(Answer.ATTRIBUTE_OR_VALUE_EXISTS, f"{computer.name} already holds {value!r}")
        present.add(value.casefold())
        values.append(value)
    if added(change) and len(values) > VALUE_LIMIT:
        raise No(
            Answer.ADMIN_LIMIT_EXCEEDED,
            f"{computer.name} would hold {len(values):,} values, more than {VALUE_LIMIT:,}",
            "make its mesh smaller",
        )
    swapped = change.before.uac != change.after.uac
    if swapped and computer.uac != change.before.uac:
        raise No(
            Answer.NO_SUCH_ATTRIBUTE,
            f"userAccountControl of {computer.name} is {computer.uac}, not {change.before.uac}",
        )
    same = Counter(values) == Counter(change.after.values)
    return Delegation(
        change.after.values if same else tuple(values),
        change.after.uac if swapped else computer.uac,
    )


def _found(values: list[str], value: str, computer: str) -> str:
    """The spelling in which ``values`` hold ``value``; exactly this one where there are twins."""
    if value in values:
        return value
    for present in values:
        if present.casefold() == value.casefold():
            return present
    raise No(Answer.NO_SUCH_ATTRIBUTE, f"{computer} does not hold {value!r} any more")
