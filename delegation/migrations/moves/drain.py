"""Hosts that are to be emptied -> where their machines go: by room, balance, meshes and affinity.

Machines that affinity keeps together are one unit. The unit with the fewest hosts to choose from
goes first, and of those the largest. It goes where the fuller of memory and disk ends least full;
where that leaves some without a place, packing tightly is tried, and moving one unit aside for
another. Nothing is ever placed beyond what is free now, so every single move fits as it starts.
"""

# Packing in two dimensions has no cheap exact answer, and a drain that is planned while somebody
# waits needs none. Fewest choices first, since what can go anywhere finds a place later as well;
# largest first, since small ones fill the gaps that are left. Evenly comes first because an even
# farm is what people want; packing tightly keeps one large gap open for one large machine, which
# an even spread leaves nowhere.

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from delegation.migrations.moves.affinity import AffinityRules
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.movable import why_immovable
from delegation.migrations.moves.packing import AffinityUnit, LeavingMachine, Packing
from delegation.migrations.moves.placed import Unmovable
from delegation.migrations.moves.surveyed import Surveyed, listed_name
from delegation.migrations.moves.terms import Terms
from delegation.migrations.schedule.obstacles import size, size_or_untold

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
        why = surveyed.why_unusable(host, terms.slots)
        if why is not None:
            fix = surveyed.mending(host)
            unmovable += [Unmovable(name, host, why, fix) for name in _names_on(surveyed, host)]
            continue
        for machine in surveyed.hosts[host].machines:
            never = why_immovable(machine, terms.liberties)
            if never is not None:
                unmovable.append(Unmovable(machine.name, host, *never))
            else:
                leaving.append(LeavingMachine(host, machine))
    staying = [label for label in surveyed.hosts if label not in set(hosts)]
    targets = [label for label in staying if surveyed.why_unusable(label, terms.slots) is None]
    plan = _DrainPlan(surveyed, targets, terms, leaving)
    best = min(plan.pack_by(_evenly), plan.pack_by(_tightly), key=plan.count_left)
    unmovable += plan.refusals(best)
    return Drained(
        tuple(sorted(_moves_of(best, surveyed), key=lambda move: (move.source, move.machine))),
        tuple(sorted(unmovable, key=lambda refused: (refused.host, refused.name))),
    )


def _evenly(fullness: float, number: int) -> tuple[float, int]:
    return fullness, number


def _tightly(fullness: float, number: int) -> tuple[float, int]:
    return -fullness, number


def _names_on(surveyed: Surveyed, host: str) -> list[str]:
    """The machines of a host; where it was not read, the host stands for them."""
    hosted = surveyed.hosts.get(host)
    return [machine.name for machine in hosted.machines] if hosted else ["every machine"]


def _moves_of(packing: Packing, surveyed: Surveyed) -> Iterator[AskedMove]:
    for unit, target in packing.placed.items():
        for member in unit.members:
            name = listed_name(member.machine, surveyed.hosts[member.host])
            yield AskedMove(name, target, member.host)


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
        self._homes = _homes_of_rules(surveyed, terms.rules, leaving)
        self._units = [self._unit_of(members) for members in _kept_together(leaving, terms.rules)]
        self._effort = EFFORT

    def count_left(self, packing: Packing) -> int:
        """Machines without a place."""
        return sum(len(unit.members) for unit in self._units_left(packing))

    def _units_left(self, packing: Packing) -> list[AffinityUnit]:
        return [unit for unit in self._units if unit not in packing.placed]

    def pack_by(self, order: Order) -> Packing:
        packing = Packing(self._surveyed, self._targets, self._rules)
        for unit in self._hardest_first():
            host = self._best_host(packing, unit, order)
            if host is not None:
                packing.put(unit, host)
            else:
                self._exchange_units(packing, unit, order)
        return packing

    def _hardest_first(self) -> list[AffinityUnit]:
        """The fewest hosts first, then the largest: by its share of all memory or all disk."""
        empty = Packing(self._surveyed, self._targets, self._rules)
        free = empty.free(self._targets).values()
        all_memory = max(sum(max(memory, 0) for memory, _ in free), 1)
        all_disk = max(sum(max(disk, 0) for _, disk in free), 1)

        def difficulty(unit: AffinityUnit) -> tuple[int, float, str, str]:
            share = max(unit.memory / all_memory, unit.disk / all_disk)
            first = unit.members[0].machine
            return len(unit.hosts), -share, first.name, str(first.id)

        return sorted(self._units, key=difficulty)

    def _best_host(
        self, packing: Packing, unit: AffinityUnit, order: Order, besides: str | None = None
    ) -> str | None:
        fitting = [host for host in unit.hosts if host != besides and packing.takes(unit, host)]

        def rank(host: str) -> tuple[float, int]:
            return order(packing.fullness(unit, host), self._number[host])

        return min(fitting, key=rank, default=None)

    def _exchange_units(self, packing: Packing, unit: AffinityUnit, order: Order) -> None:
        """Place the unit where another one makes room for it, if one can."""
        for host in unit.hosts:
            neighbours = [other for other, at in packing.placed.items() if at == host]
            for other in neighbours:
                self._effort -= 1
                if self._effort < 0 or self._takes_place_of(packing, other, unit, host, order):
                    return

    def _takes_place_of(
        self, packing: Packing, other: AffinityUnit, unit: AffinityUnit, host: str, order: Order
    ) -> bool:
        """Whether the unit took the place of the other one, which found another."""
        packing.take_back(other)
        if packing.takes(unit, host):
            packing.put(unit, host)
            elsewhere = self._best_host(packing, other, order, besides=host)
            if elsewhere is not None:
                packing.put(other, elsewhere)
                return True
            packing.take_back(unit)
        packing.put(other, host)
        return False

    def _unit_of(self, members: list[LeavingMachine]) -> AffinityUnit:
        apart: list[int] = []
        for member in members:
            apart += self._rules.apart(member.machine.name)
        # Two of them under one rule that keeps apart, and under one that keeps together: no host.
        contradicts_itself = len(apart) != len(set(apart))
        hosts = [] if contradicts_itself else self._allowed_hosts(members)
        return AffinityUnit(tuple(members), tuple(hosts), frozenset(apart))

    def _allowed_hosts(self, members: Iterable[LeavingMachine]) -> list[str]:
        hosts = self._reached_hosts(members)
        for member in members:
            name = member.machine.name
            only = self._rules.only_on(name)
            if only is not None:
                hosts = [host for host in hosts if host in only]
            for rule in self._rules.together(name):
                if rule in self._homes:
                    hosts = [host for host in hosts if host in self._homes[rule]]
        return hosts

    def _reached_hosts(self, members: Iterable[LeavingMachine]) -> list[str]:
        """The targets that the meshes allow from where each of them is."""
        reached = set(self._targets)
        for source in {member.host for member in members}:
            reached &= self._terms.reach.get(source, frozenset())
        return [target for target in self._targets if target in reached]

    def refusals(self, packing: Packing) -> Iterator[Unmovable]:
        for unit in self._units_left(packing):
            why, fix = self._why_left(unit, packing)
            for member in unit.members:
                yield Unmovable(member.machine.name, member.host, why, fix)

    def _why_left(self, unit: AffinityUnit, packing: Packing) -> tuple[str, str]:
        if not self._reached_hosts(unit.members):
            sources = ", ".join(sorted({member.host for member in unit.members}))
            return (
                f"no host that stays and was read may be reached from {sources}",
                "drain fewer hosts at once, or add targets to the inventory's meshes and apply",
            )
        if not unit.hosts:
            return "affinity rules leave no host for it", self._see_rules(unit)
        open_hosts = [host for host in unit.hosts if packing.keeps_apart(unit, host)]
        if not open_hosts:
            return "a machine that it is to be apart from is on every host", self._see_rules(unit)
        return self._no_room(unit, packing.free(open_hosts))

    def _no_room(self, unit: AffinityUnit, free: dict[str, tuple[int, int]]) -> tuple[str, str]:
        roomiest = max(free, key=lambda host: min(free[host]))
        memory, disk = (max(count, 0) for count in free[roomiest])
        needs = f"it needs {size(unit.memory)} of memory and {size(unit.disk)} of disk"
        if len(unit.members) > 1:
            needs = f"with {len(unit.members) - 1} more that it stays with, {needs}"
        drive = self._surveyed.measured_volume(roomiest)
        left = f"{size_or_untold(memory)} and, on {drive}, {size_or_untold(disk)} left"
        return (
            f"no room: {needs}; with the others, {roomiest} has {left}",
            "drain fewer hosts at once, or make room",
        )

    def _see_rules(self, unit: AffinityUnit) -> str:
        numbers: dict[int, None] = {}
        for member in unit.members:
            numbers |= dict.fromkeys(self._rules.all_of(member.machine.name))
        return f"see migrate.affinity: {', '.join(map(self._rules.words, numbers))}"


def _homes_of_rules(
    surveyed: Surveyed, rules: AffinityRules, leaving: Iterable[LeavingMachine]
) -> dict[int, set[str]]:
    """For each rule that keeps together: the hosts of those machines of it that stay."""
    moving = {member.machine.id for member in leaving}
    homes: dict[int, set[str]] = {}
    for label, hosted in surveyed.hosts.items():
        for machine in hosted.machines:
            if machine.id in moving:
                continue
            for rule in rules.together(machine.name):
                homes.setdefault(rule, set()).add(label)
    return homes


def _kept_together(
    leaving: Iterable[LeavingMachine], rules: AffinityRules
) -> Iterator[list[LeavingMachine]]:
    """Machines that rules keep together, directly or through others: in the order of the first."""
    by_rule: dict[int, list[LeavingMachine]] = {}
    for machine in leaving:
        for rule in rules.together(machine.machine.name):
            by_rule.setdefault(rule, []).append(machine)
    seen: set[int] = set()
    for first in leaving:
        if id(first) in seen:
            continue
        seen.add(id(first))
        group: list[LeavingMachine] = []
        reached = [first]
        while reached:
            member = reached.pop()
            group.append(member)
            for rule in rules.together(member.machine.name):
                mates = [mate for mate in by_rule[rule] if id(mate) not in seen]
                seen.update(map(id, mates))
                reached += mates
        yield group
