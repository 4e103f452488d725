"""A run of migrations, on record -> what it came to: its data once, and its words once.

Whoever shows it, as a table, a page or a line of the history, formats what is said here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from delegation import names
from delegation.changes.journal import Journal
from delegation.changes.run import RUNNING, Run
from delegation.errors import Advice, command
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.record import noted, recorded
from delegation.migrations.record.noted import RunNotes
from delegation.migrations.result import MigrationResult, VmResult
from delegation.migrations.schedule.obstacles import size
from delegation.migrations.words import duration

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """How a run stands, in a word for programs, and in a sentence."""

    standing: str
    words: str

    def to_json(self) -> Data:
        return {"standing": self.standing, "words": self.words}


@dataclass(frozen=True)
class MigrationRunView:
    """A run by its migrations, whatever its page says: whoever was to write its end may have died.

    ``alive``: somebody is carrying it out.
    """

    run: Run
    moves: tuple[Migration, ...]
    alive: bool
    notes: RunNotes = field(default_factory=RunNotes)

    @classmethod
    def of(cls, journal: Journal, run: Run, *, alive: bool) -> "MigrationRunView":
        """Raises JournalError."""
        moves = tuple(recorded.migrations(journal, run.id))
        return cls(run, moves, alive, recorded.notes(journal, run.id))

    @property
    def result(self) -> MigrationResult:
        return MigrationResult.of(self.run, self.moves)

    @property
    def complete(self) -> bool:
        """All that was asked for is where it should be: the one reason for exit code 0."""
        return self.result.complete

    @property
    def left(self) -> list[Migration]:
        """Those without an end."""
        return [move for move in self.moves if not move.state.ended]

    @property
    def can_be_resumed(self) -> bool:
        return not self.alive and bool(self.left)

    @property
    def is_unsettled(self) -> bool:
        """Whether it may have VMs on their way that nobody follows."""
        return not self.alive and any(move.state.on_the_way for move in self.moves)

    @property
    def standing(self) -> str:
        """``goes on``, ``was left``, or how it ended."""
        if self.alive:
            return "goes on"
        return "was left" if self.run.status == RUNNING else self.run.status

    # Data

    def to_json(self) -> Data:
        """As ``migrate status`` gives it."""
        return {
            "run": self.run.id,
            "status": self.run.status,
            "alive": self.alive,
            "moves": self.moves_json(),
            "result": self.result.to_json(),
            "notes": self.notes.to_json(),
        }

    def summary_json(self) -> Data:
        """As a history has it of each run."""
        return {"alive": self.alive, "summary": {"objects": len(self.moves), **self._counts()}}

    def moves_json(self) -> list[Data]:
        return [_move_json(move) for move in self.moves]

    # Words

    @property
    def in_words(self) -> str:
        """``goes on: 2 moved, 1 running, 4 queued``."""
        standing = "UNSETTLED" if self.is_unsettled else self.standing
        counts = ", ".join(f"{count:,} {state}" for state, count in self._counts().items())
        return f"{standing}: {counts or 'nothing was asked for'}"

    @property
    def headline(self) -> str:
        """``run 12: 3 moved, 1 failed; 120.0 GB moved in 12 min``."""
        result = self.result
        moved = sum(move.size for move in self.moves if move.state is MigrationState.MOVED)
        length = f" in {duration(result.seconds)}" if result.seconds is not None else ""
        return f"run {self.run.id}: {result.counts_in_words}; {size(moved)} moved{length}"

    def reasons(self) -> Iterator[str]:
        """Why VMs are not where they should be; those for the same reason together.

        In the words of the counts of the headline, whatever the record calls the state.
        """
        wrong = [move for move in self.moves if move.state is not MigrationState.MOVED]
        alike = names.grouped((_account(move), _named(move)) for move in wrong)
        for (became, reason, fix), vms in alike.items():
            because = f": {reason}" if reason else ""
            yield f"{became}: {', '.join(vms)}{because}"
            if fix:
                yield f"  {fix}"

    def said_by_hosts(self) -> Iterator[str]:
        """What a host gave for each that is not where it should be, in its words and numbers."""
        for move in self.moves:
            if move.status:
                yield f"{move.name}: its host says of it: {move.status}"
            if move.said is not None and move.state is not MigrationState.MOVED:
                yield f"{_named(move)}: {noted.in_words(move.said)}"

    def next_steps(self) -> Iterator[Advice]:
        """What can be done once nobody carries it out any more."""
        number = str(self.run.id)
        steps = []
        if self.left:
            steps.append((command("migrate", "resume", number), "   to go on"))
        elif any(move.state is not MigrationState.MOVED for move in self.moves):
            steps.append((command("migrate", "run", "FILE"), "   again, for what is left"))
        page = command("report", "html", number, "-o", f"run-{number}.html")
        steps += [
            (command("migrate", "status", number), "   to see it again"),
            (page, "   its report"),
        ]
        title = "next    "
        for step, purpose in steps:
            yield Advice(title, step, purpose)
            title = " " * len(title)

    @property
    def verdict(self) -> RunVerdict:
        """The whole in a sentence, as the head of a report."""
        stages = Counter(_stage(move.state, alive=self.alive) for move in self.moves)
        moved = stages["moved"]
        asked = len(self.moves)
        if self.complete:
            words = f"every machine is where it should be: {moved:,} moved"
            return RunVerdict("complete", words if asked else "none was asked for")
        present = [stage for stage in _STAGES if stages[stage]]
        others = "".join(f", {stages[stage]:,} {stage}" for stage in present)
        machines = "machine" if asked == 1 else "machines"
        words = f"{moved:,} of {asked:,} {machines} moved{others}"
        if self.alive:
            return RunVerdict("running", words)
        if self.left:
            return RunVerdict("interrupted", f"{words}; it can be resumed")
        return RunVerdict("incomplete", words)

    def _counts(self) -> Mapping[str, int]:
        """How many VMs are in each state; what was on its way and is not followed is unknown.

        ``running`` of a run that nobody carries out is what was seen last, and no more.
        """
        counts: Counter[MigrationState] = Counter()
        for move in self.moves:
            is_unfollowed = move.state.on_the_way and not self.alive
            counts[MigrationState.UNKNOWN if is_unfollowed else move.state] += 1
        return {str(state): counts[state] for state in MigrationState if counts[state]}


# All but "moved", which comes first.
_STAGES = ("under way", "unknown", "to come", "not moved yet", "failed", "given up")


def _stage(state: MigrationState, *, alive: bool) -> str:
    """The states that come to the same for whoever reads a report, under one word."""
    if state.on_the_way:
        return "under way" if alive else "unknown"
    if state.pending:
        return "to come" if alive else "not moved yet"
    return "given up" if state is MigrationState.ABORTED else str(state)


def _account(move: Migration) -> tuple[str, str, str]:
    """What became of a VM, why, and what to do."""
    return str(VmResult.of(move).became), _why(move), move.fix


def _why(move: Migration) -> str:
    """The reason on record, else what its state says of one that nobody follows."""
    if move.state is MigrationState.STOPPING:
        return move.reason or f"it was being stopped on {move.at} when it was left"
    if move.state in {MigrationState.STARTING, MigrationState.RUNNING}:
        return move.reason or f"it went on, {move.at} to {move.to}, when it was left"
    return move.reason


def _named(move: Migration) -> str:
    """With where it is, where that is neither of the hosts that were named."""
    is_aside = not move.state.on_the_way and move.at not in {move.source, move.target}
    return f"{move.name} (on {move.at})" if is_aside else move.name


def _move_json(move: Migration) -> Data:
    """One migration, as far as it is."""
    return {
        "vm": move.name,
        "id": str(move.machine),
        "source": move.source,
        "target": move.target,
        "storage": move.storage,
        "bytes": move.size,
        "state": str(move.state),
        "at": move.at,
        "to": move.to or None,
        "percent": move.percent,
        "phase": move.phase.value if move.phase is not None else None,
        "job_status": move.status,
        "attempts": move.attempts,
        "aborting": move.abandoned and not move.state.ended,
        "started": move.started,
        "ended": move.ended,
        "reason": move.reason,
        "fix": move.fix,
        "said": noted.failure_json(move.said),
    }


def going_on(moves: Sequence[Migration]) -> list[str]:
    """What may go on at the hosts while nobody follows it, a line each."""
    under_way = [move for move in moves if move.state.on_the_way]
    lines = [f"{move.name} may go on, without us: {move.at} to {move.to}" for move in under_way]
    return lines or ["no machine was on its way"]
