"""Who is at the other end, and what is said between both: Kerberos with the host's keytab.

Messages on plain HTTP are encrypted as MS-WSMV 2.2.9.1 says. A caller's ticket is good for this
connection, and for nothing else.
"""
# Where Kerberos is not compiled, gssapi is not there to be looked at.
# mypy: disable-error-code="misc,unused-ignore"

from __future__ import annotations

import hashlib
import re
import ssl
from pathlib import Path

import gssapi
from gssapi.raw import (
    IOV,
    ChannelBindings,
    IOVBufferType,
    acquire_cred_from,
    unwrap_iov,
    wrap_iov,
)
from gssapi.raw.misc import GSSError

MECHANISMS = (gssapi.MechType.kerberos, gssapi.OID.from_int_seq("1.3.6.1.5.5.2"))
"""Kerberos as it is, and inside SPNEGO."""
PRINCIPAL = gssapi.OID.from_int_seq("1.2.840.113554.1.2.2.1")
"""GSS_KRB5_NT_PRINCIPAL_NAME."""
BOUNDARY = "Encrypted Boundary"
ENCRYPTED = "multipart/encrypted"
PROTOCOLS = {
    "negotiate": "application/HTTP-SPNEGO-session-encrypted",
    "kerberos": "application/HTTP-Kerberos-session-encrypted",
}
PARTS = re.compile(
    rb"\A--\s*Encrypted Boundary\r\n"
    rb"\s*Content-Type:\s*(?P<protocol>\S+)\r\n"
    rb"\s*OriginalContent:\s*type=[^;]+;charset=[^;]+;Length=(?P<length>\d+)\r\n"
    rb"--\s*Encrypted Boundary\r\n"
    rb"\s*Content-Type:\s*application/octet-stream\r\n"
    rb"(?P<sealed>.*)--\s*Encrypted Boundary--(?:\r\n)?\Z",
    re.DOTALL | re.IGNORECASE,
)


class NotAuthentic(Exception):
    """A token or a message that the caller's ticket does not account for."""


class Context(gssapi.SecurityContext):
    """A context that says at once what is wrong with a token."""


# Its metaclass would overwrite it in the class's body.
Context.__DEFER_STEP_ERRORS__ = False  # type: ignore[attr-defined]


class Conversation:
    """The security context of one connection."""

    def __init__(self, keytab: Path, fqdn: str, bindings: ChannelBindings | None) -> None:
        self._context = Context(
            creds=host_credentials(keytab, fqdn), usage="accept", channel_bindings=bindings
        )
        self._protocol = ""

    @property
    def complete(self) -> bool:
        """Whether the caller is known."""
        return bool(self._context.complete)

    @property
    def user(self) -> str:
        """The caller's principal."""
        return str(self._context.initiator_name)

    def step(self, scheme: str, token: bytes) -> bytes:
        """Take the caller's token, and give the one for him.

        Raises:
            NotAuthentic: it is not for this host, too old, not Kerberos, …
        """
        self._protocol = PROTOCOLS[scheme]
        try:
            return self._context.step(token) or b""
        except GSSError as error:
            raise NotAuthentic(str(error)) from error

    def unseal(self, body: bytes) -> bytes:
        """Decrypt a message.

        Raises:
            NotAuthentic: it was changed, sent twice, or is not encrypted in this conversation.
        """
        parts = PARTS.match(body)
        if parts is None:
            raise NotAuthentic("not a multipart/encrypted message")
        sealed = parts["sealed"]
        length = int.from_bytes(sealed[:4], "little")
        signature, data = sealed[4 : 4 + length], sealed[4 + length :]
        message = IOV(
            (IOVBufferType.header, False, signature), data, IOVBufferType.data, std_layout=False
        )
        try:
            if not unwrap_iov(self._context, message).encrypted:
                raise NotAuthentic("signed only")
        except GSSError as error:
            raise NotAuthentic(str(error)) from error
        clear = bytes(message[1].value or b"")
        if len(clear) != int(parts["length"]):
            raise NotAuthentic("the length is not the one that was told")
        return clear

    def seal(self, clear: bytes) -> tuple[str, bytes]:
        """Encrypt a message; give its content type and the body."""
        message = IOV(IOVBufferType.header, clear, IOVBufferType.padding, std_layout=False)
        wrap_iov(self._context, message, confidential=True)
        signature, data, padding = (bytes(part.value or b"") for part in message)
        head = (
            f"--{BOUNDARY}\r\n"
            f"\tContent-Type: {self._protocol}\r\n"
            "\tOriginalContent: type=application/soap+xml;charset=UTF-8;"
            f"Length={len(clear) + len(padding)}\r\n"
            f"--{BOUNDARY}\r\n"
            "\tContent-Type: application/octet-stream\r\n"
        )
        body = head.encode() + len(signature).to_bytes(4, "little") + signature + data + padding
        content_type = f'{ENCRYPTED};protocol="{self._protocol}";boundary="{BOUNDARY}"'
        return content_type, body + f"--{BOUNDARY}--\r\n".encode()


def host_credentials(keytab: Path, fqdn: str) -> gssapi.Credentials:
    """Give the host's credentials, to accept callers: a DC is not needed for that."""
    store: dict[bytes | str, bytes | str] = {b"keytab": f"FILE:{keytab}".encode()}
    host, _, domain = fqdn.partition(".")
    name = gssapi.Name(f"{host.upper()}$@{domain.upper()}", PRINCIPAL)
    got = acquire_cred_from(store, name=name, mechs=MECHANISMS, usage="accept")
    return gssapi.Credentials(base=got.creds)


def channel_bindings(certificate: Path) -> ChannelBindings:
    """Give what binds a caller's token to a TLS channel (RFC 5929, SHA-256 certificates)."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).digest()
    return ChannelBindings(application_data=b"tls-server-end-point:" + digest)
