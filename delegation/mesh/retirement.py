"""Inventory, Snapshot -> the accounts of hosts that have left the mesh: retired, or just dropped.

That a host is gone takes nothing from its account. Whoever finds its disk has the account's
password, and with it all that the account may still do: a list knows names, and no age.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from delegation import names
from delegation.inventory import Inventory, OwnValues, Retired
from delegation.inventory.former_names import former_names
from delegation.mesh import facts
from delegation.mesh.snapshot import Computer, Snapshot
from delegation.mesh.state import DelegationPlan, removed


class MeshNames(NamedTuple):
    """Under which names, casefolded, the machines of an inventory can be asked for.

    ``hosts`` gives the label of each; ``former`` that of the host which had the name.
    """

    hosts: Mapping[str, str]
    retired: frozenset[str]
    file_servers: frozenset[str]
    former: Mapping[str, str]

    @classmethod
    def of(cls, inventory: Inventory) -> "MeshNames":
        hosts: dict[str, str] = {}
        for host in inventory.hosts.values():
            hosts[host.computer.casefold()] = host.label
            hosts[host.fqdn.casefold()] = host.label
        retired: set[str] = set()
        for former in inventory.retired:
            retired |= {former.name.casefold(), former.fqdn.casefold()}
        servers: set[str] = set()
        for server in inventory.file_servers:
            servers |= {name.casefold() for name in server.names}
        former_of = former_names(inventory)
        return cls(hosts, frozenset(retired), frozenset(servers), former_of)

    def leads_here(self, value: str) -> bool:
        """Whether a value is of a service that we manage, towards one of these machines."""
        target = host_of(value, names.MIGRATION) or host_of(value, names.CIFS)
        is_host = target in self.hosts or target in self.former
        return is_host or target in self.retired or target in self.file_servers


def host_of(value: str, service: str) -> str:
    """The casefolded host of ``value`` where it is one of ``service``, else an empty string."""
    spn = names.ServicePrincipalName.parse(value)
    if spn is None or spn.service.casefold() != service.casefold():
        return ""
    return spn.host.casefold()


def taken_back(inventory: Inventory, limit: Collection[str] | None) -> Iterator[Retired]:
    """The retired hosts whose accounts a plan looks at; of a limited one, those that it names."""
    for former in inventory.retired:
        if former.own is OwnValues.REMOVE and (limit is None or former.name in limit):
            yield former


def takes_from(plan: DelegationPlan, former: Retired) -> bool:
    """Whether a plan changes a retired host's account, or takes a value towards it from a peer."""
    called = {former.name.casefold(), former.fqdn.casefold()}
    for change in plan.changes:
        if change.target.name == former.name:
            return True
        for value in removed(change):
            spn = names.ServicePrincipalName.parse(value)
            if spn is not None and spn.host.casefold() in called:
                return True
    return False


def own_account(snapshot: Snapshot, former: Retired) -> Computer | None:
    """The account that is still a retired host's, if there is one beyond doubt."""
    computer = snapshot.computer(former.name)
    if computer is None or _not_its_own(computer, former):
        return None
    return computer


class LeftAlone(NamedTuple):
    """An account with a retired host's name that no plan touches, though it reaches the mesh."""

    label: str
    what: str
    fix: str


def left_alone(
    inventory: Inventory, snapshot: Snapshot, limit: Collection[str] | None = None
) -> Iterator[LeftAlone]:
    """Every such account in scope, unless it may do nothing towards the mesh."""
    mesh_names = MeshNames.of(inventory) if inventory.retired else None
    for former in taken_back(inventory, limit):
        trouble = _trouble(snapshot, former)
        if trouble is None or mesh_names is None:
            continue
        accounts = _namesakes(snapshot, former.name)
        values = [value for account in accounts for value in account.values]
        held = sum(mesh_names.leads_here(value) for value in set(values))
        if held:
            why, fix = trouble
            counted = names.counted(held, "value")
            what = f"{former.name} is retired, and {counted} towards the mesh stay: {why}"
            yield LeftAlone(former.name, what, fix)


def _trouble(snapshot: Snapshot, former: Retired) -> tuple[str, str] | None:
    """Why the account of that name is not taken for the retired host's, and what to do.

    None where it is, and where there is no account: then there is nothing to take back.
    """
    if (computer := snapshot.computer(former.name)) is not None:
        return _not_its_own(computer, former)
    if former.name in snapshot.ambiguous or former.name in snapshot.elsewhere:
        found = facts.why_no_account(snapshot, former.name)
        fixes = {
            facts.NoAccount.AMBIGUOUS: "leave one account of that name",
            facts.NoAccount.OTHER_DOMAIN: "look at it with an inventory of that domain",
        }
        return (found[1], fixes.get(found[0], "")) if found else None
    return None


def _not_its_own(computer: Computer, former: Retired) -> tuple[str, str] | None:
    by_hand = f"clear msDS-AllowedToDelegateTo of {computer.account} by hand, or {_OWN_KEEP}"
    if computer.is_domain_controller:
        # Its flags are part of what makes it a domain controller: no plan writes there.
        return f"{computer.account} is a domain controller, which no plan writes to", by_hand
    if computer.not_a_host:
        return f"{computer.account} is {computer.not_a_host}", by_hand
    # A name is given again. Without dNSHostName nothing speaks for another machine.
    if computer.dns_host_name and not facts.has_fqdn(computer, former.fqdn):
        why = (
            f"the dNSHostName of {computer.account} is {computer.dns_host_name}, the inventory "
            f"says {former.fqdn}"
        )
        again = f"{{name: {former.name}, fqdn: {computer.dns_host_name}}}"
        return why, f"if it is the retired host, write {again}; if not, {_OWN_KEEP}"
    return None


_OWN_KEEP = "own: keep"


def _namesakes(snapshot: Snapshot, name: str) -> list[Computer]:
    account = f"{name}$".casefold()
    return [found for found in snapshot.accounts if found.account.casefold() == account]


class Dropped(NamedTuple):
    """A Hyper-V host that the inventory does not have, and that reaches hosts of it."""

    account: Computer
    values: tuple[str, ...]
    labels: tuple[str, ...]


def dropped(inventory: Inventory, snapshot: Snapshot, labels: Collection[str]) -> Iterator[Dropped]:
    """Of the accounts that were read, those that still delegate to the hosts ``labels``.

    By the migration service, which nothing but live migration uses: they hold a value of it, and
    have registered it themselves. Who else may delegate to the hosts is another question.
    """
    known = {account.guid for account in snapshot.computers.values()}
    mesh_names = MeshNames.of(inventory)
    in_scope = set(labels)
    for account in snapshot.accounts:
        is_candidate = account.guid not in known and account.values
        if not is_candidate or not facts.is_home(snapshot.directory, account.dn):
            continue
        if account.name.casefold() in mesh_names.retired or not _is_hypervisor(account):
            continue
        values = [value for value in account.values if mesh_names.leads_here(value)]
        migrating = {host_of(value, names.MIGRATION) for value in values}
        reached = {mesh_names.hosts[host] for host in migrating if host in mesh_names.hosts}
        if reached & in_scope:
            yield Dropped(account, tuple(values), tuple(sorted(reached)))


def _is_hypervisor(account: Computer) -> bool:
    return any(host_of(spn, names.MIGRATION) for spn in account.spns)


def line_to_add(inventory: Inventory, accounts: Collection[Computer]) -> str:
    """What makes these accounts retired hosts, as it can be pasted into the inventory."""
    from delegation.mesh.inventory_lines import InventoryLines  # only where there is one to write

    machines: list[tuple[str, str]] = []
    for account in accounts:
        fqdn = account.dns_host_name or ""
        machines.append((account.name, fqdn if names.is_fqdn(fqdn) else ""))
    return InventoryLines(inventory).line_to_add(machines)
