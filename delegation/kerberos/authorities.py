"""Certificates -> the certificate authorities that vouch for a server, by their keys.

A key, and not a certificate: an authority's is renewed with the same key, and its own name can be
anybody's. What is compared is SHA-256 of the subjectPublicKeyInfo (RFC 5280, 4.1.2.7).
"""

import base64
import hashlib
import ssl
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from delegation.errors import UsageError

_DER = 2
"""_ssl.ENCODING_DER, before Python 3.13 the way to a certificate's bytes."""
_SEQUENCE, _VERSION = 0x30, 0xA0
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class CertificateParts(NamedTuple):
    """Of a certificate, each with its tag and length."""

    issuer: bytes
    subject: bytes
    public_key: bytes


def verified_chain(tls: Any) -> tuple[bytes, ...]:  # noqa: ANN401 - an SSLSocket, by any version
    """The certificates by which this machine has verified the server, its own first, in DER.

    Not what the server has sent along: that may be anything.
    """
    if hasattr(tls, "get_verified_chain"):  # Python 3.13
        return tuple(tls.get_verified_chain())
    chain = tls._sslobj.get_verified_chain()  # noqa: SLF001 - the one way before
    return tuple(certificate.public_bytes(_DER) for certificate in chain or ())


def vouching(chain: Sequence[bytes]) -> tuple[bytes, ...]:
    """The authorities of a verified chain, the root last.

    The server's own certificate is renewed, and no authority's; but one that nobody else has
    issued, and that is trusted all the same, is its own.
    """
    if len(chain) == 1:
        alone = _parts(chain[0])
        return tuple(chain) if alone.issuer == alone.subject else ()
    return tuple(chain[1:])


def key_of(certificate: bytes) -> str:
    """``sha256:`` and the base64 of the digest of its public key. Raises ValueError."""
    digest = hashlib.sha256(_parts(certificate).public_key).digest()
    return f"sha256:{base64.b64encode(digest).decode()}"


def subject_of(certificate: bytes) -> str:
    """``CN=Corp Root CA, O=Corp`` of an authority; empty of what is none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=certificate)
    # This lists authorities alone, by their basicConstraints and keyUsage.
    for found in context.get_ca_certs():
        subject: Any = found.get("subject", ())
        pairs = [pair for rdn in subject for pair in rdn]
        return ", ".join(f"{_SHORT.get(kind, kind)}={value}" for kind, value in reversed(pairs))
    return ""


_SHORT = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "domainComponent": "DC",
}


def in_pem(data: bytes, file: str) -> list[tuple[str, str]]:
    """Key and subject of each authority in a PEM file.

    Raises UsageError for a file without certificates, and for a certificate that is no authority's.
    """
    found: list[tuple[str, str]] = []
    try:
        for certificate in _certificates(data.decode("ascii", "replace")):
            found.append((key_of(certificate), subject_of(certificate)))
    except ValueError as exc:  # ssl.SSLError is none, but its certificates fail in our own hands
        raise UsageError(f"{file} can't be read: {exc}", "name the CA's PEM file") from exc
    except ssl.SSLError as exc:
        raise UsageError(f"{file} can't be read: {exc}", "name the CA's PEM file") from exc
    if not found:
        raise UsageError(f"{file} holds no certificate", "name the CA's PEM file")
    if not all(subject for _, subject in found):
        raise UsageError(
            f"{file} holds the certificate of a server, which is renewed: it is no CA's",
            "name the PEM file of the CA that issued it",
        )
    return found


def _certificates(text: str) -> Iterator[bytes]:
    for block in text.split(_BEGIN)[1:]:
        inside, end, _ = block.partition(_END)
        if not end:
            raise ValueError("a certificate has no end")
        yield base64.b64decode("".join(inside.split()), validate=True)


def _parts(certificate: bytes) -> CertificateParts:
    """Certificate and TBSCertificate (RFC 5280, 4.1). Raises ValueError."""
    outer, _ = _element(certificate, 0)
    inner, _ = _element(outer, 0)
    at = 0
    if inner[:1] == bytes([_VERSION]):
        at = _element(inner, 0)[1]
    fields: list[bytes] = []
    # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
    for _ in range(6):
        end = _element(inner, at)[1]
        fields.append(inner[at:end])
        at = end
    if fields[5][0] != _SEQUENCE:
        raise ValueError("it is no certificate")
    return CertificateParts(fields[2], fields[4], fields[5])


def _element(data: bytes, at: int) -> tuple[bytes, int]:
    """The contents of the element at a place, and where it ends (X.690, 8.1.3, definite form)."""
    head = data[at : at + 2]
    if len(head) < 2:
        raise ValueError("it is no certificate")
    size, start = head[1], at + 2
    if size & 0x80:
        count = size & 0x7F
        size = int.from_bytes(data[start : start + count], "big")
        start += count
    if start + size > len(data):
        raise ValueError("it is cut off")
    return data[start : start + size], start + size
