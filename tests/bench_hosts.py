"""Hosts for measuring: 64 endpoints with one and the same CIM behind them, and who reads them all.

What the lab's hosts make of a question is kept, so that a question costs them next to nothing: the
reader is measured, and not the lab.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from xml.etree import ElementTree as ET

from delegation.errors import HostError
from delegation.hosts import fleet
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_host import CimHost
from delegation.hosts.cim.cim_link import SealedWire
from delegation.hosts.hypervisor import Hypervisor
from delegation.hosts.places import Account, Place
from tests.lab.cim import messages
from tests.lab.description import Lab
from tests.lab.hosts.desk import Desk, machine_numbered
from tests.lab.wsman import soap
from tests.lab.wsman.endpoint import Endpoint

ROUND_TRIP = 0.02


@dataclass(frozen=True)
class OldWay:
    """What the same 64 hosts cost while they were read by PowerShell remoting.

    Measured once on the lab of that ``commit``, in eight pairs with today's on one machine: that
    lab is gone. ``trips``: requests of one host with 30 machines, the sizes of all disks among
    them. ``seconds`` and ``cpu``: what all 64 hosts take today, and the CPU time of whoever reads
    them, in proportion to the old: without the sizes.
    """

    commit: str
    trips: int
    seconds: float
    cpu: float


POWERSHELL = OldWay("0960242", 17, 0.24, 0.34)


class ManyHosts:
    """Endpoints of these labels, each with so many machines; it lives ``elsewhere``."""

    def __init__(self, lab: Lab, labels: Sequence[str], machines: int) -> None:
        self.desk = Desk(Path(mkdtemp()))
        self.desk.set(machines=[machine_numbered(number) for number in range(machines)])
        self.kept: dict[str, str] = {}
        self.endpoints = [
            Endpoint(lab.host_address(label), lab.fqdn(label), lab.keytab(label), self)
            for label in labels
        ]
        for endpoint in self.endpoints:
            endpoint.start()

    def answer(self, request: soap.Request, user: str) -> tuple[bytes, bool]:
        """Answer as before, a round trip later."""
        time.sleep(ROUND_TRIP)
        asked = f"{request.action} {request.selectors} {ET.tostring(request.body, 'unicode')}"
        said = self.kept.get(asked) or self.desk.cim.carry_out(messages.asked(request), user)
        # A page that is not the last one is another each time.
        if request.verb != "Pull" or "EndOfSequence" in said:
            self.kept[asked] = said
        return messages.reply(request, said, "en-US"), False


class Reader:
    """Reads hosts with all their machines; it lives ``elsewhere``."""

    def meet(self, places: Mapping[str, Place], account: Account) -> None:
        self.places, self.account = places, account
        self.trips = 0

    def together(self) -> float:
        """All hosts at the same time, as the program does it; gives the seconds that it took."""
        start = time.perf_counter()
        answers = fleet.ask(self._opened, self.places, _question)
        took = time.perf_counter() - start
        failed = [one for one in answers.values() if isinstance(one, HostError)]
        assert not failed, failed[0].what
        return took

    def in_turn(self, labels: Sequence[str]) -> float:
        """One host after the other."""
        start = time.perf_counter()
        for label in labels:
            host = self._opened(label)
            _question(host)
            host.close()
        return time.perf_counter() - start

    def round_trips(self, label: str) -> int:
        """How many requests one host takes."""
        cims: list[Cim] = []
        host = CimHost(lambda: _noted(cims, self._connected(label)), "HV01")
        _question(host)
        host.close()
        return sum(one.trips for one in cims)

    def _opened(self, label: str) -> Hypervisor:
        return CimHost(partial(self._connected, label), "HV01")

    def _connected(self, label: str) -> Cim:
        return Cim(SealedWire(self.places[label], self.account))


def _noted(cims: list[Cim], cim: Cim) -> Cim:
    cims.append(cim)
    return cim


def _question(host: Hypervisor) -> int:
    host.read()
    return len(host.machines())
