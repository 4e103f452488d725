"""A proposed inventory with all that is to be said about it, in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from delegation import names
from delegation.inventory import Inventory
from delegation.mesh.discovery.leftover_words import LeftoverKind
from delegation.mesh.discovery.leftovers import KeepGroup
from delegation.mesh.snapshot import (
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    Computer,
    Directory,
)
from delegation.mesh.state import DelegationPlan, added


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
class InventoryProposal:
    """An inventory, and all that is to be said about it.

    ``accounts`` are those of its hosts, by label; ``waiting`` those of hosts that delegate to none
    and that none delegates to, which are not in it; ``transition`` is the flag by default.
    ``groups`` are its keep rules; ``unsaid`` are values that stay although no rule can say them, as
    (label, value). ``first`` is the plan of this inventory. Without two hosts that a mesh could
    join, the inventory is empty, and valid nowhere.
    """

    inventory: Inventory
    directory: Directory
    today: date
    accounts: Mapping[str, Computer]
    waiting: Mapping[str, Computer]
    transition: bool
    left_out: tuple[LeftOut, ...]
    groups: tuple[KeepGroup, ...]
    unsaid: tuple[tuple[str, str], ...]
    first: DelegationPlan

    @property
    def idle(self) -> list[str]:
        """Hosts that delegate nothing yet, and are to."""
        sources = {label for mesh in self.inventory.meshes for label in mesh.sources}
        bare = [label for label, account in self.accounts.items() if not account.values]
        return [label for label in bare if label in sources]

    @property
    def bound(self) -> list[str]:
        """Hosts that don't have the flag by default, for the sake of values that are not ours."""
        return [label for label, account in self.accounts.items() if self._is_bound(account)]

    def _is_bound(self, account: Computer) -> bool:
        """Whether the flag governs values of others alone: it is theirs to change.

        userAccountControl has one flag for the whole list. To set it for migrations would let a
        service of somebody else act as users who never came to it.
        """
        serves_others = bool(account.values) and not migrates(account)
        return serves_others and has_transition(account) is not self.transition

    @property
    def unregistered(self) -> list[str]:
        """Hosts without a name of the migration service: it registers one wherever it runs."""
        return [label for label, account in self.accounts.items() if not registered([account])]

    @property
    def unconstrained(self) -> list[str]:
        """Hosts that are trusted for delegation to any service."""
        flag = TRUSTED_FOR_DELEGATION
        return [label for label, account in self.accounts.items() if account.uac & flag]

    @property
    def acting(self) -> list[str]:
        """Hosts with a list of who may act there on behalf of others (resource-based)."""
        return [label for label, account in self.accounts.items() if account.acting]

    # --- in words

    @property
    def title(self) -> str:
        hosts = names.counted(len(self.inventory.hosts), "host")
        return f"{hosts} of {self.inventory.domain} on {self.directory.dc}"

    def meshes(self) -> Iterator[str]:
        """Each mesh with its hosts, aligned."""
        shown = {mesh.name: names.inert(mesh.name) for mesh in self.inventory.meshes}
        width = max(map(len, shown.values()))
        for mesh in self.inventory.meshes:
            hosts = names.fold(mesh.sources)
            if mesh.targets != mesh.sources:
                hosts += f" to {names.fold(mesh.targets)}, one way"
            services = "" if mesh.services == names.MANAGED_SERVICES else "; no cifs between them"
            yield f"mesh {shown[mesh.name]:<{width}}  {hosts}{services}"

    def not_proposed(self) -> str:
        """How many hosts were found without any delegation; empty where there are none."""
        if not self.waiting:
            return ""
        count = names.counted(len(self.waiting), "host")
        return f"{count} without any delegation, not proposed: {names.fold(self.waiting)}"

    def reasons(self) -> list[str]:
        """Who was left out, and why."""
        by_reason = names.alike((left_out.reason, left_out.name) for left_out in self.left_out)
        return [f"{accounts}: {reason}" for reason, accounts in by_reason.items()]

    def kept(self) -> Iterator[str]:
        """What stays although no mesh explains it, by what it seems to be."""
        for kind, words in _KINDS.items():
            groups = [group for group in self.groups if group.kind is kind]
            # Every rule is for one value: so many values are kept as rules have hosts.
            holders = [label for group in groups for rule in group.rules for label in rule.hosts]
            if holders:
                count = names.counted(len(holders), "value")
                yield f"{count} {words}, on {names.fold(set(holders))}"
        if self.unsaid:
            hosts = {label for label, _ in self.unsaid}
            count = names.counted(len(self.unsaid), "value")
            yield f"{count} that no rule can say, on {names.fold(hosts)}"

    def dangers(self) -> Iterator[str]:
        """What somebody should look at today, whatever becomes of this inventory."""
        if self.unconstrained:
            yield f"trusted for delegation to any service: {names.fold(self.unconstrained)}"
        for group in self.groups:
            if group.kind is LeftoverKind.CONTROLLER:
                who = f"{names.fold(group.hosts)} may act as any user towards"
                yield f"{who} {names.fold(group.owners)}, a domain controller"

    @property
    def first_plan(self) -> str:
        """What an apply of this inventory would do."""
        changes = self.first.changes
        if not changes:
            return "nothing to do"
        values = sum(len(added(change)) for change in changes)
        hosts = names.fold(change.target.name for change in changes)
        return f"{names.counted(values, 'value')} to add on {hosts}"


_KINDS: Mapping[LeftoverKind, str] = {
    LeftoverKind.CONTROLLER: "towards domain controllers",
    LeftoverKind.OTHER_MESH: "towards hosts of another mesh (if these are one: init --one-mesh)",
    LeftoverKind.ITSELF: "towards the host itself",
    LeftoverKind.SERVICE: "towards other services of hosts",
    LeftoverKind.SERVER: "towards what may be file servers",
    LeftoverKind.ACCOUNT: "towards other accounts",
    LeftoverKind.DISABLED: "towards disabled accounts",
    LeftoverKind.NOBODY: "towards names that nobody answers to",
    LeftoverKind.UNKNOWN: "of other services that nobody answers to",
    LeftoverKind.FORMER: "towards hosts by a suffix that they no longer have",
}


def registered(accounts: Iterable[Computer]) -> list[Computer]:
    """Those with a registered name of the migration service, which any Hyper-V host has."""
    return [account for account in accounts if _has_migration(account.spns)]


def migrates(account: Computer) -> bool:
    """Whether it may delegate migrations already, to any host.

    By its list and not by its flag: with Kerberos only, there is no flag to go by.
    """
    return _has_migration(account.values)


def has_transition(account: Computer) -> bool:
    return bool(account.uac & TRUSTED_TO_AUTH_FOR_DELEGATION)


def _has_migration(spns: Sequence[str]) -> bool:
    service = f"{names.MIGRATION}/".casefold()
    return any(spn.casefold().startswith(service) for spn in spns)
