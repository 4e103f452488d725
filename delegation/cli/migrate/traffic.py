"""What is seen of migrations on a target, shown: once, as it changes, or live on a terminal."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from delegation.cli import rendering, terminal
from delegation.cli.options import Options
from delegation.migrations.schedule.obstacles import size
from delegation.migrations.smb.target_view import Looks, TargetView, growth_rates, user_of
from delegation.migrations.smb.traffic import Traffic
from delegation.migrations.words import duration
from delegation.names import inert

if TYPE_CHECKING:
    from rich.console import RenderableType

SHARES = ("share", "source", "path")
SESSIONS = ("client", "user", "for", "idle", "open files")
FILES = ("file", "user", "size", "rate")


@rendering.rendered.register
def show(view: TargetView, given: Options) -> None:  # noqa: ARG001
    """One look, on stdout."""
    seen = view.seen
    terminal.out(f"Migrations to {view.host}, as its SMB server tells", bold=True)
    for header, rows in _tables(seen, {}):
        terminal.out()
        if rows:
            terminal.table(header, rows, right=_RIGHT[header])
        else:
            terminal.out(f"  no {header[0]}")
    for line in seen.untold:
        terminal.out(f"  not told: {line}")


_RIGHT = {SHARES: "", SESSIONS: "  rrr", FILES: "  rr"}


def _tables(
    seen: Traffic, rates: Mapping[str, float]
) -> Iterator[tuple[tuple[str, ...], list[list[str]]]]:
    yield SHARES, [[one.name, one.source, one.path] for one in seen.shares]
    yield (
        SESSIONS,
        [
            [
                one.client,
                user_of(one),
                duration(one.seconds),
                duration(one.idle),
                "" if one.opens is None else f"{one.opens}",
            ]
            for one in seen.sessions
        ],
    )
    yield (
        FILES,
        [
            [
                one.path,
                one.user,
                "" if one.size is None else size(one.size),
                f"{size(round(rates[one.path]))}/s" if one.path in rates else "",
            ]
            for one in seen.files
        ],
    )


def live(host: str, looks: Looks, *, colours: bool) -> None:
    """The looks on a terminal, each in place of the one before, until somebody has had enough."""
    from rich.console import Console
    from rich.live import Live

    last: tuple[float, Traffic] | None = None
    console = Console(no_color=not colours or None)
    with Live(console=console, auto_refresh=False) as shown:
        for at, seen in looks:
            if isinstance(seen, str):
                shown.update(_page(host, None, {}, seen), refresh=True)
                last = None
                continue
            growth = growth_rates(last, (at, seen)) if last else {}
            shown.update(_page(host, seen, growth, ""), refresh=True)
            last = at, seen


def _page(
    host: str, seen: Traffic | None, growth: Mapping[str, float], trouble: str
) -> "RenderableType":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = [Text(f"Migrations to {host}; Ctrl-C ends this", style="bold")]
    if trouble:
        parts.append(Text(f"{inert(trouble)}; it is tried again", style="yellow"))
    for header, rows in _tables(seen, growth) if seen else ():
        if not rows:
            parts.append(Text(f"no {header[0]}", style="dim"))
            continue
        table = Table(box=None, pad_edge=False, header_style="bold")
        for number, title in enumerate(header):
            is_right = _RIGHT[header][number : number + 1] == "r"
            table.add_column(title, justify="right" if is_right else "left")
        for row in rows:
            table.add_row(*(Text(inert(cell)) for cell in row))
        parts.append(table)
    untold = seen.untold if seen else ()
    return Group(*parts, *(Text(f"not told: {inert(line)}", style="dim") for line in untold))
