"""Hyper-V hosts in memory, which share one world and one clock; and who works there in tests.

Everything is decided by a seed. The world notes what must never happen, as ``wrongs``: a machine
that is started while it is on its way, or one that was at its target already.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from random import Random
from uuid import UUID, uuid5

from delegation.errors import (
    CimFailed,
    HostError,
    HostUnreachable,
    MachinesNotTold,
    MoveRefused,
    MoveUnsettled,
)
from delegation.hosts.hypervisor import Hypervisor, Moving
from delegation.hosts.machines import (
    Disk,
    Ended,
    Failure,
    HostReading,
    Incompatibility,
    Landing,
    MachineActivity,
    MachineState,
    MoveOrder,
    MovePhase,
    MoveProgress,
    Resources,
    UnderWay,
    VirtualMachine,
)
from delegation.hosts.settings import HostSetting
from delegation.migrations.lifecycle import Migration
from delegation.migrations.runner import errands
from delegation.migrations.runner.work import (
    ErrandEvent,
    Lost,
    MigrationOver,
    Prepared,
    RunnerCrew,
    Unsent,
    Visited,
)

COPYING = MovePhase.MACHINE_AND_STORAGE
BUSY = Failure("the file is in use", "0x80070020", phase=COPYING)
NETWORK = Failure("the connection was reset", "0x80072746", phase=COPYING)
FULL = Failure("the disk is full", "0x80070070", phase=COPYING)
NO_CREDENTIALS = Failure("no credentials", "0x8009030E", phase=MovePhase.CREATING)
LIMIT = Failure("the migration limit was reached, please wait")
"""In words alone, as Hyper-V says it."""
KEPT = 300.0
"""Seconds for which a job that has ended is listed (TimeBeforeRemoval)."""
SETTLED = 100.0
"""Seconds after which a request whose answer was lost is carried out, or never will be."""


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
    planned: dict[UUID, int] = field(default_factory=dict)
    """Planned machines that are here, with the number of the job that has made them; 0: others."""
    is_told: bool = True
    """Whether its list of machines can be relied upon."""
    tells_disk: bool = True
    """Whether it tells how much of its volume is free."""

    def free(self) -> tuple[int, int]:
        held = self.machines.values()
        return self.memory - sum(m for _, m, _ in held), self.disk - sum(d for _, _, d in held)


@dataclass
class Job:
    """A migration under way, or ended with ``failure``. It belongs to its host."""

    number: int
    machine: UUID
    source: str
    target: str
    storage: str
    seconds: float
    is_foreign: bool = False
    done: float = 0.0
    ended: bool = False
    ended_at: float = 0.0
    failure: Failure | None = None
    stopping: bool = False
    is_listed: bool = True
    begins: float = 0.0
    """When the host shows the machine as migrating; it has the job before."""


@dataclass
class Faults:
    """Chances of 0 to 1: of each call that gets no answer, and of each migration that fails."""

    silence: float = 0.0
    failing: float = 0.0
    crash: float = 0.0
    """Of each host going down, or coming back, whenever the clock moves."""
    amnesia: float = 0.0
    """Of each host losing the list of its jobs, and nothing else, whenever the clock moves."""
    late: float = 0.0
    """Seconds that a host takes at most until a migration that it has can be seen."""
    delayed: float = 0.0
    """Seconds after which a request is carried out, at most, whose answer was lost."""
    leftover: float = 0.0
    """Of each migration that fails leaving its planned machine on the target."""
    foreign: float = 0.0
    """Of somebody else beginning a migration of a machine, whenever the clock moves."""


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
        """Name, source and target of each migration of ours that a host has begun."""
        self.orders: list[MoveOrder] = []
        self.fate: dict[str, list[Failure | None]] = {}
        """How the next migrations of a machine end, by its name; None: as they come."""
        self.refusals: dict[str, list[MoveRefused]] = {}
        """How the next requests for a machine are refused, by its name."""
        self.lost: dict[str, list[float | None]] = {}
        """Answers to the next requests for a machine that are lost, by its name; the seconds after
        which each is carried out all the same, None: never."""
        self.faults = Faults()
        self.logon: HostError | None = None
        """Why nobody can log on to any host."""
        self.mute: set[str] = set()
        """Hosts that give us no answer, and go on with what they do."""
        self.deaf = False
        """Whether hosts go on with what they were asked to stop; not with what is to be killed."""
        self.can_be_stopped = True
        self.busy: set[UUID] = set()
        """Machines that are backed up, or have disks merged."""
        self.untidy: HostError | None = None
        """Why no planned machine can be removed."""
        self.removed: list[tuple[str, UUID]] = []
        """Planned machines that were removed, with their hosts."""
        self.others_storage: dict[str, int] = {}
        """Migrations of storage alone that are under way at a host, by its label."""
        self.stops: list[bool] = []
        """Requests to stop a job; True: to kill it."""
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

    def listed(self, label: str, machine: UUID) -> list[Job]:
        """The jobs of a machine that its host lists: those under way, and what ended just now."""
        return [
            job
            for job in self.jobs
            if (job.source, job.machine, job.is_listed) == (label, machine, True)
            and (not job.ended or self.clock - job.ended_at < KEPT)
        ]

    def start(self, host: str, order: MoveOrder, *, is_foreign: bool = False) -> Job:
        """What the host does with a request that it has accepted; it may fail at once."""
        target = order.target.partition(".")[0]
        if not is_foreign:
            self.starts.append((order.name, host, target))
            if self.running(order.machine):
                self.wrongs.append(f"{order.name} was started twice at once")
        if order.machine not in self.hosts[host].machines:
            self.wrongs.append(f"{order.name} was started at {host}, where it is not")
            job = self._job(host, target, order, 0.0, is_foreign=is_foreign)
            self._end(job, Failure("no such machine"))
            return job
        _, memory, disk = self.hosts[host].machines[order.machine]
        seconds = (memory + disk) / self.speed
        job = self._job(host, target, order, seconds, is_foreign=is_foreign)
        job.begins = self.clock + self.faults.late * self.random.random()
        self._begin(job, order, memory, disk)
        return job

    def _job(
        self, host: str, target: str, order: MoveOrder, seconds: float, *, is_foreign: bool
    ) -> Job:
        number = len(self.jobs) + 1
        job = Job(number, order.machine, host, target, order.storage, seconds, is_foreign)
        self.jobs.append(job)
        return job

    def _begin(self, job: Job, order: MoveOrder, memory: int, disk: int) -> None:
        fate = [] if job.is_foreign else self.fate.get(order.name, [])
        failure = fate.pop(0) if fate else None
        if failure is None and self.random.random() < self.faults.failing:
            failure = self.random.choice((BUSY, NETWORK))
        target = self.hosts[job.target]
        if failure is None and not target.up:
            failure = NETWORK
        if failure is None and job.machine in target.planned:
            failure = Failure("a planned machine is there already")
        full = [one for one in (job.source, job.target) if self.used(one) > self.hosts[one].slots]
        if failure is None and full:
            if all(self.used(one, foreign=False) > self.hosts[one].slots for one in full):
                self.wrongs.append(f"{order.name} was started without a free slot")
            failure = LIMIT
        if failure is None and not self._fits(job, memory, disk):
            failure = FULL
        target.planned.setdefault(job.machine, job.number)
        if failure is not None:
            self._end(job, failure)

    def used(self, label: str, *, foreign: bool = True) -> int:
        jobs = [job for job in self.running() if foreign or not job.is_foreign]
        return sum(label in {job.source, job.target} for job in jobs)

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
                self._end(job, Failure("stopped", stopped=True))
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
            self._befall(host)

    def _befall(self, host: FakeHost) -> None:
        """What happens to a host by chance."""
        if self.random.random() < self.faults.crash:
            host.up = not host.up
        if not host.up or self.random.random() < self.faults.amnesia:
            self.forget_jobs(host.label)
        if self.random.random() < self.faults.foreign:
            self._somebody_moves_one_from(host)

    def _somebody_moves_one_from(self, host: FakeHost) -> None:
        idle = [machine for machine in host.machines if not self.running(machine)]
        others = [label for label in self.hosts if label != host.label]
        if idle and host.up:
            machine = self.random.choice(idle)
            name = host.machines[machine][0]
            target = self.random.choice(others)
            if machine not in self.hosts[target].planned:
                self.start(host.label, MoveOrder(machine, name, target, ""), is_foreign=True)

    def forget_jobs(self, label: str) -> None:
        """What a restart of its service does. What it had not begun yet is not begun any more."""
        for job in self.jobs:
            if job.source == label:
                job.is_listed = False
                if not job.ended and job.begins > self.clock:
                    self._end(job, Failure("its service was started anew"))

    def _end(self, job: Job, failure: Failure | None) -> None:
        job.ended, job.failure, job.ended_at = True, failure, self.clock
        planned = self.hosts[job.target].planned
        leaves = failure is not None and self.random.random() < self.faults.leftover
        if planned.get(job.machine) == job.number and not leaves:
            del planned[job.machine]

    def peace(self) -> None:
        """Nothing goes wrong any more, and every host is there."""
        self.faults = Faults()
        for host in self.hosts.values():
            host.up = True


@dataclass(frozen=True)
class Handle:
    """What a host makes of a handle; only this file knows how it is written."""

    machine: str
    target: str
    made: float
    listed: tuple[int, ...]
    had_planned: bool
    job: int = 0

    def __str__(self) -> str:
        return json.dumps(self.__dict__)

    @classmethod
    def read(cls, text: str) -> Handle | None:
        """None: of an older version."""
        if not text.startswith("{"):
            return None
        told = json.loads(text)
        return cls(**{**told, "listed": tuple(told["listed"])})


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

    @property
    def _told(self) -> FakeHost:
        """The host, where its list of machines can be relied upon."""
        host = self._host
        if not host.is_told:
            raise MachinesNotTold(f"{self._label} may not tell all of its machines", "get rights")
        return host

    def read(self) -> HostReading:
        host = self._host
        memory, disk = host.free()
        coming = [job for job in self._world.running() if job.target == self._label]
        disk -= sum(
            int(self._world.hosts[job.source].machines[job.machine][2] * job.done / job.seconds)
            for job in coming
        )
        told = disk if host.tells_disk else None
        resources = Resources(host.slots, host.slots, memory, told, r"C:\VMs")
        used = self._world.used(self._label)
        counted = UnderWay(used, used + self._world.others_storage.get(self._label, 0))
        return HostReading(
            self.fqdn,
            {"enabled": True},
            resources,
            under_way=counted,
        )

    def set(self, before: HostSetting, after: HostSetting) -> None:  # noqa: ARG002
        raise AssertionError("a migration changes no settings")

    def machines(self) -> list[VirtualMachine]:
        return [self._as_seen(machine) for machine in self._told.machines]

    def measured(self, machines: Iterable[VirtualMachine]) -> list[VirtualMachine]:
        held = self._told.machines
        return [
            replace(vm, disks=tuple(replace(disk, size=held[vm.id][2]) for disk in vm.disks))
            for vm in machines
        ]

    def machine(self, machine: UUID) -> VirtualMachine | None:
        return self._as_seen(machine) if machine in self._told.machines else None

    def named(self, name: str) -> list[VirtualMachine]:
        raise NotImplementedError

    def addresses(self) -> tuple[str, ...]:
        raise NotImplementedError

    def _as_seen(self, machine: UUID) -> VirtualMachine:
        name, memory, _ = self._world.hosts[self._label].machines[machine]
        running = self._world.running(machine)
        activity = MachineActivity.BUSY if machine in self._world.busy else None
        if any(job.begins <= self._world.clock for job in running):
            activity = MachineActivity.MIGRATING
        return VirtualMachine(
            machine,
            name,
            MachineState.RUNNING,
            memory,
            disks=(Disk(f"C:\\VMs\\{name}.vhdx"),),
            activity=activity,
        )

    def landing(self, machine: UUID) -> Landing:
        return Landing(("10.0.0.1",), machine in self._host.planned)

    def remove_planned(self, handle: str) -> bool:
        """It knows nothing of the source: whoever calls does, and it notes where that is wrong."""
        host, known = self._host, Handle.read(handle)
        if self._world.untidy is not None:
            raise self._world.untidy
        if known is None or known.had_planned:
            return False
        machine = UUID(known.machine)
        if machine not in host.planned:
            return False
        if self._world.running(machine):
            self._world.wrongs.append("the planned machine of a migration under way was removed")
        made_by = host.planned.pop(machine)
        if made_by == 0:
            self._world.wrongs.append("somebody else's planned machine was removed")
        self._world.removed.append((self._label, machine))
        return True

    def check(self, order: MoveOrder) -> tuple[Incompatibility, ...]:  # noqa: ARG002
        return ()

    def new_handle(self, order: MoveOrder) -> str:
        self._world.answer(self._label)
        listed = tuple(job.number for job in self._world.listed(self._label, order.machine))
        target = order.target.partition(".")[0]
        made, had = self._world.clock, order.landing.has_planned
        return str(Handle(str(order.machine), target, made, listed, had))

    def is_at_work(self, machine: UUID) -> bool:
        self._world.answer(self._label)
        jobs = self._world.listed(self._label, machine)
        seen = self.machine(machine)
        return any(not job.ended for job in jobs) or (seen is not None and bool(seen.activity))

    def move(self, order: MoveOrder, handle: str) -> Moving:
        """Sometimes the answer is lost: then it is carried out at once, or later, or not at all."""
        known = Handle.read(handle)
        assert known is not None
        self._world.orders.append(order)
        try:
            self._world.answer(self._label)
        except HostUnreachable:
            if self._world.hosts[self._label].up and self._world.random.random() < 0.5:
                self._carry_out_later(order)
            raise
        lost = self._world.lost.get(order.name, [])
        if lost:
            delay = lost.pop(0)
            if delay is not None:
                self._world.after(delay, lambda: self._begin_late(order))
            raise HostUnreachable("the answer is lost", "look at it")
        refused = self._world.refusals.get(order.name, [])
        if refused:
            raise refused.pop(0)
        if any(job.is_foreign for job in self._world.running(order.machine)):
            raise MoveRefused("invalid state", code=32775)
        job = self._world.start(self._label, order)
        return FakeMoving(self._world, job, replace(known, job=job.number))

    def _carry_out_later(self, order: MoveOrder) -> None:
        delay = self._world.faults.delayed * self._world.random.random()
        if delay:
            self._world.after(delay, lambda: self._begin_late(order))
        else:
            self._begin_late(order)

    def _begin_late(self, order: MoveOrder) -> None:
        """It refuses what it would have refused, with nobody to hear of it."""
        host = self._world.hosts[self._label]
        is_taken = any(job.is_foreign for job in self._world.running(order.machine))
        if host.up and order.machine in host.machines and not is_taken:
            self._world.start(self._label, order)

    def reattach(self, machine: UUID, handle: str) -> Moving | None:
        self._world.answer(self._label)
        known = Handle.read(handle)
        jobs = self._world.listed(self._label, machine)
        if known is None:
            working = [job for job in jobs if not job.ended]
            return FakeMoving(self._world, working[0], None) if working else None
        ours = [job for job in jobs if _is_ours(job, known)]
        if ours:
            job = next((one for one in ours if not one.ended), ours[-1])
            return FakeMoving(self._world, job, replace(known, job=job.number))
        if known.job:
            return None
        if self._world.clock - known.made < SETTLED or any(not job.ended for job in jobs):
            raise MoveUnsettled(f"{self._label} may still begin it", "it is asked again")
        return None

    def close(self) -> None:
        pass


def _is_ours(job: Job, known: Handle) -> bool:
    """As far as a host's list of jobs tells: it does not say who has begun one."""
    if known.job:
        return job.number == known.job
    return job.number not in known.listed and job.target == known.target


class FakeMoving(Moving):
    def __init__(self, world: World, job: Job, handle: Handle | None) -> None:
        self._world = world
        self._job = job
        self._handle = handle

    @property
    def handle(self) -> str:
        return str(self._handle) if self._handle else "of an older version"

    def wait(self, seconds: float) -> MoveProgress | Ended:  # noqa: ARG002
        self._world.answer(self._job.source)
        if self._job not in self._world.listed(self._job.source, self._job.machine):
            raise CimFailed("nothing is known of that job any more", "")
        if self._job.ended:
            return Ended(self._job.failure)
        percent = int(100 * self._job.done / max(self._job.seconds, 0.001))
        return MoveProgress(percent, COPYING, self._world.can_be_stopped)

    def stop(self, *, kill: bool = False) -> None:
        self._world.answer(self._job.source)
        self._world.stops.append(kill)
        if kill and not self._job.ended:
            self._world._end(self._job, Failure("killed", stopped=True))
        elif self._world.can_be_stopped:
            self._job.stopping = True

    def leave(self) -> None:
        pass


@dataclass
class _Stop(errands.StopWish):
    wanted: bool = False
    kill: bool = False

    def is_set(self) -> bool:
        return self.wanted

    def is_to_kill(self) -> bool:
        return self.kill


class FakeCrew(RunnerCrew):
    """Works on one errand at a time, drawn by the world's seed; the clock moves between."""

    def __init__(self, world: World, tick: float = 0.5, *, with_checkpoints: bool = False) -> None:
        self._world = world
        self._tick = tick
        self._with_checkpoints = with_checkpoints
        self._errands: dict[object, tuple[errands.Errand, _Stop]] = {}

    def prepare(self, move: Migration, *, counting: bool = False) -> None:
        def errand(stop: _Stop) -> errands.Errand:
            return errands.prepare(
                self._world.open,
                move,
                stop,
                with_checkpoints=self._with_checkpoints,
                counting=counting,
            )

        self._add(move.machine, errand)

    def carry(self, move: Migration, order: MoveOrder, *, counting: bool = False) -> None:
        def errand(stop: _Stop) -> errands.Errand:
            return errands.carry(self._world.open, move, order, stop, counting=counting)

        self._add(move.machine, errand)

    def pursue(self, move: Migration) -> None:
        self._add(move.machine, lambda stop: errands.pursue(self._world.open, move, stop))

    def visit(self, host: str) -> None:
        self._add(host, lambda _: errands.visit(self._world.open, host))

    def _add(self, key: object, errand: Callable[[_Stop], errands.Errand]) -> None:
        assert key not in self._errands, f"two errands for {key} at once"
        stop = _Stop()
        self._errands[key] = (errand(stop), stop)

    def stop(self, machine: UUID, *, kill: bool = False) -> None:
        stop = self._errands[machine][1]
        stop.wanted, stop.kill = True, stop.kill or kill

    def next(self, seconds: float) -> ErrandEvent | None:
        if self._errands:
            key = self._world.random.choice(list(self._errands))
            errand, _ = self._errands[key]
            self._world.advance(self._tick * self._world.random.random())
            event = next(errand)
            if isinstance(event, Prepared | Unsent | Lost | MigrationOver | Visited):
                del self._errands[key]
                errand.close()
            return event
        self._world.advance(seconds)
        return None

    def dismiss(self) -> None:
        for errand, _ in self._errands.values():
            errand.close()
