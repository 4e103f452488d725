"""TLS with a domain controller: its certificate and its name verified, or no connection.

ldap3's own ``Tls`` checks no certificate unless told to and knows no IP addresses in
certificates; the handshake here is the standard library's, with its full verification.
"""

import ssl
from typing import Any

import ldap3

from delegation.errors import ConnectionFailed
from delegation.kerberos import certificates
from delegation.kerberos.certificates import CertificateFault


class VerifiedTls(ldap3.Tls):  # type: ignore[misc]
    """TLS 1.2 or newer with the server's certificate and name verified, always."""

    def __init__(self, host: str, ca_file: str | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self.host = host
        self.failure: OSError | None = None
        self.context = certificates.verifying(ca_file, "directory", "the CA's")

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ANN401, ARG002, FBT001, FBT002 - ldap3's signature
        try:
            # The hand-shake is part of connecting: Python counts a timeout from its first byte
            # to its last one, and whoever says nothing is given up as one who is not there.
            connection.socket.settimeout(connection.server.connect_timeout)
            connection.socket = self.context.wrap_socket(
                connection.socket, server_hostname=self.host
            )
            connection.socket.settimeout(connection.receive_timeout)
        except OSError as exc:
            self.failure = exc
            raise

    def refusal(self, url: str) -> ConnectionFailed | None:
        """What was wrong with it, if it failed."""
        if isinstance(self.failure, ssl.SSLCertVerificationError):
            return _distrusted(url, self.host, self.failure)
        if self.failure is not None:
            return ConnectionFailed(
                f"no TLS with {url}: {self.failure}",
                "look whether the port is the LDAPS port and the domain controller has a "
                "certificate",
            )
        return None


def verified(host: str, ca_file: str | None) -> VerifiedTls:
    """TLS with ``host``, by the system's authorities or those of a file. Raises UsageError."""
    return VerifiedTls(host, ca_file)


def _distrusted(url: str, host: str, failure: ssl.SSLCertVerificationError) -> ConnectionFailed:
    match certificates.fault_of(failure):
        case CertificateFault.EXPIRED:
            return ConnectionFailed(
                f"the certificate of {url} has expired", "renew the domain controller's certificate"
            )
        case CertificateFault.OF_ANOTHER_NAME:
            return ConnectionFailed(
                f"the certificate of {url} is not for {host}",
                "use the name that is in the certificate, usually the full name of the server",
            )
    return ConnectionFailed(
        f"the certificate of {url} is not trusted: {failure.verify_message}",
        "set directory.ca_file to the PEM file of the CA that issued it",
    )
