"""What of a run's picture there is room for, on a terminal of any size.

As it gets narrower, what the wire tells goes first, then the hosts, then of the VMs what their
jobs are at, from where, the rate and the bar. As it gets lower, the VMs keep their lines, and so
do the hosts before the wire.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

GAP = 2
"""Columns between two columns of a table."""
LONGEST_NAME = 28
"""Columns that a name gets where others want room, too."""
BARS = (20, 10)
"""Columns of a VM's bar, in full and where room is scarce."""
_SPARE = ("phase", "from", "rate", "bar", "left", "to")
"""What of a VM is left out, the first first. Its name and percent stay."""


@dataclass(frozen=True, slots=True)
class VmColumns:
    """The columns of the table of VMs, by their keys, and how wide the bar and names are."""

    columns: tuple[str, ...]
    bar: int
    name: int


def vm_columns(width: int, longest: Mapping[str, int]) -> VmColumns:
    """``longest`` is how wide each column would like to be, the bar's aside, in their order."""
    columns = list(longest)
    widths = {**longest, "name": min(longest["name"], LONGEST_NAME)}
    for bar in BARS:
        widths["bar"] = bar
        if _total(columns, widths) <= width:
            return _with_name(columns, width, widths, longest["name"])
    for key in _SPARE:
        columns.remove(key)
        if _total(columns, widths) <= width:
            break
    return _with_name(columns, width, widths, longest["name"])


def _with_name(
    columns: list[str], width: int, widths: Mapping[str, int], longest: int
) -> VmColumns:
    """Names get what the other columns leave, up to the longest of them."""
    rest = width - _total(columns, {**widths, "name": 0})
    name = max(min(longest, rest), 1)
    return VmColumns(tuple(columns), widths["bar"], name)


def _total(columns: Sequence[str], widths: Mapping[str, int]) -> int:
    return sum(widths[key] for key in columns) + GAP * len(columns)


def rows_width(rows: Iterable[Sequence[str]]) -> int:
    """The columns of the terminal that a table of these rows takes."""
    by_column = zip(*rows, strict=True)
    return sum(max(map(len, cells)) + GAP for cells in by_column)


def line_shares(height: int, wanted: Sequence[int]) -> list[int]:
    """How many lines each of these tables gets, the first first; a header alone is none."""
    left = height
    shares: list[int] = []
    for lines in wanted:
        share = min(lines, left) if left > 1 else 0
        shares.append(share)
        left -= share
    return shares
