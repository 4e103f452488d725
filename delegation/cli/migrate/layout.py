"""What of a run's picture there is room for, on a terminal of any size.

As it gets narrower, what the wire tells goes first, then the hosts, then of the machines from
where, the rate and the bar. As it gets lower, the machines keep theirs, and so do the hosts before
the wire.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

GAP = 2
"""Columns between two columns of a table."""
LONGEST_NAME = 28
"""Columns that a name gets where others want room, too."""
BARS = (20, 10)
"""Columns of a machine's bar, in full and where room is scarce."""
_SPARE = ("from", "rate", "bar", "left", "to")
"""What of a machine is left out, the first first. Its name and percent stay."""


@dataclass(frozen=True, slots=True)
class MachineColumns:
    """The columns of the table of machines, by their keys, and how wide the bar and names are."""

    columns: tuple[str, ...]
    bar: int
    name: int


def machines(width: int, longest: Mapping[str, int]) -> MachineColumns:
    """``longest`` is how wide each column wants to be, the bar's aside, in their order."""
    columns = list(longest)
    wanted = {**longest, "name": min(longest["name"], LONGEST_NAME)}
    for bar in BARS:
        if _wide(columns, {**wanted, "bar": bar}) <= width:
            return _made(columns, width, {**wanted, "bar": bar}, longest["name"])
    wanted["bar"] = BARS[-1]
    for key in _SPARE:
        columns.remove(key)
        if _wide(columns, wanted) <= width:
            break
    return _made(columns, width, wanted, longest["name"])


def _made(columns: list[str], width: int, wanted: dict[str, int], longest: int) -> MachineColumns:
    rest = width - _wide(columns, {**wanted, "name": 0})
    return MachineColumns(tuple(columns), wanted["bar"], max(min(longest, rest), 1))


def _wide(columns: Sequence[str], wanted: Mapping[str, int]) -> int:
    return sum(wanted[key] for key in columns) + GAP * len(columns)


def wide(rows: Iterable[Sequence[str]]) -> int:
    """The columns that a table of these rows takes."""
    return sum(max(map(len, cells)) + GAP for cells in zip(*rows, strict=True))


def shares(height: int, wanted: Sequence[int]) -> list[int]:
    """How many lines each of these tables gets, the first first; a header alone is none."""
    left, given = height, []
    for lines in wanted:
        share = min(lines, left) if left > 1 else 0
        given.append(share)
        left -= share
    return given
