"""The shells of a host, whichever of its endpoints and connections they are used by."""

from __future__ import annotations

import threading

from tests.lab.wsman.shell import Connection, Shell
from tests.lab.wsman.soap import Code, WSManFault

IDLE_SECONDS = 7200.0
"""How long a disconnected shell is kept, unless its creator says otherwise (WinRM's default)."""


class Shells:
    """All shells, by their identifiers in capitals."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shells: dict[str, Shell] = {}
        self._idle: dict[str, threading.Timer] = {}

    def add(self, shell: Shell) -> None:
        """Add a new shell."""
        with self._lock:
            if shell.identifier in self._shells:
                raise WSManFault(Code.UNEXPECTED_SELECTORS, "The shell exists already.")
            self._shells[shell.identifier] = shell

    def find(self, identifier: str, user: str) -> Shell:
        """Give a user's shell.

        Raises:
            WSManFault: there is none, or it is somebody else's.
        """
        with self._lock:
            shell = self._shells.get(identifier.upper())
        if shell is None:
            raise WSManFault(Code.UNEXPECTED_SELECTORS)
        if shell.owner.casefold() != user.casefold():
            raise WSManFault(Code.ACCESS_DENIED)
        return shell

    def of(self, user: str) -> list[Shell]:
        """Give a user's shells."""
        with self._lock:
            everyone = list(self._shells.values())
        return [one for one in everyone if one.owner.casefold() == user.casefold()]

    def left(self, connection: Connection) -> None:
        """Disconnect the shells whose last connection this was."""
        with self._lock:
            everyone = list(self._shells.values())
        for shell in everyone:
            if shell.leave(connection):
                self.expect(shell)

    def expect(self, shell: Shell) -> None:
        """Close a disconnected shell when it has been idle for too long."""
        timer = threading.Timer(shell.idle_seconds, self._expire, [shell, shell.turn])
        timer.daemon = True
        with self._lock:
            if (former := self._idle.pop(shell.identifier, None)) is not None:
                former.cancel()
            self._idle[shell.identifier] = timer
        timer.start()

    def _expire(self, shell: Shell, turn: int) -> None:
        if not shell.connected and shell.turn == turn:
            self.remove(shell)

    def remove(self, shell: Shell) -> None:
        """Close a shell for good: its pipelines are stopped."""
        with self._lock:
            self._shells.pop(shell.identifier, None)
            if (timer := self._idle.pop(shell.identifier, None)) is not None:
                timer.cancel()
        shell.close()

    def close(self) -> None:
        """Close all shells, and wait until their pipelines have cleaned up."""
        with self._lock:
            everyone = list(self._shells.values())
        for shell in everyone:
            self.remove(shell)
        for shell in everyone:
            shell.settle()
