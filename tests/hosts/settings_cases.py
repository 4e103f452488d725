"""Hosts' settings for tests: readings, declarations, and strategies for both."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import strategies as st

from delegation.hosts import settings
from delegation.hosts.machines import HostReading
from delegation.hosts.settings import HostSetting, SettingChange, Value
from delegation.inventory import Authentication, Inventory, LiveMigration, Network, Performance
from tests import builders
from tests.builders import DOMAIN

WINDOWS: Mapping[str, bool | int | str] = {
    "enabled": False,
    "authentication": "CredSSP",
    "migrations": 2,
    "storage_migrations": 2,
    "performance": "Compression",
    "any_network": True,
}
"""A host as Windows is installed."""


def reading(
    label: str = "hv01",
    *networks: tuple[str, int],
    clustered: bool | None = False,
    without: str = "",
    **values: bool | int | str,
) -> HostReading:
    """A host: Windows' defaults but for ``values``, with these networks and their priorities."""
    found = {**WINDOWS, **values, **{f"network {s}": priority for s, priority in networks}}
    found.pop(without, None)
    return HostReading(f"{label}.{DOMAIN}", found, clustered=clustered)


def inventory(**declared: LiveMigration | None) -> Inventory:
    """Hosts by label with what is declared of each."""
    hosts = [builders.host(label)._replace(live_migration=m) for label, m in declared.items()]
    return builders.inventory(*hosts)


def carried_out(
    changes: "tuple[SettingChange, ...]", readings: Mapping[str, HostReading], given: int = 0
) -> dict[str, HostReading]:
    """The hosts after these changes, as Windows would make them; ``given``: its own priority."""
    after = {label: dict(found.settings) for label, found in readings.items()}
    for change in changes:
        host = after[change.target.name]
        name, value = change.after.name, change.after.value
        assert held(host, name) == change.before.value
        if value is None:
            del host[name]
        elif value == settings.PRESENT:
            host[name] = given
        else:
            host[name] = value
    return {label: replace(found, settings=after[label]) for label, found in readings.items()}


def held(found: Mapping[str, Value], name: str) -> Value:
    return found.get(name)


def setting(name: str, value: Value) -> HostSetting:
    return HostSetting(name, value)


_SUBNETS = ("10.20.0.0/24", "10.21.0.0/24", "2001:db8::/64", "192.168.7.9/32")
_ELSEWHERE = (*_SUBNETS, "192.168.7.9", "2001:DB8:0:0::/65", "2001:DB8::0/64", "not a subnet")
"""What a host may hold: also a single address, other spellings, and what nobody understands."""

_priorities = st.integers(0, 2**31 - 1)
_optional = st.none()


@st.composite
def declarations(draw: st.DrawFn) -> LiveMigration:
    subnets = draw(st.lists(st.sampled_from(_SUBNETS), unique=True, min_size=1))
    networks = tuple(Network(s, draw(_optional | _priorities)) for s in subnets)
    return LiveMigration(
        enabled=draw(_optional | st.booleans()),
        authentication=draw(_optional | st.sampled_from(Authentication)),
        migrations=draw(_optional | st.integers(0, 40)),
        storage_migrations=draw(_optional | st.integers(0, 40)),
        performance=draw(_optional | st.sampled_from(Performance)),
        networks=(listed := draw(st.sampled_from([None, networks]))),
        any_network=draw(_optional | (st.just(False) if listed else st.booleans())),
    )


@st.composite
def readings(draw: st.DrawFn, label: str = "hv01") -> HostReading:
    networks = draw(st.lists(st.tuples(st.sampled_from(_ELSEWHERE), _priorities), unique_by=_name))
    return reading(
        label,
        *networks,
        clustered=draw(st.booleans()),
        enabled=draw(st.booleans()),
        authentication=draw(st.sampled_from(["Kerberos", "CredSSP"])),
        migrations=draw(st.integers(0, 40)),
        storage_migrations=draw(st.integers(0, 40)),
        performance=draw(st.sampled_from(["TCPIP", "Compression", "SMB"])),
        any_network=draw(st.booleans()),
    )


def _name(network: tuple[str, int]) -> str:
    """No host holds one network in two spellings."""
    return settings.key(settings.network(network[0]))
