"""A host -> its live-migration settings, networks, listeners, and what is under way there."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from delegation.errors import CimFailed
from delegation.hosts import settings
from delegation.hosts.cim import wql
from delegation.hosts.cim.cim_classes import (
    MANAGEMENT_SETTINGS,
    MIGRATION_NETWORK,
    MIGRATION_SERVICE,
    MIGRATION_SETTINGS,
    NUMA_NODE,
)
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.machines import UnderWay

SET_BY_HAND = "Microsoft:UserManaged"
"""The tag of a network that somebody has listed; others are the system's own."""
ANY_NETWORK = "Microsoft:UserManagedAllNetworks"
"""The tag of what stands for any network: 0.0.0.0/0, ::/0."""

MIB = 1024 * 1024
AUTHENTICATION = ("CredSSP", "Kerberos")
"""By their numbers."""
PROPERTIES: Mapping[str, str] = {
    settings.ENABLED: "EnableVirtualSystemMigration",
    settings.MIGRATIONS: "MaximumActiveVirtualSystemMigration",
    settings.STORAGE_MIGRATIONS: "MaximumActiveStorageMigration",
}
"""The settings that a host holds as they are in the inventory, and the property of each."""


@dataclass(frozen=True, slots=True)
class ServiceNow:
    """The migration service at this moment.

    ``listeners`` are the addresses where it takes migrations, without link-local ones; none while
    migrations are off.
    """

    listeners: tuple[str, ...]
    under_way: UnderWay


def read_settings(cim: Cim) -> dict[str, bool | int | str]:
    """The settings of a host by their names in the inventory, each network as one."""
    found = cim.only(wql.every(MIGRATION_SETTINGS))
    networks = cim.query(wql.every(MIGRATION_NETWORK))
    values: dict[str, bool | int | str] = {
        settings.ENABLED: found.boolean(PROPERTIES[settings.ENABLED]),
        settings.AUTHENTICATION: _authentication(found, cim.host),
        settings.MIGRATIONS: found.integer(PROPERTIES[settings.MIGRATIONS]),
        settings.STORAGE_MIGRATIONS: found.integer(PROPERTIES[settings.STORAGE_MIGRATIONS]),
        settings.PERFORMANCE: _performance(found),
        settings.ANY_NETWORK: any(ANY_NETWORK in one.texts("Tags") for one in networks),
    }
    return {**values, **_listed(networks)}


def _authentication(found: CimInstance, host: str) -> str:
    number = found.integer("AuthenticationType")
    if number >= len(AUTHENTICATION):
        raise CimFailed(
            f"{host} migrates by authentication {number}, which this program does not know",
            "set it to Kerberos on the host: Set-VMHost -VirtualMachineMigrationAuthenticationType",
        )
    return AUTHENTICATION[number]


def _performance(found: CimInstance) -> str:
    """By two switches of which the first one wins."""
    if found.boolean("EnableSmbTransport"):
        return "SMB"
    return "Compression" if found.boolean("EnableCompression") else "TCPIP"


def _listed(networks: list[CimInstance]) -> Mapping[str, int]:
    """Those that somebody listed. The metric is the priority: lower ones are preferred."""
    return {
        settings.network(subnet(one)): one.integer("Metric")
        for one in networks
        if SET_BY_HAND in one.texts("Tags")
    }


def subnet(network: CimInstance) -> str:
    """``10.20.0.0/24``."""
    return f"{network.text('SubnetNumber')}/{network.integer('PrefixLength')}"


def read_service(cim: Cim) -> ServiceNow:
    """What the migration service is at."""
    found = cim.only(wql.every(MIGRATION_SERVICE))
    addresses = found.texts("MigrationServiceListenerIPAddressList")
    return ServiceNow(
        tuple(one for one in addresses if not _is_link_local(one)),
        UnderWay(
            found.integer("ActiveVirtualSystemMigrationCount"),
            found.integer("ActiveStorageMigrationCount"),
        ),
    )


def _is_link_local(address: str) -> bool:
    """Such an address is of one link, and means nothing to another host (RFC 4291 2.5.6)."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_link_local
    except ValueError:
        return False


def read_folder(cim: Cim) -> str:
    """Where virtual machines go unless told otherwise."""
    return cim.only(wql.every(MANAGEMENT_SETTINGS)).text("DefaultExternalDataRoot")


def free_memory(cim: Cim) -> int:
    """Bytes that virtual machines may still take, over all NUMA nodes."""
    nodes = cim.query(wql.every(NUMA_NODE))
    if not nodes:
        raise CimFailed(f"{cim.host} tells nothing of its memory", "look at its service vmms")
    return sum(one.integer("CurrentlyConsumableMemoryBlocks") for one in nodes) * MIB
