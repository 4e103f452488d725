"""What a migration run did when, as data: every try to move a machine, from the journal's steps."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from delegation.migrations.lifecycle import UNWATCHED, Migration, MigrationStep
from delegation.migrations.record.recorded import RecordedStep
from delegation.report import Data

ENDS = {
    MigrationStep.ARRIVED: "moved",
    MigrationStep.PASSED: "put aside",
    MigrationStep.RETURNED: "returned",
    MigrationStep.POSTPONED: "failed, tried again",
    MigrationStep.GIVEN_UP: "failed",
    MigrationStep.ABANDONED: "given up",
}
"""The steps that end a try, in words; one that has no end yet has no word."""


def tries(moves: Iterable[Migration], steps: Sequence[RecordedStep]) -> list[Data]:
    """Every Move-VM that was sent, in the order in which they were.

    ``became`` is None, and so is ``ended``, of one that has no end yet. ``unwatched`` are the
    times, each with its beginning and its end or None, in which nobody knew how far it was; of
    one that was found so when the run was taken up again, from the last step before that on.
    """
    names = {move.machine: move.name for move in moves}
    told: list[Data] = []
    under_way: dict[UUID, Data] = {}
    seen = ""
    for step in steps:
        if step.step is MigrationStep.INTENDED:
            under_way[step.machine] = _begun(step, names.get(step.machine, ""))
            told.append(under_way[step.machine])
        elif (one := under_way.get(step.machine)) is not None:
            _go_on(one, step, seen)
            if step.step in ENDS:
                del under_way[step.machine]
        if step.reason != UNWATCHED:
            seen = step.time
    return told


def _begun(step: RecordedStep, name: str) -> Data:
    return {
        "vm": name,
        "id": str(step.machine),
        "source": step.at,
        "to": step.to,
        "started": step.time,
        "ended": None,
        "became": None,
        "reason": "",
        "unwatched": [],
    }


def _go_on(one: Data, step: RecordedStep, seen: str) -> None:
    if one["unwatched"] and one["unwatched"][-1][1] is None:
        one["unwatched"][-1][1] = step.time
    if step.step is MigrationStep.LOST:
        since = seen if step.reason == UNWATCHED else step.time
        one["unwatched"].append([since, None])
    elif step.step in ENDS:
        one |= {"ended": step.time, "became": ENDS[step.step], "reason": step.reason}
