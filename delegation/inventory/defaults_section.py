"""The settings of an inventory: what holds for hosts, live migration, and policy."""

import ipaddress
import re
from dataclasses import replace
from typing import NamedTuple

from delegation.inventory import (
    Authentication,
    Foreign,
    LiveMigration,
    Network,
    Performance,
    Policy,
    Unconstrained,
)
from delegation.inventory.fields import Field, Reading
from delegation.inventory.yaml_text import quoted
from delegation.inventory.yaml_tree import Kind, Mapping, Scalar

MAX_PARALLEL = 1_000
MAX_VALUE_LIMIT = 5_000

_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%\Z")


class Defaults(NamedTuple):
    """What holds for a host that declares nothing itself."""

    protocol_transition: bool | None = True
    live_migration: LiveMigration | None = None


def defaults(reading: Reading, field: Field | None) -> Defaults:
    fields = reading.fields(field, "defaults") if field else None
    if not fields:
        return Defaults()
    migration = fields.get("live_migration")
    return Defaults(
        protocol_transition(reading, fields.get("protocol_transition"), inherited=True),
        live_migration(reading, migration) if migration else None,
    )


def protocol_transition(
    reading: Reading, field: Field | None, *, inherited: bool | None
) -> bool | None:
    """True, False, or None for ``keep``: leave the flag as it is found."""
    if field is None:
        return inherited
    node = field.node
    if isinstance(node, Scalar) and node.kind is Kind.BOOLEAN:
        return reading.boolean(field)
    if not (isinstance(node, Scalar) and node.kind is Kind.TEXT and node.text == "keep"):
        reading.wrong(field, "true, false or keep")
    return None


def live_migration(reading: Reading, field: Field) -> LiveMigration | None:
    """The settings that the field declares; None where it could not be read."""
    fields = reading.fields(field, "live_migration")
    if fields is None:
        return None
    if not fields and isinstance(field.node, Mapping) and field.node.complete:
        reading.problem(field.node, "'live_migration' declares nothing", "fill it or delete it")
    migration = LiveMigration(
        enabled=reading.boolean(fields.get("enabled")),
        authentication=reading.choice(fields.get("authentication"), Authentication),
        migrations=reading.integer(fields.get("migrations"), 0, MAX_PARALLEL),
        storage_migrations=reading.integer(fields.get("storage_migrations"), 0, MAX_PARALLEL),
        performance=reading.choice(fields.get("performance"), Performance),
        networks=_networks(reading, fields.get("networks")),
        any_network=reading.boolean(fields.get("any_network")),
    )
    if migration.networks and migration.any_network:
        what = "networks and any_network: true contradict each other"
        reading.problem(fields["any_network"].node, what, "delete one of the two")
    return migration


def merged(default: LiveMigration | None, own: LiveMigration | None) -> LiveMigration | None:
    """A host's own settings over the defaults, field by field.

    Networks and ``any_network: true`` exclude each other: a host that declares one of them does
    not inherit the other.
    """
    if default is None or own is None:
        return own or default
    if own.networks and default.any_network:
        default = replace(default, any_network=None)
    if own.any_network:
        default = replace(default, networks=None)
    declared = {
        name: value
        for name in LiveMigration.__dataclass_fields__
        if (value := getattr(own, name)) is not None
    }
    return replace(default, **declared)


def _networks(reading: Reading, field: Field | None) -> tuple[Network, ...] | None:
    items = reading.items(field) if field else None
    if items is None:
        return None
    found: dict[str, Network] = {}
    for item in items:
        network = _network(reading, item)
        if network and network.subnet in found:
            what = f"subnet {quoted(network.subnet)} is listed twice"
            reading.problem(item.node, what, "keep one of the two")
        elif network:
            found[network.subnet] = network
    return tuple(found.values())


def _network(reading: Reading, item: Field) -> Network | None:
    if not isinstance(item.node, Mapping):
        subnet = _subnet(reading, item)
        return Network(subnet) if subnet else None
    fields = reading.fields(item, "network") or {}
    subnet = _subnet(reading, reading.required(fields, "subnet", item, "network"))
    priority = reading.integer(fields.get("priority"), 0, 2**31 - 1)
    return Network(subnet, priority) if subnet else None


def _subnet(reading: Reading, field: Field | None) -> str | None:
    text = reading.text(field)
    if field is None or text is None:
        return None
    address, slash, prefix = text.partition("/")
    fix = "write it like 10.20.0.0/24"
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        network = None
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


def policy(reading: Reading, field: Field | None) -> Policy:
    fields = reading.fields(field, "policy") if field else None
    if not fields:
        return Policy()
    standard = Policy()
    max_removals = _percentage(reading, fields.get("max_removals"))
    return Policy(
        foreign=reading.choice(fields.get("foreign"), Foreign) or standard.foreign,
        unconstrained=reading.choice(fields.get("unconstrained"), Unconstrained)
        or standard.unconstrained,
        max_removals=standard.max_removals if max_removals is None else max_removals,
        value_limit=reading.integer(fields.get("value_limit"), 1, MAX_VALUE_LIMIT)
        or standard.value_limit,
    )


def _percentage(reading: Reading, field: Field | None) -> float | None:
    if field is None:
        return None
    node = field.node
    match = _PERCENT.match(node.text) if isinstance(node, Scalar) else None
    if match is None:
        reading.wrong(field, "a percentage")
    elif float(match[1]) > 100:
        reading.problem(node, f"{field.title} is {match[0]}", "write a percentage up to 100%")
    else:
        return float(match[1])
    return None
