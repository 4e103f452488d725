"""How a run is shown where nobody is at a terminal: lines on stderr."""

from delegation.cli import terminal
from delegation.migrations.lifecycle import Migration
from delegation.migrations.progress_of_run import URGENCY, RunProgress
from delegation.migrations.runner import LEAVE
from delegation.migrations.runner.work import Display, Wait

EVERY = 30.0
"""Seconds between two lines about the whole."""


class Lines(Display):
    def __init__(self, progress: RunProgress) -> None:
        self._progress = progress
        self._next = progress.clock() + EVERY
        self._urgency = 0

    def move(self, move: Migration) -> None:
        if said := self._progress.see(move):
            terminal.say(f"  {said}")

    def pulse(self, urgency: int) -> None:
        if urgency != self._urgency:
            self._urgency = urgency
            terminal.say(f"  {URGENCY[min(urgency, LEAVE)]}")
        if self._progress.clock() >= self._next:
            self._next = self._progress.clock() + EVERY
            terminal.say(f"  {self._progress.in_words()}")

    def waits(self, wait: Wait) -> None:
        for said in self._progress.waits(wait):
            terminal.say(f"  {said}")

    def close(self) -> None:
        pass
