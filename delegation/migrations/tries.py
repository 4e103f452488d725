"""What happened to a run's migrations, step by step -> every try to move a VM, and how it ended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from delegation.hosts.machines import Failure
from delegation.migrations.lifecycle import UNWATCHED, Migration, MigrationStep
from delegation.migrations.record import noted
from delegation.migrations.record.recorded import RecordedStep

ENDS = {
    MigrationStep.ARRIVED: "moved",
    MigrationStep.PASSED: "put aside",
    MigrationStep.RETURNED: "returned",
    MigrationStep.POSTPONED: "failed, tried again",
    MigrationStep.GIVEN_UP: "failed",
    MigrationStep.ABANDONED: "given up",
}
"""The steps that end a try, in words; one that has no end yet has no word."""


@dataclass(frozen=True, slots=True)
class MigrationTry:
    """One migration that was sent, from ``source`` to ``to``. Times are ISO 8601 in UTC.

    ``became`` is None, and so is ``ended``, of one that has no end yet. ``unwatched`` are the
    times, each with its beginning and its end or None, in which nobody knew how far it was.
    """

    vm: str
    machine: UUID
    source: str
    to: str
    started: str
    ended: str | None = None
    became: str | None = None
    reason: str = ""
    said: Failure | None = None
    unwatched: tuple[tuple[str, str | None], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "vm": self.vm,
            "id": str(self.machine),
            "source": self.source,
            "to": self.to,
            "started": self.started,
            "ended": self.ended,
            "became": self.became,
            "reason": self.reason,
            "said": noted.failure_json(self.said),
            "unwatched": [list(span) for span in self.unwatched],
        }

    def after(self, step: RecordedStep, seen: str) -> "MigrationTry":
        """The same once that has happened; ``seen`` is when the run was watched last."""
        unwatched = _closed(self.unwatched, step.time)
        if step.step is MigrationStep.LOST:
            # One that was found so when the run was taken up again was lost long before.
            since = seen if step.reason == UNWATCHED else step.time
            unwatched = (*unwatched, (since, None))
        updated = replace(self, unwatched=unwatched)
        if step.step not in ENDS:
            return updated
        return replace(
            updated, ended=step.time, became=ENDS[step.step], reason=step.reason, said=step.said
        )


Unwatched = tuple[tuple[str, str | None], ...]


def _closed(unwatched: Unwatched, time: str) -> Unwatched:
    """Whatever happens to a VM, it is known again how far it is: then the last span ends."""
    if not unwatched:
        return ()
    *earlier, (since, until) = unwatched
    return (*earlier, (since, until or time))


def tries(moves: Iterable[Migration], steps: Sequence[RecordedStep]) -> list[MigrationTry]:
    """Every migration that was sent, in the order in which they were."""
    names = {move.machine: move.name for move in moves}
    sent: list[MigrationTry] = []
    under_way: dict[UUID, int] = {}
    seen = ""
    for step in steps:
        vm = step.machine
        if step.step is MigrationStep.INTENDED:
            under_way[vm] = len(sent)
            sent.append(MigrationTry(names.get(vm, ""), vm, step.at, step.to, step.time))
        elif (number := under_way.get(vm)) is not None:
            sent[number] = sent[number].after(step, seen)
            if step.step in ENDS:
                del under_way[vm]
        if step.reason != UNWATCHED:
            seen = step.time
    return sent
