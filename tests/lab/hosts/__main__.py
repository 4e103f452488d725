"""A lab host's process: ``python -m tests.lab.hosts <the lab's folder> <name>``.

It stands in the host's folder. There it obeys the test's side (``control``): whether it is up, that
something was set beside it, that all is to be as new.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from subprocess import Popen

from tests.lab import dc, programs
from tests.lab.cim.answering import Cim
from tests.lab.description import Lab, LabError
from tests.lab.hosts import control, settlement, smbd
from tests.lab.hosts.host import Host
from tests.lab.hosts.ports import HTTPS
from tests.lab.hosts.service import Service
from tests.lab.hosts.vmms.vmms import Vmms
from tests.lab.wsman.endpoint import Endpoint

log = logging.getLogger(__name__)

TICK = 0.2
RESET_SECONDS = 15.0


class HostProcess:
    """All of a host that runs."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.host = Host(lab, name)
        self.service = Service(self.host)
        self.admitted = self.host.state.operators
        self.presented = ""
        self.ended = threading.Event()
        self.smbd: Popen[bytes] | None = None
        self.endpoints: list[Endpoint] = []
        self.begin()

    def begin(self) -> None:
        """Have VMMS as new, and its CIM, which is the same both ways."""
        self.vmms = Vmms(self.host, self.service.adjust)
        self.cim = Cim(self.vmms, self.host.fqdn)
        for endpoint in self.endpoints:
            endpoint.plug_in = self.cim

    def start(self) -> None:
        """Bring everything up, and settle what a dead process left, before anybody can ask."""
        self.host.volume.root.mkdir(parents=True, exist_ok=True)
        smbd.configure(self.host, self.admitted)
        self.smbd = smbd.launch(self.host)
        settlement.at_start(self.host)
        self.service.adjust()
        self.listen()
        control.serve({"ping": lambda: None, "look": self.look, "reset": self.reset})

    def listen(self) -> None:
        """Open WinRM, with the certificate that is wanted now."""
        for endpoint in self.endpoints:
            endpoint.stop()
        who = (self.host.address, self.host.fqdn, self.host.keytab, self.cim)
        self.presented = self.host.state.certificate
        file = str(self.host.lab.tls / f"{self.host.name}{self.presented}")
        tls = (Path(f"{file}.pem"), Path(f"{file}.key"))
        self.endpoints = [Endpoint(*who), Endpoint(*who, port=HTTPS, tls=tls)]
        for endpoint in self.endpoints:
            endpoint.start()

    def run(self) -> None:
        """Stay until told to end, and settle what others must answer."""
        while not self.ended.wait(TICK):
            settlement.ask_all(self.host)
            if self.smbd is not None and self.smbd.poll() is not None:
                raise LabError(f"the SMB server of {self.host.name} has ended")

    def stop(self) -> None:
        """End: what moves is rolled back."""
        for endpoint in self.endpoints:
            endpoint.stop()
        self.hang_up()
        if self.smbd is not None:
            self.smbd.kill()
            self.smbd.wait()

    def hang_up(self) -> None:
        """Drop all connections, and end all migrations."""
        for endpoint in self.endpoints:
            endpoint.drop()
        self.vmms.close()
        self.service.hang_up()
        dc.until(self.idle, RESET_SECONDS)

    def idle(self) -> bool:
        """Tell whether no migration is under way here."""
        state = self.host.state
        under_way = [one for one in state.outgoing if one.machine is None]
        ours = under_way or state.incoming or self.host.handing_over
        return not ours and self.service.idle()

    def look(self) -> None:
        """Take note of what was set beside the process."""
        state = self.host.state
        if state.operators != self.admitted:
            smbd.admit(self.host, state.operators)
            self.admitted = state.operators
        if state.certificate != self.presented:
            self.listen()
        if state.vmms != "Running":
            self.vmms.restarted()
        self.service.adjust()

    def reset(self) -> None:
        """Be as new."""
        self.hang_up()
        self.host.store.renew()
        self.host.volume.clear()
        self.begin()
        self.look()


def main(folder: str, name: str) -> None:
    """Be a host until SIGTERM."""
    lab = Lab(Path(folder))
    os.environ |= programs.environment(lab)
    # Tickets are shown to one service once; a cache of them would cost a write to disk each.
    os.environ["KRB5RCACHENAME"] = "none:"
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    running = HostProcess(lab, name)
    signal.signal(signal.SIGTERM, lambda *_: running.ended.set())
    began = time.monotonic()
    running.start()
    log.info("up after %.1f s", time.monotonic() - began)
    try:
        running.run()
    finally:
        running.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
