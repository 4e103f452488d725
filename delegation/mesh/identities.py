"""Which objects accounts are: as known before, and what there is to say of them now."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from delegation.mesh.snapshot import Computer

NEW_ACCOUNT = "new-account"
"""Why a plan is refused whose host is another object than the one known by its name."""
NEW_ACCOUNT_RULE = "KCD025"
"""The finding of the same; accepted with the object's GUID as its value, it is no reason to refuse.
"""


class KnownAccount(NamedTuple):
    """The object that a name means: since which run, and since when (ISO 8601 in UTC).

    ``is_allowed``: an apply went by it. Else an audit has seen it first.
    """

    guid: UUID
    run: int
    since: str
    is_allowed: bool = False


class AccountName(NamedTuple):
    """How an account was called: its sAMAccountName without ``$``, and its dNSHostName if any."""

    computer: str
    fqdn: str

    def __str__(self) -> str:
        full = f" ({self.fqdn})" if self.fqdn else ""
        return f"{self.computer}${full}"


class KnownAccounts(NamedTuple):
    """What the journal knows of a directory's accounts, by casefolded name and by objectGUID.

    ``by_label`` are those of which version 0.1.0 recorded only what the inventory called them.
    """

    by_name: Mapping[str, KnownAccount] = MappingProxyType({})
    by_label: Mapping[str, KnownAccount] = MappingProxyType({})
    called: Mapping[UUID, tuple[AccountName, ...]] = MappingProxyType({})

    @property
    def is_empty(self) -> bool:
        return not (self.by_name or self.by_label)

    def meant_by(self, computer: str, label: str) -> KnownAccount | None:
        """The object that a computer's name means, by what was said last."""
        found = (self.by_name.get(computer.casefold()), self.by_label.get(label.casefold()))
        return max(filter(None, found), key=_weight, default=None)

    def has_allowed(self, account: Computer) -> bool:
        """Whether an apply has gone by exactly this object under exactly these names."""
        known = self.by_name.get(account.name.casefold())
        if known is None or not known.is_allowed or known.guid != account.guid:
            return False
        fqdn = (account.dns_host_name or "").casefold()
        return AccountName(account.name.casefold(), fqdn) in self.called.get(account.guid, ())


def _weight(known: KnownAccount) -> tuple[bool, int]:
    """What was allowed last counts; where nothing was, what was seen first."""
    return known.is_allowed, known.run if known.is_allowed else -known.run


class NewAccount(NamedTuple):
    """The account of a host, or of what hosts reach, that is another object than the known one.

    ``is_accepted``: the inventory itself names it.
    """

    label: str
    account: Computer
    known: KnownAccount
    origin: str
    earlier: tuple[AccountName, ...] = ()
    is_accepted: bool = False

    @property
    def override(self) -> str:
        return f"{NEW_ACCOUNT}={self.label}"

    @property
    def what(self) -> str:
        called = f" (it was {self.earlier[-1]})" if self.earlier else ""
        return (
            f"{self.account.account}{called} is another account than in run {self.known.run} "
            f"({self.known.since[:10]}): {self.origin}"
        )

    @property
    def look(self) -> str:
        return f"look whether {self.label} was reinstalled, or joined again, then"


class RenamedAccount(NamedTuple):
    """A host's account that had other names; ``unsaid``: those of which the inventory is silent."""

    label: str
    account: Computer
    earlier: tuple[AccountName, ...]
    unsaid: tuple[str, ...]

    @property
    def what(self) -> str:
        now = AccountName(self.account.name, self.account.dns_host_name or "")
        return f"{now} was {' and '.join(map(str, self.earlier))}: the same account, by objectGUID"

    @property
    def fix(self) -> str:
        listed = ", ".join(self.unsaid)
        return f"say former: [{listed}] at {self.label}, and what still names it so goes"


class QuotaAccount(NamedTuple):
    """A host's account that somebody made by himself, before the host is in any mesh."""

    label: str
    account: Computer
    origin: str

    @property
    def what(self) -> str:
        return f"{self.account.account} is new to the mesh, and was {self.origin}"

    @property
    def fix(self) -> str:
        return (
            "whoever made it knows its first password and may write its names: ask him, or have it "
            "made anew by an administrator before it joins the mesh"
        )


class Identities(NamedTuple):
    """What there is to say about which objects the accounts of a comparison are.

    ``moved`` are hosts whose account has another name now, by label, with that name.
    """

    new: tuple[NewAccount, ...] = ()
    renamed: tuple[RenamedAccount, ...] = ()
    by_quota: tuple[QuotaAccount, ...] = ()
    moved: Mapping[str, Computer] = MappingProxyType({})
