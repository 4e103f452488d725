"""A lab host: who it is, what it knows, its files. It is files, so it need not run for a look.

Its own process works with it, and so does, beside it, a test (``labhost``).
"""

from __future__ import annotations

import ipaddress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.description import DOMAIN, HOSTS, Lab
from tests.lab.hosts.failures import NO_SUCH_HOST, Reason
from tests.lab.hosts.state import HostState
from tests.lab.hosts.store import Store
from tests.lab.hosts.volume import Volume

if TYPE_CHECKING:
    from tests.lab.hosts.tickets import Delegation


class Host:
    """One host of a lab, by its label (``hv01``)."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.folder = lab.folder / "hosts" / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store, self.volume = Store(self.folder), Volume(self.folder)
        self.handing_over: set[str] = set()
        """The migrations whose hand-over a thread of the host's process is at."""

    @property
    def short(self) -> str:
        """Its NetBIOS name."""
        return self.name.upper()

    @property
    def fqdn(self) -> str:
        """Its DNS name."""
        return self.lab.fqdn(self.name)

    @property
    def address(self) -> str:
        """Its loopback address."""
        return self.lab.host_address(self.name)

    @property
    def keytab(self) -> Path:
        """Its key."""
        return self.lab.keytab(self.name)

    @property
    def state(self) -> HostState:
        """All that it knows, as it is now; a copy."""
        return self.store.read()

    @cached_property
    def delegation(self) -> Delegation:
        """How it acts for users."""
        # Compiled Kerberos, which a test that starts no host can do without.
        from tests.lab.hosts.tickets import Delegation
        from tests.lab.hosts.twins import Twins

        return Delegation(self.lab, self.name, Twins(self.lab, self.name))

    def migrates_here(self, state: HostState) -> bool:
        """Tell whether its address is one that migrations may use."""
        networks = [ipaddress.ip_network(one, strict=False) for one in state.networks]
        here = ipaddress.ip_address(self.address)
        return state.any_network or any(here in one for one in networks)


def label_of(name: str) -> str:
    """Give the label of a host that is named as people name it (``HV02``, ``hv02.corp.example``).

    Raises:
        Reason: no DNS server knows it.
    """
    label = name.casefold().removesuffix(f".{DOMAIN}")
    if label not in HOSTS:
        raise Reason(f"The host '{name}' is not known", NO_SUCH_HOST)
    return label
