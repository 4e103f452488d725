"""The settings of live migration that an inventory declares, for all hosts and for one."""

import ipaddress

from delegation.inventory import LiveMigration, Network
from delegation.inventory.declared import DeclaredSection
from delegation.inventory.fields import Field, Reading
from delegation.inventory.value_types import TEXT_SCHEMA, ValueType
from delegation.inventory.yaml_text import quoted


def read_subnet(reading: Reading, field: Field) -> str | None:
    """A subnet in CIDR form, spelled as ``ipaddress`` spells it."""
    text = reading.text(field)
    if text is None:
        return None
    address, slash, prefix = text.partition("/")
    fix = "write it like 10.20.0.0/24"
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        network = None
    # ip_network also takes a lone address, for a subnet of one, and a netmask for a prefix
    if network is None or not slash or not prefix.isdigit():
        what = f"{quoted(text)} is not a subnet"
    elif ipaddress.ip_address(address) != network.network_address:
        what, fix = f"{quoted(text)} is an address in a subnet", f"write {network}"
    elif network.prefixlen == 0:
        what, fix = f"{quoted(text)} is every network", "write any_network: true"
    else:
        return str(network)
    reading.problem(field.node, what, fix)
    return None


SUBNET = ValueType("a subnet", TEXT_SCHEMA, read_subnet)


def live_migration_settings(declared: DeclaredSection) -> LiveMigration | None:
    """The settings that are declared; None where there are none to be read."""
    if not declared.readable:
        return None
    if declared.is_empty:
        fix = "fill it or delete it"
        declared.reading.problem(declared.node, "'live_migration' declares nothing", fix)
    migration = declared.made(LiveMigration, networks=_networks(declared))
    if migration.networks and migration.any_network:
        what = "networks and any_network: true contradict each other"
        declared.problem("any_network", what, "delete one of the two")
    return migration


def overridden(default: LiveMigration | None, own: LiveMigration | None) -> LiveMigration | None:
    """The defaults, overridden by a host's own settings field by field.

    Networks and ``any_network: true`` exclude each other: a host that declares one of them does
    not inherit the other.
    """
    if default is None or own is None:
        return own or default
    if own.networks and default.any_network:
        default = default._replace(any_network=None)
    if own.any_network:
        default = default._replace(networks=None)
    declared = {name: value for name, value in own._asdict().items() if value is not None}
    return default._replace(**declared)


def _networks(declared: DeclaredSection) -> tuple[Network, ...] | None:
    found: dict[str, Network] = {}
    for item in declared.sections("networks"):
        network = item.made_if_whole(Network)
        if network is None:
            continue
        if network.subnet in found:
            what = f"subnet {quoted(network.subnet)} is listed twice"
            declared.reading.problem(item.node, what, "keep one of the two")
        found[network.subnet] = network
    return tuple(found.values()) or None
