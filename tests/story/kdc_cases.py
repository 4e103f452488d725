"""Cases for a KDC: what may bear on its decision, every pair of it, and what tips a grant.

A case is one level of each factor. ``every_pair`` makes few cases in which every two levels of two
factors meet; ``flips`` takes cases that are granted by design, and changes one factor of each.
``LIMITS`` are left out: there the lab's KDC is known to decide otherwise than MS-SFU has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum, StrEnum
from itertools import combinations, product
from random import Random
from typing import Any

from delegation.names import CIFS, MIGRATION
from tests.lab.kdc import Evidence


class Form(Enum):
    """One of the four names of a target, as service class and whether it is the short one."""

    SHORT_CIFS = (CIFS, True)
    FULL_CIFS = (CIFS, False)
    SHORT_MIGRATION = (MIGRATION, True)
    FULL_MIGRATION = (MIGRATION, False)

    @property
    def factor(self) -> str:
        """The factor that tells whether the source's list holds it."""
        return self.name.lower()

    def of(self, target: str, domain: str) -> str:
        service, short = self.value
        return f"{service}/{target}" if short else f"{service}/{target}.{domain}"


class User(StrEnum):
    """Whom the source acts as."""

    PLAIN = "plain"
    ADMIN = "admin"
    """In Domain Admins, which says nothing against it."""
    SENSITIVE = "sensitive"
    PROTECTED = "protected"
    NESTED = "nested"
    """In a group in Protected Users."""
    BOTH = "sensitive-protected"
    DISABLED = "disabled"


class Principal(StrEnum):
    """Whom the target's list is about."""

    NONE = "nobody: there is no list"
    ACCOUNT = "the source"
    GROUP = "a group that it is in"
    OUTER = "a group around that"
    LOCAL = "a domain-local group"
    EVERYONE = "S-1-1-0"
    AUTHENTICATED = "S-1-5-11"
    OTHER_ACCOUNT = "another account"
    OTHER_GROUP = "a group that it is not in"


class Mask(Enum):
    """What that entry grants."""

    FULL = 0xF01FF
    ENOUGH = 0x100
    GENERIC = 0x10000000
    """GENERIC_ALL, which stands for nothing in an entry."""
    LACKING = 0xF00FF


class Denied(StrEnum):
    """Who is denied, and where."""

    NOBODY = "nobody"
    SOURCE_FIRST = "the source, first"
    GROUP_FIRST = "a group that it is in, first"
    OTHER_FIRST = "another account, first"
    SOURCE_LAST = "the source, last"
    SOURCE_ELSE = "the source, first, but of other rights"


@dataclass(frozen=True, slots=True)
class Case:
    """One level of each factor; as it stands, the plainest that is granted."""

    short_cifs: bool = True
    full_cifs: bool = True
    short_migration: bool = True
    full_migration: bool = True
    asked: Form = Form.SHORT_CIFS
    asked_in_capitals: bool = False
    stored_in_capitals: bool = False
    another_value: bool = False
    transition: bool = True
    unconstrained: bool = False
    source_enabled: bool = True
    target_enabled: bool = True
    user: User = User.PLAIN
    evidence: Evidence = Evidence.S4U2SELF
    principal: Principal = Principal.NONE
    mask: Mask = Mask.FULL
    denied: Denied = Denied.NOBODY

    def present(self) -> list[Form]:
        return [form for form in Form if getattr(self, form.factor)]


def _levels(default: bool | Enum) -> tuple[Any, ...]:  # noqa: FBT001
    return (True, False) if isinstance(default, bool) else tuple(type(default))


FACTORS: dict[str, tuple[Any, ...]] = {field.name: _levels(field.default) for field in fields(Case)}


def _protected_user_by_s4u2self(case: Case) -> bool:
    by_group = {User.PROTECTED, User.NESTED}
    return case.evidence is Evidence.S4U2SELF and case.user in by_group


def _empty_list_by_s4u2self(case: Case) -> bool:
    is_empty = not case.present() and not case.another_value
    return case.evidence is Evidence.S4U2SELF and is_empty and not case.transition


LIMITS: Mapping[str, Callable[[Case], bool]] = {
    "a user in Protected Users, by S4U2Self": _protected_user_by_s4u2self,
    "an empty list without protocol transition, by S4U2Self": _empty_list_by_s4u2self,
}
"""Where Samba is known to decide otherwise than MS-SFU has it; docs/kdc.md tells how."""


WITHIN_LIMITS: dict[str, Any] = {
    "evidence": Evidence.TICKET,
    "user": User.PLAIN,
    "transition": True,
    "another_value": True,
}
"""What brings a case back, one or the other."""


def is_left_out(case: Case) -> bool:
    return any(limit(case) for limit in LIMITS.values())


Level = tuple[str, Any]
Pair = frozenset[Level]


def pairs(case: Case) -> set[Pair]:
    levels = [(name, getattr(case, name)) for name in FACTORS]
    return set(map(frozenset, combinations(levels, 2)))


ALL_PAIRS: frozenset[Pair] = frozenset(
    frozenset(((one, first), (other, second)))
    for one, other in combinations(FACTORS, 2)
    for first, second in product(FACTORS[one], FACTORS[other])
)
"""Every two levels of two factors."""

LEFT_OUT: frozenset[Pair] = frozenset(
    frozenset((("evidence", Evidence.S4U2SELF), ("user", user)))
    for user in (User.PROTECTED, User.NESTED)
)
"""The pairs of levels that only cases beyond the limits hold."""


def every_pair(seed: int) -> list[Case]:
    """Few cases that hold every pair: each is the best of some that begin with a pair to come."""
    random = Random(seed)
    open_pairs = set(ALL_PAIRS - LEFT_OUT)
    # A set's order is not the same in two processes.
    order = sorted(open_pairs, key=lambda pair: sorted(map(repr, pair)))
    random.shuffle(order)
    cases = []
    for pair in order:
        if pair in open_pairs:
            tries = [_around(pair, open_pairs, random) for _ in range(6)]
            best = max(tries, key=lambda case: len(pairs(case) & open_pairs))
            cases.append(best)
            open_pairs -= pairs(best)
    return cases


def _around(pair: Pair, wanted: set[Pair], random: Random) -> Case:
    """A case with this pair: one factor after the other takes the level that holds most others.

    Of equal ones it takes the plainest, so that few things speak against a grant at once.
    """
    chosen = dict(pair)
    plain = {field.name: field.default for field in fields(Case)}
    for name in random.sample(list(FACTORS), len(FACTORS)):
        if name in chosen:
            continue
        best = max(
            FACTORS[name],
            key=lambda level: (
                sum(frozenset((one, (name, level))) in wanted for one in chosen.items()),
                level == plain[name],
            ),
        )
        chosen[name] = best
    return _within_limits(Case(**chosen), dict(pair))


def _within_limits(case: Case, fixed: Mapping[str, Any]) -> Case:
    for name, level in WITHIN_LIMITS.items():
        if not is_left_out(case):
            break
        if name not in fixed:
            case = replace(case, **{name: level})
    return case


LETS_THROUGH: dict[str, tuple[Any, ...]] = {
    "user": (User.PLAIN, User.ADMIN),
    "principal": (
        Principal.ACCOUNT,
        Principal.GROUP,
        Principal.OUTER,
        Principal.LOCAL,
        Principal.EVERYONE,
        Principal.AUTHENTICATED,
    ),
    "mask": (Mask.FULL, Mask.ENOUGH),
    "denied": (Denied.NOBODY, Denied.OTHER_FIRST, Denied.SOURCE_LAST, Denied.SOURCE_ELSE),
    "source_enabled": (True,),
}
BASES = 28
"""How many cases are granted by design."""
BY_SOURCE = 0.3
"""How many of these by the source's list; the others by the target's."""


def granted_by_design(random: Random) -> Case:
    """A case in which nothing speaks against a grant, by the source's list or by the target's."""
    drawn = {name: random.choice(levels) for name, levels in (FACTORS | LETS_THROUGH).items()}
    if drawn["evidence"] is Evidence.S4U2SELF:
        drawn["transition"] = True
    by_source = random.random() < BY_SOURCE
    drawn[drawn["asked"].factor] = by_source
    if by_source:
        drawn["principal"] = Principal.NONE
    return Case(**drawn)


def flips(case: Case) -> Iterator[Case]:
    """The case with one factor at another level, for every factor and level.

    What a list's entry says is not flipped where there is no list.
    """
    idle = {"mask", "denied"} if case.principal is Principal.NONE else set()
    for name, levels in FACTORS.items():
        for level in levels if name not in idle else ():
            flipped = replace(case, **{name: level})
            if flipped != case and not is_left_out(flipped):
                yield flipped


def granted(count: int) -> list[Case]:
    """So many different cases that are granted by design."""
    random = Random(1)
    cases: dict[Case, None] = {}
    while len(cases) < count:
        case = granted_by_design(random)
        if not is_left_out(case):
            cases[case] = None
    return list(cases)


PLAIN = (
    Case(),
    Case(
        short_cifs=False,
        full_cifs=False,
        short_migration=False,
        full_migration=False,
        another_value=True,
        principal=Principal.GROUP,
    ),
    Case(transition=False, evidence=Evidence.TICKET),
)
"""The plainest grants: by the source's list, by the target's, and with Kerberos only."""


def few() -> list[Case]:
    """Somewhat more than 100: every pair once, and what tips the plainest two grants."""
    tipped = [case for base in PLAIN[:2] for case in flips(base)]
    return list(dict.fromkeys([*every_pair(3), *PLAIN, *tipped]))


def all_of_them() -> list[Case]:
    """More than 1,000: every pair in several ways, and what tips many other grants."""
    others = [case for seed in (1, 2, 4) for case in every_pair(seed)]
    bases = granted(BASES)
    tipped = [case for base in bases for case in flips(base)]
    return list(dict.fromkeys([*few(), *others, *bases, *tipped]))
