"""The program with Hyper-V hosts, and machines on them, that are a JSON file in the folder.

``python -m tests.cli.migrate_program migrate plan`` is ``delegation migrate plan``. Of each host
``machines.json`` says what it has, by the names of the arguments of ``hosted`` in
``tests.migrations.fleet``, and its ``machines``, by those of ``machine``, or ``trouble``: why it
can't be opened; ``cut``: why its list of machines can't be relied upon.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from delegation import cli
from delegation.errors import HostUnreachable, MachinesNotTold
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.hosts.machines import Disk, HostReading, VirtualMachine
from delegation.hosts.settings import HostSetting
from delegation.inventory import Inventory
from delegation.wiring import World
from tests.hosts.fake_hosts import Untouched
from tests.migrations.fleet import hosted, machine

FILE = Path("machines.json")


class FileHost(Untouched):
    """A host that can only be looked at: a plan touches nothing.

    Sizes are told to whoever asks for them, and of machines that it has.
    """

    def __init__(self, fqdn: str, data: dict[str, Any]) -> None:
        self._fqdn = fqdn
        machines = [machine(**one) for one in data.pop("machines", ())]
        self._cut = data.pop("cut", "")
        self._hosted = hosted(*machines, **data)

    @property
    def fqdn(self) -> str:
        return self._fqdn

    def read(self) -> HostReading:
        return self._hosted.reading

    def machines(self) -> list[VirtualMachine]:
        if self._cut:
            raise MachinesNotTold(f"{self._fqdn} {self._cut}", "ask for its rights")
        return [_unmeasured(one) for one in self._hosted.machines]

    def measured(self, machines: Iterable[VirtualMachine]) -> list[VirtualMachine]:
        sizes = {one.id: one for one in self._hosted.machines}
        asked = list(machines)
        assert all(one == _unmeasured(sizes[one.id]) for one in asked)
        return [sizes[one.id] for one in asked]

    def close(self) -> None:
        pass

    def set(self, before: HostSetting, after: HostSetting) -> None:
        raise AssertionError(f"{before} is not to become {after}")


def _unmeasured(vm: VirtualMachine) -> VirtualMachine:
    return replace(vm, disks=tuple(Disk(disk.path) for disk in vm.disks))


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
