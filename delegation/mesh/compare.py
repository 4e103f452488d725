"""Desired, Snapshot -> Comparison: one verdict for every value, with its reason.

The plan, the audit's findings and every report are derived from a comparison; nothing else
judges a value. A value of msDS-AllowedToDelegateTo tells not who wrote it. So what no mesh asks
for is ours only where it can be nobody else's, and foreign, that is left alone, in all other cases.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from delegation import names
from delegation.inventory import Host, Inventory, Keep, Retired
from delegation.inventory.accepted import Acceptance, Trusted
from delegation.mesh import retirement
from delegation.mesh.desired import Delegate, Desired, Endpoint
from delegation.mesh.identities import Identities
from delegation.mesh.living_names import LivingNames
from delegation.mesh.snapshot import (
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    Computer,
    Snapshot,
)


class Standing(StrEnum):
    """What a value is to the inventory.

    ``stale`` ones are ours and not desired any more; ``foreign`` ones are not known to be ours.
    """

    MISSING = "missing"
    PRESENT = "present"
    KEPT = "kept"
    STALE = "stale"
    FOREIGN = "foreign"


class Verdict(NamedTuple):
    """``rule`` is the keep rule that matches the value: live if kept, expired if foreign.

    ``by_gone_name``: it is stale because the inventory says of the host that it leads to, or of
    that name of it, that it is gone. ``peer`` is the host, one that is delegated to, that it leads
    to although it is not a desired value.
    """

    computer: str
    value: str
    standing: Standing
    reason: str
    rule: Keep | None = None
    by_gone_name: bool = False
    peer: str = ""

    @property
    def is_of_others(self) -> bool:
        """Whether somebody else may need it to work as it does.

        One that leads to a host which is delegated to anyway grants nothing by itself: the service
        in a ticket can be substituted (RFC 4120 5.3).
        """
        return self.standing in {Standing.KEPT, Standing.FOREIGN} and not self.peer


class HostComparison(NamedTuple):
    """One computer object against what it must hold.

    ``extra`` has a verdict for every value found that is not desired; ``twins`` are desired or
    other values that stand there a second time in different case. ``is_retired``: the account of a
    host that is gone, which must hold nothing of ours.
    """

    delegate: Delegate
    computer: Computer
    missing: tuple[str, ...]
    present: tuple[str, ...]
    extra: tuple[Verdict, ...]
    twins: tuple[str, ...]
    is_retired: bool = False

    @property
    def label(self) -> str:
        return self.delegate.host.label

    def standing(self, *standings: Standing) -> list[Verdict]:
        return [verdict for verdict in self.extra if verdict.standing in standings]

    @property
    def transition(self) -> tuple[bool, bool]:
        """Protocol transition as (found, wanted)."""
        found = bool(self.computer.uac & TRUSTED_TO_AUTH_FOR_DELEGATION)
        wanted = self.delegate.protocol_transition
        return found, found if wanted is None else wanted

    @property
    def unconstrained(self) -> bool:
        return bool(self.computer.uac & TRUSTED_FOR_DELEGATION)

    def verdicts(self) -> Iterator[Verdict]:
        """Every value, desired and found, once."""
        for value in self.missing:
            yield Verdict(self.label, value, Standing.MISSING, "desired and not there")
        for value in self.present:
            yield Verdict(self.label, value, Standing.PRESENT, "desired and there")
        yield from self.extra


@dataclass(frozen=True)
class Comparison:
    """Every host in scope whose account was found, in the order of the inventory.

    ``retired`` are the accounts of retired hosts that are still there, with all of their values.
    ``identities``: which of the accounts are others than they were, as far as that is known.
    """

    inventory: Inventory
    desired: Desired
    snapshot: Snapshot
    today: date
    hosts: tuple[HostComparison, ...]
    retired: tuple[HostComparison, ...] = ()
    identities: Identities = field(default_factory=Identities)

    @property
    def objects(self) -> tuple[HostComparison, ...]:
        """All that a plan may change."""
        return (*self.hosts, *self.retired)

    @property
    def labels(self) -> list[str]:
        return [host.label for host in self.hosts]

    @cached_property
    def endpoints(self) -> list[Endpoint]:
        """What the hosts in scope reach, each once, in a stable order."""
        return self.desired.endpoints_of(self.labels)


def compare(
    inventory: Inventory,
    desired: Desired,
    snapshot: Snapshot,
    today: date,
    limit: Collection[str] | None = None,
) -> Comparison:
    """Judge every value of every host, or of the hosts in ``limit`` (labels).

    Of retired hosts as well, as far as their accounts are there; limited, of those in ``limit``.
    """
    judge = _ValueJudge(inventory, snapshot, today)
    hosts = []
    for label, delegate in desired.delegates.items():
        computer = snapshot.computer(delegate.host.computer)
        if computer is not None and (limit is None or label in limit):
            hosts.append(judge.host(delegate, computer))
    retired = []
    for former in retirement.taken_back(inventory, limit):
        account = retirement.own_account(snapshot, former)
        if account is not None:
            retired.append(judge.retired_host(former, account))
    return Comparison(inventory, desired, snapshot, today, tuple(hosts), tuple(retired))


class _ValueJudge:
    """The inventory's claims, indexed by casefolded host name."""

    def __init__(self, inventory: Inventory, snapshot: Snapshot, today: date) -> None:
        self.today = today
        self.keep = inventory.keep
        self.names = retirement.MeshNames.of(inventory)
        self.living = LivingNames(inventory, snapshot, self.names)
        self.remove: dict[tuple[str, str], str] = {}
        for removal in inventory.remove:
            for label in removal.hosts:
                key = label, removal.value.casefold()
                self.remove[key] = removal.reason or "listed under remove"

    def host(self, delegate: Delegate, computer: Computer) -> HostComparison:
        # AD compares these values without regard to case and never holds a value twice; Samba
        # stores a twin that differs in case. Comparing casefolded serves both.
        unclaimed: dict[str, str] = {}
        twins: list[str] = []
        for value in computer.values:
            if unclaimed.setdefault(value.casefold(), value) is not value:
                twins.append(value)
        missing: list[str] = []
        present: list[str] = []
        for key, value in delegate.values():
            if unclaimed.pop(key, None) is None:
                missing.append(value)
            else:
                present.append(value)
        extra = self._extras(delegate, list(unclaimed.values())) if unclaimed else ()
        return HostComparison(
            delegate, computer, tuple(missing), tuple(present), extra, tuple(twins)
        )

    def retired_host(self, former: Retired, account: Computer) -> HostComparison:
        """Nothing is desired of it: neither a value nor, by itself, a flag."""
        gone = Host(former.name, former.name, former.fqdn, protocol_transition=None)
        held = self.host(Delegate(gone, ()), account)
        extra = tuple(self._of_retired_host(verdict) for verdict in held.extra)
        return held._replace(extra=extra, is_retired=True)

    def _of_retired_host(self, verdict: Verdict) -> Verdict:
        """A lone cifs value goes from there as well: what the host used it for is over."""
        is_claimed = verdict.standing is Standing.KEPT or verdict.rule is not None
        if is_claimed or not self.names.leads_here(verdict.value):
            return verdict
        reason = "held by a retired host"
        return verdict._replace(standing=Standing.STALE, reason=reason, by_gone_name=True)

    def _extras(self, delegate: Delegate, values: list[str]) -> tuple[Verdict, ...]:
        label = delegate.host.label
        # Each with whether cifs is wanted of it: a mesh may ask for migrations alone.
        peers: dict[str, bool] = {}
        for endpoint in delegate.endpoints:
            if endpoint.is_host:
                wanted = (retirement.host_of(key, names.CIFS) for key in endpoint.keys)
                peers[endpoint.label] = any(wanted)
        verdicts = [self._extra(label, value, peers) for value in sorted(values)]
        # Both values of a target were written together. A cifs value alone may be a file share's
        # that another team relies on; beside a migration value that goes, it goes with it.
        leaving_targets: set[str] = set()
        for verdict in verdicts:
            # A removal means its one value and no other.
            is_removed = (label, verdict.value.casefold()) in self.remove
            if verdict.standing is Standing.STALE and not is_removed:
                leaving_targets.add(retirement.host_of(verdict.value, names.MIGRATION))
        leaving_targets.discard("")
        return tuple(_leaving_with_its_twin(verdict, leaving_targets) for verdict in verdicts)

    def _extra(self, label: str, value: str, peers: Mapping[str, bool]) -> Verdict:
        rule = self._keep_rule(label, value)
        if rule is not None and is_live(rule, self.today):
            return Verdict(label, value, Standing.KEPT, rule.reason or "keep rule", rule)
        if rule is not None:
            reason = f"its keep rule expired on {rule.expires}"
            return Verdict(label, value, Standing.FOREIGN, reason, rule)
        if removed := self.remove.get((label, value.casefold())):
            return Verdict(label, value, Standing.STALE, removed)
        return self._by_name(label, value, peers)

    def _by_name(self, label: str, value: str, peers: Mapping[str, bool]) -> Verdict:
        """The verdict on a value that nothing in the inventory claims, by whom it leads to."""
        migration_target = retirement.host_of(value, names.MIGRATION)
        target = migration_target or retirement.host_of(value, names.CIFS)
        former = self.living.former.get(target)
        is_retired = target in self.names.retired
        if is_retired or former is not None:
            reason = "retired" if is_retired else f"a former name of {former}"
            return Verdict(label, value, Standing.STALE, reason, by_gone_name=True)
        host = self.names.hosts.get(target) or self.living.by_another_name(value)
        if host is not None and host in peers and (migration_target or peers[host]):
            return self._towards_peer(label, value, host)
        # Nothing but live migration uses the migration service: such a value towards one of our
        # own hosts is ours, whoever wrote it. A cifs value has many uses.
        if host is not None and migration_target:
            reason = "the host itself" if host == label else f"{host} is not a peer"
            return Verdict(label, value, Standing.STALE, reason)
        reason = f"no mesh asks for cifs of {host}" if host in peers else "not in the inventory"
        return Verdict(label, value, Standing.FOREIGN, reason)

    def _towards_peer(self, label: str, value: str, peer: str) -> Verdict:
        """A value of our services that leads where desired ones lead, and is written otherwise.

        By another name that the host answers to it may be in use. A known name that is no desired
        value, as with a port, is nobody's by any rule that we know, and stays a finding.
        """
        spn = names.ServicePrincipalName.parse(value)
        if spn is not None and spn.host.casefold() in self.names.hosts:
            return Verdict(label, value, Standing.FOREIGN, "not in the inventory", peer=peer)
        reason = f"another name of {peer}, which lives on"
        return Verdict(label, value, Standing.KEPT, reason, peer=peer)

    def _keep_rule(self, label: str, value: str) -> Keep | None:
        """The rule for this value: a live one wherever several match."""
        for_host = (rule for rule in self.keep if not rule.hosts or label in rule.hosts)
        matching = [rule for rule in for_host if rule.covers(value)]
        live = [rule for rule in matching if is_live(rule, self.today)]
        return next(iter(live or matching), None)


def _leaving_with_its_twin(verdict: Verdict, leaving_targets: Collection[str]) -> Verdict:
    """The verdict; stale where it is the cifs value of a target whose migration value goes."""
    is_unclaimed = verdict.standing is Standing.FOREIGN and verdict.rule is None
    if not is_unclaimed or retirement.host_of(verdict.value, names.CIFS) not in leaving_targets:
        return verdict
    reason = "cifs twin of a migration value that goes"
    return Verdict(verdict.computer, verdict.value, Standing.STALE, reason)


def is_live(rule: Keep | Acceptance | Trusted, today: date) -> bool:
    """Whether what a rule says still holds: on the day itself, too."""
    return rule.expires is None or today <= rule.expires
