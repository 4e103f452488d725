"""VMs that can't be moved -> lines that say so: those alike together, too many to name folded."""

from collections.abc import Iterable, Sequence

from delegation import names
from delegation.errors import Advice
from delegation.migrations.moves.placement import Unmovable

NAMED = 12
"""VMs that are refused for one reason and named one by one."""
LONGEST = 400
"""Characters of names that are folded, beyond which only the first are said."""


def refusals(found: Iterable[Unmovable]) -> list[str]:
    """Every VM that can't be moved, why, and in a line of its own what to do."""
    alike = names.grouped(((one.why, one.fix), one) for one in found)
    lines: list[str] = []
    for (why, fix), unmovable in alike.items():
        lines.append(f"{_named(unmovable)}: {why}")
        if fix:
            lines.append(Advice("  ", fix))
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
    return f"{names.counted(len(found), 'machine')}, {folded}{where}{place}"


def _with_places(one: Unmovable) -> str:
    where = f" on {one.host}" if one.host else ""
    place = f" (line {one.line}, column {one.column})" if one.line else ""
    return f"{one.name}{where}{place}"
