"""What use cases tell, on a terminal: events as lines, views by their own rendering."""

from delegation.cli import terminal
from delegation.cli.options import Options
from delegation.events import Event, EventSeverity, Progress

_COLOURS = {EventSeverity.GOOD: "green", EventSeverity.BAD: "red", EventSeverity.WARNING: "yellow"}


class TerminalTeller:
    """Implements events.Teller."""

    def __init__(self, given: Options) -> None:
        self._given = given

    def say(self, event: Event) -> None:
        """All lines of an event, in its colour; a warning is called one."""
        before = "warning: " if event.severity is EventSeverity.WARNING else ""
        is_heading = event.severity is EventSeverity.HEADING
        for words in event.words():
            line = f"{before}{self._given.said(words)}"
            terminal.say(line, bold=is_heading, fg=_COLOURS.get(event.severity))
            is_heading, before = False, ""

    def show(self, view: object) -> None:
        """A view on stdout, as its kind is rendered."""
        from delegation.cli import views

        views.show(view, self._given)

    def progress(self, what: str) -> Progress:
        return terminal.ProgressCounter(what)
