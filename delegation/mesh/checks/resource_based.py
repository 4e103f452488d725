"""MeshCase -> observations of the hosts' own lists: who may act there, what they let through."""

from collections.abc import Iterator, Mapping

from delegation.inventory.accepted import Trusted
from delegation.mesh.checks.acceptance import one_higher, terms
from delegation.mesh.checks.rule import MeshCase, Observation, Rule, Severity
from delegation.mesh.compare import HostComparison, is_live

_SEVERITY = Severity.MEDIUM
_WELL_KNOWN = {
    "S-1-1-0": "Everyone",
    "S-1-5-7": "Anonymous Logon",
    "S-1-5-9": "Enterprise Domain Controllers",
    "S-1-5-10": "the computer itself",
    "S-1-5-11": "Authenticated Users",
}
"""Principals that are no objects of a domain (MS-DTYP 2.4.2.4)."""


def _resource_based(case: MeshCase) -> Iterator[Observation]:
    """Whoever is on a host's own list needs no value of ours, and no flag (MS-SFU 3.2.5.2.3).

    Not even an account that delegates nothing: with an empty list of its own, S4U2self gives a
    forwardable ticket without protocol transition (MS-SFU 3.2.5.1.2). And whoever may write this
    attribute can grant it: SeEnableDelegationPrivilege, which guards the classic list, does not
    guard this one. So a retired host keeps what its peers' lists give it.
    """
    account_names = case.comparison.snapshot.account_names
    told_otherwise = _sources_told_otherwise(case)
    trusted = {one.account.casefold(): one for one in case.comparison.inventory.trusted}
    for host in case.comparison.hosts:
        strangers: dict[str, str] = {}
        for sid in sorted({ace.sid for ace in host.computer.acting if ace.allows}):
            name = account_names.get(sid) or _WELL_KNOWN.get(sid, sid)
            trust = trusted.get(sid.casefold()) or trusted.get(
                account_names.get(sid, "").casefold()
            )
            if trust is not None:
                yield from _no_longer_trusted(case, host, sid, name, trust)
            elif sid not in told_otherwise.get(host.label, ()):
                strangers[sid] = name
        if strangers:
            yield Observation(
                host.label,
                "",
                f"{_MAY_ACT}: {', '.join(sorted(strangers.values()))}",
                named=tuple(strangers),
            )


_MAY_ACT = "these may act on it on behalf of others, resource-based"


def _no_longer_trusted(
    case: MeshCase, host: HostComparison, sid: str, name: str, trust: Trusted
) -> Iterator[Observation]:
    """One higher: somebody was to look again by that day, and did not."""
    if not is_live(trust, case.comparison.today):
        message = f"{_MAY_ACT}: {name}; was trusted{terms(trust)}"
        yield Observation(host.label, "", message, severity=one_higher(_SEVERITY), named=(sid,))


def _sources_told_otherwise(case: MeshCase) -> Mapping[str, set[str]]:
    """By target, the SIDs of peers that its list lets through in place of values: KCD034."""
    sids: dict[str, set[str]] = {}
    by_label = {host.label: host for host in case.comparison.hosts}
    for source, let_through in case.by_target_alone.items():
        for target in let_through.values():
            sids.setdefault(target, set()).add(by_label[source].computer.sid)
    return sids


def _by_target_alone(case: MeshCase) -> Iterator[Observation]:
    """A mesh by resource-based delegation: it may work as it is, and an apply adds the values."""
    for label, let_through in case.by_target_alone.items():
        for value, target in let_through.items():
            message = (
                f"not on its own list; that of {target} lets it through (resource-based). Whether "
                "Hyper-V migrates over such a list is not confirmed"
            )
            yield Observation(label, value, message)


RULES = (
    Rule(
        "KCD016",
        _SEVERITY,
        "resource-based delegation to a host",
        "ask its owner; clear msDS-AllowedToActOnBehalfOfOtherIdentity where nobody needs it, or "
        "list the account under trusted",
        "MS-SFU 3.2.5.2.3; MS-ADA2, msDS-AllowedToActOnBehalfOfOtherIdentity",
        _resource_based,
    ),
    Rule(
        "KCD034",
        Severity.MEDIUM,
        "desired value missing, which the target's list makes up for (resource-based)",
        "delegation plan, then delegation apply",
        "MS-SFU 3.2.5.2.3: the target's list counts where the source's does not have the name",
        _by_target_alone,
        drift=True,
        preflight=False,
    ),
)
