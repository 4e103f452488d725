"""A change of a host's setting as the one cmdlet that makes it.

Names and parameters are those of the Hyper-V module's documentation; nothing here has run on
Windows.
"""

from delegation.hosts import settings
from delegation.hosts.places import Cmdlet
from delegation.hosts.settings import HostSetting

PARAMETERS = {
    settings.AUTHENTICATION: "VirtualMachineMigrationAuthenticationType",
    settings.MIGRATIONS: "MaximumVirtualMachineMigrations",
    settings.STORAGE_MIGRATIONS: "MaximumStorageMigrations",
    settings.PERFORMANCE: "VirtualMachineMigrationPerformanceOption",
    settings.ANY_NETWORK: "UseAnyNetworkForMigration",
}
"""What Set-VMHost calls them."""


def command(before: HostSetting, after: HostSetting) -> Cmdlet:
    """The cmdlet that makes ``after`` of ``before``. Raises ValueError for no setting of a host."""
    subnet = settings.subnet_of(after.name)
    if subnet is not None:
        return _network(subnet, before, after)
    if after.name == settings.ENABLED:
        return Cmdlet("Enable-VMMigration" if after.value else "Disable-VMMigration")
    if after.name not in PARAMETERS or after.value is None:
        raise ValueError(f"{after} is nothing that a host can be set to")
    return Cmdlet("Set-VMHost", {PARAMETERS[after.name]: after.value})


def _network(subnet: str, before: HostSetting, after: HostSetting) -> Cmdlet:
    if after.value is None:
        return Cmdlet("Remove-VMMigrationNetwork", {"Subnet": subnet})
    if after.value == settings.PRESENT and before.value is None:
        return Cmdlet("Add-VMMigrationNetwork", {"Subnet": subnet})
    if not isinstance(after.value, int):
        raise ValueError(f"{after} is nothing that a host can be set to")  # noqa: TRY004 - a value
    if before.value is None:
        return Cmdlet("Add-VMMigrationNetwork", {"Subnet": subnet, "Priority": after.value})
    return Cmdlet("Set-VMMigrationNetwork", {"Subnet": subnet, "NewPriority": after.value})
