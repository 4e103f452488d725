"""Others on the line: one who listens and meddles, and some who are no host at all."""

from __future__ import annotations

import base64
import re
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Self

HEADERS = b"\r\n\r\n"
LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
SECONDS = 30.0
KERBEROS = bytes.fromhex("06092a864886f712010202")
"""The object identifier that a Kerberos token starts with (RFC 4121)."""

Meddle = Callable[[int, bytes], bytes]
"""What becomes of the answer with that number, headers and body."""


class Listener:
    """Listens on an address, for a ``with``; each connection has a thread of its own."""

    def __init__(self, address: str, port: int = 5985) -> None:
        self.server = socket.create_server((address, port), backlog=16)
        self.heard = b""
        """All that clients have sent."""
        self.threads: list[threading.Thread] = []
        self.sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        self.spawn(self.accept)
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self.server, *self.sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self.threads:
            thread.join(SECONDS)

    def spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.server.accept()
                client.settimeout(SECONDS)
                self.sockets.append(client)
                self.spawn(self.serve_quietly, client)

    def serve_quietly(self, client: socket.socket) -> None:
        with suppress(OSError):
            self.serve(client)

    def serve(self, client: socket.socket) -> None:
        raise NotImplementedError

    def message(self, sock: socket.socket) -> bytes:
        """One HTTP message; empty at the end."""
        data = b""
        while HEADERS not in data:
            piece = sock.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(HEADERS)
        found = LENGTH.search(head)
        while len(body) < int(found[1] if found else 0):
            body += sock.recv(65536)
        return head + HEADERS + body


class Relay(Listener):
    """Passes on what it hears; what the host says goes through ``meddle`` first."""

    def __init__(
        self, address: str, host: tuple[str, int], meddle: Meddle = lambda _, answer: answer
    ) -> None:
        super().__init__(address)
        self.host, self.meddle = host, meddle
        self.said = b""
        """All that the host has said."""

    def serve(self, client: socket.socket) -> None:
        with socket.create_connection(self.host, SECONDS) as host:
            number = 0
            while request := self.message(client):
                self.heard += request
                host.sendall(request)
                answer = self.message(host)
                self.said += answer
                client.sendall(self.meddle(number, answer))
                number += 1
        client.close()


class Impostor(Listener):
    """An HTTP server that offers logons and lets nobody in."""

    def __init__(self, address: str, schemes: Sequence[str]) -> None:
        super().__init__(address)
        self.schemes = schemes

    def serve(self, client: socket.socket) -> None:
        offers = "".join(f"WWW-Authenticate: {scheme}\r\n" for scheme in self.schemes)
        while request := self.message(client):
            self.heard += request
            client.sendall(
                f"HTTP/1.1 401 Unauthorized\r\n{offers}Content-Length: 0\r\n\r\n".encode()
            )


class Web(Listener):
    """A web server that is no WinRM: it gives its answers in turn, and its last for ever."""

    def __init__(self, address: str, *answers: bytes, port: int = 5985) -> None:
        super().__init__(address, port)
        self.answers = list(answers)

    def serve(self, client: socket.socket) -> None:
        while request := self.message(client):
            self.heard += request
            client.sendall(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


class Blurt(Web):
    """Answers whatever it hears, a request or not."""

    def message(self, sock: socket.socket) -> bytes:
        return sock.recv(65536)


class Silence(Listener):
    """Takes connections, and says nothing."""

    def serve(self, client: socket.socket) -> None:
        while piece := client.recv(65536):
            self.heard += piece


class Dribble(Listener):
    """Begins an answer, and says a byte of it now and then, for ever."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.ended = threading.Event()

    def serve(self, client: socket.socket) -> None:
        self.message(client)
        client.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not self.ended.wait(0.1):
            client.sendall(b"x")


def authorizations(heard: bytes) -> list[tuple[str, bytes]]:
    """The scheme and the token of each logon that was tried."""
    found = re.findall(rb"Authorization:\s*(\S+)\s+(\S+)", heard, re.IGNORECASE)
    return [(scheme.decode(), base64.b64decode(token)) for scheme, token in found]
