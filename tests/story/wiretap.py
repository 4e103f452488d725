"""A way to the DC on which every LDAP message is seen, and on which the line can go dead.

It ends the client's TLS with the lab's own good certificate, and speaks TLS with the DC itself.
What is seen is read by ldap3's and pyasn1's decoder, which the product does not write with.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from ldap3.protocol.rfc4511 import LDAPMessage
from pyasn1.codec.ber import decoder

from tests.lab import Lab
from tests.lab.certificates import Certificate

MODIFY, SEARCH = "modifyRequest", "searchRequest"
SECONDS = 30.0


OPERATIONS = {
    0x60: "bindRequest",
    0x42: "unbindRequest",
    0x63: SEARCH,
    0x66: MODIFY,
    0x68: "addRequest",
    0x4A: "delRequest",
    0x6C: "modDNRequest",
    0x50: "abandonRequest",
    0x77: "extendedReq",
}
"""The tags of what a client may ask (RFC 4511 appendix B)."""


@dataclass(frozen=True)
class Seen:
    """A message of the client: its bytes, and how many answers had come back before it."""

    raw: bytes
    answers: int

    @property
    def number(self) -> int:
        """The message's id."""
        start = 3 + (self.raw[1] & 0x7F if self.raw[1] & 0x80 else 0)
        return int.from_bytes(self.raw[start + 1 : start + 1 + self.raw[start]], "big")

    @property
    def kind(self) -> str:
        """The operation's name in RFC 4511; its tag follows the id."""
        start = 3 + (self.raw[1] & 0x7F if self.raw[1] & 0x80 else 0)
        tag = self.raw[start + 1 + self.raw[start]]
        return OPERATIONS.get(tag, f"operation {tag:#x}")

    @property
    def message(self) -> Any:
        """The message as a tree of pyasn1 objects; its decoder does not know all of ldap3's."""
        tree, rest = decoder.decode(self.raw, asn1Spec=LDAPMessage())
        assert not rest
        return tree


class Wiretap:
    """A front of the DC at an address of the lab, for a ``with``.

    ``stop_at(3)`` lets the line go dead when the third modify comes by: before it reaches the DC,
    or with ``answer``, when the DC has made it. ``held`` tells when that has happened.
    """

    def __init__(self, lab: Lab) -> None:
        self.requests: list[Seen] = []
        self.held = threading.Event()
        self._lab = lab
        self._answers = 0
        self._counts: Counter[str] = Counter()
        self._stop = (MODIFY, 0, False)
        self._hold_answer_to = -1
        self._released = threading.Event()
        self._sockets: list[socket.socket] = []
        self._ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._ours.load_cert_chain(
            lab.tls / f"{Certificate.GOOD}.pem", lab.tls / f"{Certificate.GOOD}.key"
        )
        self._address = lab.front_addresses[-1]
        self._listener = socket.create_server((self._address, 636))
        self._threads = [threading.Thread(target=self._listen, daemon=True)]

    @property
    def url(self) -> str:
        return f"ldaps://{self._address}"

    def stop_at(self, number: int, kind: str = MODIFY, *, answer: bool = False) -> None:
        """Let the line go dead at a request of a kind, counted from 1."""
        self._stop = (kind, number, answer)

    def wait_until_held(self, client: subprocess.Popen[str]) -> None:
        """Wait until the line is dead; fail when the client ends before."""
        deadline = time.monotonic() + SECONDS
        while not self.held.wait(0.05):
            assert client.poll() is None, f"it ended after {self._counts}"
            assert time.monotonic() < deadline, f"it hangs after {self._counts}"

    def wait_for_modifies(self, count: int) -> None:
        """Wait until so many have come by."""
        deadline = time.monotonic() + SECONDS
        while self._counts[MODIFY] < count:
            assert time.monotonic() < deadline, f"{count} modifies expected, after {self._counts}"
            time.sleep(0.02)

    def release(self) -> None:
        """Let the line go on."""
        self._stop = (MODIFY, 0, False)
        self._released.set()

    def of_kind(self, kind: str) -> list[Seen]:
        """The client's messages of a kind."""
        return [seen for seen in self.requests if seen.kind == kind]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._released.set()
        with suppress(OSError):
            # A mere close does not wake who waits in accept.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._hang_up()
        for thread in self._threads:
            thread.join(SECONDS)

    def _listen(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                self._connect(plain)
            except OSError:
                plain.close()

    def _connect(self, plain: socket.socket) -> None:
        client = self._ours.wrap_socket(plain, server_side=True)
        trusted = ssl.create_default_context(cafile=str(self._lab.ca_file))
        to_dc = socket.create_connection((self._lab.address, 636), SECONDS)
        to_dc.settimeout(None)
        dc = trusted.wrap_socket(to_dc, server_hostname=self._lab.address)
        self._sockets += [client, dc]
        for way in (self._to_dc, self._to_client):
            thread = threading.Thread(target=self._relay, args=(way, client, dc), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _relay(self, way: Any, client: socket.socket, dc: socket.socket) -> None:
        with suppress(OSError):
            way(client, dc)
        for end in (client, dc):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _to_dc(self, client: socket.socket, dc: socket.socket) -> None:
        for raw in messages(client):
            seen = Seen(raw, self._answers)
            self.requests.append(seen)
            self._counts[seen.kind] += 1
            kind, number, answer = self._stop
            if seen.kind == kind and self._counts[kind] == number:
                if answer:
                    self._hold_answer_to = seen.number
                else:
                    self._hold()
            dc.sendall(raw)

    def _to_client(self, client: socket.socket, dc: socket.socket) -> None:
        for raw in messages(dc):
            if self._hold_answer_to >= 0 and Seen(raw, 0).number == self._hold_answer_to:
                self._hold()
            self._answers += 1
            client.sendall(raw)

    def _hold(self) -> None:
        self.held.set()
        self._released.wait()

    def _hang_up(self) -> None:
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def messages(source: socket.socket) -> Iterator[bytes]:
    """Read message after message: a SEQUENCE, its length, its contents (X.690 8.1)."""
    while head := exactly(source, 2):
        length = head[1]
        if length & 0x80:
            more = exactly(source, length & 0x7F)
            head += more
            length = int.from_bytes(more, "big")
        yield head + exactly(source, length)


def exactly(source: socket.socket, count: int) -> bytes:
    """Read so many bytes; fewer only at the end."""
    pieces = b""
    while len(pieces) < count:
        piece = source.recv(count - len(pieces))
        if not piece:
            return b""
        pieces += piece
    return pieces
