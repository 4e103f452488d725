"""What is asked for: machines by name, and the hosts that they are to be on."""

from dataclasses import dataclass, field

LONGEST_NAME = 4_096
"""Characters of a machine's name that a list can say."""


@dataclass(frozen=True, slots=True)
class AskedMove:
    """One move as asked for. Hosts are labels of the inventory; ``machine`` is a name or an id.

    ``source`` None: to be found by looking. ``storage`` None: a folder of the machine's own in
    the target's default folder. ``line`` and ``column`` are where a file names it, from 1; 0: it
    stands in none.
    """

    machine: str
    target: str
    source: str | None = None
    storage: str | None = None
    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)


def is_readable(name: str) -> bool:
    """Whether a list can call a machine by this name; Hyper-V allows it any."""
    return bool(name.strip()) and name == name.strip() and name.isprintable() and (
        len(name) <= LONGEST_NAME
    )  # fmt: skip
