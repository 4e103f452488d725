"""Inventory, what was found -> what to write into the inventory, as its reader takes it.

An advice that the reader refuses costs more trust than none. So none names a machine as gone that
the inventory has in another place.
"""

from collections.abc import Collection, Iterable
from functools import cached_property

from delegation import names
from delegation.inventory import Inventory
from delegation.inventory.former_names import former_names, names_of

_UNDER_REMOVE = "list it under remove, with its hosts, to remove it"


class InventoryLines:
    """What can still be said in one inventory."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def to_remove(self, value: str) -> str:
        """What makes the next plan remove ``value``, which no rule and no mesh claims."""
        if set(value) & set("*?"):
            return "clear it by hand"
        spn = names.ServicePrincipalName.parse(value)
        # With a port, or a third part, it is no name that hosts have given each other.
        if spn is None or spn.service.casefold() not in _MANAGED or str(spn) != value:
            return _UNDER_REMOVE
        if suffix := self.former_suffix(spn.host):
            return f"add {suffix} to former_suffixes to remove it"
        short, dot, _ = spn.host.partition(".")
        if item := self.retired_item(short, spn.host if dot else ""):
            return f"list {item} under retired to remove it"
        return _UNDER_REMOVE

    def former_suffix(self, host: str) -> str:
        """The suffix by which ``host``, a full name, was one of the hosts; empty where it was not.

        By the short name alone: it is the same in all domains of a forest that a host has been in.
        """
        short, _, suffix = host.partition(".")
        is_another = host.casefold() not in self._in_use and names.is_fqdn(suffix)
        return suffix.lower() if is_another and short.casefold() in self._short_names else ""

    def suffix_of(self, value: str) -> str:
        """The same of the host that a value of our services names."""
        spn = names.ServicePrincipalName.parse(value)
        is_ours = spn is not None and spn.service.casefold() in _MANAGED
        return self.former_suffix(spn.host) if spn is not None and is_ours else ""

    def retired_item(self, name: str, fqdn: str = "") -> str:
        """An item of the list ``retired`` that means this machine; empty where none can.

        ``fqdn`` is its full name, empty for the one in the inventory's domain.
        """
        from delegation.inventory import yaml_writing  # only where there is a line to write

        default = f"{name}.{self._inventory.domain}"
        full = fqdn or default
        is_claimed = {name.casefold(), full.casefold()} & self._claimed
        if is_claimed or not names.is_computer_name(name) or not names.is_fqdn(full):
            return ""
        item = yaml_writing.scalar(name)
        if full.casefold() == default.casefold():
            return item
        return f"{{name: {item}, fqdn: {yaml_writing.scalar(full)}}}"

    def line_to_add(self, machines: Collection[tuple[str, str]]) -> str:
        """What makes these machines retired hosts, as it can be pasted.

        Each with its full name, empty for the one in the domain.
        """
        in_order = sorted(machines, key=lambda machine: machine[0].casefold())
        items = _said(self.retired_item(name, fqdn) for name, fqdn in in_order)
        if not items:
            return "clear their msDS-AllowedToDelegateTo by hand"
        if self._inventory.retired:
            return f"add to the list under retired: {', '.join(items)}"
        return f"add to the inventory: retired: [{', '.join(items)}]"

    @cached_property
    def _in_use(self) -> Collection[str]:
        return names_of(self._inventory.hosts.values(), self._inventory.file_servers).keys()

    @cached_property
    def _short_names(self) -> frozenset[str]:
        shorts: set[str] = set()
        for host in self._inventory.hosts.values():
            shorts |= {host.computer.casefold(), host.fqdn.casefold().partition(".")[0]}
        return frozenset(shorts)

    @cached_property
    def _claimed(self) -> frozenset[str]:
        """Every name that the inventory has given to somebody, casefolded."""
        inventory = self._inventory
        claimed = {*self._in_use, *former_names(inventory)}
        claimed |= {label.casefold() for label in inventory.hosts}
        claimed |= {server.name.casefold() for server in inventory.file_servers}
        for gone in inventory.retired:
            claimed |= {gone.name.casefold(), gone.fqdn.casefold()}
        return frozenset(claimed)


_MANAGED = frozenset(service.casefold() for service in names.MANAGED_SERVICES)


def _said(items: Iterable[str]) -> list[str]:
    return [item for item in items if item]
