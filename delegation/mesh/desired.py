"""What every host's computer object must hold, from the inventory alone."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from delegation import names
from delegation.errors import Refused
from delegation.inventory import FileServer, Host, Inventory

HARD_LIMIT = 5_000
"""Values on one object that no domain could hold; meshes are refused before they use memory."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Something a host delegates to, with its values in canonical and in casefolded form."""

    label: str
    computer: str
    fqdn: str
    values: tuple[str, ...]
    keys: tuple[str, ...]
    is_host: bool

    @classmethod
    def of_host(cls, host: Host) -> "Endpoint":
        return cls._of(host.label, host.computer, host.fqdn, names.MANAGED_SERVICES, is_host=True)

    @classmethod
    def of_file_server(cls, server: FileServer) -> "Endpoint":
        return cls._of(server.name, server.computer, server.fqdn, (names.CIFS,), is_host=False)

    @classmethod
    def _of(
        cls, label: str, computer: str, fqdn: str, services: tuple[str, ...], *, is_host: bool
    ) -> "Endpoint":
        values = tuple(names.peer_values(computer, fqdn, services))
        return cls(label, computer, fqdn, values, tuple(v.casefold() for v in values), is_host)


@dataclass(frozen=True, slots=True)
class Delegate:
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


@dataclass(frozen=True)
class Desired:
    """The whole mesh: a delegate for every host of the inventory, targets alone included."""

    domain: str
    delegates: Mapping[str, Delegate]

    def endpoints_of(self, labels: Collection[str]) -> list[Endpoint]:
        """What the hosts ``labels`` reach, each endpoint once, in a stable order."""
        found: dict[tuple[bool, str], Endpoint] = {}
        for label in labels:
            for endpoint in self.delegates[label].endpoints:
                found.setdefault((endpoint.is_host, endpoint.label), endpoint)
        return [found[key] for key in sorted(found)]

    def account_names(self) -> list[str]:
        """The computer names whose accounts must be read: hosts and reached file servers."""
        wanted = {d.host.computer.casefold(): d.host.computer for d in self.delegates.values()}
        for endpoint in self.endpoints_of(list(self.delegates)):
            wanted.setdefault(endpoint.computer.casefold(), endpoint.computer)
        return list(wanted.values())


def expand(inventory: Inventory) -> Desired:
    """Expand the inventory's meshes; their union where a host is in several.

    Raises Refused where a mesh is so large that no computer object could hold its values.
    """
    hosts = {label: Endpoint.of_host(host) for label, host in inventory.hosts.items()}
    position = {label: index for index, label in enumerate(inventory.hosts)}
    reach: dict[str, set[str]] = defaultdict(set)
    for mesh in inventory.meshes:
        _bound(mesh.name, len(mesh.targets) * 4)
        for source in mesh.sources:
            reach[source].update(mesh.targets)
            _bound(mesh.name, len(reach[source]) * 4)
    file_servers = _file_servers_by_host(inventory)
    delegates = {
        label: Delegate(
            host,
            (
                *(hosts[peer] for peer in sorted(reach[label] - {label}, key=position.__getitem__)),
                *file_servers.get(label, ()),
            ),
        )
        for label, host in inventory.hosts.items()
    }
    return Desired(inventory.domain, delegates)


def _bound(mesh: str, values: int) -> None:
    if values > HARD_LIMIT:
        raise Refused(
            f"mesh {mesh!r} would put about {values:,} values on one computer object; "
            "Active Directory holds about 1,200",
            "split it into meshes of at most 300 hosts each",
        )


def _file_servers_by_host(inventory: Inventory) -> Mapping[str, list[Endpoint]]:
    members = {mesh.name: {*mesh.sources, *mesh.targets} for mesh in inventory.meshes}
    reached: dict[str, list[Endpoint]] = defaultdict(list)
    for server in inventory.file_servers:
        endpoint = Endpoint.of_file_server(server)
        for label in set().union(*(members[mesh] for mesh in server.reached_from)):
            reached[label].append(endpoint)
    return reached
