"""A run as a whole while it goes on: how much is done, how fast, and what is told of a machine."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from delegation.migrate.lifecycle import Migration, State
from delegation.migrate.runner import FINISH, LEAVE, STOP
from delegation.migrate.schedule.obstacles import size
from delegation.migrate.words import duration

URGENCY = {
    FINISH: "ending: what runs comes to its end, nothing more is started; "
    "Ctrl-C again stops what runs",
    STOP: "ending: what runs is stopped and taken back; Ctrl-C again leaves at once",
    LEAVE: "leaving",
}
"""What is done once it was asked to end."""


@dataclass
class Course:
    """One machine's migration as far as it was seen here, to tell its rate."""

    move: Migration
    began: float = 0.0
    percent: int = 0
    """What it had when ``began`` was."""

    def rate(self, now: float) -> float:
        """Bytes a second, on average; 0 where too little was seen."""
        done = (self.move.percent - self.percent) / 100 * self.move.size
        return done / (now - self.began) if now > self.began else 0.0

    def left(self, now: float) -> float | None:
        """Seconds to its end; None where that can't be told."""
        rate = self.rate(now)
        return self.move.size * (100 - self.move.percent) / 100 / rate if rate > 0 else None


@dataclass
class Overall:
    """The whole of a run. ``clock`` gives seconds."""

    clock: Callable[[], float]
    began: float = 0.0
    courses: dict[UUID, Course] = field(default_factory=dict)
    done_before: int = 0
    """Bytes that had been moved when this began."""

    def begin(self, moves: Iterable[Migration]) -> None:
        self.began = self.clock()
        self.courses = {move.machine: Course(move) for move in moves}
        self.done_before = self.bytes_done

    def see(self, move: Migration) -> None:
        course = self.courses[move.machine]
        if move.state is State.RUNNING and course.move.state is not State.RUNNING:
            course.began, course.percent = self.clock(), move.percent
        course.move = move

    @property
    def moves(self) -> list[Migration]:
        return [course.move for course in self.courses.values()]

    @property
    def under_way(self) -> list[Course]:
        return [course for course in self.courses.values() if course.move.state.on_the_way]

    @property
    def bytes_wanted(self) -> int:
        given_up = {State.FAILED, State.ABORTED}
        return sum(move.size for move in self.moves if move.state not in given_up)

    @property
    def bytes_done(self) -> int:
        return sum(_done(move) for move in self.moves)

    def left(self) -> float | None:
        """Seconds to the end, at the rate of all by now; None where that can't be told."""
        now = self.clock()
        done = self.bytes_done - self.done_before
        if done <= 0 or now <= self.began:
            return None
        return (self.bytes_wanted - self.bytes_done) / (done / (now - self.began))

    def in_words(self) -> str:
        """``12 of 40 moved, 3 under way, 1 failed, 120.0 GB of 400.0 GB, about 12 min left``."""
        counts: dict[State, int] = {}
        for move in self.moves:
            counts[move.state] = counts.get(move.state, 0) + 1
        words = [f"{counts.get(State.MOVED, 0):,} of {len(self.courses):,} moved"]
        if under_way := len(self.under_way):
            words.append(f"{under_way:,} under way")
        words += [
            f"{counts[state]:,} {state}"
            for state in (State.WAITING, State.FAILED, State.ABORTED, State.UNKNOWN)
            if counts.get(state)
        ]
        words.append(f"{size(self.bytes_done)} of {size(self.bytes_wanted)}")
        left = self.left()
        if left is not None and under_way:
            words.append(f"about {duration(left)} left")
        return ", ".join(words)


def _done(move: Migration) -> int:
    if move.state is State.MOVED:
        return move.size
    return move.size * move.percent // 100 if move.state.on_the_way and move.final else 0


def line(move: Migration, before: Migration) -> str:
    """What has become of a machine, in one line; empty where that is nothing to tell."""
    if (before.state, before.reason) == (move.state, move.reason):
        return ""
    because = f": {move.reason}" if move.reason else ""
    aside = "" if move.final else ", aside to make room"
    words = {
        State.STARTING: f"{move.at} to {move.to}{aside}",
        State.MOVED: f"moved to {move.at}",
        State.WAITING: f"not moved, is tried again{because}",
        State.FAILED: f"failed{because}",
        State.ABORTED: f"given up{because}",
        State.UNKNOWN: f"unknown{because}",
        State.STOPPING: "is stopped",
    }
    if move.state is State.RUNNING and before.state is State.UNKNOWN:
        return f"{move.name}: still runs, {move.at} to {move.to}"
    if move.state is State.QUEUED and move.started:
        return f"{move.name}: on {move.at}, waits for its turn{because}"
    return f"{move.name}: {words[move.state]}" if move.state in words else ""
