"""A run of three VMs that goes on, by a clock that a test sets."""

from dataclasses import replace
from uuid import UUID

from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.progress_of_run import RunProgress

GIB = 1 << 30


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def move(
    number: int, state: MigrationState = MigrationState.QUEUED, percent: int = 0, **values: str
) -> Migration:
    """The migration of web1, web2 and so on, from hv01 to hv02 if the values say nothing else."""
    made = Migration(UUID(int=number), f"web{number}", "hv01", "hv02", size=10 * GIB, at="hv01")
    return replace(made, state=state, percent=percent, to="hv02", **values)  # type: ignore[arg-type]


def begun(clock: Clock) -> RunProgress:
    progress = RunProgress(clock)
    progress.begin([move(1), move(2), move(3)])
    return progress
