"""A run and its migrations -> what became of it: every VM that was asked for, and where it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from delegation import names
from delegation.changes.run import Run
from delegation.hosts.machines import Failure
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.record import noted

Data = dict[str, Any]


class Became(StrEnum):
    """How a VM's move ended; the first two are where they should be."""

    MOVED = "moved"
    THERE = "there already"
    FAILED = "failed"
    ABORTED = "given up"
    """Somebody asked for it."""
    NOT_STARTED = "not started"
    UNKNOWN = "unknown"
    """It may still be on the way: not both of its hosts have said where it is."""

    @property
    def is_right(self) -> bool:
        return self in {Became.MOVED, Became.THERE}


@dataclass(frozen=True, slots=True)
class VmResult:
    """One VM. ``at`` is the host where it is; empty: not known.

    ``seconds`` are from its first start to its end, None where it has none. ``size`` is the bytes
    of memory and disk that its move copies. ``attempts`` counts tries, ``cause`` says why it is
    not on its target, and ``fix`` what to do. ``id`` is the machine's, which tells it from others
    of its name. ``said`` is what a host gave for that, in its own words and numbers.
    """

    name: str
    source: str
    target: str
    became: Became
    at: str = ""
    seconds: float | None = None
    size: int = 0
    attempts: int = 0
    cause: str = ""
    fix: str = ""
    id: str = ""
    said: Failure | None = None

    @classmethod
    def of(cls, migration: Migration) -> "VmResult":
        """What the record says of one VM."""
        became = _BECAME[migration.state]
        last_seen = migration.at or migration.source
        # The attempts on record are those that failed; the one that moved it comes on top.
        attempts = migration.attempts + (became is Became.MOVED)
        return cls(
            name=migration.name,
            source=migration.source,
            target=migration.target,
            became=became,
            at="" if became is Became.UNKNOWN else last_seen,
            seconds=between(migration.started, migration.ended),
            size=migration.size,
            attempts=attempts,
            cause="" if became.is_right else migration.reason,
            fix="" if became.is_right else migration.fix,
            id=str(migration.machine),
            said=None if became.is_right else migration.said,
        )

    def to_json(self) -> Data:
        return {
            "vm": self.name,
            "id": self.id,
            "source": self.source,
            "target": self.target,
            "state": self.became.value,
            "at": self.at or None,
            "seconds": self.seconds,
            "bytes": self.size,
            "attempts": self.attempts,
            "cause": self.cause,
            "fix": self.fix,
            "said": noted.failure_json(self.said),
        }


@dataclass(frozen=True)
class MigrationResult:
    """A run that has ended, or of which nothing more is done now. Times are ISO 8601 in UTC."""

    run: int
    domain: str
    who: str
    started: str
    finished: str | None
    machines: tuple[VmResult, ...]
    ticket: str | None = None
    digest: str = ""

    @classmethod
    def of(cls, run: Run, migrations: Iterable[Migration]) -> "MigrationResult":
        """What became of a run's VMs, as the record says."""
        return cls(
            run.id,
            run.domain,
            run.who,
            run.started,
            run.finished,
            tuple(VmResult.of(migration) for migration in migrations),
            run.ticket,
            run.plan_digest or "",
        )

    @property
    def complete(self) -> bool:
        """All that was asked for is where it should be: the one reason for exit code 0."""
        return all(vm.became.is_right for vm in self.machines)

    @property
    def seconds(self) -> float | None:
        return between(self.started, self.finished)

    def count(self, became: Became) -> int:
        return sum(vm.became is became for vm in self.machines)

    @property
    def worst_first(self) -> list[VmResult]:
        return sorted(self.machines, key=_worst_first)

    @property
    def bytes_moved(self) -> int:
        return sum(vm.size for vm in self.machines if vm.became is Became.MOVED)

    @property
    def counts_in_words(self) -> str:
        """``3 moved, 1 failed``."""
        counts = [(self.count(became), became) for became in Became]
        words = [f"{count:,} {became}" for count, became in counts if count]
        return ", ".join(words) or "nothing was asked for"

    def to_json(self) -> Data:
        """The result as JSON data, the worst first."""
        vms = self.worst_first
        wrong = [vm for vm in vms if not vm.became.is_right]
        moved = [vm for vm in vms if vm.became is Became.MOVED]
        counts = {became.name.lower(): self.count(became) for became in Became}
        return {
            "run": self.run,
            "domain": self.domain,
            "who": self.who,
            "ticket": self.ticket,
            "digest": self.digest,
            "started": self.started,
            "finished": self.finished,
            "seconds": self.seconds,
            "complete": self.complete,
            "machines": [vm.to_json() for vm in vms],
            "failures": _failures(wrong),
            "pairs": _pairs(moved),
            "summary": {
                "asked": len(vms),
                "bytes": self.bytes_moved,
                **counts,
            },
        }


_BECAME = {
    MigrationState.QUEUED: Became.NOT_STARTED,
    MigrationState.WAITING: Became.FAILED,
    MigrationState.STARTING: Became.UNKNOWN,
    MigrationState.RUNNING: Became.UNKNOWN,
    MigrationState.STOPPING: Became.UNKNOWN,
    MigrationState.UNKNOWN: Became.UNKNOWN,
    MigrationState.MOVED: Became.MOVED,
    MigrationState.FAILED: Became.FAILED,
    MigrationState.ABORTED: Became.ABORTED,
}


def between(started: str | None, ended: str | None) -> float | None:
    """Seconds from one time to the other; None where one of them is missing."""
    if started is None or ended is None:
        return None
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()


_WORST_FIRST = (
    Became.UNKNOWN,
    Became.FAILED,
    Became.ABORTED,
    Became.NOT_STARTED,
    Became.MOVED,
    Became.THERE,
)


def _worst_first(vm: VmResult) -> tuple[int, str, str]:
    return _WORST_FIRST.index(vm.became), vm.source, vm.name


def _failures(wrong: Sequence[VmResult]) -> list[Data]:
    """VMs that failed for one cause, together."""
    alike = names.grouped(((vm.became.value, vm.cause, vm.fix), vm.name) for vm in wrong)
    return [
        {"state": state, "cause": cause, "fix": fix, "machines": vms}
        for (state, cause, fix), vms in alike.items()
    ]


def _pairs(moved: Sequence[VmResult]) -> list[Data]:
    """What was moved, by source and target."""
    pairs = names.grouped(((vm.source, vm.target), vm.size) for vm in moved)
    return [
        {"source": source, "target": target, "machines": len(sizes), "bytes": sum(sizes)}
        for (source, target), sizes in sorted(pairs.items())
    ]
