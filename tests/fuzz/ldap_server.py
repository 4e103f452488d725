"""A domain of four hosts behind a real socket with TLS, whose every answer a test may spoil."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from delegation.directory import entries
from delegation.directory.requests import PAGED, element

DOMAIN = "corp.example"
HOSTS = ("hv01", "hv02", "hv03", "hv04")
GUIDS = {name: UUID(int=number + 0x1000) for number, name in enumerate(HOSTS)}
SIDS = {
    name: entries.sid_bytes(f"S-1-5-21-1-2-3-{1100 + number}") for number, name in enumerate(HOSTS)
}
_BASE, _CONFIGURATION = b"DC=corp,DC=example", b"CN=Configuration,DC=corp,DC=example"
ROOT_DSE = {
    b"defaultNamingContext": [_BASE],
    b"configurationNamingContext": [_CONFIGURATION],
    b"schemaNamingContext": [b"CN=Schema," + _CONFIGURATION],
    b"rootDomainNamingContext": [_BASE],
    b"namingContexts": [_BASE, _CONFIGURATION, b"CN=Schema," + _CONFIGURATION],
    b"dnsHostName": [b"dc1.corp.example"],
}
VALUES = [b"cifs/hv%02d.corp.example" % number for number in range(2, 9)]
BIND, UNBIND, SEARCH, MODIFY = 0x60, 0x42, 0x63, 0x66
"""Tags of requests (RFC 4511)."""
SUCCESS = b"\x0a\x01\x00\x04\x00\x04\x00"
PER_PAGE, PER_PART = 2, 3
SIZE_LIMIT_EXCEEDED = 4

Spoil = Callable[[ssl.SSLSocket, str, int, list[bytes]], None]
"""Sends what stands in for the good answers: on a link, at a stage, to the request's number."""


def honest(link: ssl.SSLSocket, stage: str, number: int, good: list[bytes]) -> None:
    link.sendall(b"".join(good))


def message(number: int, operation: int, contents: bytes, controls: bytes = b"") -> bytes:
    identifier = element(0x02, number.to_bytes(4, "big"))
    return element(0x30, identifier, element(operation, contents), controls)


def entry(number: int, dn: bytes, values: dict[bytes, list[bytes]]) -> bytes:
    attributes = [
        element(
            0x30,
            element(0x04, name),
            element(0x31, *(element(0x04, value) for value in listed)),
        )
        for name, listed in values.items()
    ]
    return message(number, 0x64, element(0x04, dn) + element(0x30, *attributes))


def done(number: int, cookie: bytes | None = None, code: int = 0) -> bytes:
    controls = b""
    if cookie is not None:
        page = element(0x30, b"\x02\x01\x00", element(0x04, cookie))
        controls = element(0xA0, element(0x30, element(0x04, PAGED), element(0x04, page)))
    return message(number, 0x65, bytes([0x0A, 1, code]) + b"\x04\x00\x04\x00", controls)


def number_of(request: bytes) -> int:
    at = _begin(request)
    return int.from_bytes(request[at + 2 : at + 2 + request[at + 1]], "big")


def _begin(request: bytes) -> int:
    return 2 + (request[1] & 0x7F if request[1] & 0x80 else 0)


def kind_of(request: bytes) -> int:
    at = _begin(request)
    return request[at + 2 + request[at + 1]]


def stage_of(request: bytes) -> str:
    kind = kind_of(request)
    if kind != SEARCH:
        return {BIND: "bind", MODIFY: "write"}.get(kind, "end")
    return "identify" if b"defaultNamingContext" in request else "find"


def answers(request: bytes) -> list[bytes]:
    """What a domain controller says that gives two objects and three values at a time."""
    number, stage = number_of(request), stage_of(request)
    if stage == "bind":
        return [message(number, 0x61, SUCCESS)]
    if stage == "write":
        return [message(number, 0x67, SUCCESS)]
    if stage == "identify":
        return [entry(number, b"", ROOT_DSE), done(number)]
    meant = [name for name in HOSTS if _is_meant(name, request)]
    found = [entry(number, b"CN=" + name.encode(), _host(name, request)) for name in meant]
    if PAGED not in request:
        code = SIZE_LIMIT_EXCEEDED if len(found) > PER_PAGE else 0
        return [*found[:PER_PAGE], done(number, code=code)]
    cookie = re.search(rb"page([0-9])\Z", request)
    at = int(cookie[1]) if cookie else 0
    more = b"page%d" % (at + PER_PAGE) if at + PER_PAGE < len(found) else b""
    return [*found[at : at + PER_PAGE], done(number, more)]


def _is_meant(name: str, request: bytes) -> bool:
    known = (f"{name}$".encode(), f"CN={name}".encode(), GUIDS[name].bytes_le, SIDS[name])
    text = f"<GUID={GUIDS[name]}>".encode()
    everybody = b"\x87\x0bobjectClass" in request and b"\x04\x00\x0a\x01\x00" in request
    return any(mark in request for mark in (*known, text)) or (everybody and name == HOSTS[0])


def _host(name: str, request: bytes) -> dict[bytes, list[bytes]]:
    asked = re.search(rb";range=([0-9]+)-", request)
    start = int(asked[1]) if asked else 0
    end = b"*" if start + PER_PART >= len(VALUES) else b"%d" % (start + PER_PART - 1)
    values = b"msDS-AllowedToDelegateTo"
    part = VALUES[start : start + PER_PART]
    return {
        b"sAMAccountName": [name.encode() + b"$"],
        b"objectGUID": [GUIDS[name].bytes_le],
        b"objectClass": [b"top", b"computer"],
        b"userAccountControl": [b"4096"],
        b"primaryGroupID": [b"515"],
        b"dNSHostName": [f"{name}.{DOMAIN}".encode()],
        b"servicePrincipalName": [f"HOST/{name}".encode()],
        b"objectSid": [SIDS[name]],
        b"tokenGroups": [SIDS[name], entries.sid_bytes("S-1-5-32-544")],
        b"allowedAttributesEffective": [b"userAccountControl", b"msDS-AllowedToDelegateTo"],
        (values if name != HOSTS[-1] else b"%s;range=%d-%s" % (values, start, end)): part,
    }


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1, which is its own authority; the file of it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server that lies")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, True, True, False, False),
            critical=True,
        )
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                    x509.DNSName("dc1.corp.example"),
                ]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "liar.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@contextmanager
def serving(
    pem: Path, spoil: Spoil, greet: Callable[[socket.socket], None] | None = None
) -> Iterator[str]:
    """The URL of a server that answers by ``spoil``; ``greet`` is instead of its TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                accepted, _ = listener.accept()
                with accepted:
                    accepted.settimeout(IDLE)
                    with suppress(OSError):
                        if greet is not None:
                            greet(accepted)
                            continue
                        with context.wrap_socket(accepted, server_side=True) as link:
                            _talk(link, spoil)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"ldaps://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


IDLE = 0.1
"""Seconds after which the server goes: whoever waits for the rest of a message meets the end."""


def _talk(link: ssl.SSLSocket, spoil: Spoil) -> None:
    waiting = b""
    while data := link.recv(1 << 16):
        waiting += data
        while (size := _size(waiting)) and size <= len(waiting):
            request, waiting = waiting[:size], waiting[size:]
            if stage_of(request) == "end":
                return
            spoil(link, stage_of(request), number_of(request), answers(request))


def _size(data: bytes) -> int:
    if len(data) < 2:
        return 0
    if data[1] < 0x80:
        return data[1] + 2
    at = 2 + (data[1] & 0x7F)
    return at + int.from_bytes(data[2:at], "big") if len(data) >= at else 0
