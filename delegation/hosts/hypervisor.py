"""What a Hyper-V host must be able to do for the drivers that are given one."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TypeVar
from uuid import UUID

from delegation.errors import HostError
from delegation.hosts.machines import (
    Ended,
    HostReading,
    Incompatibility,
    Landing,
    MoveOrder,
    MoveProgress,
    VirtualMachine,
)
from delegation.hosts.settings import HostSetting


class Moving(Protocol):
    """A migration that runs on its source host, as a job of its management service.

    The job belongs to the service: it goes on whatever becomes of whoever started it.
    """

    @property
    def handle(self) -> str:
        """By what its host finds it again: what it was started with, or more than that."""

    def wait(self, seconds: float) -> MoveProgress | Ended:
        """Its end, or what it last said when ``seconds`` are over.

        Raises HostError where the host does not answer: then nothing is known of the end.
        """

    def stop(self, *, kill: bool = False) -> None:
        """Ask the host to stop it, which rolls it back; ``wait`` then gives the end.

        A job that can't be stopped, or has ended meanwhile, goes on to its end, and nothing is
        raised. ``kill``: in the way that may leave something running (RequestedState 5).
        """

    def leave(self) -> None:
        """Let go of it without stopping it: it can be reattached by its handle."""


class Hypervisor(Protocol):
    """One Hyper-V host, for the one thread that opened it. Every method raises HostError.

    Each is asked by itself over a connection of our own: no host is asked anything through another
    one. What is sent to change something is sent once.
    """

    @property
    def fqdn(self) -> str: ...

    def read(self) -> HostReading:
        """Its live-migration settings, services and free resources."""

    def addresses(self) -> tuple[str, ...]:
        """Its IP addresses, on all its networks."""

    def set(self, before: HostSetting, after: HostSetting) -> None:
        """Make one setting, as it is ``before``, what it is to be, and read it back.

        Raises CimFailed with the host's own error. Any other HostError, a refusal as well, may
        have come when it had been sent: then it may or may not have been made.
        """

    def machines(self) -> list[VirtualMachine]:
        """All its virtual machines, without the sizes of their disks.

        Raises MachinesNotTold where the list can't be relied upon: missing rights look like an
        empty host.
        """

    def measured(self, machines: Iterable[VirtualMachine]) -> list[VirtualMachine]:
        """These of it with the sizes of their disks, as far as it tells them."""

    def machine(self, machine: UUID) -> VirtualMachine | None:
        """One of them, without the sizes; None: it is not on this host. Raises as ``machines``."""

    def named(self, name: str) -> list[VirtualMachine]:
        """Those of that name, or with that id. Raises as ``machines``."""

    # The following are asked of a target.

    def landing(self, machine: UUID) -> Landing:
        """What a migration of that machine finds here."""

    def remove_planned(self, handle: str) -> bool:
        """Remove the planned virtual machine that the migration of that handle has left here.

        Only one that, as the handle says, was not here before it. False: there is none to remove.
        Whoever calls knows that the source has the machine at rest, and no job of it under way.
        """

    # And these of a source.

    def check(self, order: MoveOrder) -> tuple[Incompatibility, ...]:
        """The host's own check, a job (CheckVirtualSystemIsMigratable). It proves no storage."""

    def new_handle(self, order: MoveOrder) -> str:
        """A handle for a migration that is about to be sent: what it will be told from others by.

        It is there before anything is sent, so that it can be on record first. Text that only what
        speaks to the host understands; the host's answer may add to it (Moving.handle).
        """

    def is_at_work(self, machine: UUID) -> bool:
        """Whether a job of that machine is under way here, whoever's it is."""

    def move(self, order: MoveOrder, handle: str) -> Moving:
        """Start the migration under a handle of ``new_handle`` that is on record by now: once.

        Raises MoveRefused where the host has answered that it does not begin. After any other
        HostError it may have begun, or begin later.
        """

    def reattach(self, machine: UUID, handle: str) -> Moving | None:
        """The migration of that handle, under way or ended not long ago; None: there is none.

        A handle that an older version has recorded says nothing here: then it is the machine's job
        under way, if there is one. Raises MoveUnsettled where a request whose answer was lost may
        still be carried out.
        """

    def close(self) -> None: ...


Open = Callable[[str], Hypervisor]
"""Opens the host of that label, for the calling thread. Raises HostError."""


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
