"""A host to try the endpoint with; it lives ``elsewhere``, and its cmdlets mean nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gssapi
from gssapi.raw.misc import GSSError
from psrpcore.types import ErrorCategory

from tests.lab.wsman import CmdletError, Endpoint, Fault, Faults, Runtime, Shells
from tests.lab.wsman.security import PRINCIPAL

LOOK = 0.02
SECONDS = 30.0
CLEANING_SECONDS = 0.3
"""Long enough to be missed by whoever does not wait for it."""
CALLER = "vmadmin@CORP.EXAMPLE"
NO_CREDENTIALS = 0x8009030E


class SampleHost:
    """A host with HTTP and HTTPS, and cmdlets whose progress a test controls."""

    def __init__(
        self, addresses: tuple[str, str], fqdn: str, keytab: Path, tls: Path, output_bytes: int
    ) -> None:
        self.denied: set[str] = set()
        self.gate, self.entered, self.cleaned = (threading.Semaphore(0) for _ in range(3))
        self.faults, self.shells = Faults(), Shells()
        cmdlets = {
            "Get-Caller": get_caller,
            "Get-Numbers": get_numbers,
            "Get-Sum": get_sum,
            "Write-LabError": write_error,
            "Get-Ticket": get_ticket,
            "Start-Steps": self.start_steps,
        }
        self.endpoints = [
            Endpoint(
                address,
                fqdn,
                keytab,
                cmdlets,
                port=port,
                tls=files,
                authorize=lambda user: user not in self.denied,
                faults=self.faults,
                shells=self.shells,
                output_bytes=output_bytes,
            )
            for address, port, files in (
                (addresses[0], 5985, None),
                (addresses[1], 5986, (tls, tls.with_suffix(".key"))),
            )
        ]
        for endpoint in self.endpoints:
            endpoint.start()

    def reset(self) -> None:
        """Be as new."""
        self.shells.close()
        self.denied.clear()
        self.faults.release()
        for one in (self.gate, self.entered, self.cleaned):
            while one.acquire(blocking=False):
                pass

    def restart(self) -> None:
        """Stop and start the service, as ``Restart-Service WinRM`` does."""
        for endpoint in self.endpoints:
            endpoint.stop()
        for endpoint in self.endpoints:
            endpoint.start()

    def deny(self, user: str) -> None:
        self.denied.add(user)

    def fail(self, fault: Fault, verb: str | None = None) -> None:
        self.faults.put(fault, verb)

    def release(self) -> None:
        self.faults.release()

    def let(self, steps: int) -> None:
        """Let ``Start-Steps`` go so many steps on."""
        self.gate.release(steps)

    def await_entry(self) -> bool:
        """Wait until ``Start-Steps`` runs."""
        return self.entered.acquire(timeout=SECONDS)

    def await_cleaning(self) -> bool:
        """Wait until ``Start-Steps`` has cleaned up after a stop."""
        return self.cleaned.acquire(timeout=SECONDS)

    def is_clean(self) -> bool:
        """Whether ``Start-Steps`` has cleaned up."""
        return self.cleaned.acquire(blocking=False)

    def await_full(self) -> int:
        """Wait until a pipeline waits for room; give the bytes of its output that wait."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for shell in self.shells.of(CALLER):
                for pipeline in list(shell.pipelines.values()):
                    if pipeline.box.bytes >= pipeline.output_bytes:
                        return pipeline.box.bytes
            time.sleep(LOOK)
        return 0

    def start_steps(
        self, runtime: Runtime, parameters: Mapping[str, Any], _: list[Any]
    ) -> Iterator[Any]:
        """Go a step on whenever the test lets it."""
        count = int(parameters["count"])
        self.entered.release()
        try:
            for step in range(count):
                while not self.gate.acquire(blocking=False):
                    runtime.sleep(LOOK)
                percent = step * 100 // count
                runtime.progress("Moving", f"{percent}%", percent, operation="Copying")
                yield step
            runtime.progress("Moving", "done", 100, done=True)
        finally:
            time.sleep(CLEANING_SECONDS)
            self.cleaned.release()


def get_caller(runtime: Runtime, _: Mapping[str, Any], __: list[Any]) -> Iterator[Any]:
    yield runtime.user


def get_numbers(_: Runtime, parameters: Mapping[str, Any], __: list[Any]) -> Iterator[Any]:
    """Give numbers, or long texts made of them."""
    for number in range(int(parameters["count"])):
        yield number if "bytes" not in parameters else str(number) * int(parameters["bytes"])


def get_sum(_: Runtime, __: Mapping[str, Any], objects: list[Any]) -> Iterator[Any]:
    yield sum(objects)


def write_error(runtime: Runtime, _: Mapping[str, Any], __: list[Any]) -> Iterator[Any]:
    runtime.warning("something is odd")
    runtime.error(
        CmdletError(
            "No credentials are available in the security package.",
            "OperationFailed",
            ErrorCategory.ResourceUnavailable,
            "vm1",
            hresult=NO_CREDENTIALS,
        )
    )
    yield "after"


def get_ticket(runtime: Runtime, parameters: Mapping[str, Any], _: list[Any]) -> Iterator[Any]:
    """Ask for a ticket in the caller's name, with his own as evidence."""
    name = gssapi.Name(str(parameters["target"]), PRINCIPAL)
    try:
        gssapi.SecurityContext(name=name, creds=runtime.evidence, usage="initiate").step()
    except GSSError as error:
        raise CmdletError(str(error), hresult=NO_CREDENTIALS) from error
    yield "granted"
