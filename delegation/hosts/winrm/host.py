"""A Hyper-V host with its live migrations, over PowerShell remoting.

Reads are asked once more over a new connection where the one before was lost. What changes
something is sent once: after a lost connection nobody knows what became of it.
"""

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID, uuid4

from delegation.errors import CommandFailed, HostError, HostUnreachable, HyperVFailed, WrongHost
from delegation.hosts.hypervisor import Hypervisor, Moving
from delegation.hosts.machines import (
    Ended,
    HostReading,
    Incompatibility,
    MoveOrder,
    MoveProgress,
    VirtualMachine,
)
from delegation.hosts.places import Account, Cmdlet, Place
from delegation.hosts.settings import HostSetting
from delegation.hosts.winrm import cmdlets, reading
from delegation.hosts.winrm.remoting import Finished, Output, Running, Session

READ_SECONDS = 60.0
SET_SECONDS = 60.0
LIST_SECONDS = 300.0
"""For all machines of a host; Get-VHD opens every file."""
COMPARE_SECONDS = 300.0
REACH_SECONDS = 90.0
"""Test-NetConnection waits for 20 to 40 s where nothing answers."""

LONGEST_CHAIN = 64
"""Checkpoints one upon another that are followed; Hyper-V allows 50."""


class HyperVHost(Hypervisor):
    """One host, for the one thread that opened it.

    ``computer`` is the name that it must have of itself; empty: any. Raises HostUnreachable,
    HostRefused, and WrongHost before anything else is asked of another computer.
    """

    def __init__(self, place: Place, account: Account, computer: str = "") -> None:
        self._place = place
        self._account = account
        self._session = Session(place, account)
        if computer:
            try:
                self._recognise(computer)
            except BaseException:
                self._session.close()
                raise

    def _recognise(self, computer: str) -> None:
        """The logon is by DNS name, which leads to whatever host an inventory says by mistake."""
        system = self._ask([[_SYSTEM]], READ_SECONDS)
        name = reading.computer(system)
        if not reading.is_computer(name, computer):
            raise WrongHost(
                f"{self.fqdn} is the computer {name or 'without a name'}, not {computer}",
                "correct the fqdn or the computer of that host in the inventory; nothing was read "
                "or changed there",
            )

    @property
    def fqdn(self) -> str:
        return self._place.host

    def read(self) -> HostReading:
        asked: list[list[Cmdlet]] = [
            [Cmdlet("Get-VMHost")],
            [Cmdlet("Get-VMMigrationNetwork")],
            [_SERVICES],
            [_SYSTEM],
        ]
        try:
            found = reading.parts(self._ask(asked, READ_SECONDS))
        except CommandFailed as exc:
            raise self._diagnosed(exc) from exc
        if found is None:
            raise CommandFailed(
                f"{self.fqdn} tells too little of itself",
                "look whether its Hyper-V PowerShell module is complete",
            )
        letter = reading.drive(reading.storage(found.host))
        volumes = (
            self._ask([[Cmdlet("Get-Volume", {"DriveLetter": letter})]], READ_SECONDS)
            if letter
            else []
        )
        return reading.host_reading(self.fqdn, found, volumes[0] if volumes else None)

    def _diagnosed(self, failed: CommandFailed) -> CommandFailed:
        """The same failure, with what the service behind those cmdlets is at."""
        try:
            services = reading.services(self._ask([[_SERVICES]], READ_SECONDS))
        except CommandFailed:
            return failed
        vmms = services.get(reading.VMMS, "")
        what, fix, details = failed.what, failed.fix, failed.details
        if vmms != reading.SERVING:
            what, fix = reading.not_serving(self.fqdn, vmms)
            details = (failed.what, *details)
        return HyperVFailed(what, fix, details, hresult=failed.hresult, vmms=vmms)

    def addresses(self) -> tuple[str, ...]:
        return reading.addresses(self._ask([[Cmdlet("Get-NetIPAddress")]], READ_SECONDS))

    def set(self, before: HostSetting, after: HostSetting) -> None:
        self._renew()
        self._session.run(cmdlets.command(before, after), seconds=SET_SECONDS)

    def machines(self) -> list[VirtualMachine]:
        return self._machines(Cmdlet("Get-VM"))

    def machine(self, machine: UUID) -> VirtualMachine | None:
        try:
            found = self._machines(Cmdlet("Get-VM", {"Id": machine}))
        except CommandFailed:
            # Whether that means that it is not there is told in words only; the list tells it.
            found = self._machines(Cmdlet("Get-VM"))
        return next((one for one in found if one.id == machine), None)

    def named(self, name: str) -> list[VirtualMachine]:
        try:
            found = self._ask([[Cmdlet("Get-VM", {"Name": name})]], LIST_SECONDS)
        except CommandFailed:
            found = []
        # An id is no name, and a name can look like a pattern; so the list tells what is not there.
        return reading.named(found, name) or reading.named(
            self._ask([[Cmdlet("Get-VM")]], LIST_SECONDS), name
        )

    def _machines(self, those: Cmdlet) -> list[VirtualMachine]:
        drives = Cmdlet("Get-VMHardDiskDrive")
        asked = [[those], [those, drives], [those, drives, Cmdlet("Get-VHD", _QUIETLY)]]
        found = reading.machines(self._ask(asked, LIST_SECONDS))
        for _ in range(LONGEST_CHAIN):
            parents = found.parents()
            if not parents:
                break
            files = self._ask([[Cmdlet("Get-VHD", {"Path": parents, **_QUIETLY})]], LIST_SECONDS)
            read = reading.machines(files).files
            if not read:
                break
            found.files.update(read)
        return found.whole()

    def compare(self, order: MoveOrder) -> tuple[Incompatibility, ...]:
        asked = _move("Compare-VM", order)
        reports = self._ask([asked], COMPARE_SECONDS)
        if len(reports) != 1:
            raise CommandFailed(
                f"Compare-VM on {self.fqdn} gave {len(reports)} reports on {order.name}",
                "look whether the virtual machine is still there",
            )
        found = reading.incompatibilities(reports[0])
        if found is not None:
            return found
        each = [*asked, Cmdlet("Select-Object", {"ExpandProperty": "Incompatibilities"})]
        return tuple(map(reading.incompatibility, self._ask([each], COMPARE_SECONDS)))

    def reaches(self, target: str, port: int) -> bool:
        asked = Cmdlet("Test-NetConnection", {"ComputerName": target, "Port": port})
        found = self._ask([[asked]], REACH_SECONDS)
        return bool(found) and found[0].boolean("TcpTestSucceeded")

    @staticmethod
    def new_handle() -> str:
        """The id of a shell that is yet to be opened: a client chooses it (MS-PSRP 3.1.5.3.1)."""
        return str(uuid4())

    def move(self, order: MoveOrder, handle: str) -> Moving:
        shell = _shell(handle)
        session = Session(self._place, self._account, shell=shell, patient=True)
        try:
            return ShellMigration(session, session.start(*_move("Move-VM", order)))
        except BaseException:
            # Not closed: whether it runs is not known, and a shell takes what runs along.
            session.drop()
            raise

    def reattach(self, handle: str) -> Moving | None:
        shell = _shell(handle)
        session = Session.reconnect(self._place, self._account, shell)
        if session is None:
            return None
        if session.attached is None:
            session.close()
            return None
        return ShellMigration(session, session.attached)

    def close(self) -> None:
        self._session.close()

    def _ask(self, pipelines: Sequence[Sequence[Cmdlet]], seconds: float) -> list[Output]:
        """Read something; once more over a new connection where the one before was lost."""
        self._renew()
        try:
            return self._session.run_each(pipelines, seconds=seconds)
        except HostUnreachable:
            if not self._session.lost:
                raise
        self._renew()
        return self._session.run_each(pipelines, seconds=seconds)

    def _renew(self) -> None:
        """Open another session where the connection is gone: hosts end those that are idle."""
        if self._session.lost:
            former = self._session
            former.drop()
            self._session = Session(self._place, self._account)
            with suppress(HostError):
                # A host allows few shells; it may have removed this one by itself.
                self._session.remove(former.shell)


def _shell(handle: str) -> UUID:
    """The shell that a handle means. Raises HostError where it means none."""
    try:
        return UUID(handle)
    except ValueError:
        raise HostError(
            f"{handle!r} is not a shell, by which a migration would be found again",
            "another version of this program has recorded it: go on with that",
        ) from None


class ShellMigration(Moving):
    """A Move-VM in a shell of its own."""

    def __init__(self, session: Session, running: Running) -> None:
        self._session = session
        self._running = running

    @property
    def handle(self) -> str:
        return str(self._session.shell)

    def wait(self, seconds: float) -> MoveProgress | Ended:
        said = self._running.wait(seconds)
        if isinstance(said, Finished):
            return Ended(said.failure)
        return MoveProgress(min(max(said.percent, 0), 100), said.status)

    def stop(self) -> None:
        self._running.stop()

    def leave(self) -> None:
        with suppress(HostError):
            # A shell whose client is lost goes on as well.
            self._session.disconnect()

    def close(self) -> None:
        self._session.close()


_QUIETLY = {"ErrorAction": "SilentlyContinue"}
"""For what may not be there."""

_SERVICES = Cmdlet("Get-Service", {"Name": [reading.VMMS, reading.CLUSTER], **_QUIETLY})
_SYSTEM = Cmdlet("Get-CimInstance", {"ClassName": "Win32_OperatingSystem"})


def _move(cmdlet: str, order: MoveOrder) -> list[Cmdlet]:
    """By the machine's id, since names are not unique."""
    whereto = {
        "DestinationHost": order.target,
        "IncludeStorage": True,
        "DestinationStoragePath": order.storage,
    }
    return [Cmdlet("Get-VM", {"Id": order.machine}), Cmdlet(cmdlet, whereto)]
