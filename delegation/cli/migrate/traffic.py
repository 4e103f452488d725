"""Looks at a target -> tables of its shares, sessions and files: once, or live on a terminal."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from delegation.cli import rendering, terminal
from delegation.cli.options import Options
from delegation.migrations.schedule.obstacles import size
from delegation.migrations.smb.target_view import Looks, TargetView, growth_rates, user_of
from delegation.migrations.smb.traffic import OpenFile, SmbSession, Traffic
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
    """Each table's header, and its rows; ``rates`` are bytes a second, by the paths of files."""
    yield SHARES, [[share.name, share.source, share.path] for share in seen.shares]
    yield SESSIONS, [_session_row(session) for session in seen.sessions]
    yield FILES, [_file_row(file, rates.get(file.path)) for file in seen.files]


def _session_row(session: SmbSession) -> list[str]:
    opens = "" if session.opens is None else f"{session.opens}"
    lasted, idle = duration(session.seconds), duration(session.idle)
    return [session.client, user_of(session), lasted, idle, opens]


def _file_row(file: OpenFile, rate: float | None) -> list[str]:
    size_now = "" if file.size is None else size(file.size)
    growth = "" if rate is None else f"{size(round(rate))}/s"
    return [file.path, file.user, size_now, growth]


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
    if seen is None:
        return Group(*parts)
    for header, rows in _tables(seen, growth):
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
    for line in seen.untold:
        parts.append(Text(f"not told: {inert(line)}", style="dim"))
    return Group(*parts)
