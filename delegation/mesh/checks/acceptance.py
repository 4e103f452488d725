"""Findings, an inventory -> which of them are known and stay; which acceptance accepts nothing.

An accepted finding is no failure and no news, and still counted and listed. So it must not hide
what only waits for an apply, nor by a pattern what nobody has looked at: a critical one is accepted
by the one host and the very value alone.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from delegation import names
from delegation.inventory.accepted import MENDED_RULES, Acceptance, Trusted
from delegation.mesh.checks.rule import (
    OPERATOR_RULES,
    OUTSIDE_RULES,
    Finding,
    MeshCase,
    Observation,
    Rule,
    Severity,
)
from delegation.mesh.compare import is_live
from delegation.mesh.planning import removals, uac_after
from delegation.mesh.snapshot import TRUSTED_FOR_DELEGATION

IDLE_RULE = "KCD033"
"""About an acceptance, and judged after all others."""
_UNCONSTRAINED = "KCD005"


class AcceptedFinding(NamedTuple):
    """A finding, and the rule of the inventory that accepts it."""

    finding: Finding
    by: Acceptance

    @property
    def in_words(self) -> str:
        """``accepted until 2027-06-30 (owner: web team): reporting portal``."""
        return f"accepted{terms(self.by)}"

    def to_json(self) -> dict[str, object]:
        expires = self.by.expires.isoformat() if self.by.expires else None
        rule = {"reason": self.by.reason, "owner": self.by.owner, "expires": expires}
        return {**self.finding.to_json(), "accepted": rule}


class JudgedFindings(NamedTuple):
    """``open`` ones, those that were accepted, and the acceptances that accepted none."""

    open: tuple[Finding, ...]
    accepted: tuple[AcceptedFinding, ...] = ()
    idle: tuple[Acceptance, ...] = ()


def judged(case: MeshCase, findings: Iterable[Finding]) -> JudgedFindings:
    """Each finding as its acceptance has it; one whose day has passed comes back, one higher."""
    rules = case.comparison.inventory.accept
    if not rules:
        return JudgedFindings(tuple(findings))
    judge = _AcceptanceJudge(case)
    still_open: list[Finding] = []
    accepted: list[AcceptedFinding] = []
    used: set[Acceptance] = set()
    for finding in findings:
        matching = [rule for rule in rules if judge.is_about(rule, finding)]
        if not matching or judge.is_mended(finding):
            still_open.append(finding)
            continue
        used.update(matching)
        live = [rule for rule in matching if is_live(rule, case.comparison.today)]
        if live:
            accepted.append(AcceptedFinding(finding, live[0]))
        else:
            still_open.append(_expired(finding, matching[0]))
    idle = tuple(rule for rule in rules if rule not in used)
    return JudgedFindings(tuple(still_open), tuple(accepted), idle)


def _expired(finding: Finding, rule: Acceptance) -> Finding:
    message = f"{finding.message}; was accepted{terms(rule)}"
    return finding._replace(severity=one_higher(finding.severity), message=message)


def one_higher(severity: Severity) -> Severity:
    """Nothing is higher than critical."""
    return Severity(min(severity + 1, Severity.CRITICAL))


def terms(rule: Acceptance | Trusted) -> str:
    """Until when, whose it is and why, as far as the rule says it."""
    until = f" until {rule.expires}" if rule.expires else ""
    owner = f" (owner: {rule.owner})" if rule.owner else ""
    reason = f": {rule.reason}" if rule.reason else ""
    return f"{until}{owner}{reason}"


class _AcceptanceJudge:
    """Whether a rule is about a finding, and whether that may be accepted at all."""

    def __init__(self, case: MeshCase) -> None:
        inventory = case.comparison.inventory
        self._comparison = case.comparison
        self._hosts = {host.label: host for host in case.comparison.objects}
        self._labels = {*inventory.hosts, *(former.name for former in inventory.retired)}
        self._going: dict[str, set[str]] = {}

    def is_about(self, rule: Acceptance, finding: Finding) -> bool:
        if rule.rule != finding.rule:
            return False
        about = finding.value
        if rule.hosts:
            # Several hosts of the inventory are folded; what is outside of it is no host's name.
            is_folded = finding.computer == names.fold(rule.hosts)
            if finding.computer not in rule.hosts and not is_folded:
                return False
        elif finding.computer not in self._labels:
            about = about or finding.computer
        if finding.severity is Severity.CRITICAL:
            return len(rule.hosts) == 1 and rule.value.casefold() == about.casefold()
        return rule.covers(about)

    def is_mended(self, finding: Finding) -> bool:
        """Whether the next apply takes the finding away, so that there is nothing to accept."""
        if finding.rule in MENDED_RULES:
            return True
        host = self._hosts.get(finding.computer)
        if host is None:
            return False
        if finding.rule == _UNCONSTRAINED:
            return not uac_after(self._comparison, host) & TRUSTED_FOR_DELEGATION
        if host.label not in self._going:
            going = removals(self._comparison, host)
            self._going[host.label] = {verdict.value.casefold() for verdict in going}
        return finding.value.casefold() in self._going[host.label]


def idle_rules(case: MeshCase, idle: Iterable[Acceptance]) -> Iterator[Observation]:
    """Rules that accept nothing: what they once accepted would pass unseen if it came back.

    Judged only where all was looked at that a rule may be about.
    """
    looked_at = set(case.comparison.labels) | {host.label for host in case.comparison.retired}
    for rule in idle:
        labels = rule.hosts or tuple(case.comparison.inventory.hosts)
        was_asked = rule.rule not in OPERATOR_RULES or bool(case.comparison.snapshot.operators)
        was_searched = rule.rule not in OUTSIDE_RULES or case.around is not None
        if not (was_asked and was_searched and looked_at.issuperset(labels)):
            continue
        about = f" of {rule.value}" if rule.value else ""
        owner = f" (owner: {rule.owner})" if rule.owner else ""
        message = f"this accept rule{owner} accepts no finding{about}"
        hosts = names.fold(rule.hosts)
        yield Observation(hosts, rule.rule, message, named=(f"{hosts} {rule.value}".casefold(),))


def _idle_trust(case: MeshCase) -> Iterator[Observation]:
    """Trusted accounts that are on no host's list: who puts them there will not be told of."""
    inventory, snapshot = case.comparison.inventory, case.comparison.snapshot
    is_whole = len(case.comparison.hosts) == len(inventory.hosts)
    if not (inventory.trusted and is_whole):
        return
    acting: set[str] = set()
    for host in case.comparison.hosts:
        for ace in host.computer.acting:
            acting |= {ace.sid.casefold(), snapshot.account_names.get(ace.sid, "").casefold()}
    for trusted in inventory.trusted:
        if trusted.account.casefold() not in acting:
            owner = f" (owner: {trusted.owner})" if trusted.owner else ""
            message = f"this trusted account{owner} is on no host's list"
            yield Observation("", trusted.account, message)


def _idle(case: MeshCase) -> Iterator[Observation]:
    """What an inventory calls known, and nobody finds."""
    if case.scope is None:
        yield from idle_rules(case, case.idle)
        yield from _idle_trust(case)


RULES = (
    Rule(
        IDLE_RULE,
        Severity.LOW,
        "accept rule or trusted account that matches nothing",
        "correct its rule, its value or its hosts, or remove it",
        "the inventory: accept, trusted",
        _idle,
        preflight=False,
    ),
)
