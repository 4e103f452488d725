"""The classes that are asked of a host: what is used of each. The one table of their types.

Names and types of Msvm_ classes: Microsoft's "Hyper-V WMI provider (V2)" reference. Of the others:
the CIMWin32 provider's reference, MSFT_NetIPAddress, MSCluster_Cluster, and for Win32_DeviceGuard
"Enable virtualization-based protection of code integrity".
"""

from delegation.hosts.cim.cim_class import (
    CIMV2,
    CLUSTER,
    DEVICE_GUARD,
    STANDARD,
    declare,
    method,
)

_STARTS_JOB = "ref:CIM_ConcreteJob Job"
_MIGRATION = (
    "ref:CIM_ComputerSystem ComputerSystem, string DestinationHost, string MigrationSettingData,"
    "string NewSystemSettingData, string[] NewResourceSettingData"
)

COMPUTER_SYSTEM = declare(
    "Msvm_ComputerSystem",
    "string Name, string ElementName, string Description, uint16 EnabledState,"
    "uint16[] OperationalStatus",
)
"""The host itself, whose Name is its computer's, and its virtual machines, whose are GUIDs."""

PLANNED_SYSTEM = declare("Msvm_PlannedComputerSystem", "string Name, string ElementName")
"""What a migration prepares on its target; Compare-VM leaves some."""

MIGRATION_SERVICE = declare(
    "Msvm_VirtualSystemMigrationService",
    "string[] MigrationServiceListenerIPAddressList, uint32 ActiveVirtualSystemMigrationCount,"
    "uint32 ActiveStorageMigrationCount",
    method("ModifyServiceSettings", "string ServiceSettingData", _STARTS_JOB),
    method("AddNetworkSettings", "string[] NetworkSettings", _STARTS_JOB),
    method("ModifyNetworkSettings", "string[] NetworkSettings", _STARTS_JOB),
    method(
        "RemoveNetworkSettings",
        "ref:Msvm_VirtualSystemMigrationNetworkSettingData[] NetworkSettings",
        _STARTS_JOB,
    ),
    method("CheckVirtualSystemIsMigratable", _MIGRATION, _STARTS_JOB),
    method("MigrateVirtualSystemToHost", _MIGRATION, _STARTS_JOB),
)
MIGRATION_ORDER = declare(
    "Msvm_VirtualSystemMigrationSettingData",
    "uint16 MigrationType, uint16 TransportType, boolean EnableCompression,"
    "string[] DestinationIPAddressList",
)
MIGRATION_SETTINGS = declare(
    "Msvm_VirtualSystemMigrationServiceSettingData",
    "string InstanceID, string Caption, string Description, string ElementName,"
    "boolean EnableVirtualSystemMigration, uint32 AuthenticationType,"
    "uint32 MaximumActiveVirtualSystemMigration, uint32 MaximumActiveStorageMigration,"
    "boolean EnableCompression, boolean EnableSmbTransport",
)
MIGRATION_NETWORK = declare(
    "Msvm_VirtualSystemMigrationNetworkSettingData",
    "string InstanceID, string Caption, string Description, string ElementName,"
    "string SubnetNumber, uint8 PrefixLength, uint32 Metric, string[] Tags",
)
"""Of both all properties: what is changed is sent back whole."""

SUMMARY = declare(
    "Msvm_SummaryInformation",
    "string Name, string ElementName, uint16 EnabledState, uint64 MemoryUsage",
)
MANAGEMENT_SERVICE = declare(
    "Msvm_VirtualSystemManagementService",
    "",
    method(
        "GetSummaryInformation",
        "ref:CIM_VirtualSystemSettingData[] SettingData, uint32[] RequestedInformation",
        "Msvm_SummaryInformationBase[] SummaryInformation",
    ),
    method("DestroySystem", "ref:CIM_ComputerSystem AffectedSystem", _STARTS_JOB),
)
MANAGEMENT_SETTINGS = declare(
    "Msvm_VirtualSystemManagementServiceSettingData",
    "string DefaultExternalDataRoot",
)

SYSTEM_SETTINGS = declare(
    "Msvm_VirtualSystemSettingData",
    "string InstanceID, string ElementName, string VirtualSystemIdentifier,"
    "string VirtualSystemType, string ConfigurationDataRoot, string SnapshotDataRoot,"
    "string SuspendDataRoot, string SwapFileDataRoot, string LogDataRoot,"
    "string GuestStateDataRoot",
)
"""The settings of a virtual machine, and of each of its checkpoints."""
CHECKPOINT_OF = declare(
    "Msvm_SnapshotOfVirtualSystem",
    "ref:Msvm_ComputerSystem Antecedent, ref:Msvm_VirtualSystemSettingData Dependent",
)
"""Which checkpoint is of which virtual machine."""

MEMORY_SETTINGS = declare(
    "Msvm_MemorySettingData", "string InstanceID, uint64 VirtualQuantity, uint16 ResourceType"
)
STORAGE_SETTINGS = declare(
    "Msvm_StorageAllocationSettingData",
    "string InstanceID, string Caption, string Description, string ElementName,"
    "uint16 ResourceType, string OtherResourceType, string ResourceSubType, string PoolID,"
    "uint16 ConsumerVisibility, string[] HostResource, string AllocationUnits,"
    "uint64 VirtualQuantity, uint64 Limit, uint32 Weight, string StorageQoSPolicyID,"
    "boolean AutomaticAllocation, boolean AutomaticDeallocation, string Parent,"
    "string[] Connection, string Address, uint16 MappingBehavior, string AddressOnParent,"
    "uint64 VirtualResourceBlockSize, string VirtualQuantityUnits, uint16 Access,"
    "uint64 HostResourceBlockSize, uint64 Reservation, uint64 HostExtentStartingAddress,"
    "string HostExtentName, uint16 HostExtentNameFormat, string OtherHostExtentNameFormat,"
    "uint16 HostExtentNameNamespace, string OtherHostExtentNameNamespace, uint64 IOPSLimit,"
    "uint64 IOPSReservation, string IOPSAllocationUnits, boolean PersistentReservationsSupported,"
    "uint16 CachingMode, string SnapshotId, boolean IgnoreFlushes, uint16 WriteHardeningMethod",
)
"""All of it: a migration sends a disk's settings as they are, but for its place."""

DISK_STATE = declare("Msvm_VirtualHardDiskState", "uint64 FileSize, boolean InUse")
DISK_SETTINGS = declare(
    "Msvm_VirtualHardDiskSettingData",
    "uint16 Type, uint16 Format, string ParentPath, uint64 MaxInternalSize",
)
IMAGE_SERVICE = declare(
    "Msvm_ImageManagementService",
    "",
    method("GetVirtualHardDiskState", "string Path", "string State"),
    method("GetVirtualHardDiskSettingData", "string Path", "string SettingData"),
)

NUMA_NODE = declare("Msvm_NumaNode", "string NodeID, uint64 CurrentlyConsumableMemoryBlocks")

_JOB = (
    "string InstanceID, uint16 JobState, string JobStatus, uint16 JobType, uint16 PercentComplete,"
    "uint16 ErrorCode, string ErrorDescription, string ErrorSummaryDescription,"
    "boolean Cancellable, string Owner"
)
_JOB_METHODS = (
    method("GetErrorEx", "", "string[] Errors"),
    method("RequestStateChange", "uint16 RequestedState"),
)
CONCRETE_JOB = declare("Msvm_ConcreteJob", _JOB, *_JOB_METHODS)
MIGRATION_JOB = declare(
    "Msvm_MigrationJob",
    f"{_JOB}, string VirtualSystemName, string DestinationHost, uint16 MigrationType",
    *_JOB_METHODS,
)
ERROR = declare(
    "Msvm_Error",
    "string Message, string MessageID, string[] MessageArguments, uint16 ErrorType,"
    "uint16 ProbableCause, uint32 CIMStatusCode",
)

OPERATING_SYSTEM = declare(
    "Win32_OperatingSystem",
    "string CSName, string Version, string BuildNumber, string[] MUILanguages,"
    "uint64 FreePhysicalMemory, uint64 TotalVisibleMemorySize",
    namespace=CIMV2,
)
SERVICE = declare("Win32_Service", "string Name, string State", namespace=CIMV2)
VOLUME = declare("Win32_Volume", "string Name, uint64 Capacity, uint64 FreeSpace", namespace=CIMV2)
"""By mount point: ``C:\\``, and also ``C:\\ClusterStorage\\Volume1\\``."""
IP_ADDRESS = declare("MSFT_NetIPAddress", "string IPAddress", namespace=STANDARD)
SECURITY_SERVICES = declare(
    "Win32_DeviceGuard", "uint32[] SecurityServicesRunning", namespace=DEVICE_GUARD
)
CLUSTER_ITSELF = declare("MSCluster_Cluster", "string Name", namespace=CLUSTER)
