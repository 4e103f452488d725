"""What a Hyper-V host must be able to do for the drivers that are given one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TypeVar
from uuid import UUID

from delegation.errors import HostError
from delegation.hosts.machines import (
    Ended,
    HostReading,
    Incompatibility,
    MoveOrder,
    MoveProgress,
    VirtualMachine,
)
from delegation.hosts.settings import HostSetting


class Moving(Protocol):
    """A Move-VM that runs on its source host."""

    @property
    def handle(self) -> str:
        """By what its host finds it again: what it was started with, or more than that."""

    def wait(self, seconds: float) -> MoveProgress | Ended:
        """Its end, or what it last said when ``seconds`` are over.

        Raises HostError where the host does not answer: then nothing is known of the end.
        """

    def stop(self) -> None:
        """Ask the host to stop it, which rolls it back; ``wait`` then gives the end."""

    def leave(self) -> None:
        """Let go of it without stopping it: it can be reattached by its handle."""

    def close(self) -> None:
        """Remove what the host keeps of it. It has ended."""


class Hypervisor(Protocol):
    """One Hyper-V host, for the one thread that opened it. Every method raises HostError."""

    @property
    def fqdn(self) -> str: ...

    def read(self) -> HostReading:
        """Its live-migration settings, services and free resources."""

    def addresses(self) -> tuple[str, ...]:
        """Its IP addresses, on all its networks."""

    def set(self, before: HostSetting, after: HostSetting) -> None:
        """Make one setting, as it is ``before``, what it is to be: one cmdlet.

        Raises CommandFailed with the cmdlet's own error. Any other HostError, a refusal as well,
        may have come when it had been sent: then it may or may not have been made.
        """

    def machines(self) -> list[VirtualMachine]:
        """All its virtual machines, with the sizes of their disks."""

    def machine(self, machine: UUID) -> VirtualMachine | None:
        """One of them; None: it is not on this host."""

    def named(self, name: str) -> list[VirtualMachine]:
        """Those of that name, or with that id, without their disks."""

    def compare(self, order: MoveOrder) -> tuple[Incompatibility, ...]:
        """Compare-VM: a true dry run, which connects to the target as the migration would."""

    def reaches(self, target: str, port: int) -> bool:
        """Whether the host itself gets a TCP connection to ``port`` of ``target``."""

    def move(self, order: MoveOrder, handle: str) -> Moving:
        """Start Move-VM under a handle that a NewHandle gave, and that is on record by now."""

    def reattach(self, handle: str) -> Moving | None:
        """The Move-VM of that handle; None where the host knows none, or nothing of it runs."""

    def close(self) -> None: ...


Open = Callable[[str], Hypervisor]
"""Opens the host of that label, for the calling thread. Raises HostError."""

NewHandle = Callable[[str], str]
"""Gives a handle for a migration away from the host of that label: text that was never used.

It is there before anything is sent, so that it can be on record first. Only what speaks to the host
knows what it is; the host's answer may add to it (Moving.handle).
"""


class Closing(Protocol):
    """Whatever is opened for one host."""

    def close(self) -> None: ...


H = TypeVar("H", bound=Closing)


@contextmanager
def opened(open_host: Callable[[str], H], label: str) -> Iterator[H]:
    """A host for a while. That it can't be closed tells nothing of what was asked."""
    host = open_host(label)
    try:
        yield host
    finally:
        with suppress(HostError):
            host.close()
