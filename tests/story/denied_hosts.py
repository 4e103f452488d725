"""A run on the hosts whose operator loses the right in the middle: the product's own parts.

``python -m tests.story.denied_hosts -i FILE hosts apply --yes FOLDER hv03`` is that command. As
soon as any_network has changed on hv03, whose files are in FOLDER, nobody is its operator any more,
and the answer to that cmdlet is only then asked for.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from delegation import cli
from delegation.hosts import settings
from delegation.hosts.hypervisor import Hypervisor
from delegation.hosts.places import Account, Place
from delegation.hosts.settings import HostSetting
from delegation.hosts.winrm import cmdlets, host
from delegation.wiring import World
from tests.lab.hosts import control
from tests.lab.hosts.store import Store

SECONDS = 60.0


class DeniedHost(host.HyperVHost):
    folder = Path()
    label = ""

    def set(self, before: HostSetting, after: HostSetting) -> None:
        if (self.fqdn.partition(".")[0], after.name) != (self.label, settings.ANY_NETWORK):
            super().set(before, after)
            return
        running = self._session.start(cmdlets.command(before, after))
        store, end = Store(self.folder), time.monotonic() + SECONDS
        while store.read().any_network is not after.value:
            assert time.monotonic() < end
            time.sleep(0.02)
        with store.change() as state:
            state.operators = []
        control.ask(self.folder, "look")
        running.wait(SECONDS)


class DeniedWorld(World):
    def host(self, place: Place, account: Account, computer: str) -> Hypervisor:
        return DeniedHost(place, account, computer)


if __name__ == "__main__":
    DeniedHost.label = sys.argv.pop()
    DeniedHost.folder = Path(sys.argv.pop())
    sys.exit(cli.run(sys.argv[1:], DeniedWorld))
