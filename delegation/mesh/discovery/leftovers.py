"""Values that no mesh explains -> keep rules for them, each exact, grouped by what they may be."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import NamedTuple

from delegation import names
from delegation.inventory import Inventory, Keep
from delegation.mesh.checks.registry import Registry
from delegation.mesh.compare import Comparison, HostComparison, Verdict
from delegation.mesh.facts import KDC_SERVICES
from delegation.mesh.snapshot import Computer


class LeftoverKind(IntEnum):
    """What a value seems to be, in the order in which the groups are told."""

    CONTROLLER = 1
    OTHER_MESH = 2
    ITSELF = 3
    SERVICE = 4
    SERVER = 5
    ACCOUNT = 6
    DISABLED = 7
    NOBODY = 8
    UNKNOWN = 9


_REASONS: Mapping[LeftoverKind, str] = {
    LeftoverKind.CONTROLLER: "towards a domain controller",
    LeftoverKind.OTHER_MESH: "a host of another mesh",
    LeftoverKind.ITSELF: "the host itself",
    LeftoverKind.SERVICE: "another service of a host",
    LeftoverKind.SERVER: "a file server?",
    LeftoverKind.ACCOUNT: "an account of the domain",
    LeftoverKind.DISABLED: "a disabled account",
    LeftoverKind.NOBODY: "nobody answers to it",
    LeftoverKind.UNKNOWN: "nobody answers to it",
}

_COMMENTS: Mapping[LeftoverKind, str] = {
    LeftoverKind.CONTROLLER: (
        "DANGER: {names} is a domain controller, or krbtgt: whoever controls one of these hosts "
        "can act as any user towards it, and so owns the domain. Find out who wanted this; "
        "remove the values by hand."
    ),
    LeftoverKind.OTHER_MESH: (
        "Towards {names}, of mesh {mesh}. If these migrations are wanted, make one mesh of both "
        "(init --one-mesh does). If not, delete these rules: the next plan then removes the "
        "values of the migration service, with their cifs twins."
    ),
    LeftoverKind.ITSELF: (
        "Towards the host itself, which is of no use. Without these rules the next plan removes "
        "those of the migration service."
    ),
    LeftoverKind.SERVICE: (
        "Other services of {names} than those of live migration: ask who needs them."
    ),
    LeftoverKind.SERVER: (
        "Towards {names}, an account of this domain, and cifs alone: a file server? Then list "
        "it under file_servers, with the meshes that reach it, and delete these rules."
    ),
    LeftoverKind.ACCOUNT: (
        "Towards {names}, an account of this domain that is not in this inventory, or was left "
        "out above: ask its owner, and name the owner here."
    ),
    LeftoverKind.DISABLED: (
        "Towards {names}, whose account is disabled. If that host is gone, delete these rules "
        "and list it under retired: the next plan then removes what live migration used."
    ),
    LeftoverKind.NOBODY: (
        "Towards {names}: nobody in this domain answers to these. If that was a host and it is "
        "gone, delete these rules and list it under retired: the next plan then removes them."
    ),
    LeftoverKind.UNKNOWN: (
        "Towards {names}: nobody in this domain answers to these, and they are not of live "
        "migration. Whoever registers such a name inherits the delegation: ask, and remove them "
        "by hand."
    ),
}


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
    """A value of a host; ``mesh`` is that of the target where it is a host of another one."""

    label: str
    value: str
    kind: LeftoverKind
    owner: str
    mesh: str = ""


_EXACT = re.compile(r"[^/\[\]*?]+/[^\[\]*?]+\Z")
_MAX_TEXT = 4_096


def sayable(value: str) -> bool:
    """Whether a keep rule can mean exactly ``value``: its ``*`` and ``?`` would mean more."""
    return (
        bool(_EXACT.match(value))
        and value.isprintable()
        and value == value.strip()
        and len(value) <= _MAX_TEXT
    )


def keep(
    comparison: Comparison, today: date
) -> tuple[tuple[KeepGroup, ...], tuple[tuple[str, str], ...]]:
    """Rules for all that is not desired, and the values that no rule can say, as (label, value)."""
    found = list(LeftoverJudge(comparison).leftovers())
    unsaid = tuple((one.label, one.value) for one in found if not sayable(one.value))
    said = [one for one in found if sayable(one.value)]
    spelling = _spellings(one.value for one in said)
    # A rule is for one value and all its holders; rules with the same holders stand together.
    holders = names.grouped(
        ((one.kind, one.mesh, one.owner, one.value.casefold()), one.label) for one in said
    )
    together = names.grouped(
        ((kind, other, names.in_order(labels)), (owner, spelling[key]))
        for (kind, other, owner, key), labels in holders.items()
    )
    groups = [
        _group(kind, other, hosts, values, today)
        for (kind, other, hosts), values in together.items()
    ]
    return tuple(sorted(groups, key=lambda group: (group.kind, group.owners, group.hosts))), unsaid


def _group(
    kind: LeftoverKind,
    other: str,
    hosts: tuple[str, ...],
    values: list[tuple[str, str]],
    today: date,
) -> KeepGroup:
    values = sorted(values, key=lambda pair: (pair[0], pair[1].casefold()))
    owners = tuple(dict.fromkeys(owner for owner, _ in values))
    shown = ", ".join(names.split_list(names.fold(owners)))
    comment = _COMMENTS[kind].format(names=shown, mesh=other)
    reason = f"found by init on {today.isoformat()}: {_REASONS[kind]}"
    return KeepGroup(kind, comment, tuple(Keep(v, hosts, reason) for _, v in values), owners)


def _spellings(values: Iterable[str]) -> dict[str, str]:
    """The usual spelling of each value, by its casefolded form."""
    often: dict[str, Counter[str]] = defaultdict(Counter)
    for value in values:
        often[value.casefold()][value] += 1
    return {
        key: min(spelled, key=lambda value: (-spelled[value], value))
        for key, spelled in often.items()
    }


class LeftoverJudge:
    """Who is meant by a value."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._registry = Registry(comparison.snapshot)
        self._hosts = _hosts(comparison.inventory)
        self._meshes = {
            label: mesh.name for mesh in comparison.inventory.meshes for label in mesh.sources
        }
        self._labels = {host.computer.guid: host.label for host in comparison.hosts}
        home = names.dn_key(comparison.snapshot.directory.base_dn)
        self._named: dict[str, Computer] = {}
        for account in comparison.snapshot.accounts:
            if account.account.endswith("$") and names.naming_context(account.dn) == home:
                for name in (account.name, account.dns_host_name or account.name):
                    self._named.setdefault(name.casefold(), account)

    def leftovers(self) -> Iterator[_Leftover]:
        found = [
            self._leftover(host, verdict)
            for host in self._comparison.hosts
            for verdict in host.extra
        ]
        cifs = names.CIFS
        other = {
            one.owner
            for one in found
            if one.kind is LeftoverKind.ACCOUNT and _service(one.value) != cifs
        }
        for one in found:
            server = one.kind is LeftoverKind.ACCOUNT and one.owner not in other
            yield one._replace(kind=LeftoverKind.SERVER) if server else one

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
            return _Leftover(
                label, value, LeftoverKind.CONTROLLER, owner.name.lower() if owner else who
            )
        if host_label := self._hosts.get(name) or (self._labels.get(owner.guid) if owner else None):
            return self._of_host(label, value, host_label)
        if owner is None:
            short = name.partition(".")[0]
            who = short if names.is_computer_name(short) else name
            kind = LeftoverKind.NOBODY if _is_managed(value) else LeftoverKind.UNKNOWN
            return _Leftover(label, value, kind, who)
        kind = LeftoverKind.ACCOUNT if owner.enabled else LeftoverKind.DISABLED
        return _Leftover(label, value, kind, owner.name.lower())

    def _of_host(self, label: str, value: str, target: str) -> _Leftover:
        if target == label:
            return _Leftover(label, value, LeftoverKind.ITSELF, target)
        other = self._meshes[target]
        if _is_managed(value) and other != self._meshes[label]:
            return _Leftover(label, value, LeftoverKind.OTHER_MESH, target, other)
        return _Leftover(label, value, LeftoverKind.SERVICE, target)


def _hosts(inventory: Inventory) -> dict[str, str]:
    """Labels by every casefolded name."""
    return {
        name.casefold(): host.label
        for host in inventory.hosts.values()
        for name in (host.computer, host.fqdn)
    }


def _service(value: str) -> str:
    return value.partition("/")[0].casefold()


_MANAGED = frozenset(service.casefold() for service in names.MANAGED_SERVICES)


def _is_managed(value: str) -> bool:
    return _service(value) in _MANAGED
