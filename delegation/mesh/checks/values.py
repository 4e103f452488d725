"""MeshCase -> observations of each object's values and flags, against the inventory.

What a host may reach is its list, msDS-AllowedToDelegateTo, and nothing else. The flag of protocol
transition only says which evidence of a user it may show there (MS-SFU 3.2.5.1.2): a host without
the flag delegates all the same, and whoever looks for delegation by the flag overlooks it.
"""

from collections.abc import Iterator

from delegation import names
from delegation.inventory import Foreign
from delegation.mesh.checks.rule import MeshCase, Observation, Rule, Severity
from delegation.mesh.compare import Standing
from delegation.mesh.facts import ValueCount
from delegation.mesh.inventory_lines import InventoryLines
from delegation.mesh.planning import removals, transition

_APPLY = "delegation plan, then delegation apply"
_PEER = len(names.MANAGED_SERVICES) * 2
"""Values that one more peer takes: each service, short name and FQDN."""
_INSTRUCTIONS = "Microsoft Learn, Set up hosts for live migration without Failover Clustering"


def _missing(case: MeshCase) -> Iterator[Observation]:
    """A KDC compares the name that is asked for with the list as it stands (MS-SFU 3.2.5.2.1).

    So each of the four values of a peer counts by itself: the short name there does not help a
    host that asks by FQDN, and cifs does not help where the migration service is asked for. What
    the target's own list lets through is told by another rule, because migrations may work.
    """
    for host in case.comparison.hosts:
        let_through = case.by_target_alone.get(host.label, {})
        for value in host.missing:
            if value in let_through:
                continue
            yield Observation(host.label, value, "desired and not there: migrations to it fail")


def _stale(case: MeshCase) -> Iterator[Observation]:
    """Values that a mesh once wanted. They go on granting: a list knows names, and no age.

    Whoever makes an account of a retired host's name, or registers it on one, has what was meant
    for that host.
    """
    for host in case.comparison.objects:
        for verdict in host.standing(Standing.STALE):
            yield Observation(host.label, verdict.value, f"no longer wanted: {verdict.reason}")


def _foreign(case: MeshCase) -> Iterator[Observation]:
    if case.comparison.inventory.policy.foreign is Foreign.IGNORE:
        return
    lines = InventoryLines(case.comparison.inventory)
    for host in case.comparison.objects:
        for verdict in host.standing(Standing.FOREIGN):
            if verdict.rule is None:
                suffix = lines.suffix_of(verdict.value)
                fix = f"if it is a host's name of old: former_suffixes: [{suffix}]"
                message = "not from this inventory"
                yield Observation(host.label, verdict.value, message, fix if suffix else "")


def _transition(case: MeshCase) -> Iterator[Observation]:
    """Either way is drift: on where it should be off, a host may act as users who never came.

    With the flag, S4U2self gives it a forwardable ticket of anybody (MS-SFU 3.2.5.1.2). Off where
    it should be on, migrations from a remote console end with 0x8009030E.
    """
    words = {True: "on", False: "off"}
    for host in case.comparison.objects:
        is_on, wanted = transition(case.comparison, host)
        if is_on != wanted:
            declared = "and its host is retired" if host.is_retired else f"declared {words[wanted]}"
            message = f"protocol transition is {words[is_on]}, {declared}"
            yield Observation(host.label, "", message)


def _unconstrained(case: MeshCase) -> Iterator[Observation]:
    """TRUSTED_FOR_DELEGATION: clients hand such a host their own ticket-granting ticket.

    It can then act as them towards every service of the domain, and no list bounds that; a mesh
    never needs it, and Credential Guard refuses to play along.
    """
    for host in case.comparison.objects:
        if host.unconstrained:
            yield Observation(
                host.label,
                "",
                "trusted for delegation to any service: it can act as anyone who logs on to it",
                # Nobody has a reason to log on to a retired host any more.
                severity=Severity.HIGH if host.is_retired else None,
            )


def _twins(case: MeshCase) -> Iterator[Observation]:
    """Active Directory compares the attribute without case and refuses a twin; Samba stores it."""
    for host in case.comparison.objects:
        for value in host.twins:
            yield Observation(host.label, value, "stands there twice in different case")


def _expired(case: MeshCase) -> Iterator[Observation]:
    """Foreign values that still have a rule: compare makes a value foreign when its rule expires.

    The value belongs to somebody else. That a date passed is no reason to break his service.
    """
    for host in case.comparison.objects:
        for verdict in host.standing(Standing.FOREIGN):
            if verdict.rule is not None:
                owner = f" (owner: {verdict.rule.owner})" if verdict.rule.owner else ""
                message = f"{verdict.reason}{owner}; the value is left untouched"
                yield Observation(host.label, verdict.value, message)


def _near_limit(case: MeshCase) -> Iterator[Observation]:
    """By what an apply would leave, as the plan's own limit is.

    One modify is made whole or not at all: a list that does not fit is not written in part either.
    """
    limit = case.comparison.inventory.policy.value_limit
    for host in case.comparison.hosts:
        removed = len(removals(case.comparison, host))
        held = ValueCount(len(host.computer.values) - removed + len(host.missing), limit)
        if not held.is_near:
            continue
        room = held.room // _PEER
        peers = "1 more peer" if room == 1 else f"{room:,} more peers"
        yield Observation(
            host.label,
            "",
            f"{held.values:,} of {limit:,} values; room for {peers} at {_PEER} values each",
        )


RULES = (
    Rule(
        "KCD001",
        Severity.HIGH,
        "desired value missing",
        _APPLY,
        _INSTRUCTIONS,
        _missing,
        drift=True,
        preflight=False,
    ),
    Rule(
        "KCD002",
        Severity.HIGH,
        "stale value: of a retired host, of one that is no longer a peer, or under remove",
        _APPLY,
        "MS-SFU 3.2.5.2.1: the KDC grants whatever the list names",
        _stale,
        drift=True,
        preflight=False,
    ),
    Rule(
        "KCD003",
        Severity.MEDIUM,
        "unexpected value: not from the inventory and under no keep rule",
        "ask its owner; then a keep rule, or remove it",
        "MS-SFU 3.2.5.2.1",
        _foreign,
        drift=True,
        preflight=False,
    ),
    Rule(
        "KCD004",
        Severity.HIGH,
        "protocol transition not as declared",
        _APPLY,
        "MS-SFU 3.2.5.1.2; MS-ADTS 2.2.16 (0x1000000)",
        _transition,
        drift=True,
        preflight=False,
    ),
    Rule(
        "KCD005",
        Severity.CRITICAL,
        'unconstrained delegation: "trust this computer for delegation to any service"',
        "policy.unconstrained: clear, then delegation apply",
        "MS-ADTS 2.2.16 (0x80000); Microsoft Learn, Considerations and known issues when using "
        "Credential Guard",
        _unconstrained,
        drift=True,
    ),
    Rule(
        "KCD006",
        Severity.LOW,
        "value present twice in different case",
        "remove one spelling by hand; Active Directory itself would refuse the second",
        "MS-ADA2, msDS-AllowedToDelegateTo: String(Unicode), compared without case",
        _twins,
    ),
    Rule(
        "KCD007",
        Severity.HIGH,
        "keep rule expired; its value is left untouched",
        "renew the rule's expires date, or remove the rule",
        "the inventory: keep, expires",
        _expired,
    ),
    Rule(
        "KCD009",
        Severity.MEDIUM,
        "near the value limit (80%)",
        "split the mesh before it grows further",
        "Microsoft's AskDS blog: about 1,200 values over all non-linked attributes of an object; "
        "not confirmed on a current version",
        _near_limit,
    ),
)
