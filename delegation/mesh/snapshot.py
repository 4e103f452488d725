"""Accounts as read, names -> Snapshot: which account each name of the inventory means."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from delegation import names
from delegation.mesh.account_scope import AccountScope
from delegation.mesh.spn_mappings import ASSUMED, SpnMappings

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
    """One entry of an access-control list: allows or denies the ``mask`` of rights to ``sid``.

    Not ``is_certain``: it has a condition, or may be for a part of the object alone.
    """

    allows: bool
    mask: int
    sid: str
    is_certain: bool = True


class Computer(NamedTuple):
    """One computer account as the directory holds it.

    ``account`` is the sAMAccountName, with the ``$`` that tells a computer from a user (who may
    hold a host's service principal name); ``name`` is the same without it; ``values`` is
    msDS-AllowedToDelegateTo and ``spns`` is servicePrincipalName, both in the order in which the
    directory gave them. ``acting`` is who may act here on behalf of others: the list of
    msDS-AllowedToActOnBehalfOfOtherIdentity, in its order. ``sid`` is empty where it was not read.
    ``last_logon`` is the day, in UTC, of a logon that the whole domain has heard of
    (lastLogonTimestamp), ``created`` when it was made (whenCreated); None where it was not read.
    ``creator`` is the SID of whoever made it through the machine-account quota, and empty of others
    (mS-DS-CreatorSID). ``more_names`` are full names that the computer answers to besides
    (msDS-AdditionalDnsHostName); ``principal`` is the userPrincipalName. ``encryption_types`` are
    the bits of msDS-SupportedEncryptionTypes; None where it is not set, or was not read.
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
    last_logon: date | None = None
    created: datetime | None = None
    creator: str = ""
    more_names: tuple[str, ...] = ()
    principal: str | None = None
    encryption_types: int | None = None

    @property
    def enabled(self) -> bool:
        return not self.uac & ACCOUNTDISABLE

    @property
    def name(self) -> str:
        return self.account.removesuffix("$")

    @property
    def is_domain_controller(self) -> bool:
        """Also true of a read-only one: a service ticket for cifs there is the domain's."""
        # By either sign: an export may lack primaryGroupID, and one of the two may be forged.
        has_its_flag = bool(self.uac & (SERVER_TRUST_ACCOUNT | PARTIAL_SECRETS_ACCOUNT))
        return has_its_flag or self.primary_group in DOMAIN_CONTROLLER_GROUPS

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


class Directory(NamedTuple):
    """Which directory: its URL, DNS domain, naming context, and the DC (or file) that answered."""

    url: str
    domain: str
    base_dn: str
    dc: str


class Operator(NamedTuple):
    """Somebody who runs migrations, as found: ``account`` None where nobody has that ``name``.

    ``elsewhere``: the domain that he is of, where it is another one and was not looked at.
    ``token`` holds the SIDs of the account and of every group it is in, nested ones too; None
    where the directory doesn't tell.
    """

    name: str
    account: Computer | None
    token: frozenset[str] | None = None
    elsewhere: str = ""

    @property
    def not_delegated(self) -> bool:
        """Flagged "Account is sensitive and cannot be delegated"."""
        return self.account is not None and bool(self.account.uac & NOT_DELEGATED)

    @property
    def protected(self) -> bool | None:
        """Whether in Protected Users, nested groups included; None: unknown."""
        if self.account is None or self.token is None:
            return None
        # By SID: the group has another name in every language of Windows.
        domain_sid = self.account.sid.rpartition("-")[0]
        return f"{domain_sid}-{PROTECTED_USERS_RID}" in self.token


@dataclass(frozen=True)
class Snapshot:
    """The accounts that one read gave, resolved against the names that were asked for.

    ``computers`` maps each wanted name, casefolded, to its one account in the domain. The next
    three say why a name has none: no account, several, or one in another naming context.
    ``accounts`` is all that was read. ``operators``, and ``account_names`` (SID to name), hold what
    was looked up for findings; a plan does without. So it does without ``tokens``: the SIDs of
    retired accounts and their groups, by objectGUID, where somebody's list may mean one of these.
    ``mappings`` say which names stand for others.
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
    tokens: Mapping[UUID, frozenset[str]] = field(default_factory=dict)
    mappings: SpnMappings = ASSUMED

    def computer(self, name: str) -> Computer | None:
        """The one account of that name in the domain, if it has exactly one."""
        return self.computers.get(name.casefold())

    @cached_property
    def _holders(self) -> Mapping[str, dict[UUID, Computer]]:
        # By objectGUID: one account may hold a name in two spellings, and is still one.
        holders: dict[str, dict[UUID, Computer]] = defaultdict(dict)
        for account in self.accounts:
            for spn in account.spns:
                holders[spn.casefold()][account.guid] = account
        return holders

    def holders(self, spn: str) -> list[Computer]:
        """The accounts, of those that were read, on which ``spn`` is registered explicitly."""
        return list(self._holders.get(spn.casefold(), {}).values())

    def owners(self, spn: str) -> list[Computer]:
        """The accounts that a ticket for ``spn`` would be for: one, if all is well.

        An explicit registration wins; without one, a service that HOST stands for belongs to the
        holder of HOST/… (sPNMappings of the directory service). Accounts of the domain itself come
        before those of others: its KDC asks elsewhere only where it knows nobody.
        """
        return self.answering(spn)[1]

    def answering(self, spn: str) -> tuple[str, list[Computer]]:
        """The registered name that answers to ``spn``, itself or HOST/…, and who holds it."""
        return self.answering_by(spn, self.mappings.alias(spn))

    def answering_by(self, spn: str, alias: str | None) -> tuple[str, list[Computer]]:
        """The same where it is known already which ``alias`` stands for ``spn``."""
        registered = [(name, self.holders(name)) for name in (spn, alias) if name]
        if called := names.account_named(spn):
            registered = [(name, self._called.get(name, [])) for name in (called, f"{called}$")]
        for name, holders in registered:
            here = [it for it in holders if names.naming_context(it.dn) == self._home]
            if here:
                return name, here
        for name, holders in registered:
            if holders:
                return name, holders
        return alias or spn, []

    @cached_property
    def _called(self) -> Mapping[str, list[Computer]]:
        return names.grouped((account.account.casefold(), account) for account in self.accounts)

    @cached_property
    def _home(self) -> str:
        return names.dn_key(self.directory.base_dn)


def resolve(  # noqa: PLR0913 - whatever decides which account a name means
    directory: Directory,
    computer_names: Iterable[str],
    accounts: Iterable[Computer],
    search_bases: Collection[str] = (),
    mappings: SpnMappings = ASSUMED,
    *,
    anywhere: Collection[str] = (),
    users: Collection[str] = (),
) -> Snapshot:
    """Which of ``accounts`` each of ``computer_names`` (sAMAccountName without ``$``) means.

    With ``search_bases`` only accounts below one of them count, but for the names ``anywhere``
    and ``users``, whose account may be in all of the domain. ``users`` are whole sAMAccountNames,
    none of which is a computer's among ``computer_names``.
    """
    accounts = tuple(accounts)
    candidates: dict[str, list[Computer]] = defaultdict(list)
    controller_names: set[str] = set()
    user_keys = {name.casefold() for name in users}
    for account in accounts:
        is_computer = account.account.endswith("$")
        if is_computer is (account.name.casefold() not in user_keys):
            candidates[account.name.casefold()].append(account)
        if account.is_domain_controller:
            controller_names |= _ticket_names(account)
    computers: dict[str, Computer] = {}
    missing: list[str] = []
    ambiguous: dict[str, tuple[str, ...]] = {}
    elsewhere: dict[str, str] = {}
    in_bases = AccountScope.of(directory.base_dn, search_bases)
    in_domain = AccountScope.of(directory.base_dn, ())
    wanted = [(name, in_bases) for name in computer_names]
    wanted += [(name, in_domain) for name in (*anywhere, *users)]
    for name, scope in wanted:
        everywhere = candidates.get(name.casefold(), [])
        here = [account for account in everywhere if scope.holds(account.dn)]
        if len(here) == 1:
            computers[name.casefold()] = here[0]
        elif here:
            ambiguous[name] = tuple(account.dn for account in here)
        elif everywhere:
            elsewhere[name] = everywhere[0].dn
        else:
            missing.append(name)
    return Snapshot(
        directory,
        computers,
        tuple(missing),
        ambiguous,
        elsewhere,
        accounts,
        frozenset(controller_names),
        mappings=mappings,
    )


def _ticket_names(account: Computer) -> set[str]:
    """Every host name, casefolded, under which a ticket for ``account`` could be asked."""
    hosts = {account.name.casefold()}
    if account.dns_host_name:
        hosts.add(account.dns_host_name.casefold())
    for spn in account.spns:
        parsed = names.ServicePrincipalName.parse(spn)
        if parsed:
            hosts.add(parsed.host.casefold())
    return hosts
