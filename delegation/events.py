"""What use cases tell while they are at work, and who hears it.

Each capability declares its events beside its use cases, with the words for them, so that a
terminal, a notifier or a test hear the same. A use case never asks by a teller: what needs an
answer is asked by a ``confirm`` of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol


class EventSeverity(StrEnum):
    """How much an event matters; a front end may colour by it."""

    NOTE = "note"
    HEADING = "heading"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


class Event(Protocol):
    """Something that happened: a frozen dataclass, whose name and fields a program reads.

    Commands in its words stand as errors.Advice.
    """

    @property
    def severity(self) -> EventSeverity: ...

    def words(self) -> Iterable[str]:
        """The event as lines for people."""


class Remark(NamedTuple):
    """A line that no program has to tell from others."""

    text: str
    severity: EventSeverity = EventSeverity.NOTE

    def words(self) -> Sequence[str]:
        return (self.text,)


def warning(text: str) -> Remark:
    """What somebody should know, and what stops nothing."""
    return Remark(text, EventSeverity.WARNING)


Progress = Callable[[int, int], None]
"""Called with how many are done and how many there are; 0 while nobody knows that."""


class Teller(Protocol):
    """Hears what goes on."""

    def say(self, event: Event) -> None:
        """Something has happened."""

    def show(self, view: object) -> None:
        """A result to look at, before it is asked about or acted on."""

    def progress(self, what: str) -> Progress:
        """Something slow begins, called ``what``."""


class Silence:
    """Tells nobody, for callers that look at results alone."""

    def say(self, event: Event) -> None:
        """Let it pass."""

    def show(self, view: object) -> None:
        """Let it pass."""

    def progress(self, what: str) -> Progress:  # noqa: ARG002
        return lambda _done, _total: None
