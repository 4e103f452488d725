"""Findings -> their data, and the same for people: what is alike told once, hosts folded."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from delegation import names
from delegation.inventory import Inventory
from delegation.mesh.checks import DRIFT, RULES, Finding, Severity
from delegation.mesh.compare import Comparison, Standing, Verdict


@dataclass(frozen=True, slots=True)
class KeptValue:
    """A value of somebody else that a keep rule lets stay; ``expires`` None: for good."""

    computer: str
    value: str
    reason: str
    expires: date | None

    @classmethod
    def of(cls, verdict: Verdict) -> "KeptValue":
        expires = verdict.rule.expires if verdict.rule else None
        return cls(verdict.computer, verdict.value, verdict.reason, expires)

    def to_json(self) -> dict[str, str | None]:
        return {
            "computer": self.computer,
            "value": self.value,
            "reason": self.reason,
            "expires": self.expires.isoformat() if self.expires else None,
        }


def kept_values(comparison: Comparison) -> tuple[KeptValue, ...]:
    """All that is kept, in the order of the hosts."""
    kept: list[KeptValue] = []
    for host in comparison.objects:
        kept += map(KeptValue.of, host.standing(Standing.KEPT))
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class FindingsView:
    """What was found, and in how much: ``objects`` that were judged, ``values`` as desired.

    ``dc`` None: no directory was looked at, and nothing could be found.
    """

    domain: str
    dc: str | None
    objects: int
    values: int = 0
    findings: tuple[Finding, ...] = ()
    kept: tuple[KeptValue, ...] = ()

    @classmethod
    def of(cls, comparison: Comparison, findings: Iterable[Finding]) -> "FindingsView":
        return cls(
            comparison.desired.domain,
            comparison.snapshot.directory.dc,
            objects=len(comparison.objects),
            values=sum(len(host.present) for host in comparison.hosts),
            findings=tuple(findings),
            kept=kept_values(comparison),
        )

    @classmethod
    def unread(cls, inventory: Inventory) -> "FindingsView":
        """Of an inventory that no directory was compared with."""
        return cls(inventory.domain, None, len(inventory.hosts))

    @property
    def drift(self) -> bool:
        """Whether the directory differs from the inventory."""
        return is_drift(self.findings)

    def summary(self) -> dict[str, int]:
        """The numbers; those by severity only where there was a directory to judge."""
        counts = {"objects": self.objects, "values": self.values, "findings": len(self.findings)}
        if self.dc is None:
            return counts
        by_severity = Counter(finding.severity for finding in self.findings)
        return counts | {str(severity): by_severity[severity] for severity in WORST_FIRST}

    def to_json(self) -> dict[str, object]:
        """The findings as programs read them (README, audit)."""
        return {
            "drift": self.drift,
            "domain": self.domain,
            "dc": self.dc,
            "findings": [finding.to_json() for finding in self.findings],
            "rules": rules_of(self.findings),
            "kept": [value.to_json() for value in self.kept],
            "summary": self.summary(),
        }


WORST_FIRST = tuple(sorted(Severity, reverse=True))


def is_drift(findings: Iterable[Finding]) -> bool:
    """Whether one of them is a difference from the inventory."""
    return any(finding.rule in DRIFT for finding in findings)


def rules_of(findings: Iterable[Finding]) -> dict[str, dict[str, str]]:
    """What the rules that found these mean, and what they rest on, in the order of their ids."""
    ids = {finding.rule for finding in findings}
    return {
        rule.id: {"title": rule.title, "reference": rule.reference}
        for rule in RULES
        if rule.id in ids
    }


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings that say the same of several hosts or values; ``hosts`` are folded."""

    rule: str
    severity: str
    hosts: str
    value: str
    message: str
    fix: str

    @property
    def where(self) -> str:
        """Hosts and value, as far as the findings are about any."""
        parts = [part for part in (self.hosts, self.value) if part]
        return ": ".join(parts)

    def to_json(self) -> dict[str, str]:
        return {
            "rule": self.rule,
            "severity": self.severity,
            "hosts": self.hosts,
            "value": self.value,
            "message": self.message,
            "fix": self.fix,
        }


def groups_of(findings: Iterable[Finding]) -> list[FindingGroup]:
    """What is alike, told once, in the order of the first of each."""
    alike: dict[tuple[str, Severity, str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        alike[finding.rule, finding.severity, finding.message, finding.fix].append(finding)
    return [_group(group) for group in alike.values()]


def _group(findings: Sequence[Finding]) -> FindingGroup:
    first = findings[0]
    hosts = {finding.computer for finding in findings if finding.computer}
    values = [finding.value for finding in findings if finding.value]
    return FindingGroup(
        rule=first.rule,
        severity=str(first.severity),
        hosts=names.fold(hosts),
        value=_few(values),
        message=first.message,
        fix=first.fix,
    )


FEW = 6
"""Values that are spelled out in a group; more are counted, and listed in the JSON."""


def _few(values: Sequence[str]) -> str:
    distinct = sorted(set(values))
    return ", ".join(distinct) if len(distinct) <= FEW else f"{len(values):,} values"
