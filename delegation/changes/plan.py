"""A plan: the changes that bring objects to what is desired, as sorted, reversible data.

Generic over the kind of object that changes: delegation on computer objects, settings of hosts.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, Self, TypeVar
from uuid import UUID

from delegation import names
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


class State(Protocol):
    """What an object is before and after a change."""

    def canonical(self) -> object:
        """The state as JSON data, equal for equal states however they were read."""

    def difference(self, found: Self) -> str:
        """How ``found`` is not this state, in words; empty where it is the same."""

    def departures(self, before: Self, now: Self) -> list[str]:
        """What a change from ``before`` to this state touched and is not so ``now``, in words.

        What others changed beside it is left alone.
        """

    def completed(self, found: Self) -> Self:
        """This state, with what it leaves to the object as ``found`` there."""

    def recorded(self) -> dict[str, Any]:
        """The state as JSON data, exactly, for the journal."""

    @classmethod
    def from_record(cls, data: Mapping[str, Any]) -> Self:
        """The state that ``recorded`` gave. Raises ValueError, LookupError or TypeError."""


S = TypeVar("S", bound=State)


@dataclass(frozen=True, slots=True)
class Delegation:
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
        words = [f"{value} was added" for value in sorted(set(found.values) - set(self.values))]
        words += [f"{value} was removed" for value in sorted(set(self.values) - set(found.values))]
        if self.uac != found.uac:
            words.append(f"userAccountControl went from {self.uac:#x} to {found.uac:#x}")
        return ", ".join(words)

    def departures(self, before: "Delegation", now: "Delegation") -> list[str]:
        """The values that were added or removed, and the bits that were flipped."""
        found = {value.casefold() for value in now.values}
        words = [
            f"{value} is not there"
            for value in without(self.values, before.values)
            if value.casefold() not in found
        ]
        words += [
            f"{value} is there"
            for value in without(before.values, self.values)
            if value.casefold() in found
        ]
        for name, bit in FLAGS.items():
            if (before.uac ^ self.uac) & bit and (now.uac ^ self.uac) & bit:
                words.append(f"{name} is {'set' if now.uac & bit else 'not set'}")
        return words

    def completed(self, found: "Delegation") -> "Delegation":  # noqa: ARG002
        """Every value is said: nothing is left to the object."""
        return self

    def recorded(self) -> dict[str, Any]:
        return {"values": self.values, "uac": self.uac}

    @classmethod
    def from_record(cls, data: Mapping[str, Any]) -> "Delegation":
        values, uac = data["values"], data["uac"]
        if not isinstance(uac, int) or not all(isinstance(value, str) for value in values):
            raise TypeError("not the state of a computer")
        return cls(tuple(values), uac)


def without(values: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """The values, in their order, that are not among the others, spelling and all."""
    excluded = set(others)
    return tuple(value for value in values if value not in excluded)


@dataclass(frozen=True, slots=True)
class Target:
    """The object of a change; ``guid`` finds it again after a rename or move."""

    name: str
    dn: str
    guid: UUID


@dataclass(frozen=True, slots=True)
class Change(Generic[S]):
    """One object's change. Its reverse swaps before and after."""

    target: Target
    before: S
    after: S

    def reversed(self) -> "Change[S]":
        return Change(self.target, self.after, self.before)

    def departures(self, now: S) -> list[str]:
        """What this change touched and that is not as it left it, in words."""
        return self.after.departures(self.before, now)

    def completed(self, now: S) -> "Change[S]":
        """This change, made, with what it left to the object as found there."""
        return replace(self, after=self.after.completed(now))


DelegationChange = Change[Delegation]


def added(change: DelegationChange) -> tuple[str, ...]:
    """Values to add, in the order of ``after``."""
    return without(change.after.values, change.before.values)


def removed(change: DelegationChange) -> tuple[str, ...]:
    """Values to delete, spelled as they were found."""
    return without(change.before.values, change.after.values)


def flags(change: DelegationChange) -> dict[str, tuple[bool, bool]]:
    """The named bits that change, as (before, after)."""
    return {
        name: (bool(change.before.uac & bit), bool(change.after.uac & bit))
        for name, bit in FLAGS.items()
        if (change.before.uac ^ change.after.uac) & bit
    }


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why a plan can't be applied as it is; ``override`` is the --allow name, or empty."""

    computer: str
    why: str
    message: str
    override: str = ""


@dataclass(frozen=True)
class Plan(Generic[S]):
    """Changes sorted by distinguished name, and what stands in their way."""

    kind: str
    domain: str
    changes: tuple[Change[S], ...]
    blocked: tuple[Blocked, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of kind, domain and changes; equal on any workstation."""
        body = {
            "kind": self.kind,
            "domain": self.domain.casefold(),
            "changes": [
                {
                    "dn": names.dn_key(change.target.dn),
                    "before": change.before.canonical(),
                    "after": change.after.canonical(),
                }
                for change in self.changes
            ],
        }
        text = json.dumps(body, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def reversed(self) -> "Plan[S]":
        return Plan(self.kind, self.domain, tuple(change.reversed() for change in self.changes))


DelegationPlan = Plan[Delegation]
