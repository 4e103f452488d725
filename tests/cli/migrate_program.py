"""The program with Hyper-V hosts, and machines on them, that are a JSON file in the folder.

``python -m tests.cli.migrate_program migrate plan`` is ``delegation migrate plan``. Of each host
``machines.json`` says what it has, by the names of the arguments of ``tests.migrate.fleet.hosted``,
and its ``machines``, by those of ``machine``, or ``trouble``: why it can't be opened.
"""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from delegation import cli
from delegation.cli import wiring
from delegation.cli.options import Options
from delegation.errors import HostUnreachable
from delegation.hyperv.machines import (
    HostReading,
    Incompatibility,
    MoveOrder,
    VirtualMachine,
)
from delegation.hyperv.seams import Hypervisor, Moving, Open
from delegation.hyperv.settings import HostSetting
from delegation.inventory import Inventory
from tests.migrate.fleet import hosted, machine

FILE = Path("machines.json")


class FileHost(Hypervisor):
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

    def machine(self, machine: UUID) -> VirtualMachine | None:
        raise NotImplementedError

    def set(self, before: HostSetting, after: HostSetting) -> None:
        raise NotImplementedError

    def named(self, name: str) -> list[VirtualMachine]:
        raise NotImplementedError

    def addresses(self) -> tuple[str, ...]:
        raise NotImplementedError

    def compare(self, order: MoveOrder) -> tuple[Incompatibility, ...]:
        raise NotImplementedError

    def reaches(self, target: str, port: int) -> bool:
        raise NotImplementedError

    def move(self, order: MoveOrder, shell: UUID) -> Moving:
        raise NotImplementedError

    def reattach(self, shell: UUID) -> Moving | None:
        raise NotImplementedError


def open_host(options: Options, inventory: Inventory) -> Open:
    data: dict[str, dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))

    def opened(label: str) -> Hypervisor:
        host = dict(data[label])
        fqdn = inventory.hosts[label].fqdn
        if trouble := host.pop("trouble", ""):
            raise HostUnreachable(f"{fqdn}: {trouble}", "start it")
        return FileHost(fqdn, host)

    return opened


if __name__ == "__main__":
    wiring.open_host = open_host
    cli.main()
