"""The program with Hyper-V hosts that are a JSON file in the current folder.

``python -m tests.cli.hosts_program hosts plan`` is ``delegation hosts plan``, with hosts that
``hosts.json`` describes and keeps: of each its settings, whether it is a cluster node, and what
goes wrong there: ``down`` and ``refused`` when it is opened, and by the name of a setting
``failed``, ``lost`` (no answer, but made), ``queued`` (no answer, and not made yet), ``denied``
(made, and then no access any more), ``hangs`` (for ever) and ``dies``: this process does. ``probe``
asks a canned host, which may be ``called`` otherwise, or give the operator ``no_rights``.

The file ``later`` tells how many seconds later than it is this program takes it to be.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from delegation import cli
from delegation.errors import CommandFailed, HostRefused, HostUnreachable
from delegation.hosts import settings
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.hosts.machines import HostReading
from delegation.hosts.probe.probing import OpenCim
from delegation.hosts.settings import HostSetting
from delegation.inventory import Inventory
from delegation.wiring import World
from tests.hosts.fake_hosts import Untouched

FILE = Path("hosts.json")
LATER = Path("later")
GIVEN_PRIORITY = 0
"""What these hosts make of a network without one."""

_lock = threading.Lock()


def load() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return data


def save(data: Mapping[str, Any]) -> None:
    temporary = FILE.with_suffix(".new")
    temporary.write_text(json.dumps(data, indent=1), encoding="utf-8")
    temporary.replace(FILE)


class FileHost(Untouched):
    """One host of the file."""

    def __init__(self, label: str, fqdn: str) -> None:
        self._label = label
        self._fqdn = fqdn
        self._trouble("open")

    @property
    def fqdn(self) -> str:
        return self._fqdn

    def read(self) -> HostReading:
        with _lock:
            host = load()[self._label]
        return HostReading(self._fqdn, host["settings"], clustered=host.get("clustered", False))

    def set(self, before: HostSetting, after: HostSetting) -> None:
        trouble = self._trouble(after.name)
        with _lock:
            data = load()
            found = data[self._label]["settings"]
            assert not before.difference(HostSetting(before.name, found.get(before.name)))
            if after.value is None:
                del found[after.name]
            else:
                given = after.value == settings.PRESENT
                found[after.name] = GIVEN_PRIORITY if given else after.value
            data["made"] = [*data.get("made", []), f"{self._label} {after.name}"]
            save(data)
            if trouble == "denied":
                data[self._label]["trouble"] = {"open": "refused"}
                save(data)
        if trouble == "lost":
            raise HostUnreachable(f"{self._fqdn}: the connection was lost", "look at the network")
        if trouble == "denied":
            raise HostRefused(f"{self._fqdn} gives no access any more", "ask its owner")

    def close(self) -> None:
        pass

    def _trouble(self, what: str) -> str:
        with _lock:
            trouble: str = load()[self._label].get("trouble", {}).get(what, "")
        match trouble:
            case "down":
                raise HostUnreachable(f"{self._fqdn} does not answer", "start it")
            case "refused":
                raise HostRefused(f"{self._fqdn} refuses the logon", "ask its owner")
            case "failed":
                raise CommandFailed(f"{self._fqdn}: access denied", "get the right")
            case "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hangs":
                threading.Event().wait()
            case "queued":
                raise HostUnreachable(f"{self._fqdn}: the connection was lost", "try again")
        return trouble


def open_host(inventory: Inventory) -> Open:
    def opened(label: str) -> Hypervisor:
        return FileHost(label, inventory.hosts[label].fqdn)

    return opened


class FakeWorld(World):
    """The world, whose hosts are files."""

    def hosts(self) -> Open:
        return open_host(self.inventory)

    def now(self) -> datetime:
        seconds = float(LATER.read_text()) if LATER.exists() else 0.0
        return super().now() + timedelta(seconds=seconds)

    def cim(self) -> OpenCim:
        # Here, since all other commands have no use for pypsrp.
        from tests.hosts.cim import canned, farms

        def opened(label: str) -> Cim:
            fqdn = FileHost(label, self.inventory.hosts[label].fqdn).fqdn
            known = load()[label]
            host = farms.host(known.get("called", label).upper())
            host.fqdn = fqdn
            if known.get("no_rights"):
                host.refusals = {canned.V2: canned.NO_ACCESS, canned.CIMV2: canned.DENIED}
            return canned.opened(host)

        return opened


if __name__ == "__main__":
    sys.exit(cli.run(sys.argv[1:], FakeWorld))
