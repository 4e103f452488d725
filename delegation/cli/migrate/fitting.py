"""Tables and sentences within the columns that there are: what matters least is left out first."""

import shutil
import sys
import textwrap
from collections.abc import Collection, Iterator, Sequence

from delegation.cli import terminal
from delegation.names import inert

ELSEWHERE = 100
"""Columns where the output is no terminal, and COLUMNS does not say."""
_GAP = 2
"""Columns in front of each column of a table."""


def columns() -> int:
    """How wide the output may be."""
    return shutil.get_terminal_size((ELSEWHERE, 24)).columns


def wide(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How many columns ``terminal.table`` takes for this."""
    longest = [max(len(inert(row[n])) for row in (header, *rows)) for n in range(len(header))]
    return sum(longest) + _GAP * len(header)


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: str = "",
    spare: Sequence[str] = (),
    below: bool = False,
) -> None:
    """Aligned columns; those called ``spare`` are left out, the first first, until it fits.

    ``below``: where it does not fit, what the last column says has lines of its own instead.
    """
    room = columns()
    kept = list(range(len(header)))
    under: list[str] = []
    if below and wide(header, rows) > room:
        last = kept.pop()
        under = [row[last] for row in rows]
    for title in spare:
        if wide(_only(header, kept), [_only(row, kept) for row in rows]) <= room:
            break
        kept.remove(header.index(title))
    terminal.table(
        _only(header, kept),
        [_only(row, kept) for row in rows],
        right="".join(right[n : n + 1] or " " for n in kept),
        below=under,
    )


def _only(cells: Sequence[str], kept: Collection[int]) -> list[str]:
    return [cells[number] for number in kept]


def lines(text: str, indent: str) -> Iterator[str]:
    """A sentence, broken between words on a terminal: elsewhere others may look for it whole."""
    if not sys.stdout.isatty():
        yield indent + text
        return
    said = inert(text)
    indent += " " * (len(said) - len(said.lstrip()))
    yield from textwrap.wrap(
        said.lstrip(),
        max(columns(), len(indent) + 20),
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
