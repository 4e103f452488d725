"""The product's host over CIM at a lab host's desk: every byte as on the wire, and no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pypsrp.exceptions import WinRMTransportError

from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_host import CimHost
from tests.hosts.cim.canned import CannedWire
from tests.lab.description import OPERATOR, REALM
from tests.lab.hosts.desk import Desk
from tests.lab.wsman import soap


class DeskHost:
    """What a wire is connected to: the desk's answers, and what was asked of it."""

    def __init__(self, folder: Path, user: str = OPERATOR) -> None:
        self.desk = Desk(folder)
        self.fqdn = self.desk.fqdn
        self.user = user
        self.languages: list[str] = []
        self.messages: list[bytes] = []
        self.losing: set[str] = set()
        """The connection ends with the answer to these methods, which are carried out."""
        self.before: Callable[[bytes], None] = lambda _: None
        """Called with each message before it is answered."""
        self.open_now = 0

    def answer(self, message: bytes, **_: object) -> bytes:
        """What the transport's ``send`` gives."""
        self.messages.append(message)
        self.before(message)
        answer, fault = self.desk.cim.answer(soap.read(message), f"{self.user}@{REALM}")
        if any(f"{one}_INPUT".encode() in message for one in self.losing):
            self.losing.clear()
            raise ConnectionResetError("the host ended the connection")
        if fault:
            raise WinRMTransportError("http", 500, answer.decode())
        return answer

    def connect(self) -> Cim:
        self.open_now += 1
        return Cim(DeskWire(self))

    def open(self, computer: str = "HV01") -> CimHost:
        return CimHost(self.connect, computer)

    def set(self, **values: object) -> None:
        """Set parts of the host's state."""
        self.desk.set(**values)


class DeskWire(CannedWire):
    """A connection to the desk."""

    def __init__(self, host: DeskHost) -> None:
        super().__init__(host)
        self._at = host

    def close(self) -> None:
        self._at.open_now -= 1
