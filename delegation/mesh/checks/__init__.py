"""Comparison -> findings: what an auditor should hear about, as rules.

Each rule is one function from a case to findings; ``RULES`` lists them. A finding is *drift*
where the directory differs from the inventory, and *risk* where it does not have to.
"""

from collections.abc import Collection

from delegation.mesh.checks import account_rules, departed, services, values
from delegation.mesh.checks.account_rules import problems
from delegation.mesh.checks.rule import Finding, MeshCase, Rule, Severity
from delegation.mesh.compare import Comparison

__all__ = [
    "ACCOUNT_RULE",
    "DRIFT",
    "REFUSAL_RULE",
    "RULES",
    "Finding",
    "Rule",
    "Severity",
    "findings",
    "problems",
]

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (*values.RULES, *account_rules.RULES, *services.RULES, *departed.RULES),
        key=lambda rule: rule.id,
    )
)
ACCOUNT_RULE = "KCD010"
"""A host without exactly one account in the domain: an audit then ends with exit code 1."""
REFUSAL_RULE = "KCD011"
"""Something that a plan refuses, such as a domain controller as a target."""

DRIFT = frozenset(rule.id for rule in RULES if rule.drift)


def findings(
    comparison: Comparison, scope: Collection[str] | None = None, *, preflight: bool = False
) -> list[Finding]:
    """All findings, worst first, or the ``preflight`` ones among them.

    ``scope``: the labels that the comparison was limited to.
    """
    case = MeshCase(comparison, scope)
    rules = [rule for rule in RULES if rule.preflight or not preflight]
    unsorted = [finding for rule in rules for finding in rule.findings(case)]
    return sorted(unsorted, key=lambda finding: (-finding.severity, finding.rule))
