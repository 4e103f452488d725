"""A host's own live-migration settings: one change is one setting of one host, and one method."""

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from delegation.changes.kinds import Kind, KindWords
from delegation.changes.plan import Change, Target
from delegation.changes.run import RecordedChange

Value = bool | int | str | None
"""None: a network that is not among those for migrations."""

ENABLED = "enabled"
AUTHENTICATION = "authentication"
MIGRATIONS = "migrations"
STORAGE_MIGRATIONS = "storage_migrations"
PERFORMANCE = "performance"
ANY_NETWORK = "any_network"
NAMES = (ENABLED, AUTHENTICATION, MIGRATIONS, STORAGE_MIGRATIONS, PERFORMANCE, ANY_NETWORK)
"""The settings of every host, by their names in the inventory; each network is one more."""

_NETWORK = "network "

PRESENT = "any priority"
"""The value of a network that is to be there with whatever priority the host gives it."""


def network(subnet: str) -> str:
    """The name of the setting that a subnet for migrations is."""
    return _NETWORK + subnet


def subnet_of(name: str) -> str | None:
    """The subnet of such a setting, as it is spelled there; None of any other setting."""
    return name.removeprefix(_NETWORK) if name.startswith(_NETWORK) else None


def key(name: str) -> str:
    """A setting's name in the form in which two spellings of it are equal.

    A host may hold a single address or an uncompressed IPv6 subnet.
    """
    subnet = subnet_of(name)
    if subnet is None:
        return name
    try:
        return network(str(ipaddress.ip_network(subnet, strict=False)))
    except ValueError:
        return name.casefold()


@dataclass(frozen=True, slots=True)
class HostSetting:
    """One setting and its value.

    Names are those of the inventory (``authentication``); each network is one of its own,
    ``network 10.20.0.0/24``, whose value is its priority.
    """

    name: str
    value: Value

    def canonical(self) -> dict[str, Any]:
        return {"setting": self.name, "value": self.value}

    def difference(self, found: "HostSetting") -> str:
        if self.value == PRESENT and subnet_of(self.name) and found.value is not None:
            return ""
        # Types as well: to Python, a limit of 1 equals "on".
        if self.value == found.value and type(self.value) is type(found.value):
            return ""
        return f"{self.name} went from {shown(self.value)} to {shown(found.value)}"

    def departures(self, before: "HostSetting", now: "HostSetting") -> list[str]:  # noqa: ARG002
        """A setting is one value: whatever else it was before, it is this or it is not."""
        return [f"{self.name} is {shown(now.value)}"] if self.difference(now) else []

    def parts(self, before: "HostSetting") -> frozenset[str]:  # noqa: ARG002
        """One setting is one part, however it is spelled."""
        return frozenset({key(self.name)})

    def parts_made(self, before: "HostSetting", now: "HostSetting") -> frozenset[str]:
        return frozenset() if self.difference(now) else self.parts(before)

    def is_proved_by(self, before: "HostSetting", parts: Collection[str]) -> bool:
        """A setting is one part."""
        return self.parts(before) <= set(parts)

    def with_parts_of(self, before: "HostSetting", parts: Collection[str]) -> "HostSetting":
        return before if key(self.name) in parts else self

    def completed(self, found: "HostSetting") -> "HostSetting":
        """The priority that the host gave, where it was left to the host."""
        return found if self.value == PRESENT and not self.difference(found) else self

    @property
    def part_shown(self) -> str:
        return self.name

    def recorded(self) -> dict[str, Any]:
        return self.canonical()

    @classmethod
    def from_record(cls, data: Mapping[str, Any]) -> "HostSetting":
        name, value = data["setting"], data["value"]
        if not isinstance(name, str) or not isinstance(value, bool | int | str | None):
            raise TypeError("not a setting of a host")
        return cls(name, value)


SettingChange = Change[HostSetting]
RecordedSetting = RecordedChange[HostSetting]

HOSTS_APPLY, HOSTS_ROLLBACK = "hosts apply", "hosts rollback"
HOST_SETTINGS = Kind(
    "host-settings",
    HOSTS_APPLY,
    HOSTS_ROLLBACK,
    HostSetting,
    KindWords("the hosts have", "changed", "set what the run left"),
)
"""The hosts' own settings: the kind of ``hosts apply`` and ``hosts rollback``."""

_SETTINGS = UUID("6d1f6a0e-5f8b-4c1e-9a53-3a5d0f3b7c42")


def target(label: str, fqdn: str, name: str) -> Target:
    """The setting as the object of a change: its own identity is its host and its name."""
    place = f"{fqdn}/{name}"
    return Target(label, place, uuid5(_SETTINGS, place.casefold()))


def place(of: Target) -> tuple[str, str]:
    """The host's FQDN and the setting's name, of what ``target`` made."""
    fqdn, _, name = of.dn.partition("/")  # subnets have slashes, host names have none
    return fqdn, name


def held(settings: Mapping[str, Value], name: str) -> HostSetting | None:
    """The setting of that name among all those of a host; None where the host does not tell it."""
    if name in settings:
        return HostSetting(name, settings[name])
    meant = key(name)
    for spelling, value in settings.items():
        if key(spelling) == meant:
            return HostSetting(name, value)
    return HostSetting(name, None) if subnet_of(name) else None


def turn(change: SettingChange) -> tuple[int, str]:
    """When a change's turn comes among those of its host, to sort by.

    A host takes migrations only while all else is in order: enabling is the last step, disabling
    the first. A network is there before ``any_network`` goes off, and gone after it went on. What
    undoes changes thereby comes in the reverse order where order matters.
    """
    return _step(change), key(change.after.name)


def _step(change: SettingChange) -> int:
    name, before, after = change.after.name, change.before.value, change.after.value
    if subnet_of(name):
        if after is None:
            return _REMOVED
        return _ADDED if before is None else _EDITED
    if name == ENABLED:
        return _LAST if after else _FIRST
    return _BETWEEN.get(name, _EDITED)


_FIRST, _ADDED, _EDITED = 0, 1, 2
_BETWEEN = {
    ANY_NETWORK: 3,
    MIGRATIONS: 4,
    STORAGE_MIGRATIONS: 5,
    PERFORMANCE: 6,
    AUTHENTICATION: 7,
}
_REMOVED, _LAST = 8, 9


def shown(value: Value) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "absent" if value is None else str(value)
