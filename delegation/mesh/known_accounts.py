"""Accounts as read, accounts as known before -> which are others than they were, or are new.

A name is given again, and an account is made again by every reinstallation that joins anew. The
new object has another objectGUID, another password and perhaps another owner, and would inherit all
that hosts have been given by its name. So the first object that was seen under a name is the one
that is meant, until a person says otherwise: by an apply that allows another, or in the inventory.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from uuid import UUID

from delegation.inventory import Inventory
from delegation.inventory.former_names import former_names, names_of
from delegation.mesh.compare import Comparison
from delegation.mesh.desired import Endpoint
from delegation.mesh.identities import (
    NEW_ACCOUNT_RULE,
    AccountName,
    Identities,
    KnownAccount,
    KnownAccounts,
    NewAccount,
    QuotaAccount,
    RenamedAccount,
)
from delegation.mesh.seams import AccountOrigin, Reader
from delegation.mesh.snapshot import Computer

_WITHOUT_GUID = 5
"""The version of UUIDs that are derived from a name, for exports without objectGUID."""


def is_accepted(inventory: Inventory, label: str, guid: UUID, today: date) -> bool:
    """Whether an accept rule names exactly that object as the one of that host."""
    for rule in inventory.accept:
        is_of_it = rule.rule == NEW_ACCOUNT_RULE and rule.value.casefold() == str(guid)
        is_over = rule.expires is not None and rule.expires < today
        if is_of_it and label in rule.hosts and not is_over:
            return True
    return False


def has_identity(account: Computer) -> bool:
    """Whether its objectGUID is the directory's own, and not made of its name."""
    return account.guid.version != _WITHOUT_GUID


def identified(comparison: Comparison, known: KnownAccounts, reader: Reader) -> Identities:
    """Which accounts in scope, or reached from there, are others than they were, or are new."""
    others = list(_others(comparison, known))
    strangers = list(_made_by_quota(comparison))
    asked = [account for _, account, _ in others] + [account for _, account in strangers]
    origins = reader.origins(asked) if asked else {}
    new_accounts = []
    for label, account, meant in others:
        made, earlier = _made(account, origins), _earlier(known, account)
        accepted = is_accepted(comparison.inventory, label, account.guid, comparison.today)
        new_accounts.append(NewAccount(label, account, meant, made, earlier, accepted))
    by_quota = []
    for label, account in strangers:
        by_quota.append(QuotaAccount(label, account, _made(account, origins)))
    return Identities(
        tuple(new_accounts),
        tuple(_renamed(comparison, known)),
        tuple(by_quota),
        _moved(comparison, known, reader),
    )


def accounts_in_reach(comparison: Comparison) -> dict[str, Computer]:
    """The accounts of hosts in scope, and of what they reach, by label."""
    found = {host.label: host.computer for host in comparison.hosts}
    for endpoint in comparison.endpoints:
        account = comparison.snapshot.computer(endpoint.computer)
        if account is not None:
            found.setdefault(endpoint.label, account)
    return found


def _others(
    comparison: Comparison, known: KnownAccounts
) -> Iterator[tuple[str, Computer, KnownAccount]]:
    if known.is_empty:
        return
    for label, account in accounts_in_reach(comparison).items():
        meant = known.meant_by(account.name, label)
        if meant is None or meant.guid == account.guid or not has_identity(account):
            continue
        yield label, account, meant


def _made_by_quota(comparison: Comparison) -> Iterator[tuple[str, Computer]]:
    """Hosts that somebody joined by himself, and that neither hold nor are named in any value yet.

    Whoever may make a computer account knows its first password, and may write its names
    (MS-ADTS 3.1.1.5.2.1.2; ms-DS-MachineAccountQuota is ten for everybody by default).
    """
    named: set[str] = set()
    if any(host.computer.creator for host in comparison.hosts):
        for host in comparison.hosts:
            named.update(value.casefold() for value in host.present)
    for host in comparison.hosts:
        if not host.computer.creator or host.present:
            continue
        own = Endpoint.of_host(host.delegate.host)
        if not named.intersection(own.keys):
            yield host.label, host.computer


def _made(account: Computer, origins: Mapping[UUID, AccountOrigin]) -> str:
    """When an account was made and by whom, as far as the directory tells."""
    created = account.created
    when = f"made on {created:%Y-%m-%d %H:%M} UTC" if created else "made at an unknown time"
    origin = origins.get(account.guid, AccountOrigin())
    if account.creator:
        creator = origin.creator or account.creator
        return f"{when} by {creator}, through the machine-account quota"
    owner = f" (its owner is {origin.owner})" if origin.owner else ""
    return f"{when}, by whom is not known{owner}"


def _earlier(known: KnownAccounts, account: Computer) -> tuple[AccountName, ...]:
    """The names of an object that are not those that it has."""
    now = AccountName(account.name.casefold(), (account.dns_host_name or "").casefold())
    return tuple(name for name in known.called.get(account.guid, ()) if name != now)


def _renamed(comparison: Comparison, known: KnownAccounts) -> Iterator[RenamedAccount]:
    inventory = comparison.inventory
    if not known.called:
        return
    said = {*former_names(inventory)}
    said.update(names_of(inventory.hosts.values(), inventory.file_servers))
    for host in comparison.hosts:
        earlier = _earlier(known, host.computer)
        names = dict.fromkeys(name for one in earlier for name in one)
        unsaid = tuple(name for name in names if name and name not in said)
        if unsaid:
            yield RenamedAccount(host.label, host.computer, earlier, unsaid)


def _moved(comparison: Comparison, known: KnownAccounts, reader: Reader) -> Mapping[str, Computer]:
    """Hosts without an account of their name, of which the known object is there under another."""
    missing = {name.casefold() for name in comparison.snapshot.missing}
    if not missing or known.is_empty:
        return {}
    meant: dict[str, UUID] = {}
    for label, delegate in comparison.desired.delegates.items():
        computer = delegate.host.computer
        account = known.meant_by(computer, label) if computer.casefold() in missing else None
        if account is not None:
            meant[label] = account.guid
    found = reader.read(list(meant.values())) if meant else {}
    return {label: found[guid] for label, guid in meant.items() if guid in found}
