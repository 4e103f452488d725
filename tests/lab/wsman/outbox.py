"""What waits for a Receive: PSRP fragments in order, bounded, none of them lost with a connection.

MS-PSRP 2.2.4: a message travels as one or more fragments, each with a header of 21 bytes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

HEADER = 21
END = 0x2


def split(data: bytes) -> list[bytes]:
    """Give the fragments that stand one after the other in ``data``."""
    found = []
    while data:
        length = HEADER + int.from_bytes(data[17:HEADER], "big")
        found.append(data[:length])
        data = data[length:]
    return found


@dataclass(frozen=True)
class Batch:
    """Fragments taken for one reply. ``begun``: those of their first message sent before it."""

    fragments: tuple[bytes, ...]
    begun: tuple[bytes, ...]


class Outbox:
    """The fragments for one receiver. Its owner locks it."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._begun: tuple[bytes, ...] = ()
        self.bytes = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, fragment: bytes) -> None:
        """Add a fragment."""
        self._waiting.append(fragment)
        self.bytes += len(fragment)

    def take(self, most_bytes: int) -> Batch:
        """Take as many as fit, but one at least."""
        taken: list[bytes] = []
        begun = self._begun
        size = 0
        while self._waiting and (not taken or size + len(self._waiting[0]) <= most_bytes):
            fragment = self._waiting.popleft()
            taken.append(fragment)
            size += len(fragment)
            self._begun = () if fragment[16] & END else (*self._begun, fragment)
        self.bytes -= size
        return Batch(tuple(taken), begun)

    def put_back(self, batch: Batch) -> None:
        """Put a batch back that did not reach its receiver."""
        self._waiting.extendleft(reversed(batch.fragments))
        self._begun = batch.begun
        self.bytes += sum(map(len, batch.fragments))

    def restart(self) -> None:
        """Begin the message anew that was half sent, for another receiver."""
        self.put_back(Batch(self._begun, ()))
