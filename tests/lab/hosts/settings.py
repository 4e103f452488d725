"""The cmdlets for a host's own settings."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from psrpcore.types import ErrorCategory

from tests.lab.hosts import enumerations, objects
from tests.lab.hosts.failures import bad_parameter, service_stopped
from tests.lab.hosts.host import Host
from tests.lab.hosts.parameters import Parameters, unbound
from tests.lab.hosts.service import Service
from tests.lab.wsman import CmdletError, Runtime

NUMBERS = {
    "MaximumVirtualMachineMigrations": "migrations",
    "MaximumStorageMigrations": "storage_migrations",
}
ENUMERATIONS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "VirtualMachineMigrationAuthenticationType": ("authentication", enumerations.AUTHENTICATION),
    "VirtualMachineMigrationPerformanceOption": ("performance", enumerations.PERFORMANCE),
}
ANY_NETWORK = "UseAnyNetworkForMigration"


class Settings:
    """The cmdlets of one host; the migration service follows what they set."""

    def __init__(self, host: Host, service: Service) -> None:
        self.host, self.service = host, service

    def get_vmhost(self, _: Runtime, given: Mapping[str, Any], __: list[Any]) -> Iterator[Any]:
        """Get-VMHost."""
        self.served(given)
        yield objects.vm_host(self.host, self.host.store.read())

    def set_vmhost(self, runtime: Runtime, given: Mapping[str, Any], _: list[Any]) -> Iterator[Any]:
        """Set-VMHost, as far as migrations are concerned."""
        wanted = self.served(given, *NUMBERS, *ENUMERATIONS, ANY_NETWORK)
        changes: dict[str, Any] = {}
        for name, attribute in NUMBERS.items():
            if name in wanted:
                changes[attribute] = wanted.number(name)
                if changes[attribute] < 0:
                    raise unbound(name, changes[attribute])
        for name, (attribute, values) in ENUMERATIONS.items():
            if name in wanted:
                changes[attribute] = named(name, wanted.text(name), values)
        if ANY_NETWORK in wanted:
            changes["any_network"] = wanted.flag(ANY_NETWORK)
        self.store(**changes)
        if wanted.flag("PassThru"):
            yield from self.get_vmhost(runtime, {}, [])

    def enable(self, _: Runtime, given: Mapping[str, Any], __: list[Any]) -> Iterator[Any]:
        """Enable-VMMigration."""
        self.served(given)
        self.store(enabled=True)
        yield from ()

    def disable(self, _: Runtime, given: Mapping[str, Any], __: list[Any]) -> Iterator[Any]:
        """Disable-VMMigration."""
        self.served(given)
        self.store(enabled=False)
        yield from ()

    def get_networks(self, _: Runtime, given: Mapping[str, Any], __: list[Any]) -> Iterator[Any]:
        """Get-VMMigrationNetwork."""
        wanted = self.served(given, "Subnet", "Priority")
        networks = self.host.store.read().networks
        for subnet, priority in sorted(networks.items(), key=lambda one: (one[1], one[0])):
            asked = "Subnet" not in wanted or subnet == canonical(wanted.text("Subnet"))
            if asked and ("Priority" not in wanted or priority == wanted.number("Priority")):
                yield objects.migration_network(self.host, subnet, priority)

    def add_network(self, _: Runtime, given: Mapping[str, Any], __: list[Any]) -> Iterator[Any]:
        """Add-VMMigrationNetwork."""
        wanted = self.served(given, "Subnet", "Priority")
        subnet = canonical(wanted.text("Subnet"))
        priority = wanted.number("Priority") if "Priority" in wanted else 0
        with self.host.store.change() as state:
            if subnet in state.networks:
                raise CmdletError(
                    f"The migration network '{subnet}' exists already.",
                    "InvalidParameter",
                    ErrorCategory.ResourceExists,
                    subnet,
                )
            state.networks[subnet] = priority
        self.service.adjust()
        if wanted.flag("PassThru"):
            yield objects.migration_network(self.host, subnet, priority)

    def set_network(self, _: Runtime, given: Mapping[str, Any], __: list[Any]) -> Iterator[Any]:
        """Set-VMMigrationNetwork: edits an entry that exists."""
        wanted = self.served(given, "Subnet", "NewSubnet", "NewPriority")
        subnet = self.existing(canonical(wanted.text("Subnet")))
        new = canonical(wanted.text("NewSubnet")) if "NewSubnet" in wanted else subnet
        with self.host.store.change() as state:
            priority = state.networks.pop(subnet)
            if "NewPriority" in wanted:
                priority = wanted.number("NewPriority")
            state.networks[new] = priority
        self.service.adjust()
        if wanted.flag("PassThru"):
            yield objects.migration_network(self.host, new, priority)

    def remove_network(self, _: Runtime, given: Mapping[str, Any], __: list[Any]) -> Iterator[Any]:
        """Remove-VMMigrationNetwork."""
        wanted = self.served(given, "Subnet")
        subnet = self.existing(canonical(wanted.text("Subnet")))
        with self.host.store.change() as state:
            del state.networks[subnet]
        self.service.adjust()
        yield from ()

    def served(self, given: Mapping[str, Any], *known: str) -> Parameters:
        """Take parameters, if VMMS runs to be asked; raise CmdletError otherwise."""
        if self.host.store.read().vmms != "Running":
            raise service_stopped(self.host.name)
        return Parameters(given, *known)

    def store(self, **changes: Any) -> None:
        """Change settings."""
        with self.host.store.change() as state:
            for name, value in changes.items():
                setattr(state, name, value)
        self.service.adjust()

    def existing(self, subnet: str) -> str:
        """Give a migration network that there is; raise CmdletError otherwise."""
        if subnet not in self.host.store.read().networks:
            raise CmdletError(
                f"The migration network '{subnet}' was not found.",
                "ObjectNotFound",
                ErrorCategory.ObjectNotFound,
                subnet,
            )
        return subnet


def canonical(subnet: str) -> str:
    """Give a subnet in one form; raise CmdletError if it is none."""
    try:
        return str(ipaddress.ip_network(subnet, strict=False))
    except ValueError as error:
        raise bad_parameter(f"The subnet '{subnet}' is not valid: {error}") from error


def named(parameter: str, value: str, values: Mapping[str, Any]) -> str:
    """Give the name of an enumeration's value, which may come as its number, or in other case."""
    for name, one in values.items():
        if value.casefold() == name.casefold() or value == str(int(one)):
            return name
    raise unbound(parameter, value)
