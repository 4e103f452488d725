"""Values that no mesh explains -> keep rules for them, each exact, grouped by what they may be."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from delegation import names
from delegation.inventory import Inventory, Keep
from delegation.mesh.checks.registry import Registry
from delegation.mesh.compare import Comparison, HostComparison, Standing, Verdict
from delegation.mesh.discovery.leftover_words import REASONS, LeftoverKind, comment_on
from delegation.mesh.facts import KDC_SERVICES
from delegation.mesh.inventory_lines import InventoryLines
from delegation.mesh.snapshot import Computer


@dataclass(frozen=True, slots=True)
class KeepGroup:
    """Keep rules that belong together, and what to say about them; ``owners`` are the targets."""

    kind: LeftoverKind
    comment: str
    rules: tuple[Keep, ...]
    owners: tuple[str, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        return self.rules[0].hosts


class _Leftover(NamedTuple):
    """A value of a host; ``mesh`` is that of the target where it is a host of another one.

    Of a host's former name it is the suffix.
    """

    label: str
    value: str
    kind: LeftoverKind
    owner: str
    mesh: str = ""

    @property
    def rule_key(self) -> tuple[LeftoverKind, str, str, str]:
        """What the leftovers of one keep rule have in common: all but the host, and the case."""
        return self.kind, self.mesh, self.owner, self.value.casefold()


_EXACT = re.compile(r"[^/\[\]*?]+/[^\[\]*?]+\Z")
_MAX_TEXT = 4_096


def sayable(value: str) -> bool:
    """Whether a keep rule can mean exactly ``value``: its ``*`` and ``?`` would mean more."""
    is_plain_text = value.isprintable() and value == value.strip()
    return bool(_EXACT.match(value)) and is_plain_text and len(value) <= _MAX_TEXT


def keep(
    comparison: Comparison, today: date
) -> tuple[tuple[KeepGroup, ...], tuple[tuple[str, str], ...]]:
    """Rules for all that is not desired, and the values that no rule can say, as (label, value)."""
    exact: list[_Leftover] = []
    unsaid: list[tuple[str, str]] = []
    for leftover in LeftoverJudge(comparison).leftovers():
        if sayable(leftover.value):
            exact.append(leftover)
        else:
            unsaid.append((leftover.label, leftover.value))
    groups = _groups(InventoryLines(comparison.inventory), exact, today)
    groups.sort(key=lambda group: (group.kind, group.owners, group.hosts))
    return tuple(groups), tuple(unsaid)


def _groups(lines: InventoryLines, leftovers: Sequence[_Leftover], today: date) -> list[KeepGroup]:
    """A rule is for one value and all its holders; rules with the same holders stand together."""
    spelling = _spellings(leftover.value for leftover in leftovers)
    holders = names.grouped((leftover.rule_key, leftover.label) for leftover in leftovers)
    ruled = []
    for (kind, mesh, owner, key), labels in holders.items():
        ruled.append(((kind, mesh, names.in_order(labels)), (owner, spelling[key])))
    groups = []
    for (kind, mesh, hosts), values in names.grouped(ruled).items():
        groups.append(_group(lines, kind, mesh, hosts, values, today))
    return groups


def _group(  # noqa: PLR0913, PLR0917 - what the rules of a group have in common
    lines: InventoryLines,
    kind: LeftoverKind,
    mesh: str,
    hosts: tuple[str, ...],
    values: list[tuple[str, str]],
    today: date,
) -> KeepGroup:
    """``values`` are pairs of an owner and what is kept towards it."""
    values = sorted(values, key=lambda pair: (pair[0], pair[1].casefold()))
    owners = tuple(dict.fromkeys(owner for owner, _ in values))
    comment = comment_on(lines, kind, mesh, values)
    reason = f"found by init on {today.isoformat()}: {REASONS[kind]}"
    rules = tuple(Keep(value, hosts, reason) for _, value in values)
    return KeepGroup(kind, comment, rules, owners)


def _spellings(values: Iterable[str]) -> dict[str, str]:
    """The usual spelling of each value, by its casefolded form."""
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for value in values:
        spellings[value.casefold()][value] += 1
    return {key: _most_frequent(counts) for key, counts in spellings.items()}


def _most_frequent(counts: Counter[str]) -> str:
    """Of several that are as frequent, the first by the alphabet."""
    return min(counts, key=lambda spelling: (-counts[spelling], spelling))


class LeftoverJudge:
    """Whom each value leads to, and so what it may be for."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._registry = Registry(comparison.snapshot)
        self._hosts = _hosts(comparison.inventory)
        self._lines = InventoryLines(comparison.inventory)
        self._meshes: dict[str, list[str]] = defaultdict(list)
        for mesh in comparison.inventory.meshes:
            for label in dict.fromkeys((*mesh.sources, *mesh.targets)):
                self._meshes[label].append(mesh.name)
        self._labels = {host.computer.guid: host.label for host in comparison.hosts}
        home = names.dn_key(comparison.snapshot.directory.base_dn)
        self._named: dict[str, Computer] = {}
        for account in comparison.snapshot.accounts:
            if account.account.endswith("$") and names.naming_context(account.dn) == home:
                for name in (account.name, account.dns_host_name or account.name):
                    self._named.setdefault(name.casefold(), account)

    def leftovers(self) -> Iterator[_Leftover]:
        """Every value that is not desired; an account that is reached by cifs alone is a server."""
        leftovers: list[_Leftover] = []
        for host in self._comparison.hosts:
            # Another name of a peer stays by itself: a rule would call it somebody else's.
            extra = [verdict for verdict in host.extra if not _is_of_a_peer(verdict)]
            leftovers += [self._leftover(host, verdict) for verdict in extra]
        no_servers: set[str] = set()
        for leftover in leftovers:
            is_of_an_account = leftover.kind is LeftoverKind.ACCOUNT
            if is_of_an_account and _service(leftover.value) != names.CIFS:
                no_servers.add(leftover.owner)
        for leftover in leftovers:
            is_account = leftover.kind is LeftoverKind.ACCOUNT
            if is_account and leftover.owner not in no_servers:
                yield leftover._replace(kind=LeftoverKind.SERVER)
            else:
                yield leftover

    def _leftover(self, host: HostComparison, verdict: Verdict) -> _Leftover:
        label, value = host.label, verdict.value
        spn = names.ServicePrincipalName.parse(value)
        if spn is None:
            return _Leftover(label, value, LeftoverKind.UNKNOWN, value)
        name = spn.host.casefold()
        target = self._registry.target(value)
        owner = target.owners[0] if target.owners else self._named.get(name)
        if target.danger:
            who = "krbtgt" if _service(value) in KDC_SERVICES else name
            controller = owner.name.lower() if owner else who
            return _Leftover(label, value, LeftoverKind.CONTROLLER, controller)
        host_label = self._hosts.get(name)
        if host_label is None and owner is not None:
            # By another of its names, or one that an alias of it has registered.
            host_label = self._labels.get(owner.guid)
        if host_label is not None:
            return self._of_host(label, value, host_label)
        former = owner is None and _is_managed(value) and self._former(spn.host)
        if former:
            return _Leftover(label, value, LeftoverKind.FORMER, former)
        if owner is None:
            short = name.partition(".")[0]
            who = short if names.is_computer_name(short) else name
            kind = LeftoverKind.NOBODY if _is_managed(value) else LeftoverKind.UNKNOWN
            return _Leftover(label, value, kind, who)
        kind = LeftoverKind.ACCOUNT if owner.enabled else LeftoverKind.DISABLED
        return _Leftover(label, value, kind, owner.name.lower())

    def _former(self, host: str) -> str:
        """The label of the host that this full name was once, as far as names tell."""
        if not self._lines.former_suffix(host):
            return ""
        return self._hosts.get(host.casefold().partition(".")[0], "")

    def _of_host(self, label: str, value: str, target: str) -> _Leftover:
        """A value towards ``target``, a host of the inventory, on the host called ``label``."""
        if target == label:
            return _Leftover(label, value, LeftoverKind.ITSELF, target)
        is_apart = not set(self._meshes[target]).intersection(self._meshes[label])
        if _is_managed(value) and is_apart:
            return _Leftover(label, value, LeftoverKind.OTHER_MESH, target, self._meshes[target][0])
        return _Leftover(label, value, LeftoverKind.SERVICE, target)


def _is_of_a_peer(verdict: Verdict) -> bool:
    return verdict.standing is Standing.KEPT and bool(verdict.peer)


def _hosts(inventory: Inventory) -> dict[str, str]:
    """Labels by every casefolded name."""
    labels: dict[str, str] = {}
    for host in inventory.hosts.values():
        labels[host.computer.casefold()] = host.label
        labels[host.fqdn.casefold()] = host.label
    return labels


def _service(value: str) -> str:
    return value.partition("/")[0].casefold()


_MANAGED = frozenset(service.casefold() for service in names.MANAGED_SERVICES)


def _is_managed(value: str) -> bool:
    return _service(value) in _MANAGED
