"""The inventory's affinity rules: which machines may share a host, and where they may be."""

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
        self._patterns = tuple(_pattern(rule.machines) for rule in self._rules)
        self._known: dict[str, tuple[int, ...]] = {}

    def apart(self, name: str) -> tuple[int, ...]:
        """The rules that keep this machine away from others."""
        return tuple(n for n in self.all_of(name) if isinstance(self._rules[n], Apart))

    def together(self, name: str) -> tuple[int, ...]:
        """The rules that keep this machine on one host with others."""
        return tuple(n for n in self.all_of(name) if isinstance(self._rules[n], Together))

    def only_on(self, name: str) -> frozenset[str] | None:
        """The hosts that this machine may be on; None: any."""
        allowed = [
            frozenset(rule.hosts)
            for n in self.all_of(name)
            if isinstance(rule := self._rules[n], OnlyOn)
        ]
        return frozenset.intersection(*allowed) if allowed else None

    def words(self, number: int) -> str:
        """A rule as the inventory says it."""
        rule = self._rules[number]
        listed = ", ".join(rule.machines)
        if isinstance(rule, OnlyOn):
            return f"{{machines: [{listed}], hosts: [{', '.join(rule.hosts)}]}}"
        return f"{{{'apart' if isinstance(rule, Apart) else 'together'}: [{listed}]}}"

    def broken(
        self, held: Mapping[str, Iterable[str]], concerned: Collection[str]
    ) -> Iterator[str]:
        """What breaks a rule where each host holds these machines, if a ``concerned`` one does."""
        where: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for host, names in held.items():
            for name in names:
                for number in self.all_of(name):
                    where[number][host].append(name)
        for number, hosts in sorted(where.items()):
            yield from self._broken(number, hosts, concerned)

    def _broken(
        self, number: int, hosts: Mapping[str, list[str]], concerned: Collection[str]
    ) -> Iterator[str]:
        rule = self._rules[number]
        if isinstance(rule, Together):
            if len(hosts) > 1 and any(
                name in concerned for names in hosts.values() for name in names
            ):
                places = "; ".join(
                    f"{', '.join(sorted(m))} on {h}" for h, m in sorted(hosts.items())
                )
                yield f"{places}, against {self.words(number)}"
            return
        for host, names in sorted(hosts.items()):
            outside = isinstance(rule, OnlyOn) and host not in rule.hosts
            crowded = isinstance(rule, Apart) and len(names) > 1
            if (outside or crowded) and any(name in concerned for name in names):
                verb = "are" if len(names) > 1 else "is"
                listed = ", ".join(sorted(names))
                yield f"{listed} {verb} on {host}, against {self.words(number)}"

    def all_of(self, name: str) -> tuple[int, ...]:
        """Every rule about this machine."""
        if name not in self._known:
            folded = name.casefold()
            self._known[name] = tuple(
                number for number, pattern in enumerate(self._patterns) if pattern.match(folded)
            )
        return self._known[name]


def _pattern(patterns: Iterable[str]) -> re.Pattern[str]:
    """``*`` and ``?`` are the only signs; a bracket is itself."""
    plain = (pattern.casefold().replace("[", "[[]") for pattern in patterns)
    return re.compile("|".join(translate(pattern) for pattern in plain))
