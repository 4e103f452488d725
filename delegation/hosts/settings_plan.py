"""Inventory (``live_migration``), hosts as read -> the plan of their settings, and what stops it.

A setting that is not declared is left as it is found. Declared networks are to be exactly those
that a host uses, so ``any_network`` goes off with them unless it is declared itself; with
``any_network: true`` the networks that a host has listed stay as they are.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from delegation import names
from delegation.changes.plan import Blocked, Change, Plan
from delegation.changes.rewrites import Rewrites
from delegation.errors import DelegationError
from delegation.hosts import settings
from delegation.hosts.machines import HostReading
from delegation.hosts.settings import HostSetting, SettingChange, Value
from delegation.inventory import Authentication, Inventory, LiveMigration
from delegation.mesh.compare import Comparison, HostComparison

_KIND = settings.HOST_SETTINGS.name
KERBEROS_BEFORE_MESH = "kerberos-before-mesh"
"""The refusal, and the --allow name that lifts it."""

OF_THE_CLUSTER = frozenset({settings.ENABLED, settings.MIGRATIONS, settings.ANY_NETWORK})
"""What a failover cluster sets on its nodes itself; their networks as well.

Its own MaximumParallelMigrations takes precedence over the limits of its hosts.
"""

HostsPlan = Plan[HostSetting]


@dataclass(frozen=True, slots=True)
class SettingsProposal:
    """The plan; ``cluster``: differences that are a cluster's business, and are left alone.

    ``unchanged`` counts the settings that are as declared.
    """

    plan: HostsPlan
    cluster: tuple[SettingChange, ...]
    unchanged: int = 0


def propose(inventory: Inventory, readings: Mapping[str, HostReading]) -> SettingsProposal:
    """What makes the hosts that were read, by label, as the inventory declares them."""
    changes: list[SettingChange] = []
    cluster: list[SettingChange] = []
    blocked: list[Blocked] = []
    unchanged = 0
    for label, reading in readings.items():
        host = inventory.hosts[label]
        of_host: list[SettingChange] = []
        for before, after in _pairs(host.live_migration or LiveMigration(), reading.settings):
            if before is None:
                blocked.append(_not_told(label, after))
                continue
            target = settings.target(label, host.fqdn, after.name)
            change = Change(target, before, after)
            if not after.difference(before):
                unchanged += 1
            elif not _is_of_the_cluster(after.name) or reading.clustered is False:
                of_host.append(change)
            elif reading.clustered:
                cluster.append(change)
            else:
                blocked.append(_whose_is_not_told(label, after, reading))
        changes += sorted(of_host, key=settings.turn)
    order = {label: index for index, label in enumerate(inventory.hosts)}
    changes.sort(key=lambda change: order[change.target.name])
    plan = Plan(_KIND, inventory.domain, tuple(changes), tuple(blocked))
    return SettingsProposal(plan, tuple(cluster), unchanged)


def _is_of_the_cluster(name: str) -> bool:
    return name in OF_THE_CLUSTER or settings.subnet_of(name) is not None


def _not_told(label: str, setting: HostSetting) -> Blocked:
    return Blocked(
        label,
        "not-told",
        f"the host does not tell its {setting.name}, so that it can't be set; take it out of its "
        "live_migration",
    )


def _whose_is_not_told(label: str, setting: HostSetting, reading: HostReading) -> Blocked:
    """A cluster may be in charge of it: what a cluster sets is never written."""
    why = reading.not_told.get("clustered", "")
    return Blocked(
        label,
        "not-told",
        f"whether a cluster sets its {setting.name} is not told{f': {why}' if why else ''}; have "
        "the host tell its services (root/cimv2), or take it out of its live_migration",
    )


def _pairs(
    declared: LiveMigration, found: Mapping[str, Value]
) -> Iterator[tuple[HostSetting | None, HostSetting]]:
    """Each setting that is declared, as found and as it is to be."""
    for name, value in _declared(declared).items():
        if value is not None:
            yield settings.held(found, name), HostSetting(name, value)
    if declared.networks is None:
        return
    # Matched by what they mean, and called as the host spells them: the change is to find the
    # entry that is there.
    remaining = [name for name in found if settings.subnet_of(name)]
    for network in declared.networks:
        name = settings.network(network.subnet)
        key = settings.key(name)
        spellings = [listed for listed in remaining if settings.key(listed) == key]
        spelling = spellings[0] if spellings else name
        priority: Value = settings.PRESENT if network.priority is None else network.priority
        yield HostSetting(spelling, found.get(spelling)), HostSetting(spelling, priority)
        remaining = [listed for listed in remaining if settings.key(listed) != key]
    for name in remaining:
        yield HostSetting(name, found[name]), HostSetting(name, None)


def _declared(declared: LiveMigration) -> Mapping[str, Value]:
    """The settings of every host, networks apart; None where one is not declared."""
    only_these = False if declared.networks is not None else None
    return {
        settings.ENABLED: declared.enabled,
        settings.AUTHENTICATION: declared.authentication and declared.authentication.value,
        settings.MIGRATIONS: declared.migrations,
        settings.STORAGE_MIGRATIONS: declared.storage_migrations,
        settings.PERFORMANCE: declared.performance and declared.performance.value,
        settings.ANY_NETWORK: only_these if declared.any_network is None else declared.any_network,
    }


def switching(plan: HostsPlan, readings: Mapping[str, HostReading]) -> tuple[str, ...]:
    """The hosts that go over to Kerberos and migrate then, whether or not they migrate now.

    Where migrations are off when all is done there is none that could fail.
    """
    enabled: dict[str, bool] = {}
    for label, reading in readings.items():
        enabled[label] = reading.settings.get(settings.ENABLED) is True
    for change in plan.changes:
        if change.after.name == settings.ENABLED:
            enabled[change.target.name] = change.after.value is True
    kerberos = HostSetting(settings.AUTHENTICATION, Authentication.KERBEROS.value)
    to_kerberos = [change.target.name for change in plan.changes if change.after == kerberos]
    return tuple(label for label in to_kerberos if enabled.get(label))


def not_in_the_mesh(labels: Collection[str], comparison: Comparison) -> dict[str, str]:
    """Why hosts could not migrate by Kerberos yet, by label, from their computer objects."""
    hosts = {host.label: host for host in comparison.hosts}
    why: dict[str, str] = {}
    for label in labels:
        if label not in hosts:
            obstacle, fix = "there is no one computer object of it", "see: delegation check"
        elif obstacle := _what_it_lacks(hosts[label]):
            fix = "apply the delegation first: delegation plan"
        else:
            continue
        why[label] = f"it would migrate by Kerberos, and could not: {obstacle}; {fix}"
    return why


def _what_it_lacks(host: HostComparison) -> str:
    parts: list[str] = []
    if host.missing:
        count = len(host.missing) + len(host.present)
        parts.append(f"{len(host.missing):,} of its {count:,} values")
    is_set, should_be_set = host.transition
    if should_be_set and not is_set:
        parts.append("the flag for protocol transition")
    return f"its computer object lacks {' and '.join(parts)}" if parts else ""


def not_known(labels: Collection[str], error: DelegationError) -> dict[str, str]:
    """Why hosts may not be able to migrate by Kerberos, where the directory can't be read."""
    fix = f"; {error.fix}" if error.fix else ""
    what = "it would migrate by Kerberos, and whether it could can't be told"
    return dict.fromkeys(labels, f"{what}: {error.what}{fix}")


def guarded(plan: HostsPlan, why: Mapping[str, str]) -> HostsPlan:
    """The plan, blocked where migrations would fail; ``why`` is by label."""
    blocked = _folded(why, KERBEROS_BEFORE_MESH, KERBEROS_BEFORE_MESH)
    return plan._replace(blocked=(*plan.blocked, *blocked))


def _folded(why: Mapping[str, str], name: str, override: str = "") -> list[Blocked]:
    """One refusal for all hosts to which the same words apply."""
    by_words = names.grouped((words, label) for label, words in why.items())
    return [
        Blocked(names.fold(labels), name, words, override) for words, labels in by_words.items()
    ]


@dataclass(frozen=True, slots=True)
class SettingsReversal:
    """The plan that takes a run back; ``cluster`` as in a proposal.

    ``conflicts`` are settings that stay as they are, ``as_before`` those that are so already.
    """

    plan: HostsPlan
    cluster: tuple[SettingChange, ...]
    conflicts: tuple[Blocked, ...] = ()
    as_before: tuple[SettingChange, ...] = ()


def reversal(
    domain: str,
    changes: Iterable[SettingChange],
    readings: Mapping[str, HostReading],
    rewrites: Rewrites = MappingProxyType({}),
) -> SettingsReversal:
    """Undo ``changes`` on the hosts as they are now.

    A setting that is neither as before nor as left is a conflict, and so is one that a later run
    has written again. What was not read is left out, and so is what has become a cluster's
    business: that stays in effect, and can be undone another time.
    """
    reverses: list[SettingChange] = []
    cluster: list[SettingChange] = []
    as_before: list[SettingChange] = []
    not_told: list[Blocked] = []
    departures: dict[str, list[str]] = defaultdict(list)
    again: dict[str, list[str]] = defaultdict(list)
    for change in changes:
        label, name = change.target.name, change.after.name
        reading = readings.get(label)
        if reading is None:
            continue
        now = settings.held(reading.settings, name)
        if now is None:
            not_told.append(_not_told(label, change.after))
        elif not change.before.difference(now):
            as_before.append(change)
        elif _is_of_the_cluster(name) and reading.clustered is None:
            not_told.append(_whose_is_not_told(label, change.after, reading))
        elif _is_of_the_cluster(name) and reading.clustered:
            cluster.append(Change(change.target, now, change.before))
        elif words := change.departures(now):
            departures[label] += words
        elif rewritten := [*rewrites.get(change.target.guid, {}).values()]:
            again[label].append(f"{name}, {rewritten[0].words}")
        else:
            reverses.append(Change(change.target, now, change.before))
    reverses.sort(key=_by_host_and_turn)
    cluster.sort(key=_by_host_and_turn)
    since = {label: f"changed since: {'; '.join(words)}" for label, words in departures.items()}
    rewritten_words = {label: "; ".join(words) for label, words in again.items()}
    conflicts = (*_folded(since, "conflict"), *_folded(rewritten_words, "conflict"))
    plan = Plan(_KIND, domain, tuple(reverses), tuple(not_told))
    return SettingsReversal(plan, tuple(cluster), conflicts, tuple(as_before))


def _by_host_and_turn(change: SettingChange) -> tuple[str, int, str]:
    fqdn, _ = settings.place(change.target)
    return (fqdn.casefold(), *settings.turn(change))
