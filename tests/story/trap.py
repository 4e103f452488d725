"""Somebody's own server: it answers as a domain controller and a KDC so as to be told secrets.

It writes down every byte, inside TLS too, and does what makes a client go on: it takes any simple
bind, has a challenge for NTLM, and asks for a pre-authentication (RFC 4120, 5.2.7.2).
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from impacket.krb5.asn1 import AS_REQ, ETYPE_INFO2, KRB_ERROR, METHOD_DATA, seq_set
from impacket.krb5.types import KerberosTime, Principal
from pyasn1.codec.der import decoder, encoder
from spnego._ntlm_raw.messages import AvId, Challenge, NegotiateFlags, TargetInfo

from tests.lab import Lab, certificates
from tests.lab.front import START_TLS

LDAP, KDC, LDAPS, WINRM = 389, 88, 636, 5985
NTLM = b"NTLMSSP\0"
CHALLENGED = NTLM + b"\x03\0\0\0"
"""The beginning of AUTHENTICATE_MESSAGE, in which the response is (MS-NLMP 2.2.1.3)."""
ENC_TIMESTAMP, ETYPE_INFO2_TYPE, AES256 = 2, 19, 18
PREAUTH_REQUIRED = 25


class Trap:
    """For a ``with``; on ports 88, 389, 636 and 5985 of an address of its own, for these names."""

    def __init__(self, lab: Lab, *names: str, last: int = 45, authority: str = "other-ca") -> None:
        self.address = lab.address_at(last)
        self.heard = bytearray()
        self.connections = 0
        self.authenticated: list[bytes] = []
        """Requests to the KDC that hold something made from a password."""
        name = f"trap{last}"
        (lab.tls / f"{name}.cnf").write_text(
            certificates.configured([*names, "trap.example"], [self.address])
        )
        certificates.sign(
            lab, name, authority=authority, configuration=name, subject="trap.example"
        )
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(lab.tls / f"{name}.pem", lab.tls / f"{name}.key")
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind((self.address, KDC))
        self._listeners = {
            port: socket.create_server((self.address, port)) for port in (KDC, LDAP, LDAPS, WINRM)
        }
        serve: dict[int, Callable[[socket.socket], None]] = {
            KDC: self._kdc,
            LDAP: self._ldap,
            LDAPS: self._ldaps,
            WINRM: self._winrm,
        }
        self._threads = [
            threading.Thread(target=self._listen, args=(port, serve[port]), daemon=True)
            for port in serve
        ]
        self._threads.append(threading.Thread(target=self._udp, daemon=True))

    def secrets(self, password: str) -> list[str]:
        """What it has of a password, in words."""
        heard = bytes(self.heard)
        encodings = ("utf-8", "utf-16-le")
        found = ["the password" for code in encodings if password.encode(code) in heard]
        found += ["an NTLM response"] if CHALLENGED in heard else []
        found += ["an NTLM message"] if NTLM in heard else []
        return [*found, *("a pre-authentication" for _ in self.authenticated[:1])]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        for end in (*self._listeners.values(), self._datagrams):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(10)

    def _listen(self, port: int, serve: Callable[[socket.socket], None]) -> None:
        while True:
            try:
                client, _ = self._listeners[port].accept()
            except OSError:  # closed
                return
            self.connections += 1
            client.settimeout(20)
            with suppress(OSError, ValueError, struct.error), client:
                serve(client)

    # --- LDAP

    def _ldaps(self, client: socket.socket) -> None:
        with self._context.wrap_socket(client, server_side=True) as tls:
            self._ldap(tls)

    def _ldap(self, client: socket.socket) -> None:
        while request := client.recv(65536):
            self.heard += request
            number = request[4] if request[1] < 0x80 else request[4 + (request[1] & 0x7F)]
            if START_TLS in request:
                client.sendall(_answer(number, 0x78))
                self._ldaps(client)
                return
            if NTLM in request and CHALLENGED not in request:
                client.sendall(_answer(number, 0x61, 14, _challenge()))
            else:
                client.sendall(_answer(number, 0x61))

    def _winrm(self, client: socket.socket) -> None:
        while request := client.recv(65536):
            self.heard += request
            client.sendall(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\n")
            client.sendall(b"Content-Length: 0\r\n\r\n")

    # --- Kerberos

    def _udp(self) -> None:
        with suppress(OSError):
            while True:
                request, sender = self._datagrams.recvfrom(65536)
                if not request:
                    return  # shut down
                self._datagrams.sendto(self._as_answer(request), sender)

    def _kdc(self, client: socket.socket) -> None:
        (length,) = struct.unpack("!I", client.recv(4))
        answer = self._as_answer(client.recv(length))
        client.sendall(struct.pack("!I", len(answer)) + answer)

    def _as_answer(self, request: bytes) -> bytes:
        self.heard += request
        asked, _ = decoder.decode(request, asn1Spec=AS_REQ())
        for hint in asked["padata"]:
            if int(hint["padata-type"]) == ENC_TIMESTAMP:
                self.authenticated.append(request)
        return _needs_preauthentication(str(asked["req-body"]["realm"]))


def _answer(number: int, tag: int, code: int = 0, token: bytes = b"") -> bytes:
    """An LDAP result (RFC 4511, 4.1.9), with serverSaslCreds where there is a token."""
    result = bytes([0x0A, 1, code, 4, 0, 4, 0])
    if token:
        result += b"\x87" + _length(token) + token
    body = bytes([2, 1, number, tag]) + _length(result) + result
    return b"\x30" + _length(body) + body


def _length(content: bytes) -> bytes:
    return b"\x82" + struct.pack("!H", len(content))


def _challenge() -> bytes:
    target = TargetInfo()
    target[AvId.nb_domain_name] = "CORP"
    target[AvId.dns_domain_name] = "corp.example"
    flags = (
        NegotiateFlags.unicode
        | NegotiateFlags.ntlm
        | NegotiateFlags.sign
        | NegotiateFlags.seal
        | NegotiateFlags.key_128
        | NegotiateFlags.key_exch
        | NegotiateFlags.extended_session_security
        | NegotiateFlags.target_info
        | NegotiateFlags.target_type_domain
        | NegotiateFlags.request_target
        | NegotiateFlags.always_sign
    )
    return bytes(Challenge(flags, b"\x01" * 8, "CORP", target).pack())


def _needs_preauthentication(realm: str) -> bytes:
    keys: Any = ETYPE_INFO2()
    keys[0]["etype"] = AES256
    keys[0]["salt"] = f"{realm}svc"
    hints: Any = METHOD_DATA()
    hints[0]["padata-type"] = ETYPE_INFO2_TYPE
    hints[0]["padata-value"] = encoder.encode(keys)
    hints[1]["padata-type"] = ENC_TIMESTAMP
    hints[1]["padata-value"] = b""
    error: Any = KRB_ERROR()
    error["pvno"] = 5
    error["msg-type"] = 30
    error["stime"] = KerberosTime.to_asn1(datetime.now(UTC))
    error["susec"] = 0
    error["error-code"] = PREAUTH_REQUIRED
    error["realm"] = realm
    seq_set(error, "sname", Principal(f"krbtgt/{realm}", type=2).components_to_asn1)
    error["e-data"] = encoder.encode(hints)
    return bytes(encoder.encode(error))
