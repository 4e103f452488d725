"""Desired, Snapshot -> the same with those names of file servers that their own account answers to.

A share is opened by the name in its path, and the ticket is for whoever holds that name: for an
alias as for any other (Microsoft, KB 3181029). So a value for a name that nobody answers to does
nothing but wait for somebody who registers it. What a host registers by itself when it starts is
another matter, and so is what another account answers to: that is refused.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from delegation.mesh.desired import Delegate, Desired, Endpoint
from delegation.mesh.name_owners import NameOwners
from delegation.mesh.snapshot import Snapshot


class UnansweredNames(NamedTuple):
    """The values of a file server that no host gets, and how each name is registered."""

    label: str
    values: tuple[str, ...]
    fixes: tuple[str, ...]


def left_out(
    desired: Desired, snapshot: Snapshot, labels: Collection[str]
) -> Iterator[UnansweredNames]:
    """Of the file servers that the hosts ``labels`` reach."""
    for server in desired.endpoints_of(labels):
        if server.unanswered:
            owners = [NameOwners.of(snapshot, server, value) for value in server.unanswered]
            fixes = tuple(found.registering_itself for found in owners)
            yield UnansweredNames(server.label, server.unanswered, fixes)


def answered(desired: Desired, snapshot: Snapshot) -> Desired:
    """Without the values that no account answers to; those of hosts stay as they are."""
    servers: dict[str, Endpoint] = {}
    for endpoint in desired.endpoints_of(list(desired.delegates)):
        if not endpoint.is_host:
            servers[endpoint.label] = _answered(endpoint, snapshot)
    if not any(server.unanswered for server in servers.values()):
        return desired
    delegates = {}
    for label, delegate in desired.delegates.items():
        endpoints = tuple(it if it.is_host else servers[it.label] for it in delegate.endpoints)
        delegates[label] = Delegate(delegate.host, endpoints)
    return Desired(desired.domain, delegates)


def _answered(server: Endpoint, snapshot: Snapshot) -> Endpoint:
    """A server without an account keeps all of its values, which are refused by that."""
    if snapshot.computer(server.computer) is None:
        return server
    unanswered = [value for value in server.values if not snapshot.owners(value)]
    return server.without(unanswered) if unanswered else server
