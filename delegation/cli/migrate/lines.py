"""How a run is shown where nobody is at a terminal: lines on stderr."""

from delegation.cli import terminal
from delegation.cli.migrate.overall import URGENCY, Overall, line
from delegation.migrations.lifecycle import Migration
from delegation.migrations.runner import LEAVE
from delegation.migrations.runner.work import Display, Wait

EVERY = 30.0
"""Seconds between two lines about the whole."""


class Lines(Display):
    def __init__(self, overall: Overall) -> None:
        self._overall = overall
        self._next = overall.clock() + EVERY
        self._urgency = 0

    def move(self, move: Migration) -> None:
        before = self._overall.courses[move.machine].move
        self._overall.see(move)
        if said := line(move, before):
            terminal.say(f"  {said}")

    def pulse(self, urgency: int) -> None:
        if urgency != self._urgency:
            self._urgency = urgency
            terminal.say(f"  {URGENCY[min(urgency, LEAVE)]}")
        if self._overall.clock() >= self._next:
            self._next = self._overall.clock() + EVERY
            terminal.say(f"  {self._overall.in_words()}")

    def waits(self, wait: Wait) -> None:
        for said in self._overall.waits(wait):
            terminal.say(f"  {said}")

    def close(self) -> None:
        pass
