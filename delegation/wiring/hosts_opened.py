"""Inventory, logons -> its hosts, to be opened one at a time."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from delegation.directory import reaching
from delegation.directory.logons import Logons
from delegation.inventory import Inventory
from delegation.wiring.caller import Places

if TYPE_CHECKING:
    from delegation.hosts.cim.cim_client import Cim
    from delegation.hosts.hypervisor import Hypervisor, Open
    from delegation.hosts.places import Account, Place
    from delegation.hosts.probe.probing import OpenCim


class HostsOpener:
    """The part of a world that its hosts are."""

    def __init__(self, inventory: Inventory | None, places: Places, logons: Logons) -> None:
        self._inventory = inventory
        self.places = places
        self._logons = logons

    @property
    def inventory(self) -> Inventory:
        """Raises ValueError in a world without one, which must not be asked."""
        if self._inventory is None:
            raise ValueError("there is no valid inventory")
        return self._inventory

    def host_places(self) -> Callable[[str], "Place"]:
        """Where the host of a label is: by the inventory's DNS servers, where it names some.

        Each is looked up once. What it gives raises HostUnreachable for a host without an address.
        """
        from delegation.hosts.places import Place

        remoting, dns_servers = self.inventory.remoting, self.inventory.directory.dns_servers
        domain = self.inventory.domain
        here = self.places.inventory.parent
        ca_file = str(here / remoting.ca_file) if remoting.ca_file else None

        @cache
        def place(label: str) -> Place:
            fqdn = self.inventory.hosts[label].fqdn
            address = reaching.host_address(fqdn, dns_servers) if dns_servers else None
            return Place(fqdn, address, remoting.port, remoting.https, ca_file, domain)

        return place

    def hosts_account(self) -> "Account":
        """Who logs on to the hosts; a password is asked for only where nothing else will do."""
        from delegation.hosts.places import Account

        remoting = self.inventory.remoting
        here = self.places.inventory.parent
        keytab = str(here / remoting.keytab) if remoting.keytab else None
        return Account(remoting.user, keytab, self._logons.to_hosts(self.inventory))

    def hosts(self) -> "Open":
        """What opens the host of a label, for the thread that calls it."""
        place, account = self.host_places(), self.hosts_account()

        def opened(label: str) -> "Hypervisor":
            return self.host(place(label), account, self.inventory.hosts[label].computer)

        return opened

    def cim(self) -> "OpenCim":
        """What opens the WMI of the host of a label, for the thread that calls it."""
        place, account = self.host_places(), self.hosts_account()

        def opened(label: str) -> "Cim":
            return self.host_wmi(place(label), account)

        return opened

    def ticket_seconds(self, label: str) -> float | None:
        """How long the ticket lasts by which that host is asked; None: it is got as it is needed.

        That there is none is told by the first host that is asked.
        """
        from delegation.hosts.winrm import logon

        return logon.ticket_seconds(self.host_places()(label), self.hosts_account())

    def host_wmi(self, place: "Place", account: "Account") -> "Cim":
        """One host's WMI; nothing is asked of it yet."""
        from delegation.hosts.cim.cim_client import Cim
        from delegation.hosts.cim.cim_link import SealedWire

        return Cim(SealedWire(place, account))

    def host(self, place: "Place", account: "Account", computer: str) -> "Hypervisor":
        """One host, which calls itself ``computer``. Raises HostError."""
        from delegation.hosts.cim.cim_host import CimHost

        return CimHost(lambda: self.host_wmi(place, account), computer)
