"""Accounts that were chosen and all that were read -> the inventory that is proposed for them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from delegation import names
from delegation.inventory import DirectorySettings, Host, Inventory, Keep, Mesh
from delegation.mesh import compare, planning, snapshot
from delegation.mesh.compare import Comparison, Standing
from delegation.mesh.desired import expand
from delegation.mesh.discovery import leftovers, units
from delegation.mesh.discovery.proposal import (
    InventoryProposal,
    LeftOut,
    has_transition,
    migrates,
)
from delegation.mesh.discovery.reach import Reach, only_migrates, reach
from delegation.mesh.snapshot import Computer, Directory
from delegation.mesh.spn_mappings import ASSUMED, SpnMappings


@dataclass(frozen=True, slots=True)
class ProposalTerms:
    """What an inventory is proposed for: ``settings`` is how the directory was reached."""

    settings: DirectorySettings
    today: date
    one_mesh: bool = False
    all_hosts: bool = False
    """Also those without any delegation from or to another."""


def questions(chosen: Collection[Computer]) -> tuple[list[str], list[str]]:
    """What to ask a directory for besides: computer names and service principal names.

    Who else has the name of a chosen account, or HOST/… of it, and so the tickets for its cifs; and
    who answers to the values found on them.
    """
    computers: dict[str, str] = {}
    called: set[str] = set()
    values: set[str] = set()
    for account in chosen:
        computers[account.name.casefold()] = account.name
        called.update(filter(None, (account.name, account.dns_host_name)))
        values.update(account.values)
    spns: dict[str, str] = {}
    for name in sorted(called):
        spn = f"HOST/{name}"
        spns[spn.casefold()] = spn
    for value in values:
        parsed = names.ServicePrincipalName.parse(value)
        short = parsed.host.partition(".")[0] if parsed else ""
        if parsed is None or short.casefold() in computers:
            continue
        for spn in (value, f"HOST/{parsed.host}"):
            spns.setdefault(spn.casefold(), spn)
        if names.is_computer_name(short):
            computers[short.casefold()] = short
    return sorted(computers.values()), sorted(spns.values())


def propose(
    directory: Directory,
    chosen: Iterable[Computer],
    accounts: Iterable[Computer],
    terms: ProposalTerms,
    mappings: SpnMappings = ASSUMED,
) -> InventoryProposal:
    """An inventory of the ``chosen`` accounts.

    ``accounts`` are all that were read, what ``questions`` ask for included; ``mappings`` are the
    forest's.
    """
    chosen = {account.guid: account for account in chosen}.values()
    merged = {account.guid: account for account in (*accounts, *chosen)}
    account_names = [account.name for account in chosen]
    resolved = snapshot.resolve(directory, account_names, merged.values(), mappings=mappings)
    hosts, left_out = _sift(chosen, resolved)
    # Each host less makes another inventory, whose plan may refuse another host: tried until none
    # is refused. Every turn takes a host away, so that this ends.
    while True:
        trial = ProposalTrial(resolved, terms, hosts)
        refused = trial.refused()
        if not refused:
            break
        left_out += [LeftOut(hosts.pop(label), reason) for label, reason in refused.items()]
    lone = f"the only host {'found' if terms.one_mesh else 'of its organizational unit'}"
    left_out += [LeftOut(hosts[label], f"{lone}: a mesh needs two") for label in trial.alone]
    return trial.proposal(left_out)


def _sift(
    chosen: Iterable[Computer], resolved: snapshot.Snapshot
) -> tuple[dict[str, Computer], list[LeftOut]]:
    """The accounts that can be hosts, by label; and the others."""
    hosts: dict[str, Computer] = {}
    left_out = []
    for account in chosen:
        if reason := _reason(account, resolved):
            left_out.append(LeftOut(account, reason))
        else:
            hosts[account.name.lower()] = account
    by_fqdn = names.grouped(
        ((account.dns_host_name or "").casefold(), label) for label, account in hosts.items()
    )
    for fqdn, labels in by_fqdn.items():
        if len(labels) > 1:
            reason = f"several accounts have the dNSHostName {fqdn}"
            left_out += [LeftOut(hosts.pop(label), reason) for label in labels]
    return {label: hosts[label] for label in names.in_order(hosts)}, left_out


def _reason(account: Computer, resolved: snapshot.Snapshot) -> str:
    """Why this account can't be a host of the inventory; empty where it can.

    By what the account is, and not by its name alone: a group-managed service account ends in $ as
    well, and so does the name of a cluster, whose nodes migrate by accounts of their own.
    """
    base = resolved.directory.base_dn
    fqdn = account.dns_host_name or ""
    same_name = resolved.computer(account.name)
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
    return next((words for holds, words in reasons if holds), "")


class ProposalTrial:
    """The inventory of some hosts, tried against what was found."""

    def __init__(
        self, resolved: snapshot.Snapshot, terms: ProposalTerms, hosts: Mapping[str, Computer]
    ) -> None:
        self._snapshot = resolved
        self._terms = terms
        self._reach = reach(hosts)
        idle = () if terms.all_hosts else self._reach.idle
        self._waiting = {label: hosts[label] for label in idle}
        taken = {label: account for label, account in hosts.items() if label not in self._waiting}
        self._meshes, self.alone = _meshes(taken, self._reach, one_mesh=terms.one_mesh)
        self._sources: set[str] = set()
        meshed: set[str] = set()
        for mesh in self._meshes:
            self._sources.update(mesh.sources)
            meshed.update(mesh.sources, mesh.targets)
        self._accounts = {label: taken[label] for label in taken if label in meshed}
        self._meshes = tuple(map(self._with_services, self._meshes))
        self._transition = _majority(self._accounts.values())
        bare = Inventory(
            domain=resolved.directory.domain,
            digest="",
            hosts={label: self._host(label) for label in self._accounts},
            meshes=self._meshes,
            directory=terms.settings,
        )
        # Compared twice: first without keep rules, to see what needs one, then with them.
        self._groups, self._unsaid = leftovers.keep(self._compared(bare), terms.today)
        rules: list[Keep] = []
        for group in self._groups:
            rules += group.rules
        self._inventory = bare._replace(keep=tuple(rules))
        self._comparison = self._compared(self._inventory)
        self._plan = planning.plan(self._comparison)

    def _host(self, label: str) -> Host:
        account = self._accounts[label]
        fqdn = f"{label}.{self._snapshot.directory.domain}"
        if (account.dns_host_name or "").casefold() != fqdn.casefold():
            fqdn = (account.dns_host_name or "").lower()
        # What is only migrated to delegates nothing, and needs no flag.
        is_as_found = bool(account.values) or label not in self._sources
        flag = has_transition(account) if is_as_found else self._transition
        return Host(label, label, fqdn, flag)

    def _compared(self, inventory: Inventory) -> Comparison:
        desired = expand(inventory)
        account_names = desired.account_names()
        read = self._snapshot
        resolved = snapshot.resolve(
            read.directory, account_names, read.accounts, mappings=read.mappings
        )
        return compare.compare(inventory, desired, resolved, self._terms.today)

    def refused(self) -> dict[str, str]:
        """The hosts with which the first plan would remove a value or be refused, each with why."""
        refused: dict[str, str] = {}
        for host in self._comparison.hosts:
            for verdict in host.standing(Standing.STALE):
                refused[host.label] = (
                    "it holds a value that a plan would remove and that no keep rule can say: "
                    f"{verdict.value}"
                )
        for blocked in self._plan.blocked:
            if blocked.computer in self._accounts:
                refused.setdefault(blocked.computer, f"a plan would be refused: {blocked.message}")
        return refused

    def proposal(self, left_out: Sequence[LeftOut]) -> InventoryProposal:
        return InventoryProposal(
            self._inventory,
            self._snapshot.directory,
            self._terms.today,
            self._accounts,
            self._waiting,
            self._transition,
            tuple(sorted(left_out, key=lambda account: (account.reason, account.name))),
            self._groups,
            self._unsaid,
            self._plan,
        )

    def _with_services(self, mesh: Mesh) -> Mesh:
        """By the migration service alone where that is what delegates already.

        Of hosts without any delegation nothing can be told.
        """
        in_use = self._accounts.keys() - {*self._reach.idle}
        is_in_use = not in_use.isdisjoint(mesh.sources)
        if is_in_use and only_migrates(self._accounts, mesh.sources, mesh.targets):
            return mesh._replace(services=(names.MIGRATION,))
        return mesh


def _meshes(
    hosts: Mapping[str, Computer], found: Reach, *, one_mesh: bool
) -> tuple[tuple[Mesh, ...], list[str]]:
    """The meshes of these hosts, and those that are in none."""
    one_way = () if one_mesh else found.one_way
    # Who is only at the end of a one-way mesh joins no other by the unit that it lies in.
    ends: set[str] = set()
    for one in one_way:
        ends.update(one.sources, one.targets)
    ends.difference_update(*found.meshes)
    both_ways = {label: account for label, account in hosts.items() if label not in ends}
    parts, alone = units.members(both_ways, found.meshes, one_mesh=one_mesh)
    meshes = [Mesh(name, part.labels, part.labels) for name, part in units.named(parts).items()]
    for one in one_way:
        taken = {mesh.name for mesh in meshes}
        name = units.one_way_name(units.container(hosts[one.targets[0]]), taken)
        meshes.append(Mesh(name, one.sources, one.targets))
    return tuple(meshes), alone


def _majority(accounts: Iterable[Computer]) -> bool:
    """The flag of most accounts that delegate migrations; on where they are even.

    Those that delegate to other services alone say nothing about how migrations are set up.
    """
    flags = Counter(has_transition(account) for account in accounts if migrates(account))
    return flags[True] >= flags[False]
