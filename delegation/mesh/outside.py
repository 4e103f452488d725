"""Accounts that may delegate, Comparison -> which of them, outside the inventory, reach its hosts.

A host is as safe as the weakest account that may act as a user towards it, and of those an
inventory knows only its own. A list holds names of services and not hosts: a ticket for one name of
a host can be rewritten to cifs there, because the name is not in its encrypted part (RFC 4120 5.3).
So each name counts that leads to a host's account, of whatever service.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from delegation import names
from delegation.events import Progress
from delegation.mesh import facts, retirement
from delegation.mesh.compare import Comparison
from delegation.mesh.delegator import Delegator
from delegation.mesh.retirement import MeshNames
from delegation.mesh.seams import Inspector
from delegation.mesh.snapshot import Computer

SEARCHED = "the domain is searched for accounts that may delegate:"


class Outside(NamedTuple):
    """What a look at the whole domain brought: who may delegate, and krbtgt.

    ``listed_elsewhere`` are the objectGUIDs of the hosts that other inventories have.
    """

    delegators: tuple[Delegator, ...]
    krbtgt: Delegator | None = None
    listed_elsewhere: frozenset[str] = frozenset()


class Outsider(NamedTuple):
    """An account outside the inventory, with its values towards each host (by label)."""

    account: Delegator
    reached: Mapping[str, tuple[str, ...]]


def looked(
    comparison: Comparison, inspector: Inspector, progress: Progress
) -> tuple[Comparison, Outside]:
    """The domain around the hosts, and the comparison with whoever answers to what was found.

    One search that no index helps; a second one only where somebody's list has a name of another
    service that leads to a host. Raises DirectoryError.
    """
    known = len(comparison.desired.delegates)
    found = inspector.delegators(known, progress)
    krbtgt: Delegator | None = None
    delegating: list[Delegator] = []
    for account in found:
        if not facts.is_home(comparison.snapshot.directory, account.dn):
            continue
        if account.is_krbtgt and krbtgt is None:
            krbtgt = account
        if account.values:
            delegating.append(account)
    around = Outside(tuple(delegating), krbtgt)
    by_alias = _led_by_alias(comparison, around)
    if not by_alias:
        return comparison, around
    # Their names were not asked for: somebody else may have registered the very name.
    read_already = {account.guid for account in comparison.snapshot.accounts}
    holders = [it for it in inspector.find((), by_alias) if it.guid not in read_already]
    accounts = (*comparison.snapshot.accounts, *holders)
    snapshot = replace(comparison.snapshot, accounts=accounts)
    return replace(comparison, snapshot=snapshot), around


def _led_by_alias(comparison: Comparison, around: Outside) -> list[str]:
    """Values of outsiders of services that were not read, which lead to a host by HOST/… so far."""
    values: set[str] = set()
    for outsider in outsiders(comparison, around):
        for found in outsider.reached.values():
            values.update(found)
    return sorted(value for value in values if not _is_managed(value))


def _is_managed(value: str) -> bool:
    spn = names.ServicePrincipalName.parse(value)
    services = {service.casefold() for service in names.MANAGED_SERVICES}
    return spn is not None and spn.service.casefold() in services


def outsiders(comparison: Comparison, around: Outside) -> Iterator[Outsider]:
    """Who may delegate to hosts in scope and is none of the inventory's, if not told anyway.

    Of a host that was dropped, or of an account with a retired host's name that is not surely its
    own, only a part is told otherwise.
    """
    insiders = _insiders(comparison)
    retired = {former.name.casefold() for former in comparison.inventory.retired}
    ours = MeshNames.of(comparison.inventory)
    dropped = retirement.dropped(comparison.inventory, comparison.snapshot, comparison.labels)
    told_of = {str(one.account.guid): one.labels for one in dropped}
    reach = _Reach(comparison)
    for account in around.delegators:
        if account.identity in insiders:
            continue
        values = account.values
        if account.name.endswith("$") and account.name[:-1].casefold() in retired:
            values = tuple(value for value in values if not ours.leads_here(value))
        reached = reach.by_label(values)
        for label in told_of.get(account.identity, ()):
            reached.pop(label, None)
        if reached:
            yield Outsider(account, reached)


def _insiders(comparison: Comparison) -> set[str]:
    """The objectGUIDs of all hosts of the inventory, in scope or not, and of retired ones."""
    snapshot, inventory = comparison.snapshot, comparison.inventory
    accounts = [snapshot.computer(host.computer) for host in inventory.hosts.values()]
    accounts += [retirement.own_account(snapshot, former) for former in inventory.retired]
    return {str(account.guid) for account in accounts if account}


class _Reach:
    """Which host each value leads to: by the account that answers, or else by its name."""

    def __init__(self, comparison: Comparison) -> None:
        self._snapshot = comparison.snapshot
        self._in_scope: dict[UUID, str] = {
            host.computer.guid: host.label for host in comparison.hosts
        }
        self._labels = set(self._in_scope.values())
        self._by_name = MeshNames.of(comparison.inventory).hosts
        self._known: dict[str, str] = {}

    def by_label(self, values: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The values that lead to each host in scope."""
        found: dict[str, tuple[str, ...]] = {}
        for value in values:
            label = self._label(value)
            if label:
                found[label] = (*found.get(label, ()), value)
        return found

    def _label(self, value: str) -> str:
        if value not in self._known:
            self._known[value] = self._looked_up(value)
        return self._known[value]

    def _looked_up(self, value: str) -> str:
        owners = self._snapshot.owners(value)
        for owner in owners:
            if owner.guid in self._in_scope:
                return self._in_scope[owner.guid]
        spn = names.ServicePrincipalName.parse(value)
        if owners or spn is None:
            return ""
        # Nobody answers today: a host registers such a name itself when it starts.
        label = self._by_name.get(names.loose(spn.host), "")
        return label if label in self._labels else ""


def unlisted(comparison: Comparison, around: Outside) -> Iterator[Computer]:
    """Computers that have registered the migration service, and that no inventory lists."""
    inventory, snapshot = comparison.inventory, comparison.snapshot
    known = {str(account.guid) for account in snapshot.computers.values()}
    known |= around.listed_elsewhere
    # Whoever was dropped, and still delegates to the hosts, is told as that.
    dropped = retirement.dropped(inventory, snapshot, comparison.labels)
    known |= {str(one.account.guid) for one in dropped}
    # One that is called as the inventory has it, and can't be judged, is told as that too.
    called = {former.name.casefold() for former in inventory.retired}
    called |= {host.computer.casefold() for host in inventory.hosts.values()}
    for account in snapshot.accounts:
        is_known = str(account.guid) in known or account.name.casefold() in called
        is_machine = not account.not_a_host and not account.is_domain_controller
        if is_known or not is_machine or not account.enabled:
            continue
        is_home = facts.is_home(snapshot.directory, account.dn)
        if is_home and any(retirement.host_of(spn, names.MIGRATION) for spn in account.spns):
            yield account
