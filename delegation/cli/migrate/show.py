"""A plan of migrations as people read it: totals first, its order, the hosts, what can't be."""

from collections.abc import Sequence

from delegation.cli import rendering, terminal
from delegation.cli.migrate import fitting
from delegation.cli.options import Options
from delegation.migrations.migration_plan import PlannedMigrations
from delegation.migrations.moves.placed import Placed
from delegation.migrations.moves.preview import HostLoad, Preview
from delegation.migrations.refused_moves import refusals
from delegation.migrations.schedule.obstacles import size, size_or_untold
from delegation.migrations.schedule.simulate import TimedStart
from delegation.migrations.words import clock, curve, duration
from delegation.names import counted

LONG = 20
"""Migrations that are shown without -v."""
CURVE = 40
"""Columns of a host's load over time, at most."""
NARROW = 60
"""Columns up to which that is left out."""


@rendering.rendered.register
def plan(planned: PlannedMigrations, given: Options) -> None:
    """The readable plan, on stdout."""
    preview = planned.preview
    terminal.out(f"Migration plan for {preview.domain}", bold=True)
    terminal.out()
    _totals(preview)
    if preview.timeline.starts:
        terminal.out()
        _order(preview, verbose=given.verbose)
        terminal.out()
        _loads(preview)
    _section("worth a look", preview.placement.remarks)
    _section("not read", [f"{host}: {why}" for host, why in preview.unread.items()])
    if preview.unmovable:
        terminal.out()
        terminal.out("  can't be moved:", fg="red")
        for line in refusals(preview.unmovable):
            _out(given.said(line), "    ")
    terminal.out()
    terminal.out(f"digest  {preview.digest}")


def _totals(preview: Preview) -> None:
    placed, timeline = preview.placement.moves, preview.timeline
    total = size(sum(move.size or 0 for move in placed))
    unknown = sum(move.size is None for move in placed)
    besides = f" and {counted(unknown, 'machine')} whose size is not told" if unknown else ""
    terminal.out(f"  {counted(len(placed), 'machine')} to move, {total}{besides}")
    if timeline.starts:
        bound = timeline.bound
        terminal.out(f"  expected to take {duration(timeline.seconds)}")
        _out(f"at least {duration(bound.seconds)} in any order: {bound.why}", "  ")
    aside = sum(not timed.start.final for timed in timeline.starts)
    if aside:
        terminal.out(f"  {counted(aside, 'migration')} puts a machine aside to make room")
    if preview.placement.there:
        terminal.out(f"  {counted(len(preview.placement.there), 'machine')} there already")


def _order(preview: Preview, *, verbose: bool) -> None:
    placed = {move.move.machine: move for move in preview.placement.moves}
    starts = preview.timeline.starts
    shown = starts if verbose or len(starts) <= LONG else starts[: LONG - 1]
    rows = [_start_row(timed, placed[timed.start.move.machine]) for timed in shown]
    header = ["begins", "takes", "machine", "from", "to", "size", "storage"]
    fitting.table(header, rows, right="rr   r", spare=("takes", "size", "from"), below=True)
    if len(shown) < len(starts):
        terminal.out(f"  … and {len(starts) - len(shown):,} more; -v shows them")


def _start_row(timed: TimedStart, placed: Placed) -> list[str]:
    start = timed.start
    return [
        clock(timed.begins),
        duration(timed.ends - timed.begins),
        start.move.name,
        start.source,
        start.to,
        size_or_untold(placed.size),
        placed.storage if start.final else "put aside",
    ]


def _loads(preview: Preview) -> None:
    length = preview.timeline.seconds
    rows = [_load_row(load, length) for load in preview.loads]
    header = ["host", "sends", "receives", "slots", "used", "least memory", "least disk"]
    room = fitting.columns()
    table_width = fitting.table_width(header, rows)
    curve_width = min(room - table_width - 2, CURVE)
    if room > NARROW and curve_width >= len("load"):
        header.append("load")
        for row, load in zip(rows, preview.loads, strict=True):
            row.append(_curve(load, length, curve_width))
    elif table_width > room:
        header[-2:] = ["memory", "disk"]
    fitting.table(header, rows, right=" rrrrrr", spare=("disk", "memory", "used"))


def _load_row(load: HostLoad, length: float) -> list[str]:
    return [
        load.host,
        f"{load.sent}",
        f"{load.received}",
        f"{load.slots}",
        f"{load.busy(length):.0%}",
        _free(load.memory),
        _free(load.disk),
    ]


def _free(least: int | None) -> str:
    return size_or_untold(None if least is None else max(least, 0))


def _curve(load: HostLoad, length: float, width: int) -> str:
    steps = [(at, leaving + arriving) for at, leaving, arriving in load.moves]
    return curve(steps, length, load.slots, width)


def _section(title: str, lines: Sequence[str]) -> None:
    if lines:
        terminal.out()
        terminal.out(f"  {title}:")
        for line in lines:
            _out(line, "    ")


def _out(text: str, indent: str) -> None:
    for line in fitting.lines(text, indent):
        terminal.out(line)
