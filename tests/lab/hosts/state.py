"""What a lab host knows, on disk: its virtual machines, its settings, the migrations under way.

It lies in one JSON file a host (``store``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import PureWindowsPath
from typing import Any, Self

from tests.lab.description import ADMINISTRATOR, OPERATOR

MIB = 1 << 20
GIB = 1 << 30
MACHINES_FOLDER = "C:\\Hyper-V"
"""Where virtual machines lie unless somebody says otherwise (VirtualMachinePath)."""
SWITCH = "External"
"""The virtual switch that every lab host has."""


class Phase(StrEnum):
    """How far an outgoing migration is. The table of what a restart does about it: ``settle``."""

    QUEUED = "queued"
    """It waits for a slot at the source, or at the target."""
    COPYING = "copying"
    HANDING_OVER = "handing-over"
    """The target may own the machine already: only the target knows."""


@dataclass
class Checkpoint:
    """A checkpoint of a virtual machine: the disks that it was at."""

    id: str
    name: str
    disks: list[str]


@dataclass
class Machine:
    """A virtual machine. ``path`` and ``disks`` are Windows paths on its host, as all others.

    ``disks`` are the files in use now; ``parents`` says of a differencing one whose child it is.
    ``images`` and ``floppies`` are what lies in its drives: no file of its own. ``guest_state`` is
    its .vmgs. For Msvm_ComputerSystem: ``status`` is the second OperationalStatus, 0 for none;
    ``enabled_state`` is its EnabledState, 0 for what ``running`` says.
    """

    id: str
    name: str
    memory: int
    running: bool
    path: str
    disks: list[str]
    switch: str = SWITCH
    clustered: bool = False
    images: list[str] = field(default_factory=list)
    floppies: list[str] = field(default_factory=list)
    guest_state: str = ""
    parents: dict[str, str] = field(default_factory=dict)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    status: int = 0
    enabled_state: int = 0
    processors: int = 1

    @classmethod
    def read(cls, plain: dict[str, Any]) -> Self:
        """Make one of what ``asdict`` gave."""
        checkpoints = [Checkpoint(**one) for one in plain.get("checkpoints", ())]
        return cls(**plain | {"checkpoints": checkpoints})

    @property
    def files(self) -> list[str]:
        """All files that are its own, each once: disks, those of checkpoints, parents, .vmgs."""
        leaves = [*self.disks, *(disk for one in self.checkpoints for disk in one.disks)]
        found = [each for leaf in leaves for each in self.chain(leaf)]
        return list(dict.fromkeys([*found, *filter(None, [self.guest_state])]))

    def chain(self, disk: str) -> list[str]:
        """Give a disk, its parent, and so on."""
        found = [disk]
        while (parent := self.parents.get(found[-1])) and parent not in found:
            found.append(parent)
        return found

    def placed(self, path: str, places: Mapping[str, str]) -> Self:
        """Give it as it lies elsewhere: each of its files where ``places`` says."""
        return replace(
            self,
            path=path,
            disks=[places[one] for one in self.disks],
            guest_state=places.get(self.guest_state, ""),
            parents={places[child]: places[parent] for child, parent in self.parents.items()},
            checkpoints=[
                replace(one, disks=[places[disk] for disk in one.disks]) for one in self.checkpoints
            ],
        )

    def by_default(self) -> Self:
        """Give it as it lies where nobody says where: each file below one folder."""
        path = f"{MACHINES_FOLDER}\\{self.name}"
        disks = PureWindowsPath(path, "Virtual Hard Disks")
        places = {one: str(disks / PureWindowsPath(one).name) for one in self.files}
        return self.placed(path, places)


@dataclass
class Outgoing:
    """A migration from here. ``machine`` is None until HANDING_OVER takes it out of ``machines``.

    ``target`` is the label of the target (``hv02``), ``copied`` and ``size`` are bytes.
    """

    id: str
    machine_id: str
    target: str
    phase: Phase = Phase.QUEUED
    size: int = 0
    copied: int = 0
    machine: Machine | None = None

    @classmethod
    def read(cls, plain: dict[str, Any]) -> Self:
        """Make one of what ``asdict`` gave."""
        machine = plain.pop("machine")
        phase = Phase(plain.pop("phase"))
        return cls(**plain, phase=phase, machine=machine and Machine.read(machine))


@dataclass
class Incoming:
    """A migration to here: the machine as it will be, and the share that its disks come through.

    ``cancelled``: it is being undone, and can't make the machine this host's any more.
    """

    id: str
    machine: Machine
    source: str
    share: str
    sizes: list[int]
    cancelled: bool = False

    @classmethod
    def read(cls, plain: dict[str, Any]) -> Self:
        """Make one of what ``asdict`` gave."""
        return cls(**plain | {"machine": Machine.read(plain["machine"])})


@dataclass
class HostState:
    """All of a host. The settings' defaults are Windows'.

    ``memory`` and ``disk`` are what there is in all, in bytes; ``speed`` is bytes a second of one
    migration; ``patience`` is how many seconds a migration waits for a slot before it fails.
    ``networks`` maps subnets to priorities. ``certificate`` is one of ``HostCertificate``.
    ``arrived`` holds the identifiers of the migrations that made a machine this host's: what a
    source asks after it died. ``planned`` are the machines that were staged here.

    The rest is about CIM: whom which namespaces refuse, who is shown nothing without an error, the
    language of texts and whether they hold numbers, how late answers come, how long ended jobs are
    kept, what a cancelled one does (``honoured``, ``refused``, or ``ignored``: accepted, and the
    move goes on) and how long it rolls back, how a move that succeeded is shown (``warnings``:
    JobState 32768; ``code``: 7 with an ErrorCode), whether a failed one leaves a planned machine
    here, whether checks asked of this host leave one on their target, which methods' next answers
    are lost, how late a lost request is carried out, how many moves were begun, and as
    which OperationalStatus one under way is shown.
    """

    machines: list[Machine] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)
    incoming: list[Incoming] = field(default_factory=list)
    arrived: list[str] = field(default_factory=list)
    planned: list[Machine] = field(default_factory=list)

    enabled: bool = False
    authentication: str = "CredSSP"
    migrations: int = 2
    storage_migrations: int = 2
    performance: str = "Compression"
    any_network: bool = False
    networks: dict[str, int] = field(default_factory=dict)

    operators: list[str] = field(default_factory=lambda: [OPERATOR, ADMINISTRATOR])
    clustered: bool = False
    vmms: str = "Running"
    certificate: str = ""
    switches: list[str] = field(default_factory=lambda: [SWITCH])

    memory: int = 64 * GIB
    disk: int = 1 * GIB
    speed: int = 64 * MIB
    patience: float = 2.0

    shared: dict[str, int] = field(default_factory=dict)
    """Sizes of disks on file servers, by path."""
    refused_namespaces: dict[str, list[str]] = field(default_factory=dict)
    blind: list[str] = field(default_factory=list)
    language: str = "en-US"
    numbers: bool = True
    slow_answer: float = 0.0
    job_seconds: float = 300.0
    cancelling: str = "honoured"
    rollback_seconds: float = 0.0
    move_ends: str = ""
    leaves_planned: bool = False
    checks_leave_planned: bool = False
    lost_answers: list[str] = field(default_factory=list)
    late: float = 0.0
    moves_begun: int = 0
    migrating_as: int = 32774

    @classmethod
    def read(cls, plain: dict[str, Any]) -> Self:
        """Make one of what ``asdict`` gave."""
        parts: dict[str, Any] = {"machines": Machine, "outgoing": Outgoing, "incoming": Incoming}
        parts["planned"] = Machine
        made = {
            name: [part.read(one) for one in plain.get(name, ())] for name, part in parts.items()
        }
        return cls(**plain | made)

    def present(self) -> list[Machine]:
        """List the machines that this host shows: what it hands over is shown until it is gone."""
        return [*self.machines, *(one.machine for one in self.outgoing if one.machine)]

    def machine(self, machine_id: str) -> Machine | None:
        """Give a machine that is this host's."""
        return next((one for one in self.machines if one.id == machine_id), None)

    def leaving(self, machine_id: str) -> Outgoing | None:
        """Give the migration that a machine is in."""
        return next((one for one in self.outgoing if one.machine_id == machine_id), None)

    def migration(self, move_id: str) -> Outgoing | None:
        """Give an outgoing migration."""
        return next((one for one in self.outgoing if one.id == move_id), None)

    def expected(self, move_id: str) -> Incoming | None:
        """Give an incoming migration."""
        return next((one for one in self.incoming if one.id == move_id), None)

    def is_operator(self, user: str) -> bool:
        """Tell whether a user (``vmadmin@CORP.EXAMPLE``) administers this host."""
        return user.partition("@")[0].casefold() in {one.casefold() for one in self.operators}

    def administers(self, user: str) -> bool:
        """Tell whether a user may have VMMS do anything here: he is let in, and shown something."""
        name = user.partition("@")[0].casefold()
        return self.is_operator(user) and name not in {one.casefold() for one in self.blind}

    def slot_free(self, besides: str = "") -> bool:
        """Tell whether another migration may run: it takes a live and a storage slot."""
        running = [one.id for one in self.outgoing if one.phase is not Phase.QUEUED]
        running += [one.id for one in self.incoming]
        taken = len([one for one in running if one != besides])
        return taken < min(self.migrations, self.storage_migrations)

    def memory_free(self) -> int:
        """Count the bytes that running machines leave, those on their way here included."""
        machines = [*self.present(), *(one.machine for one in self.incoming)]
        return self.memory - sum(one.memory for one in machines if one.running)
