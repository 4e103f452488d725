"""The settings of an inventory: how to reach the directory, live migration, policy."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from delegation import names
from delegation.inventory import (
    Auth,
    Authentication,
    DirectorySettings,
    Foreign,
    LiveMigration,
    Network,
    Performance,
    Policy,
    Unconstrained,
)
from delegation.inventory_fields import Field, Fields, Reading
from delegation.yaml_text import quoted
from delegation.yaml_tree import Kind, Mapping, Scalar

GLOBAL_CATALOG_PORTS = frozenset({3268, 3269})
MAX_PARALLEL = 1_000
MAX_VALUE_LIMIT = 5_000

_SERVER = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?\Z")
_RDN = r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)=(?:[^,\\]|\\.)+"
_DN = re.compile(rf"{_RDN}(?:, *{_RDN})*\Z")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%\Z")


def directory_settings(
    reading: Reading, field: Field | None, domain: str | None
) -> DirectorySettings:
    """``search_base`` must lie in ``domain``; None: unknown, because of a problem."""
    fields = reading.fields(field, "directory") if field else None
    if not fields:
        return DirectorySettings()
    settings = DirectorySettings(
        url=_url(reading, fields.get("url")),
        start_tls=bool(reading.boolean(fields.get("start_tls"))),
        auth=reading.choice(fields.get("auth"), Auth),
        user=reading.text(fields.get("user")),
        keytab=reading.text(fields.get("keytab")),
        ca_file=reading.text(fields.get("ca_file")),
        site=reading.text(fields.get("site")),
        dns_servers=_dns_servers(reading, fields.get("dns_servers")),
        search_base=_search_base(reading, fields.get("search_base"), domain),
    )
    _directory_agrees(reading, fields, settings)
    return settings


def _url(reading: Reading, field: Field | None) -> str | None:
    url = reading.text(field)
    if field is None or url is None:
        return None
    try:
        return directory_url(url)
    except ValueError as exc:
        what, fix = exc.args
        reading.problem(field.node, what, fix)
        return None


def directory_url(url: str) -> str:
    """``url`` with its scheme in lower case. Raises ValueError(what, what to do)."""
    scheme, _, rest = url.partition(":")
    scheme = scheme.lower()
    server = rest.removeprefix("//")
    match = _SERVER.match(server)
    port = int(match[1]) if match and match[1] else None
    if scheme == "ldif" and rest and not rest.startswith("//"):
        return f"ldif:{rest}"
    if scheme == "ldif":
        raise ValueError(f"{quoted(url)} names no file", "write ldif:export.ldif")
    if "@" in url:
        raise ValueError("the URL has a user in it", "write the account alone, under user:")
    if scheme not in {"ldap", "ldaps"} or not rest.startswith("//"):
        raise ValueError(
            f"{quoted(url)} is no directory URL",
            "write ldaps://dc1.corp.example, ldap://dc1.corp.example or ldif:export.ldif",
        )
    if match is None:
        raise ValueError(
            f"{quoted(url)} is not just a server",
            f"write {scheme}://dc1.corp.example, with :port if needed, and no path",
        )
    if port in GLOBAL_CATALOG_PORTS:
        raise ValueError(
            f"port {port} is the global catalog, which lacks msDS-AllowedToDelegateTo",
            f"write {scheme}:// without a port",
        )
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"{port} is no port", f"write {scheme}:// without a port")
    return f"{scheme}://{server}"


def _directory_agrees(reading: Reading, fields: Fields, settings: DirectorySettings) -> None:
    """Reports settings that contradict each other, where both of them could be read."""
    url, auth = settings.url, settings.auth
    if settings.start_tls and url and not url.startswith("ldap://"):
        what = f"start_tls makes no sense with {quoted(url)}"
        reading.problem(fields["start_tls"].node, what, "delete start_tls, or write ldap://")
    if auth is Auth.SIMPLE and url and url.startswith("ldap://") and not settings.start_tls:
        what = "simple authentication over plain ldap:// would send the password in clear"
        reading.problem(fields["auth"].node, what, "write ldaps://, or start_tls: true")
    if auth is Auth.SIMPLE and "user" not in fields:
        what = "simple authentication without a user would be anonymous"
        reading.problem(fields["auth"].node, what, "add user: svc-delegation")
    if auth in {Auth.SIMPLE, Auth.NTLM} and "keytab" in fields:
        what = f"a keytab is of no use with auth: {auth}"
        reading.problem(fields["keytab"].node, what, "write auth: kerberos, or delete keytab")


def _dns_servers(reading: Reading, field: Field | None) -> tuple[str, ...]:
    servers: list[str] = []
    for item in (reading.items(field) if field else None) or ():
        text = reading.text(item)
        if text is None:
            continue
        try:
            servers.append(str(ipaddress.ip_address(text)))
        except ValueError:
            what = f"{quoted(text)} is not an IP address"
            reading.problem(item.node, what, "write it like 10.0.0.53")
    return tuple(servers)


def _search_base(reading: Reading, field: Field | None, domain: str | None) -> tuple[str, ...]:
    bases: list[str] = []
    for item, dn in _joined(reading, (reading.items(field) if field else None) or [], domain):
        if domain is None or _is_inside(dn, domain):
            bases.append(dn)
        else:
            what = f"{quoted(dn)} does not lie in the domain {quoted(domain)}"
            fix = f'end it with {names.domain_dn(domain)}, and write it in "quotes"'
            reading.problem(item.node, what, fix)
    return tuple(bases)


def _joined(
    reading: Reading, items: list[Field], domain: str | None
) -> Iterator[tuple[Field, str]]:
    """The distinguished names of a list, each with the item at which it starts.

    YAML splits an unquoted name in [] at its commas; the pieces are joined again, up to where
    they lie in the domain.
    """
    pieces: list[str] = []
    start: Field | None = None
    tail = domain.count(".") + 2 if domain else 0  # as many pieces as decide where they lie
    for item in items:
        text = reading.text(item)
        if text is None:
            continue
        if not _DN.match(text):
            what = f"{quoted(text)} is not a distinguished name"
            reading.problem(item.node, what, f"write it like {item.example}")
            continue
        if start and "," in text:
            yield start, ",".join(pieces)
            pieces, start = [], None
        pieces.append(text)
        start = start or item
        if domain is None or "," in text or _is_inside(",".join(pieces[-tail:]), domain):
            yield start, ",".join(pieces)
            pieces, start = [], None
    if start:
        yield start, ",".join(pieces)


def _is_inside(dn: str, domain: str) -> bool:
    return names.naming_context(dn) == names.dn_key(names.domain_dn(domain))


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
