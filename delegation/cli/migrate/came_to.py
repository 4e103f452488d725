"""What a migration run has come to, in one line: by its machines, whatever its page says."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delegation.changes.journal import Journal
from delegation.changes.run import RUNNING, Run
from delegation.cli.migrate import ended
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.record import recorded
from delegation.report import migration


@dataclass(frozen=True)
class MigrationRun:
    """``alive``: somebody is carrying it out."""

    run: Run
    moves: tuple[Migration, ...]
    alive: bool

    @classmethod
    def of(cls, journal: Journal, run: Run, *, alive: bool) -> "MigrationRun":
        return cls(run, tuple(recorded.migrations(journal, run.id)), alive)

    @property
    def is_unsettled(self) -> bool:
        """Whether it may have machines on their way that nobody follows."""
        return not self.alive and any(move.state.on_the_way for move in self.moves)

    @property
    def in_words(self) -> str:
        """``goes on: 2 moved, 1 running, 4 queued``."""
        left = self.run.status == RUNNING and not self.alive
        state = "was left" if left else self.run.status
        if self.alive:
            state = "goes on"
        elif self.is_unsettled:
            state = "UNSETTLED"
        counts = ", ".join(f"{count:,} {name}" for name, count in self._counts().items())
        return f"{state}: {counts or 'nothing was asked for'}"

    def data(self) -> dict[str, Any]:
        return {"alive": self.alive, "summary": {"objects": len(self.moves), **self._counts()}}

    def moves_data(self) -> list[dict[str, Any]]:
        return [migration.move_data(move) for move in self.moves]

    def table(self) -> None:
        """Every machine, on stdout."""
        ended.table(self.moves)

    def _counts(self) -> Mapping[str, int]:
        """How many machines are in each state; what was on its way and is not followed is unknown.

        ``running`` of a run that nobody carries out is what was seen last, and no more.
        """
        counts = Counter(
            MigrationState.UNKNOWN if move.state.on_the_way and not self.alive else move.state
            for move in self.moves
        )
        return {str(state): counts[state] for state in MigrationState if counts[state]}
