"""Findings -> their data, and the same for people: what is alike told once, hosts folded."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from delegation import names
from delegation.inventory import Inventory
from delegation.mesh.checks import DRIFT, RULES, AcceptedFinding, Finding, Severity
from delegation.mesh.compare import Comparison, Standing, Verdict


class KeptValue(NamedTuple):
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


class FindingsView(NamedTuple):
    """What was found, and in how much: ``objects`` that were judged, ``values`` as desired.

    ``accepted`` findings stand apart: known and agreed, they are neither drift nor failure.
    ``dc`` None: no directory was looked at, and nothing could be found.
    """

    domain: str
    dc: str | None
    objects: int
    values: int = 0
    findings: tuple[Finding, ...] = ()
    kept: tuple[KeptValue, ...] = ()
    accepted: tuple[AcceptedFinding, ...] = ()

    @classmethod
    def of(
        cls,
        comparison: Comparison,
        findings: Iterable[Finding],
        accepted: Iterable[AcceptedFinding] = (),
    ) -> "FindingsView":
        return cls(
            comparison.desired.domain,
            comparison.snapshot.directory.dc,
            objects=len(comparison.objects),
            values=sum(len(host.present) for host in comparison.hosts),
            findings=tuple(findings),
            kept=kept_values(comparison),
            accepted=tuple(accepted),
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
        counts["accepted"] = len(self.accepted)
        by_severity = Counter(finding.severity for finding in self.findings)
        return counts | {str(severity): by_severity[severity] for severity in WORST_FIRST}

    def to_json(self) -> dict[str, object]:
        """The findings as programs read them (README, audit)."""
        return {
            "drift": self.drift,
            "domain": self.domain,
            "dc": self.dc,
            "findings": [finding.to_json() for finding in self.findings],
            "accepted": [one.to_json() for one in self.accepted],
            "rules": rules_of([*self.findings, *(one.finding for one in self.accepted)]),
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


class Holders(NamedTuple):
    """Values, and the hosts, folded, that hold each of them; no value where whole objects are."""

    hosts: str
    values: tuple[str, ...]

    @property
    def where(self) -> str:
        """Hosts and values, as far as there are any."""
        return ": ".join(filter(None, (self.hosts, ", ".join(self.values))))


class FindingGroup(NamedTuple):
    """Findings that say the same of several hosts or values."""

    rule: str
    severity: Severity
    message: str
    fix: str
    hosts: str
    """All of them, folded."""
    holders: tuple[Holders, ...]

    def to_json(self) -> list[dict[str, str]]:
        """A row for each of the holders."""
        same = {
            "rule": self.rule,
            "severity": str(self.severity),
            "message": self.message,
            "fix": self.fix,
        }
        return [{**same, "hosts": it.hosts, "value": ", ".join(it.values)} for it in self.holders]


def groups_of(findings: Iterable[Finding]) -> list[FindingGroup]:
    """What is alike, told once, in the order of the first of each."""
    keyed = (((it.rule, it.severity, it.message, it.fix), it) for it in findings)
    groups: list[FindingGroup] = []
    for (rule, severity, message, fix), alike in names.grouped(keyed).items():
        hosts = names.fold({finding.computer for finding in alike if finding.computer})
        groups.append(FindingGroup(rule, severity, message, fix, hosts, _holders(alike)))
    return groups


def _holders(findings: Sequence[Finding]) -> tuple[Holders, ...]:
    """By value, and then values with the same hosts together: never more than is the case."""
    # What is about a whole object, or about none, is not about what others hold.
    by_value = names.grouped(((it.value, bool(it.computer)), it.computer) for it in findings)
    alike = []
    for (value, _), holding in by_value.items():
        hosts = tuple(dict.fromkeys(holding))
        alike.append(((hosts, bool(value)), value))
    found: list[Holders] = []
    for (hosts, _), values in names.grouped(alike).items():
        held = tuple(sorted(filter(None, values)))
        found.append(Holders(names.fold(filter(None, hosts)), held))
    return tuple(found)


def severities_in_words(findings: Sequence[Finding]) -> str:
    """``3 findings: 1 critical, 2 medium``."""
    by_severity = Counter(finding.severity for finding in findings)
    counts = [f"{by_severity[it]:,} {it}" for it in WORST_FIRST if by_severity[it]]
    return f"{names.counted(len(findings), 'finding')}: {', '.join(counts)}"
