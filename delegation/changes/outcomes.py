"""The seams between the core and the world: what a directory and a journal must be able to do.

Drivers receive these as arguments; ``directory/``, ``hyperv/`` and ``journal.py`` implement them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol
from uuid import UUID

from delegation.changes.plan import Change, Delegation, DelegationChange, S, Target
from delegation.mesh.snapshot import Computer, Directory


class Result(StrEnum):
    """What became of one change."""

    APPLIED = "applied"
    REFUSED = "refused"
    """The directory said no to this object alone: it has changed, or is gone."""
    FAILED = "failed"
    """The directory said no, and would to the others: no rights, or unable."""
    UNKNOWN = "unknown"
    """No answer came: the change may or may not have been made."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[S]):
    """One change and its result; ``stops`` tells that going on is pointless.

    ``reached`` False: the object was never got at, and so nothing was tried.
    """

    change: Change[S]
    result: Result
    reason: str = ""
    stops: bool = False
    reached: bool = True


DelegationOutcome = Outcome[Delegation]


@dataclass(frozen=True, slots=True)
class Absent:
    """An object that could not be read. ``for_good``: it is gone, and not just out of reach."""

    why: str
    for_good: bool = True


class Changer(Protocol[S]):
    """Objects to look at and to change, of one kind."""

    @property
    def window(self) -> int:
        """How many changes it is best given at a time: they are recorded and settled together."""

    def look(self, targets: Collection[Target]) -> Mapping[UUID, S | Absent]:
        """Every one of them as it is now. Raises DelegationError where nothing can be read."""

    def write(self, changes: Iterable[Change[S]]) -> Iterator[Outcome[S]]:
        """Make each change in one atomic step; yield each outcome, in any order, one a change.

        Nothing is raised for what is answered or for a lost connection: those are outcomes.
        """


class Reader(Protocol):
    """A directory to look at. Raises DirectoryError where it can't be read."""

    @property
    def directory(self) -> Directory: ...

    def find(self, computer_names: Collection[str], spns: Collection[str] = ()) -> list[Computer]:
        """The accounts so named (sAMAccountName without ``$``), in one search where possible.

        With them come the accounts that hold an explicit SPN of a managed service, or one of
        ``spns``, and the domain controllers: whoever resolves names must see those too.
        """

    def read(self, guids: Collection[UUID]) -> Mapping[UUID, Computer]:
        """The accounts as they are now, found by objectGUID; those that are gone are left out."""

    def close(self) -> None: ...


class Inspector(Reader, Protocol):
    """A directory that also tells about people, groups and rights: for findings, not for plans."""

    def computers(self, pattern: str = "*") -> list[Computer]:
        """Every computer account whose name, without ``$``, fits ``pattern`` (``*`` for any)."""

    def people(self, name: str) -> list[Computer]:
        """The accounts that ``name`` means: a sAMAccountName or a user principal name."""

    def token(self, account: Computer) -> frozenset[str] | None:
        """The SIDs of ``account`` and all its groups, nested ones too; None: it can't be told."""

    def account_names(self, sids: Collection[str]) -> Mapping[str, str]:
        """sAMAccountName by SID, of those that the domain knows."""

    def writable(self, guids: Collection[UUID]) -> Mapping[UUID, frozenset[str]] | None:
        """The attributes, casefolded, that the ACLs let the bound account write, by object.

        From allowedAttributesEffective (MS-ADTS 3.1.1.4.5.21). None: it can't be told. What only
        a privilege grants is not in it.
        """

    def own_token(self) -> frozenset[str] | None:
        """The SIDs of the account that is logged on, and of its groups; None: it can't be told."""


class Writer(Reader, Changer[Delegation], Protocol):
    """A directory to change."""

    def write(self, changes: Iterable[DelegationChange]) -> Iterator[DelegationOutcome]:
        """Make each change in one atomic modify of value-level deltas; yield each outcome.

        userAccountControl changes by deleting exactly its old value and adding the new one in
        that same modify (MS-ADTS 3.1.1.5.3). The first change is made alone, so that missing
        rights touch nothing else; the others follow together.
        """


def delegations(reader: Reader, targets: Collection[Target]) -> dict[UUID, Delegation | Absent]:
    """What a directory's ``look`` gives: the accounts by GUID, each as a state."""
    now = reader.read([target.guid for target in targets])
    return {
        target.guid: Delegation.of(now[target.guid]) if target.guid in now else _GONE
        for target in targets
    }


_GONE = Absent("the computer object is gone")


class Record(Protocol[S]):
    """One run's page in the journal. Raises JournalError where nothing can be recorded."""

    def intend(self, changes: Sequence[Change[S]]) -> None:
        """Commit that these writes are about to happen."""

    def settle(self, outcomes: Sequence[Outcome[S]]) -> None:
        """Commit what became of them."""
