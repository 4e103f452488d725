"""How a run is shown on a terminal: a picture that is drawn again and again."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PureWindowsPath

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from delegation.cli.migrate.overall import URGENCY, Overall, line
from delegation.cli.migrate.traffic import rates
from delegation.cli.show import counted
from delegation.migrate.lifecycle import Migration, State
from delegation.migrate.runner import LEAVE
from delegation.migrate.runner.seams import Display
from delegation.migrate.runner.threads import Looks, Watchers
from delegation.migrate.schedule.obstacles import size
from delegation.migrate.words import duration
from delegation.names import inert

FRAME = 0.25
"""Seconds between two pictures."""
ROOM = 24
"""Machines that are shown at a time."""


class Picture(Display):
    """The whole, each host, each machine."""

    def __init__(
        self, overall: Overall, slots: Mapping[str, int], wire: Watchers, *, no_color: bool
    ) -> None:
        """``slots`` are those of each host that takes part, by label."""
        self._overall = overall
        self._wire = wire
        self._slots = slots
        self._urgency = 0
        self._drawn = 0.0
        console = Console(stderr=True, highlight=False, no_color=no_color or None)
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()

    def move(self, move: Migration) -> None:
        before = self._overall.courses[move.machine].move
        self._overall.see(move)
        if move.state is not State.STARTING and (said := line(move, before)):
            self._live.console.print(Text(inert(f"  {said}")))
        self._draw()

    def pulse(self, urgency: int) -> None:
        self._urgency = urgency
        self._draw()

    def close(self) -> None:
        self._wire.close()
        self._live.stop()

    def _draw(self) -> None:
        now = self._overall.clock()
        if now - self._drawn >= FRAME:
            self._drawn = now
            under_way = [course.move for course in self._overall.under_way]
            self._wire.towards({move.to for move in under_way if move.state is State.RUNNING})
            self._live.update(self.picture(), refresh=True)

    def picture(self) -> RenderableType:
        parts: list[RenderableType] = [
            self._whole(),
            self._hosts(),
            self._machines(),
            self._files(),
        ]
        if self._urgency:
            parts.append(Text(f"  {URGENCY[min(self._urgency, LEAVE)]}", style="yellow"))
        return Group(*parts)

    def _whole(self) -> Table:
        table = Table.grid(padding=(0, 2))
        wanted = max(self._overall.bytes_wanted, 1)
        table.add_row(
            "", ProgressBar(wanted, self._overall.bytes_done, width=30), self._overall.in_words()
        )
        return table

    def _hosts(self) -> Table:
        table = Table(box=None, padding=(0, 2), header_style="bold")
        for title in ("host", "sends", "receives", "slots", "to send", "to receive"):
            table.add_column(title, justify="left" if title == "host" else "right")
        running = [course.move for course in self._overall.under_way]
        pending = [move for move in self._overall.moves if move.state.pending]
        for host in sorted({end for m in running for end in (m.at, m.to)}):
            table.add_row(
                Text(inert(host)),
                str(sum(move.at == host for move in running)),
                str(sum(move.to == host for move in running)),
                str(self._slots.get(host, "?")),
                str(sum(move.at == host for move in pending)),
                str(sum(move.target == host for move in pending)),
            )
        return table

    def _machines(self) -> Table:
        now = self._overall.clock()
        table = Table(box=None, padding=(0, 2), header_style="bold")
        for title in ("machine", "from", "to", "", "", "rate", "left"):
            right = title in {"rate", "left"}
            table.add_column(title, justify="right" if right else "left")
        shown = self._overall.under_way
        for course in shown[:ROOM]:
            move, left = course.move, course.left(now)
            rate = course.rate(now)
            table.add_row(
                Text(inert(move.name)),
                Text(inert(move.at)),
                Text(inert(move.to if move.final else f"{move.to} (aside)")),
                ProgressBar(100, move.percent, width=20),
                f"{move.percent} %" if move.state is State.RUNNING else str(move.state),
                f"{size(round(rate))}/s" if rate > 0 else "",
                duration(left) if left is not None else "",
            )
        if len(shown) > ROOM:
            table.add_row(f"and {counted(len(shown) - ROOM, 'machine')} more")
        return table

    def _files(self) -> Table:
        """What the targets' SMB servers tell of it: hidden shares, sessions, disks that grow."""
        table = Table(box=None, padding=(0, 2), header_style="bold")
        rows = [row for _, looks in sorted(self._wire.seen().items()) for row in _told(looks)]
        if rows:
            table.add_column("on the wire")
            table.add_column("size", justify="right")
            table.add_column("rate", justify="right")
        for what, *figures in rows[:ROOM]:
            table.add_row(Text(inert(what)), *figures)
        return table


def _told(looks: Looks) -> Iterator[tuple[str, str, str]]:
    """What the last look at a target shows while something migrates there."""
    if not looks or looks[-1][1].is_quiet:
        return
    seen, growth = looks[-1][1], rates(looks[0], looks[-1])
    for share in seen.shares:
        yield f"share {share.name} of {share.source}", "", ""
    for (client, user), count in Counter((one.client, one.user) for one in seen.sessions).items():
        yield f"  {counted(count, 'session')} of {user} from {client}", "", ""
    for file in seen.files:
        grown = f"{size(round(growth[file.path]))}/s" if file.path in growth else ""
        figure = "" if file.size is None else size(file.size)
        yield f"  {PureWindowsPath(file.path).name}", figure, grown
