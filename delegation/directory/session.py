"""A bound connection to one domain controller: TLS, certificate, bind, and every error in words.

ldap3's own ``Tls`` checks no certificate unless told to and knows no IP addresses in
certificates; the handshake here is the standard library's, with its full verification.
"""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPExceptionError

from delegation import names
from delegation.errors import (
    ConnectionFailed,
    CredentialsRefused,
    DelegationError,
    DirectoryError,
    UsageError,
)
from delegation.inventory import Auth, DirectorySettings
from delegation.snapshot import Directory

CONNECT_TIMEOUT = 10
"""Seconds to wait for a connection."""

ANSWER_TIMEOUT = 60
"""Seconds to wait for an answer; AD ends a search after 120."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who binds. The password is never printed, logged or stored."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.user!r})"


class _VerifiedTls(ldap3.Tls):  # type: ignore[misc]
    """TLS 1.2 or newer with the server's certificate and name verified, always."""

    def __init__(self, host: str, ca_file: str | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self.host = host
        self.failure: OSError | None = None
        self.context = ssl.create_default_context(cafile=ca_file)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ANN401, ARG002, FBT001, FBT002 - ldap3's signature
        try:
            connection.socket = self.context.wrap_socket(
                connection.socket, server_hostname=self.host
            )
        except OSError as exc:
            self.failure = exc
            raise


def host_of(url: str) -> str:
    """The host that ``url`` names; empty of an ``ldif:`` one."""
    return urlsplit(url).hostname or ""


def refuse_unable(settings: DirectorySettings) -> None:
    """Raise UsageError for a way to log on that is not safe, or not in this version."""
    if settings.auth not in {None, Auth.SIMPLE}:
        raise UsageError(
            f"directory.auth: {settings.auth} is not in this version",
            "use auth: simple, over ldaps:// or with start_tls: true",
        )
    if (settings.url or "").startswith("ldap://") and not settings.start_tls:
        raise UsageError(
            f"{settings.url} would send the password in clear",
            "use ldaps://, or set directory.start_tls: true",
        )


def connect(settings: DirectorySettings, domain: str, credentials: Credentials) -> Any:  # noqa: ANN401 - ldap3 has no types
    """A bound ldap3 connection over verified TLS.

    Raises UsageError for settings that this can't do, ConnectionFailed, CredentialsRefused.
    """
    url = urlsplit(settings.url or "")
    host = url.hostname or ""
    refuse_unable(settings)
    if not credentials.password:
        raise UsageError(
            "an empty password is refused: a domain controller takes it as no logon at all",
            "set DELEGATION_PASSWORD or use --password-file",
        )
    tls = _tls(host, settings.ca_file)
    server = ldap3.Server(
        host,
        port=url.port,
        use_ssl=url.scheme == "ldaps",
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=CONNECT_TIMEOUT,
    )
    connection = ldap3.Connection(
        server,
        user=_bind_name(credentials.user, domain),
        password=credentials.password,
        authentication=ldap3.SIMPLE,
        auto_referrals=False,
        auto_range=True,
        return_empty_attributes=False,
        check_names=False,
        receive_timeout=ANSWER_TIMEOUT,
    )
    _open(connection, tls, settings)
    _bind(connection, host, connection.user)
    return connection


def identify(connection: Any, url: str, domain: str) -> Directory:  # noqa: ANN401
    """Which domain and domain controller answered, from the root DSE (MS-ADTS 3.1.1.3.2).

    Raises DirectoryError where it serves another domain than the inventory's.
    """
    try:
        connection.search(
            "",
            "(objectClass=*)",
            ldap3.BASE,
            attributes=["defaultNamingContext", "dnsHostName"],
        )
        answer = connection.response[0]["raw_attributes"]
        base = answer["defaultNamingContext"][0].decode()
        dc = answer["dnsHostName"][0].decode()
    except LDAPException as exc:
        raise lost(url, exc) from exc
    except (LookupError, TypeError, UnicodeDecodeError) as exc:
        raise DirectoryError(
            f"{url} does not answer like a domain controller", "name a domain controller"
        ) from exc
    if names.dn_key(base) != names.dn_key(names.domain_dn(domain)):
        raise DirectoryError(
            f"{url} serves {base}, the inventory's domain is {domain}",
            "correct domain: or directory.url",
        )
    return Directory(url, domain, base, dc)


def lost(url: str, exc: BaseException) -> ConnectionFailed:
    """The connection broke while something was asked."""
    return ConnectionFailed(
        f"lost the connection to {url}: {exc}",
        "look whether the domain controller is up, then try again",
    )


def _tls(host: str, ca_file: str | None) -> _VerifiedTls:
    if ca_file is not None and not Path(ca_file).is_file():
        raise UsageError(f"directory.ca_file {ca_file} is not a file", "name the CA's PEM file")
    try:
        return _VerifiedTls(host, ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise UsageError(
            f"directory.ca_file {ca_file} can't be used: {exc}", "name the CA's PEM file"
        ) from exc


def _bind_name(user: str, domain: str) -> str:
    """A DN, a user principal name and a down-level name as given; a bare one gets the domain."""
    return user if any(mark in user for mark in "@\\=") else f"{user}@{domain}"


def _open(connection: Any, tls: _VerifiedTls, settings: DirectorySettings) -> None:  # noqa: ANN401
    try:
        connection.strategy.socket_size = 1 << 16  # ldap3's 4 KiB cost a mesh 800 reads
        connection.open(read_server_info=False)
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if settings.start_tls and not connection.start_tls(read_server_info=False):
            raise ConnectionFailed(
                f"{settings.url} refuses StartTLS",
                "give the domain controller a certificate, or use another one",
            )
    except DelegationError:
        connection.unbind()
        raise
    except (LDAPExceptionError, OSError) as exc:
        raise _unreachable(settings.url or "", tls, exc) from exc


def _unreachable(url: str, tls: _VerifiedTls, exc: Exception) -> ConnectionFailed:
    if isinstance(tls.failure, ssl.SSLCertVerificationError):
        return _distrusted(url, tls.host, tls.failure)
    if tls.failure is not None:
        return ConnectionFailed(
            f"no TLS with {url}: {tls.failure}",
            "look whether the port is the LDAPS port and the domain controller has a certificate",
        )
    text = str(exc)
    if "getaddrinfo" in text or "Name or service" in text or "invalid server address" in text:
        return ConnectionFailed(
            f"{tls.host} has no address in DNS", "correct directory.url, or the DNS servers"
        )
    return ConnectionFailed(
        f"no connection to {url}: {text}",
        "look whether the domain controller is up and no firewall is in between",
    )


_EXPIRED, _MISMATCHED = {10}, {62, 64}
"""OpenSSL's X509_V_ERR codes for an expired certificate and for another host's or address's."""


def _distrusted(url: str, host: str, failure: ssl.SSLCertVerificationError) -> ConnectionFailed:
    if failure.verify_code in _EXPIRED:
        return ConnectionFailed(
            f"the certificate of {url} has expired", "renew the domain controller's certificate"
        )
    if failure.verify_code in _MISMATCHED:
        return ConnectionFailed(
            f"the certificate of {url} is not for {host}",
            "use the name that is in the certificate, usually the full name of the server",
        )
    return ConnectionFailed(
        f"the certificate of {url} is not trusted: {failure.verify_message}",
        "set directory.ca_file to the PEM file of the CA that issued it",
    )


_BIND_DATA = {
    "525": ("no such user", "correct directory.user"),
    "52e": ("wrong user name or password", "correct directory.user or the password"),
    "530": ("it may not log on at this hour", "use another account"),
    "531": ("it may not log on from this machine", "use another account or machine"),
    "532": ("its password has expired", "change the password"),
    "533": ("it is disabled", "enable it or use another account"),
    "701": ("it has expired", "use another account"),
    "773": ("its password must be changed first", "change the password"),
    "775": ("it is locked out", "unlock it, and look why"),
}
"""The ``data`` codes of an AD bind refusal (result 49)."""


def _bind(connection: Any, host: str, user: str) -> None:  # noqa: ANN401
    try:
        bound = connection.bind(read_server_info=False)
    except LDAPException as exc:
        raise ConnectionFailed(
            f"{host} ended the connection at the logon: {exc}", "look at its log"
        ) from exc
    if bound:
        return
    result = connection.result
    connection.unbind()
    message = result.get("message", "").rstrip("\0")
    for code, (why, fix) in _BIND_DATA.items():
        if f"data {code}," in message:
            raise CredentialsRefused(f"{host} refuses the logon of {user}: {why}", fix)
    if result["result"] == 8:
        raise CredentialsRefused(
            f"{host} asks for a stronger logon than simple bind", "use ldaps:// or start_tls: true"
        )
    if result["result"] == 49:
        raise CredentialsRefused(
            f"{host} refuses the logon of {user}: {message or result['description']}",
            "correct directory.user or the password",
        )
    raise CredentialsRefused(
        f"{host} answers the logon of {user} with {result['result']} {result['description']}: "
        f"{message}",
        "look at the domain controller's log",
    )
