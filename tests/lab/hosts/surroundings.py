"""The cmdlets that are not Hyper-V's: services, volumes, memory, connections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from psrpcore.types import ErrorCategory

from tests.lab.hosts import objects, processes
from tests.lab.hosts.failures import Reason, bad_parameter
from tests.lab.hosts.host import Host, label_of
from tests.lab.hosts.parameters import Parameters
from tests.lab.wsman import CmdletError, Runtime

OPERATING_SYSTEM = "Win32_OperatingSystem"


class Surroundings:
    """The cmdlets of one host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def get_service(
        self, runtime: Runtime, given: Mapping[str, Any], _: list[Any]
    ) -> Iterator[Any]:
        """Get-Service: ``vmms``, and ``clussvc`` where the host is a node of a cluster."""
        wanted = Parameters(given, "Name").texts("Name")
        state = self.host.store.read()
        there = {"vmms": ("Hyper-V Virtual Machine Management", state.vmms)}
        if state.clustered:
            there["clussvc"] = ("Cluster Service", "Running")
        for name in wanted or there:
            if name.casefold() in there:
                yield objects.service(name.casefold(), *there[name.casefold()])
            else:
                runtime.error(
                    CmdletError(
                        f"Cannot find any service with service name '{name}'.",
                        "NoServiceFoundForGivenName,"
                        "Microsoft.PowerShell.Commands.GetServiceCommand",
                        ErrorCategory.ObjectNotFound,
                        name,
                        type_name="Microsoft.PowerShell.Commands.ServiceCommandException",
                    )
                )

    def get_volume(self, runtime: Runtime, given: Mapping[str, Any], _: list[Any]) -> Iterator[Any]:
        """Get-Volume: the host has a C: and nothing else."""
        wanted = Parameters(given, "DriveLetter").texts("DriveLetter") or ["C"]
        state = self.host.store.read()
        for letter in wanted:
            if letter.casefold() == "c":
                yield objects.volume(state, self.host.volume.free(state))
            else:
                runtime.error(
                    CmdletError(
                        "No MSFT_Volume objects found with property 'DriveLetter' equal to "
                        f"'{letter}'.  Verify the value of the property and retry.",
                        "CmdletizationQuery_NotFound_DriveLetter,Get-Volume",
                        ErrorCategory.ObjectNotFound,
                        letter,
                        type_name="Microsoft.PowerShell.Cmdletization.Cim.CimJobException",
                    )
                )

    def get_cim_instance(
        self, _: Runtime, given: Mapping[str, Any], __: list[Any]
    ) -> Iterator[Any]:
        """Get-CimInstance Win32_OperatingSystem, and no other class."""
        wanted = Parameters(given, "ClassName", "Namespace", "Property").text("ClassName")
        if wanted.casefold() != OPERATING_SYSTEM.casefold():
            raise CmdletError(
                "Invalid class ",
                "HRESULT 0x80041010,Microsoft.Management.Infrastructure.CimCmdlets."
                "GetCimInstanceCommand",
                ErrorCategory.MetadataError,
                wanted,
                hresult=0x80041010,
                type_name="Microsoft.Management.Infrastructure.CimException",
            )
        yield objects.operating_system(self.host, self.host.store.read())

    def get_addresses(self, _: Runtime, given: Mapping[str, Any], __: list[Any]) -> Iterator[Any]:
        """Get-NetIPAddress: the host's own, and those that every computer has."""
        Parameters(given)
        yield objects.ip_address(self.host.address, 24, "Ethernet")
        yield objects.ip_address("fe80::1%7", 64, "Ethernet")
        yield objects.ip_address("127.0.0.1", 8, "Loopback Pseudo-Interface 1")

    def try_connection(
        self, runtime: Runtime, given: Mapping[str, Any], __: list[Any]
    ) -> Iterator[Any]:
        """Test-NetConnection -ComputerName -Port: from this host's own address."""
        wanted = Parameters(given, "ComputerName", "Port", "InformationLevel")
        if "Port" not in wanted:
            raise bad_parameter("The lab's Test-NetConnection needs -Port")
        name, port = wanted.text("ComputerName"), wanted.number("Port")
        try:
            address = self.host.lab.host_address(label_of(name))
        except Reason:
            runtime.warning(f"Name resolution of {name} failed")
            yield objects.tcp_test(name, "", port, succeeded=False)
            return
        succeeded = processes.listens(address, port, self.host.address)
        if not succeeded:
            runtime.warning(f"TCP connect to ({address} : {port}) failed")
        yield objects.tcp_test(name, address, port, succeeded=succeeded)
