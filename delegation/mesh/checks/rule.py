"""What a rule is, what it looks at, and what it finds: MeshCase -> Finding."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from delegation.inventory.accepted import Acceptance
from delegation.mesh import by_target_list, facts
from delegation.mesh.checks.registry import Registry, ValueTarget
from delegation.mesh.compare import Comparison, HostComparison

if TYPE_CHECKING:
    from delegation.mesh.kept_before import KeptBefore
    from delegation.mesh.outside import Outside

OPERATOR_RULES = frozenset({"KCD017", "KCD018"})
"""About somebody who runs migrations, and no host."""
OUTSIDE_RULES = frozenset({"KCD029", "KCD030", "KCD035"})
"""About the domain around the hosts, which an audit --inside-only does not look at."""


class Severity(IntEnum):
    """How bad, in ascending order; ``str`` gives the word used in output."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()


class Finding(NamedTuple):
    """One thing found. ``value`` is empty where a whole object is meant.

    ``computer`` is a host's label, several of them folded, or empty where no host is meant;
    ``guid`` is its account's objectGUID, empty where it has none. ``named`` is what tells the
    finding from another of the same rule, account and value, whatever its words: whom it names, by
    SID or by objectGUID, or what it is about.
    """

    rule: str
    severity: Severity
    computer: str
    value: str
    message: str
    fix: str
    guid: str = ""
    named: tuple[str, ...] = ()

    def to_json(self) -> dict[str, str]:
        """The finding as programs read it (README, audit)."""
        return {
            "rule": self.rule,
            "severity": str(self.severity),
            "computer": self.computer,
            "value": self.value,
            "message": self.message,
            "fix": self.fix,
        }


@dataclass(frozen=True)
class MeshCase:
    """A comparison with its evidence, and the labels that it was limited to (None: all).

    ``around`` is the domain outside the inventory; None where nobody looked at it. ``kept_before``
    are values that a keep rule let stay when somebody looked last, ``idle`` the acceptances that
    accepted nothing.
    """

    comparison: Comparison
    scope: Collection[str] | None = None
    around: "Outside | None" = None
    kept_before: "Sequence[KeptBefore]" = ()
    idle: Sequence[Acceptance] = ()

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.comparison.snapshot)

    @property
    def is_export(self) -> bool:
        """Whether what is absent may only have been left out."""
        return facts.is_export(self.comparison.snapshot.directory)

    def guid(self, label: str) -> str:
        """The objectGUID of a host or file server; empty without an account, or without a label."""
        return self._host_guids.get(label) or self._endpoint_guids.get(label, "") if label else ""

    @cached_property
    def by_target_alone(self) -> Mapping[str, Mapping[str, str]]:
        """By source, desired values that only the target's own list lets through, with whose."""
        return by_target_list.made_up_for(self.comparison)

    @cached_property
    def _host_guids(self) -> Mapping[str, str]:
        return {host.label: str(host.computer.guid) for host in self.comparison.hosts}

    @cached_property
    def _endpoint_guids(self) -> Mapping[str, str]:
        guids: dict[str, str] = {}
        for endpoint in self.comparison.desired.endpoints_of(self.comparison.labels):
            account = self.comparison.snapshot.computer(endpoint.computer)
            if account is not None:
                guids[endpoint.label] = str(account.guid)
        return guids

    @cached_property
    def _distinct(self) -> set[str]:
        """In a mesh each value stands on every peer: whom it leads to is looked at once."""
        distinct: set[str] = set()
        for host in self.comparison.objects:
            distinct.update(host.missing, host.present)
            distinct.update(verdict.value for verdict in host.extra)
        return distinct

    def values(
        self, leads_there: Callable[[ValueTarget], bool], *, missing: bool = False
    ) -> Iterator[tuple[HostComparison, str]]:
        """The values on the hosts that lead to a target for which ``leads_there`` holds.

        ``missing``: the desired ones that are still to be written as well.
        """
        leading = {value for value in self._distinct if leads_there(self.registry.target(value))}
        if not leading:
            return
        for host in self.comparison.objects:
            to_come = host.missing if missing else ()
            others = (verdict.value for verdict in host.extra)
            for value in (*to_come, *host.present, *others):
                if value in leading:
                    yield host, value


class Observation(NamedTuple):
    """A finding without what its rule says of all of them, unless it differs here."""

    computer: str
    value: str
    message: str
    fix: str = ""
    severity: Severity | None = None
    named: tuple[str, ...] = ()


class Rule(NamedTuple):
    """An id that stays, what is found, what to do, why that is known, and the function that looks.

    ``reference`` names the specification or the publication that the rule rests on.

    ``drift``: its findings are differences from the inventory. ``preflight``: they matter before
    a first apply as well, because an apply does not simply mend them.
    """

    id: str
    severity: Severity
    title: str
    fix: str
    reference: str
    look: Callable[[MeshCase], Iterator[Observation]]
    drift: bool = False
    preflight: bool = True

    def findings(self, case: MeshCase) -> Iterator[Finding]:
        """What the rule observes in a case, completed by what it says of all of them."""
        for observation in self.look(case):
            yield Finding(
                self.id,
                observation.severity or self.severity,
                observation.computer,
                observation.value,
                observation.message,
                observation.fix or self.fix,
                case.guid(observation.computer),
                observation.named,
            )
