"""A WinRM host to try the product's connection with; it lives ``elsewhere``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import mkdtemp

from tests.lab.cim.answering import Cim
from tests.lab.hosts.desk import Desk
from tests.lab.wsman import Endpoint, Fault, Faults, soap


class Host:
    """CIM on HTTP and HTTPS, and what goes wrong with it when a test wants it."""

    def __init__(self, address: str, fqdn: str, keytab: Path, tls: Path) -> None:
        self.faults, self.asked = Faults(), Counter[str]()
        self.desk = Desk(Path(mkdtemp()))
        cim = Counting(self.desk.cim, self.asked)
        files = (tls, tls.with_suffix(".key"))
        for port, certificate in ((5985, None), (5986, files)):
            endpoint = Endpoint(
                address, fqdn, keytab, cim, port=port, tls=certificate, faults=self.faults
            )
            endpoint.start()

    def renew(self) -> None:
        """Begin anew, as if nothing had been."""
        self.faults.release()
        self.asked.clear()
        self.desk.set(operators=["vmadmin"])

    def fail(self, fault: Fault, verb: str | None = None) -> None:
        self.faults.put(fault, verb)

    def deny(self) -> None:
        """Let nobody in any more."""
        self.desk.set(operators=[])

    def times(self, verb: str) -> int:
        """How often something was carried out."""
        return self.asked[verb]


class Counting:
    """A host's CIM, and how often what is asked of it."""

    def __init__(self, cim: Cim, asked: Counter[str]) -> None:
        self.cim, self.asked = cim, asked

    def wants(self, request: soap.Request) -> bool:
        return self.cim.wants(request)

    def answer(self, request: soap.Request, user: str) -> tuple[bytes, bool]:
        self.asked[request.verb] += 1
        return self.cim.answer(request, user)
