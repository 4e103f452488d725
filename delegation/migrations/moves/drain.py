"""Where the machines of hosts that are to be emptied go: by room, balance, meshes and affinity.

Machines that affinity keeps together are one unit. The unit with the fewest hosts to choose from
goes first, and of those the largest. It goes where the fuller of memory and disk ends least full;
where that leaves some without a place, packing tightly is tried, and moving one unit aside for
another. Nothing is ever placed beyond what is free now, so every single move fits as it starts.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.packing import AffinityUnit, LeavingMachine, Packing
from delegation.migrations.moves.placement import Unmovable
from delegation.migrations.moves.surveyed import Surveyed, immovable, listed_name
from delegation.migrations.moves.terms import Terms
from delegation.migrations.schedule.obstacles import size

Order = Callable[[float, int], tuple[float, int]]
"""Ranks hosts for a unit, by how full each would be and its number; the least is taken."""

EFFORT = 200_000
"""Exchanges of two units that are looked at before a drain is given up as too full."""


@dataclass(frozen=True)
class Drained:
    """A target for every machine that has one, as a list of moves; and why the others have none."""

    moves: tuple[AskedMove, ...]
    unmovable: tuple[Unmovable, ...]


def drain(hosts: Collection[str], surveyed: Surveyed, terms: Terms) -> Drained:
    """Targets for every machine on ``hosts``, none of which is one of ``hosts``."""
    unmovable: list[Unmovable] = []
    leaving: list[LeavingMachine] = []
    for host in hosts:
        if why := surveyed.unusable(host, terms.slots):
            fix = f"see why: delegation hosts show {host}"
            unmovable += [Unmovable(name, host, why, fix) for name in _names(surveyed, host)]
            continue
        for machine in surveyed.hosts[host].machines:
            if never := immovable(machine):
                unmovable.append(Unmovable(machine.name, host, *never))
            else:
                leaving.append(LeavingMachine(host, machine))
    targets = [
        label
        for label in surveyed.hosts
        if label not in set(hosts) and not surveyed.unusable(label, terms.slots)
    ]
    choice = _DrainPlan(surveyed, targets, terms, leaving)
    best = min((choice.packed(order) for order in _ORDERS), key=choice.left)
    moves = [
        AskedMove(listed_name(one.machine, surveyed.hosts[one.host]), target, one.host)
        for unit, target in best.placed.items()
        for one in unit.members
    ]
    unmovable += choice.refusals(best)
    return Drained(
        tuple(sorted(moves, key=lambda move: (move.source or "", move.machine))),
        tuple(sorted(unmovable, key=lambda one: (one.host, one.name))),
    )


_ORDERS: tuple[Order, ...] = (
    lambda full, number: (full, number),
    lambda full, number: (-full, number),
)
"""Evenly, and tightly."""


def _names(surveyed: Surveyed, host: str) -> list[str]:
    """The machines of a host; where it was not read, the host stands for them."""
    hosted = surveyed.hosts.get(host)
    return [machine.name for machine in hosted.machines] if hosted else ["every machine"]


class _DrainPlan:
    """The units of a drain, and the hosts that each may go to."""

    def __init__(
        self, surveyed: Surveyed, targets: list[str], terms: Terms, leaving: list[LeavingMachine]
    ) -> None:
        self._surveyed = surveyed
        self._targets = targets
        self._terms = terms
        self._rules = terms.rules
        self._number = {target: number for number, target in enumerate(targets)}
        moving = {one.machine.id for one in leaving}
        self._staying: dict[int, set[str]] = {}
        for label, hosted in surveyed.hosts.items():
            for machine in hosted.machines:
                for rule in self._rules.together(machine.name) if machine.id not in moving else ():
                    self._staying.setdefault(rule, set()).add(label)
        self._units = [self._unit(members) for members in self._groups(leaving)]
        self._effort = EFFORT

    def left(self, packing: Packing) -> int:
        """Machines without a place."""
        return sum(len(u.members) for u in self._units if u not in packing.placed)

    def packed(self, order: Order) -> Packing:
        packing = Packing(self._surveyed, self._targets, self._rules)
        share = self._share()
        for unit in sorted(self._units, key=lambda u: (len(u.hosts), -share(u), _key(u))):
            if (host := self._best(packing, unit, order)) is not None:
                packing.put(unit, host)
            else:
                self._exchange(packing, unit, order)
        return packing

    def _share(self) -> Callable[[AffinityUnit], float]:
        """How large a unit is: the larger of its shares of all memory and of all disk there is."""
        packing = Packing(self._surveyed, self._targets, self._rules)
        free = packing.free(self._targets).values()
        memory = max(sum(max(one, 0) for one, _ in free), 1)
        disk = max(sum(max(one, 0) for _, one in free), 1)
        return lambda unit: max(unit.memory / memory, unit.disk / disk)

    def _best(
        self, packing: Packing, unit: AffinityUnit, order: Order, besides: str | None = None
    ) -> str | None:
        fitting = [host for host in unit.hosts if host != besides and packing.takes(unit, host)]
        return min(
            fitting,
            key=lambda host: order(packing.fullness(unit, host), self._number[host]),
            default=None,
        )

    def _exchange(self, packing: Packing, unit: AffinityUnit, order: Order) -> None:
        """Place the unit where another one makes room for it, if one can."""
        for host in unit.hosts:
            for other in [placed for placed, at in packing.placed.items() if at == host]:
                self._effort -= 1
                if self._effort < 0:
                    return
                packing.take_back(other)
                if packing.takes(unit, host):
                    packing.put(unit, host)
                    if (elsewhere := self._best(packing, other, order, besides=host)) is not None:
                        packing.put(other, elsewhere)
                        return
                    packing.take_back(unit)
                packing.put(other, host)

    def _groups(self, leaving: list[LeavingMachine]) -> Iterator[list[LeavingMachine]]:
        """Machines that rules keep together, directly or through others."""
        by_rule: dict[int, list[LeavingMachine]] = {}
        for one in leaving:
            for rule in self._rules.together(one.machine.name):
                by_rule.setdefault(rule, []).append(one)
        seen: set[int] = set()
        for first in leaving:
            if id(first) in seen:
                continue
            group, more = [], [first]
            seen.add(id(first))
            while more:
                one = more.pop()
                group.append(one)
                for rule in self._rules.together(one.machine.name):
                    for mate in by_rule[rule]:
                        if id(mate) not in seen:
                            seen.add(id(mate))
                            more.append(mate)
            yield group

    def _unit(self, members: list[LeavingMachine]) -> AffinityUnit:
        names = [one.machine.name for one in members]
        apart = [rule for name in names for rule in self._rules.apart(name)]
        hosts = [] if len(apart) != len(set(apart)) else self._allowed(members)
        return AffinityUnit(tuple(members), tuple(hosts), frozenset(apart))

    def _allowed(self, members: list[LeavingMachine]) -> list[str]:
        hosts = [t for t in self._targets if self._reached(members, t)]
        for one in members:
            only = self._rules.only_on(one.machine.name)
            hosts = [host for host in hosts if only is None or host in only]
        for mates in self._mates(members):
            hosts = [host for host in hosts if host in mates]
        return hosts

    def _reached(self, members: list[LeavingMachine], target: str) -> bool:
        return all(self._terms.reaches(one.host, target) for one in members)

    def _mates(self, members: Iterable[LeavingMachine]) -> Iterator[set[str]]:
        """For each rule that keeps them with machines that stay: the hosts of those."""
        for rule in {r for one in members for r in self._rules.together(one.machine.name)}:
            if rule in self._staying:
                yield self._staying[rule]

    def refusals(self, packing: Packing) -> Iterator[Unmovable]:
        for unit in self._units:
            if unit not in packing.placed:
                why, fix = self._why(unit, packing)
                for one in unit.members:
                    yield Unmovable(one.machine.name, one.host, why, fix)

    def _why(self, unit: AffinityUnit, packing: Packing) -> tuple[str, str]:
        members = list(unit.members)
        reached = [target for target in self._targets if self._reached(members, target)]
        if not reached:
            sources = ", ".join(sorted({one.host for one in members}))
            return (
                f"no host that stays and was read may be reached from {sources}",
                "drain fewer hosts at once, or add targets to the inventory's meshes and apply",
            )
        if not unit.hosts:
            return "affinity rules leave no host for it", self._rules_of(unit)
        crowded = [host for host in unit.hosts if not packing.keeps_apart(unit, host)]
        if len(crowded) == len(unit.hosts):
            return "a machine that it is to be apart from is on every host", self._rules_of(unit)
        free = packing.free(host for host in unit.hosts if host not in crowded)
        most = max(free, key=lambda host: min(free[host]))
        memory, disk = (max(one, 0) for one in free[most])
        needs = f"it needs {size(unit.memory)} of memory and {size(unit.disk)} of disk"
        if len(members) > 1:
            needs = f"with {len(members) - 1} more that it stays with, {needs}"
        left = f"{size(memory)} and, on {self._surveyed.drive(most)}, {size(disk)} left"
        return (
            f"no room: {needs}; with the others, {most} has {left}",
            "drain fewer hosts at once, or make room",
        )

    def _rules_of(self, unit: AffinityUnit) -> str:
        names = [one.machine.name for one in unit.members]
        found = [rule for name in names for rule in self._rules.all_of(name)]
        return f"see migrate.affinity: {', '.join(map(self._rules.words, dict.fromkeys(found)))}"


def _key(unit: AffinityUnit) -> tuple[str, str]:
    first = unit.members[0]
    return first.machine.name, str(first.machine.id)
