"""A run at one moment -> a picture of it in so many columns and lines."""

from collections import Counter
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
from delegation.hosts.machines import MovePhase
from delegation.migrations.lifecycle import MigrationState
from delegation.migrations.progress_of_run import URGENCY, RunProgress, VmProgress
from delegation.migrations.runner import LEAVE
from delegation.migrations.runner.threads import LatestLooks
from delegation.migrations.schedule.obstacles import size
from delegation.migrations.smb.target_view import growth_rates, session_counts
from delegation.migrations.words import duration
from delegation.names import counted, inert

MOST_ROWS = 24
"""Rows of a table that are shown at most."""
WHOLE_BAR = 30
"""Columns of the bar of the whole."""
WIRE_FROM = 70
"""Columns from which on what the wire tells is shown."""
HOSTS = ("host", "sends", "receives", "slots", "to send", "to receive")
WIRE = ("on the wire", "size", "rate")

_LEAST = {"state": len("stopping"), "rate": len("120.0 MB/s"), "left": len("12 min 05 s")}
"""What these columns of a VM have from the start, so that nothing jumps about."""
_PHASES = {
    MovePhase.CREATING: "staging",
    MovePhase.CHECKING: "checking",
    MovePhase.MACHINE: "memory",
    MovePhase.MACHINE_AND_STORAGE: "memory, storage",
    MovePhase.STORAGE: "storage",
    MovePhase.WAITING: "waits at its host",
    MovePhase.CANCELLING: "cancelling",
}
"""What a job is at, in a column's few words."""
_TITLES = {"name": "machine", "bar": "", "state": ""}
_RIGHT = {"rate", "left"}

T = TypeVar("T")
Row = Sequence[str]
VmCells = tuple[int, Mapping[str, str]]
"""How many percent of a VM are done, and what its columns say, by their keys."""


@dataclass(frozen=True)
class RunFrame:
    """What is drawn: ``slots`` are those of the hosts, ``looks`` what targets tell, by label."""

    progress: RunProgress
    slots: Mapping[str, int]
    looks: Mapping[str, LatestLooks]
    urgency: int

    def drawn(self, width: int, height: int) -> RenderableType:
        """The picture, in no more columns and lines than these."""
        head, head_lines = self._head(width)
        foot = self._foot(width)
        now = self.progress.clock()
        vms = [_vm_cells(vm, now) for vm in self.progress.under_way]
        hosts = list(self._hosts())
        if layout.rows_width([HOSTS, *hosts]) > width:
            hosts = []
        wire = self._wire() if width >= WIRE_FROM and hosts else []
        wanted = [_lines_wanted(len(rows)) for rows in (vms, hosts, wire)]
        left = height - head_lines - len(foot)
        vm_lines, host_lines, wire_lines = layout.line_shares(left, wanted)
        return Group(
            *head,
            *_table(HOSTS, hosts, host_lines, "host"),
            *_vm_table(vms, width, vm_lines),
            *_table(WIRE, wire, wire_lines, "line"),
            *foot,
        )

    def _head(self, width: int) -> tuple[list[RenderableType], int]:
        """The whole, with a bar where there is room for it; and how many lines that is."""
        words = self.progress.in_words()
        if len(words) + WHOLE_BAR + 2 * layout.GAP > width:
            lines = _wrapped(words, width)
            return [*lines], len(lines)
        grid = Table.grid(padding=(0, 0, 0, layout.GAP), pad_edge=True)
        bytes_wanted = max(self.progress.bytes_wanted, 1)
        grid.add_row(ProgressBar(bytes_wanted, self.progress.bytes_done, width=WHOLE_BAR), words)
        return [grid], 1

    def _foot(self, width: int) -> list[Text]:
        if not self.urgency:
            return []
        return _wrapped(URGENCY[min(self.urgency, LEAVE)], width, style="yellow")

    def _hosts(self) -> Iterator[Row]:
        """Each host that sends or receives just now: what it does, and what is still to come."""
        sending: Counter[str] = Counter()
        receiving: Counter[str] = Counter()
        for vm in self.progress.under_way:
            sending[vm.move.at] += 1
            receiving[vm.move.to] += 1
        yet_to_send: Counter[str] = Counter()
        yet_to_receive: Counter[str] = Counter()
        for move in self.progress.moves:
            if move.state.pending:
                yet_to_send[move.at] += 1
                yet_to_receive[move.target] += 1
        for host in sorted({*sending, *receiving}):
            slots = self.slots.get(host, "?")
            to_come = yet_to_send[host], yet_to_receive[host]
            yield tuple(map(str, (host, sending[host], receiving[host], slots, *to_come)))

    def _wire(self) -> list[Row]:
        rows: list[Row] = []
        for target, looks in sorted(self.looks.items()):
            rows += _wire_rows(target, looks)
        return rows


def _lines_wanted(rows: int) -> int:
    """How many lines a table of so many rows would like to have, with its header."""
    return min(rows, MOST_ROWS) + 1 if rows else 0


def _wrapped(text: str, width: int, style: str = "") -> list[Text]:
    indent = " " * layout.GAP
    lines = wrap(inert(text), width, initial_indent=indent, subsequent_indent=indent)
    return [Text(line, style=style, no_wrap=True) for line in lines]


def _vm_cells(vm: VmProgress, now: float) -> VmCells:
    move, left, rate = vm.move, vm.left(now), vm.rate(now)
    cells = {
        "name": move.name,
        "from": move.at,
        "to": move.to if move.final else f"{move.to} (aside)",
        "bar": "",
        "state": f"{move.percent} %" if move.state is MigrationState.RUNNING else str(move.state),
        "phase": _PHASES[move.phase] if move.phase is not None else "",
        "rate": f"{size(round(rate))}/s" if rate > 0 else "",
        "left": duration(left) if left is not None else "",
    }
    return move.percent, {key: inert(cell) for key, cell in cells.items()}


def _vm_table(vms: Sequence[VmCells], width: int, lines: int) -> Iterator[RenderableType]:
    if lines < 2:
        return
    longest = _longest_cells(vms)
    plan = layout.vm_columns(width, longest)
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
    shown, more = _shown(vms, lines - 1)
    for percent, cells in shown:
        bar = ProgressBar(100, percent, width=plan.bar)
        table.add_row(*(bar if key == "bar" else Text(cells[key]) for key in plan.columns))
    yield table
    yield from _more(more, "machine")


def _longest_cells(vms: Sequence[VmCells]) -> dict[str, int]:
    """How wide each column would like to be, by its key."""
    _, first = vms[0]
    longest: dict[str, int] = {}
    for key in first:
        title = _TITLES.get(key, key)
        widths = [len(cells[key]) for _, cells in vms]
        longest[key] = max(_LEAST.get(key, 0), len(title), *widths)
    return longest


def _table(header: Row, rows: Sequence[Row], lines: int, what: str) -> Iterator[RenderableType]:
    """A table whose first column gives way to the others."""
    if lines < 2:
        return
    table = Table(box=None, padding=(0, 0, 0, layout.GAP), header_style="bold")
    first, *others = zip(header, *rows, strict=True)
    table.add_column(first[0], no_wrap=True, overflow="ellipsis")
    for cells in others:
        table.add_column(
            cells[0],
            justify="right",
            no_wrap=True,
            overflow="ellipsis",
            min_width=max(map(len, cells)),
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


def _wire_rows(target: str, looks: LatestLooks) -> Iterator[Row]:
    """What the last look at a target shows while something migrates there."""
    if not looks:
        return
    _, seen = looks[-1]
    if seen.is_quiet:
        return
    growth = growth_rates(looks[0], looks[-1])
    for share in seen.shares:
        yield f"{target}: share {share.name} of {share.source}", "", ""
    for (client, user), count in session_counts(seen).items():
        yield f"  {counted(count, 'session')} of {user} from {client}", "", ""
    for file in seen.files:
        grown = f"{size(round(growth[file.path]))}/s" if file.path in growth else ""
        figure = "" if file.size is None else size(file.size)
        yield f"  {PureWindowsPath(file.path).name}", figure, grown
