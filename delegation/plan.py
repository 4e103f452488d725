"""A plan: the changes that bring a directory to what is desired, as sorted, reversible data.

Generic over the kind of object that changes, so that hosts' settings can follow the same path
as delegation on computer objects.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from delegation import names
from delegation.snapshot import (
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


DelegationChange = Change[Delegation]


def added(change: DelegationChange) -> tuple[str, ...]:
    """Values to add, in the order of ``after``."""
    before = set(change.before.values)
    return tuple(value for value in change.after.values if value not in before)


def removed(change: DelegationChange) -> tuple[str, ...]:
    """Values to delete, spelled as they were found."""
    after = set(change.after.values)
    return tuple(value for value in change.before.values if value not in after)


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
