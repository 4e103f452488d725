"""Inventory -> Desired: what every host's computer object must hold."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from delegation import names
from delegation.errors import Refused
from delegation.inventory import FileServer, Host, Inventory

HARD_LIMIT = 5_000
"""Values on one object that no domain could hold; meshes are refused before they use memory."""


class Endpoint(NamedTuple):
    """Something a host delegates to, with its values in canonical and in casefolded form."""

    label: str
    computer: str
    fqdn: str
    values: tuple[str, ...]
    keys: tuple[str, ...]
    is_host: bool

    @classmethod
    def of_host(cls, host: Host) -> "Endpoint":
        # cifs for the storage, which is written through a hidden share of the target, and the
        # migration service for the machine itself.
        return cls._of(host.label, host.computer, host.fqdn, names.MANAGED_SERVICES, is_host=True)

    @classmethod
    def of_file_server(cls, server: FileServer) -> "Endpoint":
        return cls._of(server.name, server.computer, server.fqdn, (names.CIFS,), is_host=False)

    @classmethod
    def _of(
        cls, label: str, computer: str, fqdn: str, services: tuple[str, ...], *, is_host: bool
    ) -> "Endpoint":
        values = tuple(names.peer_values(computer, fqdn, services))
        keys = tuple(value.casefold() for value in values)
        return cls(label, computer, fqdn, values, keys, is_host)


class Delegate(NamedTuple):
    """One host and the endpoints it may delegate to, in the order of the inventory.

    ``protocol_transition`` None: leave the flag as it is found. A host that delegates to nothing
    has no use for the flag, and none is asked for.
    """

    host: Host
    endpoints: tuple[Endpoint, ...]

    @property
    def protocol_transition(self) -> bool | None:
        return self.host.protocol_transition if self.endpoints else None

    def values(self) -> Iterator[tuple[str, str]]:
        """Each desired value as (casefolded, canonical)."""
        for endpoint in self.endpoints:
            yield from zip(endpoint.keys, endpoint.values, strict=True)


class Desired(NamedTuple):
    """The whole mesh: a delegate for every host of the inventory, targets alone included."""

    domain: str
    delegates: Mapping[str, Delegate]

    def endpoints_of(self, labels: Collection[str]) -> list[Endpoint]:
        """What the hosts ``labels`` reach, each endpoint once, in a stable order."""
        # Every host that reaches an endpoint has the same object: by its identity, a million of
        # them are told apart in a quarter of the time.
        reached = {id(it): it for label in labels for it in self.delegates[label].endpoints}
        endpoints = {(it.is_host, it.label): it for it in reached.values()}
        return [endpoints[key] for key in sorted(endpoints)]

    def account_names(self) -> list[str]:
        """The computer names whose accounts must be read: hosts and reached file servers."""
        spellings: dict[str, str] = {}
        for delegate in self.delegates.values():
            spellings[delegate.host.computer.casefold()] = delegate.host.computer
        for endpoint in self.endpoints_of(list(self.delegates)):
            spellings.setdefault(endpoint.computer.casefold(), endpoint.computer)
        return list(spellings.values())


def expand(inventory: Inventory) -> Desired:
    """Expand the inventory's meshes; their union where a host is in several.

    Every host is listed by itself on every other one's account: the attribute takes no groups.

    Raises Refused where a mesh is so large that no computer object could hold its values.
    """
    host_endpoints = {label: Endpoint.of_host(host) for label, host in inventory.hosts.items()}
    file_servers = _file_servers_by_host(inventory)
    reach = _reach_by_host(inventory)
    position = {label: index for index, label in enumerate(inventory.hosts)}
    delegates: dict[str, Delegate] = {}
    for label, host in inventory.hosts.items():
        peers = sorted(reach.get(label, set()) - {label}, key=position.__getitem__)
        endpoints = [host_endpoints[peer] for peer in peers]
        endpoints += file_servers.get(label, ())
        delegates[label] = Delegate(host, tuple(endpoints))
    return Desired(inventory.domain, delegates)


def _reach_by_host(inventory: Inventory) -> Mapping[str, set[str]]:
    """The labels of all targets of each source. Raises Refused before they use up memory."""
    reach: dict[str, set[str]] = defaultdict(set)
    for mesh in inventory.meshes:
        _refuse_too_many(mesh.name, len(mesh.targets) * 4)
        for source in mesh.sources:
            reach[source].update(mesh.targets)
            _refuse_too_many(mesh.name, len(reach[source]) * 4)
    return reach


def _refuse_too_many(mesh: str, values: int) -> None:
    if values > HARD_LIMIT:
        raise Refused(
            f"mesh {mesh!r} would put about {values:,} values on one computer object; "
            "Active Directory holds about 1,200",
            "split it into meshes of at most 300 hosts each",
        )


def _file_servers_by_host(inventory: Inventory) -> Mapping[str, list[Endpoint]]:
    members = {mesh.name: {*mesh.sources, *mesh.targets} for mesh in inventory.meshes}
    servers: dict[str, list[Endpoint]] = defaultdict(list)
    for server in inventory.file_servers:
        endpoint = Endpoint.of_file_server(server)
        meshes = [members[mesh] for mesh in server.reached_from]
        for label in set().union(*meshes):
            servers[label].append(endpoint)
    return servers
