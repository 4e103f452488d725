"""The migration service's methods that change its settings and networks."""

from __future__ import annotations

import ipaddress

from tests.lab.cim.cim_values import Instance
from tests.lab.cim.embedded import read_instance
from tests.lab.cim.view import Given, Refused
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import HostState
from tests.lab.hosts.vmms.host_objects import ANY, AUTHENTICATION, networks
from tests.lab.hosts.vmms.jobs import INVALID_PARAMETER

SETTINGS = "Msvm_VirtualSystemMigrationServiceSettingData"
NETWORK = "Msvm_VirtualSystemMigrationNetworkSettingData"


def modify_service(host: Host, given: Given) -> None:
    """ModifyServiceSettings: what is NULL stays."""
    new = read_instance(given.get("ServiceSettingData") or "", SETTINGS)
    if new["AuthenticationType"] not in {None, 0, 1} or not new["InstanceID"]:
        raise Refused(INVALID_PARAMETER)
    with host.store.change() as state:
        if new["EnableVirtualSystemMigration"] is not None:
            state.enabled = new["EnableVirtualSystemMigration"]
        if new["AuthenticationType"] is not None:
            state.authentication = AUTHENTICATION[new["AuthenticationType"]]
        if new["MaximumActiveVirtualSystemMigration"] is not None:
            state.migrations = new["MaximumActiveVirtualSystemMigration"]
        if new["MaximumActiveStorageMigration"] is not None:
            state.storage_migrations = new["MaximumActiveStorageMigration"]
        smb, compressed = new["EnableSmbTransport"], new["EnableCompression"]
        smb = state.performance == "SMB" if smb is None else smb
        compressed = state.performance == "Compression" if compressed is None else compressed
        state.performance = "SMB" if smb else "Compression" if compressed else "TCPIP"


def add_networks(host: Host, given: Given) -> None:
    """AddNetworkSettings: all of them, or none; any network is one of them."""
    with host.store.change() as state:
        for new in wanted_networks(given):
            subnet = subnet_of(new)
            if subnet is None:
                raise Refused(INVALID_PARAMETER)
            if ANY in (new["Tags"] or []):
                state.any_network = True
            elif subnet in state.networks:
                raise Refused(INVALID_PARAMETER)
            else:
                state.networks[subnet] = new["Metric"] or 0


def modify_networks(host: Host, given: Given) -> None:
    """ModifyNetworkSettings: all of them, or none; each is found by its InstanceID."""
    with host.store.change() as state:
        for new in wanted_networks(given):
            old = subnet_known_as(host, state, new["InstanceID"])
            if old is None:
                raise Refused(INVALID_PARAMETER)
            metric = state.networks.pop(old)
            subnet = subnet_of(new) or old
            state.networks[subnet] = metric if new["Metric"] is None else new["Metric"]


def remove_networks(host: Host, given: Given) -> None:
    """RemoveNetworkSettings: references."""
    with host.store.change() as state:
        for one in given.get("NetworkSettings") or []:
            if ANY in (one["Tags"] or []):
                state.any_network = False
            elif (subnet := subnet_known_as(host, state, one["InstanceID"])) is not None:
                del state.networks[subnet]


def wanted_networks(given: Given) -> list[Instance]:
    """Read the networks of a call, which are strings."""
    wanted = [read_instance(one, NETWORK) for one in given.get("NetworkSettings") or []]
    if not wanted:
        raise Refused(INVALID_PARAMETER)
    return wanted


def subnet_known_as(host: Host, state: HostState, instance_id: str | None) -> str | None:
    """Give the subnet of an entry."""
    shown = {one["InstanceID"]: one for one in networks(host, state)}
    found = shown.get(instance_id or "")
    subnet = found and subnet_of(found)
    return subnet if subnet in state.networks else None


def subnet_of(one: Instance) -> str | None:
    """Give an entry's subnet in one form; None if it is none."""
    try:
        text = f"{one['SubnetNumber']}/{one['PrefixLength']}"
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None
