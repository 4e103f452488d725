"""A host -> what lies outside Hyper-V's namespace; each may be refused, and is then not told."""

from dataclasses import dataclass
from typing import TypeVar

from delegation.errors import CimFailed
from delegation.hosts.cim import wql
from delegation.hosts.cim.cim_classes import (
    CLUSTER_ITSELF,
    IP_ADDRESS,
    OPERATING_SYSTEM,
    SECURITY_SERVICES,
    SERVICE,
    VOLUME,
)
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_faults import NO_CLASS, NO_NAMESPACE
from delegation.hosts.cim.told import NotTold, told

T = TypeVar("T")

VMMS, CLUSTER_SERVICE = "vmms", "clussvc"
_KIB = 1024
_RUNNING, _GUARD = "SecurityServicesRunning", 1
"""Which of Device Guard's services run; 1 is Credential Guard."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume by where it is mounted, which need not be a drive's letter; sizes in bytes."""

    mounted: str
    size: int
    free: int


@dataclass(frozen=True, slots=True)
class WindowsVersion:
    """Windows by numbers, and its languages; memory in bytes, the host's own share included."""

    version: str
    build: str
    languages: tuple[str, ...]
    memory: int
    memory_free: int


def read_windows(cim: Cim) -> WindowsVersion | NotTold:
    """What runs on the host."""

    def ask() -> WindowsVersion:
        found = cim.only(wql.every(OPERATING_SYSTEM))
        return WindowsVersion(
            found.text("Version"),
            found.text("BuildNumber"),
            found.texts("MUILanguages"),
            found.integer("TotalVisibleMemorySize") * _KIB,
            found.integer("FreePhysicalMemory") * _KIB,
        )

    return told(ask)


def read_service_state(cim: Cim, name: str) -> str | NotTold:
    """What a service is at, as in ``Running``; empty: there is none of that name."""

    def ask() -> str:
        found = cim.query(wql.every(SERVICE, Name=name))
        return next((one.text("State") for one in found), "")

    return told(ask)


def read_volumes(cim: Cim) -> tuple[Volume, ...] | NotTold:
    """All that have a size: a drive without a medium has none."""

    def ask() -> tuple[Volume, ...]:
        found = cim.query(wql.every(VOLUME))
        sized = (one for one in found if one.integer_or_none("Capacity"))
        volumes = (
            Volume(one.text("Name"), one.integer("Capacity"), one.integer("FreeSpace"))
            for one in sized
        )
        return _some(cim, tuple(volumes), "volumes")

    return told(ask)


def read_addresses(cim: Cim) -> tuple[str, ...]:
    """All IP addresses, without the zones of link-local ones. Raises CimFailed, AccessRefused."""
    found = cim.query(wql.every(IP_ADDRESS))
    addresses = (one.text("IPAddress").partition("%")[0] for one in found)
    return _some(cim, tuple(addresses), "addresses")


def read_cluster(cim: Cim) -> str | NotTold:
    """The name of the cluster that the host is a node of; empty: of none.

    That there is no such namespace is an answer too: nodes have it. One that lists nothing is none:
    the right to see the cluster may be missing.
    """
    found = told(lambda: _some(cim, tuple(cim.query(wql.every(CLUSTER_ITSELF))), "cluster"))
    if not isinstance(found, NotTold):
        return found[0].text("Name")
    return "" if found.hresult in {NO_NAMESPACE, NO_CLASS} else found


def read_credential_guard(cim: Cim) -> bool | NotTold:
    """Whether Credential Guard runs, which keeps passwords from being passed on."""
    found = told(lambda: cim.only(wql.every(SECURITY_SERVICES)))
    return found if isinstance(found, NotTold) else _GUARD in found.integers(_RUNNING)


def _some(cim: Cim, found: tuple[T, ...], what: str) -> tuple[T, ...]:
    """Where there is one at least: an empty list is a right that is missing. Raises CimFailed."""
    if not found:
        raise CimFailed(f"{cim.host} lists no {what}", "look at the rights of whoever asks")
    return found
