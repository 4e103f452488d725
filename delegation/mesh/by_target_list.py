"""Comparison -> desired values that are missing, and that the target's own list makes up for.

A KDC asks the list of the target where the source's does not have the name (MS-SFU 3.2.5.2.3).
"""

from collections.abc import Iterator, Mapping

from delegation.mesh.acting_list import lets_act
from delegation.mesh.compare import Comparison, HostComparison
from delegation.mesh.desired import Endpoint
from delegation.mesh.snapshot import Computer


def made_up_for(comparison: Comparison) -> Mapping[str, Mapping[str, str]]:
    """By source, each such value with the label of its target."""
    tokens = comparison.snapshot.tokens
    found: dict[str, dict[str, str]] = {}
    for host, endpoint, target in judged_by_target(comparison):
        token = tokens.get(host.computer.guid)
        if lets_act(target.acting, host.computer.sid, token):
            missing = set(host.missing)
            values = {value: endpoint.label for value in endpoint.values if value in missing}
            found.setdefault(host.label, {}).update(values)
    return found


def judged_by_target(
    comparison: Comparison,
) -> Iterator[tuple[HostComparison, Endpoint, Computer]]:
    """Pairs of which a value is missing, where the target has a list of its own."""
    for host in comparison.hosts:
        if not host.missing:
            continue
        missing = set(host.missing)
        for endpoint in host.delegate.endpoints:
            target = comparison.snapshot.computer(endpoint.computer)
            has_list = target is not None and bool(target.acting)
            if target is not None and has_list and not missing.isdisjoint(endpoint.values):
                yield host, endpoint, target
