"""Moves as asked for, and hosts as read -> moves that can be made, and why the others can't."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from delegation.hosts.hosted import folder
from delegation.hosts.machines import VirtualMachine
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.machine_index import MachineIndex, NotFound
from delegation.migrations.moves.movable import why_immovable
from delegation.migrations.moves.placed import AlreadyThere, Placed, Placement, Unmovable
from delegation.migrations.moves.remarks import remarks
from delegation.migrations.moves.surveyed import Surveyed, memory_of, told_disk
from delegation.migrations.moves.terms import Terms
from delegation.migrations.moves.volumes import volume_of
from delegation.migrations.schedule import Move, overfull_hosts

Estimate = Callable[[str, str, int], float]
"""Seconds that a move may take, by source, target and bytes of memory and disk."""


def resolve(
    asked: Iterable[AskedMove], surveyed: Surveyed, terms: Terms, estimate: Estimate
) -> Placement:
    """Find each machine and judge its move. Moves to a host that they do not fit on are none.

    A rule of affinity that the moves break is a remark: a list says what is wanted.
    """
    placer = _Placer(surveyed, terms, estimate)
    for move in asked:
        placer.place(move)
    placer.refuse_collisions()
    placer.refuse_overfull()
    placed = [candidate.placed for candidate in placer.candidates.values()]
    machines = [(candidate.placed, candidate.machine) for candidate in placer.candidates.values()]
    return Placement(
        tuple(sorted(placed, key=_by_source)),
        tuple(sorted(placer.there, key=lambda there: (there.host, there.name))),
        tuple(sorted(placer.unmovable, key=_by_line)),
        tuple(remarks(machines, surveyed, terms)),
    )


def _by_source(placed: Placed) -> tuple[str, str, str]:
    return placed.move.source, placed.move.name, placed.move.machine


def _by_line(unmovable: Unmovable) -> tuple[int, int, str, str]:
    """In the order of the list; what stands in none comes first."""
    line, column = unmovable.line or 0, unmovable.column or 0
    return line, column, unmovable.name, unmovable.host or ""


@dataclass(frozen=True, slots=True)
class _Candidate:
    asked: AskedMove
    placed: Placed
    machine: VirtualMachine


class _Placer:
    """Judges one asked move after the other; ``candidates`` are those left, by machine id."""

    def __init__(self, surveyed: Surveyed, terms: Terms, estimate: Estimate) -> None:
        self.candidates: dict[str, _Candidate] = {}
        self.there: list[AlreadyThere] = []
        self.unmovable: list[Unmovable] = []
        self._surveyed = surveyed
        self._terms = terms
        self._estimate = estimate
        self._folders: dict[str, set[str]] = defaultdict(set)
        self._index = MachineIndex(surveyed)

    def place(self, asked: AskedMove) -> None:
        found = self._index.find(asked)
        if isinstance(found, NotFound):
            self._refuse_asked(asked, asked.machine, asked.source, found.why, found.fix)
            return
        host, machine = found
        if host == asked.target:
            self.there.append(AlreadyThere(machine.name, host))
            return
        refusal = next(self._refusals(asked, host, machine), None)
        if refusal is not None:
            self._refuse_asked(asked, machine.name, host, *refusal)
            return
        placed = self._placed_move(asked, host, machine)
        self.candidates[str(machine.id)] = _Candidate(asked, placed, machine)

    def _refusals(
        self, asked: AskedMove, host: str, machine: VirtualMachine
    ) -> Iterator[tuple[str, str]]:
        """Why this machine can't be moved there, and what to do: the first thing first."""
        target = asked.target
        if str(machine.id) in self.candidates:
            yield "it is asked for twice, by its name and by its id", "keep one"
        never = why_immovable(machine, self._terms.liberties)
        if never is not None:
            yield never
        if not self._terms.reaches(host, target):
            yield (
                f"{host} may not migrate to {target}: no mesh has that pair",
                "name another target, or add the pair to the inventory's meshes and apply",
            )
        for end in (host, target):
            why = self._surveyed.why_unusable(end, self._terms.slots)
            if why is not None:
                yield why, self._surveyed.mending(end)
        yield from self._unmeasured_place(asked)
        # Hyper-V tells VMs apart by their ids alone, and a replica has that of its original.
        if self._index.has(target, machine):
            yield f"{target} has a machine of the same id", "look at it there; is it a replica?"

    def _unmeasured_place(self, asked: AskedMove) -> Iterator[tuple[str, str]]:
        """A folder on a volume of which nothing is told has no room where it is taken for full."""
        is_told = not asked.storage or self._surveyed.is_measured(asked.target, asked.storage)
        if self._terms.liberties.assume_full and not is_told:
            volume = volume_of(asked.storage or "")
            why = f"how much room {volume} of {asked.target} has is not told: taken for full"
            yield why, "leave out its storage, or --assume-full once you know that it fits"

    def _placed_move(self, asked: AskedMove, host: str, machine: VirtualMachine) -> Placed:
        target, hosted = asked.target, self._surveyed.hosts[asked.target]
        storage = asked.storage or folder(hosted, machine, self._folders[target])
        self._folders[target].add(storage.casefold())
        memory, told = memory_of(machine), told_disk(machine)
        size = None if machine.disk is None else memory + machine.disk
        seconds = self._estimate(host, target, memory + told)
        disk = told if self._needs_room(target, storage) else 0
        move = Move(str(machine.id), machine.name, host, target, memory, disk, seconds)
        return Placed(move, storage, size)

    def _needs_room(self, target: str, storage: str) -> bool:
        """Whether the target's free space, if it tells any, is that of this folder."""
        return self._surveyed.measured_volume(target) == volume_of(storage).upper()

    def refuse_collisions(self) -> None:
        """Machines whose disks would meet under one name in one folder."""
        meeting: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for id_, candidate in self.candidates.items():
            target = candidate.placed.move.target
            storage = candidate.placed.storage.casefold()
            files = {disk.path.rpartition("\\")[2].casefold() for disk in candidate.machine.disks}
            for file in sorted(files):
                meeting[target, storage, file].append(id_)
        for (target, _, file), ids in meeting.items():
            together = [id_ for id_ in ids if id_ in self.candidates]
            if len(together) < 2:
                continue
            storage = self.candidates[together[0]].placed.storage
            names = ", ".join(self.candidates[id_].machine.name for id_ in together)
            why = f"{names} have a disk {file} each, for one folder on {target}: {storage}"
            for id_ in together:
                self._refuse_candidate(id_, why, "give each a folder of its own as its storage")

    def refuse_overfull(self) -> None:
        """Every move to a host that has no room for all of them in the end."""
        # Again, until all fit: a machine whose move is refused stays, and makes no room where it
        # is for those that were to come there.
        capacities = self._surveyed.capacities()
        while short := overfull_hosts(capacities, self._candidate_moves()):
            for id_, candidate in list(self.candidates.items()):
                target = candidate.placed.move.target
                if target in short:
                    why = f"{target} has no room for it: {self._on_drive(target, short[target])}"
                    fix = "move fewer machines there, or others away from there"
                    self._refuse_candidate(id_, why, fix)

    def _candidate_moves(self) -> list[Move]:
        return [candidate.placed.move for candidate in self.candidates.values()]

    def _on_drive(self, host: str, short: str) -> str:
        """What is short, with the volume that it is about."""
        where = f" of disk on {self._surveyed.measured_volume(host)} too little"
        return short.replace(" of disk too little", where, 1)

    def _refuse_candidate(self, id_: str, why: str, fix: str) -> None:
        candidate = self.candidates.pop(id_)
        move = candidate.placed.move
        self._refuse_asked(candidate.asked, move.name, move.source, why, fix)

    def _refuse_asked(
        self, asked: AskedMove, name: str, host: str | None, why: str, fix: str
    ) -> None:
        refused = Unmovable(name, host, why, fix, asked.line, asked.column)
        self.unmovable.append(refused)
