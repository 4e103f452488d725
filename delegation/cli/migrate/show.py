"""A plan of migrations as people read it: totals first, its order, the hosts, what can't be."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from delegation import names
from delegation.cli import terminal
from delegation.cli.migrate import fitting
from delegation.migrations.moves.placement import Unmovable
from delegation.migrations.moves.preview import HostLoad, Preview
from delegation.migrations.schedule.obstacles import size
from delegation.migrations.words import clock, curve, duration
from delegation.names import counted

LONG = 20
"""Migrations that are shown without -v."""
CURVE = 40
"""Columns of a host's load over time, at most."""
NAMED = 12
"""Machines that are refused for one reason and named one by one."""
LONGEST = 400
"""Characters of names that are folded, beyond which only the first are said."""
NARROW = 60
"""Columns up to which that is left out."""


def plan(plan_: Preview, *, verbose: bool) -> None:
    """The readable plan, on stdout."""
    terminal.out(f"Migration plan for {plan_.domain}", bold=True)
    terminal.out()
    _totals(plan_)
    if plan_.timeline.starts:
        terminal.out()
        _order(plan_, verbose=verbose)
        terminal.out()
        _loads(plan_)
    _listed("worth a look", plan_.placement.remarks)
    _listed("not read", (f"{host}: {why}" for host, why in plan_.unread.items()))
    _unmovable(plan_.unmovable)
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


def _unmovable(found: Sequence[Unmovable]) -> None:
    if not found:
        return
    terminal.out()
    terminal.out("  can't be moved:", fg="red")
    for line in refusals(found):
        _say(line, "    ")


def _say(text: str, indent: str) -> None:
    for line in fitting.lines(text, indent):
        terminal.out(line)


def refusals(found: Iterable[Unmovable]) -> list[str]:
    """Every machine that can't be moved, those alike together; too many to name are folded."""
    alike: dict[tuple[str, str], list[Unmovable]] = defaultdict(list)
    for one in found:
        alike[one.why, one.fix].append(one)
    lines = []
    for (why, fix), machines in alike.items():
        lines.append(f"{_named(machines)}: {why}")
        if fix:
            lines.append(f"  {fix}")
    return lines


def _named(found: Sequence[Unmovable]) -> str:
    """Each with its host and its place in the list; many of them as ranges, and very many not."""
    if len(found) <= NAMED:
        return ", ".join(_with_places(one) for one in found)
    folded = names.fold(one.name for one in found)
    if len(folded) > LONGEST:
        first = ", ".join(_with_places(one) for one in found[:NAMED])
        return f"{first} and {len(found) - NAMED:,} more"
    hosts = sorted({one.host for one in found if one.host})
    where = f" on {names.fold(hosts)}" if hosts else ""
    lines = [one.line for one in found if one.line]
    place = f" (lines {min(lines)} to {max(lines)})" if lines else ""
    return f"{counted(len(found), 'machine')}, {folded}{where}{place}"


def _with_places(one: Unmovable) -> str:
    where = f" on {one.host}" if one.host else ""
    place = f" (line {one.line}, column {one.column})" if one.line else ""
    return f"{one.name}{where}{place}"
