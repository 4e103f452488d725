"""Who reaches whom in an inventory: meshes of hosts, and the file servers behind them."""

from dataclasses import dataclass, field
from typing import NamedTuple

from delegation import names
from delegation.inventory import FileServer, Mesh, MeshService
from delegation.inventory.declared import DeclaredSection
from delegation.inventory.fields import Field, Reading
from delegation.inventory.hosts_section import DeclaredHosts, NameOwner
from delegation.inventory.machine_names import (
    bad_label,
    qualified,
    read_account_name,
    read_aliases,
    read_computer_name,
    read_fqdn,
)
from delegation.inventory.value_types import texts
from delegation.inventory.yaml_text import quoted
from delegation.inventory.yaml_tree import MappingNode, ScalarNode

DEFAULT_MESH = "all"
"""The name of the one mesh of all hosts that a file without meshes has."""

HOST_NAMES = texts("hosts and ranges")
MESH_NAMES = texts("names of meshes")
"""Both are read with what the file declares, and judged by that."""


class HostList(NamedTuple):
    """A list of hosts: the labels it resolves to, and how many names it gave in all.

    ``readable`` False: an item could not be read, and may stand for any host.
    """

    labels: tuple[str, ...] = ()
    named: int = 0
    readable: bool = False


def listed_hosts(reading: Reading, listed: Field, hosts: DeclaredHosts) -> HostList:
    """The hosts that a list of names and ranges stands for, which may be none."""
    items = reading.items(listed, may_be_empty=True)
    if items is None:
        return HostList()
    found: dict[str, None] = {}
    named, readable = 0, True
    for item in items:
        wanted = reading.names(item)
        if wanted is None:
            readable = False
            continue
        named += len(wanted)
        unknown: list[str] = []
        repeated: list[str] = []
        for name in wanted:
            label = hosts.labels.get(name.casefold())
            if label is None:
                unknown.append(name)
            elif label in found:
                repeated.append(name)
            else:
                found[label] = None
        if unknown and hosts.complete:
            what = f"unknown host {quoted(names.fold(unknown))} in {listed.title}"
            fix = "declare it under hosts, or correct the name"
            guess = names.did_you_mean(unknown, hosts.labels.values())
            reading.problem(item.node, what, f"{fix}; {guess}" if guess else fix)
        if repeated:
            what = f"repeated member {quoted(names.fold(repeated))} in {listed.title}"
            reading.problem(item.node, what, "name each host once")
    return HostList(tuple(found), named, readable)


@dataclass(slots=True)
class DeclaredMeshes:
    """The valid meshes, and every declared name, casefolded, with its spelling and place.

    ``complete`` False: a part could not be read, so that any host may well be a member.
    """

    found: list[Mesh] = field(default_factory=list)
    declared: dict[str, ScalarNode | None] = field(default_factory=dict)
    complete: bool = True


def read_meshes(inventory: DeclaredSection, hosts: DeclaredHosts) -> DeclaredMeshes:
    """The meshes; without the section, one of all hosts. Each host has to be in one."""
    reading = inventory.reading
    section = inventory.get("meshes")
    if section is None:
        return _mesh_of_all(reading, hosts)
    entries = reading.entries(section)
    if entries is None or not isinstance(section.node, MappingNode):
        return DeclaredMeshes(complete=False)
    if not section.node.entries and section.node.complete:
        fix = "delete it for one mesh of all hosts, or add one"
        reading.problem(section.node, "'meshes' declares no mesh", fix)
        return DeclaredMeshes(complete=False)
    meshes = DeclaredMeshes(
        complete=section.node.complete and len(entries) == len(section.node.entries)
    )
    meshed: set[str] = set()
    for key, node in entries:
        first = meshes.declared.setdefault(key.text.casefold(), key)
        if first and first.text != key.text:
            what = f"duplicate mesh {quoted(key.text)}, first at {first.line}:{first.column}"
            reading.problem(key, what, "rename one of the two; case makes no difference")
        mesh = inventory.entry("meshes", key, node)
        sources, targets = _mesh(mesh, hosts)
        services = _services(mesh)
        meshes.found.append(Mesh(key.text, sources.labels, targets.labels, services))
        meshes.complete = meshes.complete and sources.readable and targets.readable
        meshed.update(sources.labels, targets.labels)
    if meshes.complete:
        _report_hosts_in_no_mesh(reading, hosts, meshed)
    return meshes


def _mesh_of_all(reading: Reading, hosts: DeclaredHosts) -> DeclaredMeshes:
    labels = tuple(hosts.hosts)
    if len(labels) == 1 and hosts.complete and len(hosts.places) == 1:
        what = "empty mesh: a single host gives no pair"
        reading.problem(hosts.places[0][0], what, "declare the hosts that it migrates to")
    return DeclaredMeshes([Mesh(DEFAULT_MESH, labels, labels)], {DEFAULT_MESH: None})


def _report_hosts_in_no_mesh(reading: Reading, hosts: DeclaredHosts, meshed: set[str]) -> None:
    for key, labels in hosts.places:
        missing = [label for label in labels if label not in meshed]
        if missing:
            shown = quoted(names.fold(missing))
            verb, it = ("is", "it") if len(missing) == 1 else ("are", "them")
            fix = f"name {it} in a mesh, or delete {it} here"
            reading.problem(key, f"{shown} {verb} in no mesh", fix)


def _mesh(declared: DeclaredSection, hosts: DeclaredHosts) -> tuple[HostList, HostList]:
    """Sources and targets of one mesh, which are the same where it lists its members."""
    if not declared.readable:
        return HostList(), HostList()
    reading = declared.reading
    given = {key: field for key, field in declared.fields.items() if key != "services"}
    lists = {key: listed_hosts(reading, field, hosts) for key, field in given.items()}
    if "members" not in lists:
        return _one_way(declared, lists)
    two_way = lists["members"]
    if len(lists) > 1:
        what = f"{declared.field.title} has both members and sources or targets"
        fix = "keep members (two-way), or sources and targets (one way)"
        declared.problem("members", what, fix)
        everyone = [label for listed in lists.values() for label in listed.labels]
        readable = all(listed.readable for listed in lists.values())
        return HostList(tuple(everyone), len(everyone), readable), two_way
    if two_way.readable and two_way.named < 2:
        _report_no_pair(declared, "members", "two members")
    return two_way, two_way


def _services(declared: DeclaredSection) -> tuple[str, ...]:
    """Service classes, in the order in which values are written."""
    reading, listed = declared.reading, declared.get("services")
    if listed is None:
        return names.MANAGED_SERVICES
    found: set[MeshService] = set()
    for item in reading.items(listed) or ():
        service = reading.choice(item, MeshService)
        if service in found:
            reading.problem(item.node, f"repeated service {service}", "name each service once")
        elif service is not None:
            found.add(service)
    if found == {MeshService.CIFS}:
        what = f"{declared.field.title} has cifs alone: without the migration service nothing moves"
        declared.problem("services", what, "write services: [migration], or delete the line")
    return tuple(_CLASSES[service] for service in MeshService if service in found)


_CLASSES = {MeshService.CIFS: names.CIFS, MeshService.MIGRATION: names.MIGRATION}


def _one_way(declared: DeclaredSection, lists: dict[str, HostList]) -> tuple[HostList, HostList]:
    if not lists:
        if declared.is_empty or "services" in declared.fields:
            what = f"empty mesh: {declared.field.title} lists no hosts"
            fix = 'add members: ["hv[01-64]"], or sources and targets'
            declared.reading.problem(declared.node, what, fix)
        return HostList(), HostList()
    declared.require("sources")
    declared.require("targets")
    sources = lists.get("sources", HostList())
    targets = lists.get("targets", HostList())
    for key, listed in lists.items():
        if listed.readable and not listed.named:
            _report_no_pair(declared, key, "a source and a target")
            break
    common = set(sources.labels) & set(targets.labels)
    if common:
        verb = "is" if len(common) == 1 else "are"
        what = f"self-edge: {quoted(names.fold(common))} {verb} in sources and in targets"
        fix = "a one-way mesh needs two separate groups; for both ways write members:"
        declared.problem("targets", what, fix)
    return sources, targets


def _report_no_pair(declared: DeclaredSection, key: str, needed: str) -> None:
    what = f"empty mesh: {declared.field.title} gives no pair of hosts"
    declared.problem(key, what, f"it needs {needed} at least")


def read_file_servers(
    inventory: DeclaredSection,
    domain: str | None,
    hosts: DeclaredHosts,
    meshes: DeclaredMeshes,
) -> tuple[FileServer, ...]:
    """The file servers; their names are claimed among those of the hosts."""
    reading = inventory.reading
    section = inventory.get("file_servers")
    found: list[FileServer] = []
    seen: set[str] = set()
    for key, node in (reading.entries(section) if section else None) or ():
        if key.text in seen:
            continue  # a duplicate key, already reported
        seen.add(key.text)
        declared = inventory.entry("file_servers", key, node)
        given = {*declared.fields, "computer"} if "account" in declared else declared
        bad = bad_label(key.text, domain, given)
        if bad:
            reading.problem(key, *bad)
        if not declared.readable:
            continue
        server = _file_server(key.text, declared, domain, meshes)
        wanted = [name for name in (server.name, server.computer, *server.names) if name]
        taken = hosts.taken(wanted)
        if taken:
            what = f"file server {quoted(taken[0])} already belongs to {taken[1]}"
            reading.problem(key, what, "name a machine once")
        else:
            hosts.claim(NameOwner("file server", key), wanted)
        found.append(server)
    return tuple(found)


def _file_server(
    name: str, declared: DeclaredSection, domain: str | None, meshes: DeclaredMeshes
) -> FileServer:
    reading = declared.reading
    account = read_account_name(reading, declared.get("account")) or ""
    if account and declared.get("computer"):
        what = f"{declared.field.title} has both account and computer"
        declared.problem("computer", what, "keep one of the two: both name the account")
    computer = read_computer_name(reading, declared.get("computer"))
    server = FileServer(
        name,
        computer or account.removesuffix("$") or name,
        read_fqdn(reading, declared.get("fqdn")) or qualified(name, domain),
        _reached_from(declared, meshes),
        read_aliases(reading, declared.get("aliases")),
        account,
    )
    own = {name.casefold() for name in server.names[: -len(server.aliases) or None]}
    for alias in server.aliases:
        if alias.casefold() in own:
            what = f"{quoted(alias)} is no alias of {server.name}, but its own name"
            declared.problem("aliases", what, "take it out of aliases")
    return server


def _reached_from(declared: DeclaredSection, meshes: DeclaredMeshes) -> tuple[str, ...]:
    reading = declared.reading
    listed = declared.get("reached_from")
    spelled = {mesh.name.casefold(): mesh.name for mesh in meshes.found}
    found: dict[str, None] = {}
    for item in (reading.items(listed) if listed else None) or ():
        text = reading.text(item)
        if text is None:
            continue
        name = spelled.get(text.casefold())
        if name is None and meshes.complete:
            shown = quoted(", ".join(mesh.name for mesh in meshes.found[:5]))
            what = f"unknown mesh {quoted(text)}"
            guess = names.did_you_mean([text], spelled.values())
            fix = guess or f"name a mesh that is declared, such as {shown}"
            reading.problem(item.node, what, fix)
        elif name in found:
            reading.problem(item.node, f"repeated mesh {quoted(text)}", "name each mesh once")
        elif name:
            found[name] = None
    return tuple(found)
