"""Which runs of a journal somebody wants to see."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from delegation import names
from delegation.changes.run import Run
from delegation.errors import UsageError


@dataclass(frozen=True, slots=True)
class RunsWanted:
    """What a list of runs is limited to; all of it has to hold.

    ``hosts`` are casefolded names of objects that a run is about; ``kind`` is as recorded;
    ``since`` an aware time; ``last`` counts the newest that fit all else.
    """

    hosts: frozenset[str] | None = None
    kind: str | None = None
    since: datetime | None = None
    last: int | None = None

    def fits(self, run: Run) -> bool:
        """By its page. Raises ValueError where its time is none."""
        if self.kind is not None and run.kind != self.kind:
            return False
        if self.since is None:
            return True
        started = datetime.fromisoformat(run.started)
        return (started if started.tzinfo else started.replace(tzinfo=UTC)) >= self.since

    def is_about(self, hosts: Collection[str]) -> bool:
        """Whether a run that is about these is wanted."""
        return self.hosts is None or not self.hosts.isdisjoint(map(str.casefold, hosts))


EVERY_RUN = RunsWanted()


def hosts_wanted(expressions: str) -> frozenset[str]:
    """The names that ``hv[01-08],hv12`` means. Raises UsageError for what is no such list."""
    try:
        listed = [name for one in names.split_list(expressions) for name in names.expand(one)]
    except ValueError as exc:
        raise UsageError(f"--host: {exc}", "write hosts as in hv[01-08],hv12") from exc
    if not listed:
        raise UsageError(f"--host names no host: {expressions!r}", "as in hv[01-08],hv12")
    return frozenset(map(str.casefold, listed))
