"""Comparison -> what an audit looked at, and which of it a finding is about: its *subject*.

Audits are compared subject by subject. An inventory changes, and two of them may share a state
folder: of what the one does not look at, it can't say that anything is new, or resolved.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from delegation.mesh.checks import (
    ACCOUNT_RULE,
    IDLE_RULE,
    KEEP_RULE,
    NAME_RULES,
    OPERATOR_RULES,
    OUTSIDE_RULES,
    REFUSAL_RULE,
    Finding,
)
from delegation.mesh.compare import Comparison
from delegation.mesh.planning import HELD_ELSEWHERE, NO_ACCOUNT

INVENTORY, KEEP_RULES, DOMAIN = "the inventory", "the keep rules", "the domain around"
"""Subjects that are no object: the inventory as a whole, its keep rules, and all that is outside.
"""
NO_OBJECTS = frozenset({INVENTORY, KEEP_RULES, DOMAIN})


class Look(NamedTuple):
    """What was looked at: a label for each subject. ``is_whole``: not limited to some hosts.

    A host that could be judged is there by its account's objectGUID, which stays when it is
    renamed, here or there. Whether it has an account at all is another subject; and so is who
    answers to its names: that is looked at for the sake of those who delegate to it, which an audit
    of this host alone does not.
    """

    subjects: Mapping[str, str]
    is_whole: bool = True

    @classmethod
    def of(
        cls, comparison: Comparison, scope: Collection[str] | None, *, outside: bool = False
    ) -> "Look":
        """``scope``: the labels that the comparison was limited to, None for all.

        ``outside``: the domain was searched for whoever reaches the hosts from there.
        """
        desired, snapshot = comparison.desired, comparison.snapshot
        hosts = [label for label in desired.delegates if scope is None or label in scope]
        subjects = {_account(label): label for label in hosts}
        subjects |= {str(host.computer.guid): host.label for host in comparison.hosts}
        subjects |= {_operator(operator.name): operator.name for operator in snapshot.operators}
        if outside:
            for host in comparison.hosts:
                subjects[_outside_of(str(host.computer.guid))] = f"{host.label} (from outside)"
        for endpoint in comparison.endpoints:
            subjects[_account(endpoint.label)] = endpoint.label
            subjects[_names_of(endpoint.label)] = endpoint.label
            reached = snapshot.computer(endpoint.computer)
            if reached is not None:
                subjects[_names_of(str(reached.guid))] = endpoint.label
                if not endpoint.is_host:
                    subjects[str(reached.guid)] = endpoint.label
        if scope is not None:
            return cls(subjects, is_whole=False)
        subjects[INVENTORY] = INVENTORY
        subjects |= {DOMAIN: DOMAIN} if outside else {}
        # While a host has no account, the rules that keep its values are not judged.
        if len(comparison.hosts) == len(hosts):
            subjects[KEEP_RULES] = KEEP_RULES
        return cls(subjects)

    def subject(self, finding: Finding) -> str:
        """What a finding of this audit is about."""
        if finding.rule in OPERATOR_RULES:
            return _operator(finding.value)
        if finding.rule == KEEP_RULE:
            return KEEP_RULES
        is_of_outside = finding.rule == IDLE_RULE and finding.value in OUTSIDE_RULES
        if finding.rule in OUTSIDE_RULES or is_of_outside:
            return _outside_of(finding.guid) if finding.guid else DOMAIN
        if finding.rule != IDLE_RULE:
            return self._subject_in_the_mesh(finding)
        return INVENTORY

    def _subject_in_the_mesh(self, finding: Finding) -> str:
        if finding.guid and finding.rule != ACCOUNT_RULE:
            is_held = finding.rule == REFUSAL_RULE and HELD_ELSEWHERE in finding.named
            is_of_names = is_held or finding.rule in NAME_RULES
            return _names_of(finding.guid) if is_of_names else finding.guid
        if finding.rule == ACCOUNT_RULE:
            return _account(finding.computer)
        is_of_names = finding.rule == REFUSAL_RULE and NO_ACCOUNT in finding.named
        return _names_of(finding.computer) if is_of_names else INVENTORY

    def by_label(self) -> dict[str, str]:
        """The objects that were looked at, by their labels, for what is known by name alone."""
        # All other subjects are made of two words.
        return {label: subject for subject, label in self.subjects.items() if " " not in subject}

    def is_said_otherwise(self, subject: str) -> bool:
        """Whether of what a subject is about something else is looked at, or left out as well.

        That is the host itself.
        """
        if subject.startswith(_OUTSIDE_OF):
            return True
        whose = subject.removeprefix(_NAMES_OF)
        return whose in self.subjects or _account(whose) in self.subjects


_NAMES_OF, _OUTSIDE_OF = "names ", "outside "


def _names_of(whose: str) -> str:
    """``whose``: an objectGUID; or the label of what has no account, and a refusal for it."""
    return f"{_NAMES_OF}{whose}"


def _outside_of(guid: str) -> str:
    """Whoever reaches that host from outside the inventory."""
    return f"{_OUTSIDE_OF}{guid}"


def host_meant(subject: str) -> str:
    """The host that is looked at from outside; else the subject itself."""
    return subject.removeprefix(_OUTSIDE_OF)


def _account(label: str) -> str:
    return f"account {label}"


def _operator(name: str) -> str:
    return f"operator {name.casefold()}"
