"""An audit -> its data, its words and its verdict: what every front end shows of it."""

from enum import Enum, IntEnum, StrEnum
from typing import NamedTuple

from delegation import names
from delegation.mesh.checks import ACCOUNT_RULE, AcceptedFinding, Finding
from delegation.mesh.findings_view import FindingsView, is_drift, rules_of
from delegation.mesh.news import Audited, News, NotLookedAt


class Threshold(IntEnum):
    """From which severity on a finding fails an audit; drift does whatever it is.

    The numbers are those of Severity, and one above them all.
    """

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4
    NEVER = 5

    def __str__(self) -> str:
        return self.name.lower()


UNREAD = "unread"
"""In an audit's summary: of how many hosts nothing could be judged, where there are any."""
REMINDED = "still open, told again"
UNCOUNTED = "seen by rules that this version is the first to have; no failure this once"


class AuditVerdict(Enum):
    """What an audit comes to."""

    CLEAN = 1
    UNREAD = 2
    """An account is missing or ambiguous, or the domain around could not be searched: of such a
    host, and of who reaches the hosts, nothing could be judged.
    """
    FAILING = 3
    """Drift, or a finding of a severity that was to fail."""


class OutsideLook(StrEnum):
    """What became of the search for whoever reaches the hosts from outside the inventory."""

    SEARCHED = "searched"
    LEFT_OUT = "left out"
    UNREAD = "unread"


class AuditView(NamedTuple):
    """What was found, and how it compares with the baseline, whose newest audit is ``since``.

    ``new_only``: only what is new is told, and only that can fail; or, once in a while, what is
    still open.
    """

    everything: FindingsView
    news: News
    since: Audited | None
    new_only: bool = False
    fail_on: Threshold = Threshold.HIGH
    outside: OutsideLook = OutsideLook.SEARCHED

    @property
    def accepted(self) -> tuple[AcceptedFinding, ...]:
        """Accepted ones that are told: those that were not accepted before, or all."""
        return self.news.accepted if self.new_only else self.everything.accepted

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those that are told first: what is new, or everything."""
        return self.news.new if self.new_only else self.everything.findings

    @property
    def reminded(self) -> tuple[Finding, ...]:
        """Known ones that are told again because they are still open."""
        return self.news.reminded if self.new_only else ()

    @property
    def uncounted(self) -> tuple[Finding, ...]:
        """What rules found that looked for the first time: told, and no failure this once."""
        return self.news.uncounted if self.new_only else ()

    @property
    def told(self) -> tuple[Finding, ...]:
        """All that are told."""
        return (*self.findings, *self.reminded, *self.uncounted)

    @property
    def left_out(self) -> tuple[NotLookedAt, ...]:
        """What the earlier audits looked at and this one does not, where that is told."""
        return self.news.left_out if self.new_only else ()

    @property
    def resolved(self) -> tuple[Finding, ...]:
        """Those of the earlier audits that are no more, where they are told."""
        return self.news.resolved if self.new_only else ()

    @property
    def verdict(self) -> AuditVerdict:
        """What it comes to, by what is told of it and counts."""
        counted = (*self.findings, *self.reminded)
        # A host that could not be judged comes first: its drift, if any, nobody has seen.
        if any(finding.rule == ACCOUNT_RULE for finding in counted):
            return AuditVerdict.UNREAD
        is_severe = any(finding.severity >= self.fail_on for finding in counted)
        if is_severe or is_drift(counted):
            return AuditVerdict.FAILING
        is_unread = self.outside is OutsideLook.UNREAD
        return AuditVerdict.UNREAD if is_unread else AuditVerdict.CLEAN

    @property
    def title(self) -> str:
        hosts = names.counted(self.everything.objects, "host")
        return f"Audit of {self.everything.domain} on {self.everything.dc}: {hosts}"

    @property
    def headline(self) -> str:
        """How much is new, and since when; empty where all of it is told anyway."""
        if not self.new_only:
            return ""
        if self.since is None:
            return "no audit --baseline by this inventory is on record yet: all of it is new"
        new, known = len(self.news.new), len(self.news.known) + len(self.news.reminded)
        time = self.since.started[:19].replace("T", " ")
        how_many = f"{new:,}" if new else "nothing"
        accepted = len(self.everything.accepted)
        besides = f", {accepted:,} accepted" if accepted else ""
        return f"{how_many} new since run {self.since.run} ({time} UTC), {known:,} known{besides}"

    def to_json(self) -> dict[str, object]:
        """The audit as programs read it; ``drift`` and ``summary`` are of all findings always."""
        data = {**self.everything.to_json(), "outside": str(self.outside)}
        if not self.new_only:
            return data
        since = self.since
        return {
            **data,
            "findings": [finding.to_json() for finding in self.findings],
            "accepted": [one.to_json() for one in self.accepted],
            "rules": rules_of([*self.told, *(one.finding for one in self.accepted)]),
            "summary": {**self.everything.summary(), **self._counts()},
            "since": {"run": since.run, "started": since.started} if since else None,
            "resolved": [finding.to_json() for finding in self.resolved],
            "reminded": [finding.to_json() for finding in self.reminded],
            "uncounted": [finding.to_json() for finding in self.uncounted],
            "left_out": [left_out.to_json() for left_out in self.left_out],
        }

    def record_summary(self, *, is_baseline: bool) -> dict[str, int]:
        """What the journal keeps of it beside the findings."""
        summary = {"drift": self.everything.drift, **self.everything.summary()}
        unread = {one.computer for one in self.everything.findings if one.rule == ACCOUNT_RULE}
        summary |= {UNREAD: len(unread)} if unread else {}
        if not self.everything.accepted:
            summary.pop("accepted", None)
        summary |= {"baseline": True} if is_baseline else {}
        if self.since is None:
            return summary
        return {**summary, **self._counts(), "since": self.since.run}

    def _counts(self) -> dict[str, int]:
        return {
            "new": len(self.news.new),
            "known": len(self.news.known) + len(self.news.reminded),
            "resolved": len(self.news.resolved),
        }
