"""The migration service's settings and networks, and the methods that change them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from tests.lab.cim.cim_values import Instance
from tests.lab.cim.embedded import NotEmbedded, read_instance
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import HostState
from tests.lab.hosts.vmms.host_objects import ANY, AUTHENTICATION, networks
from tests.lab.hosts.vmms.jobs import DONE, INVALID_PARAMETER

SETTINGS = "Msvm_VirtualSystemMigrationServiceSettingData"
NETWORK = "Msvm_VirtualSystemMigrationNetworkSettingData"


class SettingsChanges:
    """Changes of one host's settings; each gives a number, 0 for done."""

    def __init__(self, host: Host, follow: Callable[[], None]) -> None:
        self.host, self.follow = host, follow

    def modify_service(self, given: Mapping[str, Any]) -> int:
        """ModifyServiceSettings: what is NULL stays."""
        try:
            new = read_instance(given.get("ServiceSettingData") or "", SETTINGS)
        except NotEmbedded:
            return INVALID_PARAMETER
        with self.host.store.change() as state:
            returned = self.applied(state, new)
        self.follow()
        return returned

    def applied(self, state: HostState, new: Instance) -> int:
        """Change a state."""
        if new["AuthenticationType"] not in {None, 0, 1} or not new["InstanceID"]:
            return INVALID_PARAMETER
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
        return DONE

    def add_networks(self, given: Mapping[str, Any]) -> int:
        """AddNetworkSettings."""
        return self.each(given, self.added)

    def modify_networks(self, given: Mapping[str, Any]) -> int:
        """ModifyNetworkSettings: found by InstanceID."""
        return self.each(given, self.modified)

    def each(self, given: Mapping[str, Any], change: Callable[[HostState, Instance], int]) -> int:
        """Make all changes, or none."""
        try:
            wanted = [read_instance(one, NETWORK) for one in given.get("NetworkSettings") or []]
        except NotEmbedded:
            return INVALID_PARAMETER
        if not wanted:
            return INVALID_PARAMETER
        with self.host.store.change() as state:
            before = (dict(state.networks), state.any_network)
            for one in wanted:
                if returned := change(state, one):
                    state.networks, state.any_network = before
                    return returned
        self.follow()
        return DONE

    def added(self, state: HostState, new: Instance) -> int:
        """Add one network, or any network."""
        subnet = subnet_of(new)
        if subnet is None:
            return INVALID_PARAMETER
        if ANY in (new["Tags"] or []):
            state.any_network = True
        elif subnet in state.networks:
            return INVALID_PARAMETER
        else:
            state.networks[subnet] = new["Metric"] or 0
        return DONE

    def modified(self, state: HostState, new: Instance) -> int:
        """Change one network."""
        old = self.subnet_known_as(state, new["InstanceID"])
        subnet = subnet_of(new) or old
        if old is None or subnet is None:
            return INVALID_PARAMETER
        metric = state.networks.pop(old)
        state.networks[subnet] = metric if new["Metric"] is None else new["Metric"]
        return DONE

    def remove_networks(self, given: Mapping[str, Any]) -> int:
        """RemoveNetworkSettings: references."""
        with self.host.store.change() as state:
            for one in given.get("NetworkSettings") or []:
                if ANY in (one["Tags"] or []):
                    state.any_network = False
                elif (subnet := self.subnet_known_as(state, one["InstanceID"])) is not None:
                    del state.networks[subnet]
        self.follow()
        return DONE

    def subnet_known_as(self, state: HostState, instance_id: str | None) -> str | None:
        """Give the subnet of an entry."""
        shown = {one["InstanceID"]: one for one in networks(self.host, state)}
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
