"""A plan: the changes that bring objects to what is desired, as sorted, reversible data.

Generic over the kind of object that changes: delegation on computer objects, settings of hosts.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar
from uuid import UUID

from delegation import names


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

    def parts(self, before: Self) -> frozenset[str]:
        """What a change from ``before`` to this state touches, part by part: a value, a flag."""

    def parts_made(self, before: Self, now: Self) -> frozenset[str]:
        """Those of ``parts`` that are ``now`` as this state has them."""

    def is_proved_by(self, before: Self, parts: Collection[str]) -> bool:
        """Whether ``parts`` of a change from ``before`` to this state prove that it was made.

        Those that somebody else could have made as well prove nothing.
        """

    def with_parts_of(self, before: Self, parts: Collection[str]) -> Self:
        """This state, with those parts as they were ``before``."""

    def completed(self, found: Self) -> Self:
        """This state, with what it leaves to the object as ``found`` there."""

    @property
    def part_shown(self) -> str:
        """What of an object a change is told by; empty where the object says it all."""

    def recorded(self) -> dict[str, Any]:
        """The state as JSON data, exactly, for the journal."""

    @classmethod
    def from_record(cls, data: Mapping[str, Any]) -> Self:
        """The state that ``recorded`` gave. Raises ValueError, LookupError or TypeError."""


S = TypeVar("S", bound=State)


class Target(NamedTuple):
    """The object of a change; ``guid`` finds it again after a rename or move.

    A computer that was deleted and joined again has the same name and another objectGUID: it is
    another object, with a password and an owner of its own, and no change was planned for it.
    """

    name: str
    dn: str
    guid: UUID


class Change(NamedTuple, Generic[S]):
    """One object's change. Its reverse swaps before and after."""

    target: Target
    before: S
    after: S

    def reversed(self) -> "Change[S]":
        return Change(self.target, self.after, self.before)

    def departures(self, now: S) -> list[str]:
        """What this change touched and that is not as it left it, in words."""
        return self.after.departures(self.before, now)

    @property
    def parts(self) -> frozenset[str]:
        """What it touches, in the names that the kind of its states gives to parts."""
        return self.after.parts(self.before)

    def parts_made(self, now: S) -> frozenset[str]:
        """Those of its parts that are ``now`` as it leaves them."""
        return self.after.parts_made(self.before, now)

    def is_proved_by(self, parts: Collection[str]) -> bool:
        """Whether those parts, found made, prove that all of it was made in its one write."""
        return self.after.is_proved_by(self.before, parts)

    def without(self, parts: Collection[str]) -> "Change[S] | None":
        """What is left of it when those parts have been taken back; None where nothing is."""
        remaining = self.parts.difference(parts)
        if len(remaining) == len(self.parts):
            return self
        if not remaining:
            return None
        after = self.after.with_parts_of(self.before, parts)
        return self._replace(after=after)

    def only(self, parts: Collection[str]) -> "Change[S] | None":
        """Those parts of it alone; None where it has none of them."""
        return self.without(self.parts.difference(parts))

    def followed_by(self, later: "Change[S]", touched: Collection[str]) -> "Change[S]":
        """Both as one: each part as it was before the first that touched it, and after the last.

        ``touched`` are all parts that this one is made of, those too that it has no more. What
        others did to the object in between is in neither: the states are put together part by
        part, and not taken whole. It touches nothing where the later one has taken back all.
        """
        new = later.parts.difference(touched)
        differing = new - later.reversed().parts_made(self.before)
        before = self.before.with_parts_of(later.before, differing)
        after = self.after.with_parts_of(later.after, later.parts)
        return Change(later.target, before, after)

    def completed(self, now: S) -> "Change[S]":
        """This change, made, with what it left to the object as found there."""
        return self._replace(after=self.after.completed(now))


class Blocked(NamedTuple):
    """Why a plan can't be applied as it is; ``override`` is the --allow name, or empty."""

    computer: str
    why: str
    message: str
    override: str = ""

    def to_json(self, subject: str) -> dict[str, Any]:
        """``subject`` is what the kind calls the object that the refusal is about."""
        return {
            subject: self.computer,
            "why": self.why,
            "message": self.message,
            "override": f"--allow {self.override}" if self.override else None,
        }


def refusal_lines(blocked: Iterable[Blocked]) -> list[str]:
    """Every refusal as the details of one error."""
    lines = []
    for refusal in blocked:
        lines.append(f"{refusal.computer}: {refusal.message} [{refusal.why}]")
        if refusal.override:
            lines.append(f"  or accept it: --allow {refusal.override}")
    return lines


@dataclass(frozen=True)
class Plan(Generic[S]):
    """Changes sorted by distinguished name, and what stands in their way."""

    kind: str
    domain: str
    changes: tuple[Change[S], ...]
    blocked: tuple[Blocked, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of kind, domain and changes; equal on any workstation.

        Each object is in it by identity and by name, so that an account that was made again under
        the same name is not the one that was reviewed. ``before`` is, so that a digest vouches for
        what was found, too. Which DC answered, who asked and when is not: none of that is part of
        what would be done.
        """
        return self._digest_over([_canonical(change) for change in self.changes])

    @property
    def former_digest(self) -> str:
        """What 0.1 had for it, where identities were missing: only to say so of such a digest."""
        return self._digest_over([_without_identity(change) for change in self.changes])

    def _digest_over(self, changes: Sequence[Mapping[str, object]]) -> str:
        body = {"kind": self.kind, "domain": self.domain.casefold(), "changes": changes}
        text = json.dumps(body, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def reversed(self) -> "Plan[S]":
        reverses = tuple(change.reversed() for change in self.changes)
        return Plan(self.kind, self.domain, reverses)


def _canonical(change: Change[S]) -> dict[str, object]:
    return {"guid": str(change.target.guid), **_without_identity(change)}


def _without_identity(change: Change[S]) -> dict[str, object]:
    return {
        "dn": names.dn_key(change.target.dn),
        "before": change.before.canonical(),
        "after": change.after.canonical(),
    }
