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


def members(
    hosts: Mapping[str, Computer], *, one_mesh: bool
) -> tuple[list[UnitMembers], list[str]]:
    """The hosts by container, or all together; and the labels of those that are alone in one.

    Several meshes, alike in size, where an object could not hold the values of one.
    """
    units: dict[str, tuple[str, list[str]]] = {}
    for label, account in hosts.items():
        unit = "" if one_mesh else ",".join(_rdns(account.dn)[1:])
        units.setdefault(names.dn_key(unit), (unit, []))[1].append(label)
    together = [UnitMembers(unit, tuple(labels)) for _, (unit, labels) in sorted(units.items())]
    alone = [unit.labels[0] for unit in together if len(unit.labels) == 1]
    return [part for unit in together if len(unit.labels) > 1 for part in _parts(unit)], alone


def _parts(unit: UnitMembers) -> Iterator[UnitMembers]:
    number = -(-len(unit.labels) // MESH_HOSTS)
    size = -(-len(unit.labels) // number)
    for start in range(0, len(unit.labels), size):
        yield unit._replace(labels=unit.labels[start : start + size])


def named(meshes: Sequence[UnitMembers]) -> dict[str, UnitMembers]:
    """Each mesh by a name of its own: its container's, with those above it where that helps."""
    chains = {mesh.unit: _chain(mesh.unit) for mesh in meshes}
    depths = dict.fromkeys(chains, 1)
    while True:
        wanted = {unit: _slug(chain[: depths[unit]]) for unit, chain in chains.items()}
        shared = Counter(wanted.values())
        deeper = [u for u in chains if shared[wanted[u]] > 1 and depths[u] < len(chains[u])]
        if not deeper:
            break
        for unit in deeper:
            depths[unit] += 1
    often = Counter(wanted[mesh.unit] for mesh in meshes)
    found: dict[str, UnitMembers] = {}
    for mesh in meshes:
        tries = (f"{wanted[mesh.unit]}-{number}" for number in count(1))
        name = wanted[mesh.unit] if often[wanted[mesh.unit]] == 1 else next(tries)
        while name in found:
            name = next(tries)
        found[name] = mesh
    return found


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
    plain = _ESCAPE.sub(lambda m: m[1] if len(m[1]) == 1 else bytes([int(m[1], 16)]), raw)
    return plain.decode(errors="replace")
