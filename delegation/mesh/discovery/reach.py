"""The hosts that were found -> who delegates to whom already, and so which of them make a mesh.

A mesh is what delegates to each other, if need be by way of others: one that lost some of its
values is mended by that, and no host gets delegation that has none. Whom a host reaches one way
only, it reaches one way: a recovery site gives nothing back.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from delegation import names
from delegation.mesh.retirement import host_of
from delegation.mesh.snapshot import Computer


class OneWay(NamedTuple):
    """Sources that reach the same targets, none of which reaches back."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]


class Reach(NamedTuple):
    """Hosts by label: ``meshes`` in both directions, ``one_way``, and those ``idle`` in neither."""

    meshes: tuple[tuple[str, ...], ...]
    one_way: tuple[OneWay, ...]
    idle: tuple[str, ...]


def reach(hosts: Mapping[str, Computer]) -> Reach:
    """How these hosts delegate to each other; every list in the order of ``hosts``."""
    migrating = _delegating(hosts, names.MIGRATION)
    copying = _delegating(hosts, names.CIFS)
    edges = _edges(migrating, copying)
    meshes = _connected(_mutual(edges))
    mesh_of: dict[str, int] = {}
    for number, mesh in enumerate(meshes):
        mesh_of |= dict.fromkeys(mesh, number)
    by_targets: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for source, targets in edges.items():
        own = mesh_of.get(source)
        # Within a mesh every direction is there, or is mended. What leads from one to another
        # without cifs moves nothing, and is no reason to let it: it is told as a value left over.
        wanted = targets
        if own is not None:
            wanted = {one for one in targets if one not in mesh_of or one in copying[source]}
        away = tuple(one for one in hosts if one in wanted and mesh_of.get(one, -1) != own)
        if away:
            by_targets[away].append(source)
    meshed = set(mesh_of)
    one_way = []
    for away, sources in by_targets.items():
        one_way.append(OneWay(tuple(sources), away))
        meshed.update(sources, away)
    idle = tuple(label for label in hosts if label not in meshed)
    return Reach(tuple(meshes), tuple(one_way), idle)


def only_migrates(
    hosts: Mapping[str, Computer], sources: tuple[str, ...], targets: tuple[str, ...]
) -> bool:
    """Whether the sources delegate the migration service to the targets, and no cifs.

    So it is done where virtual machines stay on SMB storage.
    """
    copying = _delegating({label: hosts[label] for label in {*sources, *targets}}, names.CIFS)
    return not any(copying[source].intersection(targets) for source in sources)


def _edges(
    migrating: Mapping[str, set[str]], copying: Mapping[str, set[str]]
) -> dict[str, set[str]]:
    """Whom each host may delegate to, by the migration service, which nothing else uses.

    A cifs value alone may be for somebody's ISO images. It counts where the other end migrates
    here: then it is what is left of a pair.
    """
    edges: dict[str, set[str]] = {}
    for label, targets in migrating.items():
        left_of_a_pair = {other for other in copying[label] if label in migrating[other]}
        edges[label] = targets | left_of_a_pair
    return edges


def _mutual(edges: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Of these edges, those that lead back as well."""
    mutual: dict[str, set[str]] = {}
    for label, targets in edges.items():
        mutual[label] = {target for target in targets if label in edges[target]}
    return mutual


def _delegating(hosts: Mapping[str, Computer], service: str) -> dict[str, set[str]]:
    """The other hosts that each holds a value of the service for."""
    labels = _labels(hosts)
    found: dict[str, set[str]] = {label: set() for label in hosts}
    for label, account in hosts.items():
        for value in account.values:
            target = labels.get(host_of(value, service))
            if target is not None and target != label:
                found[label].add(target)
    return found


def _labels(hosts: Mapping[str, Computer]) -> dict[str, str]:
    """The label of each host by every name, casefolded, that a value may call it."""
    labels: dict[str, str] = {}
    for label, account in hosts.items():
        labels[account.name.casefold()] = label
        if account.dns_host_name:
            labels.setdefault(account.dns_host_name.casefold(), label)
    return labels


def _connected(neighbours: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """The groups of two and more that are connected; neighbours are mutual."""
    found: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for start in neighbours:
        group: set[str] = set()
        waiting = [start] if start not in seen else []
        while waiting:
            one = waiting.pop()
            if one not in group:
                group.add(one)
                waiting += neighbours[one]
        seen |= group
        if len(group) > 1:
            found.append(tuple(one for one in neighbours if one in group))
    return found
