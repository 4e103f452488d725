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
_NARROWEST = 20
"""Columns that a sentence gets, however narrow the terminal is."""


def columns() -> int:
    """How many columns the output may have."""
    return shutil.get_terminal_size((ELSEWHERE, 24)).columns


def table_width(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """How many columns of the terminal ``terminal.table`` takes for this."""
    width = 0
    for cells in zip(header, *rows, strict=True):
        longest = max(len(inert(cell)) for cell in cells)
        width += longest + _GAP
    return width


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
    lines_below: list[str] = []
    if below and table_width(header, rows) > room:
        last = kept.pop()
        lines_below = [row[last] for row in rows]
    for title in spare:
        kept_rows = [_only(row, kept) for row in rows]
        if table_width(_only(header, kept), kept_rows) <= room:
            break
        kept.remove(header.index(title))
    alignment = right.ljust(len(header))
    terminal.table(
        _only(header, kept),
        [_only(row, kept) for row in rows],
        right="".join(alignment[number] for number in kept),
        below=lines_below,
    )


def _only(cells: Sequence[str], kept: Collection[int]) -> list[str]:
    return [cells[number] for number in kept]


def lines(text: str, indent: str) -> Iterator[str]:
    """A sentence, broken between words on a terminal: elsewhere others may look for it whole."""
    if not sys.stdout.isatty():
        yield indent + text
        return
    sentence = inert(text)
    unindented = sentence.lstrip()
    indent += " " * (len(sentence) - len(unindented))
    yield from textwrap.wrap(
        unindented,
        max(columns(), len(indent) + _NARROWEST),
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
