"""What became of a migration run: every machine that was asked for, and where it is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from delegation.migrations.lifecycle import Migration, MigrationState

Data = dict[str, Any]


class Became(StrEnum):
    """How a machine's move ended; the first two are where they should be."""

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
class MachineResult:
    """One machine. ``at`` is the host where it is; empty: not known.

    ``seconds`` are from its first start to its end, None where it has none. ``size`` is the bytes
    of memory and disk that its move copies. ``attempts`` counts tries, ``cause`` says why it is
    not on its target, and ``fix`` what to do. ``id`` is the machine's, which tells it from others
    of its name.
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


@dataclass(frozen=True)
class MigrationResult:
    """A run that has ended, or of which nothing more is done now. Times are ISO 8601 in UTC."""

    run: int
    domain: str
    who: str
    started: str
    finished: str | None
    machines: tuple[MachineResult, ...]
    ticket: str | None = None
    digest: str = ""

    @property
    def complete(self) -> bool:
        """All that was asked for is where it should be: the one reason for exit code 0."""
        return all(one.became.is_right for one in self.machines)

    @property
    def seconds(self) -> float | None:
        return between(self.started, self.finished)

    def count(self, became: Became) -> int:
        return sum(one.became is became for one in self.machines)


def of_migration(migration: Migration, *, fix: str = "") -> MachineResult:
    """What the record says of one machine."""
    became = _BECAME[migration.state]
    return MachineResult(
        migration.name,
        migration.source,
        migration.target,
        became,
        "" if became is Became.UNKNOWN else migration.at or migration.source,
        between(migration.started, migration.ended),
        migration.size,
        migration.attempts + (became is Became.MOVED),
        "" if became.is_right else migration.reason,
        "" if became.is_right else fix,
        str(migration.machine),
    )


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


def data(result: MigrationResult) -> Data:
    """The result as JSON data, and as ``templates/migration.md.j2`` takes it."""
    machines = sorted(result.machines, key=_worst_first)
    return {
        "run": result.run,
        "domain": result.domain,
        "who": result.who,
        "ticket": result.ticket,
        "digest": result.digest,
        "started": result.started,
        "finished": result.finished,
        "seconds": result.seconds,
        "complete": result.complete,
        "machines": [_machine(one) for one in machines],
        "failures": _alike(one for one in machines if not one.became.is_right),
        "pairs": _pairs(machines),
        "summary": {
            "asked": len(machines),
            "bytes": sum(one.size for one in machines if one.became is Became.MOVED),
            **{became.name.lower(): result.count(became) for became in Became},
        },
    }


def _worst_first(one: MachineResult) -> tuple[int, str, str]:
    order = (
        Became.UNKNOWN,
        Became.FAILED,
        Became.ABORTED,
        Became.NOT_STARTED,
        Became.MOVED,
        Became.THERE,
    )
    return order.index(one.became), one.source, one.name


def _machine(one: MachineResult) -> Data:
    return {
        "vm": one.name,
        "id": one.id,
        "source": one.source,
        "target": one.target,
        "state": one.became.value,
        "at": one.at or None,
        "seconds": one.seconds,
        "bytes": one.size,
        "attempts": one.attempts,
        "cause": one.cause,
        "fix": one.fix,
    }


def _alike(machines: Iterable[MachineResult]) -> list[Data]:
    """Machines that failed for one cause, together."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for one in machines:
        groups.setdefault((one.became.value, one.cause, one.fix), []).append(one.name)
    return [
        {"state": state, "cause": cause, "fix": fix, "machines": found}
        for (state, cause, fix), found in groups.items()
    ]


def _pairs(machines: Iterable[MachineResult]) -> list[Data]:
    """What was moved, by source and target."""
    moved: dict[tuple[str, str], list[MachineResult]] = {}
    for one in machines:
        if one.became is Became.MOVED:
            moved.setdefault((one.source, one.target), []).append(one)
    return [
        {
            "source": source,
            "target": target,
            "machines": len(found),
            "bytes": sum(one.size for one in found),
        }
        for (source, target), found in sorted(moved.items())
    ]
