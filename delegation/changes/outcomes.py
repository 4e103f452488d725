"""What becomes of changes, and who makes and records them: the seams of every kind of change."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Generic, NamedTuple, Protocol
from uuid import UUID

from delegation.changes.plan import Change, S, Target


class Result(StrEnum):
    """What became of one change.

    A network call has three endings, not two: yes, no, and no answer. The third one is a result of
    its own, because a rollback must neither forget such a change nor take back what never was.
    """

    APPLIED = "applied"
    REFUSED = "refused"
    """The directory said no to this object alone: it has changed, or is gone."""
    FAILED = "failed"
    """The directory said no, and would to the others: no rights, or unable."""
    UNKNOWN = "unknown"
    """No answer came: the change may or may not have been made."""


class Outcome(NamedTuple, Generic[S]):
    """One change and its result; ``stops`` tells that going on is pointless.

    ``reached`` False: the object was never got at, and so nothing was tried.
    """

    change: Change[S]
    result: Result
    reason: str = ""
    stops: bool = False
    reached: bool = True


class Absent(NamedTuple):
    """An object that could not be read.

    ``for_good``: whoever was asked knows none of that identity; otherwise it is just out of reach.
    The first is not the last word: a deleted object comes back from the recycle bin, which an
    account that may write need not see into.
    """

    why: str
    for_good: bool = True


def is_out_of_reach(state: object) -> bool:
    """Whether nobody could tell of an object, not even that there is none."""
    return isinstance(state, Absent) and not state.for_good


class Changer(Protocol[S]):
    """Objects to look at and to change, of one kind."""

    @property
    def window(self) -> int:
        """How many changes it is best given at a time: they are recorded and settled together.

        That many are in doubt at most where the process is killed.
        """

    def look(self, targets: Collection[Target]) -> Mapping[UUID, S | Absent]:
        """Every one of them as it is now. Raises DelegationError where nothing can be read."""

    def write(self, changes: Iterable[Change[S]]) -> Iterator[Outcome[S]]:
        """Make each change in one atomic step; yield each outcome, in any order, one a change.

        Nothing is raised for what is answered or for a lost connection: those are outcomes.
        """


class ChangeRecord(Protocol[S]):
    """What the journal keeps of one run. Raises JournalError where nothing can be recorded."""

    def intend(self, changes: Sequence[Change[S]]) -> None:
        """Commit that these writes are about to happen."""

    def settle(self, outcomes: Sequence[Outcome[S]]) -> None:
        """Commit what became of them."""
