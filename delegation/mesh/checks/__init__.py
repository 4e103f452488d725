"""Comparison -> findings: what an auditor should hear about, as rules.

Each rule is one function from a case to findings; ``RULES`` lists them. A finding is *drift*
where the directory differs from the inventory, and *risk* where it does not have to.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from delegation import names
from delegation.mesh.checks import (
    acceptance,
    account_rules,
    departed,
    encryption,
    identity_rules,
    keep_rules,
    outsiders,
    resource_based,
    services,
    values,
)
from delegation.mesh.checks.acceptance import IDLE_RULE, AcceptedFinding, JudgedFindings
from delegation.mesh.checks.account_rules import problems
from delegation.mesh.checks.rule import (
    OPERATOR_RULES,
    OUTSIDE_RULES,
    Finding,
    MeshCase,
    Rule,
    Severity,
)
from delegation.mesh.compare import Comparison

__all__ = [
    "ACCOUNT_RULE",
    "DRIFT",
    "IDLE_RULE",
    "KEEP_RULE",
    "NAME_RULES",
    "OPERATOR_RULES",
    "OUTSIDE_RULES",
    "REFUSAL_RULE",
    "RULES",
    "RULE_IDS",
    "AcceptedFinding",
    "Finding",
    "JudgedFindings",
    "MeshCase",
    "Rule",
    "Severity",
    "findings",
    "judged",
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
            *outsiders.RULES,
            *resource_based.RULES,
            *keep_rules.RULES,
            *encryption.RULES,
            *acceptance.RULES,
        ),
        key=lambda rule: rule.id,
    )
)
ACCOUNT_RULE = "KCD010"
"""A host without exactly one account in the domain: an audit then ends with exit code 1."""
REFUSAL_RULE = "KCD011"
"""Something that a plan refuses, such as a domain controller as a target."""
NAME_RULES = frozenset({"KCD020", "KCD021", "KCD028"})
"""About who answers to the names of what is delegated to."""
KEEP_RULE = "KCD019"
"""About a keep rule, and judged only where all of its hosts were looked at."""

DRIFT = frozenset(rule.id for rule in RULES if rule.drift)
RULE_IDS = frozenset(rule.id for rule in RULES)
"""All that this version looks for."""


def findings(
    comparison: Comparison, scope: Collection[str] | None = None, *, preflight: bool = False
) -> list[Finding]:
    """What is open of all findings, or of the ``preflight`` ones; see ``judged``.

    ``scope``: the labels that the comparison was limited to.
    """
    return list(judged(MeshCase(comparison, scope), preflight=preflight).open)


def judged(case: MeshCase, *, preflight: bool = False) -> JudgedFindings:
    """All findings, worst first, hosts in the order of their names, apart from accepted ones."""
    found: list[Finding] = []
    on_acceptances: list[Rule] = []
    for rule in RULES:
        if preflight and not rule.preflight:
            continue
        if rule.id == IDLE_RULE:
            on_acceptances.append(rule)
        else:
            found += rule.findings(case)
    told = acceptance.judged(case, found)
    found = list(told.open)
    # Which acceptance accepts nothing is known when all other rules have looked.
    case = replace(case, idle=told.idle)
    for rule in on_acceptances:
        found += rule.findings(case)
    place = _places([*found, *(one.finding for one in told.accepted)])
    return JudgedFindings(
        tuple(sorted(found, key=place)),
        tuple(sorted(told.accepted, key=lambda one: place(one.finding))),
        told.idle,
    )


def _places(found: Collection[Finding]) -> Callable[[Finding], tuple[int, str, int]]:
    """The place of each: worst first, then by rule, then in the order of names."""
    position = _positions({finding.computer for finding in found})
    return lambda finding: (-finding.severity, finding.rule, position.get(finding.computer, -1))


def _positions(computers: Iterable[str]) -> dict[str, int]:
    """The place of each in the order of names; several hosts that are folded come last."""
    labels: set[str] = set()
    folded: set[str] = set()
    for name in computers:
        (folded if set(name) & set("[],") else labels).add(name)
    return {name: place for place, name in enumerate((*names.in_order(labels), *sorted(folded)))}
