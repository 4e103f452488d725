"""The machines of an inventory: hosts and retired hosts, each name of which is somebody's own."""

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from delegation import names
from delegation.inventory import Host, Retired
from delegation.inventory.defaults_section import (
    Defaults,
    live_migration,
    merged,
    protocol_transition,
)
from delegation.inventory.fields import Field, Fields, Reading
from delegation.inventory.keys import KEYS
from delegation.inventory.yaml_text import quoted
from delegation.inventory.yaml_tree import Kind, Mapping, Node, Scalar

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")


class Owner(NamedTuple):
    """Who a name belongs to: ``what`` it is, and where it is declared."""

    what: str
    node: Node

    def __str__(self) -> str:
        return f"the {self.what} at {self.node.line}:{self.node.column}"


@dataclass(slots=True)
class Hosts:
    """The hosts of a file by label, ``labels`` by casefolded label, and who has which name.

    ``complete`` False: some entry could not be read, so that any name may well be declared.
    ``places`` holds the labels of each entry, with the node that declares them.
    """

    hosts: dict[str, Host] = dataclasses.field(default_factory=dict)
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    owners: dict[str, Owner] = dataclasses.field(default_factory=dict)
    places: list[tuple[Scalar, list[str]]] = dataclasses.field(default_factory=list)
    complete: bool = True

    def taken(self, wanted: Iterable[str]) -> tuple[str, Owner] | None:
        """The first of the wanted names that somebody has, and who."""
        for name in wanted:
            owner = self.owners.get(name.casefold())
            if owner:
                return name, owner
        return None

    def claim(self, owner: Owner, wanted: Iterable[str]) -> None:
        for name in wanted:
            self.owners[name.casefold()] = owner


def is_dns_name(text: str) -> bool:
    """Whether ``text`` is a fully qualified name; an IP address is none."""
    return names.is_fqdn(text) and not text.rpartition(".")[2].isdigit()


def domain_name(reading: Reading, field: Field | None) -> str | None:
    text = reading.text(field)
    if field is None or text is None or is_dns_name(text):
        return text
    what = f"'domain' is {quoted(text)}, which is not a DNS domain"
    reading.problem(field.node, what, "write the full name, such as corp.example")
    return None


def qualified(label: str, domain: str | None) -> str:
    """The default FQDN; empty where the domain is unknown because of a problem."""
    return f"{label}.{domain}" if domain else ""


def details(key: Scalar, node: Node, section: str) -> Field:
    """What an entry of ``section`` says beyond its name, as a field with a title to show."""
    name, example = next(iter(KEYS[section].items()))
    return Field(f"{section} {quoted(key.text)}", f"{{{name}: {example}}}", node)


def own_computer(reading: Reading, fields: Fields) -> str | None:
    """The declared sAMAccountName, without its $."""
    computer = reading.text(fields.get("computer"))
    if computer is None or names.is_computer_name(computer):
        return computer
    reading.problem(fields["computer"].node, *_bad_computer(computer))
    return None


def own_fqdn(reading: Reading, fields: Fields) -> str | None:
    fqdn = reading.text(fields.get("fqdn"))
    if fqdn is None or is_dns_name(fqdn):
        return fqdn
    what = f"{quoted(fqdn)} is not a fully qualified DNS name"
    reading.problem(fields["fqdn"].node, what, "write it like hv01.corp.example")
    return None


def bad_label(label: str, domain: str | None, given: Fields) -> tuple[str, str] | None:
    """What is wrong with a label, or with a name that follows from it; and the fix."""
    if not _LABEL.match(label):
        fix = "use letters, digits, - and _; write a full name under fqdn:"
        return f"bad name {quoted(label)}", fix
    if "computer" not in given and not names.is_computer_name(label):
        return _bad_computer(label)
    fqdn = qualified(label, domain)
    if "fqdn" not in given and fqdn and not is_dns_name(fqdn):
        return f"{quoted(fqdn)} is longer than a DNS name can be", "shorten the name"
    return None


def _bad_computer(name: str) -> tuple[str, str]:
    if name.endswith("$"):
        return f"bad computer name {quoted(name)}: it ends in $", "write it without the $"
    what = f"bad computer name {quoted(name)}"
    if len(name) > 15:
        what += f": {len(name)} characters, and 15 is the most"
    elif name.isdigit():
        what += ": digits alone"
    return what, "write the account's name (computer: HV01): letters, digits, - and _"


def read_hosts(
    reading: Reading, field: Field | None, domain: str | None, defaults: Defaults
) -> Hosts:
    """All hosts of the ``hosts`` section, ranges expanded."""
    return _HostReader(reading, domain, defaults).read(field)


class _HostReader:
    def __init__(self, reading: Reading, domain: str | None, defaults: Defaults) -> None:
        self._reading = reading
        self._domain = domain
        self._defaults = defaults
        self._found = Hosts()

    def read(self, field: Field | None) -> Hosts:
        found = self._found
        entries = self._reading.entries(field) if field else None
        if field is None or entries is None:
            found.complete = False
            return found
        if isinstance(field.node, Mapping):
            found.complete = field.node.complete and len(entries) == len(field.node.entries)
        if not entries and found.complete:
            self._reading.problem(field.node, "no host is declared", "add one: hv01:")
            found.complete = False
        seen: set[str] = set()
        for key, node in entries:
            if key.text not in seen:  # a duplicate key is already reported
                self._entry(key, node)
            seen.add(key.text)
            if len(found.labels) > names.MAX_HOSTS:
                what = f"more than {names.MAX_HOSTS:,} hosts are declared"
                self._reading.problem(key, what, "split the inventory")
                found.complete = False
                break
        return found

    def _entry(self, key: Scalar, node: Node) -> None:
        labels = self._reading.names(Field("a host", "hv01", key))
        if labels is None:
            self._found.complete = False
            return
        fields: Fields = {}
        if not (isinstance(node, Scalar) and node.kind is Kind.NULL):
            field = details(key, node, "host")
            fields = self._reading.fields(field, "host") or {}
        first = self._host(labels[0], fields, is_range=len(labels) > 1)
        hosts = [first]
        for label in labels[1:]:
            fqdn = qualified(label, self._domain)
            hosts.append(dataclasses.replace(first, label=label, computer=label, fqdn=fqdn))
        for label in labels:
            bad = bad_label(label, self._domain, fields)
            if bad:
                self._reading.problem(key, *bad)
                break
        self._claim(key, hosts)

    def _host(self, label: str, fields: Fields, *, is_range: bool) -> Host:
        computer, fqdn = self._own_names(fields, is_range=is_range)
        field = fields.get("live_migration")
        migration = live_migration(self._reading, field) if field else None
        return Host(
            label,
            computer or label,
            fqdn or qualified(label, self._domain),
            protocol_transition(
                self._reading,
                fields.get("protocol_transition"),
                inherited=self._defaults.protocol_transition,
            ),
            merged(self._defaults.live_migration, migration),
        )

    def _own_names(self, fields: Fields, *, is_range: bool) -> tuple[str | None, str | None]:
        given = [name for name in ("computer", "fqdn") if name in fields]
        if is_range and given:
            what = f"{given[0]!r} on a range would give several hosts one name"
            self._reading.problem(fields[given[0]].node, what, "write such hosts one by one")
            return None, None
        return own_computer(self._reading, fields), own_fqdn(self._reading, fields)

    def _claim(self, key: Scalar, hosts: list[Host]) -> None:
        """Adds the hosts whose names are free; one problem for all that are not."""
        found = self._found
        owner = Owner("host", key)
        collisions: list[tuple[str, Owner]] = []
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
    reading: Reading, field: Field | None, domain: str | None, hosts: Hosts
) -> tuple[Retired, ...]:
    """The retired hosts; ``hosts`` knows the names that are still in use."""
    found: dict[str, Retired] = {}
    places: dict[str, Owner] = {}
    for item in (reading.items(field, may_be_empty=True) if field else None) or ():
        for retired in _retired(reading, item, domain):
            wanted = [name for name in (retired.name, retired.fqdn) if name]
            used = hosts.taken(wanted)
            again = [name for name in wanted if name.casefold() in places]
            if used:
                what = f"retired {quoted(used[0])} is still in use: it belongs to {used[1]}"
                reading.problem(item.node, what, "take it out of one of the two places")
            elif again:
                what = f"{quoted(again[0])} is retired twice: also by {places[again[0].casefold()]}"
                reading.problem(item.node, what, "keep one of the two")
            else:
                found[retired.name] = retired
                places |= {name.casefold(): Owner("item", item.node) for name in wanted}
                continue
            break
    return tuple(found.values())


def _retired(reading: Reading, item: Field, domain: str | None) -> list[Retired]:
    fields: Fields = {"name": item}
    if isinstance(item.node, Mapping):
        fields = reading.fields(item, "retired") or {}
    name = reading.required(fields, "name", item, "retired")
    labels = reading.names(name) if name else None
    fqdn = own_fqdn(reading, fields)
    if labels is None or name is None:
        return []
    if "fqdn" in fields and len(labels) > 1:
        what = "'fqdn' on a range would give several hosts one name"
        reading.problem(fields["fqdn"].node, what, "write such hosts one by one")
        return []
    for label in labels:
        bad = bad_label(label, domain, {key: fields[key] for key in fields if key == "fqdn"})
        if bad:
            reading.problem(name.node, *bad)
            return []
    return [Retired(label, fqdn or qualified(label, domain)) for label in labels]
