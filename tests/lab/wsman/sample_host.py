"""A WinRM host to try clients with; it lives ``elsewhere``. What it answers is a host's CIM."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import mkdtemp

from tests.lab.hosts.desk import Desk
from tests.lab.wsman import soap
from tests.lab.wsman.endpoint import Endpoint
from tests.lab.wsman.faults import Fault, Faults


class SampleHost:
    """CIM on HTTP and HTTPS, and what goes wrong with it when a test wants it."""

    def __init__(self, addresses: tuple[str, str], fqdn: str, keytab: Path, tls: Path) -> None:
        self.desk = Desk(Path(mkdtemp()))
        self.faults, self.asked = Faults(), Counter[str]()
        self.where = addresses, fqdn, keytab, tls
        self.endpoints: list[Endpoint] = []
        self.restart()

    def restart(self) -> None:
        """Stop and start the service, as ``Restart-Service WinRM`` does."""
        for endpoint in self.endpoints:
            endpoint.stop()
        (plain, secure), fqdn, keytab, tls = self.where
        files = (tls, tls.with_suffix(".key"))
        self.endpoints = [
            Endpoint(plain, fqdn, keytab, self, faults=self.faults),
            Endpoint(secure, fqdn, keytab, self, port=5986, tls=files, faults=self.faults),
        ]
        for endpoint in self.endpoints:
            endpoint.start()

    def answer(self, request: soap.Request, user: str) -> tuple[bytes, bool]:
        """Be asked."""
        self.asked[request.verb] += 1
        return self.desk.cim.answer(request, user)

    def renew(self) -> None:
        """Begin anew, as if nothing had been."""
        self.faults.release()
        self.asked.clear()
        self.desk.set(operators=["vmadmin", "auditor"])

    def fail(self, fault: Fault, verb: str | None = None) -> None:
        self.faults.put(fault, verb)

    def deny(self, user: str) -> None:
        """Let somebody in no more."""
        self.desk.deny(user)

    def times(self, verb: str) -> int:
        """How often something was carried out."""
        return self.asked[verb]
