"""A Hyper-V host over CIM, with its settings, machines and live migrations.

What only reads is asked once more where the connection was lost. What changes something is sent
once: after a lost connection nobody knows what became of it.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from uuid import UUID

from delegation.errors import CimFailed, MachinesNotTold
from delegation.hosts.cim import (
    disk_files,
    host_identity,
    host_overview,
    machine_list,
    moving,
    settings_changed,
    surroundings,
)
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.machine_list import Wanted
from delegation.hosts.cim.told import NotTold
from delegation.hosts.hypervisor import Hypervisor, Moving
from delegation.hosts.machines import (
    HostReading,
    Incompatibility,
    Landing,
    MoveOrder,
    VirtualMachine,
)
from delegation.hosts.settings import HostSetting

_RIGHTS = "look whether whoever logs on is in Hyper-V Administrators there"

Connect = Callable[[], Cim]
"""Opens one connection more to the same host, for the thread that calls it. Raises HostError."""


class CimHost(Hypervisor):
    """One host, for the one thread that opened it.

    ``computer`` is the name that it must have of itself; empty: any. Raises HostUnreachable,
    HostRefused, HyperVFailed where Hyper-V's service does not answer, and WrongHost before anything
    else is asked of another computer.
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
        except CimFailed as exc:
            # The name is Hyper-V's to tell: where it does not, its service is the first suspect.
            with closing(cim):
                raise host_overview.diagnosed(cim, exc) from exc
        except BaseException:
            cim.close()
            raise
        return cim

    @property
    def fqdn(self) -> str:
        return self._cim.host

    def read(self) -> HostReading:
        return host_overview.read_host(self._cim)

    def addresses(self) -> tuple[str, ...]:
        return surroundings.read_addresses(self._cim)

    def set(self, before: HostSetting, after: HostSetting) -> None:
        settings_changed.change_setting(self._cim, before, after)

    def machines(self) -> list[VirtualMachine]:
        return self._listed(machine_list.any_machine)

    def measured(self, machines: Iterable[VirtualMachine]) -> list[VirtualMachine]:
        return disk_files.measured(self._cim, machines)

    def machine(self, machine: UUID) -> VirtualMachine | None:
        return next(iter(self._listed(machine_list.is_machine(machine))), None)

    def named(self, name: str) -> list[VirtualMachine]:
        return self._listed(machine_list.is_named(name))

    def _listed(self, wanted: Wanted) -> list[VirtualMachine]:
        found = machine_list.read_machines(self._cim, wanted)
        if not isinstance(found, NotTold):
            return list(found)
        error = found.error
        raise MachinesNotTold(
            f"{self.fqdn} does not tell its virtual machines: {found.why}",
            error.fix if error else _RIGHTS,
            error.details if error else (),
            hresult=found.hresult,
        )

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
