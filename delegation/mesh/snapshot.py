"""What was read from a directory: computers, and how the inventory's names resolve to them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from delegation import names

ACCOUNTDISABLE = 0x2
WORKSTATION_TRUST_ACCOUNT = 0x1000
SERVER_TRUST_ACCOUNT = 0x2000
TRUSTED_FOR_DELEGATION = 0x80000
NOT_DELEGATED = 0x100000
TRUSTED_TO_AUTH_FOR_DELEGATION = 0x1000000
PARTIAL_SECRETS_ACCOUNT = 0x4000000
"""Bits of userAccountControl (MS-ADTS 2.2.16)."""

DOMAIN_CONTROLLER_GROUPS = frozenset({516, 521})
"""primaryGroupID of writable and of read-only domain controllers (MS-ADTS 6.1.1.6)."""


PROTECTED_USERS_RID = 525
"""Relative identifier of the domain's group Protected Users (MS-ADTS 6.1.1.4.13.9)."""


class Ace(NamedTuple):
    """One entry of an access-control list: allows or denies the ``mask`` of rights to ``sid``."""

    allows: bool
    mask: int
    sid: str


@dataclass(frozen=True, slots=True)
class Computer:
    """One computer account as the directory holds it.

    ``account`` is the sAMAccountName, with the ``$`` that tells a computer from a user (who may
    hold a host's service principal name); ``name`` is the same without it; ``values`` is
    msDS-AllowedToDelegateTo and ``spns`` is servicePrincipalName, both in the order in which the
    directory gave them. ``acting`` is who may act here on behalf of others: the list of
    msDS-AllowedToActOnBehalfOfOtherIdentity, in its order. ``sid`` is empty where it was not read.
    """

    account: str
    dn: str
    guid: UUID
    uac: int
    values: tuple[str, ...] = ()
    dns_host_name: str | None = None
    primary_group: int | None = None
    spns: tuple[str, ...] = ()
    object_classes: frozenset[str] = frozenset()
    sid: str = ""
    acting: tuple[Ace, ...] = ()
    admin_count: int = 0

    @property
    def enabled(self) -> bool:
        return not self.uac & ACCOUNTDISABLE

    @property
    def name(self) -> str:
        return self.account.removesuffix("$")

    @property
    def is_domain_controller(self) -> bool:
        """Also true of a read-only one: a service ticket for cifs there is the domain's."""
        return (
            bool(self.uac & (SERVER_TRUST_ACCOUNT | PARTIAL_SECRETS_ACCOUNT))
            or self.primary_group in DOMAIN_CONTROLLER_GROUPS
        )

    @property
    def not_a_computer(self) -> str:
        """Why this account is no machine's at all; empty where nothing speaks against it."""
        if "msds-groupmanagedserviceaccount" in self.object_classes:
            return "a group-managed service account"
        if not self.uac & (WORKSTATION_TRUST_ACCOUNT | SERVER_TRUST_ACCOUNT):
            return "not a computer account (userAccountControl lacks 0x1000)"
        return ""

    @property
    def not_a_host(self) -> str:
        """Why this account can't be a Hyper-V host; empty where nothing speaks against it.

        Every network name of a cluster carries MSClusterVirtualServer names, that of a scale-out
        file server too: such an account is no host, but may well be a file server.
        """
        if self.not_a_computer:
            return self.not_a_computer
        if any(spn.casefold().startswith("msclustervirtualserver/") for spn in self.spns):
            return "a cluster name object"
        return ""


@dataclass(frozen=True, slots=True)
class Directory:
    """Which directory: its URL, DNS domain, naming context, and the DC (or file) that answered."""

    url: str
    domain: str
    base_dn: str
    dc: str


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who runs migrations, as found: ``account`` None where nobody has that ``name``.

    ``token`` holds the SIDs of the account and of every group it is in, nested ones too; None
    where the directory doesn't tell.
    """

    name: str
    account: Computer | None
    token: frozenset[str] | None = None

    @property
    def not_delegated(self) -> bool:
        """Flagged "Account is sensitive and cannot be delegated"."""
        return self.account is not None and bool(self.account.uac & NOT_DELEGATED)

    @property
    def protected(self) -> bool | None:
        """Whether in Protected Users, nested groups included; None: unknown."""
        if self.account is None or self.token is None:
            return None
        group = f"{self.account.sid.rpartition('-')[0]}-{PROTECTED_USERS_RID}"
        return group in self.token


@dataclass(frozen=True)
class Snapshot:
    """The accounts that one read gave, resolved against the names that were asked for.

    ``computers`` maps each wanted name, casefolded, to its one account in the domain. The next
    three say why a name has none: no account, several, or one in another naming context.
    ``accounts`` is all that was read. ``operators``, and ``account_names`` (SID to name), hold what
    was looked up for findings; a plan does without.
    """

    directory: Directory
    computers: Mapping[str, Computer]
    missing: tuple[str, ...] = ()
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    accounts: tuple[Computer, ...] = ()
    domain_controller_names: frozenset[str] = frozenset()
    operators: tuple[Operator, ...] = ()
    account_names: Mapping[str, str] = field(default_factory=dict)

    def computer(self, name: str) -> Computer | None:
        return self.computers.get(name.casefold())

    @cached_property
    def _holders(self) -> Mapping[str, list[Computer]]:
        holders: dict[str, list[Computer]] = defaultdict(list)
        for account in self.accounts:
            for spn in account.spns:
                holders[spn.casefold()].append(account)
        return holders

    def holders(self, spn: str) -> list[Computer]:
        """The accounts, of those that were read, on which ``spn`` is registered explicitly."""
        return self._holders.get(spn.casefold(), [])

    def owners(self, spn: str) -> list[Computer]:
        """The accounts that a ticket for ``spn`` would be for: one, if all is well.

        An explicit registration wins; without one, a service that HOST stands for belongs to the
        holder of HOST/… (sPNMappings of the directory service, as in ``names.HOST_ALIASES``).
        """
        return self.holders(spn) or (self.holders(host) if (host := names.host_spn(spn)) else [])


def resolve(
    directory: Directory,
    wanted: Iterable[str],
    accounts: Iterable[Computer],
    search_bases: Collection[str] = (),
) -> Snapshot:
    """What ``accounts`` say about the ``wanted`` computer names (sAMAccountName without ``$``).

    Another domain is told by the naming context of the distinguished name, never by a suffix.
    With ``search_bases`` only accounts below one of them count.
    """
    home = names.dn_key(directory.base_dn)
    bases = tuple("," + names.dn_key(base) for base in search_bases)
    by_name: dict[str, list[Computer]] = defaultdict(list)
    accounts = tuple(accounts)
    controllers: set[str] = set()
    for account in accounts:
        if account.account.endswith("$"):
            by_name[account.name.casefold()].append(account)
        if account.is_domain_controller:
            controllers |= _names_of(account)
    computers: dict[str, Computer] = {}
    missing: list[str] = []
    ambiguous: dict[str, tuple[str, ...]] = {}
    elsewhere: dict[str, str] = {}
    for name in wanted:
        key = name.casefold()
        found = by_name.get(key, [])
        here = [
            account
            for account in found
            if names.naming_context(account.dn) == home
            and (not bases or names.dn_key(account.dn).endswith(bases))
        ]
        if len(here) == 1:
            computers[key] = here[0]
        elif here:
            ambiguous[name] = tuple(c.dn for c in here)
        elif found:
            elsewhere[name] = found[0].dn
        else:
            missing.append(name)
    return Snapshot(
        directory,
        computers,
        tuple(missing),
        ambiguous,
        elsewhere,
        accounts,
        frozenset(controllers),
    )


def _names_of(account: Computer) -> set[str]:
    """Every host name, casefolded, under which a ticket for ``account`` could be asked."""
    hosts = {account.name.casefold()}
    if account.dns_host_name:
        hosts.add(account.dns_host_name.casefold())
    for spn in account.spns:
        parsed = names.ServicePrincipalName.parse(spn)
        if parsed:
            hosts.add(parsed.host.casefold())
    return hosts
