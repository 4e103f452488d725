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
    is_user: bool = False
    """A file server whose account is a user's: ``computer`` is its whole name."""
    unanswered: tuple[str, ...] = ()
    """Names of a file server that are left out of its values, for nobody answers to them."""

    @property
    def account(self) -> str:
        """The sAMAccountName."""
        return self.computer if self.is_user else f"{self.computer}$"

    @classmethod
    def of_host(cls, host: Host, services: tuple[str, ...] = names.MANAGED_SERVICES) -> "Endpoint":
        # cifs for the storage, which is written through a hidden share of the target, and the
        # migration service for the machine itself.
        values = tuple(names.peer_values(host.computer, host.fqdn, services))
        return cls(host.label, host.computer, host.fqdn, values, _keys(values), is_host=True)

    @classmethod
    def of_file_server(cls, server: FileServer) -> "Endpoint":
        values = tuple(f"{names.CIFS}/{name}" for name in server.names)
        keys = _keys(values)
        return cls(server.name, server.computer, server.fqdn, values, keys, False, server.is_user)

    def without(self, values: Collection[str]) -> "Endpoint":
        """The same with ``values`` left out, because nobody answers to them."""
        left = tuple(value for value in self.values if value not in values)
        return self._replace(values=left, keys=_keys(left), unanswered=tuple(values))


def _keys(values: Collection[str]) -> tuple[str, ...]:
    return tuple(value.casefold() for value in values)


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

    def endpoint(self, target: Endpoint) -> Endpoint | None:
        """The same target with the values that this host reaches it by; None: it does not."""
        for endpoint in self.endpoints:
            if endpoint.label == target.label and endpoint.is_host == target.is_host:
                return endpoint
        return None

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
        # Of a host that some reach by fewer services than others, the one with all of them.
        by_values = sorted(reached.values(), key=lambda it: len(it.values))
        endpoints = {(it.is_host, it.label): it for it in by_values}
        return [endpoints[key] for key in sorted(endpoints)]

    def account_names(self) -> list[str]:
        """The computer names whose accounts must be read: hosts and reached file servers."""
        spellings: dict[str, str] = {}
        for delegate in self.delegates.values():
            spellings[delegate.host.computer.casefold()] = delegate.host.computer
        for endpoint in self.endpoints_of(list(self.delegates)):
            if not endpoint.is_user:
                spellings.setdefault(endpoint.computer.casefold(), endpoint.computer)
        return list(spellings.values())

    def user_names(self) -> list[str]:
        """The user accounts that must be read: those of reached file servers."""
        reached = self.endpoints_of(list(self.delegates))
        return [endpoint.computer for endpoint in reached if endpoint.is_user]


def expand(inventory: Inventory) -> Desired:
    """Expand the inventory's meshes; their union where a host is in several.

    Every host is listed by itself on every other one's account: the attribute takes no groups.

    Raises Refused where a mesh is so large that no computer object could hold its values.
    """
    host_endpoints = _host_endpoints(inventory)
    file_servers = _file_servers_by_host(inventory)
    reach = _reach_by_host(inventory)
    position = {label: index for index, label in enumerate(inventory.hosts)}
    delegates: dict[str, Delegate] = {}
    for label, host in inventory.hosts.items():
        services = reach.get(label, {})
        peers = sorted(services.keys() - {label}, key=position.__getitem__)
        endpoints = [host_endpoints[services[peer]][peer] for peer in peers]
        endpoints += file_servers.get(label, ())
        delegates[label] = Delegate(host, tuple(endpoints))
    return Desired(inventory.domain, delegates)


Services = tuple[str, ...]
"""Service classes, in the order in which values are written."""


def _host_endpoints(inventory: Inventory) -> Mapping[Services, Mapping[str, Endpoint]]:
    """Every host as an endpoint by its label, for each set of services that some mesh asks for."""
    asked = {mesh.services for mesh in inventory.meshes}
    if len(asked) > 1:
        # A host that is in several meshes is reached by what they ask for together.
        asked.add(names.MANAGED_SERVICES)
    by_services: dict[Services, dict[str, Endpoint]] = {}
    for services in asked:
        endpoints: dict[str, Endpoint] = {}
        for label, host in inventory.hosts.items():
            endpoints[label] = Endpoint.of_host(host, services)
        by_services[services] = endpoints
    return by_services


def _reach_by_host(inventory: Inventory) -> Mapping[str, Mapping[str, Services]]:
    """The labels of all targets of each source, and by which services it reaches each.

    Raises Refused before they use up memory.
    """
    reach: dict[str, dict[str, Services]] = defaultdict(dict)
    for mesh in inventory.meshes:
        _refuse_too_many(mesh.name, len(mesh.targets) * len(mesh.services) * 2)
        targets = dict.fromkeys(mesh.targets, mesh.services)
        for source in mesh.sources:
            reached = reach[source]
            others = [it for it, services in reached.items() if services != mesh.services]
            reached.update(targets)
            reached.update(dict.fromkeys(targets.keys() & others, names.MANAGED_SERVICES))
            _refuse_too_many(mesh.name, len(reached) * len(mesh.services) * 2)
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
