"""A run on the hosts that dies: the product's own parts, of which one kills the process.

``python -m tests.story.lethal_hosts -i FILE hosts apply --yes 'before hv03 migrations'`` is that
command, up to the moment ``before`` or ``after`` that setting has been changed on that host.
"""

from __future__ import annotations

import os
import signal
import sys

from delegation import cli
from delegation.hosts.cim.cim_host import CimHost
from delegation.hosts.hypervisor import Hypervisor
from delegation.hosts.places import Account, Place
from delegation.hosts.settings import HostSetting
from delegation.wiring import World


class LethalHost(CimHost):
    moment = ""

    def set(self, before: HostSetting, after: HostSetting) -> None:
        where = f"{self.fqdn.partition('.')[0]} {after.name}"
        self._burn(f"before {where}")
        super().set(before, after)
        self._burn(f"after {where}")

    def _burn(self, moment: str) -> None:
        if moment == self.moment:
            os.kill(os.getpid(), signal.SIGKILL)


class LethalWorld(World):
    def host(self, place: Place, account: Account, computer: str) -> Hypervisor:
        return LethalHost(lambda: self.host_wmi(place, account), computer)


if __name__ == "__main__":
    LethalHost.moment = sys.argv.pop()
    sys.exit(cli.run(sys.argv[1:], LethalWorld))
