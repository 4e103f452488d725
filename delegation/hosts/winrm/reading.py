"""What the Hyper-V module's cmdlets give back, as the values of ``machines.py``: pure.

Property names are those of the module's documentation. What is nested in an object may arrive as
text only, since PowerShell remoting serializes to a depth of 1; so it is asked for by itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from delegation.hosts import settings
from delegation.hosts.machines import (
    Disk,
    HostReading,
    Incompatibility,
    MachineState,
    Resources,
    VirtualMachine,
)
from delegation.hosts.winrm.output import Output

KIB = 1024
_STATES = {str(state): state for state in MachineState}
MIGRATING = "MigratingVirtualMachine"
"""VMOperationalStatus of a machine on its way (Msvm_ComputerSystem: 32774)."""

VMMS, CLUSTER = "vmms", "clussvc"
"""The services of virtual machines and of failover clusters, and what both are at when they run."""
SERVING = "Running"

_NETBIOS = 15
"""A computer's name for others is no longer than this."""


class Parts(NamedTuple):
    """What one reading of a host is made of, apart by the properties that only one kind has."""

    host: Output
    networks: list[Output]
    services: Mapping[str, str]
    system: Output


def parts(outputs: Iterable[Output]) -> Parts | None:
    """None: one of them is missing."""
    host = system = None
    networks, rest = [], []
    for one in outputs:
        if "VirtualMachineMigrationEnabled" in one:
            host = one
        elif "Subnet" in one:
            networks.append(one)
        elif "FreePhysicalMemory" in one:
            system = one
        else:
            rest.append(one)
    return Parts(host, networks, services(rest), system) if host and system else None


def services(outputs: Iterable[Output]) -> dict[str, str]:
    """What each of Get-Service's is at, by its name; one that is not there has none."""
    return {
        one.text("ServiceName" if "ServiceName" in one else "Name").casefold(): one.enum("Status")
        for one in outputs
    }


def not_serving(fqdn: str, vmms: str) -> tuple[str, str]:
    """What is wrong with a host whose service is at ``vmms``, and what to do."""
    if not vmms:
        what = f"{fqdn} has no Virtual Machine Management service ({VMMS})"
        return what, "install the role there: Install-WindowsFeature Hyper-V"
    what = f"the Virtual Machine Management service ({VMMS}) of {fqdn} is {vmms}"
    return what, f"on {fqdn}: Start-Service {VMMS}; its event log says why it ended"


def computer(outputs: Iterable[Output]) -> str:
    """The name that a host has of itself, of Win32_OperatingSystem."""
    return next((one.text("CSName") for one in outputs), "")


def is_computer(name: str, computer: str) -> bool:
    """Whether a host that is ``name`` to itself is the one whose account is ``computer``."""
    return name[:_NETBIOS].casefold() == computer[:_NETBIOS].casefold()


def addresses(outputs: Iterable[Output]) -> tuple[str, ...]:
    """All of a host's, of Get-NetIPAddress, without the zones of link-local ones."""
    return tuple(one.text("IPAddress").partition("%")[0] for one in outputs)


def host_reading(fqdn: str, found: Parts, volume: Output | None) -> HostReading:
    """``volume`` is the one that machines are stored on; None: it has none of its own."""
    return HostReading(
        fqdn,
        _settings(found),
        _resources(found, volume),
        clustered=found.services.get(CLUSTER) == SERVING,
        vmms=found.services.get(VMMS, "Missing"),
    )


def _settings(found: Parts) -> dict[str, bool | int | str]:
    host = found.host
    values: dict[str, bool | int | str] = {
        settings.ENABLED: host.boolean("VirtualMachineMigrationEnabled"),
        settings.AUTHENTICATION: host.enum("VirtualMachineMigrationAuthenticationType"),
        settings.MIGRATIONS: host.integer("MaximumVirtualMachineMigrations"),
        settings.STORAGE_MIGRATIONS: host.integer("MaximumStorageMigrations"),
        settings.PERFORMANCE: host.enum("VirtualMachineMigrationPerformanceOption"),
        settings.ANY_NETWORK: host.boolean("UseAnyNetworkForMigration"),
    }
    for one in found.networks:
        values[settings.network(one.text("Subnet"))] = one.integer("Priority")
    return values


def storage(host: Output) -> str:
    """The folder where virtual machines go by default."""
    return host.text("VirtualMachinePath")


def drive(path: str) -> str | None:
    """The letter of the drive that a path is on; None of a share, or of a volume without one."""
    letter, colon, _ = path.partition(":")
    return letter.upper() if colon and len(letter) == 1 and letter.isalpha() else None


def _resources(found: Parts, volume: Output | None) -> Resources:
    return Resources(
        migrations=found.host.integer("MaximumVirtualMachineMigrations"),
        storage_migrations=found.host.integer("MaximumStorageMigrations"),
        memory=found.system.integer("FreePhysicalMemory") * KIB,
        disk=volume.integer("SizeRemaining") if volume else 0,
        storage=storage(found.host),
        memory_total=found.system.integer("TotalVisibleMemorySize") * KIB,
        disk_total=volume.integer("Size") if volume else 0,
    )


def machine(found: Output) -> VirtualMachine:
    """One virtual machine, its disks apart."""
    state = found.enum("State")
    assigned = found.integer("MemoryAssigned")
    return VirtualMachine(
        id=found.uuid("Id"),
        name=found.text("Name"),
        state=_STATES.get(state, MachineState.OTHER),
        memory=assigned or found.integer("MemoryStartup"),
        path=found.text("Path"),
        status=found.text("Status"),
        migrating=_migrating(found),
        clustered="IsClustered" in found and found.boolean("IsClustered"),
    )


def named(outputs: Iterable[Output], name: str) -> list[VirtualMachine]:
    """Those that are called so, or have that id; what others are like does not matter."""
    wanted = name.casefold()
    return [
        machine(one)
        for one in outputs
        if wanted in {one.text("Name").casefold(), str(one.get("Id")).casefold()}
    ]


def _migrating(found: Output) -> bool:
    """By the second of its operational statuses, or by the list of them, whichever came."""
    if found.get("SecondaryOperationalStatus") is not None:
        return found.enum("SecondaryOperationalStatus") == MIGRATING
    several = found.get("OperationalStatus")
    return any(str(one) == MIGRATING for one in several if one) if _is_list(several) else False


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


class Machines(NamedTuple):
    """Virtual machines, their drives, and the files of those; each read a moment later."""

    machines: list[VirtualMachine]
    drives: list[tuple[UUID, str]]
    """The machine of a drive, and the path of its file."""
    files: dict[str, Output]
    """By casefolded path, without those that can't be read."""

    def parents(self) -> list[str]:
        """Files that checkpoints build upon and that are not read yet: a migration copies them."""
        wanted = {path.casefold(): path for one in self.files.values() if (path := _parent(one))}
        return [path for key, path in wanted.items() if key not in self.files]

    def whole(self) -> list[VirtualMachine]:
        return [replace(one, **self._storage(one)) for one in self.machines]

    def _storage(self, machine: VirtualMachine) -> dict[str, Any]:
        own = [path for owner, path in self.drives if owner == machine.id and path]
        unread = [path for path in own if path.casefold() not in self.files]
        disks = tuple(self._chain(path) for path in own)
        flat = tuple({one.path.casefold(): one for chain in disks for one in chain}.values())
        if unread:
            return {"disks": flat, "status": f"the size of {', '.join(unread)} is not known"}
        return {"disks": flat}

    def _chain(self, path: str) -> Iterator[Disk]:
        """A drive's file and all that it builds upon; of size 0 where it can't be read."""
        seen: set[str] = set()
        while path and path.casefold() not in seen:
            seen.add(path.casefold())
            found = self.files.get(path.casefold())
            yield Disk(path, found.integer("FileSize") if found else 0)
            path = _parent(found) if found else ""


def machines(outputs: Iterable[Output]) -> Machines:
    """Of what Get-VM, Get-VMHardDiskDrive and Get-VHD gave, in any order."""
    found = Machines([], [], {})
    for one in outputs:
        if "VhdFormat" in one:
            found.files[one.text("Path").casefold()] = one
        elif "ControllerNumber" in one:
            found.drives.append((one.uuid("VMId"), one.text("Path")))
        else:
            found.machines.append(machine(one))
    return found


def _parent(found: Output) -> str:
    return found.text("ParentPath") if "ParentPath" in found else ""


def incompatibilities(report: Output) -> tuple[Incompatibility, ...] | None:
    """Those of a Compare-VM's report; None where they arrived as text only."""
    found = list(report.outputs("Incompatibilities"))
    if any("MessageId" not in one for one in found):
        return None
    return tuple(map(incompatibility, found))


def incompatibility(found: Output) -> Incompatibility:
    source = found.get("Source")
    return Incompatibility(
        " ".join(found.text("Message").split()),
        found.integer("MessageId"),
        "" if source is None else str(source),
    )
