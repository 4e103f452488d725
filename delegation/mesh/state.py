"""What a change may touch on a computer object, and the kind of runs that touch it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from delegation.changes.kinds import Kind, KindWords
from delegation.changes.outcomes import Outcome
from delegation.changes.plan import Change, Plan
from delegation.changes.run import RecordedChange
from delegation.mesh.snapshot import (
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    Computer,
)

FLAGS: Mapping[str, int] = {
    "protocol_transition": TRUSTED_TO_AUTH_FOR_DELEGATION,
    "unconstrained": TRUSTED_FOR_DELEGATION,
}
"""The bits of userAccountControl that plans change, by their name in output."""


class Delegation(NamedTuple):
    """What a change may touch on a computer: msDS-AllowedToDelegateTo and userAccountControl.

    Values keep the order and spelling in which they were read.
    """

    values: tuple[str, ...]
    uac: int

    @classmethod
    def of(cls, computer: Computer) -> "Delegation":
        return cls(computer.values, computer.uac)

    def canonical(self) -> dict[str, Any]:
        return {"values": sorted(self.values), "user_account_control": self.uac}

    def same(self, other: "Delegation") -> bool:
        """Equal as a set of exact values and as a number; the order of values means nothing."""
        return self.uac == other.uac and sorted(self.values) == sorted(other.values)

    def difference(self, found: "Delegation") -> str:
        """By exact value and number."""
        if self.same(found):
            return ""
        additions = set(found.values).difference(self.values)
        removals = set(self.values).difference(found.values)
        words = [f"{value} was added" for value in sorted(additions)]
        words += [f"{value} was removed" for value in sorted(removals)]
        if self.uac != found.uac:
            words.append(f"userAccountControl went from {self.uac:#x} to {found.uac:#x}")
        return ", ".join(words)

    def departures(self, before: "Delegation", now: "Delegation") -> list[str]:
        """The values that were added or removed, and the bits that were flipped.

        Values casefolded: Samba and AD may give back another spelling than was written.
        """
        present = {value.casefold() for value in now.values}
        words: list[str] = []
        for value in without(self.values, before.values):
            if value.casefold() not in present:
                words.append(f"{value} is not there")
        for value in without(before.values, self.values):
            if value.casefold() in present:
                words.append(f"{value} is there")
        # The bits that plans change, and no other one: passwords that never expire or a disabled
        # account live in the same number, and are other people's business.
        touched, departed = before.uac ^ self.uac, now.uac ^ self.uac
        for name, bit in FLAGS.items():
            if touched & departed & bit:
                words.append(f"{name} is {'set' if now.uac & bit else 'not set'}")
        return words

    def parts(self, before: "Delegation") -> frozenset[str]:
        """Each value that was added or removed, casefolded, and each flag that was flipped."""
        values = (*without(self.values, before.values), *without(before.values, self.values))
        touched = {value.casefold() for value in values}
        touched |= _flipped(before.uac, self.uac).keys()
        return frozenset(touched)

    def parts_made(self, before: "Delegation", now: "Delegation") -> frozenset[str]:
        present = {value.casefold() for value in now.values}
        additions = {value.casefold() for value in without(self.values, before.values)}
        removals = {value.casefold() for value in without(before.values, self.values)}
        unflipped = _flipped(now.uac, self.uac).keys()
        flags_made = _flipped(before.uac, self.uac).keys() - unflipped
        return frozenset((additions & present) | (removals - present) | flags_made)

    def is_proved_by(self, before: "Delegation", parts: Collection[str]) -> bool:
        """All of them; or all but one value that is to be added, where there are many others.

        One hand that takes a value away leaves that. No other hand makes it: people add a few
        values, and programs all of a peer. Other inventories differ by a whole peer, by a rule
        that removes a value, or by the flag, and so none of these may be what is missing.
        """
        unproved = self.parts(before).difference(parts)
        if not unproved:
            return True
        additions = {value.casefold() for value in without(self.values, before.values)}
        return len(unproved) == 1 and unproved <= additions and len(set(parts)) >= _MANY

    def with_parts_of(self, before: "Delegation", parts: Collection[str]) -> "Delegation":
        values = [value for value in self.values if value.casefold() not in parts]
        values += [value for value in before.values if value.casefold() in parts]
        bits = sum(bit for name, bit in FLAGS.items() if name in parts)
        return Delegation(tuple(values), (self.uac & ~bits) | (before.uac & bits))

    def completed(self, found: "Delegation") -> "Delegation":  # noqa: ARG002
        """Every value is said: nothing is left to the object."""
        return self

    @property
    def part_shown(self) -> str:
        """A change is told by its object alone."""
        return ""

    def recorded(self) -> dict[str, Any]:
        return {"values": self.values, "uac": self.uac}

    @classmethod
    def from_record(cls, data: Mapping[str, Any]) -> "Delegation":
        values, uac = data["values"], data["uac"]
        if not isinstance(uac, int) or not all(isinstance(value, str) for value in values):
            raise TypeError("not the state of a computer")
        return cls(tuple(values), uac)


_MANY = 8
"""Parts that nobody makes by hand: the values towards two peers."""


def without(values: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The values, in their order, that are not among the others, spelling and all."""
    if not others:
        return tuple(values)
    excluded = set(others)
    return tuple(value for value in values if value not in excluded)


def _flipped(before: int, after: int) -> dict[str, int]:
    """The named bits in which the two differ, by name."""
    return {name: bit for name, bit in FLAGS.items() if (before ^ after) & bit}


DelegationChange = Change[Delegation]


def added(change: DelegationChange) -> tuple[str, ...]:
    """Values to add, in the order of ``after``."""
    return without(change.after.values, change.before.values)


def removed(change: DelegationChange) -> tuple[str, ...]:
    """Values to delete, spelled as they were found."""
    return without(change.before.values, change.after.values)


def flags(change: DelegationChange) -> dict[str, tuple[bool, bool]]:
    """The named bits that change, as (before, after)."""
    before, after = change.before.uac, change.after.uac
    flipped = _flipped(before, after)
    return {name: (bool(before & bit), bool(after & bit)) for name, bit in flipped.items()}


DelegationPlan = Plan[Delegation]
DelegationOutcome = Outcome[Delegation]
RecordedDelegation = RecordedChange[Delegation]

APPLY, ROLLBACK, AUDIT = "apply", "rollback", "audit"
"""What runs on the directory are called in the journal."""

DELEGATION = Kind(
    "delegation",
    APPLY,
    ROLLBACK,
    Delegation,
    KindWords("the directory has", "written", "undo the later run first"),
    has_undo_file=True,
)
"""Delegation on computer objects: the kind of ``delegation apply`` and ``delegation rollback``."""
