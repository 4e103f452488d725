"""Comparison -> Matrix: of each source towards each target, which of its values are there.

Derived from a comparison, which alone judges values; here they are only put in their places.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from delegation import names
from delegation.inventory import Foreign, Inventory
from delegation.mesh.compare import Comparison, HostComparison, Standing, Verdict
from delegation.mesh.desired import Endpoint


class PairState(StrEnum):
    """What a source's values towards one target come to."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    MISSING = "missing"
    UNEXPECTED = "unexpected"
    """Outside the mesh, and yet there are values."""
    KEPT = "kept"
    """Outside the mesh, and what is there stays: by a keep rule, or policy.foreign: ignore."""
    OUTSIDE = "outside"
    """No value is wanted, none is there."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A source's values towards one target: those that are desired, and all others.

    ``desired`` is empty where the target is outside the source's mesh. ``extra`` are values of any
    service that name the target and are not desired; ``unexpected`` are those that nothing lets
    stay.
    """

    desired: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[Verdict, ...] = ()
    unexpected: tuple[Verdict, ...] = ()

    @property
    def present(self) -> tuple[str, ...]:
        return tuple(value for value in self.desired if value not in self.missing)

    @property
    def state(self) -> PairState:
        """One word for it; of a pair of the mesh, by its own values alone."""
        if self.desired:
            if not self.missing:
                return PairState.COMPLETE
            is_empty = len(self.missing) == len(self.desired)
            return PairState.MISSING if is_empty else PairState.PARTIAL
        if self.unexpected:
            return PairState.UNEXPECTED
        return PairState.KEPT if self.extra else PairState.OUTSIDE


@dataclass(frozen=True, slots=True)
class Row:
    """One source: its cells by the position of their target, and values that name no target.

    A target without a cell is outside the mesh by design. ``elsewhere`` are values of retired
    hosts, of other services, of machines that the inventory does not know; ``unexpected`` are those
    of them that nothing lets stay.
    """

    source: HostComparison
    cells: Mapping[int, Cell]
    elsewhere: tuple[Verdict, ...]
    unexpected: tuple[Verdict, ...]

    def counts(self) -> Counter[PairState]:
        """How many pairs are in each state; those outside that hold nothing are not counted."""
        return Counter(cell.state for cell in self.cells.values())

    @property
    def surprises(self) -> int:
        """Pairs of any state that hold values which nothing lets stay."""
        return sum(bool(cell.unexpected) for cell in self.cells.values())


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """Targets that are in the same meshes in the same roles, by position: wanted alike by all."""

    name: str
    members: tuple[int, ...]


@dataclass(frozen=True)
class Matrix:
    """``targets``: every host in the order of the inventory, then every file server.

    ``rows`` are the sources in scope. Between two ``groups`` either every pair is desired, a host
    with itself apart, and then the two are in ``desired``, or none is.
    """

    targets: tuple[Endpoint, ...]
    rows: tuple[Row, ...]
    groups: tuple[TargetGroup, ...]
    desired: frozenset[tuple[int, int]]

    def counts(self) -> Counter[PairState]:
        """How many pairs of the whole mesh are in each state, as ``Row.counts`` has it."""
        return sum((row.counts() for row in self.rows), Counter())


def matrix(comparison: Comparison) -> Matrix:
    """Put every verdict in its place. Takes time in proportion to the values."""
    inventory = comparison.inventory
    reached = comparison.desired.endpoints_of(list(comparison.desired.delegates))
    servers = {endpoint.label: endpoint for endpoint in reached if not endpoint.is_host}
    targets = [Endpoint.of_host(host) for host in inventory.hosts.values()]
    for server in inventory.file_servers:
        targets.append(servers.get(server.name) or Endpoint.of_file_server(server))
    position: dict[str, int] = {}
    by_name: dict[str, int] = {}
    for index, target in enumerate(targets):
        position[target.label] = index
        by_name[target.computer.casefold()] = index
        by_name[target.fqdn.casefold()] = index
    for server in inventory.file_servers:
        by_name |= {name.casefold(): position[server.name] for name in server.names}
    ignored = inventory.policy.foreign is Foreign.IGNORE
    rows = tuple(_row(host, position, by_name, ignored=ignored) for host in comparison.hosts)
    groups = tuple(_groups(inventory, position))
    return Matrix(tuple(targets), rows, groups, _desired(comparison, position, groups))


def _row(
    host: HostComparison, position: Mapping[str, int], by_name: Mapping[str, int], *, ignored: bool
) -> Row:
    """Targets by ``position`` of their label, and ``by_name`` of any service there, casefolded."""
    extra: dict[int, list[Verdict]] = defaultdict(list)
    elsewhere: list[Verdict] = []
    for verdict in host.extra:
        spn = names.ServicePrincipalName.parse(verdict.value)
        target = by_name.get(spn.host.casefold()) if spn else None
        if target is None:
            elsewhere.append(verdict)
        else:
            extra[target].append(verdict)
    lacking = set(host.missing)
    desired = {position[endpoint.label]: endpoint.values for endpoint in host.delegate.endpoints}
    cells = {}
    for target in sorted(desired.keys() | extra.keys()):
        values = desired.get(target, ())
        # Most hosts of a large mesh lack nothing: none of their values is looked at again.
        missing = tuple(value for value in values if value in lacking) if lacking else ()
        others = tuple(extra.get(target, ()))
        unexpected = _unexpected(others, ignored=ignored)
        cells[target] = Cell(values, missing, others, unexpected)
    return Row(host, cells, tuple(elsewhere), _unexpected(elsewhere, ignored=ignored))


def _unexpected(verdicts: Iterable[Verdict], *, ignored: bool) -> tuple[Verdict, ...]:
    """Those that nothing lets stay; ``ignored``: policy.foreign is ignore."""
    return tuple(verdict for verdict in verdicts if _is_unexpected(verdict, ignored=ignored))


def _is_unexpected(verdict: Verdict, *, ignored: bool) -> bool:
    if verdict.standing is not Standing.FOREIGN:
        return verdict.standing is Standing.STALE
    # A rule that it has is one that expired: policy.foreign says nothing of that.
    return verdict.rule is not None or not ignored


def _groups(inventory: Inventory, position: Mapping[str, int]) -> Iterator[TargetGroup]:
    """Targets by the meshes that they are in, each with its role there, as its name says."""
    roles: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for mesh in inventory.meshes:
        sources, targets = set(mesh.sources), set(mesh.targets)
        for label in mesh.sources:
            roles[label].append((mesh.name, "" if label in targets else " (sources)"))
        for label in mesh.targets:
            if label not in sources:
                roles[label].append((mesh.name, " (targets)"))
    for server in inventory.file_servers:
        roles[server.name] = [("file servers of ", ", ".join(server.reached_from))]
    alike: dict[tuple[tuple[str, str], ...], list[int]] = defaultdict(list)
    for label, index in position.items():
        alike[tuple(roles[label])].append(index)
    for meshes, members in alike.items():
        name = " + ".join(f"{mesh}{role}" for mesh, role in meshes)
        yield TargetGroup(name, tuple(members))


def _desired(
    comparison: Comparison, position: Mapping[str, int], groups: tuple[TargetGroup, ...]
) -> frozenset[tuple[int, int]]:
    """Which groups reach which: what holds for the first member holds for all."""
    labels = list(position)
    group_of: dict[int, int] = {}
    for number, group in enumerate(groups):
        group_of |= dict.fromkeys(group.members, number)
    delegates = comparison.desired.delegates
    reached: set[tuple[int, int]] = set()
    for number, group in enumerate(groups):
        first = labels[group.members[0]]
        endpoints = delegates[first].endpoints if first in delegates else ()
        for endpoint in endpoints:
            reached.add((number, group_of[position[endpoint.label]]))
    return frozenset(reached)
