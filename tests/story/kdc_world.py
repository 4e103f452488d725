"""Cases put to two judges: to the lab's KDC, and to ``kdc.decide`` on what the product reads there.

Every source and target is a pair of hosts of the lab, hv01 and hv02 to hv65 and hv66. What two
cases ask of one pair's accounts alike is set up once, and many pairs by one ``ldapmodify``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from delegation.directory.inspection import LdapInspector
from delegation.mesh import kdc as ours
from delegation.mesh import snapshot
from delegation.mesh.snapshot import Computer
from delegation.mesh.spn_mappings import ASSUMED
from tests.directory.test_ldap import credentials, settings
from tests.lab import Lab, admin, kdc, ldif
from tests.lab.description import (
    ACCOUNTDISABLE,
    HOSTS,
    NOT_DELEGATED,
    READER,
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    WORKSTATION_TRUST_ACCOUNT,
)
from tests.lab.descriptors import (
    ADMINISTRATORS,
    ALLOWED,
    DENIED,
    SELF_RELATIVE_WITH_DACL,
    entry,
    sid_bytes,
    sid_text,
)
from tests.lab.independent import DELEGATION, search
from tests.lab.kdc import Granted, Question, Refused
from tests.story.kdc_cases import Case, Denied, Mask, Principal, User

PAIRS = tuple(zip(HOSTS[::2], HOSTS[1::2], strict=True))
DOMAIN_LOCAL_GROUP = -0x7FFFFFFC
SELF_RELATIVE = 0x8000
GROUPS = {
    Principal.GROUP: "sources",
    Principal.OUTER: "around-sources",
    Principal.LOCAL: "local-sources",
    Principal.OTHER_GROUP: "targets",
}
"""Every source is in the first three, the second through the first; no source is in the last."""


@dataclass(frozen=True)
class Judged:
    """One case, and what became of it before both judges."""

    case: Case
    theirs: Granted | Refused
    ours: ours.Decision

    @property
    def agreed(self) -> bool:
        return self.ours.granted is isinstance(self.theirs, Granted)


class World:
    """The lab with the users and groups that all cases share."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        people = {
            user: admin.add_user(
                lab,
                user,
                flags=(ACCOUNTDISABLE if user is User.DISABLED else 0)
                | (NOT_DELEGATED if user in {User.SENSITIVE, User.BOTH} else 0),
            )
            for user in User
        }
        between = admin.add_group(lab, "between", [people[User.NESTED]])
        admin.set_members(
            lab, "Protected Users", [between, people[User.PROTECTED], people[User.BOTH]]
        )
        admins = admin.account_of(lab, "Domain Admins").texts("member")
        admin.set_members(lab, "Domain Admins", [*admins, people[User.ADMIN]])
        sources = [lab.computer_dn(source) for source, _ in PAIRS]
        inner = admin.add_group(lab, GROUPS[Principal.GROUP], sources)
        admin.add_group(lab, GROUPS[Principal.OUTER], [inner])
        admin.add_group(lab, GROUPS[Principal.LOCAL], sources, kind=DOMAIN_LOCAL_GROUP)
        targets = [lab.computer_dn(target) for _, target in PAIRS]
        admin.add_group(lab, GROUPS[Principal.OTHER_GROUP], targets)
        found = search(lab, "(objectSid=*)", "sAMAccountName", "objectSid")
        self.sids = {
            one.texts("sAMAccountName")[0].lower(): sid_text(one.values("objectSid")[0])
            for one in found
            if one.texts("sAMAccountName")
        }

    def judge(self, cases: Iterable[Case]) -> Iterator[Judged]:
        """Every case before both judges, as many at a time as there are pairs."""
        edge = LdapInspector(settings(self.lab), self.lab.domain, credentials(self.lab, READER))
        with closing(edge) as inspector:
            for batch in batches(cases):
                self.arrange(batch)
                yield from self.put(batch, inspector)

    def put(
        self, batch: Mapping[Case, tuple[str, str]], inspector: LdapInspector
    ) -> Iterator[Judged]:
        questions = {case: self.question(case, *pair) for case, pair in batch.items()}
        # Before the twins of the migration values are there.
        decided = decisions(inspector, list(questions.values()))
        with kdc.mirrored(self.lab):
            answers = kdc.decide_all(self.lab, list(questions.values()))
        for case, theirs, own in zip(questions, answers, decided, strict=True):
            yield Judged(case, theirs, own)

    def question(self, case: Case, source: str, target: str) -> Question:
        service = case.asked.of(target, self.lab.domain)
        if case.asked_in_capitals:
            service = service.upper()
        return Question(source, case.user, service, case.evidence)

    def arrange(self, batch: Mapping[Case, tuple[str, str]]) -> None:
        """Make the accounts of all pairs as their cases want them."""
        pairs = {pair: case for case, pair in batch.items()}
        changes = [self.pair(case, *pair) for pair, case in pairs.items()]
        admin.modify(self.lab, "".join(changes))

    def pair(self, case: Case, source: str, target: str) -> str:
        values = [form.of(target, self.lab.domain) for form in case.present()]
        if case.stored_in_capitals:
            values = [value.upper() for value in values]
        if case.another_value:
            values.append("HTTP/portal")
        flags = (
            WORKSTATION_TRUST_ACCOUNT
            | (0 if case.source_enabled else ACCOUNTDISABLE)
            | (TRUSTED_TO_AUTH_FOR_DELEGATION if case.transition else 0)
            | (TRUSTED_FOR_DELEGATION if case.unconstrained else 0)
        )
        target_flags = WORKSTATION_TRUST_ACCOUNT | (0 if case.target_enabled else ACCOUNTDISABLE)
        acting = self.acting(case, source)
        return ldif.modification(
            self.lab.computer_dn(source),
            ("replace", DELEGATION, values),
            ("replace", "userAccountControl", [str(flags)]),
        ) + ldif.modification(
            self.lab.computer_dn(target),
            ("replace", admin.RBCD, [acting] if acting else []),
            ("replace", "userAccountControl", [str(target_flags)]),
        )

    def acting(self, case: Case, source: str) -> bytes:
        """The target's list as a security descriptor; empty for none."""
        if case.principal is Principal.NONE:
            return b""
        return descriptor(self.entries(case, source))

    def entries(self, case: Case, source: str) -> list[bytes]:
        own, other = self.sids[f"{source}$"], self.sids[f"{HOSTS[-1]}$"]
        named = {Principal.ACCOUNT: own, Principal.OTHER_ACCOUNT: other} | {
            principal: self.sids[group] for principal, group in GROUPS.items()
        }
        allow = entry(ALLOWED, named.get(case.principal, case.principal), case.mask.value)
        full, lacking = Mask.FULL.value, Mask.LACKING.value
        return {
            Denied.NOBODY: [allow],
            Denied.SOURCE_FIRST: [entry(DENIED, own, full), allow],
            Denied.GROUP_FIRST: [entry(DENIED, named[Principal.GROUP], full), allow],
            Denied.OTHER_FIRST: [entry(DENIED, other, full), allow],
            Denied.SOURCE_LAST: [allow, entry(DENIED, own, full)],
            Denied.SOURCE_ELSE: [entry(DENIED, own, lacking), allow],
        }[case.denied]


def decisions(inspector: LdapInspector, questions: Sequence[Question]) -> list[ours.Decision]:
    """What ``kdc.decide`` says, of nothing but what the product reads from the directory."""
    spns = {question.service for question in questions}
    hosts = {host for spn in spns if (host := ASSUMED.alias(spn))}
    names = {question.source for question in questions}
    accounts = inspector.find(sorted(names), sorted(spns | hosts))
    found = snapshot.resolve(inspector.directory, names, accounts)
    sources = {name: service(inspector, found.computers[name]) for name in names}
    users = {name: user(inspector, name) for name in {question.user for question in questions}}
    return [
        ours.decide(
            sources[question.source],
            [ours.Service.of(owner) for owner in found.owners(question.service)],
            question.service,
            users[question.user],
            ours.Evidence(question.evidence),
        )
        for question in questions
    ]


def service(inspector: LdapInspector, account: Computer) -> ours.Service:
    return ours.Service.of(account, inspector.token(account))


def user(inspector: LdapInspector, name: str) -> ours.User:
    (account,) = inspector.people(name)
    return ours.User.of(snapshot.Operator(name, account, inspector.token(account)))


def arrangement(case: Case) -> tuple[object, ...]:
    """All of a case that its pair of accounts has to show."""
    return (
        *case.present(),
        case.stored_in_capitals,
        case.another_value,
        case.transition,
        case.unconstrained,
        case.source_enabled,
        case.target_enabled,
        case.principal,
        case.mask,
        case.denied,
    )


def batches(cases: Iterable[Case]) -> Iterator[dict[Case, tuple[str, str]]]:
    """Cases with a pair each; those that ask the same of their accounts share one."""
    batch: dict[Case, tuple[str, str]] = {}
    taken: dict[tuple[object, ...], tuple[str, str]] = {}
    for case in sorted(cases, key=arrangement_key):
        if arrangement(case) not in taken and len(taken) == len(PAIRS):
            yield batch
            batch, taken = {}, {}
        if arrangement(case) not in taken:
            taken[arrangement(case)] = PAIRS[len(taken)]
        batch[case] = taken[arrangement(case)]
    if batch:
        yield batch


def arrangement_key(case: Case) -> str:
    return repr(arrangement(case))


def descriptor(entries: Sequence[bytes] | None) -> bytes:
    """Pack entries in the order in which they are given; None makes one without a list."""
    owner = sid_bytes(ADMINISTRATORS)
    if entries is None:
        return struct.pack("<BBHIIII", 1, 0, SELF_RELATIVE, 20, 0, 0, 0) + owner
    acl = b"".join(entries)
    dacl = struct.pack("<BBHHH", 4, 0, 8 + len(acl), len(entries), 0) + acl
    header = struct.pack("<BBHIIII", 1, 0, SELF_RELATIVE_WITH_DACL, 20, 0, 0, 20 + len(owner))
    return header + owner + dacl
