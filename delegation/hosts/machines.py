"""What is known of a Hyper-V host and of its virtual machines, as read: pure values.

Sizes are in bytes. None is what a host does not tell: nothing may act on it as if it were nothing.
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
    """A virtual hard disk; ``size`` is that of its file and of all that it builds upon.

    That is what a migration copies. None: nobody has asked, or the host does not tell; a file on a
    share is told only where the source may delegate to its server. ``parent`` is the file that its
    differences build upon; empty: it is whole; None as with the size.
    """

    path: str
    size: int | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class VirtualMachine:
    """One virtual machine on the host that was asked, known by its id: names are not unique.

    ``memory`` is what it occupies there: assigned while it runs, else what it starts with.
    ``path`` is the folder of its configuration. ``disks`` are the files in use now; with
    ``checkpoints`` these are differencing ones, and each checkpoint's settings name others.
    ``activity`` is what goes on with it, ``status`` the same in the host's own numbers.
    """

    id: UUID
    name: str
    state: MachineState
    memory: int
    path: str = ""
    disks: tuple[Disk, ...] = ()
    checkpoints: int = 0
    activity: "MachineActivity | None" = None
    status: tuple[int, ...] = ()

    @property
    def migrating(self) -> bool:
        """Whether it is on its way just now: its memory, or its storage."""
        return self.activity is MachineActivity.MIGRATING

    @property
    def is_chained(self) -> bool:
        """Whether it has checkpoints or differencing disks, as far as it is told.

        A disk that has been measured says itself what it builds upon. A file in use called
        ``.avhdx`` holds differences by its name alone: a checkpoint's, or of one that is merged.
        """
        differing = (".avhdx", ".avhd")
        return bool(self.checkpoints) or any(
            disk.parent or disk.path.casefold().endswith(differing) for disk in self.disks
        )

    @property
    def disk(self) -> int | None:
        """Bytes that a migration of its storage copies; None where one of its disks is not told."""
        sizes = [disk.size for disk in self.disks]
        return None if None in sizes else sum(size for size in sizes if size is not None)


class MachineActivity(StrEnum):
    """What goes on with a virtual machine (the second number of OperationalStatus)."""

    MIGRATING = "migrating"
    BUSY = "busy"
    """A backup, a checkpoint, a merge of disks: it ends by itself, and is waited for."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a host has for migrations now: slots of both kinds in all, and free space.

    ``migrations`` and ``storage_migrations`` are the most that may be under way at a time;
    ``memory`` and ``disk`` are free bytes, ``disk`` on the volume of ``storage``, the folder where
    virtual machines go by default. Free space lies outside Hyper-V's own namespace.
    """

    migrations: int
    storage_migrations: int
    memory: int | None
    disk: int | None
    storage: str
    memory_total: int = 0
    disk_total: int = 0


@dataclass(frozen=True, slots=True)
class UnderWay:
    """Migrations under way at a host at this moment, whoever started them, in both directions."""

    migrations: int = 0
    storage_migrations: int = 0


@dataclass(frozen=True, slots=True)
class HostReading:
    """One host, as read in one go. ``settings`` maps names of ``settings.py`` to values.

    ``clustered``: it is a node of a cluster. ``vmms``: the state of the migration's own service.
    ``listeners`` are the addresses where it takes migrations, without link-local ones; none while
    migrations are off. ``windows`` is the build of its Windows, as in ``10.0.20348``.
    ``credential_guard``: it runs there, and passes no password on; None: not told.
    ``not_told`` are reasons for what is None here, by what it is of: ``disk``, ``clustered``.
    """

    fqdn: str
    settings: Mapping[str, bool | int | str] = field(default_factory=dict)
    resources: Resources | None = None
    clustered: bool | None = False
    vmms: str = "Running"
    listeners: tuple[str, ...] = ()
    under_way: UnderWay = UnderWay()
    windows: str | None = None
    not_told: Mapping[str, str] = field(default_factory=dict)
    credential_guard: bool | None = None


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One reason for which the check job says that a machine can't go there.

    ``id`` is its MessageID, which is the same in every language; empty: the host gave none.
    """

    message: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Landing:
    """A target as a migration of one machine finds it, read over our own connection to it.

    ``listeners`` as in HostReading. ``has_planned``: a planned virtual machine of that id is there
    already, somebody's, and must outlive whatever becomes of ours.
    """

    listeners: tuple[str, ...]
    has_planned: bool = False


@dataclass(frozen=True, slots=True)
class MoveOrder:
    """One migration, or its check: which machine, whereto. ``storage`` is a folder on the target.

    ``landing`` is the target as it was read right before. ``with_checkpoints``: a machine that has
    some, or differencing disks, is moved all the same; how Windows does that is unverified.
    """

    machine: UUID
    name: str
    target: str
    storage: str
    landing: Landing = Landing(())
    with_checkpoints: bool = False


class MovePhase(StrEnum):
    """What a job is at, by its JobType, or by its JobState: the same in every language."""

    CREATING = "creating the planned machine"
    CHECKING = "checking"
    MACHINE = "moving the machine"
    MACHINE_AND_STORAGE = "moving machine and storage"
    STORAGE = "moving storage"
    WAITING = "waiting at its host"
    """Its host has taken it and does nothing of it yet, as where others have all slots."""
    CANCELLING = "cancelling"


@dataclass(frozen=True, slots=True)
class MoveProgress:
    """What a running migration last said of itself.

    ``percent`` 0 to 100; that it stays the same for a while tells nothing. ``can_be_stopped`` is
    the host's own word (Cancellable), ``text`` its own words, in its language (JobStatus).
    """

    percent: int
    phase: MovePhase | None = None
    can_be_stopped: bool = True
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a migration's job ended: ``failure`` None is success."""

    failure: "Failure | None" = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something failed on a host, by all that it gives: its words, and its numbers.

    ``message`` is the host's, in the host's language, and ``hresult`` the one in it, as in
    ``0x8009030E``. ``message_id`` is Msvm_Error's, ``error_code`` the job's. ``phase`` is where it
    failed. What is empty or None, the host did not give.
    """

    message: str
    hresult: str = ""
    message_id: str = ""
    error_code: int | None = None
    phase: MovePhase | None = None
    stopped: bool = False
    """It was told to end (JobState Terminated or Killed)."""
