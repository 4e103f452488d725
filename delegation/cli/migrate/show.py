"""A plan of migrations as people read it: totals first, its order, the hosts, what can't be."""

from collections.abc import Iterable

from delegation.cli import rendering, terminal
from delegation.cli.migrate import fitting
from delegation.cli.options import Options
from delegation.migrations.migration_plan import PlannedMigrations
from delegation.migrations.moves.preview import HostLoad, Preview
from delegation.migrations.refused_moves import refusals
from delegation.migrations.schedule.obstacles import size
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
    plan_ = planned.preview
    terminal.out(f"Migration plan for {plan_.domain}", bold=True)
    terminal.out()
    _totals(plan_)
    if plan_.timeline.starts:
        terminal.out()
        _order(plan_, verbose=given.verbose)
        terminal.out()
        _loads(plan_)
    _listed("worth a look", plan_.placement.remarks)
    _listed("not read", (f"{host}: {why}" for host, why in plan_.unread.items()))
    if plan_.unmovable:
        terminal.out()
        terminal.out("  can't be moved:", fg="red")
        for line in refusals(plan_.unmovable):
            _say(given.said(line), "    ")
    terminal.out()
    terminal.out(f"digest  {plan_.digest}")


def _totals(plan_: Preview) -> None:
    placed, timeline = plan_.placement.moves, plan_.timeline
    total = size(sum(one.size for one in placed))
    terminal.out(f"  {counted(len(placed), 'machine')} to move, {total}")
    if timeline.starts:
        bound = timeline.bound
        terminal.out(f"  expected to take {duration(timeline.seconds)}")
        _say(f"at least {duration(bound.seconds)} in any order: {bound.why}", "  ")
    aside = sum(not timed.start.final for timed in timeline.starts)
    if aside:
        terminal.out(f"  {counted(aside, 'migration')} puts a machine aside to make room")
    if plan_.placement.there:
        terminal.out(f"  {counted(len(plan_.placement.there), 'machine')} there already")


def _order(plan_: Preview, *, verbose: bool) -> None:
    storage = {one.move.machine: one.storage for one in plan_.placement.moves}
    copied = {one.move.machine: one.size for one in plan_.placement.moves}
    starts = plan_.timeline.starts
    shown = starts if verbose or len(starts) <= LONG else starts[: LONG - 1]
    rows = [
        [
            clock(timed.begins),
            duration(timed.ends - timed.begins),
            timed.start.move.name,
            timed.start.source,
            timed.start.to,
            size(copied[timed.start.move.machine]),
            storage[timed.start.move.machine] if timed.start.final else "put aside",
        ]
        for timed in shown
    ]
    header = ["begins", "takes", "machine", "from", "to", "size", "storage"]
    fitting.table(header, rows, right="rr   r", spare=("takes", "size", "from"), below=True)
    if len(shown) < len(starts):
        terminal.out(f"  … and {len(starts) - len(shown):,} more; -v shows them")


def _loads(plan_: Preview) -> None:
    length = plan_.timeline.seconds
    rows = [
        [
            load.host,
            f"{load.sent}",
            f"{load.received}",
            f"{load.slots}",
            f"{load.busy(length):.0%}",
            size(max(load.memory, 0)),
            size(max(load.disk, 0)),
        ]
        for load in plan_.loads
    ]
    header = ["host", "sends", "receives", "slots", "used", "least memory", "least disk"]
    room = fitting.columns()
    blocks = min(room - fitting.wide(header, rows) - 2, CURVE)
    if room > NARROW and blocks >= len("load"):
        header.append("load")
        rows = [
            [*row, _curve(load, length, blocks)]
            for row, load in zip(rows, plan_.loads, strict=True)
        ]
    elif fitting.wide(header, rows) > room:
        header[-2:] = ["memory", "disk"]
    fitting.table(header, rows, right=" rrrrrr", spare=("disk", "memory", "used"))


def _curve(load: HostLoad, length: float, width: int) -> str:
    steps = [(at, leaving + arriving) for at, leaving, arriving in load.moves]
    return curve(steps, length, load.slots, width)


def _listed(title: str, lines: Iterable[str]) -> None:
    lines = list(lines)
    if lines:
        terminal.out()
        terminal.out(f"  {title}:")
        for line in lines:
            _say(line, "    ")


def _say(text: str, indent: str) -> None:
    for line in fitting.lines(text, indent):
        terminal.out(line)
