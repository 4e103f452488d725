"""What a directory must be able to do: to be read, to be asked about people, to be changed.

Three protocols, each with more than the one before: what only reads is never handed a write.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol
from uuid import UUID

from delegation.changes.outcomes import Absent, Changer
from delegation.changes.plan import Target
from delegation.events import Progress
from delegation.mesh.snapshot import Computer, Directory
from delegation.mesh.spn_mappings import SpnMappings
from delegation.mesh.state import Delegation, DelegationChange, DelegationOutcome

if TYPE_CHECKING:
    from delegation.mesh.delegator import Delegator


class AccountOrigin(NamedTuple):
    """Whose an account is, by name or else by SID; empty where the directory does not tell.

    ``creator`` made it through the machine-account quota; ``owner`` is its security descriptor's,
    which for all other accounts is most often a group of administrators.
    """

    creator: str = ""
    owner: str = ""


class Reader(Protocol):
    """A directory to look at. Raises DirectoryError where it can't be read."""

    @property
    def directory(self) -> Directory: ...

    def find(
        self,
        computer_names: Collection[str],
        spns: Collection[str] = (),
        users: Collection[str] = (),
    ) -> list[Computer]:
        """The accounts so named (sAMAccountName without ``$``), in one search where possible.

        ``users`` are accounts by their whole sAMAccountName.

        With them come the accounts that hold an explicit SPN of a managed service, or one of
        ``spns``, and the domain controllers: whoever resolves names must see those too.
        """

    def spn_mappings(self) -> SpnMappings:
        """Which registered names stand for others; what is delivered where that can't be read."""

    def read(self, guids: Collection[UUID]) -> Mapping[UUID, Computer]:
        """The accounts as they are now, found by objectGUID; those that are gone are left out."""

    def origins(self, accounts: Collection[Computer]) -> Mapping[UUID, AccountOrigin]:
        """Who made each of these accounts; a question for each, so of few."""

    def close(self) -> None: ...


class Inspector(Reader, Protocol):
    """A directory that also tells about people, groups and rights: for findings, not for plans."""

    def computers(self, pattern: str = "*") -> list[Computer]:
        """Every computer account whose name, without ``$``, fits ``pattern`` (``*`` for any)."""

    def people(self, name: str) -> list[Computer]:
        """The accounts of this domain that ``name`` means.

        A sAMAccountName, ``DOMAIN\\user`` with this domain's name, or a user principal name.
        """

    def domains(self) -> Mapping[str, str]:
        """DNS names of the forest's domains by NetBIOS name, casefolded, as far as they show."""

    def token(self, account: Computer) -> frozenset[str] | None:
        """The SIDs of ``account`` and all its groups, nested ones too; None: it can't be told."""

    def account_names(self, sids: Collection[str]) -> Mapping[str, str]:
        """sAMAccountName by SID, of those that the domain knows."""

    def delegators(self, known: int, progress: Progress) -> "list[Delegator]":
        """Every account of the domain with a list of its own, and krbtgt, as far as it is seen.

        The directory reads all of its accounts for that. ``known``: how many are expected, as
        those of the inventory; ``progress`` hears how many have come, of a total that nobody knows.
        """

    def writable(self, guids: Collection[UUID]) -> Mapping[UUID, frozenset[str]] | None:
        """The attributes, casefolded, that the ACLs let the bound account write, by object.

        From allowedAttributesEffective (MS-ADTS 3.1.1.4.5.21). None: it can't be told. What only
        a privilege grants is not in it.
        """

    def own_token(self) -> frozenset[str] | None:
        """The SIDs of the account that is logged on, and of its groups; None: it can't be told."""


class Writer(Reader, Changer[Delegation], Protocol):
    """A directory to change."""

    def writable(self, guids: Collection[UUID]) -> Mapping[UUID, frozenset[str]] | None:
        """As Inspector.writable."""

    def own_account(self) -> str | None:
        """Whom the directory knows as the one who is logged on; None: it does not tell."""

    def write(self, changes: Iterable[DelegationChange]) -> Iterator[DelegationOutcome]:
        """Make each change in one atomic modify of value-level deltas; yield each outcome.

        Values are added and deleted one by one and never replaced: a replacement would wipe out
        what somebody else has added since the object was read. userAccountControl changes by
        deleting exactly its old value and adding the new one in that same modify (MS-ADTS
        3.1.1.5.3), so that a bit that was flipped meanwhile refuses it. The first change is made
        alone, so that missing rights touch nothing else; the others follow together.
        """


def delegations(reader: Reader, targets: Collection[Target]) -> dict[UUID, Delegation | Absent]:
    """What a directory's ``look`` gives: the accounts by GUID, each as a state."""
    accounts = reader.read([target.guid for target in targets])
    states: dict[UUID, Delegation | Absent] = {}
    for target in targets:
        account = accounts.get(target.guid)
        states[target.guid] = _NOT_FOUND if account is None else Delegation.of(account)
    return states


_NOT_FOUND = Absent("not found by its GUID")
"""Deleted, in the recycle bin, moved out of sight, or not for this account to see: all alike."""
