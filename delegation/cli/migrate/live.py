"""A run that goes on -> a picture of it on a terminal, drawn again and again."""

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.live import Live
from rich.text import Text

from delegation.cli.migrate.frame import RunFrame
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.progress_of_run import RunProgress
from delegation.migrations.runner.threads import Watchers
from delegation.names import inert

FRAME_SECONDS = 0.25
"""Between two pictures."""


class Picture:
    """The whole, each host, each VM, as far as there is room: a perform.RunDisplay."""

    def __init__(
        self, progress: RunProgress, slots: Mapping[str, int], watchers: Watchers, *, no_color: bool
    ) -> None:
        """``slots`` are those of each host that takes part, by label."""
        self._progress = progress
        self._watchers = watchers
        self._slots = slots
        self._urgency = 0
        self._drawn = 0.0
        console = Console(stderr=True, highlight=False, no_color=no_color or None)
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def move(self, move: Migration, news: str) -> None:
        if news and move.state is not MigrationState.STARTING:
            self._live.console.print(Text(inert(f"  {news}")))
        self._draw()

    def pulse(self, urgency: int) -> None:
        self._urgency = urgency
        self._draw()

    def waits(self, news: Iterable[str]) -> None:
        for line in news:
            self._live.console.print(Text(inert(f"  {line}")))

    def close(self) -> None:
        self._watchers.close()
        self._live.stop()

    def _draw(self) -> None:
        now = self._progress.clock()
        if now - self._drawn < FRAME_SECONDS:
            return
        self._drawn = now
        self._watchers.towards(self._targets())
        frame = RunFrame(self._progress, self._slots, self._watchers.seen(), self._urgency)
        size = self._live.console.size
        # Not the last line: the cursor stands there.
        self._live.update(frame.drawn(size.width, size.height - 1), refresh=True)

    def _targets(self) -> set[str]:
        """The hosts on whose disks something is written just now."""
        under_way = [vm.move for vm in self._progress.under_way]
        return {move.to for move in under_way if move.state is MigrationState.RUNNING}
