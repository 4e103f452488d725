"""A Hyper-V host over CIM, with its settings, machines and live migrations.

What only reads is asked once more where the connection was lost. What changes something is sent
once: after a lost connection nobody knows what became of it.
"""

from collections.abc import Callable, Iterable
from uuid import UUID

from delegation.hosts.cim import host_identity, moving
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.hypervisor import Hypervisor, Moving
from delegation.hosts.machines import (
    HostReading,
    Incompatibility,
    Landing,
    MoveOrder,
    VirtualMachine,
)
from delegation.hosts.settings import HostSetting

Connect = Callable[[], Cim]
"""Opens one connection more to the same host, for the thread that calls it. Raises HostError."""


class CimHost(Hypervisor):
    """One host, for the one thread that opened it.

    ``computer`` is the name that it must have of itself; empty: any. Raises HostUnreachable,
    HostRefused, and WrongHost before anything else is asked of another computer.
    """

    def __init__(self, connect: Connect, computer: str = "") -> None:
        self._connect = connect
        self._computer = computer
        self._cim = self._recognised()

    def _recognised(self) -> Cim:
        cim = self._connect()
        try:
            if self._computer:
                host_identity.recognise(cim, self._computer)
        except BaseException:
            cim.close()
            raise
        return cim

    @property
    def fqdn(self) -> str:
        return self._cim.host

    def read(self) -> HostReading:
        raise NotImplementedError

    def addresses(self) -> tuple[str, ...]:
        raise NotImplementedError

    def set(self, before: HostSetting, after: HostSetting) -> None:
        raise NotImplementedError

    def machines(self) -> list[VirtualMachine]:
        raise NotImplementedError

    def measured(self, machines: Iterable[VirtualMachine]) -> list[VirtualMachine]:
        raise NotImplementedError

    def machine(self, machine: UUID) -> VirtualMachine | None:
        return next((one for one in self.machines() if one.id == machine), None)

    def named(self, name: str) -> list[VirtualMachine]:
        raise NotImplementedError

    def landing(self, machine: UUID) -> Landing:
        return moving.read_landing(self._cim, machine)

    def remove_planned(self, handle: str) -> bool:
        return moving.remove_planned(self._cim, handle)

    def check(self, order: MoveOrder) -> tuple[Incompatibility, ...]:
        return moving.check(self._cim, order)

    def new_handle(self, order: MoveOrder) -> str:
        return moving.new_handle(self._cim, order)

    def is_at_work(self, machine: UUID) -> bool:
        return moving.is_at_work(self._cim, machine)

    def move(self, order: MoveOrder, handle: str) -> Moving:
        cim = self._recognised()
        try:
            return moving.start(cim, order, handle)
        except BaseException:
            cim.close()
            raise

    def reattach(self, machine: UUID, handle: str) -> Moving | None:
        cim = self._recognised()
        found = None
        try:
            found = moving.reattach(cim, machine, handle)
        finally:
            if found is None:
                cim.close()
        return found

    def close(self) -> None:
        self._cim.close()
