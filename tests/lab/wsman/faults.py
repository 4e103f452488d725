"""What an endpoint does wrong when a test asks for it."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Hang:
    """The request is never answered, until ``Faults.release`` or its connection drops."""


@dataclass(frozen=True)
class Cut:
    """The request is carried out, but the connection drops after ``after`` bytes of the reply."""

    after: int = 0


@dataclass(frozen=True)
class Refuse:
    """The request is answered by an HTTP status, and not carried out."""

    status: int = 503


Fault = Hang | Cut | Refuse


class Faults:
    """The faults that wait for their request; for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[str | None, Fault]] = []
        self.released = threading.Event()

    def put(self, fault: Fault, verb: str | None = None, times: int = 1) -> None:
        """Let the next ``times`` requests fail, or the next ones with this WS-Man verb.

        A verb is the last part of an action: ``Enumerate``, ``Pull``, a methods name.
        """
        with self._lock:
            self.released.clear()
            self._waiting += [(verb, fault)] * times

    def take(self, verb: str) -> Fault | None:
        """Give the fault for a request that has come, if any."""
        with self._lock:
            for place, (wanted, fault) in enumerate(self._waiting):
                if wanted in (None, verb):
                    del self._waiting[place]
                    return fault
        return None

    def release(self) -> None:
        """End all faults: what hangs goes on."""
        with self._lock:
            self._waiting.clear()
            self.released.set()
