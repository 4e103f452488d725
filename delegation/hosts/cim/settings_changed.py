"""A change of a host's setting -> the one method that makes it, sent once, and read back.

Methods, properties and types are those of Microsoft's "Hyper-V WMI provider (V2)" reference and its
samples. How the Hyper-V module itself writes "any network", and networks at all, was not seen: the
tags are those of two public scripts.
"""

import ipaddress
from collections.abc import Mapping

from delegation.errors import CimFailed
from delegation.hosts import settings
from delegation.hosts.cim import cim_jobs, migration_service, wql
from delegation.hosts.cim.cim_classes import (
    MIGRATION_NETWORK,
    MIGRATION_SERVICE,
    MIGRATION_SETTINGS,
)
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.cim_values import Embedded, Scalar
from delegation.hosts.cim.migration_service import (
    ANY_NETWORK,
    AUTHENTICATION,
    PROPERTIES,
    SET_BY_HAND,
)
from delegation.hosts.settings import HostSetting, Value

JOB_SECONDS = 60.0
"""How long a change may take: the host mostly answers that it is done."""

EVERYWHERE = ("0.0.0.0/0", "::/0")
"""What any network is: of IPv4 and of IPv6."""

Properties = Mapping[str, Scalar | tuple[Scalar, ...]]


def change_setting(cim: Cim, before: HostSetting, after: HostSetting) -> None:
    """Make a setting of a host what it is to be. Raises CimFailed with the host's own error.

    Raises ValueError for no setting of a host.
    """
    job = _changed(cim, before, after)
    if job is not None:
        over = cim_jobs.followed(cim, job, JOB_SECONDS)
        cim_jobs.refuse_failure(cim, over, f"setting {after.name}")
    # Services have answered that it is done, and changed nothing.
    now = settings.held(migration_service.read_settings(cim), after.name)
    if now is None or after.difference(now):
        value = "nothing" if now is None else settings.shown(now.value)
        raise CimFailed(
            f"{cim.host} has answered that {after.name} is {settings.shown(after.value)}, and "
            f"tells {value}",
            "look at it on the host: Get-VMHost, Get-VMMigrationNetwork",
        )


def _changed(cim: Cim, before: HostSetting, after: HostSetting) -> Reference | None:
    """Send it: the job that has begun; None: it is done."""
    subnet = settings.subnet_of(after.name)
    if subnet is not None:
        return _network(cim, subnet, before.value, after.value)
    if after.name == settings.ANY_NETWORK:
        return _any_network(cim, is_on=bool(after.value))
    if after.value is None:
        raise ValueError(f"{after} is nothing that a host can be set to")
    new = _properties(after.name, after.value)
    now = cim.only(wql.every(MIGRATION_SETTINGS))
    # Whole as it was read, as Microsoft's samples send it: what NULL would do is not documented.
    changed = Embedded(MIGRATION_SETTINGS, {**now.written(), **new})
    return _call(cim, "ModifyServiceSettings", ServiceSettingData=changed)


def _properties(name: str, value: Value) -> Properties:
    """What of the service's settings such a setting is. Raises ValueError for none of a host's."""
    match name:
        case settings.ENABLED:
            return {PROPERTIES[name]: bool(value)}
        case settings.MIGRATIONS | settings.STORAGE_MIGRATIONS:
            return {PROPERTIES[name]: _number(value)}
        case settings.AUTHENTICATION:
            return {"AuthenticationType": AUTHENTICATION.index(str(value))}
        case settings.PERFORMANCE:
            # Two switches, of which the first one wins.
            return {
                "EnableSmbTransport": value == "SMB",
                "EnableCompression": value == "Compression",
            }
    raise ValueError(f"{name} is nothing that a host can be set to")


def _number(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is no number that a host can be set to")  # noqa: TRY004 - a value
    return value


def _network(cim: Cim, subnet: str, before: Value, after: Value) -> Reference | None:
    if before is None:
        metric = {} if after == settings.PRESENT else {"Metric": _number(after)}
        new = Embedded(MIGRATION_NETWORK, {**_entry(subnet, SET_BY_HAND), **metric})
        return _call(cim, "AddNetworkSettings", NetworkSettings=[new])
    reference, listed = _listed(cim, subnet)
    if after is None:
        return _call(cim, "RemoveNetworkSettings", NetworkSettings=[reference])
    changed = Embedded(MIGRATION_NETWORK, {**listed.written(), "Metric": _number(after)})
    return _call(cim, "ModifyNetworkSettings", NetworkSettings=[changed])


def _any_network(cim: Cim, *, is_on: bool) -> Reference | None:
    if is_on:
        entries = [Embedded(MIGRATION_NETWORK, _entry(one, ANY_NETWORK)) for one in EVERYWHERE]
        return _call(cim, "AddNetworkSettings", NetworkSettings=entries)
    found = _tagged(cim, ANY_NETWORK)
    if not found:
        raise _gone(cim, settings.ANY_NETWORK)
    references = [reference for reference, _ in found]
    return _call(cim, "RemoveNetworkSettings", NetworkSettings=references)


def _entry(subnet: str, tag: str) -> Properties:
    network = ipaddress.ip_network(subnet, strict=False)
    return {
        "SubnetNumber": str(network.network_address),
        "PrefixLength": network.prefixlen,
        "Tags": (tag,),
    }


def _tagged(cim: Cim, tag: str) -> list[tuple[Reference, CimInstance]]:
    found = cim.with_references(wql.every(MIGRATION_NETWORK))
    return [(reference, one) for reference, one in found if tag in one.texts("Tags")]


def _listed(cim: Cim, subnet: str) -> tuple[Reference, CimInstance]:
    """The one entry of a subnet, however it is spelled. Raises CimFailed: nothing is sent."""
    name = settings.network(subnet)
    for reference, one in _tagged(cim, SET_BY_HAND):
        if settings.key(settings.network(migration_service.subnet(one))) == settings.key(name):
            return reference, one
    raise _gone(cim, name)


def _gone(cim: Cim, what: str) -> CimFailed:
    return CimFailed(
        f"{cim.host} does not list {what} any more", "see: delegation hosts show; nothing was sent"
    )


def _call(cim: Cim, method: str, **argument: object) -> Reference | None:
    service = Reference.service(MIGRATION_SERVICE)
    return cim.change(service, MIGRATION_SERVICE, method, **argument)
