"""A WinRM host to try the product's remoting with; it lives ``elsewhere``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from psrpcore.types import (
    PSEnumBase,
    PSGuid,
    PSInt64,
    PSList,
    PSNoteProperty,
    PSObject,
    PSType,
)

from tests.lab.wsman import CmdletError, Runtime
from tests.lab.wsman.runtime import COR_E_EXCEPTION
from tests.lab.wsman.sample_host import SampleHost

MACHINE = UUID("0b54b0c2-5b1f-4b0e-9a4e-6a3a5b1c0d21")


@PSType(["Microsoft.HyperV.PowerShell.VMState"])
class VMState(PSEnumBase):
    Running = 2
    Off = 3


class Host(SampleHost):
    """With cmdlets that give, and fail with, what the product reads."""

    def __init__(
        self, address: str, fqdn: str, keytab: Path, tls: Path, output_bytes: int = 256 * 1024
    ) -> None:
        super().__init__((address, address), fqdn, keytab, tls, output_bytes)
        self.entries = 0
        more = {
            "get-machine": get_machine,
            "get-type": get_type,
            "write-failure": write_failure,
            "move-once": self.move_once,
        }
        for endpoint in self.endpoints:
            endpoint.cmdlets |= more

    def renew(self) -> None:
        """Begin anew, as if nothing had been."""
        self.faults.release()
        self.shells.close()
        self.denied.clear()
        self.entries = 0
        for one in (self.gate, self.entered, self.cleaned):
            while one.acquire(blocking=False):
                pass

    def move_once(self, _: Runtime, __: Mapping[str, Any], ___: list[Any]) -> Iterator[Any]:
        """Count how often it is asked."""
        self.entries += 1
        yield from ()

    def asked(self) -> int:
        return self.entries


def get_machine(_: Runtime, __: Mapping[str, Any], ___: list[Any]) -> Iterator[Any]:
    one = PSObject()
    one.PSObject.type_names = ["Microsoft.HyperV.PowerShell.VirtualMachine", "System.Object"]
    inner = PSObject()
    inner.PSObject.type_names = ["Microsoft.HyperV.PowerShell.HardDiskDrive", "System.Object"]
    inner.PSObject.adapted_properties = [PSNoteProperty("Path", "C:\\a.vhdx")]
    one.PSObject.adapted_properties = [
        PSNoteProperty("Id", PSGuid(MACHINE)),
        PSNoteProperty("Name", "web1"),
        PSNoteProperty("State", VMState.Running),
        PSNoteProperty("MemoryAssigned", PSInt64(4 << 30)),
        PSNoteProperty("IsClustered", value=False),
        PSNoteProperty("Notes", None),
        PSNoteProperty("HardDrives", PSList([inner, inner])),
    ]
    one.PSObject.extended_properties = [PSNoteProperty("VMName", "web1")]
    yield one


def get_type(_: Runtime, parameters: Mapping[str, Any], __: list[Any]) -> Iterator[Any]:
    """The .NET type of each parameter, as it came."""
    for name in sorted(parameters):
        yield f"{name} {type(parameters[name]).__name__} {parameters[name]}"


def write_failure(runtime: Runtime, parameters: Mapping[str, Any], _: list[Any]) -> Iterator[Any]:
    number = int(parameters.get("number", COR_E_EXCEPTION))
    runtime.error(CmdletError(str(parameters["text"]), hresult=number))
    yield "went on"
