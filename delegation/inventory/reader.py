"""YAML text -> Inventory, or every problem of the text at once.

One mistake is one problem: what can't be judged because of another problem is passed over.
"""

import re
from datetime import date
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType

from delegation.errors import InventoryError
from delegation.inventory import Inventory, Keep, yaml_tree
from delegation.inventory.defaults_section import defaults, policy
from delegation.inventory.directory_section import directory_settings
from delegation.inventory.fields import Field, Reading
from delegation.inventory.hosts_section import Hosts, domain_name, read_hosts, read_retired
from delegation.inventory.meshes_section import members, read_file_servers, read_meshes
from delegation.inventory.operation_sections import migrate_settings, remoting_settings
from delegation.inventory.yaml_text import quoted
from delegation.inventory.yaml_tree import Kind, Scalar

_PATTERN = re.compile(r"[^/\[\]]+/[^\[\]]+\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def parse(data: bytes, file: str) -> Inventory:
    """The inventory in ``data``, the bytes of ``file``.

    Paths in it stay as written: the caller knows what they are relative to. Raises
    InventoryError with all problems, in the order of the file.
    """
    document = yaml_tree.load(data)
    reading = Reading(document.problems)
    inventory = None
    if document.root is not None:
        digest = f"sha256:{sha256(data).hexdigest()}"
        inventory = _inventory(
            reading, Field("the inventory", "domain: corp.example", document.root), digest
        )
    problems = reading.problems()
    if problems or inventory is None:
        raise InventoryError(file, problems)
    return inventory


def _inventory(reading: Reading, root: Field, digest: str) -> Inventory | None:
    fields = reading.fields(root, "inventory")
    if fields is None:
        return None
    domain = domain_name(reading, reading.required(fields, "domain", root, "inventory"))
    hosts = read_hosts(
        reading,
        reading.required(fields, "hosts", root, "inventory"),
        domain,
        defaults(reading, fields.get("defaults")),
    )
    meshes = read_meshes(reading, fields.get("meshes"), hosts)
    # before `retired`, which may not name a file server either
    file_servers = read_file_servers(reading, fields.get("file_servers"), domain, hosts, meshes)
    return Inventory(
        domain=domain or "",
        digest=digest,
        hosts=MappingProxyType(hosts.hosts),
        meshes=tuple(meshes.found),
        state=reading.text(fields.get("state")) or Inventory.state,
        directory=directory_settings(reading, fields.get("directory"), domain),
        file_servers=file_servers,
        keep=_keep(reading, fields.get("keep"), hosts),
        retired=read_retired(reading, fields.get("retired"), domain, hosts),
        policy=policy(reading, fields.get("policy")),
        remoting=remoting_settings(reading, fields.get("remoting")),
        migrate=migrate_settings(reading, fields.get("migrate"), hosts),
    )


class _Transition(StrEnum):
    ACCEPT = "accept"


def _keep(reading: Reading, field: Field | None, hosts: Hosts) -> tuple[Keep, ...]:
    items = reading.items(field, may_be_empty=True) if field else None
    return tuple(_keep_rule(reading, item, hosts) for item in items or ())


def _keep_rule(reading: Reading, item: Field, hosts: Hosts) -> Keep:
    fields = reading.fields(item, "keep")
    if fields is None:
        return Keep("")
    transition = reading.choice(fields.get("protocol_transition"), _Transition)
    return Keep(
        value=_pattern(reading, reading.required(fields, "value", item, "keep")),
        hosts=_only_on(reading, fields.get("hosts"), hosts),
        reason=reading.text(fields.get("reason")) or "",
        owner=reading.text(fields.get("owner")) or "",
        expires=_date(reading, fields.get("expires")),
        accepts_transition=transition is _Transition.ACCEPT,
    )


def _only_on(reading: Reading, field: Field | None, hosts: Hosts) -> tuple[str, ...]:
    if field is None:
        return ()
    listed = members(reading, field, hosts)
    if listed.readable and not listed.named:
        what = "'hosts' is an empty list, and a rule without hosts holds on every host"
        reading.problem(field.node, what, "name the hosts, or delete it for every host")
    return listed.labels


def _pattern(reading: Reading, field: Field | None) -> str:
    text = reading.text(field)
    if field is None or text is None or _PATTERN.match(text):
        return text or ""
    what = f"{quoted(text)} is not a pattern of service/host"
    fix = "write it like HTTP/* with * and ? only; hosts of a range go under hosts:"
    reading.problem(field.node, what, fix)
    return ""


def _date(reading: Reading, field: Field | None) -> date | None:
    if field is None:
        return None
    node = field.node
    if isinstance(node, Scalar) and node.kind in {Kind.DATE, Kind.TEXT} and _DATE.match(node.text):
        try:
            return date.fromisoformat(node.text)
        except ValueError:
            what = f"{field.title}: there is no day {quoted(node.text)}"
            reading.problem(node, what, "correct the date")
    else:
        reading.wrong(field, "a date without a time")
    return None
