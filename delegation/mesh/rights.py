"""Hosts, their ACLs, a token -> Rights: whether an account can write, with the evidence.

A write needs two things. The ACL of each object has to allow both attributes, which LDAP shows
(allowedAttributesEffective, MS-ADTS 3.1.1.4.5.21). And the domain controller has to grant
SeEnableDelegationPrivilege, which LDAP can't show (MS-ADTS 3.1.1.5.3.1, MS-SAMR 3.1.1.8.10): by
default Administrators hold it, and a policy may give it to others, or take it away.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from delegation import names
from delegation.mesh.snapshot import Computer
from delegation.mesh.state import DelegationChange, added, flags, removed

ADMINISTRATORS = "S-1-5-32-544"
"""BUILTIN\\Administrators (MS-DTYP 2.4.2.4)."""
ATTRIBUTE_OF_VALUES, ATTRIBUTE_OF_FLAGS = "msDS-AllowedToDelegateTo", "userAccountControl"
WRITTEN = (ATTRIBUTE_OF_VALUES, ATTRIBUTE_OF_FLAGS)
"""What a change writes."""


class RightsAnswer(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Rights(NamedTuple):
    """The answer, and what it rests on, in sentences."""

    answer: RightsAnswer
    evidence: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        return {"answer": str(self.answer), "evidence": list(self.evidence)}


def judged(
    hosts: Mapping[str, Computer],
    writable: Mapping[UUID, frozenset[str]] | None,
    token: Collection[str] | None,
) -> Rights:
    """Whether the account can write ``hosts``, by label.

    ``writable`` is what each ACL lets it write, casefolded; ``token`` its SIDs, those of its
    groups included. None: the directory does not tell.
    """
    if not hosts:
        return Rights(RightsAnswer.UNKNOWN, ("no account of a host was found",))
    if writable is None:
        return Rights(
            RightsAnswer.UNKNOWN, ("an export holds no access rights: ask a domain controller",)
        )
    acls = _ObjectAcls.of(hosts, writable)
    evidence = (*acls.evidence(), *_reset_within_the_hour(hosts))
    # What the ACL forbids is certain. What it allows is half an answer: the privilege decides.
    if acls.lacking:
        return Rights(RightsAnswer.NO, evidence)
    answer, sentence = _privilege(token)
    return Rights(RightsAnswer.UNKNOWN if acls.unread else answer, (*evidence, sentence))


def unwritable(
    changes: Iterable[DelegationChange], writable: Mapping[UUID, frozenset[str]] | None
) -> dict[str, tuple[str, ...]]:
    """The attributes that each change needs and the account surely may not write, by its object.

    "No" is certain: the ACL alone forbids it. Whatever it does not forbid may fail all the same.
    """
    if writable is None:
        return {}
    lacking: dict[str, tuple[str, ...]] = {}
    for change in changes:
        allowed = writable.get(change.target.guid)
        needed = {
            ATTRIBUTE_OF_VALUES: added(change) or removed(change),
            ATTRIBUTE_OF_FLAGS: flags(change),
        }
        if allowed is None:
            continue
        lack = tuple(name for name, is_needed in needed.items() if is_needed)
        lack = tuple(name for name in lack if name.casefold() not in allowed)
        if lack:
            lacking[change.target.name] = lack
    return lacking


class _ObjectAcls(NamedTuple):
    """Hosts by what their ACLs let the account write; ``lacking`` by the attributes that are not.

    ``unread`` are hosts whose ACL was not to be seen.
    """

    lacking: Mapping[tuple[str, ...], list[str]]
    unread: list[str]
    fine: list[str]

    @classmethod
    def of(
        cls, hosts: Mapping[str, Computer], writable: Mapping[UUID, frozenset[str]]
    ) -> "_ObjectAcls":
        by_lack: dict[tuple[str, ...], list[str]] = defaultdict(list)
        unread = []
        for label, computer in hosts.items():
            allowed = writable.get(computer.guid)
            if allowed is None:
                unread.append(label)
                continue
            lack = tuple(name for name in WRITTEN if name.casefold() not in allowed)
            by_lack[lack].append(label)
        fine = by_lack.pop((), [])
        return cls(by_lack, unread, fine)

    def evidence(self) -> Iterator[str]:
        for attributes, labels in self.lacking.items():
            what = " and ".join(attributes)
            yield f"{names.fold(labels)}: the ACL does not let it write {what}"
        if self.unread:
            yield f"{names.fold(self.unread)}: the ACL could not be read"
        if self.fine:
            yield f"{names.fold(self.fine)}: the ACL lets it write {' and '.join(WRITTEN)}"


def _reset_within_the_hour(hosts: Mapping[str, Computer]) -> Iterator[str]:
    """Objects of once privileged accounts: SDProp writes AdminSDHolder's ACL over theirs."""
    marked = [label for label, computer in hosts.items() if computer.admin_count == 1]
    if marked:
        yield (
            f"{names.fold(marked)}: adminCount is 1, so SDProp resets the ACL within the hour: "
            "what is granted on an OU does not last there"
        )


def _privilege(token: Collection[str] | None) -> tuple[RightsAnswer, str]:
    """Never "no": a policy of the domain controllers may give the privilege to anybody."""
    if token is not None and ADMINISTRATORS in token:
        return RightsAnswer.YES, (
            "it is in Administrators, who hold SeEnableDelegationPrivilege by default; a policy of "
            "the domain controllers may have taken it away"
        )
    who = "it is not in Administrators" if token is not None else "its groups are not told"
    return RightsAnswer.UNKNOWN, (
        f"{who}, and LDAP can't show who else holds SeEnableDelegationPrivilege: look in the user "
        'rights of the domain controllers for "Enable computer and user accounts to be trusted '
        'for delegation"'
    )
