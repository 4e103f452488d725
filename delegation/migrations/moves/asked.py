"""What is asked for: a machine by its name or id, and the host that it is to be on."""

from dataclasses import dataclass, field

LONGEST_NAME = 4_096
"""Characters of a machine's name that a list can say."""


@dataclass(frozen=True, slots=True)
class AskedMove:
    """One move as asked for. Hosts are labels of the inventory; ``machine`` is a name or an id.

    ``source`` None: to be found by looking. ``storage`` None: a folder of the machine's own in
    the target's default folder. ``line`` and ``column`` are where a file names it, from 1; None:
    it stands in none.
    """

    machine: str
    target: str
    source: str | None = None
    storage: str | None = None
    line: int | None = field(default=None, compare=False)
    column: int | None = field(default=None, compare=False)


def is_readable(name: str) -> bool:
    """Whether a list can call a machine by this name; Hyper-V allows it any."""
    is_trimmed = name == name.strip() != ""
    return is_trimmed and name.isprintable() and len(name) <= LONGEST_NAME
