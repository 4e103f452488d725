"""The product's connection to a lab host's CIM without its process, and without a network."""

from __future__ import annotations

from typing import Any

from pypsrp.exceptions import WinRMTransportError

from delegation.hosts.cim.cim_client import Cim
from tests.hosts.cim.canned import CannedHost, CannedWire
from tests.lab.description import OPERATOR, REALM
from tests.lab.hosts.desk import Desk
from tests.lab.wsman import soap


class DeskHost(CannedHost):
    """Answers as the lab does, which is made by nobody who made the client."""

    desk: Desk
    user = OPERATOR

    def answer(self, message: bytes, **_: Any) -> bytes:
        self.messages.append(message)
        answer, fault = self.desk.cim.answer(soap.read(message), f"{self.user}@{REALM}")
        if fault:
            raise WinRMTransportError("http", 500, answer.decode())
        return answer


def connected(desk: Desk) -> tuple[Cim, DeskHost]:
    """A connection to it, and what goes over that."""
    host = DeskHost("HV01", "hv01.corp.example")
    host.desk = desk
    return Cim(CannedWire(host)), host
