"""Findings: what an auditor should hear about, as rules over a comparison.

Each rule is one function from a comparison to findings; ``RULES`` lists them. A finding is
*drift* where the directory differs from the inventory, and *risk* where it does not have to.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from delegation.compare import Comparison, Standing
from delegation.inventory import Foreign
from delegation.snapshot import ACCOUNTDISABLE


class Severity(IntEnum):
    """How bad, in ascending order; ``str`` gives the word used in output."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. ``value`` is empty where a whole object is meant."""

    rule: str
    severity: Severity
    computer: str
    value: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Rule:
    """An id that stays, a title, and the function that looks.

    ``drift``: its findings are differences from the inventory. ``preflight``: they matter before
    a first apply as well, because an apply does not simply mend them.
    """

    id: str
    severity: Severity
    title: str
    look: Callable[[Comparison], Iterator[tuple[str, str, str, str]]]
    drift: bool = False
    preflight: bool = True

    def findings(self, comparison: Comparison) -> Iterator[Finding]:
        for computer, value, message, fix in self.look(comparison):
            yield Finding(self.id, self.severity, computer, value, message, fix)


_APPLY = "delegation plan, then delegation apply"


def _missing(comparison: Comparison) -> Iterator[tuple[str, str, str, str]]:
    for host in comparison.hosts:
        for value in host.missing:
            yield host.label, value, "desired and not there: migrations to it fail", _APPLY


def _stale(comparison: Comparison) -> Iterator[tuple[str, str, str, str]]:
    for host in comparison.hosts:
        for verdict in host.standing(Standing.STALE):
            yield host.label, verdict.value, f"no longer wanted: {verdict.reason}", _APPLY


def _foreign(comparison: Comparison) -> Iterator[tuple[str, str, str, str]]:
    if comparison.inventory.policy.foreign is Foreign.IGNORE:
        return
    for host in comparison.hosts:
        for verdict in host.standing(Standing.FOREIGN):
            if verdict.rule is None:
                yield (
                    host.label,
                    verdict.value,
                    "not from this inventory",
                    "ask its owner; then a keep rule, or remove it",
                )


def _transition(comparison: Comparison) -> Iterator[tuple[str, str, str, str]]:
    for host in comparison.hosts:
        found, wanted = host.transition
        if found != wanted:
            say = {True: "on", False: "off"}
            yield (
                host.label,
                "",
                f"protocol transition is {say[found]}, declared {say[wanted]}",
                _APPLY,
            )


def _unconstrained(comparison: Comparison) -> Iterator[tuple[str, str, str, str]]:
    for host in comparison.hosts:
        if host.unconstrained:
            yield (
                host.label,
                "",
                "trusted for delegation to any service: it can act as anyone who logs on to it",
                "policy.unconstrained: clear, then delegation apply",
            )


def _twins(comparison: Comparison) -> Iterator[tuple[str, str, str, str]]:
    for host in comparison.hosts:
        for value in host.twins:
            yield (
                host.label,
                value,
                "stands there twice in different case",
                "remove one spelling by hand; Active Directory itself would refuse the second",
            )


def _expired(comparison: Comparison) -> Iterator[tuple[str, str, str, str]]:
    for host in comparison.hosts:
        for verdict in host.standing(Standing.FOREIGN):
            if verdict.rule is not None:
                owner = f" (owner: {verdict.rule.owner})" if verdict.rule.owner else ""
                yield (
                    host.label,
                    verdict.value,
                    f"{verdict.reason}{owner}; the value is left untouched",
                    "renew the rule's expires date, or remove the rule",
                )


def _disabled(comparison: Comparison) -> Iterator[tuple[str, str, str, str]]:
    for host in comparison.hosts:
        if host.computer.uac & ACCOUNTDISABLE:
            yield (
                host.label,
                "",
                f"the account {host.computer.name}$ is disabled",
                "enable it, or list the host under retired",
            )


def _near_limit(comparison: Comparison) -> Iterator[tuple[str, str, str, str]]:
    limit = comparison.inventory.policy.value_limit
    for host in comparison.hosts:
        count = len(host.computer.values) + len(host.missing)
        if count * 100 >= 80 * limit:
            yield (
                host.label,
                "",
                f"{count:,} of at most {limit:,} values",
                "split the mesh before it grows further",
            )


RULES: tuple[Rule, ...] = (
    Rule("KCD001", Severity.HIGH, "desired value missing", _missing, drift=True, preflight=False),
    Rule("KCD002", Severity.HIGH, "stale value", _stale, drift=True, preflight=False),
    Rule("KCD003", Severity.MEDIUM, "unexpected value", _foreign, drift=True, preflight=False),
    Rule(
        "KCD004",
        Severity.HIGH,
        "protocol transition not as declared",
        _transition,
        drift=True,
        preflight=False,
    ),
    Rule("KCD005", Severity.CRITICAL, "unconstrained delegation", _unconstrained, drift=True),
    Rule("KCD006", Severity.LOW, "value present twice", _twins),
    Rule("KCD007", Severity.HIGH, "keep rule expired", _expired),
    Rule("KCD008", Severity.MEDIUM, "account disabled", _disabled),
    Rule("KCD009", Severity.MEDIUM, "near the value limit", _near_limit),
)
ACCOUNT_RULE = "KCD010"
"""A host without exactly one account in the domain; found before there is a comparison."""
REFUSAL_RULE = "KCD011"
"""Something that a plan refuses, such as a domain controller as a target."""

DRIFT = frozenset(rule.id for rule in RULES if rule.drift)


def findings(comparison: Comparison, *, preflight: bool = False) -> list[Finding]:
    """All findings, worst first, or the ``preflight`` ones among them."""
    found = [
        finding
        for rule in RULES
        if rule.preflight or not preflight
        for finding in rule.findings(comparison)
    ]
    return sorted(found, key=lambda finding: (-finding.severity, finding.rule))
