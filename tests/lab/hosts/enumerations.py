"""The enumerations of the Hyper-V module that lab hosts speak of, with its own values."""

from __future__ import annotations

from psrpcore.types import PSEnumBase, PSType

HYPERV = "Microsoft.HyperV.PowerShell"


@PSType([f"{HYPERV}.VMState"])
class VMState(PSEnumBase):
    Running = 2
    Off = 3


@PSType([f"{HYPERV}.VMOperationalStatus"])
class VMOperationalStatus(PSEnumBase):
    Ok = 2
    InService = 11
    MigratingVirtualMachine = 32774


@PSType([f"{HYPERV}.MigrationAuthenticationType"])
class MigrationAuthenticationType(PSEnumBase):
    CredSSP = 0
    Kerberos = 1


@PSType([f"{HYPERV}.VMMigrationPerformance"])
class VMMigrationPerformance(PSEnumBase):
    TCPIP = 0
    Compression = 1
    SMB = 2


@PSType(["Microsoft.Vhd.PowerShell.VhdFormat"])
class VhdFormat(PSEnumBase):
    VHDX = 3


@PSType(["Microsoft.Vhd.PowerShell.VhdType"])
class VhdType(PSEnumBase):
    Dynamic = 3


@PSType([f"{HYPERV}.OperationType"])
class OperationType(PSEnumBase):
    MoveVirtualMachineAndStorage = 3


@PSType(["System.ServiceProcess.ServiceControllerStatus"])
class ServiceControllerStatus(PSEnumBase):
    Stopped = 1
    Running = 4


@PSType(["System.ServiceProcess.ServiceStartMode"])
class ServiceStartMode(PSEnumBase):
    Automatic = 2


AUTHENTICATION = {str(one.name): one for one in MigrationAuthenticationType}
PERFORMANCE = {str(one.name): one for one in VMMigrationPerformance}
