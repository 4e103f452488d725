"""The machines of an inventory: hosts and retired hosts, each name of which is somebody's own."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from delegation import names
from delegation.inventory import Host, LiveMigration, OwnValues, Retired, Unconstrained
from delegation.inventory.declared import DeclaredSection
from delegation.inventory.fields import Field, Reading
from delegation.inventory.former_name_types import read_former
from delegation.inventory.live_migration_section import live_migration_settings, overridden
from delegation.inventory.machine_names import (
    bad_label,
    qualified,
    read_computer_name,
    read_fqdn,
    read_suffix,
)
from delegation.inventory.value_types import TEXT_SCHEMA, ValueType
from delegation.inventory.yaml_text import quoted
from delegation.inventory.yaml_tree import MappingNode, Node, ScalarKind, ScalarNode

HOST_NAME = ValueType("a name or a range", TEXT_SCHEMA)
TRANSITION = ValueType("`true`, `false` or `keep`", {"enum": [True, False, "keep"]})
"""Read with what it overrides, since None is a value of its own: ``keep``."""


class NameOwner(NamedTuple):
    """Who a name belongs to: ``what`` it is, and where it is declared."""

    what: str
    node: Node

    def __str__(self) -> str:
        return f"the {self.what} at {self.node.line}:{self.node.column}"


@dataclass(slots=True)
class DeclaredHosts:
    """The hosts of a file by label, ``labels`` by casefolded label, and who has which name.

    ``complete`` False: some entry could not be read, so that any name may well be declared.
    ``places`` holds the labels of each entry, with the node that declares them; ``former`` has each
    host's label and one of its former names, with the place of that.
    """

    hosts: dict[str, Host] = dataclasses.field(default_factory=dict)
    former: list[tuple[str, str, Node]] = dataclasses.field(default_factory=list)
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    owners: dict[str, NameOwner] = dataclasses.field(default_factory=dict)
    places: list[tuple[ScalarNode, list[str]]] = dataclasses.field(default_factory=list)
    complete: bool = True

    def taken(self, wanted: Iterable[str]) -> tuple[str, NameOwner] | None:
        """The first of the wanted names that somebody has, and who."""
        for name in wanted:
            owner = self.owners.get(name.casefold())
            if owner:
                return name, owner
        return None

    def with_retired(self, retired: Iterable[Retired]) -> "DeclaredHosts":
        """These and the retired ones, for whatever may be said of both."""
        labels = {former.name.casefold(): former.name for former in retired}
        return dataclasses.replace(self, labels=self.labels | labels)

    def claim(self, owner: NameOwner, wanted: Iterable[str]) -> None:
        for name in wanted:
            self.owners[name.casefold()] = owner


class HostDefaults(NamedTuple):
    """What holds for a host that declares nothing itself."""

    protocol_transition: bool | None = True
    live_migration: LiveMigration | None = None


def read_host_defaults(declared: DeclaredSection) -> HostDefaults:
    transition = _protocol_transition(declared, inherited=HostDefaults().protocol_transition)
    return HostDefaults(transition, live_migration_settings(declared.section("live_migration")))


def _protocol_transition(declared: DeclaredSection, *, inherited: bool | None) -> bool | None:
    """True, False, or None for ``keep``: leave the flag as it is found."""
    field = declared.get("protocol_transition")
    if field is None:
        return inherited
    node = field.node
    if isinstance(node, ScalarNode) and node.kind is ScalarKind.BOOLEAN:
        return declared.reading.boolean(field)
    if not (isinstance(node, ScalarNode) and node.kind is ScalarKind.TEXT and node.text == "keep"):
        declared.reading.wrong(field, "true, false or keep")
    return None


def read_hosts(
    inventory: DeclaredSection, domain: str | None, defaults: HostDefaults
) -> DeclaredHosts:
    """All hosts of the section ``hosts``, ranges expanded."""
    return _HostReader(inventory, domain, defaults).read()


class _HostReader:
    def __init__(
        self, inventory: DeclaredSection, domain: str | None, defaults: HostDefaults
    ) -> None:
        self._inventory = inventory
        self._reading: Reading = inventory.reading
        self._domain = domain
        self._defaults = defaults
        self._found = DeclaredHosts()

    def read(self) -> DeclaredHosts:
        found = self._found
        field = self._inventory.get("hosts")
        entries = self._reading.entries(field) if field else None
        if field is None or entries is None:
            found.complete = False
            return found
        if isinstance(field.node, MappingNode):
            found.complete = field.node.complete and len(entries) == len(field.node.entries)
        if not entries and found.complete:
            self._reading.problem(field.node, "no host is declared", "add one: hv01:")
            found.complete = False
        seen: set[str] = set()
        for key, node in entries:
            if key.text not in seen:  # a duplicate key is already reported
                self._read_entry(key, node)
            seen.add(key.text)
            if len(found.labels) > names.MAX_HOSTS:
                what = f"more than {names.MAX_HOSTS:,} hosts are declared"
                self._reading.problem(key, what, "split the inventory")
                found.complete = False
                break
        return found

    def _read_entry(self, key: ScalarNode, node: Node) -> None:
        labels = self._reading.names(Field("a host", "hv01", key))
        if labels is None:
            self._found.complete = False
            return
        declared = self._inventory.entry("hosts", key, node)
        suffix = self._suffix(declared)
        first = self._host(labels[0], declared, suffix, is_range=len(labels) > 1)
        hosts = [first]
        for label in labels[1:]:
            fqdn = qualified(label, suffix)
            hosts.append(first._replace(label=label, computer=label, fqdn=fqdn))
        # One bad label of a range is one problem: the others are most likely bad for its reason.
        for label in labels:
            bad = bad_label(label, suffix, declared)
            if bad:
                self._reading.problem(key, *bad)
                break
        self._claim(key, hosts)

    def _suffix(self, declared: DeclaredSection) -> str | None:
        """The DNS suffix of the hosts: their own, else the domain."""
        suffix = read_suffix(self._reading, declared.get("suffix"))
        if "suffix" in declared and "fqdn" in declared:
            what = "'suffix' and 'fqdn' both say the full name"
            declared.problem("suffix", what, "keep one of the two")
        return suffix or self._domain

    def _host(
        self, label: str, declared: DeclaredSection, suffix: str | None, *, is_range: bool
    ) -> Host:
        computer, fqdn = self._own_names(declared, is_range=is_range)
        own_migration = live_migration_settings(declared.section("live_migration"))
        inherited = self._defaults.protocol_transition
        return Host(
            label,
            computer or label,
            fqdn or qualified(label, suffix),
            _protocol_transition(declared, inherited=inherited),
            overridden(self._defaults.live_migration, own_migration),
            self._reading.choice(declared.get("unconstrained"), Unconstrained),
            () if is_range else self._former(label, declared),
        )

    def _former(self, label: str, declared: DeclaredSection) -> tuple[str, ...]:
        found = read_former(self._reading, declared.get("former"))
        self._found.former += [(label, name, node) for name, node in found]
        return tuple(name for name, _ in found)

    def _own_names(
        self, declared: DeclaredSection, *, is_range: bool
    ) -> tuple[str | None, str | None]:
        given = [name for name in ("computer", "fqdn", "former") if name in declared]
        if is_range and given:
            what = f"{given[0]!r} on a range would give several hosts one name"
            declared.problem(given[0], what, "write such hosts one by one")
            return None, None
        computer = read_computer_name(self._reading, declared.get("computer"))
        return computer, read_fqdn(self._reading, declared.get("fqdn"))

    def _claim(self, key: ScalarNode, hosts: list[Host]) -> None:
        """Adds the hosts whose names are free; one problem for all that are not."""
        found = self._found
        owner = NameOwner("host", key)
        collisions: list[tuple[str, NameOwner]] = []
        added: list[str] = []
        for host in hosts:
            wanted = [name for name in (host.label, host.computer, host.fqdn) if name]
            taken = found.taken(wanted)
            if taken:
                collisions.append(taken)
                continue
            found.hosts[host.label] = host
            found.labels[host.label.casefold()] = host.label
            found.claim(owner, wanted)
            added.append(host.label)
        found.places.append((key, added))
        if collisions:
            shown = quoted(names.fold(name for name, _ in collisions))
            what = f"duplicate host: {shown} already belongs to {collisions[0][1]}"
            self._reading.problem(key, what, "keep one of the two")


def read_retired(
    inventory: DeclaredSection, domain: str | None, hosts: DeclaredHosts
) -> tuple[Retired, ...]:
    """The retired hosts; ``hosts`` knows the names that are still in use."""
    reading = inventory.reading
    found: dict[str, Retired] = {}
    places: dict[str, NameOwner] = {}
    for item in inventory.sections("retired"):
        for retired in _retired_hosts(item, domain):
            wanted = [name for name in (retired.name, retired.fqdn) if name]
            used = hosts.taken(wanted)
            again = [name for name in wanted if name.casefold() in places]
            if used:
                what = f"retired {quoted(used[0])} is still in use: it belongs to {used[1]}"
                reading.problem(item.node, what, _instead_of_retired(item, retired, hosts))
            elif again:
                what = f"{quoted(again[0])} is retired twice: also by {places[again[0].casefold()]}"
                reading.problem(item.node, what, "keep one of the two")
            else:
                found[retired.name] = retired
                places |= {name.casefold(): NameOwner("item", item.node) for name in wanted}
                continue
            break
    return tuple(found.values())


def _instead_of_retired(item: DeclaredSection, retired: Retired, hosts: DeclaredHosts) -> str:
    """What is meant where only the full name is gone: the host lives on under another one."""
    fix = "take it out of one of the two places"
    suffix = retired.fqdn.partition(".")[2]
    if "fqdn" not in item or hosts.taken([retired.fqdn]):
        return fix
    return f"{fix}; if the host lives on under another suffix: former_suffixes: [{suffix}]"


def _retired_hosts(item: DeclaredSection, domain: str | None) -> list[Retired]:
    reading = item.reading
    name = item.get("name")
    labels = reading.names(name) if name else None
    fqdn = read_fqdn(reading, item.get("fqdn"))
    own = _own_values(item)
    if labels is None or name is None:
        return []
    if "fqdn" in item and len(labels) > 1:
        what = "'fqdn' on a range would give several hosts one name"
        item.problem("fqdn", what, "write such hosts one by one")
        return []
    for label in labels:
        bad = bad_label(label, domain, item)
        if bad:
            reading.problem(name.node, *bad)
            return []
    return [Retired(label, fqdn or qualified(label, domain), own) for label in labels]


def _own_values(item: DeclaredSection) -> OwnValues:
    return item.reading.choice(item.get("own"), OwnValues) or OwnValues.REMOVE
