"""Somebody at the command line while a run goes on: a picture or lines, and Ctrl-C."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from delegation.cli.migrate.lines import Lines
from delegation.cli.options import Options
from delegation.migrations.perform import RunDisplay
from delegation.migrations.progress_of_run import RunProgress
from delegation.migrations.runner import FINISH
from delegation.wiring import World


class TerminalAttendant:
    """Implements perform.RunAttendant."""

    def __init__(self, given: Options, world: World) -> None:
        self._given = given
        self._world = world

    def display(self, progress: RunProgress, slots: Mapping[str, int]) -> RunDisplay:
        """A picture on a terminal, lines elsewhere."""
        if not sys.stderr.isatty():
            return Lines(progress)
        from delegation.cli.migrate.live import Picture
        from delegation.migrations.runner.threads import Watchers
        from delegation.migrations.smb.smb_watch import SmbWatch

        place_of, account = self._world.host_places(), self._world.hosts_account()
        watchers = Watchers(lambda label: SmbWatch(place_of(label), account))
        return Picture(progress, slots, watchers, no_color=self._given.no_color)

    @contextmanager
    def heeding(self, press: Callable[[int], None]) -> Iterator[None]:
        """Ctrl-C asks for the end, more urgently each time; SIGTERM as the first Ctrl-C does."""

        def handle(number: int, _frame: FrameType | None) -> None:
            press(0 if number == signal.SIGINT else FINISH)

        signals = [signal.SIGINT, signal.SIGTERM]
        if sys.platform == "win32":
            signals.append(signal.SIGBREAK)  # Ctrl-Break: Windows has no SIGTERM from outside
        # What is ignored, as in a background job, stays so.
        heeded = [number for number in signals if signal.getsignal(number) is not signal.SIG_IGN]
        handlers_before = {number: signal.signal(number, handle) for number in heeded}
        try:
            yield
        finally:
            for number, handler in handlers_before.items():
                signal.signal(number, handler)
