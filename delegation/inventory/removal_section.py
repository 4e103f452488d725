"""Values that an inventory has removed by name, and that nothing else in it wants."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from delegation import names
from delegation.inventory import FileServer, Host, Keep, Mesh, Removal
from delegation.inventory.declared import DeclaredSection
from delegation.inventory.fields import Field, Reading
from delegation.inventory.hosts_section import DeclaredHosts
from delegation.inventory.meshes_section import listed_hosts
from delegation.inventory.value_types import text_like
from delegation.inventory.yaml_text import quoted


def read_exact_value(reading: Reading, field: Field) -> str | None:
    """A value, of whatever form: junk is what is to go. No pattern, which would be no exact one."""
    text = reading.text(field)
    if text is None or not {*text} & {*"*?"}:
        return text
    what = f"{quoted(text)} is a pattern, and remove takes exact values"
    reading.problem(field.node, what, "write out each value; delegation audit shows them")
    return None


EXACT_VALUE = text_like("a value", "^[^*?]+$", read_exact_value)


class Reached(NamedTuple):
    """Who reaches whom: what the hosts of an inventory are to hold."""

    hosts: Mapping[str, Host]
    meshes: Sequence[Mesh]
    file_servers: Sequence[FileServer]

    def wanting(self, labels: Sequence[str], value: str) -> list[str]:
        """Those of the hosts that are to hold ``value``, in any case."""
        key = value.casefold()
        holders: set[str] = set()
        hosts = self.hosts.values()
        for mesh in self.meshes:
            targets = {
                host.label
                for host in hosts
                if _leads_to(key, host.computer, host.fqdn, mesh.services)
            }
            reached = targets.intersection(mesh.targets)
            holders |= {label for label in mesh.sources if reached - {label}}
        members = {mesh.name: {*mesh.sources, *mesh.targets} for mesh in self.meshes}
        for server in self.file_servers:
            if key in {f"{names.CIFS}/{name}".casefold() for name in server.names}:
                holders.update(*(members[mesh] for mesh in server.reached_from))
        return [label for label in labels if label in holders]


def _leads_to(key: str, computer: str, fqdn: str, services: Sequence[str]) -> bool:
    values = names.peer_values(computer, fqdn, services)
    return any(value.casefold() == key for value in values)


def read_removals(
    inventory: DeclaredSection, hosts: DeclaredHosts, reached: Reached, keep: Sequence[Keep]
) -> tuple[Removal, ...]:
    """What is to go; a value that is desired or kept on one of its hosts is reported."""
    found: list[Removal] = []
    for declared in inventory.sections("remove"):
        removal = _removal(declared, hosts)
        if removal is not None:
            _refuse_wanted(declared, removal, reached, keep)
            found.append(removal)
    return tuple(found)


def _removal(declared: DeclaredSection, hosts: DeclaredHosts) -> Removal | None:
    reading, listed, value = declared.reading, declared.get("hosts"), declared.get("value")
    if listed is None or value is None:
        return None
    holders = listed_hosts(reading, listed, hosts)
    if holders.readable and not holders.named:
        declared.problem("hosts", "'hosts' is an empty list", "name the hosts")
    text = read_exact_value(reading, value)
    reason = reading.text(declared.get("reason"))
    return None if text is None else Removal(text, holders.labels, reason or "")


def _refuse_wanted(
    declared: DeclaredSection, removal: Removal, reached: Reached, keep: Sequence[Keep]
) -> None:
    desired = reached.wanting(removal.hosts, removal.value)
    if desired:
        what = f"remove names {quoted(removal.value)}, which a mesh wants on {names.fold(desired)}"
        declared.problem("value", what, "take it out of one of the two places")
    rules = [rule for rule in keep if rule.covers(removal.value)]
    kept = [
        label
        for label in removal.hosts
        if any(not rule.hosts or label in rule.hosts for rule in rules)
    ]
    if kept:
        shown = quoted(removal.value)
        what = f"remove names {shown}, which a keep rule keeps on {names.fold(kept)}"
        declared.problem("value", what, "take it out of one of the two places")
