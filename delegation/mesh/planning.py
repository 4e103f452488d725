"""Comparison -> plan: the change of each object, and everything that must not be done.

Each refusal tells the ``--allow`` name that lifts it, if any does. Those that protect the domain
itself (a domain controller as a target, a name that another account holds) have none.
"""

from collections.abc import Collection, Iterator, Sequence

from delegation import names
from delegation.changes.plan import Blocked, Change, Plan, Target
from delegation.inventory import Foreign, Unconstrained
from delegation.mesh import facts
from delegation.mesh.compare import Comparison, HostComparison, Standing, Verdict
from delegation.mesh.desired import Endpoint
from delegation.mesh.facts import NoAccount
from delegation.mesh.inventory_lines import InventoryLines
from delegation.mesh.name_owners import NameOwners
from delegation.mesh.new_account_refusal import refuse_other_accounts
from delegation.mesh.snapshot import (
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    Computer,
    Snapshot,
)
from delegation.mesh.state import DELEGATION, Delegation, DelegationChange, DelegationPlan, removed

NO_ACCOUNT = "no-account"
"""The refusal of a value for an account that is not there."""
HELD_ELSEWHERE = "spn-held"
"""Why a value is refused whose name another account answers to, alone or as well."""

REMOVALS_FLOOR = 20
"""Up to this many removals are never too many, whatever their share."""


def plan(comparison: Comparison, allow: Collection[str] = ()) -> DelegationPlan:
    """The changes that make the directory as desired, and the refusals not lifted by ``allow``."""
    changes: list[DelegationChange] = []
    for host in comparison.objects:
        change = _change(comparison, host)
        if change is not None:
            changes.append(change)
    changes.sort(key=lambda change: names.dn_key(change.target.dn))
    lifted = {name.casefold() for name in allow}
    blocked = tuple(
        refusal
        for refusal in _refusals(comparison, changes)
        if not refusal.override or refusal.override.casefold() not in lifted
    )
    return Plan(DELEGATION.name, comparison.desired.domain, tuple(changes), blocked)


def removals(comparison: Comparison, host: HostComparison) -> list[Verdict]:
    """The values that go: stale ones, and foreign ones where the policy says so.

    A value under an expired keep rule stays untouched, whatever the policy.
    """
    foreign_goes = comparison.inventory.policy.foreign is Foreign.REMOVE
    leaving: list[Verdict] = []
    for verdict in host.extra:
        is_unclaimed = verdict.standing is Standing.FOREIGN and verdict.rule is None
        if verdict.standing is Standing.STALE or (foreign_goes and is_unclaimed):
            leaving.append(verdict)
    return leaving


def transition(comparison: Comparison, host: HostComparison) -> tuple[bool, bool]:
    """Protocol transition as (found, wanted).

    A retired host needs none. But the flag governs the whole list: where values of somebody else
    stay on it, their owner decides, and has accepted that where their keep rule says so.
    """
    is_set, declared = host.transition
    if not host.is_retired:
        return is_set, declared
    leaving = {verdict.value for verdict in removals(comparison, host)}
    staying = [verdict for verdict in host.extra if verdict.value not in leaving]
    return is_set, is_set and not all(map(_accepts_transition, staying))


def uac_after(comparison: Comparison, host: HostComparison) -> int:
    """userAccountControl as it should be: the declared flags, every other bit as found."""
    uac = host.computer.uac
    is_set, should_be_set = transition(comparison, host)
    if is_set != should_be_set:
        uac ^= TRUSTED_TO_AUTH_FOR_DELEGATION
    declared = host.delegate.host.unconstrained or comparison.inventory.policy.unconstrained
    if declared is Unconstrained.CLEAR:
        uac &= ~TRUSTED_FOR_DELEGATION
    return uac


def _change(comparison: Comparison, host: HostComparison) -> DelegationChange | None:
    computer = host.computer
    leaving = {verdict.value.casefold() for verdict in removals(comparison, host)}
    kept: Sequence[str] = computer.values
    if leaving:
        kept = [value for value in computer.values if value.casefold() not in leaving]
    before = Delegation.of(computer)
    after = Delegation((*kept, *host.missing), uac_after(comparison, host))
    if before == after:
        return None
    return Change(Target(host.label, computer.dn, computer.guid), before, after)


def _refusals(comparison: Comparison, changes: list[DelegationChange]) -> Iterator[Blocked]:
    for host in comparison.hosts:
        yield from _account_refusals(Endpoint.of_host(host.delegate.host), host.computer)
    yield from refuse_other_accounts(comparison)
    in_scope = set(comparison.labels)
    for endpoint in comparison.endpoints:
        yield from _endpoint_refusals(comparison.snapshot, endpoint, in_scope)
    for host in comparison.objects:
        yield from _flag_refusal(comparison, host)
        yield from _limit_refusal(comparison, host)
    yield from _removals_refusal(comparison, changes)


def _account_refusals(end: Endpoint, computer: Computer) -> Iterator[Blocked]:
    # A ticket's service name lies outside its encrypted part (RFC 4120, 5.3): whoever gets one for
    # cifs/dc1 can rename it to ldap/dc1. Towards a domain controller, that is the whole domain.
    if computer.is_domain_controller:
        yield Blocked(
            end.label,
            "domain-controller",
            f"{computer.name} is a domain controller: whoever may act as a user towards it owns "
            "the domain; remove it from the inventory",
        )
    other_kind = computer.not_a_host if end.is_host else computer.not_a_computer
    # A user's account is a file server's where the inventory names it as such.
    if other_kind and not end.is_user:
        yield Blocked(
            end.label, "not-a-host", f"{computer.name} is {other_kind}; only computers delegate"
        )
    # What a file server is called is decided by who answers to its names, one by one.
    if end.is_host and (computer.dns_host_name or "").casefold() != end.fqdn.casefold():
        yield Blocked(
            end.label,
            "fqdn-mismatch",
            f"the inventory says fqdn {end.fqdn}, the account's dNSHostName is "
            f"{computer.dns_host_name or 'not set'}; correct whichever is wrong",
        )


def _endpoint_refusals(
    snapshot: Snapshot, endpoint: Endpoint, in_scope: Collection[str]
) -> Iterator[Blocked]:
    computer = snapshot.computer(endpoint.computer)
    if computer is None:
        yield Blocked(endpoint.label, NO_ACCOUNT, _no_account(snapshot, endpoint))
    elif not (endpoint.is_host and endpoint.label in in_scope):
        yield from _account_refusals(endpoint, computer)
    is_refused_already = computer is not None and computer.is_domain_controller
    for value in endpoint.values:
        if not is_refused_already:
            yield from _refuse_domain_controller_name(snapshot, endpoint, value)
        if endpoint.computer not in snapshot.ambiguous:
            yield from _refuse_held_elsewhere(snapshot, endpoint, value)


def _no_account(snapshot: Snapshot, endpoint: Endpoint) -> str:
    trouble = facts.why_no_account(snapshot, endpoint.computer)
    if trouble and trouble[0] is NoAccount.AMBIGUOUS:
        return f"{trouble[1]}; which of them {endpoint.label} is can't be told"
    return (
        f"there is no account {endpoint.account} in {snapshot.directory.base_dn} for "
        f"{endpoint.label}; values for it would wait for whoever creates one"
    )


def _refuse_domain_controller_name(
    snapshot: Snapshot, endpoint: Endpoint, value: str
) -> Iterator[Blocked]:
    """A value may name a DC although the endpoint's account is none: by an SPN or DNS name."""
    if not facts.danger_by_name(value, snapshot.domain_controller_names):
        return
    yield Blocked(
        endpoint.label,
        "domain-controller",
        f"{value} names a domain controller; whoever may act as a user towards it owns the domain",
    )


def _refuse_held_elsewhere(snapshot: Snapshot, endpoint: Endpoint, value: str) -> Iterator[Blocked]:
    """The KDC issues tickets for whoever holds the name, or else HOST/… of the same host.

    A name that nobody holds is no reason to refuse: the host registers it when it starts.
    """
    own = snapshot.computer(endpoint.computer)
    if all(own is not None and owner.guid == own.guid for owner in snapshot.owners(value)):
        return
    found = NameOwners.of(snapshot, endpoint, value)
    if found.held_elsewhere:
        message = f"{found.held_elsewhere}; {found.fix}"
        yield Blocked(endpoint.label, HELD_ELSEWHERE, message)


def _flag_refusal(comparison: Comparison, host: HostComparison) -> Iterator[Blocked]:
    """The flags hold for the whole list: a value of somebody else's changes its meaning, too.

    With protocol transition set, any user can be impersonated towards it; without, only one who
    has logged on to the host by Kerberos (MS-SFU 3.2.5.1.2).
    """
    if uac_after(comparison, host) == host.computer.uac:
        return
    leaving = {verdict.value for verdict in removals(comparison, host)}
    affected: list[str] = []
    for verdict in host.extra:
        stays = verdict.is_of_others and verdict.value not in leaving
        if stays and not _accepts_transition(verdict):
            affected.append(verdict.value)
    if affected:
        yield Blocked(
            host.label,
            "flag-change",
            "its delegation flag would change, and with it how these values of somebody else "
            f"work: {', '.join(affected)}; agree it with their owner and say "
            f"protocol_transition: accept in their keep rule{_or_former(comparison, affected)}",
            "flag-change",
        )


def _or_former(comparison: Comparison, values: Collection[str]) -> str:
    """What to write where such values name hosts of the inventory by a suffix of old."""
    lines = InventoryLines(comparison.inventory)
    suffixes = {lines.suffix_of(value) for value in values} - {""}
    if not suffixes:
        return ""
    listed = ", ".join(sorted(suffixes))
    return f"; where they are hosts' names of old, say former_suffixes: [{listed}]"


def _accepts_transition(verdict: Verdict) -> bool:
    is_kept = verdict.standing is Standing.KEPT
    return is_kept and verdict.rule is not None and verdict.rule.accepts_transition


def _limit_refusal(comparison: Comparison, host: HostComparison) -> Iterator[Blocked]:
    """A DC answers "administrative limit exceeded" at about 1,200 values; Samba never does."""
    limit = comparison.inventory.policy.value_limit
    count = len(host.computer.values) - len(removals(comparison, host)) + len(host.missing)
    if count > limit and host.missing:
        yield Blocked(
            host.label,
            "value-limit",
            f"it would hold {count:,} values, beyond the limit of {limit:,} "
            "(policy.value_limit); make the meshes smaller",
        )


def _removals_refusal(comparison: Comparison, changes: list[DelegationChange]) -> Iterator[Blocked]:
    """An inventory that lost half its hosts by mistake looks like an order to remove theirs.

    A retired host is no such mistake, and neither is a former name: somebody has written it down.
    What it leaves behind, on its peers and on its own account, counts neither as removed nor as
    there.
    """
    retiring = {host.label: _leaving_by_gone_names(host) for host in comparison.objects}
    counts: dict[str, int] = {}
    for change in changes:
        name = change.target.name
        going = [value for value in removed(change) if value.casefold() not in retiring[name]]
        counts |= {name: len(going)} if going else {}
    count = sum(counts.values())
    there = sum(len(host.computer.values) for host in comparison.objects)
    present = there - sum(map(len, retiring.values()))
    share = comparison.inventory.policy.max_removals
    if count > REMOVALS_FLOOR and count * 100 > share * present:
        yield Blocked(
            names.fold(counts),
            "max-removals",
            f"{count:,} of {present:,} values would be removed, more than {share:g}% "
            "(policy.max_removals); look whether the inventory is the right one",
            "removals",
        )


def _leaving_by_gone_names(host: HostComparison) -> set[str]:
    return {verdict.value.casefold() for verdict in host.extra if verdict.by_gone_name}
