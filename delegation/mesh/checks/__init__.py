"""Comparison -> findings: what an auditor should hear about, as rules.

Each rule is one function from a case to findings; ``RULES`` lists them. A finding is *drift*
where the directory differs from the inventory, and *risk* where it does not have to.
"""

from collections.abc import Collection, Iterable

from delegation import names
from delegation.mesh.checks import account_rules, departed, identity_rules, services, values
from delegation.mesh.checks.account_rules import problems
from delegation.mesh.checks.rule import Finding, MeshCase, Rule, Severity
from delegation.mesh.compare import Comparison

__all__ = [
    "ACCOUNT_RULE",
    "DRIFT",
    "KEEP_RULE",
    "NAME_RULES",
    "OPERATOR_RULES",
    "REFUSAL_RULE",
    "RULES",
    "RULE_IDS",
    "Finding",
    "Rule",
    "Severity",
    "findings",
    "problems",
]

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            *values.RULES,
            *account_rules.RULES,
            *services.RULES,
            *departed.RULES,
            *identity_rules.RULES,
        ),
        key=lambda rule: rule.id,
    )
)
ACCOUNT_RULE = "KCD010"
"""A host without exactly one account in the domain: an audit then ends with exit code 1."""
REFUSAL_RULE = "KCD011"
"""Something that a plan refuses, such as a domain controller as a target."""
OPERATOR_RULES = frozenset({"KCD017", "KCD018"})
"""About somebody who runs migrations, and no host."""
NAME_RULES = frozenset({"KCD020", "KCD021", "KCD040"})
"""About who answers to the names of what is delegated to."""
KEEP_RULE = "KCD019"
"""About a keep rule, and judged only where all of its hosts were looked at."""

DRIFT = frozenset(rule.id for rule in RULES if rule.drift)
RULE_IDS = frozenset(rule.id for rule in RULES)
"""All that this version looks for."""


def findings(
    comparison: Comparison, scope: Collection[str] | None = None, *, preflight: bool = False
) -> list[Finding]:
    """All findings, worst first, hosts in the order of their names; or the ``preflight`` ones.

    ``scope``: the labels that the comparison was limited to.
    """
    case = MeshCase(comparison, scope)
    rules = [rule for rule in RULES if rule.preflight or not preflight]
    unsorted = [finding for rule in rules for finding in rule.findings(case)]
    position = _positions({finding.computer for finding in unsorted})
    return sorted(
        unsorted,
        key=lambda finding: (-finding.severity, finding.rule, position.get(finding.computer, -1)),
    )


def _positions(computers: Iterable[str]) -> dict[str, int]:
    """The place of each in the order of names; several hosts that are folded come last."""
    labels: set[str] = set()
    folded: set[str] = set()
    for name in computers:
        (folded if set(name) & set("[],") else labels).add(name)
    return {name: place for place, name in enumerate((*names.in_order(labels), *sorted(folded)))}
