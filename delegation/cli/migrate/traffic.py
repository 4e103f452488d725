"""What is seen of migrations on a target, shown: once, as it changes, or live on a terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from delegation.cli import terminal
from delegation.migrations.schedule.obstacles import size
from delegation.migrations.smb.traffic import SmbSession, Traffic
from delegation.migrations.words import duration
from delegation.names import inert

if TYPE_CHECKING:
    from rich.console import RenderableType

Data = dict[str, Any]
Looks = Iterable[tuple[float, Traffic | str]]
"""Each with its time in seconds; text is why there is nothing to be seen just now."""


def data(host: str, seen: Traffic) -> Data:
    return {
        "host": host,
        "shares": [
            {"name": one.name, "source": one.source, "path": one.path or None}
            for one in seen.shares
        ],
        "sessions": [
            {
                "client": one.client,
                "user": one.user,
                "seconds": one.seconds,
                "idle": one.idle,
                "opens": one.opens,
                "perhaps_this_look": one.perhaps_ours,
            }
            for one in seen.sessions
        ],
        "files": [{"path": one.path, "user": one.user, "bytes": one.size} for one in seen.files],
        "untold": list(seen.untold),
    }


SHARES = ("share", "source", "path")
SESSIONS = ("client", "user", "for", "idle", "open files")
FILES = ("file", "user", "size", "rate")


def show(host: str, seen: Traffic) -> None:
    """One look, on stdout."""
    terminal.out(f"Migrations to {host}, as its SMB server tells", bold=True)
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
                _named(one),
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


def sessions(seen: Traffic) -> Mapping[tuple[str, str], int]:
    """How many there are of each client and user."""
    return Counter((one.client, _named(one)) for one in seen.sessions)


def _named(session: SmbSession) -> str:
    return f"{session.user} (perhaps this look)" if session.perhaps_ours else session.user


def rates(before: tuple[float, Traffic], now: tuple[float, Traffic]) -> dict[str, float]:
    """Bytes a second by which files have grown from one look to the next."""
    seconds = now[0] - before[0]
    sizes = {one.path: one.size for one in before[1].files if one.size is not None}
    return {
        one.path: max(one.size - sizes[one.path], 0) / seconds
        for one in now[1].files
        if one.size is not None and one.path in sizes and seconds > 0
    }


def changes(looks: Looks) -> Iterator[str]:
    """What is new from look to look, in words."""
    known: dict[str, str] = {}
    silence = ""
    for _, seen in looks:
        if isinstance(seen, str):
            if seen != silence:
                yield seen
            silence = seen
            continue
        if silence:
            yield "it answers again"
            silence = ""
        now = dict(_facts(seen))
        for what, state in now.items():
            if known.get(what) != state:
                yield f"{what}{state}"
        yield from (f"{what}: gone" for what in known if what not in now)
        known = now


def _facts(seen: Traffic) -> Iterator[tuple[str, str]]:
    """Each thing that there is, and what may change of it."""
    for share in seen.shares:
        yield f"share {share.name} of {share.source}", ""
    for (client, user), count in sessions(seen).items():
        yield f"sessions of {user} from {client}", f": {count}"
    for file in seen.files:
        yield f"file {file.path}", "" if file.size is None else f": {size(file.size)}"
    for line in seen.untold:
        yield f"not told: {line}", ""


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
            growth = rates(last, (at, seen)) if last else {}
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
