"""MeshCase -> observations of accounts whose tickets are encrypted to keys that are going away."""

from collections.abc import Iterator

from delegation.mesh.checks.rule import MeshCase, Observation, Rule, Severity
from delegation.mesh.encryption_types import AES_FIX, WeakKeys, weak_keys
from delegation.mesh.snapshot import Computer

_WORDS = {
    WeakKeys.DES: "no domain controller in use encrypts tickets so: migrations fail",
    WeakKeys.RC4: "migrations to it fail when domain controllers give no more RC4 tickets",
}
_SEVERITIES = {WeakKeys.DES: Severity.HIGH, WeakKeys.RC4: Severity.MEDIUM}


def _encryption(case: MeshCase) -> Iterator[Observation]:
    """Of both ends: a host logs on by its own key, and its peers get tickets to that key."""
    for label, account in _ends(case):
        weakness = weak_keys(account)
        if weakness is not None:
            message = f"{account.account} takes {weakness.value}: {_WORDS[weakness]} (0x80090342)"
            yield Observation(label, "", message, severity=_SEVERITIES[weakness])


def _ends(case: MeshCase) -> Iterator[tuple[str, Computer]]:
    """The hosts in scope, and the file servers that they reach."""
    comparison = case.comparison
    for host in comparison.hosts:
        yield host.label, host.computer
    for endpoint in comparison.endpoints:
        server = comparison.snapshot.computer(endpoint.computer)
        if not endpoint.is_host and server is not None:
            yield endpoint.label, server


RULES = (
    Rule(
        "KCD032",
        Severity.HIGH,
        "encryption types that domain controllers refuse, or soon will",
        AES_FIX,
        "MS-KILE 2.2.7; KB5021131 (CVE-2022-37966); SSSD #6427, CSS-Exchange #1137",
        _encryption,
    ),
)
