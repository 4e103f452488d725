"""How a run is shown where nobody is at a terminal: lines on stderr."""

from collections.abc import Iterable

from delegation.cli import terminal
from delegation.migrations.lifecycle import Migration
from delegation.migrations.progress_of_run import URGENCY, RunProgress
from delegation.migrations.runner import LEAVE

SUMMARY_SECONDS = 30.0
"""Between two lines about the whole."""


class Lines:
    """Implements perform.RunDisplay."""

    def __init__(self, progress: RunProgress) -> None:
        self._progress = progress
        self._next = progress.clock() + SUMMARY_SECONDS
        self._urgency = 0

    def move(self, move: Migration, news: str) -> None:  # noqa: ARG002 - lines tell news alone
        if news:
            terminal.say(f"  {news}")

    def pulse(self, urgency: int) -> None:
        if urgency != self._urgency:
            self._urgency = urgency
            terminal.say(f"  {URGENCY[min(urgency, LEAVE)]}")
        if self._progress.clock() >= self._next:
            self._next = self._progress.clock() + SUMMARY_SECONDS
            terminal.say(f"  {self._progress.in_words(with_phases=True)}")

    def waits(self, news: Iterable[str]) -> None:
        for line in news:
            terminal.say(f"  {line}")

    def close(self) -> None:
        pass
