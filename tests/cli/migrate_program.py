"""The program with Hyper-V hosts, and machines on them, that are a JSON file in the folder.

``python -m tests.cli.migrate_program migrate plan`` is ``delegation migrate plan``. Of each host
``machines.json`` says what it has, by the names of the arguments of ``hosted`` in
``tests.migrations.fleet``, and its ``machines``, by those of ``machine``, or ``trouble``: why it
can't be opened.
"""

import json
import sys
from pathlib import Path
from typing import Any

from delegation import cli
from delegation.errors import HostUnreachable
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.hosts.machines import HostReading, VirtualMachine
from delegation.hosts.settings import HostSetting
from delegation.inventory import Inventory
from delegation.wiring import World
from tests.hosts.fake_hosts import Untouched
from tests.migrations.fleet import hosted, machine

FILE = Path("machines.json")


class FileHost(Untouched):
    """A host that can only be looked at: a plan touches nothing."""

    def __init__(self, fqdn: str, data: dict[str, Any]) -> None:
        self._fqdn = fqdn
        machines = [machine(**one) for one in data.pop("machines", ())]
        self._hosted = hosted(*machines, **data)

    @property
    def fqdn(self) -> str:
        return self._fqdn

    def read(self) -> HostReading:
        return self._hosted.reading

    def machines(self) -> list[VirtualMachine]:
        return list(self._hosted.machines)

    def close(self) -> None:
        pass

    def set(self, before: HostSetting, after: HostSetting) -> None:
        raise AssertionError(f"{before} is not to become {after}")


def open_host(inventory: Inventory) -> Open:
    data: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))

    def opened(label: str) -> Hypervisor:
        host = dict(data[label])
        fqdn = inventory.hosts[label].fqdn
        if trouble := host.pop("trouble", ""):
            raise HostUnreachable(f"{fqdn}: {trouble}", "start it")
        return FileHost(fqdn, host)

    return opened


class FakeWorld(World):
    """The world, whose hosts are files."""

    def hosts(self) -> Open:
        return open_host(self.inventory)


if __name__ == "__main__":
    sys.exit(cli.run(sys.argv[1:], FakeWorld))
