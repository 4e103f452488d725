"""The inventory's affinity -> which machines may share a host, and where each may be."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import translate

from delegation.inventory import Affinity, Apart, OnlyOn, Together


class AffinityRules:
    """The rules, told apart by their number in the inventory; machines by their names.

    Patterns match a whole name, in any case (``sql*``).
    """

    def __init__(self, rules: Iterable[Affinity] = ()) -> None:
        self._rules = tuple(rules)
        self._patterns = tuple(_any_pattern(rule.machines) for rule in self._rules)
        self._known: dict[str, tuple[int, ...]] = {}

    def apart(self, name: str) -> tuple[int, ...]:
        """The rules that keep this machine away from others."""
        return self._of_kind(name, Apart)

    def together(self, name: str) -> tuple[int, ...]:
        """The rules that keep this machine on one host with others."""
        return self._of_kind(name, Together)

    def _of_kind(self, name: str, kind: type[Affinity]) -> tuple[int, ...]:
        return tuple(n for n in self.all_of(name) if isinstance(self._rules[n], kind))

    def only_on(self, name: str) -> frozenset[str] | None:
        """The hosts that this machine may be on; None: any."""
        allowed: frozenset[str] | None = None
        for number in self.all_of(name):
            rule = self._rules[number]
            if isinstance(rule, OnlyOn):
                hosts = frozenset(rule.hosts)
                allowed = hosts if allowed is None else allowed & hosts
        return allowed

    def words(self, number: int) -> str:
        """A rule as the inventory says it."""
        rule = self._rules[number]
        machines = ", ".join(rule.machines)
        if isinstance(rule, OnlyOn):
            return f"{{machines: [{machines}], hosts: [{', '.join(rule.hosts)}]}}"
        kind = "apart" if isinstance(rule, Apart) else "together"
        return f"{{{kind}: [{machines}]}}"

    def broken(
        self, held: Mapping[str, Iterable[str]], concerned: Collection[str]
    ) -> Iterator[str]:
        """What breaks a rule where each host holds these machines, if a ``concerned`` one does."""
        hosts_of_rule: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for host, names in held.items():
            for name in names:
                for number in self.all_of(name):
                    hosts_of_rule[number][host].append(name)
        for number, names_on in sorted(hosts_of_rule.items()):
            if isinstance(self._rules[number], Together):
                yield from self._scattered(number, names_on, concerned)
            else:
                yield from self._misplaced(number, names_on, concerned)

    def _scattered(
        self, number: int, names_on: Mapping[str, list[str]], concerned: Collection[str]
    ) -> Iterator[str]:
        """Machines that are to be on one host, and are on several."""
        everybody = {name for names in names_on.values() for name in names}
        if len(names_on) > 1 and not everybody.isdisjoint(concerned):
            places = [f"{_listed(names)} on {host}" for host, names in sorted(names_on.items())]
            yield f"{'; '.join(places)}, against {self.words(number)}"

    def _misplaced(
        self, number: int, names_on: Mapping[str, list[str]], concerned: Collection[str]
    ) -> Iterator[str]:
        """Machines on a host that the rule leaves them not, or not with each other."""
        rule = self._rules[number]
        for host, names in sorted(names_on.items()):
            is_outside = isinstance(rule, OnlyOn) and host not in rule.hosts
            is_crowded = isinstance(rule, Apart) and len(names) > 1
            is_broken = is_outside or is_crowded
            if is_broken and not set(names).isdisjoint(concerned):
                verb = "are" if len(names) > 1 else "is"
                yield f"{_listed(names)} {verb} on {host}, against {self.words(number)}"

    def all_of(self, name: str) -> tuple[int, ...]:
        """Every rule about this machine."""
        if name not in self._known:
            folded = name.casefold()
            matching = (n for n, pattern in enumerate(self._patterns) if pattern.match(folded))
            self._known[name] = tuple(matching)
        return self._known[name]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _any_pattern(patterns: Iterable[str]) -> re.Pattern[str]:
    """``*`` and ``?`` are the only signs; a bracket is itself."""
    plain = (pattern.casefold().replace("[", "[[]") for pattern in patterns)
    return re.compile("|".join(translate(pattern) for pattern in plain))
