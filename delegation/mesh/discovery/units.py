"""Where accounts lie in the directory -> which hosts make a mesh, and what it is called."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from delegation import names
from delegation.mesh.snapshot import Computer

MESH_HOSTS = 300
"""The most hosts of one mesh: 1,196 values on each, about what an object holds."""

ONE_MESH = "all"
"""The name of the mesh where one is asked for."""

_NAME_LENGTH = 60


class UnitMembers(NamedTuple):
    """The hosts of one mesh by label; ``unit`` is their container's name, empty if several."""

    unit: str
    labels: tuple[str, ...]


def below(accounts: Iterable[Computer], units: Collection[str]) -> list[Computer]:
    """Those that lie below one of ``units``, which are distinguished names."""
    bases = tuple("," + names.dn_key(unit) for unit in units)
    return [account for account in accounts if names.dn_key(account.dn).endswith(bases)]


def container(account: Computer) -> str:
    """The distinguished name of what an account lies in."""
    return ",".join(_rdns(account.dn)[1:])


def members(
    hosts: Mapping[str, Computer], groups: Sequence[Sequence[str]], *, one_mesh: bool
) -> tuple[list[UnitMembers], list[str]]:
    """The meshes: of ``groups``, each with the other hosts of the unit where most of it lies.

    Hosts of units without any make a mesh of their own. All together where there is to be one.
    Second, the labels of those that are alone in their unit. Several meshes, alike in size, where
    an object could not hold the values of one.
    """
    if one_mesh:
        together = UnitMembers("", tuple(hosts))
        return (list(_parts(together)), []) if len(hosts) > 1 else ([], list(hosts))
    meshes = [[*group] for group in groups]
    units = [_most_frequent_unit(hosts, group) for group in groups]
    grouped = set().union(*groups)
    largest: dict[str, int] = {}
    for number in sorted(range(len(meshes)), key=lambda number: len(groups[number])):
        largest[names.dn_key(units[number])] = number
    left: dict[str, tuple[str, list[str]]] = {}
    for label, account in hosts.items():
        unit = container(account)
        key = names.dn_key(unit)
        if label in grouped:
            continue
        if key in largest:
            meshes[largest[key]].append(label)
        else:
            left.setdefault(key, (unit, []))[1].append(label)
    of_units: list[tuple[str, list[str]]] = []
    alone: list[str] = []
    for unit, labels in left.values():
        if len(labels) > 1:
            of_units.append((unit, labels))
        else:
            alone += labels
    parts: list[UnitMembers] = []
    for unit, labels in sorted([*zip(units, meshes, strict=True), *of_units], key=_by_unit):
        parts += _parts(UnitMembers(unit, tuple(one for one in hosts if one in set(labels))))
    return parts, alone


def _by_unit(mesh: tuple[str, list[str]]) -> str:
    return names.dn_key(mesh[0])


def _most_frequent_unit(hosts: Mapping[str, Computer], labels: Sequence[str]) -> str:
    """The container of most of these hosts; of several as frequent the first."""
    counts = Counter(container(hosts[label]) for label in labels)
    return counts.most_common(1)[0][0]


def one_way_name(targets: str, taken: Collection[str]) -> str:
    """A free name for a mesh that leads to a unit's hosts."""
    name = f"to-{_slug(_chain(targets)[:1])}"[:_NAME_LENGTH]
    numbered = (f"{name}-{number}" for number in count(2))
    while name in taken:
        name = next(numbered)
    return name


def _parts(unit: UnitMembers) -> Iterator[UnitMembers]:
    """As few as can hold them, and alike in size; both divisions round up."""
    number = -(-len(unit.labels) // MESH_HOSTS)
    size = -(-len(unit.labels) // number)
    for start in range(0, len(unit.labels), size):
        yield unit._replace(labels=unit.labels[start : start + size])


def named(meshes: Sequence[UnitMembers]) -> dict[str, UnitMembers]:
    """Each mesh by a name of its own: its container's, with those above it where that helps."""
    slugs = _slugs(dict.fromkeys(mesh.unit for mesh in meshes))
    uses = Counter(slugs[mesh.unit] for mesh in meshes)
    by_name: dict[str, UnitMembers] = {}
    for mesh in meshes:
        slug = slugs[mesh.unit]
        numbered = (f"{slug}-{number}" for number in count(1))
        name = slug if uses[slug] == 1 else next(numbered)
        # A number may make the name of another container.
        while name in by_name:
            name = next(numbered)
        by_name[name] = mesh
    return by_name


def _slugs(units: Iterable[str]) -> dict[str, str]:
    """A name for each container, as short as tells it from the others, where there is one."""
    chains = {unit: _chain(unit) for unit in units}
    depths = dict.fromkeys(chains, 1)
    while True:
        slugs = {unit: _slug(chain[: depths[unit]]) for unit, chain in chains.items()}
        uses = Counter(slugs.values())
        ambiguous = [unit for unit in chains if uses[slugs[unit]] > 1]
        deeper = [unit for unit in ambiguous if depths[unit] < len(chains[unit])]
        if not deeper:
            return slugs
        for unit in deeper:
            depths[unit] += 1


def _chain(unit: str) -> list[str]:
    """The names of a container and of those above it, the nearest first."""
    if not unit:
        return [ONE_MESH]
    parts = [part.partition("=") for part in _rdns(unit)]
    inner = [value for kind, _, value in parts if kind.strip().casefold() != "dc"]
    return [_unescaped(value) for value in inner or [parts[0][2]]]


def _slug(chain: Sequence[str]) -> str:
    text = unicodedata.normalize("NFC", "-".join(reversed(chain))).casefold()
    return re.sub(r"[^\w]+", "-", text).strip("-")[:_NAME_LENGTH].strip("-") or "mesh"


_RDN = re.compile(r"((?:[^,\\]|\\.)+)(?:,|\Z)", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)


def _rdns(dn: str) -> list[str]:
    return _RDN.findall(dn)


def _unescaped(value: str) -> str:
    """An attribute value of a distinguished name, without its escapes (RFC 4514), to be read."""
    raw = value.encode(errors="replace")
    plain = _ESCAPE.sub(_unescaped_byte, raw)
    return plain.decode(errors="replace")


def _unescaped_byte(escape: re.Match[bytes]) -> bytes:
    escaped = escape[1]
    return escaped if len(escaped) == 1 else bytes([int(escaped, 16)])
