"""The accounts of a directory -> a proposed inventory, whose first plan mends and removes nothing.

What is delegated already stays: a mesh as it is found, flags as they are found, and a keep rule
for every value that no mesh explains. The proposal is tried before it is given, by the same
comparison and plan that it is made for: a host with which that plan would remove a value, or be
refused, is left out, and why is said.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from delegation import names
from delegation.inventory import DirectorySettings, Host, Inventory, Mesh
from delegation.mesh import compare, planning, snapshot
from delegation.mesh.compare import Comparison, Standing
from delegation.mesh.desired import expand
from delegation.mesh.discovery import leftovers, units
from delegation.mesh.discovery.leftovers import Group
from delegation.mesh.snapshot import (
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    Computer,
    Directory,
)
from delegation.mesh.state import DelegationPlan


@dataclass(frozen=True, slots=True)
class Asked:
    """What an inventory is proposed for: ``settings`` is how the directory was reached."""

    settings: DirectorySettings
    today: date
    one_mesh: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An account that was found and is not in the inventory, with the reason."""

    account: Computer
    reason: str

    @property
    def name(self) -> str:
        """As a host would be called; a user's account by its full name."""
        computer = self.account.account.endswith("$")
        return self.account.name.lower() if computer else self.account.account


@dataclass(frozen=True)
class Proposal:
    """An inventory, and all that is to be said about it.

    ``accounts`` are those of its hosts, by label; ``units`` tells in which container the hosts of
    a mesh were found, by the mesh's name; ``transition`` is the flag by default. ``groups`` are its
    keep rules; ``unsaid`` are values that stay although no rule can say them, as (label, value).
    ``first`` is the plan of this inventory. Without two hosts that a mesh could join, the inventory
    is empty, and valid nowhere.
    """

    inventory: Inventory
    directory: Directory
    today: date
    accounts: Mapping[str, Computer]
    units: Mapping[str, str]
    transition: bool
    left_out: tuple[LeftOut, ...]
    groups: tuple[Group, ...]
    unsaid: tuple[tuple[str, str], ...]
    first: DelegationPlan

    @property
    def idle(self) -> list[str]:
        """Hosts that delegate nothing yet."""
        return [label for label, account in self.accounts.items() if not account.values]

    @property
    def bound(self) -> list[str]:
        """Hosts that don't have the flag by default, for the sake of values that are not ours."""
        return [
            label
            for label, account in self.accounts.items()
            if account.values
            and not migrates(account)
            and has_transition(account) is not self.transition
        ]

    @property
    def unregistered(self) -> list[str]:
        return [label for label, account in self.accounts.items() if not registered([account])]

    @property
    def unconstrained(self) -> list[str]:
        flag = TRUSTED_FOR_DELEGATION
        return [label for label, account in self.accounts.items() if account.uac & flag]

    @property
    def acting(self) -> list[str]:
        """Hosts with a list of who may act there on behalf of others (resource-based)."""
        return [label for label, account in self.accounts.items() if account.acting]


def registered(accounts: Iterable[Computer]) -> list[Computer]:
    """Those with a registered name of the migration service, which any Hyper-V host has."""
    return [account for account in accounts if any(map(_is_migration, account.spns))]


def questions(chosen: Collection[Computer]) -> tuple[list[str], list[str]]:
    """What to ask a directory for besides: computer names and service principal names.

    Who else has the name of a chosen account, and who answers to the values found on them.
    """
    wanted = {account.name.casefold(): account.name for account in chosen}
    spns: dict[str, str] = {}
    for value in {value for account in chosen for value in account.values}:
        parsed = names.ServicePrincipalName.parse(value)
        short = parsed.host.partition(".")[0] if parsed else ""
        if parsed is None or short.casefold() in wanted:
            continue
        for spn in (value, f"HOST/{parsed.host}"):
            spns.setdefault(spn.casefold(), spn)
        if names.is_computer_name(short):
            wanted[short.casefold()] = short
    return sorted(wanted.values()), sorted(spns.values())


def propose(
    directory: Directory, chosen: Iterable[Computer], accounts: Iterable[Computer], asked: Asked
) -> Proposal:
    """An inventory of the ``chosen`` accounts.

    ``accounts`` are all that were read, what ``questions`` ask for included.
    """
    chosen = {account.guid: account for account in chosen}.values()
    merged = {account.guid: account for account in (*accounts, *chosen)}
    found = snapshot.resolve(directory, [one.name for one in chosen], merged.values())
    hosts, left_out = _sift(chosen, found)
    while True:
        draft = _Draft(found, asked, hosts)
        refused = draft.refused()
        if not refused:
            break
        left_out += [LeftOut(hosts.pop(label), reason) for label, reason in refused.items()]
    lone = f"the only host {'found' if asked.one_mesh else 'of its organizational unit'}"
    left_out += [LeftOut(hosts[label], f"{lone}: a mesh needs two") for label in draft.alone]
    return draft.proposal(left_out)


def _sift(
    chosen: Iterable[Computer], found: snapshot.Snapshot
) -> tuple[dict[str, Computer], list[LeftOut]]:
    """The accounts that can be hosts, by label; and the others."""
    left_out = [LeftOut(a, reason) for a in chosen if (reason := _reason(a, found))]
    others = {one.account.guid for one in left_out}
    hosts = {a.name.lower(): a for a in chosen if a.guid not in others}
    by_fqdn = defaultdict(list)
    for label, account in hosts.items():
        by_fqdn[(account.dns_host_name or "").casefold()].append(label)
    for fqdn, labels in by_fqdn.items():
        if len(labels) > 1:
            reason = f"several accounts have the dNSHostName {fqdn}"
            left_out += [LeftOut(hosts.pop(label), reason) for label in labels]
    return {label: hosts[label] for label in names.in_order(hosts)}, left_out


def _reason(account: Computer, found: snapshot.Snapshot) -> str:
    """Why this account can't be a host of the inventory; empty where it can."""
    base = found.directory.base_dn
    fqdn = account.dns_host_name or ""
    same_name = found.computer(account.name)
    reasons = (
        (
            names.naming_context(account.dn) != names.dn_key(base),
            f"an account of another domain than {base}: delegation ends at the domain",
        ),
        (
            account.is_domain_controller,
            "a domain controller: whoever may act as a user towards it owns the domain",
        ),
        (bool(account.not_a_host), account.not_a_host),
        (not account.enabled, "its account is disabled"),
        (not fqdn, "its account has no dNSHostName"),
        (
            not names.is_computer_name(account.name) or not account.account.endswith("$"),
            "its name can't be that of a host",
        ),
        (
            not names.is_fqdn(fqdn) or fqdn.rpartition(".")[2].isdigit(),
            f"its dNSHostName {fqdn} is no DNS name",
        ),
        (
            same_name is None or same_name.guid != account.guid,
            "several accounts have this name",
        ),
    )
    return next((words for so, words in reasons if so), "")


class _Draft:
    """The inventory of some hosts, tried against what was found."""

    def __init__(
        self, found: snapshot.Snapshot, asked: Asked, hosts: Mapping[str, Computer]
    ) -> None:
        self._found = found
        self._asked = asked
        meshes, self.alone = units.members(hosts, one_mesh=asked.one_mesh)
        self._meshes = units.named(meshes)
        self._accounts = {label: hosts[label] for mesh in meshes for label in mesh.labels}
        self._transition = _majority(self._accounts.values())
        bare = Inventory(
            domain=found.directory.domain,
            digest="",
            hosts={label: self._host(label) for label in self._accounts},
            meshes=tuple(Mesh(name, m.labels, m.labels) for name, m in self._meshes.items()),
            directory=asked.settings,
        )
        self._groups, self._unsaid = leftovers.keep(self._compared(bare), asked.today)
        rules = tuple(rule for group in self._groups for rule in group.rules)
        self._inventory = replace(bare, keep=rules)
        self._comparison = self._compared(self._inventory)
        self._plan = planning.plan(self._comparison)

    def _host(self, label: str) -> Host:
        account = self._accounts[label]
        fqdn = f"{label}.{self._found.directory.domain}"
        if (account.dns_host_name or "").casefold() != fqdn.casefold():
            fqdn = (account.dns_host_name or "").lower()
        flag = has_transition(account) if account.values else self._transition
        return Host(label, label, fqdn, flag)

    def _compared(self, inventory: Inventory) -> Comparison:
        desired = expand(inventory)
        wanted = desired.account_names()
        found = snapshot.resolve(self._found.directory, wanted, self._found.accounts)
        return compare.compare(inventory, desired, found, self._asked.today)

    def refused(self) -> dict[str, str]:
        """The hosts with which the first plan would remove a value or be refused, each with why."""
        refused = {
            host.label: "it holds a value that a plan would remove and that no keep rule can say: "
            f"{verdict.value}"
            for host in self._comparison.hosts
            for verdict in host.standing(Standing.STALE)
        }
        for blocked in self._plan.blocked:
            if blocked.computer in self._accounts:
                refused.setdefault(blocked.computer, f"a plan would be refused: {blocked.message}")
        return refused

    def proposal(self, left_out: Sequence[LeftOut]) -> Proposal:
        return Proposal(
            self._inventory,
            self._found.directory,
            self._asked.today,
            self._accounts,
            {name: mesh.unit for name, mesh in self._meshes.items()},
            self._transition,
            tuple(sorted(left_out, key=lambda one: (one.reason, one.name))),
            self._groups,
            self._unsaid,
            self._plan,
        )


def migrates(account: Computer) -> bool:
    """Whether it may delegate migrations already, to any host."""
    return any(_is_migration(value) for value in account.values)


def has_transition(account: Computer) -> bool:
    return bool(account.uac & TRUSTED_TO_AUTH_FOR_DELEGATION)


def _majority(accounts: Iterable[Computer]) -> bool:
    """The flag of most accounts that delegate migrations; on where they are even.

    Those that delegate to other services alone say nothing about how migrations are set up.
    """
    flags = Counter(has_transition(account) for account in accounts if migrates(account))
    return flags[True] >= flags[False]


def _is_migration(spn: str) -> bool:
    return spn.casefold().startswith(f"{names.MIGRATION}/".casefold())
