"""Hyper-V hosts in memory, which share one world and one clock; and who works there in tests.

Everything is decided by a seed. The world notes what must never happen, as ``wrongs``: a machine
that is started while it is on its way, or one that was at its target already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from uuid import UUID, uuid5

from delegation.errors import HostError, HostUnreachable
from delegation.hosts.failures import STOPPED
from delegation.hosts.hypervisor import Hypervisor, Moving
from delegation.hosts.machines import (
    Disk,
    Ended,
    Failure,
    HostReading,
    Incompatibility,
    MachineState,
    MoveOrder,
    MoveProgress,
    Resources,
    VirtualMachine,
)
from delegation.hosts.settings import HostSetting
from delegation.migrations.lifecycle import Migration
from delegation.migrations.runner import errands
from delegation.migrations.runner.work import (
    ErrandEvent,
    Lost,
    MigrationOver,
    RunnerCrew,
    Unsent,
    Visited,
)

BUSY = Failure("the file is in use", "0x80070020")
NETWORK = Failure("the connection was reset", "0x80072746")
FULL = Failure("the disk is full", "0x80070070")
NO_CREDENTIALS = Failure("no credentials", "0x8009030E")


def machine_id(name: str) -> UUID:
    return uuid5(UUID(int=0), name)


@dataclass
class FakeHost:
    """One host. ``up``: it answers. ``memory`` and ``disk`` are what it has in all."""

    label: str
    slots: int = 2
    memory: int = 1000
    disk: int = 10_000
    up: bool = True
    machines: dict[UUID, tuple[str, int, int]] = field(default_factory=dict)
    """Name, memory and disk of each that is registered here."""

    def free(self) -> tuple[int, int]:
        held = self.machines.values()
        return self.memory - sum(m for _, m, _ in held), self.disk - sum(d for _, _, d in held)


@dataclass
class Job:
    """A Move-VM under way, or ended with ``failure``."""

    machine: UUID
    source: str
    target: str
    handle: str | None
    storage: str
    seconds: float
    done: float = 0.0
    ended: bool = False
    failure: Failure | None = None
    stopping: bool = False
    mute: bool = False
    """Whether its end gets lost."""
    begins: float = 0.0
    """When the host shows the machine as migrating; it has it in hand before."""


@dataclass
class Faults:
    """Chances of 0 to 1: of each call that gets no answer, and of each migration that fails."""

    silence: float = 0.0
    failing: float = 0.0
    crash: float = 0.0
    """Of each host going down, or coming back, whenever the clock moves."""
    amnesia: float = 0.0
    """Of each host losing its shells, and nothing else, whenever the clock moves."""
    mute: float = 0.0
    """Of each migration that nobody hears the end of, though its shell is there."""
    late: float = 0.0
    """Seconds that a host takes at most until a migration that it was given can be seen."""


class World:
    def __init__(self, hosts: Iterable[FakeHost], seed: int = 0, speed: float = 10.0) -> None:
        self.hosts = {host.label: host for host in hosts}
        self.random = Random(seed)
        self.speed = speed
        """Bytes a second of one migration."""
        self.clock = 0.0
        self.jobs: list[Job] = []
        self.wrongs: list[str] = []
        self.starts: list[tuple[str, str, str]] = []
        """Name, source and target of each Move-VM that a host was given."""
        self.fate: dict[str, list[Failure | None]] = {}
        """How the next migrations of a machine end, by its name; None: as they come."""
        self.faults = Faults()
        self.logon: HostError | None = None
        """Why nobody can log on to any host."""
        self.mute: set[str] = set()
        """Hosts that give us no answer, and go on with what they do."""
        self.deaf = False
        """Whether hosts go on with what they were asked to stop."""
        self._later: list[tuple[float, Callable[[], None]]] = []

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        """Let something happen so many seconds from now."""
        self._later.append((self.clock + seconds, what))

    def add(self, host: str, name: str, memory: int = 10, disk: int = 100) -> UUID:
        machine = machine_id(name)
        self.hosts[host].machines[machine] = (name, memory, disk)
        return machine

    def open(self, label: str) -> FakeHypervisor:
        self.answer(label)
        return FakeHypervisor(self, label)

    def answer(self, label: str) -> None:
        """Raises HostUnreachable where the host is down, or says nothing this time."""
        if self.logon is not None:
            raise self.logon
        silent = label in self.mute or not self.hosts[label].up
        if silent or self.random.random() < self.faults.silence:
            raise HostUnreachable(f"{label} does not answer", "look at it")

    def where(self, machine: UUID) -> list[str]:
        return [label for label, host in self.hosts.items() if machine in host.machines]

    def running(self, machine: UUID | None = None) -> list[Job]:
        return [job for job in self.jobs if not job.ended and machine in {None, job.machine}]

    def start(self, host: str, order: MoveOrder, handle: str | None) -> Job:
        """What Move-VM does first; it fails, rather than begins, where Hyper-V would."""
        target = order.target.partition(".")[0]
        self.starts.append((order.name, host, target))
        if self.running(order.machine):
            self.wrongs.append(f"{order.name} was started twice at once")
        if order.machine not in self.hosts[host].machines:
            self.wrongs.append(f"{order.name} was started at {host}, where it is not")
            job = Job(order.machine, host, target, handle, order.storage, 0)
            self._end(job, Failure("no such machine"))
            return job
        _, memory, disk = self.hosts[host].machines[order.machine]
        seconds = (memory + disk) / self.speed
        job = Job(order.machine, host, target, handle, order.storage, seconds)
        job.mute = self.random.random() < self.faults.mute
        job.begins = self.clock + self.faults.late * self.random.random()
        self.jobs.append(job)
        fate = self.fate.get(order.name, [])
        failure = fate.pop(0) if fate else None
        if failure is None and self.random.random() < self.faults.failing:
            failure = self.random.choice((BUSY, NETWORK))
        if failure is not None:
            self._end(job, failure)
        elif not self.hosts[target].up:
            self._end(job, NETWORK)
        elif any(self.used(label) > self.hosts[label].slots for label in (host, target)):
            self.wrongs.append(f"{order.name} was started without a free slot")
            self._end(job, BUSY)
        elif not self._fits(job, memory, disk):
            self._end(job, FULL)
        return job

    def used(self, label: str) -> int:
        return sum(label in {job.source, job.target} for job in self.running())

    def _fits(self, job: Job, memory: int, disk: int) -> bool:
        free_memory, free_disk = self.hosts[job.target].free()
        for other in self.running():
            if other.target == job.target and other is not job:
                _, m, d = self.hosts[other.source].machines[other.machine]
                free_memory, free_disk = free_memory - m, free_disk - d
        return memory <= free_memory and disk <= free_disk

    def advance(self, seconds: float) -> None:
        """Let time go by: copies go on, ends come, hosts may crash and come back."""
        self.clock += seconds
        for event in [one for one in self._later if one[0] <= self.clock]:
            self._later.remove(event)
            event[1]()
        for job in self.running():
            if job.stopping and not self.deaf:
                self._end(job, Failure("stopped", "", STOPPED))
                continue
            if not self.hosts[job.source].up or not self.hosts[job.target].up:
                self._end(job, NETWORK)
                continue
            if job.begins > self.clock:
                continue
            job.done += seconds
            if job.done >= job.seconds:
                held = self.hosts[job.source].machines.pop(job.machine)
                self.hosts[job.target].machines[job.machine] = held
                self._end(job, None)
        for host in self.hosts.values():
            if self.random.random() < self.faults.crash:
                host.up = not host.up
            if not host.up or self.random.random() < self.faults.amnesia:
                self.forget_shells(host.label)

    def forget_shells(self, label: str) -> None:
        """What a reboot does. A shell that ends takes along what it has not given to VMMS yet."""
        for job in self.jobs:
            if job.source == label:
                job.handle = None
                if not job.ended and job.begins > self.clock:
                    self._end(job, Failure("its shell is gone"))

    def _end(self, job: Job, failure: Failure | None) -> None:
        job.ended, job.failure = True, failure
        if job not in self.jobs:
            self.jobs.append(job)

    def peace(self) -> None:
        """Nothing goes wrong any more, and every host is there."""
        self.faults = Faults()
        for host in self.hosts.values():
            host.up = True


class FakeHypervisor(Hypervisor):
    def __init__(self, world: World, label: str) -> None:
        self._world = world
        self._label = label

    @property
    def fqdn(self) -> str:
        return f"{self._label}.corp.example"

    @property
    def _host(self) -> FakeHost:
        self._world.answer(self._label)
        return self._world.hosts[self._label]

    def read(self) -> HostReading:
        host = self._host
        memory, disk = host.free()
        coming = [job for job in self._world.running() if job.target == self._label]
        disk -= sum(
            int(self._world.hosts[job.source].machines[job.machine][2] * job.done / job.seconds)
            for job in coming
        )
        resources = Resources(host.slots, host.slots, memory, disk, r"C:\VMs")
        return HostReading(self.fqdn, {"enabled": True}, resources)

    def set(self, before: HostSetting, after: HostSetting) -> None:  # noqa: ARG002
        raise AssertionError("a migration changes no settings")

    def machines(self) -> list[VirtualMachine]:
        return [self._as_seen(machine) for machine in self._host.machines]

    def machine(self, machine: UUID) -> VirtualMachine | None:
        return self._as_seen(machine) if machine in self._host.machines else None

    def named(self, name: str) -> list[VirtualMachine]:
        raise NotImplementedError

    def addresses(self) -> tuple[str, ...]:
        raise NotImplementedError

    def _as_seen(self, machine: UUID) -> VirtualMachine:
        name, memory, disk = self._world.hosts[self._label].machines[machine]
        return VirtualMachine(
            machine,
            name,
            MachineState.RUNNING,
            memory,
            disks=(Disk(f"C:\\VMs\\{name}.vhdx", disk),),
            migrating=any(job.begins <= self._world.clock for job in self._world.running(machine)),
        )

    def compare(self, order: MoveOrder) -> tuple[Incompatibility, ...]:  # noqa: ARG002
        return ()

    def reaches(self, target: str, port: int) -> bool:  # noqa: ARG002
        return True

    def move(self, order: MoveOrder, handle: str) -> Moving:
        """Sometimes the answer is lost: then it may have been started, or not."""
        try:
            self._world.answer(self._label)
        except HostUnreachable:
            if self._world.hosts[self._label].up and self._world.random.random() < 0.5:
                self._world.start(self._label, order, handle)
            raise
        return FakeMoving(self._world, self._world.start(self._label, order, handle))

    def reattach(self, handle: str) -> Moving | None:
        self._world.answer(self._label)
        for job in self._world.jobs:
            if job.handle is None or job.source != self._label:
                continue
            if handle in {job.handle, answered(job.handle)}:
                return FakeMoving(self._world, job)
        return None

    def close(self) -> None:
        pass


def answered(handle: str) -> str:
    """A handle as the host's answer makes it; the host knows it by what it was before, too."""
    return f"{handle}, answered"


class FakeMoving(Moving):
    def __init__(self, world: World, job: Job) -> None:
        self._world = world
        self._job = job

    @property
    def handle(self) -> str:
        assert self._job.handle
        return answered(self._job.handle)

    def wait(self, seconds: float) -> MoveProgress | Ended:  # noqa: ARG002
        self._world.answer(self._job.source)
        if self._job.handle is None:
            raise HostUnreachable("the shell is gone", "")
        if self._job.ended and not self._job.mute:
            return Ended(self._job.failure)
        return MoveProgress(int(100 * self._job.done / max(self._job.seconds, 0.001)))

    def stop(self) -> None:
        self._world.answer(self._job.source)
        self._job.stopping = True

    def leave(self) -> None:
        pass

    def close(self) -> None:
        assert self._job.ended
        self._job.handle = None


@dataclass
class _Stop:
    wanted: bool = False

    def is_set(self) -> bool:
        return self.wanted


class FakeCrew(RunnerCrew):
    """Works on one errand at a time, drawn by the world's seed; the clock moves between."""

    def __init__(self, world: World, tick: float = 0.5) -> None:
        self._world = world
        self._tick = tick
        self._errands: dict[object, tuple[errands.Errand, _Stop]] = {}

    def carry(self, move: Migration) -> None:
        self._add(move.machine, lambda stop: errands.carry(self._world.open, move, stop))

    def pursue(self, move: Migration) -> None:
        self._add(move.machine, lambda stop: errands.pursue(self._world.open, move, stop))

    def visit(self, host: str) -> None:
        self._add(host, lambda _: errands.visit(self._world.open, host))

    def _add(self, key: object, errand: Callable[[_Stop], errands.Errand]) -> None:
        assert key not in self._errands, f"two errands for {key} at once"
        stop = _Stop()
        self._errands[key] = (errand(stop), stop)

    def stop(self, machine: UUID) -> None:
        self._errands[machine][1].wanted = True

    def next(self, seconds: float) -> ErrandEvent | None:
        if self._errands:
            key = self._world.random.choice(list(self._errands))
            errand, _ = self._errands[key]
            self._world.advance(self._tick * self._world.random.random())
            event = next(errand)
            if isinstance(event, Unsent | Lost | MigrationOver | Visited):
                del self._errands[key]
                errand.close()
            return event
        self._world.advance(seconds)
        return None

    def dismiss(self) -> None:
        for errand, _ in self._errands.values():
            errand.close()
