"""What becomes of a machine that is asked for: a move, a reason against one, or nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from delegation.migrations.schedule import Move


@dataclass(frozen=True, slots=True)
class Placed:
    """A move that can be made; ``storage`` is a folder on its target, ``size`` the bytes to copy.

    ``size`` is None where the host does not tell it. ``move.disk`` counts what it tells, and is 0
    where that folder is on a volume whose free space is not known.
    """

    move: Move
    storage: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Unmovable:
    """A machine that is asked for and can't be moved. ``host`` is where it is; None: unknown.

    ``line`` and ``column`` are where a list names it; None: none does.
    """

    name: str
    host: str | None
    why: str
    fix: str = ""
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """A machine that is asked for and on its target already."""

    name: str
    host: str


@dataclass(frozen=True)
class Placement:
    """Everything that was asked for, in one of three ways; ``remarks`` are worth a look."""

    moves: tuple[Placed, ...] = ()
    there: tuple[AlreadyThere, ...] = ()
    unmovable: tuple[Unmovable, ...] = ()
    remarks: tuple[str, ...] = ()

    def without(self, more: Iterable[Unmovable]) -> "Placement":
        """The same, with further machines that can't be moved."""
        return replace(self, unmovable=(*self.unmovable, *more))
