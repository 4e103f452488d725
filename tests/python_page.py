"""Runs docs/python.md as it stands: ``python -m tests.python_page PAGE FOLDER``.

What the page reads lies in FOLDER: an inventory, an export of the directory, three hosts in memory.
The test keeps ``click`` from being imported: nothing that the page uses needs a command line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from delegation import wiring
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.hosts.machines import HostReading
from delegation.hosts.settings import HostSetting
from tests.cli.world import DOMAIN, MEMBER, MIGRATION, account, directory
from tests.migrations import memory_world
from tests.test_python_page import BLOCK

INVENTORY = """\
domain: corp.example
directory:
  url: ldif:directory.ldif
defaults:
  live_migration: {enabled: true, authentication: Kerberos}
hosts:
  hv[01-03]:
"""
FOUND: Mapping[str, int | str] = {
    "enabled": False,
    "authentication": "CredSSP",
    "any_network": True,
}


class SettableHost(memory_world.InstantHost):
    """A host in memory that can be set as well."""

    def __init__(self, world: PageWorld, label: str) -> None:
        super().__init__(world, label)
        self._settings = world.settings_there[label]

    def read(self) -> HostReading:
        return replace(super().read(), settings=dict(self._settings))

    def set(self, before: HostSetting, after: HostSetting) -> None:
        assert self._settings[before.name] == before.value
        assert after.value is not None
        self._settings[after.name] = after.value


class PageWorld(memory_world.MemoryWorld):
    """The page's world, whose hosts are in memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, memory_world.Told())
        self.settings_there: dict[str, dict[str, int | str]] = {
            label: dict(FOUND) for label in memory_world.LABELS
        }
        # Written by MemoryWorld for a mesh that is there already; here the page makes it.
        prepare(folder)
        self._inventory = wiring.load(self.places)
        self.hosts_there.add("hv01", "web01")
        self.hosts_there.add("hv01", "web02")

    def hosts(self) -> Open:
        def opened(label: str) -> Hypervisor:
            return SettableHost(self, label)

        return opened


def prepare(folder: Path) -> None:
    """Three accounts that may not delegate yet, with the names that VMMS registers."""
    records = []
    for label in memory_world.LABELS:
        ends = (label.upper(), f"{label}.{DOMAIN}")
        spns = [f"{service}/{end}" for service in ("HOST", MIGRATION) for end in ends]
        records.append(account(label.upper(), uac=MEMBER, spns=spns))
    (folder / "inventory.yaml").write_text(INVENTORY)
    (folder / "directory.ldif").write_bytes(directory(*records))


def main() -> None:
    page, folder = map(Path, sys.argv[1:])
    prepare(folder)
    os.chdir(folder)
    names: dict[str, object] = {}
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
        exec(compile(block, f"block {number} of {page.name}", "exec"), names)  # noqa: S102
        if number == 0:
            assert isinstance(names["world"], wiring.World)
            names["world"] = PageWorld(folder)
    assert sys.modules["click"] is None
    assert not any(name.startswith("delegation.cli") for name in sys.modules)


if __name__ == "__main__":
    main()
