"""Values of a host -> facts that may leave the house: numbers, kinds and counts, no name."""

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Union

from delegation.errors import CimFailed, HostError
from delegation.hosts.cim import wql
from delegation.hosts.cim.cim_class import CimClass
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_faults import AccessRefused
from delegation.hosts.cim.told import NotTold

Fact = Union[bool, int, str, None, tuple["Fact", ...], Mapping[str, "Fact"]]  # noqa: UP007 - it names itself
Facts = Mapping[str, Fact]


@dataclass(frozen=True, slots=True)
class Probed:
    """Who is asked: the connection, and by what name the host is to know itself."""

    cim: Cim
    computer: str


Ask = Callable[[Probed], Facts]


def rows(cim: Cim, kind: CimClass) -> Fact:
    """How many instances; or the refusal, which is an answer here."""
    try:
        return len(cim.query(wql.every(kind)))
    except (CimFailed, AccessRefused) as exc:
        return refused(exc)


def or_refusal(ask: Callable[[], int]) -> Fact:
    """What ``ask`` gives, or the refusal."""
    try:
        return ask()
    except (CimFailed, AccessRefused) as exc:
        return refused(exc)


def refused(exc: HostError) -> Facts:
    """A host's own no, with all its numbers; or what this program could not make sense of."""
    said = tuple(exc.details) or (exc.what,)
    return {"refused": exc.hresult or "without a number", "said": said}


def refusals_in(fact: Fact) -> int:
    """How many refusals are anywhere in it."""
    if isinstance(fact, Mapping):
        return ("refused" in fact) + sum(map(refusals_in, fact.values()))
    return sum(map(refusals_in, fact)) if isinstance(fact, tuple) else 0


def not_told(found: NotTold) -> Fact:
    return refused(found.error) if found.error else found.why


def form_of(path: str) -> str:
    """What kind of place a path is in, and what kind of file it is; nothing of its name."""
    place = "share" if path.startswith("\\\\") and path[2:3] not in {"?", "."} else "device path"
    place = "drive" if path[1:3] == ":\\" else place
    place = "cluster volume" if "\\clusterstorage\\" in path.casefold() else place
    _, dot, kind = path.rpartition(".")
    return f"{place}, {kind.casefold() if dot and kind.isalnum() else 'no extension'}"


def counted_by(values: Iterable[str]) -> Mapping[str, Fact]:
    return dict(sorted(Counter(values).items()))


def family_of(address: str) -> str:
    """What kind of address it is, and not which; of any network it is ``0.0.0.0`` itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "no address"
    if found.is_unspecified:
        return str(found)
    return f"IPv{found.version}{', link-local' if found.is_link_local else ''}"
