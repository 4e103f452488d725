"""The Hyper-V module's objects, as they come over the wire: property names and types are its own.

Properties of .NET objects travel as adapted ones; those that PowerShell adds, as extended ones.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psrpcore.types import (
    PSChar,
    PSDuration,
    PSGuid,
    PSInt,
    PSInt64,
    PSList,
    PSNoteProperty,
    PSObject,
    PSUInt,
    PSUInt64,
)

from tests.lab.hosts.enumerations import (
    AUTHENTICATION,
    HYPERV,
    PERFORMANCE,
    OperationType,
    ServiceControllerStatus,
    ServiceStartMode,
    VhdFormat,
    VhdType,
    VMOperationalStatus,
    VMState,
)
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import GIB, MACHINES_FOLDER, HostState, Machine
from tests.lab.hosts.volume import Volume

BASES = (f"{HYPERV}.VirtualizationObject", "System.Object")
CIM = "Microsoft.Management.Infrastructure.CimInstance"


def made(names: tuple[str, ...], text: str, properties: dict[str, Any], **added: Any) -> PSObject:
    """Make an object of .NET types, with its own properties and those that PowerShell adds."""
    one = PSObject()
    one.PSObject.type_names = list(names)
    one.PSObject.to_string = text
    one.PSObject.adapted_properties = [PSNoteProperty(*pair) for pair in properties.items()]
    one.PSObject.extended_properties = [PSNoteProperty(*pair) for pair in added.items()]
    return one


def vm_host(host: Host, state: HostState) -> PSObject:
    """Get-VMHost."""
    return made(
        (f"{HYPERV}.VMHost", *BASES),
        host.short,
        {
            "Name": host.short,
            "ComputerName": host.short,
            "FullyQualifiedDomainName": host.lab.domain,
            "LogicalProcessorCount": PSInt(16),
            "MemoryCapacity": PSInt64(state.memory),
            "VirtualHardDiskPath": f"{MACHINES_FOLDER}\\Virtual Hard Disks",
            "VirtualMachinePath": MACHINES_FOLDER,
            "MaximumStorageMigrations": PSUInt(state.storage_migrations),
            "MaximumVirtualMachineMigrations": PSUInt(state.migrations),
            "UseAnyNetworkForMigration": state.any_network,
            "VirtualMachineMigrationAuthenticationType": AUTHENTICATION[state.authentication],
            "VirtualMachineMigrationEnabled": state.enabled,
            "VirtualMachineMigrationPerformanceOption": PERFORMANCE[state.performance],
            "EnableEnhancedSessionMode": False,
            "NumaSpanningEnabled": True,
            "IovSupport": False,
            "IsDeleted": False,
        },
    )


def virtual_machine(host: Host, state: HostState, machine: Machine) -> PSObject:
    """Get-VM."""
    moving = state.leaving(machine.id) is not None
    status = VMOperationalStatus.MigratingVirtualMachine if moving else VMOperationalStatus.Ok
    primary = VMOperationalStatus.InService if moving else VMOperationalStatus.Ok
    text = "Migrating" if moving else "Operating normally"
    drives = [hard_disk_drive(host, machine, number) for number in range(len(machine.disks))]
    assigned = machine.memory if machine.running else 0
    return made(
        (f"{HYPERV}.VirtualMachine", f"{HYPERV}.VirtualMachineBase", *BASES),
        f"VirtualMachine (Name = '{machine.name}') [Id = '{machine.id}']",
        {
            "Id": PSGuid(UUID(machine.id)),
            "Name": machine.name,
            "ComputerName": host.short,
            "State": VMState.Running if machine.running else VMState.Off,
            "Status": text,
            "OperationalStatus": PSList([primary, status] if moving else [primary]),
            "PrimaryOperationalStatus": primary,
            "SecondaryOperationalStatus": status if moving else None,
            "StatusDescriptions": PSList(["In service", text] if moving else [text]),
            "PrimaryStatusDescription": "In service" if moving else text,
            "SecondaryStatusDescription": text if moving else None,
            "Uptime": PSDuration(seconds=3661 if machine.running else 0),
            "CPUUsage": PSInt(0),
            "ProcessorCount": PSInt64(2),
            "MemoryAssigned": PSInt64(assigned),
            "MemoryDemand": PSInt64(assigned),
            "MemoryStartup": PSInt64(machine.memory),
            "MemoryMinimum": PSInt64(machine.memory),
            "MemoryMaximum": PSInt64(machine.memory),
            "DynamicMemoryEnabled": False,
            "Generation": PSInt(2),
            "Version": "9.0",
            "Path": machine.path,
            "ConfigurationLocation": machine.path,
            "SnapshotFileLocation": machine.path,
            "SmartPagingFilePath": machine.path,
            "IsClustered": machine.clustered,
            "HardDrives": PSList(drives),
            "Notes": "",
            "IsDeleted": False,
        },
        VMName=machine.name,
        VMId=PSGuid(UUID(machine.id)),
    )


def hard_disk_drive(host: Host, machine: Machine, number: int) -> PSObject:
    """One of a machine's HardDrives."""
    return made(
        (f"{HYPERV}.HardDiskDrive", f"{HYPERV}.Drive", *BASES),
        f"Hard Drive on SCSI controller number 0 at location {number}",
        {
            "Name": f"Hard Drive on SCSI controller number 0 at location {number}",
            "Path": machine.disks[number],
            "ControllerNumber": PSInt(0),
            "ControllerLocation": PSInt(number),
            "VMId": PSGuid(UUID(machine.id)),
            "VMName": machine.name,
            "ComputerName": host.short,
        },
    )


def virtual_hard_disk(host: Host, machine: Machine, path: str) -> PSObject:
    """Get-VHD."""
    size = Volume(host.folder).size(path)
    return made(
        ("Microsoft.Vhd.PowerShell.VirtualHardDisk", "System.Object"),
        path,
        {
            "ComputerName": host.short,
            "Path": path,
            "VhdFormat": VhdFormat.VHDX,
            "VhdType": VhdType.Dynamic,
            "FileSize": PSUInt64(size),
            "Size": PSUInt64(max(size, 40 * GIB)),
            "MinimumSize": None,
            "LogicalSectorSize": PSUInt(512),
            "PhysicalSectorSize": PSUInt(4096),
            "BlockSize": PSUInt(32 << 20),
            "ParentPath": "",
            "Attached": machine.running,
        },
    )


def migration_network(host: Host, subnet: str, priority: int) -> PSObject:
    """Get-VMMigrationNetwork."""
    return made(
        (f"{HYPERV}.VMMigrationNetwork", *BASES),
        subnet,
        {
            "Subnet": subnet,
            "Priority": PSUInt(priority),
            "ComputerName": host.short,
            "IsDeleted": False,
        },
    )


def compatibility_report(
    vm: PSObject, machine: Machine, target: str, storage: str, found: list[tuple[str, int]]
) -> PSObject:
    """Compare-VM."""
    return made(
        (f"{HYPERV}.VMCompatibilityReport", "System.Object"),
        f"{HYPERV}.VMCompatibilityReport",
        {
            "VM": vm,
            "OperationType": OperationType.MoveVirtualMachineAndStorage,
            "Destination": target,
            "Path": storage or machine.path,
            "SnapshotPath": storage or machine.path,
            "VhdDestinationPath": storage or machine.path,
            "VhdSourcePath": None,
            "Incompatibilities": PSList([incompatibility(vm, *one) for one in found]),
        },
    )


def incompatibility(source: PSObject, message: str, number: int) -> PSObject:
    """One of a report's Incompatibilities."""
    return made(
        (f"{HYPERV}.VMIncompatibility", "System.Object"),
        f"{HYPERV}.VMIncompatibility",
        {"Message": message, "MessageId": PSInt(number), "Source": source},
    )


def service(name: str, title: str, status: str) -> PSObject:
    """Get-Service."""
    return made(
        (
            "System.ServiceProcess.ServiceController",
            "System.ComponentModel.Component",
            "System.MarshalByRefObject",
            "System.Object",
        ),
        name,
        {
            "ServiceName": name,
            "DisplayName": title,
            "Status": ServiceControllerStatus[status],
            "StartType": ServiceStartMode.Automatic,
            "MachineName": ".",
        },
        Name=name,
    )


def volume(state: HostState, free: int) -> PSObject:
    """Get-Volume."""
    kind = f"{CIM}#ROOT/Microsoft/Windows/Storage/MSFT_Volume"
    return made(
        (kind, CIM, "System.Object"),
        "MSFT_Volume",
        {
            "DriveLetter": PSChar("C"),
            "FileSystemLabel": "",
            "FileSystem": "NTFS",
            "DriveType": PSUInt(3),
            "HealthStatus": PSInt(0),
            "Size": PSUInt64(state.disk),
            "SizeRemaining": PSUInt64(max(0, free)),
            "Path": "\\\\?\\Volume{7b1c9d39-0000-0000-0000-100000000000}\\",
        },
    )


def operating_system(host: Host, state: HostState) -> PSObject:
    """Get-CimInstance Win32_OperatingSystem; memory in kilobytes."""
    return made(
        (f"{CIM}#root/cimv2/Win32_OperatingSystem", CIM, "System.Object"),
        "Win32_OperatingSystem: Microsoft Windows Server 2022 Datacenter",
        {
            "CSName": host.short,
            "Caption": "Microsoft Windows Server 2022 Datacenter",
            "Version": "10.0.20348",
            "FreePhysicalMemory": PSUInt64(max(0, state.memory_free()) >> 10),
            "TotalVisibleMemorySize": PSUInt64(state.memory >> 10),
        },
        PSComputerName=host.short,
    )


def ip_address(address: str, prefix: int, interface: str) -> PSObject:
    """Get-NetIPAddress."""
    is_v4 = ":" not in address
    return made(
        (f"{CIM}#ROOT/StandardCimv2/MSFT_NetIPAddress", CIM, "System.Object"),
        f"MSFT_NetIPAddress: {address}",
        {
            "IPAddress": address,
            "IPv4Address": address if is_v4 else None,
            "IPv6Address": None if is_v4 else address,
            "PrefixLength": PSUInt(prefix),
            "InterfaceAlias": interface,
        },
    )


def tcp_test(target: str, address: str, port: int, *, succeeded: bool) -> PSObject:
    """Test-NetConnection."""
    return made(
        ("TestNetConnectionResult", "System.Object"),
        "TestNetConnectionResult",
        {
            "ComputerName": target,
            "RemoteAddress": address,
            "RemotePort": PSUInt(port),
            "NameResolutionSucceeded": bool(address),
            "PingSucceeded": bool(address),
            "TcpTestSucceeded": succeeded,
        },
    )
