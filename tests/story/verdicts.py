"""What holds of every verdict on record, whatever the hosts of a run said, and in which words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from delegation.migrations.lifecycle import Migration, MigrationState, MigrationStep
from delegation.migrations.record.recorded import RecordedStep
from tests.lab.hosts.host_wording import HostWording

LIMIT = "a limit of migrations at a time was reached"


def check_places(moves: Mapping[str, Migration], where: Mapping[str, str]) -> None:
    """What is on record as moved is on its target, and what is not is not."""
    for name, move in moves.items():
        if move.state in {MigrationState.MOVED, MigrationState.FAILED, MigrationState.ABORTED}:
            is_there = where.get(name) == move.target
            assert is_there == (move.state is MigrationState.MOVED), f"{name} is {move.state}"


def check_causes(steps: Iterable[RecordedStep], wording: HostWording) -> None:
    """Why a job failed is told by a number or by counts; where there is neither it is unknown.

    What is tried again after a failure without a number is what a limit explains.
    """
    for step in steps:
        said = step.said
        if said is None or said.phase is None or said.stopped:
            continue
        is_limit = LIMIT in step.reason
        if wording.numbers:
            assert said.hresult or said.message_id, step
        else:
            assert (said.hresult, said.message_id, said.error_code or 0) == ("", "", 0), step
            assert is_limit or "unknown: " in step.reason, step
            assert is_limit or step.step is not MigrationStep.POSTPONED, step
        if wording is HostWording.JAPANESE:
            assert not said.message.isascii(), step
