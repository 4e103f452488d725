"""The seal around LDAP without TLS: every message signed and encrypted by the logon's own key."""

import struct
import time
from collections.abc import Iterator
from typing import Any

from spnego.exceptions import SpnegoError

from delegation.kerberos.tickets import NO_TOKEN

LARGEST_FRAME = 1 << 24
"""Bytes of a frame that is believed; MS-ADTS 3.1.1.3.4.6 lets a DC take 10 MiB at a time."""

LARGEST_PIECE = 1 << 20
"""Bytes that go into one frame of ours."""


_MOMENT = 0.001
"""Seconds; none at all would mean to a socket not to wait and not to say so."""


class SealedSocket:
    """A socket whose every byte is wrapped: 4 bytes of length, and a token (RFC 4422, 3.7).

    It is what ldap3 uses of a socket. ``recv`` gives whole frames, whatever size is asked for. A
    frame that was changed on its way, is cut short, or is too long to be true ends the connection
    with an OSError, and nothing of it gets through.
    """

    def __init__(self, sock: Any, context: Any) -> None:  # noqa: ANN401 - pyspnego's, or a test's
        self._socket = sock
        self._context = context
        self._read = bytearray()
        self._timeout: float | None = None

    def sendall(self, data: bytes) -> None:
        for start in range(0, len(data), LARGEST_PIECE):
            piece = bytes(data[start : start + LARGEST_PIECE])
            try:
                token = self._context.wrap(piece).data
            except (SpnegoError, *NO_TOKEN) as exc:
                raise self._broken(f"a message can't be sealed any more ({exc})") from exc
            self._socket.sendall(struct.pack("!I", len(token)) + token)

    def recv(self, size: int) -> bytes:
        end = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            opened = b"".join(self._frames())
            if opened:
                return opened
            # The time is that of a whole frame: a socket's own starts anew with every byte.
            if end is not None:
                self._socket.settimeout(max(end - time.monotonic(), _MOMENT))
            data = self._socket.recv(max(size, 1 << 16))
            if not data and self._read:
                raise self._broken("the connection ended within a sealed message")
            if not data:
                return b""
            self._read += data

    def _frames(self) -> Iterator[bytes]:
        """What has arrived in full, opened."""
        while len(self._read) >= 4:
            # The length stands outside the seal: whoever is on the line may have written it, and
            # waiting for 4 GiB would fill the memory.
            (length,) = struct.unpack_from("!I", self._read)
            if not 0 < length <= LARGEST_FRAME:
                raise self._broken(f"{length:,} bytes are announced, which is no sealed message")
            if len(self._read) < 4 + length:
                return
            token = bytes(self._read[4 : 4 + length])
            del self._read[: 4 + length]
            yield self._opened(token)

    def _opened(self, token: bytes) -> bytes:
        try:
            unwrapped = self._context.unwrap(token)
        except (SpnegoError, *NO_TOKEN) as exc:
            raise self._broken("a message was changed on its way: its seal is broken") from exc
        if not unwrapped.encrypted:
            raise self._broken("a message came that is not encrypted")
        data: bytes = unwrapped.data
        return data

    def _broken(self, what: str) -> OSError:
        self.close()
        return OSError(what)

    def settimeout(self, seconds: float | None) -> None:
        self._timeout = seconds
        self._socket.settimeout(seconds)

    def shutdown(self, how: int) -> None:
        self._socket.shutdown(how)

    def close(self) -> None:
        self._socket.close()
