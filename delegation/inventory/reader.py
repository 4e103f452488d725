"""YAML text -> Inventory, or every problem of the text at once.

``keys`` says which keys there are and reads most of them; the sections add what holds between
several keys. One mistake is one problem: what can't be judged because of another problem is
passed over.
"""

from collections.abc import Iterable
from hashlib import sha256
from types import MappingProxyType

from delegation.errors import InventoryError
from delegation.inventory import STATE_FOLDER, Inventory, Policy, yaml_tree, yaml_writing
from delegation.inventory.acceptance_section import read_accepted, read_trusted
from delegation.inventory.declared import DeclaredSection
from delegation.inventory.directory_section import directory_settings
from delegation.inventory.fields import Field, Reading
from delegation.inventory.former_name_types import read_suffixes
from delegation.inventory.former_names import names_of
from delegation.inventory.former_section import claim_former_names
from delegation.inventory.hosts_section import read_host_defaults, read_hosts, read_retired
from delegation.inventory.keep_section import read_keep
from delegation.inventory.keys import INVENTORY
from delegation.inventory.machine_names import read_domain
from delegation.inventory.meshes_section import read_file_servers, read_meshes
from delegation.inventory.operation_sections import migrate_settings, remoting_settings
from delegation.inventory.removal_section import Reached, read_removals


def parse(data: bytes, file: str) -> Inventory:
    """The inventory in ``data``, the bytes of ``file``.

    Paths in it stay as written: the caller knows what they are relative to. Raises
    InventoryError with all problems, in the order of the file.
    """
    document = yaml_tree.load(data)
    reading = Reading(document.problems)
    inventory = None
    if document.root is not None:
        root = Field("the inventory", "domain: corp.example", document.root)
        declared = DeclaredSection(reading, INVENTORY, root)
        digest = f"sha256:{sha256(data).hexdigest()}"
        inventory = _inventory(declared, digest)
    problems = reading.problems()
    if problems or inventory is None:
        raise InventoryError(file, problems)
    return inventory


def _advise(reading: Reading, key: str, declared: Iterable[str]) -> None:
    """From here on advice about a key names the first of what is ``declared``."""
    for name in declared:
        reading.declared[key] = f"[{yaml_writing.scalar(name)}]"
        break


def _inventory(declared: DeclaredSection, digest: str) -> Inventory | None:
    if not declared.readable:
        return None
    reading = declared.reading
    domain = read_domain(reading, declared.get("domain"))
    hosts = read_hosts(declared, domain, read_host_defaults(declared.section("defaults")))
    _advise(reading, "hosts", hosts.hosts)
    meshes = read_meshes(declared, hosts)
    _advise(reading, "reached_from", [mesh.name for mesh in meshes.found])
    # Before the retired hosts, which may not be named like a file server either.
    file_servers = read_file_servers(declared, domain, hosts, meshes)
    in_use = names_of(hosts.hosts.values(), file_servers)
    claim_former_names(reading, domain, hosts, in_use)
    retired = read_retired(declared, domain, hosts)
    # A retired host's account may hold values of somebody else for a while.
    holders = hosts.with_retired(retired)
    keep = read_keep(declared, holders)
    reached = Reached(hosts.hosts, tuple(meshes.found), file_servers)
    return Inventory(
        domain=domain or "",
        digest=digest,
        hosts=MappingProxyType(hosts.hosts),
        meshes=tuple(meshes.found),
        state=reading.text(declared.get("state")) or STATE_FOLDER,
        directory=directory_settings(declared.section("directory"), domain),
        file_servers=file_servers,
        keep=keep,
        remove=read_removals(declared, holders, reached, keep),
        retired=retired,
        former_suffixes=read_suffixes(reading, declared.get("former_suffixes")),
        accept=read_accepted(declared, holders),
        trusted=read_trusted(declared),
        policy=declared.section("policy").made(Policy),
        remoting=remoting_settings(declared.section("remoting")),
        migrate=migrate_settings(declared.section("migrate"), hosts),
    )
