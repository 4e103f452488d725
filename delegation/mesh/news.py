"""Findings, and what was known of all that was looked at -> what is new, open, or resolved."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import NamedTuple

from delegation.mesh.audit_look import DOMAIN, INVENTORY, NO_OBJECTS, Look, host_meant
from delegation.mesh.audit_pages import AuditPage, PastFinding
from delegation.mesh.checks import RULE_IDS, AcceptedFinding, Finding, Severity


class Audited(NamedTuple):
    """An audit of the past; ``started`` is ISO 8601 in UTC."""

    run: int
    started: str


class LastLook(NamedTuple):
    """Which audit looked at a subject last; ``is_gone``: a later one said that it does no more."""

    run: int
    label: str
    is_gone: bool = False


class OldAudit(NamedTuple):
    """An audit of 0.1.0, which says neither of which inventory nor of what it was.

    ``of_same``: that its inventory was, word for word, the one of now.
    """

    audited: Audited
    page: AuditPage
    of_same: bool


class Baseline(NamedTuple):
    """What audits of one inventory found before, of each subject the last that looked at it.

    ``since`` is the newest of them. ``is_declared``: one of them was an audit --baseline.
    ``old`` is there while none of this version has looked at the whole inventory.
    """

    since: Audited | None = None
    is_declared: bool = False
    looks: Mapping[str, LastLook] = MappingProxyType({})
    pages: Mapping[int, AuditPage] = MappingProxyType({})
    old: OldAudit | None = None


class NotLookedAt(NamedTuple):
    """What an earlier audit looked at and this one does not, with the findings open then.

    ``for_now``: because this one was limited to other hosts.
    """

    label: str
    findings: int
    for_now: bool

    def to_json(self) -> dict[str, object]:
        return {"computer": self.label, "findings": self.findings}


class News(NamedTuple):
    """All findings of an audit, told apart, and those of before that are no more.

    ``new``: not found before. ``uncounted``: found by rules that looked for the first time, and
    perhaps there for long. ``reminded``: known, and due to be told again. ``known``: the others.
    ``resolved``: found before, and looked for in vain. ``page`` has all that was found, with when
    it was told before; empty for what is to be told now. ``accepted``: not accepted before, and
    ``accepted_page`` has all of these.
    """

    new: tuple[Finding, ...] = ()
    uncounted: tuple[Finding, ...] = ()
    reminded: tuple[Finding, ...] = ()
    known: tuple[Finding, ...] = ()
    resolved: tuple[Finding, ...] = ()
    left_out: tuple[NotLookedAt, ...] = ()
    page: tuple[PastFinding, ...] = ()
    accepted: tuple[AcceptedFinding, ...] = ()
    accepted_page: tuple[PastFinding, ...] = ()


def news(
    found: Iterable[Finding],
    look: Look,
    baseline: Baseline,
    remind_before: str = "",
    accepted: Iterable[AcceptedFinding] = (),
) -> News:
    """What is new of ``found``; what was last told before ``remind_before`` is told again.

    What is accepted is there, so that it is never called resolved; told once, it is no news. It is
    not known as told: when its day has passed, or its rule is gone, it is new.
    """
    known_before = _KnownBefore(look, baseline)
    new: list[Finding] = []
    uncounted: list[Finding] = []
    reminded: list[Finding] = []
    known: list[Finding] = []
    page: list[PastFinding] = []
    now: set[Atom] = set()
    newly_accepted: list[AcceptedFinding] = []
    accepted_page: list[PastFinding] = []
    for one in accepted:
        subject = look.subject(one.finding)
        parts = atoms(one.finding, subject)
        now.update(parts)
        if not known_before.accepted.issuperset(parts):
            newly_accepted.append(one)
        accepted_page.append(PastFinding(one.finding, subject, ""))
    for finding in found:
        subject = look.subject(finding)
        parts = atoms(finding, subject)
        now.update(parts)
        told = known_before.told(finding, subject, parts)
        is_due = told is not None and told < remind_before
        if told is not None:
            (reminded if is_due else known).append(finding)
        elif finding.rule in known_before.rules_that_looked(subject):
            new.append(finding)
        else:
            uncounted.append(finding)
        page.append(PastFinding(finding, subject, "" if is_due else told or ""))
    return News(
        tuple(new),
        tuple(uncounted),
        tuple(reminded),
        tuple(known),
        tuple(known_before.resolved(now)),
        tuple(known_before.left_out()),
        tuple(page),
        tuple(newly_accepted),
        tuple(accepted_page),
    )


Atom = tuple[str, str, str, str]
Name = tuple[str, str, str]


def atoms(finding: Finding, subject: str) -> list[Atom]:
    """What a finding says, in parts that can be known one by one: rule, subject, value, whom.

    Not its words, which change with the version, and with every number in them. A finding that
    names one more account has one part more: that is news, and the others are not resolved by it.
    Values are compared as the directory does, without case. What is no object of the inventory, a
    host that was dropped from it, has its name alone.
    """
    value = finding.value.casefold()
    whom = finding.named or (finding.computer if subject == INVENTORY else "",)
    return [(finding.rule, subject, value, name) for name in whom]


def by_name(finding: Finding) -> Name:
    """What makes it the same as one of 0.1.0, which has neither GUIDs nor SIDs."""
    return finding.rule, finding.computer, finding.value.casefold()


class _KnownBefore:
    """What a look can be compared with."""

    def __init__(self, look: Look, baseline: Baseline) -> None:
        self._look = look
        self._baseline = baseline
        # A subject's findings count as the last audit that looked at it found them.
        self._last: list[tuple[PastFinding, list[Atom]]] = []
        self._known: dict[Atom, tuple[Severity, str]] = {}
        self.accepted: set[Atom] = set()
        for run, page in baseline.pages.items():
            for past in self._last_of(run, page.accepted):
                self.accepted.update(atoms(past.finding, past.subject))
        everything = (self._last_of(run, page.found) for run, page in baseline.pages.items())
        for past in (past for found in everything for past in found):
            parts = atoms(past.finding, past.subject)
            self._last.append((past, parts))
            for atom in parts:
                seen = past.finding.severity, past.told
                self._known[atom] = max(seen, self._known.get(atom, seen))
        self._old: dict[Name, Severity] = {}
        for finding in baseline.old.page.findings if baseline.old else ():
            name = by_name(finding)
            self._old[name] = max(finding.severity, self._old.get(name, finding.severity))

    def _last_of(self, run: int, found: Iterable[PastFinding]) -> Iterator[PastFinding]:
        """What of a page still counts."""
        looks = self._baseline.looks
        for past in found:
            last_look = looks.get(past.subject)
            if last_look is not None and last_look.run == run:
                yield past

    def told(self, finding: Finding, subject: str, parts: Iterable[Atom]) -> str | None:
        """When all that a finding says was told last; None where some of it never was.

        Nor was what is worse now: a name that two accounts held, and that a stranger holds alone.
        """
        old = self._baseline.old
        if subject not in self._baseline.looks:
            severity = self._old.get(by_name(finding))
            is_known = severity is not None and severity >= finding.severity
            return old.audited.started if old and is_known else None
        known = [self._known.get(part) for part in parts]
        told = [one[1] for one in known if one is not None and one[0] >= finding.severity]
        return min(told) if len(told) == len(known) else None

    def rules_that_looked(self, subject: str) -> frozenset[str]:
        """Those that looked at a subject before; all of them where nobody has looked at it.

        Of a host that is new in the inventory everything is new.
        """
        looks = self._baseline.looks
        # Who reaches a host from outside is a subject that older versions did not look at at all:
        # it is their rules then that did not look, and not a host that is new.
        last_look = looks.get(subject) or looks.get(host_meant(subject))
        if subject == DOMAIN:
            last_look = looks.get(DOMAIN) or looks.get(INVENTORY)
        if last_look is not None:
            page = self._baseline.pages.get(last_look.run)
            return page.rules if page else RULE_IDS
        return self._baseline.old.page.rules if self._baseline.old else RULE_IDS

    def resolved(self, now: AbstractSet[Atom]) -> Iterator[Finding]:
        """What was found where this audit looked as well, by rules that are still there."""
        for (finding, subject, _told), parts in self._last:
            is_looked_for = subject in self._look.subjects and finding.rule in RULE_IDS
            if is_looked_for and now.isdisjoint(parts):
                yield finding
        yield from self._resolved_since_old(now)

    def _resolved_since_old(self, now: AbstractSet[Atom]) -> Iterator[Finding]:
        """The same of 0.1.0, where it is sure that it looked by this very inventory."""
        old = self._baseline.old
        if old is None or not old.of_same:
            return
        labels = self._look.subjects
        names_now = {(rule, labels.get(subject), value) for rule, subject, value, _ in now}
        judged = self._look.by_label()
        for finding in old.page.findings:
            subject = judged.get(finding.computer)
            is_judged = subject is not None and subject not in self._baseline.looks
            if is_judged and by_name(finding) not in names_now:
                yield finding

    def left_out(self) -> Iterator[NotLookedAt]:
        """What is not looked at any more; each label once, though it has several subjects."""
        open_findings = Counter(past.subject for past, _ in self._last)
        count: dict[str, int] = {}
        for subject, last_look in self._baseline.looks.items():
            if subject in self._look.subjects or last_look.is_gone:
                continue
            if open_findings[subject] or not self._look.is_said_otherwise(subject):
                findings = count.get(last_look.label, 0) + open_findings[subject]
                count[last_look.label] = findings
        if self._baseline.old is not None:
            for label in self._left_out_since_old():
                count[label] = count.get(label, 0) + 1
        for label in sorted(count):
            if label in NO_OBJECTS and not count[label]:
                continue
            yield NotLookedAt(label, count[label], for_now=not self._look.is_whole)

    def _left_out_since_old(self) -> Iterator[str]:
        """The hosts of 0.1.0 that are in this look no more, once for each finding on them."""
        looked_at = set(self._look.subjects.values())
        for finding in self._baseline.old.page.findings if self._baseline.old else ():
            is_host = bool(finding.computer) and not set(finding.computer) & set("[],")
            if is_host and finding.computer not in looked_at:
                yield finding.computer
