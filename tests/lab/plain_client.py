"""A client of WS-Man that shares no code with the product's: http.client, and Kerberos by pyspnego.

One connection: it authenticates once, and seals what it sends (MS-WSMV 2.2.9.1). It knows nothing
of CIM: it sends the documents that it is given.
"""

from __future__ import annotations

import base64
import re
from http.client import HTTPConnection, HTTPResponse

import spnego

TYPE = (
    'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted"'
    ';boundary="Encrypted Boundary"'
)
SECONDS = 60.0


class NotAnswered(Exception):
    """The answer is none of WS-Man's."""


class PlainClient:
    """A caller with a ticket; ``meet`` says whom it talks to."""

    def __init__(self) -> None:
        self.connection: HTTPConnection | None = None

    def meet(self, address: str, fqdn: str, user: str) -> None:
        """Connect and authenticate."""
        if self.connection is not None:
            self.connection.close()
        self.connection = HTTPConnection(address, 5985, timeout=SECONDS)
        self.fqdn = fqdn
        self.context = spnego.client(user, hostname=fqdn, service="http", protocol="negotiate")
        token = self.context.step()
        while not self.context.complete:
            answer = self.post(b"", {"Authorization": f"Negotiate {encoded(token)}"})
            answer.read()
            given = answer.headers.get("WWW-Authenticate", "").partition(" ")[2]
            if answer.status not in {200, 401} or not given:
                raise NotAnswered(f"{answer.status} {answer.reason}")
            token = self.context.step(base64.b64decode(given))

    def post(self, body: bytes, headers: dict[str, str]) -> HTTPResponse:
        """Send a body."""
        assert self.connection is not None, "meet somebody first"
        headers = {"Host": f"{self.fqdn}:5985", "Content-Type": TYPE, **headers}
        self.connection.request("POST", "/wsman", body, headers)
        return self.connection.getresponse()

    def send(self, document: bytes) -> tuple[int, bytes]:
        """Send a document, sealed, and give the status and the document that answers."""
        header, data, padding = self.context.wrap_winrm(document)
        length = len(document) + padding
        body = (
            b"--Encrypted Boundary\r\n"
            b"Content-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
            b"OriginalContent: type=application/soap+xml;charset=UTF-8;Length="
            + str(length).encode()
            + b"\r\n--Encrypted Boundary\r\nContent-Type: application/octet-stream\r\n"
            + len(header).to_bytes(4, "little")
            + header
            + data
            + b"--Encrypted Boundary--\r\n"
        )
        answer = self.post(body, {})
        return answer.status, self.opened(answer.read())

    def opened(self, body: bytes) -> bytes:
        """Unseal an answer; one that is empty stays so."""
        found = re.search(rb"octet-stream\r\n(.*)--\s*Encrypted Boundary--", body, re.DOTALL)
        if found is None:
            return b""
        sealed = found[1]
        length = int.from_bytes(sealed[:4], "little")
        return self.context.unwrap_winrm(sealed[4 : 4 + length], sealed[4 + length :])


def encoded(token: bytes | None) -> str:
    """Write a token."""
    return base64.b64encode(token or b"").decode()
