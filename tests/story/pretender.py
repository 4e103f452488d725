"""A server that poses as a domain controller: a member of the domain with its own key, or TLS.

It takes every logon that it can, and then answers what it likes: a root DSE of its own, and objects
as the directory had them once. What it is asked, it writes down.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import gssapi
from gssapi.raw import acquire_cred_from
from ldap3.protocol.rfc4511 import LDAPMessage
from pyasn1.codec.ber import decoder

from delegation.directory.requests import element
from tests.fuzz.ldap_server import BIND, SEARCH, SUCCESS, done, entry, kind_of, message, number_of
from tests.lab.description import BASE_DN, Lab
from tests.lab.ldif import Entry

BIND_RESPONSE = 0x61
CONFIGURATION = f"CN=Configuration,{BASE_DN}"
Values = Mapping[str, Sequence[str | bytes]]


def root_dse(dc: str, **others: str) -> Values:
    """What a domain controller of the lab's domain says of itself."""
    schema = f"CN=Schema,{CONFIGURATION}"
    told = {
        "defaultNamingContext": BASE_DN,
        "configurationNamingContext": CONFIGURATION,
        "schemaNamingContext": schema,
        "rootDomainNamingContext": BASE_DN,
        "dnsHostName": dc,
        "dsServiceName": f"CN=NTDS Settings,CN=DC1,CN=Servers,{CONFIGURATION}",
    }
    one_each = {name: [value] for name, value in (told | others).items()}
    return {"namingContexts": [BASE_DN, CONFIGURATION, schema], **one_each}


class Link(Protocol):
    """What a conversation goes over."""

    def recv(self, size: int, /) -> bytes: ...

    def sendall(self, data: bytes, /) -> None: ...


class Pretender:
    """For a ``with``: a server on a host's address in the name of that host.

    Without TLS it is port 389, and the keytab of the host opens what is sealed for it. Inside TLS
    on port 636, any password is right.
    """

    def __init__(self, lab: Lab, host: str, root: Values, objects: Sequence[Entry]) -> None:
        self.address = lab.host_address(host)
        self.logons = 0
        self.asked: list[bytes] = []
        self._keytab = lab.keytab(host)
        self._root, self._objects = root, objects
        self._tls: ssl.SSLContext | None = None
        self._listener = socket.socket()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def inside_tls(self, certificate: Path) -> Self:
        """With a certificate, whose key lies beside it."""
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
        return self

    def tell(self, root: Values) -> None:
        """Another root DSE."""
        self._root = root

    def __enter__(self) -> Self:
        self._listener = socket.create_server((self.address, 636 if self._tls else 389))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                with accepted, suppress(OSError):
                    accepted.settimeout(10)
                    link: Link = accepted
                    if self._tls:
                        link = self._tls.wrap_socket(accepted, server_side=True)
                    self._talk(link)

    def _talk(self, link: Link) -> None:
        while request := whole_message(link):
            if kind_of(request) == BIND:
                link = self._logged_on(link, request)
            elif kind_of(request) == SEARCH:
                self.asked.append(request)
                link.sendall(self._answer(request))
            else:
                return

    def _logged_on(self, link: Link, request: bytes) -> Link:
        self.logons += 1
        decoded, _ = decoder.decode(request, asn1Spec=LDAPMessage())
        logon = decoded["protocolOp"]["bindRequest"]["authentication"]
        if logon.getName() == "simple":
            link.sendall(message(number_of(request), BIND_RESPONSE, SUCCESS))
            return link
        context = accepting(self._keytab)
        token = context.step(bytes(logon["sasl"]["credentials"])) or b""
        answer = SUCCESS + element(0x87, token)
        link.sendall(message(number_of(request), BIND_RESPONSE, answer))
        return Sealed(link, context)

    def _answer(self, request: bytes) -> bytes:
        number = number_of(request)
        if b"defaultNamingContext" in request:
            return entry(number, b"", in_bytes(self._root)) + done(number)
        # An account that is asked for by its name, and nothing else.
        found = [
            entry(number, one.dn.encode(), in_bytes(one.attributes))
            for one in self._objects
            if one.texts("sAMAccountName")[0].lower().encode() in request.lower()
        ]
        return b"".join(found) + done(number)


def accepting(keytab: Path) -> gssapi.SecurityContext:
    """A service whose key lies in a keytab; any name that the KDC has for it is right."""
    got = acquire_cred_from(
        {b"keytab": f"FILE:{keytab}".encode()}, mechs=[gssapi.MechType.kerberos], usage="accept"
    )
    return gssapi.SecurityContext(creds=gssapi.Credentials(base=got.creds), usage="accept")


class Sealed:
    """A link within a context: a length, and a token."""

    def __init__(self, link: Link, context: gssapi.SecurityContext) -> None:
        self._link, self._context = link, context
        self._opened = b""

    def recv(self, size: int, /) -> bytes:
        if not self._opened:
            (length,) = struct.unpack("!I", exactly(self._link, 4) or bytes(4))
            if length:
                self._opened = self._context.unwrap(exactly(self._link, length)).message
        given, self._opened = self._opened[:size], self._opened[size:]
        return given

    def sendall(self, data: bytes, /) -> None:
        token = self._context.wrap(data, True).message
        self._link.sendall(struct.pack("!I", len(token)) + token)


def whole_message(link: Link) -> bytes:
    """One LDAP message; empty at the end."""
    head = exactly(link, 2)
    if not head or head[1] < 0x80:
        return head + exactly(link, head[1] if head else 0)
    length = exactly(link, head[1] & 0x7F)
    return head + length + exactly(link, int.from_bytes(length, "big"))


def exactly(link: Link, count: int) -> bytes:
    """So many bytes; none at the end."""
    data = b""
    while len(data) < count:
        if not (piece := link.recv(count - len(data))):
            return b""
        data += piece
    return data


def in_bytes(values: Values) -> dict[bytes, list[bytes]]:
    return {
        name.encode(): [one.encode() if isinstance(one, str) else one for one in listed]
        for name, listed in values.items()
    }
