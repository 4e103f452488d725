"""What is asked for, held against what the hosts hold: moves that can be made, and what can't."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from delegation.hosts.hosted import folder
from delegation.hosts.machines import VirtualMachine
from delegation.migrations.moves.affinity import AffinityRules
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.surveyed import Surveyed, immovable, memory_of
from delegation.migrations.moves.terms import Terms
from delegation.migrations.moves.volumes import system_place, volume
from delegation.migrations.schedule import Move, unfit

Estimate = Callable[[str, str, int], float]
"""Seconds that a move may take, by source, target and bytes of memory and disk."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A move that can be made; ``storage`` is a folder on its target, ``size`` the bytes to copy.

    ``move.disk`` is 0 where that folder is on a volume whose free space is not known.
    """

    move: Move
    storage: str
    size: int


@dataclass(frozen=True, slots=True)
class Unmovable:
    """A machine that is asked for and can't be moved. ``host`` is where it is; empty: unknown.

    ``line`` and ``column`` are where a list names it; 0: none does.
    """

    name: str
    host: str
    why: str
    fix: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """A machine that is asked for and on its target already."""

    name: str
    host: str


@dataclass(frozen=True)
class Placement:
    """Everything that was asked for, in one of three ways; ``remarks`` are worth a look."""

    moves: tuple[Placed, ...] = ()
    there: tuple[AlreadyThere, ...] = ()
    unmovable: tuple[Unmovable, ...] = ()
    remarks: tuple[str, ...] = ()

    def without(self, more: Iterable[Unmovable]) -> "Placement":
        """The same, with further machines that can't be moved."""
        return replace(self, unmovable=(*self.unmovable, *more))


def resolve(
    asked: Iterable[AskedMove], surveyed: Surveyed, terms: Terms, estimate: Estimate
) -> Placement:
    """Find each machine and judge its move. Moves to a host that they do not fit on are none.

    A rule of affinity that the moves break is a remark: a list says what is wanted.
    """
    search = _Placer(surveyed, terms, estimate)
    for one in asked:
        search.resolve(one)
    search.refuse_collisions()
    search.refuse_overfull()
    placed = [candidate.placed for candidate in search.candidates.values()]
    remarks = [*_unmeasured(placed, surveyed), *_bad_places(placed)]
    remarks += [f"after the moves, {text}" for text in _broken(placed, surveyed, terms.rules)]
    return Placement(
        tuple(sorted(placed, key=lambda one: (one.move.source, one.move.name, one.move.machine))),
        tuple(sorted(search.there, key=lambda one: (one.host, one.name))),
        tuple(sorted(search.unmovable, key=lambda one: (one.line, one.column, one.name, one.host))),
        tuple(remarks),
    )


def _broken(placed: Iterable[Placed], surveyed: Surveyed, rules: AffinityRules) -> Iterator[str]:
    targets = {one.move.machine: one.move.target for one in placed}
    held: dict[str, list[str]] = defaultdict(list)
    concerned = set()
    for label, hosted in surveyed.hosts.items():
        for machine in hosted.machines:
            held[targets.get(str(machine.id), label)].append(machine.name)
            if str(machine.id) in targets:
                concerned.add(machine.name)
    return rules.broken(held, concerned)


def _unmeasured(placed: Iterable[Placed], surveyed: Surveyed) -> list[str]:
    """Volumes of which nothing is known."""
    return sorted(
        {
            f"how much room {volume(one.storage)} of {one.move.target} has is not known: only the "
            "volume of its default folder is looked at"
            for one in placed
            if not surveyed.measures(one.move.target, one.storage)
        }
    )


def _bad_places(placed: Iterable[Placed]) -> Iterator[str]:
    badly: dict[str, list[str]] = defaultdict(list)
    for one in placed:
        if where := system_place(one.storage):
            badly[where].append(one.move.name)
    for where, machines in sorted(badly.items()):
        yield f"{where} is no good place for the storage of {', '.join(sorted(machines))}"


@dataclass(frozen=True, slots=True)
class _Candidate:
    asked: AskedMove
    placed: Placed
    machine: VirtualMachine


class _Placer:
    """Resolves one asked move after the other; ``candidates`` are those left, by machine id."""

    def __init__(self, surveyed: Surveyed, terms: Terms, estimate: Estimate) -> None:
        self.candidates: dict[str, _Candidate] = {}
        self.there: list[AlreadyThere] = []
        self.unmovable: list[Unmovable] = []
        self._surveyed = surveyed
        self._terms = terms
        self._estimate = estimate
        self._folders: dict[str, set[str]] = defaultdict(set)
        self._where: dict[str, list[tuple[str, VirtualMachine]]] = defaultdict(list)
        for label, hosted in surveyed.hosts.items():
            for machine in hosted.machines:
                for name in {machine.name.casefold(), str(machine.id)}:
                    self._where[name].append((label, machine))

    def resolve(self, asked: AskedMove) -> None:
        found = self._find(asked)
        if isinstance(found, Unmovable):
            self.unmovable.append(found)
            return
        host, machine = found
        if host == asked.target:
            self.there.append(AlreadyThere(machine.name, host))
        elif refusal := next(self._refusals(asked, host, machine), None):
            self.unmovable.append(self._unmovable(asked, machine.name, host, *refusal))
        else:
            placed = self._placed(asked, host, machine)
            self.candidates[str(machine.id)] = _Candidate(asked, placed, machine)

    def _find(self, asked: AskedMove) -> tuple[str, VirtualMachine] | Unmovable:
        """The one machine that is meant, and its host."""
        source, unread = asked.source, self._surveyed.unread
        everywhere = self._where.get(asked.machine.casefold(), [])
        here = [one for one in everywhere if source in {None, one[0]}]
        at_target = [one for one in everywhere if one[0] == asked.target]
        if len(here) == 1:
            return here[0]
        if here:
            listed = ", ".join(f"{machine.id} on {host}" for host, machine in here)
            why = f"several machines are called so: {listed}"
            fix = "name it by its id"
            if len({host for host, _ in here}) == len(here):
                fix = "name its source, or use its id"
        elif source is not None and source in unread:
            why = f"{source} was not read: {unread[source]}"
            fix = f"see why: delegation hosts show {source}"
        elif source is not None and len(at_target) == 1:
            return at_target[0]  # moved since the list was made
        elif source is not None and everywhere:
            why = f"it is not on {source}, but on {', '.join(host for host, _ in everywhere)}"
            fix = "correct its source"
        else:
            why = f"it is not on {source}" if source else "no host that was read has it"
            if unread and not source:
                why += f"; not read: {', '.join(unread)}"
            fix = "correct its name, or look for it: Get-VM"
        return self._unmovable(asked, asked.machine, source or "", why, fix)

    @staticmethod
    def _unmovable(asked: AskedMove, name: str, host: str, why: str, fix: str) -> Unmovable:
        return Unmovable(name, host, why, fix, asked.line, asked.column)

    def _refusals(
        self, asked: AskedMove, host: str, machine: VirtualMachine
    ) -> Iterator[tuple[str, str]]:
        """Why this machine can't be moved there, and what to do: the first thing first."""
        target = asked.target
        if str(machine.id) in self.candidates:
            yield "it is asked for twice, by its name and by its id", "keep one"
        if never := immovable(machine):
            yield never
        if not self._terms.reaches(host, target):
            yield (
                f"{host} may not migrate to {target}: no mesh has that pair",
                "name another target, or add the pair to the inventory's meshes and apply",
            )
        for end in (host, target):
            if why := self._surveyed.unusable(end, self._terms.slots):
                yield why, f"see why: delegation hosts show {end}"
        if any(label == target for label, _ in self._where[str(machine.id)]):
            yield f"{target} has a machine of the same id", "look at it there; is it a replica?"

    def _placed(self, asked: AskedMove, host: str, machine: VirtualMachine) -> Placed:
        target, hosted = asked.target, self._surveyed.hosts[asked.target]
        storage = asked.storage or folder(hosted, machine, self._folders[target])
        self._folders[target].add(storage.casefold())
        memory = memory_of(machine)
        size = memory + machine.disk
        seconds = self._estimate(host, target, size)
        disk = machine.disk if self._surveyed.measures(target, storage) else 0
        move = Move(str(machine.id), machine.name, host, target, memory, disk, seconds)
        return Placed(move, storage, size)

    def refuse_collisions(self) -> None:
        """Machines whose disks would meet under one name in one folder."""
        meeting: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for id_, one in self.candidates.items():
            folder_ = one.placed.storage.casefold()
            for file in {disk.path.rpartition("\\")[2].casefold() for disk in one.machine.disks}:
                meeting[one.placed.move.target, folder_, file].append(id_)
        for (target, _, file), ids in meeting.items():
            together = [id_ for id_ in ids if id_ in self.candidates]
            if len(together) > 1:
                first = self.candidates[together[0]].placed.storage
                names = ", ".join(self.candidates[id_].machine.name for id_ in together)
                why = f"{names} have a disk {file} each, for one folder on {target}: {first}"
                for id_ in together:
                    self._refuse(id_, why, "give each a folder of its own as its storage")

    def refuse_overfull(self) -> None:
        """Every move to a host that has no room for all of them in the end.

        Again, until all fit: what stays where it is makes no room there.
        """
        capacities = self._surveyed.capacities()
        while short := unfit(capacities, [one.placed.move for one in self.candidates.values()]):
            for id_, one in list(self.candidates.items()):
                target = one.placed.move.target
                if target in short:
                    why = f"{target} has no room for it: {self._on_drive(target, short[target])}"
                    self._refuse(id_, why, "move fewer machines there, or others away from there")

    def _on_drive(self, host: str, short: str) -> str:
        """What is short, with the volume that it is about."""
        where = f" of disk on {self._surveyed.drive(host)} too little"
        return short.replace(" of disk too little", where, 1)

    def _refuse(self, id_: str, why: str, fix: str) -> None:
        one = self.candidates.pop(id_)
        move = one.placed.move
        self.unmovable.append(self._unmovable(one.asked, move.name, move.source, why, fix))
