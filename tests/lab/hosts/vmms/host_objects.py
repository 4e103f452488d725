"""The host itself as CIM shows it: system, services, settings, networks, and Windows."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from tests.lab.cim.cim_values import Instance, Stamp
from tests.lab.cim.classes import classes
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import MACHINES_FOLDER, MIB, HostState, Phase
from tests.lab.hosts.vmms.machine_objects import OPERATING, RUNNING, made, switch_named
from tests.lab.hosts.vmms.wording import Wording

SERVICES = {
    "Msvm_VirtualSystemManagementService": "vmms",
    "Msvm_VirtualSystemMigrationService": "migrationwmi",
    "Msvm_ImageManagementService": "imagewmi",
}
AUTHENTICATION = ("CredSSP", "Kerberos")
ANY_NETWORKS = {"0.0.0.0/0": 0, "::/0": 0}
OURS, ANY = "Microsoft:UserManaged", "Microsoft:UserManagedAllNetworks"


def hyperv(host: Host, state: HostState) -> Iterator[Instance]:
    """Show what a host has in root/virtualization/v2, without its machines and jobs."""
    me = f"Microsoft:{host.short}"
    yield itself(host, Wording.of(state))
    for kind, name in SERVICES.items():
        yield service(host, state, kind, name)
    setting = migration_settings(state, me)
    yield setting
    for one in networks(host, state):
        yield one
        link = "Msvm_VirtualSystemMigrationServiceSettingDataComponent"
        yield made(link, GroupComponent=setting, PartComponent=one)
    yield made(
        "Msvm_VirtualSystemManagementServiceSettingData",
        InstanceID=me,
        ElementName="Hyper-V Virtual System Management Service",
        DefaultExternalDataRoot=MACHINES_FOLDER,
        DefaultVirtualHardDiskPath=f"{MACHINES_FOLDER}\\Virtual Hard Disks",
    )
    for name in state.switches:
        yield switch_named(name)
    yield from defaults()
    yield memory(host, state)


def itself(host: Host, wording: Wording) -> Instance:
    """Show the host's own system, which stands in the list of machines."""
    return made(
        "Msvm_ComputerSystem",
        CreationClassName="Msvm_ComputerSystem",
        Name=host.short,
        ElementName=host.short,
        Caption=wording.say("Hosting Computer System"),
        Description=wording.say("Microsoft Hosting Computer System"),
        EnabledState=RUNNING,
        EnabledDefault=2,
        HealthState=5,
        RequestedState=12,
        OperationalStatus=[OPERATING],
        StatusDescriptions=[wording.say("Operating normally")],
        InstallDate=Stamp("Datetime", "2025-12-01T08:00:00.000000Z"),
    )


def service(host: Host, state: HostState, kind: str, name: str) -> Instance:
    """Show one of VMMS's services."""
    one = made(
        kind,
        SystemCreationClassName="Msvm_ComputerSystem",
        SystemName=host.short,
        CreationClassName=kind,
        Name=name,
        Started=True,
        HealthState=5,
        OperationalStatus=[OPERATING],
    )
    if kind == "Msvm_VirtualSystemMigrationService":
        under_way = len([each for each in state.outgoing if each.phase is not Phase.QUEUED])
        under_way += len(state.incoming)
        one.values["ActiveVirtualSystemMigrationCount"] = under_way
        one.values["ActiveStorageMigrationCount"] = under_way
        listens = state.enabled and host.migrates_here(state)
        local = ["fe80::1"] if state.any_network else []
        addresses = [host.address, *local] if listens else []
        one.values["MigrationServiceListenerIPAddressList"] = addresses
    return one


def migration_settings(state: HostState, me: str) -> Instance:
    """Show the settings of migrations."""
    return made(
        "Msvm_VirtualSystemMigrationServiceSettingData",
        InstanceID=me,
        ElementName="Hyper-V Migration Service",
        EnableVirtualSystemMigration=state.enabled,
        AuthenticationType=AUTHENTICATION.index(state.authentication),
        MaximumActiveVirtualSystemMigration=state.migrations,
        MaximumActiveStorageMigration=state.storage_migrations,
        EnableSmbTransport=state.performance == "SMB",
        EnableCompression=state.performance == "Compression",
    )


def networks(host: Host, state: HostState) -> Iterator[Instance]:
    """Show the networks for migrations; any network is two entries of their own tag."""
    tagged = [(subnet, metric, OURS) for subnet, metric in state.networks.items()]
    if state.any_network:
        tagged += [(subnet, metric, ANY) for subnet, metric in ANY_NETWORKS.items()]
    for subnet, metric, tag in tagged:
        network = ipaddress.ip_network(subnet, strict=False)
        yield made(
            "Msvm_VirtualSystemMigrationNetworkSettingData",
            InstanceID=f"Microsoft:{uuid5(NAMESPACE_OID, host.name + subnet + tag)}",
            SubnetNumber=str(network.network_address),
            PrefixLength=network.prefixlen,
            Metric=metric,
            Tags=[tag],
        )


def defaults() -> Iterator[Instance]:
    """Show the definitions of resources, which stand among the machines' own settings."""
    yield made(
        "Msvm_StorageAllocationSettingData",
        InstanceID="Microsoft:Definition\\70BB60D2-A9D3-46AA-B654-3DE53004B4F8\\Default",
        ResourceType=31,
        ResourceSubType="Microsoft:Hyper-V:Virtual Hard Disk",
    )
    yield made(
        "Msvm_MemorySettingData",
        InstanceID="Microsoft:Definition\\4764334D-E001-4176-82EE-5594EC9B530E\\Default",
        ResourceType=4,
        ResourceSubType="Microsoft:Hyper-V:Memory",
        VirtualQuantity=1024,
    )


def memory(host: Host, state: HostState) -> Instance:
    """Show what machines may still take of the host's memory."""
    return made(
        "Msvm_NumaNode",
        SystemCreationClassName="Msvm_ComputerSystem",
        SystemName=host.short,
        CreationClassName="Msvm_NumaNode",
        NodeID="Microsoft:0",
        InstanceID=f"Microsoft:{host.short}\\0",
        CurrentlyConsumableMemoryBlocks=max(0, state.memory_free() // MIB),
    )


def windows(host: Host, state: HostState) -> Iterator[Instance]:
    """Show what other namespaces have."""

    def one(namespace: str, kind: str, **values: Any) -> Instance:
        return Instance(classes().find(namespace, kind), values)

    cimv2, free = "root/cimv2", max(0, host.volume.free(state))
    system = one(
        cimv2,
        "Win32_ComputerSystem",
        Name=host.short,
        DNSHostName=host.name,
        Domain=host.lab.domain,
        TotalPhysicalMemory=state.memory,
        NumberOfLogicalProcessors=16,
        SystemType="x64-based PC",
    )
    processor = one(cimv2, "Win32_Processor", DeviceID="CPU0", NumberOfCores=16, Name="Lab CPU")
    yield from (system, processor)
    yield one(
        cimv2, "Win32_ComputerSystemProcessor", GroupComponent=system, PartComponent=processor
    )
    yield one(
        cimv2,
        "Win32_ComputerSystemProduct",
        Name="Lab",
        IdentifyingNumber="1",
        Vendor="Lab",
        Version="1",
        UUID=str(uuid5(NAMESPACE_OID, host.fqdn)).upper(),
    )
    caption = "Microsoft Windows Server 2022 Datacenter"
    yield one(
        cimv2,
        "Win32_OperatingSystem",
        Name=f"{caption}|C:\\Windows|",
        CSName=host.short,
        Caption=caption,
        Version="10.0.20348",
        BuildNumber="20348",
        MUILanguages=[state.language],
        FreePhysicalMemory=max(0, state.memory_free()) >> 10,
        TotalVisibleMemorySize=state.memory >> 10,
    )
    yield one(cimv2, "Win32_Service", Name="vmms", State=state.vmms, StartMode="Auto")
    if state.clustered:
        yield one(cimv2, "Win32_Service", Name="clussvc", State="Running", StartMode="Auto")
        yield one("root/MSCluster", "MSCluster_Cluster", Name="LABCLUSTER")
    volume = "\\\\?\\Volume{7b1c9d39-0000-0000-0000-100000000000}\\"
    yield one(
        cimv2,
        "Win32_Volume",
        DeviceID=volume,
        Name="C:\\",
        DriveLetter="C:",
        DriveType=3,
        Capacity=state.disk,
        FreeSpace=free,
    )
    yield one(
        "root/Microsoft/Windows/Storage",
        "MSFT_Volume",
        ObjectId=volume,
        Path=volume,
        DriveLetter="C",
        DriveType=3,
        Size=state.disk,
        SizeRemaining=free,
    )
    for address, prefix in ((host.address, 24), ("fe80::1", 64), ("127.0.0.1", 8)):
        yield one(
            "root/StandardCimv2",
            "MSFT_NetIPAddress",
            InstanceID=f"lab;{address}",
            IPAddress=address,
            PrefixLength=prefix,
        )
    yield one(
        "root/Microsoft/Windows/DeviceGuard",
        "Win32_DeviceGuard",
        InstanceIdentifier="4ff40742-2649-41b8-bdd1-e80fad1cce80",
        Version="1.0",
        SecurityServicesRunning=[0],
    )

    for path in map(host.volume.windows, host.volume.files()):
        yield one(cimv2, "CIM_DataFile", Name=path, FileSize=host.volume.size(path), Drive="c:")
