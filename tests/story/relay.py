"""A way to the DC's port 389 that writes down every byte, and may change one.

What comes by is told apart without the product: LDAP messages (BER) while somebody logs on, and
from then on frames, which must be nothing but a length and a token.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.lab import Lab

SEQUENCE = 0x30

Change = Callable[[bytes], bytes]


@dataclass
class Way:
    """One direction of a connection: what came, and what is to be changed in it."""

    seen: bytearray = field(default_factory=bytearray)
    change: dict[int, Change] = field(default_factory=dict)
    """By the number of the piece, LDAP message or frame, counted from 1."""
    rest: bytearray = field(default_factory=bytearray)
    count: int = 0

    def passed(self, data: bytes) -> bytes:
        """What goes on of what came: whole pieces only, so that they can be counted."""
        self.seen += data
        self.rest += data
        out = b""
        while (length := piece_length(self.rest)) and len(self.rest) >= length:
            piece = bytes(self.rest[:length])
            del self.rest[:length]
            self.count += 1
            change = self.change.get(self.count)
            out += change(piece) if change else piece
        return out

    @property
    def pieces(self) -> list[bytes]:
        """All that came, in pieces; the last may be incomplete."""
        rest, found = bytes(self.seen), []
        while (length := piece_length(rest)) and rest:
            found.append(rest[:length])
            rest = rest[length:]
        return found

    @property
    def messages(self) -> list[bytes]:
        """The LDAP messages in clear."""
        return [piece for piece in self.pieces if piece[0] == SEQUENCE]

    @property
    def frames(self) -> list[bytes]:
        """The sealed ones."""
        return [piece for piece in self.pieces if piece[0] != SEQUENCE]


def piece_length(data: bytes | bytearray) -> int:
    """How long the piece at the beginning is; 0 where too little of it is there.

    A frame's length has four bytes, of which the first is 0 in all that is of a sane length; an
    LDAP message begins with the tag of a SEQUENCE (X.690, 8.1).
    """
    if len(data) < 2:
        return 0
    if data[0] != SEQUENCE:
        return 4 + int.from_bytes(data[:4], "big") if len(data) >= 4 else 0
    if data[1] < 0x80:
        return 2 + data[1]
    size = data[1] & 0x7F
    return 2 + size + int.from_bytes(data[2 : 2 + size], "big") if len(data) >= 2 + size else 0


class Relay:
    """A recording way to port 389 of the lab's DC, for a ``with``."""

    def __init__(self, lab: Lab) -> None:
        self.address = lab.address_at(40)
        self.to_dc: list[Way] = []
        self.to_client: list[Way] = []
        self.change_to_dc: dict[int, Change] = {}
        self.change_to_client: dict[int, Change] = {}
        self._target = lab.address
        self._listener = socket.create_server((self.address, 389))
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._sockets: list[socket.socket] = []

    @property
    def all(self) -> bytes:
        """Every byte of every connection, both ways."""
        return b"".join(bytes(way.seen) for way in (*self.to_dc, *self.to_client))

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        for end in (self._listener, *self._sockets):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(10)

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            dc = socket.create_connection((self._target, 389))
            self._sockets += [client, dc]
            out, back = Way(change=self.change_to_dc), Way(change=self.change_to_client)
            self.to_dc.append(out)
            self.to_client.append(back)
            for source, target, way in ((client, dc, out), (dc, client, back)):
                thread = threading.Thread(
                    target=self._copy, args=(source, target, way), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _copy(self, source: socket.socket, target: socket.socket, way: Way) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(way.passed(data))
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def flipped(place: int) -> Change:
    """A piece with one bit of one of its bytes changed, counted from the end if negative."""

    def change(piece: bytes) -> bytes:
        changed = bytearray(piece)
        changed[place] ^= 1
        return bytes(changed)

    return change
