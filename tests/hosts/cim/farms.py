"""Canned hosts as Windows would have them: settings, networks, machines with their disks."""

from collections.abc import Collection
from uuid import NAMESPACE_DNS, UUID, uuid5

from tests.hosts.cim.canned import CIMV2, CannedHost, Ref, Row, embedded, nested

HARD_DISK = "Microsoft:Hyper-V:Virtual Hard Disk"
DVD = "Microsoft:Hyper-V:Virtual CD/DVD Disk"
SETTINGS: Row = {
    "InstanceID": "Microsoft:HV01",
    "EnableVirtualSystemMigration": True,
    "AuthenticationType": 1,
    "MaximumActiveVirtualSystemMigration": 4,
    "MaximumActiveStorageMigration": 2,
    "EnableCompression": True,
    "EnableSmbTransport": False,
}
NETWORK: Row = {
    "InstanceID": "Microsoft:1",
    "SubnetNumber": "10.20.0.0",
    "PrefixLength": 24,
    "Metric": 5,
    "Tags": ["Microsoft:UserManaged"],
}
EVERYWHERE: Row = {
    "InstanceID": "Microsoft:2",
    "SubnetNumber": "0.0.0.0",  # noqa: S104
    "PrefixLength": 0,
    "Metric": 0,
    "Tags": ["Microsoft:UserManagedAllNetworks"],
}
SERVICE: Row = {
    "MigrationServiceListenerIPAddressList": ["10.20.0.11", "fe80::1", "fd00::11"],
    "ActiveVirtualSystemMigrationCount": 1,
    "ActiveStorageMigrationCount": 0,
}


def guid(name: str) -> UUID:
    return uuid5(NAMESPACE_DNS, name)


def upper(name: str) -> str:
    return str(guid(name)).upper()


def host(name: str = "HV01", machines: int = 2) -> CannedHost:
    """A host with that many running machines of two disks and an ISO each; a checkpoint in vm0."""
    made = CannedHost(name, f"{name.lower()}.corp.example")
    made.has(
        "Msvm_ComputerSystem",
        {"Name": name, "ElementName": name, "Description": "Microsoft Hosting Computer System"},
    )
    made.has("Msvm_VirtualSystemMigrationServiceSettingData", SETTINGS)
    made.has("Msvm_VirtualSystemMigrationNetworkSettingData", NETWORK)
    made.has("Msvm_VirtualSystemMigrationService", SERVICE)
    made.has(
        "Msvm_VirtualSystemManagementServiceSettingData",
        {"DefaultExternalDataRoot": "C:\\VMs", "DefaultVirtualHardDiskPath": "C:\\Disks"},
    )
    for node in range(2):
        made.has("Msvm_NumaNode", {"NodeID": f"Node{node}", "CurrentlyConsumableMemoryBlocks": 512})
    made.has("Msvm_MemorySettingData", memory("Definition", 1024, "Microsoft:Definition\\x"))
    for number in range(machines):
        machine(made, f"vm{number}")
    if machines:
        checkpoint(made, "vm0", "before the update")
    made.methods["GetSummaryInformation"] = lambda _: summed_up(made)
    made.methods["GetVirtualHardDiskState"] = lambda _: (
        f"<p:State>{embedded('Msvm_VirtualHardDiskState', {'FileSize': 4096, 'InUse': True})}"
        "</p:State><p:ReturnValue>0</p:ReturnValue>"
    )
    made.methods["GetVirtualHardDiskSettingData"] = lambda _: (
        f"<p:SettingData>{embedded('Msvm_VirtualHardDiskSettingData', {'Type': 3})}"
        "</p:SettingData><p:ReturnValue>0</p:ReturnValue>"
    )
    made.has("Win32_OperatingSystem", WINDOWS, namespace=CIMV2)
    made.has("Win32_Service", {"Name": "vmms", "State": "Running"}, namespace=CIMV2)
    for mounted, size in (("C:\\", 100), ("C:\\ClusterStorage\\Volume1\\", 900), ("E:\\", None)):
        volume: Row = {"Name": mounted, "Capacity": size, "FreeSpace": size and size // 2}
        made.has("Win32_Volume", volume, namespace=CIMV2)
    return made


WINDOWS: Row = {
    "CSName": "HV01",
    "Version": "10.0.20348",
    "BuildNumber": "20348",
    "MUILanguages": ["en-US"],
    "FreePhysicalMemory": 1024,
    "TotalVisibleMemorySize": 4096,
}


def machine(made: CannedHost, name: str, state: int = 2) -> None:
    """A machine, its settings, two disks and an ISO image."""
    own = upper(name)
    made.has(
        "Msvm_ComputerSystem",
        {"Name": own, "ElementName": name, "EnabledState": state, "OperationalStatus": [2]},
    )
    made.has(
        "Msvm_VirtualSystemSettingData",
        {
            "InstanceID": f"Microsoft:{own}",
            "ElementName": name,
            "VirtualSystemIdentifier": own,
            "VirtualSystemType": "Microsoft:Hyper-V:System:Realized",
            "ConfigurationDataRoot": f"C:\\VMs\\{name}",
        },
    )
    made.has("Msvm_MemorySettingData", memory(own, 2048))
    disks = [f"C:\\VMs\\{name}\\{disk}.vhdx" for disk in ("system", "data")]
    for number, path in enumerate(disks):
        holds(made, own, disk_of(own, number, path))
    holds(made, own, disk_of(own, 9, "C:\\setup.iso", DVD))


def holds(made: CannedHost, own: str, disk: Row) -> None:
    """A disk in the settings of a machine or of a checkpoint."""
    made.has("Msvm_StorageAllocationSettingData", disk)
    made.relates("Msvm_VirtualSystemSettingDataComponent", f"Microsoft:{own}", disk)


def checkpoint(made: CannedHost, of: str, name: str) -> None:
    own = upper(f"{of} {name}")
    settings: Row = {
        "InstanceID": f"Microsoft:{own}",
        "ElementName": name,
        "VirtualSystemIdentifier": own,
        "VirtualSystemType": "Microsoft:Hyper-V:Snapshot:Realized",
    }
    made.has("Msvm_VirtualSystemSettingData", settings)
    made.has(
        "Msvm_SnapshotOfVirtualSystem",
        {
            "Antecedent": Ref("Msvm_ComputerSystem", "Name", upper(of)),
            "Dependent": Ref("Msvm_VirtualSystemSettingData", "InstanceID", f"Microsoft:{own}"),
        },
    )
    made.relates("Msvm_SnapshotOfVirtualSystem", upper(of), settings)
    made.has("Msvm_MemorySettingData", memory(own, 1))
    holds(made, own, disk_of(own, 0, "C:\\VMs\\old.vhdx"))


def memory(owner: str, blocks: int, instance_id: str = "") -> Row:
    return {
        "InstanceID": instance_id or f"Microsoft:{owner}\\4764334D-E001-4176-82EE-5594EC9B530E",
        "VirtualQuantity": blocks,
        "ResourceType": 4,
    }


def disk_of(owner: str, number: int, path: str, kind: str = HARD_DISK) -> Row:
    return {
        "InstanceID": f"Microsoft:{owner}\\83F8638B-8DCA-4152-9EDA-2CA8B33039B4\\0\\{number}\\L",
        "HostResource": [path],
        "ResourceType": 31,
        "ResourceSubType": kind,
    }


def summed_up(
    made: CannedHost, used: int | None = 3072, only: Collection[str] | None = None
) -> str:
    """What GetSummaryInformation gives: an element a machine, as recordings have it."""
    systems = made.rows["root/virtualization/v2", "Msvm_ComputerSystem"][1:]
    told = ""
    for one in systems:
        if only is not None and one["Name"] not in only:
            continue
        row: Row = {
            "Name": one["Name"],
            "ElementName": one["ElementName"],
            "EnabledState": one["EnabledState"],
            "MemoryUsage": used if one["EnabledState"] == 2 else None,
        }
        inner = nested("Msvm_SummaryInformation", row)
        told += f"<p:SummaryInformation>{inner}</p:SummaryInformation>"
    return f"{told}<p:ReturnValue>0</p:ReturnValue>"
