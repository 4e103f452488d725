"""The product's migrations, to be told what to do in a process of its own: ``elsewhere``."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from delegation.hosts.cim import moving
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_host import CimHost
from delegation.hosts.cim.cim_link import SealedWire
from delegation.hosts.hypervisor import Moving
from delegation.hosts.machines import Ended, MoveOrder, MoveProgress
from delegation.hosts.places import Account, Place


class Mover:
    """Moves one machine from a source to a target; each is asked by itself, as the operator."""

    def meet(
        self, places: Mapping[str, Place], account: Account, start: float, settled: float
    ) -> None:
        """Turn to these hosts; seconds in place of the product's minutes."""
        self.places, self.account = places, account
        moving.START_SECONDS = start  # type: ignore[attr-defined]
        moving.SETTLED_SECONDS = settled  # type: ignore[attr-defined]
        self.wires: list[SealedWire] = []
        self.moving: Moving | None = None
        self.source, self.target = self.host("source"), self.host("target")

    def host(self, which: str) -> CimHost:
        return CimHost(lambda: self.connected(which))

    def connected(self, which: str) -> Cim:
        self.wires.append(SealedWire(self.places[which], self.account))
        return Cim(self.wires[-1])

    def order(self, machine: str, storage: str, **others: Any) -> MoveOrder:
        """An order, with the target as it is now."""
        found = MoveOrder(UUID(machine), "web1", self.target.fqdn, storage)
        return replace(found, landing=self.target.landing(found.machine), **others)

    def check(self, order: MoveOrder) -> Any:
        return self.source.check(order)

    def handle(self, order: MoveOrder) -> str:
        return self.source.new_handle(order)

    def start(self, order: MoveOrder, handle: str) -> str:
        self.moving = self.source.move(order, handle)
        return self.moving.handle

    def reattach(self, machine: str, handle: str) -> str | None:
        self.moving = self.source.reattach(UUID(machine), handle)
        return None if self.moving is None else self.moving.handle

    def wait(self, seconds: float) -> MoveProgress | Ended:
        assert self.moving
        return self.moving.wait(seconds)

    def end(self) -> Ended:
        assert self.moving
        while not isinstance(said := self.moving.wait(5), Ended):
            pass
        self.leave()
        return said

    def stop(self, *, kill: bool = False) -> None:
        assert self.moving
        self.moving.stop(kill=kill)

    def leave(self) -> None:
        assert self.moving
        self.moving.leave()

    def remove_planned(self, handle: str) -> bool:
        return self.target.remove_planned(handle)

    def is_at_work(self, machine: str) -> bool:
        return self.source.is_at_work(UUID(machine))

    def seen(self, machine: str) -> Any:
        """The machine as its source tells it."""
        return self.source.machine(UUID(machine))

    def cut(self) -> None:
        """Let the last connection end as a host ends one that is idle."""
        handle = self.wires[-1]._link.line._handle
        assert handle
        handle.shutdown(socket.SHUT_RDWR)
