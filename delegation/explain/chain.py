"""What a link is, which pair it is about, and what is known of that pair."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from delegation.inventory import Host, Inventory
from delegation.mesh import facts, kdc
from delegation.mesh.checks.registry import Registry
from delegation.mesh.desired import Desired, Endpoint
from delegation.mesh.kdc import Check, Decision, DecisionStep, Evidence, Route
from delegation.mesh.snapshot import TRUSTED_TO_AUTH_FOR_DELEGATION, Computer, Operator, Snapshot

NO_CREDENTIALS: Final = "0x8009030E"
"""SEC_E_NO_CREDENTIALS: the source has nothing to show the target in the operator's name."""
TARGET_UNKNOWN: Final = "0x80090303"
"""SEC_E_TARGET_UNKNOWN: no one account answers to the target's name."""
UNKNOWN_ETYPE: Final = "0x80090342"
"""SEC_E_KDC_UNKNOWN_ETYPE: the KDC has no key of a kind that both it and the account take."""
WRONG_PRINCIPAL: Final = "0x80090322"
"""SEC_E_WRONG_PRINCIPAL: the ticket is encrypted with the key of another account."""

ASK: Final = "ask a domain controller: --directory ldaps://DC"
"""What to do where a file does not tell."""


class LinkState(StrEnum):
    OK = "ok"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    """It can't be told, or was not looked at; the evidence says which."""


@dataclass(frozen=True, slots=True)
class Link:
    """One condition of the chain; ``fix`` and ``hresult`` are empty where there is none to name."""

    name: str
    state: LinkState
    evidence: str
    fix: str = ""
    hresult: str = ""


def ok(name: str, evidence: str) -> Link:
    return Link(name, LinkState.OK, evidence)


def broken(name: str, evidence: str, fix: str, hresult: str = "") -> Link:
    return Link(name, LinkState.BROKEN, evidence, fix, hresult)


def unknown(name: str, evidence: str, fix: str = "") -> Link:
    return Link(name, LinkState.UNKNOWN, evidence, fix)


@dataclass(frozen=True, slots=True)
class Pair:
    """A source and a target, and what the inventory says of them.

    ``desired``: whether it lets the source reach the target; None where one of them is not in it.
    ``transition``: the protocol transition that it declares of the source; None leaves the flag as
    it is found. ``retired`` are the labels of those that it lists as retired.
    """

    source: Endpoint
    target: Endpoint
    desired: bool | None = None
    transition: bool | None = True
    value_limit: int = 1200
    retired: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, inventory: Inventory, desired: Desired, source: Endpoint, target: Endpoint
    ) -> "Pair":
        """Two ends, each as the inventory has it or as ``stranger`` makes it."""
        delegate = desired.delegates.get(source.label)
        servers = {server.name for server in inventory.file_servers}
        is_known = target.label in (desired.delegates if target.is_host else servers)
        # As the source reaches it: a mesh may ask for one of the two services alone.
        reached = delegate.endpoint(target) if delegate else None
        return cls(
            source,
            reached or target,
            desired=reached is not None if delegate and is_known else None,
            transition=delegate.host.protocol_transition if delegate else True,
            value_limit=inventory.policy.value_limit,
            retired=tuple(_retired_among(inventory, (source, target))),
        )

    @property
    def retired_in_words(self) -> str:
        """``hv05 is retired``; empty where neither is."""
        verb = "are" if len(self.retired) > 1 else "is"
        return f"{' and '.join(self.retired)} {verb} retired" if self.retired else ""


def _retired_among(inventory: Inventory, ends: Iterable[Endpoint]) -> Iterator[str]:
    former = {name.casefold() for gone in inventory.retired for name in (gone.name, gone.fqdn)}
    for end in ends:
        if {end.computer.casefold(), end.fqdn.casefold()} & former:
            yield end.label


def stranger(label: str, computer: str, fqdn: str) -> Endpoint:
    """A computer that the inventory does not have."""
    return Endpoint.of_host(Host(label, computer, fqdn))


@dataclass(frozen=True)
class PairCase:
    """A pair with the accounts that were read; ``token`` is the source's, None where unknown."""

    snapshot: Snapshot
    pair: Pair
    operator: Operator | None = None
    token: frozenset[str] | None = None

    @cached_property
    def source(self) -> Computer | None:
        return self.snapshot.computer(self.pair.source.computer)

    @cached_property
    def target(self) -> Computer | None:
        return self.snapshot.computer(self.pair.target.computer)

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.snapshot)

    @property
    def is_export(self) -> bool:
        """Whether what is absent may only have been left out."""
        return facts.is_export(self.snapshot.directory)

    @property
    def transition(self) -> bool:
        """Whether protocol transition is on."""
        return bool(self.source and self.source.uac & TRUSTED_TO_AUTH_FOR_DELEGATION)

    @property
    def evidence(self) -> Evidence:
        """What the source shows: where Kerberos only is meant, the operator's own ticket.

        With protocol transition a host asks for the ticket itself (S4U2self), and needs nobody to
        have logged on at it: that is what remote management of a migration comes to.
        """
        kerberos_only = self.pair.transition is not True and not self.transition
        return Evidence.TICKET if kerberos_only else Evidence.S4U2SELF

    @cached_property
    def held(self) -> frozenset[str]:
        """The source's list, casefolded as the directory compares it."""
        values = self.source.values if self.source else ()
        return frozenset(value.casefold() for value in values)

    @property
    def missing(self) -> list[str]:
        """The target's values that the source's list lacks."""
        return [value for value in self.pair.target.values if value.casefold() not in self.held]

    def owners(self, spn: str) -> tuple[Computer, ...]:
        """Who answers to a name: accounts of this domain, else of another in the same file."""
        return tuple(self.snapshot.owners(spn))

    @cached_property
    def decisions(self) -> Mapping[str, Decision]:
        """The KDC's, for each of the target's names; none without a source.

        For the operator; where nobody is named, for somebody whom nothing speaks against.
        """
        if self.source is None:
            return {}
        user = kdc.User()
        if self.operator is not None and self.operator.elsewhere:
            user = kdc.User(self.operator.name, protected=None)
        elif self.operator is not None and self.operator.account is not None:
            user = kdc.User.of(self.operator)
        source = kdc.Service.of(self.source, self.token)
        return {
            spn: kdc.decide(source, self._services(spn), spn, user, self.evidence)
            for spn in self.pair.target.values
        }

    def _services(self, spn: str) -> list[kdc.Service] | None:
        if not self.registry.is_known:
            return None
        return [kdc.Service.of(owner) for owner in self.owners(spn)]

    def listed(self, spn: str) -> DecisionStep:
        """Whether a list lets the source through; that of the target where owners are unknown."""
        decision = self.decisions[spn]
        if not self.registry.is_known and self.source and self.target:
            source, target = kdc.Service.of(self.source, self.token), kdc.Service.of(self.target)
            decision = kdc.decide(source, [target], spn, kdc.User(), self.evidence)
        [listed_step] = [step for step in decision.steps if step.check is Check.LISTED]
        return listed_step


def granted_by(decisions: Mapping[str, Decision]) -> dict[str, Route | None]:
    """The list by which each name is granted; None where it is not."""
    return {spn: decision.by if decision.granted else None for spn, decision in decisions.items()}


def counted(values: list[str], most: int = 2) -> str:
    """The values where they are few, else the first and how many more there are."""
    if len(values) <= most:
        return " and ".join(values)
    return f"{', '.join(values[:most])} and {len(values) - most} more"
