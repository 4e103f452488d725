"""VMs that can't be moved -> lines that say so: those alike together, too many to name folded."""

from collections.abc import Iterable, Sequence

from delegation import names
from delegation.errors import Advice
from delegation.migrations.moves.placed import Unmovable

NAMED = 12
"""VMs that are refused for one reason and named one by one."""
LONGEST = 400
"""Characters of names that are folded, beyond which only the first are said."""


def refusals(unmovable: Iterable[Unmovable]) -> list[str]:
    """Every VM that can't be moved, why, and in a line of its own what to do."""
    alike = names.grouped(((refused.why, refused.fix), refused) for refused in unmovable)
    lines: list[str] = []
    for (why, fix), group in alike.items():
        lines.append(f"{_named(group)}: {why}")
        if fix:
            lines.append(Advice("  ", fix))
    return lines


def _named(group: Sequence[Unmovable]) -> str:
    """Each with its host and its place in the list; many of them as ranges, and very many not."""
    if len(group) <= NAMED:
        return ", ".join(map(_with_place, group))
    folded = names.fold(refused.name for refused in group)
    if len(folded) > LONGEST:
        first = ", ".join(map(_with_place, group[:NAMED]))
        return f"{first} and {len(group) - NAMED:,} more"
    hosts = sorted({refused.host for refused in group if refused.host})
    on_hosts = f" on {names.fold(hosts)}" if hosts else ""
    lines = [refused.line for refused in group if refused.line]
    in_list = f" (lines {min(lines)} to {max(lines)})" if lines else ""
    return f"{names.counted(len(group), 'machine')}, {folded}{on_hosts}{in_list}"


def _with_place(refused: Unmovable) -> str:
    on_host = f" on {refused.host}" if refused.host else ""
    in_list = f" (line {refused.line}, column {refused.column})" if refused.line else ""
    return f"{refused.name}{on_host}{in_list}"
