"""JSON Schema of the inventory, for editors: completion, hover texts and the obvious mistakes.

It is looser than the reader, which alone decides: a schema knows no names and no other keys.
The keys and their examples are the reader's own.
"""

from enum import StrEnum
from typing import Any

from delegation.inventory import (
    Auth,
    Authentication,
    Foreign,
    Performance,
    Policy,
    Slots,
    Unconstrained,
)
from delegation.inventory.defaults_section import MAX_PARALLEL, MAX_VALUE_LIMIT
from delegation.inventory.keys import KEYS
from delegation.inventory.yaml_tree import Kind, Mapping, Node, Scalar, Sequence, load

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Schema = {"type": "string", "minLength": 1}
_BOOLEAN: Schema = {"type": "boolean"}
_PARALLEL: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_PARALLEL}


def json_schema() -> Schema:
    """The schema of an inventory file (draft 2020-12), as a value that ``json`` can write."""
    sections = {
        _definition(name): _section(name) for name in KEYS if name not in {"inventory", "retired"}
    }
    sections["retired"] = {"anyOf": [_TEXT, _section("retired")]}
    sections["network"] = {"anyOf": [_TEXT, _section("network")]}
    return {
        "$schema": DIALECT,
        "title": "Inventory of delegation",
        "description": "Hyper-V hosts, and which of them migrate virtual machines to which.",
        **_section("inventory"),
        "$defs": sections,
    }


def _definition(section: str) -> str:
    return section.replace(" ", "_")


def _section(name: str) -> Schema:
    """The mapping of one section of KEYS."""
    properties = {
        key: {
            **_VALUES[name][key][0],
            "description": _VALUES[name][key][1],
            "examples": [_value(load(text.encode()).root)],
        }
        for key, text in KEYS[name].items()
    }
    section: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if name in _REQUIRED:
        section["required"] = _REQUIRED[name]
    if name == "mesh":
        section["oneOf"] = [{"required": ["members"]}, {"required": ["sources", "targets"]}]
    return section


def _value(node: Node | None) -> object:
    """The node of an example as JSON has it, where a date is text."""
    match node:
        case Mapping(entries=entries):
            return {key.text: _value(value) for key, value in entries}
        case Sequence(items=items):
            return [_value(item) for item in items]
        case Scalar(kind=Kind.BOOLEAN, text=text):
            return text == "true"
        case Scalar(kind=Kind.INTEGER, text=text):
            return int(text)
        case Scalar(kind=Kind.TEXT | Kind.DATE, text=text):
            return text
    return None


_REQUIRED = {
    "inventory": ["domain", "hosts"],
    "network": ["subnet"],
    "file server": ["reached_from"],
    "keep": ["value"],
    "retired": ["name"],
}


def _list(item: Schema, minimum: int = 1) -> Schema:
    return {"type": "array", "items": item, "minItems": minimum, "uniqueItems": True}


def _ref(section: str) -> Schema:
    return {"$ref": f"#/$defs/{section}"}


def _named(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value, "minProperties": 1}


def _one_of(choices: type[StrEnum]) -> Schema:
    return {"enum": [str(choice) for choice in choices]}


_NAMES = _list(_TEXT)
_TRANSITION: Schema = {"enum": [True, False, "keep"]}
_STANDARD = Policy()

# Section, key: what a value looks like, and what it means
_VALUES: dict[str, dict[str, tuple[Schema, str]]] = {
    "inventory": {
        "domain": (_TEXT, "DNS name of the Active Directory domain of all hosts."),
        "state": (_TEXT, "Folder of the journal and the undo files; beside the inventory."),
        "directory": (_ref("directory"), "How to reach the directory."),
        "defaults": (_ref("defaults"), "What holds for each host that says nothing else."),
        "hosts": (
            _named({"anyOf": [{"type": "null"}, _ref("host")]}),
            "Hyper-V hosts by name or range, such as hv[01-64].",
        ),
        "meshes": (_named(_ref("mesh")), "Who migrates to whom; default: all hosts to all."),
        "file_servers": (
            {"type": "object", "additionalProperties": _ref("file_server")},
            "SMB file servers that hosts store virtual machines or ISO images on.",
        ),
        "keep": (_list(_ref("keep"), 0), "Values of somebody else, which stay."),
        "retired": (
            _list(_ref("retired"), 0),
            "Hosts that are gone: every trace of them is removed from their former peers.",
        ),
        "policy": (_ref("policy"), "What to do about what is found, and how much at once."),
        "remoting": (_ref("remoting"), "How the hosts themselves are reached."),
        "migrate": (_ref("migrate"), "What migrations have to respect."),
    },
    "directory": {
        "url": (
            {"type": "string", "pattern": "^([Ll][Dd][Aa][Pp][Ss]?://|[Ll][Dd][Ii][Ff]:)."},
            "ldaps://SERVER, ldap://SERVER or ldif:FILE; default: found in DNS.",
        ),
        "start_tls": (_BOOLEAN, "Turn an ldap:// connection into an encrypted one."),
        "auth": (_one_of(Auth), "How to log on to the directory."),
        "user": (_TEXT, "Account; default: the current ticket or logon."),
        "keytab": (_TEXT, "Kerberos keys of the account, for runs without a password."),
        "ca_file": (_TEXT, "Certificates (PEM) that a server's certificate must lead to."),
        "site": (_TEXT, "Active Directory site whose domain controllers are preferred."),
        "dns_servers": (_NAMES, "IP addresses of the DNS servers to ask."),
        "search_base": (_NAMES, "Where the hosts' accounts are, in quotes; default: the domain."),
    },
    "defaults": {
        "protocol_transition": (_TRANSITION, "As for a host; default: true."),
        "live_migration": (_ref("live_migration"), "As for a host, which overrides it by field."),
    },
    "host": {
        "fqdn": (_TEXT, "The account's dNSHostName; default: the name in the domain."),
        "computer": (_TEXT, "The account's sAMAccountName without $; default: the name."),
        "protocol_transition": (
            _TRANSITION,
            '"Use any authentication protocol"; false: Kerberos only; keep: as it is found.',
        ),
        "live_migration": (_ref("live_migration"), "Settings of the host; others are left alone."),
    },
    "live_migration": {
        "enabled": (_BOOLEAN, "Whether the host takes part in live migrations."),
        "authentication": (_one_of(Authentication), "Kerberos needs delegation, CredSSP a logon."),
        "migrations": (_PARALLEL, "Live migrations at the same time."),
        "storage_migrations": (_PARALLEL, "Storage migrations at the same time."),
        "performance": (_one_of(Performance), "How memory is transferred."),
        "networks": (_list(_ref("network")), "Subnets for incoming migrations."),
        "any_network": (_BOOLEAN, "Take migrations on any network."),
    },
    "network": {
        "subnet": (_TEXT, "The subnet, as 10.20.0.0/24."),
        "priority": ({"type": "integer", "minimum": 0}, "Lower is used first."),
    },
    "mesh": {
        "members": (_list(_TEXT), "Hosts that all migrate to each other."),
        "sources": (_list(_TEXT), "One way: hosts that migrate away."),
        "targets": (_list(_TEXT), "One way: hosts that are migrated to."),
    },
    "file server": {
        "reached_from": (_NAMES, "Meshes whose hosts may reach it."),
        "fqdn": (_TEXT, "The account's dNSHostName; default: the name in the domain."),
        "computer": (_TEXT, "The account's sAMAccountName without $; default: the name."),
    },
    "keep": {
        "value": ({"type": "string", "pattern": "^[^/]+/."}, "Pattern of values, with * and ?."),
        "hosts": (_NAMES, "On these hosts only; default: on all."),
        "reason": (_TEXT, "What the values are for."),
        "owner": (_TEXT, "Who to ask about them."),
        "expires": (
            {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
            "Day after which it is a finding; the values stay untouched.",
        ),
        "protocol_transition": (
            {"const": "accept"},
            "The owner accepts that the flag, which governs the whole list, may change.",
        ),
    },
    "retired": {
        "name": (_TEXT, "Name or range."),
        "fqdn": (_TEXT, "Its full name; default: the name in the domain."),
    },
    "policy": {
        "foreign": (_one_of(Foreign), f"Values that nobody claims; default: {_STANDARD.foreign}."),
        "unconstrained": (
            _one_of(Unconstrained),
            f"Delegation to any service; default: {_STANDARD.unconstrained}.",
        ),
        "max_removals": (
            {"type": "string", "pattern": "^[0-9]{1,3}(\\.[0-9]{1,6})?%$"},
            f"Share of the values one run may remove; default: {_STANDARD.max_removals:g}%.",
        ),
        "value_limit": (
            {"type": "integer", "minimum": 1, "maximum": MAX_VALUE_LIMIT},
            f"Values of one object at most; default: {_STANDARD.value_limit}.",
        ),
    },
    "remoting": {
        "user": (
            _TEXT,
            "Hyper-V administrator of the hosts; default: the current ticket or logon.",
        ),
        "keytab": (_TEXT, "Kerberos keys of that account, for runs without a password."),
        "https": (_BOOLEAN, "WinRM over HTTPS; default: HTTP with encrypted messages."),
        "port": (
            {"type": "integer", "minimum": 1, "maximum": 65535},
            "Port of WinRM; default: 5985, with https 5986.",
        ),
        "ca_file": (_TEXT, "Certificates (PEM) that a host's certificate must lead to."),
    },
    "migrate": {
        "slots": (
            _one_of(Slots),
            "What one migration takes at both ends: a slot of both kinds (default), or a live one.",
        ),
        "affinity": (_list(_ref("affinity"), 0), "Which machines may be where, for drain."),
    },
    "affinity": {
        "apart": (_NAMES, "Machines, or patterns, of which no two may share a host."),
        "together": (_NAMES, "Machines that are to share a host."),
        "machines": (_NAMES, "Machines that may only be on these hosts."),
        "hosts": (_NAMES, "The hosts for machines."),
    },
}
