"""A run at one moment, drawn into a terminal of so many columns and lines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath
from textwrap import wrap
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from delegation.cli.migrate import layout
from delegation.migrations.lifecycle import MigrationState
from delegation.migrations.progress_of_run import URGENCY, RunProgress, VmProgress
from delegation.migrations.runner import LEAVE
from delegation.migrations.runner.threads import LatestLooks
from delegation.migrations.schedule.obstacles import size
from delegation.migrations.smb.target_view import growth_rates, session_counts
from delegation.migrations.words import duration
from delegation.names import counted, inert

ROOM = 24
"""Rows of a table that are shown at most."""
WHOLE = 30
"""Columns of the bar of the whole."""
WIRE_FROM = 70
"""Columns from which on what the wire tells is shown."""
HOSTS = ("host", "sends", "receives", "slots", "to send", "to receive")
WIRE = ("on the wire", "size", "rate")

_LEAST = {"state": len("stopping"), "rate": len("120.0 MB/s"), "left": len("12 min 05 s")}
"""What these columns of a machine have from the start, so that nothing jumps about."""
_TITLES = {"name": "machine", "bar": "", "state": ""}
_RIGHT = {"rate", "left"}

T = TypeVar("T")
Row = Sequence[str]
Machine = tuple[int, Mapping[str, str]]
"""How many percent of it are done, and what its columns say."""


@dataclass(frozen=True)
class Scene:
    """``slots`` are those of the hosts, ``looks`` what targets tell, both by label."""

    progress: RunProgress
    slots: Mapping[str, int]
    looks: Mapping[str, LatestLooks]
    urgency: int

    def drawn(self, width: int, height: int) -> RenderableType:
        head, head_lines = self._head(width)
        foot = self._foot(width)
        machines = [_machine(course, self.progress.clock()) for course in self.progress.under_way]
        hosts = list(self._hosts())
        if layout.wide([HOSTS, *hosts]) > width:
            hosts = []
        wire = [row for at, looks in sorted(self.looks.items()) for row in _wire_rows(at, looks)]
        if width < WIRE_FROM or not hosts:
            wire = []
        wanted = [min(len(rows), ROOM) + 1 if rows else 0 for rows in (machines, hosts, wire)]
        given = layout.shares(height - head_lines - len(foot), wanted)
        return Group(
            *head,
            *_table(HOSTS, hosts, given[1], "host"),
            *_machines(machines, width, given[0]),
            *_table(WIRE, wire, given[2], "line"),
            *foot,
        )

    def _head(self, width: int) -> tuple[list[RenderableType], int]:
        """The whole, with a bar where there is room for it; and how many lines that is."""
        words = self.progress.in_words()
        if len(words) + WHOLE + 2 * layout.GAP > width:
            lines = _wrapped(words, width)
            return [*lines], len(lines)
        grid = Table.grid(padding=(0, 0, 0, layout.GAP), pad_edge=True)
        wanted = max(self.progress.bytes_wanted, 1)
        grid.add_row(ProgressBar(wanted, self.progress.bytes_done, width=WHOLE), words)
        return [grid], 1

    def _foot(self, width: int) -> list[Text]:
        if not self.urgency:
            return []
        return _wrapped(URGENCY[min(self.urgency, LEAVE)], width, style="yellow")

    def _hosts(self) -> Iterator[Row]:
        running = [course.move for course in self.progress.under_way]
        pending = [move for move in self.progress.moves if move.state.pending]
        for host in sorted({end for move in running for end in (move.at, move.to)}):
            yield (
                host,
                str(sum(move.at == host for move in running)),
                str(sum(move.to == host for move in running)),
                str(self.slots.get(host, "?")),
                str(sum(move.at == host for move in pending)),
                str(sum(move.target == host for move in pending)),
            )


def _wrapped(text: str, width: int, style: str = "") -> list[Text]:
    indent = " " * layout.GAP
    lines = wrap(inert(text), width, initial_indent=indent, subsequent_indent=indent)
    return [Text(line, style=style, no_wrap=True) for line in lines]


def _machine(course: VmProgress, now: float) -> Machine:
    move, left, rate = course.move, course.left(now), course.rate(now)
    cells = {
        "name": move.name,
        "from": move.at,
        "to": move.to if move.final else f"{move.to} (aside)",
        "bar": "",
        "state": f"{move.percent} %" if move.state is MigrationState.RUNNING else str(move.state),
        "rate": f"{size(round(rate))}/s" if rate > 0 else "",
        "left": duration(left) if left is not None else "",
    }
    return move.percent, {key: inert(cell) for key, cell in cells.items()}


def _machines(found: Sequence[Machine], width: int, lines: int) -> Iterator[RenderableType]:
    if lines < 2:
        return
    longest = {
        key: max(
            _LEAST.get(key, 0), len(_TITLES.get(key, key)), *(len(cells[key]) for _, cells in found)
        )
        for key in found[0][1]
    }
    plan = layout.machines(width, longest)
    widths = {**longest, "name": plan.name, "bar": plan.bar}
    table = Table(box=None, padding=(0, 0, 0, layout.GAP), header_style="bold")
    for key in plan.columns:
        table.add_column(
            _TITLES.get(key, key),
            justify="right" if key in _RIGHT else "left",
            width=widths[key],
            no_wrap=True,
            overflow="ellipsis",
        )
    shown, more = _shown(found, lines - 1)
    for percent, cells in shown:
        bar = ProgressBar(100, percent, width=plan.bar)
        table.add_row(*(bar if key == "bar" else Text(cells[key]) for key in plan.columns))
    yield table
    yield from _more(more, "machine")


def _table(header: Row, rows: Sequence[Row], lines: int, what: str) -> Iterator[RenderableType]:
    """A table whose first column gives way to the others."""
    if lines < 2:
        return
    table = Table(box=None, padding=(0, 0, 0, layout.GAP), header_style="bold")
    for number, title in enumerate(header):
        table.add_column(
            title,
            justify="right" if number else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=None if number == 0 else max(len(row[number]) for row in (header, *rows)),
        )
    shown, more = _shown(rows, lines - 1)
    for row in shown:
        table.add_row(*(Text(inert(cell)) for cell in row))
    yield table
    yield from _more(more, what)


def _shown(rows: Sequence[T], lines: int) -> tuple[Sequence[T], int]:
    """Those that there are lines for, one of which tells how many more there are."""
    if len(rows) <= lines:
        return rows, 0
    return rows[: lines - 1], len(rows) - lines + 1


def _more(count: int, what: str) -> Iterator[Text]:
    if count:
        yield Text(f"  and {counted(count, what)} more", style="dim", no_wrap=True)


def _wire_rows(at: str, looks: LatestLooks) -> Iterator[Row]:
    """What the last look at a target shows while something migrates there."""
    if not looks or looks[-1][1].is_quiet:
        return
    seen, growth = looks[-1][1], growth_rates(looks[0], looks[-1])
    for share in seen.shares:
        yield f"{at}: share {share.name} of {share.source}", "", ""
    for (client, user), count in session_counts(seen).items():
        yield f"  {counted(count, 'session')} of {user} from {client}", "", ""
    for file in seen.files:
        grown = f"{size(round(growth[file.path]))}/s" if file.path in growth else ""
        figure = "" if file.size is None else size(file.size)
        yield f"  {PureWindowsPath(file.path).name}", figure, grown
