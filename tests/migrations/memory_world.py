"""The use cases of migrations from Python, on hosts in memory: no command line, no network."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from delegation.directory.logons import NoPasswords
from delegation.events import Event, Progress
from delegation.hosts.hypervisor import Hypervisor, Moving, Open
from delegation.hosts.machines import HostReading, MoveOrder
from delegation.wiring import Places, World, load
from tests.cli.world import (
    DOMAIN,
    INVENTORY,
    MEMBER,
    MIGRATION,
    TRANSITION,
    account,
    directory,
    forms,
)
from tests.migrations import world as memory
from tests.migrations.world import FakeHost, FakeHypervisor

LABELS = ("hv01", "hv02", "hv03")
READY: Mapping[str, bool | int | str] = {
    "enabled": True,
    "authentication": "Kerberos",
    "any_network": True,
}
LONG = 100_000.0
"""Seconds in which every migration of these hosts ends."""


def _directory() -> bytes:
    """Where all that a migration needs is applied, and registered."""
    records = []
    for label in LABELS:
        ends = (label.upper(), f"{label}.{DOMAIN}")
        spns = [f"{service}/{end}" for service in ("HOST", MIGRATION) for end in ends]
        others = forms(*(other for other in LABELS if other != label))
        records.append(account(label.upper(), *others, uac=MEMBER | TRANSITION, spns=spns))
    return directory(*records)


class Told:
    """Implements Teller: keeps what it hears."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shown: list[object] = []

    def say(self, event: Event) -> None:
        self.lines += event.words()

    def show(self, view: object) -> None:
        self.shown.append(view)

    def progress(self, what: str) -> Progress:
        self.lines.append(what)
        return lambda _done, _total: None


class InstantHost(FakeHypervisor):
    """A host whose migrations end at once, whichever thread asks."""

    def __init__(self, desk: MemoryWorld, label: str) -> None:
        super().__init__(desk.hosts_there, label)
        self._desk = desk

    def read(self) -> HostReading:
        found = super().read()
        listeners = (f"10.20.0.{found.fqdn.partition('.')[0][-1]}",)
        return replace(found, settings=READY, listeners=listeners)

    def move(self, order: MoveOrder, handle: str) -> Moving:
        with self._desk.lock:
            self._desk.moving()
            moving = super().move(order, handle)
            self._desk.hosts_there.advance(LONG)
            return moving


class MemoryWorld(World):
    """Three hosts of an inventory, and its directory as a file; ``hosts_there`` is what they do."""

    def __init__(self, folder: Path, told: Told) -> None:
        (folder / "inventory.yaml").write_text(INVENTORY)
        (folder / "directory.ldif").write_bytes(_directory())
        places = Places(folder / "inventory.yaml")
        self.hosts_there = memory.World([FakeHost(label) for label in LABELS])
        self.lock = threading.Lock()
        super().__init__(load(places), places, NoPasswords(), told)

    def hosts(self) -> Open:
        def opened(label: str) -> Hypervisor:
            return InstantHost(self, label)

        return opened

    def moving(self) -> None:
        """A host is about to begin a migration."""

    def ticket_seconds(self, label: str) -> float | None:  # noqa: ARG002
        return None

    def where(self) -> dict[str, str]:
        hosts = self.hosts_there.hosts.values()
        return {name: one.label for one in hosts for name, _, _ in one.machines.values()}
