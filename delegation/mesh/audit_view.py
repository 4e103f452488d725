"""An audit -> its data, its words and its verdict: what every front end shows of it."""

from dataclasses import dataclass
from enum import Enum

from delegation import names
from delegation.mesh.audits import Audited
from delegation.mesh.checks import ACCOUNT_RULE, Finding, Severity
from delegation.mesh.findings_view import FindingsView, is_drift, rules_of
from delegation.mesh.news import News


class AuditVerdict(Enum):
    """What an audit comes to."""

    CLEAN = 1
    UNREAD = 2
    """An account is missing or ambiguous: of such a host nothing could be judged."""
    FAILING = 3
    """Drift, or a finding of a severity that was to fail."""


@dataclass(frozen=True, slots=True)
class AuditView:
    """What was found, and how it compares with ``since``, the last audit of the same.

    ``new_only``: only what is new is told, and only that can fail.
    """

    everything: FindingsView
    news: News
    since: Audited | None
    new_only: bool = False
    fail_on: Severity | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those that are told."""
        return self.news.new if self.new_only else self.everything.findings

    @property
    def resolved(self) -> tuple[Finding, ...]:
        """Those of the earlier audit that are no more, where they are told."""
        return self.news.resolved if self.new_only else ()

    @property
    def verdict(self) -> AuditVerdict:
        """What it comes to, by what is told of it."""
        # A host that could not be judged comes first: its drift, if any, nobody has seen.
        if any(finding.rule == ACCOUNT_RULE for finding in self.findings):
            return AuditVerdict.UNREAD
        if is_drift(self.findings) or self._is_severe:
            return AuditVerdict.FAILING
        return AuditVerdict.CLEAN

    @property
    def _is_severe(self) -> bool:
        """Whether a finding is as bad as ``fail_on``, or worse."""
        threshold = self.fail_on
        if threshold is None:
            return False
        return any(finding.severity >= threshold for finding in self.findings)

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
            return "no earlier audit of the same is on record: all of it is new"
        new, known = len(self.news.new), len(self.news.known)
        time = self.since.started[:19].replace("T", " ")
        how_many = f"{new:,}" if new else "nothing"
        return f"{how_many} new since run {self.since.run} ({time} UTC), {known:,} known"

    def to_json(self) -> dict[str, object]:
        """The audit as programs read it; ``drift`` and ``summary`` are of all findings always."""
        data = self.everything.to_json()
        if not self.new_only:
            return data
        since = self.since
        return {
            **data,
            "findings": [finding.to_json() for finding in self.findings],
            "rules": rules_of(self.findings),
            "summary": {**self.everything.summary(), **self._counts()},
            "since": {"run": since.run, "started": since.started} if since else None,
            "resolved": [finding.to_json() for finding in self.resolved],
        }

    def record_summary(self) -> dict[str, int]:
        """What the journal keeps of it beside the findings."""
        summary = {"drift": self.everything.drift, **self.everything.summary()}
        if self.since is None:
            return summary
        return {**summary, **self._counts(), "since": self.since.run}

    def _counts(self) -> dict[str, int]:
        return {
            "new": len(self.news.new),
            "known": len(self.news.known),
            "resolved": len(self.news.resolved),
        }
