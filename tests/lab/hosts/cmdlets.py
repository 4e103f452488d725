"""The cmdlets of a lab host: those that a migration, and its tools, need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.lab.hosts import objects
from tests.lab.hosts.approach import Order
from tests.lab.hosts.departures import Departure
from tests.lab.hosts.failures import bad_parameter, not_found, not_found_by_id, service_stopped
from tests.lab.hosts.host import Host
from tests.lab.hosts.parameters import Parameters, properties
from tests.lab.hosts.service import Service
from tests.lab.hosts.settings import Settings
from tests.lab.hosts.state import HostState, Machine
from tests.lab.hosts.surroundings import Surroundings
from tests.lab.wsman import Cmdlet, Runtime

MOVE = ("Name", "VM", "DestinationHost", "IncludeStorage", "DestinationStoragePath")
IGNORED = ("RetainVhdCopiesOnSource", "RemoveSourceUnmanagedVhds")


def of(host: Host, service: Service) -> Mapping[str, Cmdlet]:
    """Give all cmdlets of a host."""
    machines, settings, around = Machines(host), Settings(host, service), Surroundings(host)
    return {
        "Get-VM": machines.get_vm,
        "Get-VHD": machines.get_vhd,
        "Get-VMHardDiskDrive": machines.get_drives,
        "Compare-VM": machines.compare_vm,
        "Move-VM": machines.move_vm,
        "Get-VMHost": settings.get_vmhost,
        "Set-VMHost": settings.set_vmhost,
        "Enable-VMMigration": settings.enable,
        "Disable-VMMigration": settings.disable,
        "Get-VMMigrationNetwork": settings.get_networks,
        "Add-VMMigrationNetwork": settings.add_network,
        "Set-VMMigrationNetwork": settings.set_network,
        "Remove-VMMigrationNetwork": settings.remove_network,
        "Get-Service": around.get_service,
        "Get-Volume": around.get_volume,
        "Get-CimInstance": around.get_cim_instance,
        "Get-NetIPAddress": around.get_addresses,
        "Test-NetConnection": around.try_connection,
    }


class Machines:
    """The cmdlets for virtual machines."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def get_vm(self, runtime: Runtime, given: Mapping[str, Any], piped: list[Any]) -> Iterator[Any]:
        """Get-VM."""
        state = self.serving()
        wanted = Parameters(given, "Name", "Id", "ComputerName")
        for machine in self.chosen(runtime, state, wanted, piped, all_of_them=True):
            yield objects.virtual_machine(self.host, state, machine)

    def get_vhd(
        self, runtime: Runtime, given: Mapping[str, Any], piped: list[Any]
    ) -> Iterator[Any]:
        """Get-VHD -Path, or -VMId, or of what Get-VMHardDiskDrive or Get-VM gave."""
        state = self.serving()
        wanted = Parameters(given, "Path", "VMId")
        paths = wanted.texts("Path") + [disk for one in piped for disk in paths_of(one)]
        owners = {disk: machine for machine in state.present() for disk in machine.disks}
        ids = {one.casefold() for one in wanted.texts("VMId")}
        paths += [disk for disk, machine in owners.items() if machine.id.casefold() in ids]
        for path in paths:
            if path in owners and self.host.volume.file(path).exists():
                yield objects.virtual_hard_disk(self.host, owners[path], path)
            else:
                text = f"Getting the mounted storage instance for the path '{path}' failed."
                runtime.error(bad_parameter(text))

    def get_drives(
        self, runtime: Runtime, given: Mapping[str, Any], piped: list[Any]
    ) -> Iterator[Any]:
        """Get-VMHardDiskDrive -VMName, or of what Get-VM gave."""
        state = self.serving()
        wanted = Parameters(given, "VMName", "VM")
        for machine in self.chosen(runtime, state, wanted, piped):
            for number in range(len(machine.disks)):
                yield objects.hard_disk_drive(self.host, machine, number)

    def compare_vm(
        self, runtime: Runtime, given: Mapping[str, Any], piped: list[Any]
    ) -> Iterator[Any]:
        """Compare-VM."""
        state = self.serving()
        wanted = Parameters(given, *MOVE, *IGNORED)
        for order in self.orders(runtime, state, wanted, piped):
            found = Departure(self.host, runtime, order).compare()
            shown = objects.virtual_machine(self.host, state, order.machine)
            yield objects.compatibility_report(
                shown, order.machine, order.target, order.storage, found
            )

    def move_vm(
        self, runtime: Runtime, given: Mapping[str, Any], piped: list[Any]
    ) -> Iterator[Any]:
        """Move-VM."""
        state = self.serving()
        wanted = Parameters(given, *MOVE, *IGNORED)
        for order in self.orders(runtime, state, wanted, piped):
            Departure(self.host, runtime, order).move()
            runtime.progress(order.activity, "Completed", 100, done=True)
            if wanted.flag("PassThru"):
                yield objects.virtual_machine(self.host, state, order.machine)

    def serving(self) -> HostState:
        """Give the state, if VMMS runs to be asked; raise CmdletError otherwise."""
        state = self.host.store.read()
        if state.vmms != "Running":
            raise service_stopped(self.host.name)
        return state

    def orders(
        self, runtime: Runtime, state: HostState, wanted: Parameters, piped: list[Any]
    ) -> Iterator[Order]:
        """Give what is to be moved; raise CmdletError where that is not all that it takes."""
        target, storage = wanted.text("DestinationHost"), wanted.text("DestinationStoragePath")
        if not target:
            raise bad_parameter("A destination host is needed: -DestinationHost")
        if not (storage or wanted.flag("IncludeStorage")):
            raise bad_parameter("The lab's hosts share no storage: -IncludeStorage is needed")
        for machine in self.chosen(runtime, state, wanted, piped):
            yield Order(machine, target, storage)

    def chosen(
        self,
        runtime: Runtime,
        state: HostState,
        wanted: Parameters,
        piped: list[Any],
        *,
        all_of_them: bool = False,
    ) -> Iterator[Machine]:
        """Give the machines that are asked for, by name, identifier or object, with errors."""
        there = state.present()
        ids = [*wanted.texts("Id"), *map(identifier, piped)]
        if "VM" in wanted:
            ids.append(identifier(wanted.given["vm"]))
        names = wanted.texts("Name") + wanted.texts("VMName")
        if all_of_them and not ids and not names:
            yield from there
        for machine_id in ids:
            found = [one for one in there if one.id.casefold() == machine_id.casefold()]
            if not found:
                runtime.error(not_found_by_id(machine_id))
            yield from found
        for name in names:
            found = [one for one in there if one.name.casefold() == name.casefold()]
            if not found:
                runtime.error(not_found(name))
            yield from found


def identifier(vm: Any) -> str:
    """Give the identifier of a machine's object."""
    found = properties(vm)
    return str(found.get("Id") or found.get("VMId"))


def paths_of(one: Any) -> list[str]:
    """Give the disks of a machine's object, or of a drive's."""
    found = properties(one)
    if "HardDrives" in found:
        return [path for drive in found["HardDrives"] for path in paths_of(drive)]
    return [str(found["Path"])]
