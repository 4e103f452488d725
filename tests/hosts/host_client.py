"""The product's typed hosts, to be told what to do in a process of its own: ``elsewhere``."""

from __future__ import annotations

import socket
from typing import Any
from uuid import UUID

from delegation.hosts.hypervisor import Moving
from delegation.hosts.machines import Ended, MoveOrder, MoveProgress
from delegation.hosts.places import Account, Place
from delegation.hosts.winrm.host import HyperVHost
from tests.hosts.winrm_client import Client


class HostClient(Client):
    """One host, and a migration from it."""

    host: HyperVHost | None = None
    computer: str = ""
    moving: Moving | None = None

    def renew(self, place: Place, account: Account, shell: UUID | None = None) -> None:
        if self.host is not None:
            self.host._session.drop()
        self.host = self.moving = None
        self.computer = ""
        super().renew(place, account, shell)

    def expects(self, computer: str) -> None:
        """Take no other computer for the host."""
        self.computer = computer

    def ask(self, method: str, *arguments: Any) -> Any:
        """What a method of the host gives."""
        if self.host is None:
            self.host = HyperVHost(self.place, self.account, self.computer)
        return getattr(self.host, method)(*arguments)

    def move(self, order: MoveOrder, handle: str) -> str:
        self.moving = self.ask("move", order, handle)
        return self.moving.handle

    def reattach(self, handle: str) -> bool:
        """Whether there is something to attach to."""
        self.moving = self.ask("reattach", handle)
        return self.moving is not None

    def moves(self, seconds: float) -> MoveProgress | Ended:
        assert self.moving
        return self.moving.wait(seconds)

    def ended(self) -> Ended:
        """Its end, whatever it says before."""
        while True:
            said = self.moves(30.0)
            if isinstance(said, Ended):
                return said

    def halt(self) -> None:
        assert self.moving
        self.moving.stop()

    def leave(self) -> None:
        assert self.moving
        self.moving.leave()

    def done(self) -> None:
        assert self.moving
        self.moving.close()

    def shell(self) -> UUID:
        """The shell that the host is asked in."""
        assert self.host
        return self.host._session.shell

    def cut(self) -> None:
        """Let the connection end as a host ends one that is idle."""
        assert self.host
        handle = self.host._session._link.line._handle
        assert handle
        handle.shutdown(socket.SHUT_RDWR)
