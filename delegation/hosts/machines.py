"""What is known of a Hyper-V host and of its virtual machines, as read: pure values.

Names are those of the Hyper-V module's objects where it has one; sizes are in bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class MachineState(StrEnum):
    """VMState, as far as it matters here."""

    RUNNING = "Running"
    OFF = "Off"
    SAVED = "Saved"
    PAUSED = "Paused"
    OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Disk:
    """A virtual hard disk; ``size`` is that of its file, which is what a migration copies."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class VirtualMachine:
    """One virtual machine on the host that was asked, known by its id: names are not unique.

    ``memory`` is what it occupies there: assigned while it runs, else what it starts with.
    ``status`` is the host's own text; ``migrating`` that it is on its way just now.
    ``clustered``: a cluster role, which a shared-nothing migration refuses.
    """

    id: UUID
    name: str
    state: MachineState
    memory: int
    path: str = ""
    disks: tuple[Disk, ...] = ()
    status: str = ""
    migrating: bool = False
    clustered: bool = False

    @property
    def disk(self) -> int:
        """Bytes that a migration of its storage copies."""
        return sum(disk.size for disk in self.disks)


@dataclass(frozen=True, slots=True)
class Resources:
    """What a host has for migrations now: slots of both kinds in all, and free space.

    ``migrations`` and ``storage_migrations`` are MaximumVirtualMachineMigrations and
    MaximumStorageMigrations; ``memory`` and ``disk`` are free bytes, ``disk`` on the volume of
    ``storage``, the folder where virtual machines go by default.
    """

    migrations: int
    storage_migrations: int
    memory: int
    disk: int
    storage: str
    memory_total: int = 0
    disk_total: int = 0


@dataclass(frozen=True, slots=True)
class HostReading:
    """One host, as read in one go. ``settings`` maps names of ``settings.py`` to values.

    ``clustered``: its cluster service runs. ``vmms``: the state of the migration's own service.
    """

    fqdn: str
    settings: Mapping[str, bool | int | str] = field(default_factory=dict)
    resources: Resources | None = None
    clustered: bool = False
    vmms: str = "Running"


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One reason for which Compare-VM says that a machine can't go there."""

    message: str
    id: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class MoveOrder:
    """One Move-VM or Compare-VM: which machine, whereto. ``storage`` is a folder on the target."""

    machine: UUID
    name: str
    target: str
    storage: str


@dataclass(frozen=True, slots=True)
class MoveProgress:
    """What a running migration last said of itself; ``percent`` 0 to 100."""

    percent: int
    status: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a Move-VM ended: ``failure`` None is success."""

    failure: "Failure | None" = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a command on a host failed: its own message, and the HRESULT in it (``0x8009030E``).

    ``message`` is the host's, in the host's language. Empty ``hresult``: the host gave none.
    """

    message: str
    hresult: str = ""
    error_id: str = ""
