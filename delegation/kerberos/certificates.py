"""TLS that verifies, for every server: the authorities to trust, and what a failure means.

One place for directory and hosts, so that neither can grow an option that turns it off.
"""

import ssl
from collections.abc import Collection, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from delegation.errors import UsageError


def verifying(ca_file: str | None, section: str, whose: str) -> ssl.SSLContext:
    """TLS 1.2 or newer with certificate and name verified: no setting turns that off.

    By the system's authorities, or those of ``ca_file``, which ``section`` of the inventory names;
    ``whose`` is how a CA is called in the advice. Raises UsageError for a file that is none.
    """
    if ca_file is not None and not Path(ca_file).is_file():
        raise UsageError(f"{section}.ca_file {ca_file} is not a file", f"name {whose} PEM file")
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise UsageError(
            f"{section}.ca_file {ca_file} can't be used: {exc}", f"name {whose} PEM file"
        ) from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class CertificateFault(Enum):
    """What is wrong with a certificate that was refused."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    OF_ANOTHER_NAME = "of another name"
    UNTRUSTED = "untrusted"


_FAULTS = {
    9: CertificateFault.NOT_YET_VALID,
    10: CertificateFault.EXPIRED,
    62: CertificateFault.OF_ANOTHER_NAME,
    64: CertificateFault.OF_ANOTHER_NAME,
}
"""By OpenSSL's X509_V_ERR codes: another host's name is 62, another address 64."""


def fault_of(failure: ssl.SSLCertVerificationError) -> CertificateFault:
    """By OpenSSL's number; its texts differ between versions."""
    return _FAULTS.get(failure.verify_code, CertificateFault.UNTRUSTED)


def names_of(certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The DNS names that it is for, as ``ssl`` tells them of one that it has verified."""
    listed = (certificate or {}).get("subjectAltName", ())
    return tuple(str(name) for kind, name in listed if kind == "DNS")


def is_among(host: str, certified: Collection[str]) -> bool:
    """Whether a host is one of these, of which ``*.`` stands for one label (RFC 6125, 6.4.3)."""
    host = host.rstrip(".").casefold()
    any_label = f"*.{host.partition('.')[2]}"
    return bool({host, any_label} & {name.rstrip(".").casefold() for name in certified})
