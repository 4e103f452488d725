"""DirectorySettings, Credentials -> a bound connection to one domain controller, and who it is.

ldap3 follows no referrals here: one may lead anywhere, and would get the credentials.
"""

import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPExceptionError

from delegation.directory import bounded, entries, identity, searching, trouble
from delegation.directory.bounded import BoundedConnection
from delegation.directory.connection import (
    Credentials,
    ReachedServer,
    ServerLogon,
    host_of,
    is_address,
    refuse_unable,
)
from delegation.directory.ldap_answers import Unreadable
from delegation.directory.tls import VerifiedTls, verified
from delegation.errors import ConnectionFailed, DelegationError
from delegation.inventory import Auth, DirectorySettings
from delegation.kerberos import certificates, refusals
from delegation.kerberos.authorities import verified_chain
from delegation.kerberos.refusals import Attempt
from delegation.mesh.snapshot import Directory

CONNECT_TIMEOUT = 10
"""Seconds to wait for a connection, and for its TLS."""

HESITATION = 30.0
"""Seconds for which a connection is kept on which nothing was said yet."""

READ_ONLY = b"1.2.840.113556.1.4.1920"
"""supportedCapabilities of a read-only domain controller (MS-ADTS 3.1.1.3.4.3)."""


def connect(settings: DirectorySettings, domain: str, logon: ServerLogon) -> Any:  # noqa: ANN401 - ldap3 has no types
    """A bound ldap3 connection: over verified TLS, or sealed by the logon.

    Raises UsageError for settings that this can't do, Refused for a server that the logon is not
    for, ConnectionFailed, CredentialsRefused, and DirectoryError where no KDC can be asked.
    """
    settings = settings._replace(user=logon.user)
    refuse_unable(settings)
    # The ticket is asked for the host of the URL, and the certificate must be for it, wherever DNS
    # sends the connection: an answer of DNS must not choose who is trusted.
    host = host_of(settings.url or "")
    attempt = Attempt(host, domain, logon.user, settings.keytab, over_tls=settings.over_tls)
    connection, credentials = _admitted(settings, host, logon)
    try:
        if settings.logon is Auth.SIMPLE:
            _bind_simple(connection, attempt, credentials)
        else:
            from delegation.directory import sealing

            sealing.bind(connection, attempt, settings.logon, credentials.password)
    except BaseException:
        _hang_up(connection)
        raise
    return connection


def _admitted(
    settings: DirectorySettings, host: str, logon: ServerLogon
) -> tuple[Any, Credentials]:
    """An open connection, and what may be sent on it: decided when it is known who answers.

    Somebody may think about that for long, and a domain controller hangs up on whoever says
    nothing for two minutes (InitRecvTimeout, MS-ADTS 3.1.1.3.4.6). Whoever answers the next time
    is judged as well.
    """
    connection, reached = _connected(settings, host)
    began = time.monotonic()
    try:
        credentials = logon.for_server(reached)
    except BaseException:
        _hang_up(connection)
        raise
    if time.monotonic() - began < HESITATION:
        return connection, credentials
    _hang_up(connection)
    connection, reached = _connected(settings, host)
    try:
        return connection, logon.for_server(reached)
    except BaseException:
        _hang_up(connection)
        raise


def identify(connection: Any, settings: DirectorySettings, domain: str) -> Directory:  # noqa: ANN401
    """Which domain and domain controller answered, from the root DSE (MS-ADTS 3.1.1.3.2).

    ``settings`` are those of the logon, with whoever logged on as user. Raises DirectoryError where
    it serves another domain than the inventory's, ConnectionFailed where it is read-only, or
    another server than the logon has proved.
    """
    url = settings.url or ""
    root_dse = _object(connection, url, "", identity.ROOT_DSE)
    base = identity.naming_context(root_dse, url, domain)
    dc = identity.controller(root_dse, url, _proved(connection, settings))
    if _is_read_only(connection, url, root_dse):
        raise ConnectionFailed(
            f"{url} is a read-only domain controller: it takes no writes, and may lack values",
            "name a writable one, or leave directory.url out: one is found in DNS",
        )
    return Directory(url, domain, base, dc)


def _proved(connection: Any, settings: DirectorySettings) -> Sequence[str] | None:  # noqa: ANN401
    """The DNS names that the server may call itself by; None where there is none to compare with.

    A ticket is for the host of the URL alone. A certificate may have other names as well. NTLM
    without TLS proves none: there the name is compared for what was typed wrong.
    """
    host = host_of(settings.url or "")
    named = () if is_address(host) else (host,)
    if settings.logon is Auth.KERBEROS:
        return named
    if settings.over_tls:
        return (*named, *certificates.names_of(connection.socket.getpeercert()))
    return named or None


def _is_read_only(connection: Any, url: str, root_dse: entries.Attributes) -> bool:  # noqa: ANN401
    """By the capability that Windows tells, or by the service itself, which Samba's tells too."""
    if READ_ONLY in root_dse.get("supportedcapabilities", ()):
        return True
    service = b"".join(root_dse.get("dsservicename", ())).decode(errors="replace")
    if not service:
        return False
    attributes = _object(connection, url, service, ["msDS-isRODC"])
    return attributes.get("msds-isrodc") == [b"TRUE"]


def _object(connection: Any, url: str, dn: str, attributes: Sequence[str]) -> entries.Attributes:  # noqa: ANN401
    """The raw values of one object; none where it can't be seen. Raises ConnectionFailed."""
    with trouble.in_words(url):
        found = searching.one_object(connection, dn, attributes)
    return found[1] if found else {}


def _bind_name(user: str, domain: str) -> str:
    """A DN, a user principal name and a down-level name as given; a bare one gets the domain."""
    return user if any(mark in user for mark in "@\\=") else f"{user}@{domain}"


def _connected(settings: DirectorySettings, host: str) -> tuple[Any, ReachedServer]:
    """An open connection to the first of the host's addresses that answers, not bound yet."""
    tls = verified(host, settings.ca_file) if settings.over_tls else None
    trouble: list[ConnectionFailed] = []
    for address in _addresses(host, settings.dns_servers):
        try:
            connection = _connected_to(settings, address, tls)
            chain = verified_chain(connection.socket) if tls is not None else None
            return connection, ReachedServer(host, chain)
        except ConnectionFailed as exc:
            trouble.append(exc)
    if len(trouble) == 1:
        raise trouble[0]
    reasons = [failure.what for failure in trouble]
    raise ConnectionFailed(f"no address of {host} can be used", trouble[-1].fix, reasons)


def _addresses(host: str, dns_servers: Sequence[str]) -> Sequence[str]:
    """``host`` itself where this machine's own resolver is to look it up."""
    if not dns_servers or is_address(host):
        return [host]
    from delegation.directory import locate

    return locate.addresses(host, dns_servers)


def _connected_to(settings: DirectorySettings, address: str, tls: VerifiedTls | None) -> Any:  # noqa: ANN401
    url = urlsplit(settings.url or "")
    server = ldap3.Server(
        address,
        port=url.port,
        use_ssl=url.scheme == "ldaps",
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=CONNECT_TIMEOUT,
    )
    connection = BoundedConnection(
        server,
        authentication=ldap3.ANONYMOUS,
        auto_referrals=False,
        auto_range=False,
        return_empty_attributes=False,
        check_names=False,
        receive_timeout=bounded.ANSWER_TIMEOUT,
    )
    _open(connection, tls, settings)
    return connection


def _open(connection: Any, tls: VerifiedTls | None, settings: DirectorySettings) -> None:  # noqa: ANN401
    if tls is not None:
        tls.failure = None
    try:
        connection.open(read_server_info=False)
        # A bind is a small request behind a small request, which Nagle's algorithm holds back
        # until the first is acknowledged: 60 ms instead of 17.
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if settings.start_tls and not connection.start_tls(read_server_info=False):
            raise ConnectionFailed(
                f"{settings.url} refuses StartTLS",
                "give the domain controller a certificate, or use another one",
            )
    except DelegationError:
        _hang_up(connection)
        raise
    except Unreadable as exc:
        connection.strategy.close()
        raise trouble.unreadable(settings.url or "", exc) from exc
    except (LDAPExceptionError, OSError, UnicodeError) as exc:
        connection.strategy.close()
        raise _unreachable(settings.url or "", tls, exc) from exc


def _unreachable(url: str, tls: VerifiedTls | None, exc: Exception) -> ConnectionFailed:
    refusal = tls.refusal(url) if tls is not None else None
    if refusal is not None:
        return refusal
    text = str(exc)
    # No name in DNS has an empty label, or one of 64 letters: Python says so as a UnicodeError.
    if (
        isinstance(exc, UnicodeError)
        or "getaddrinfo" in text
        or "Name or service" in text
        or "invalid server address" in text
    ):
        return ConnectionFailed(
            f"{host_of(url)} has no address in DNS",
            "correct directory.url, or set directory.dns_servers",
        )
    return ConnectionFailed(
        f"no connection to {url}: {text}",
        "look whether the domain controller is up and no firewall is in between",
    )


def _bind_simple(connection: Any, attempt: Attempt, credentials: Credentials) -> None:  # noqa: ANN401
    """Raises ConnectionFailed, CredentialsRefused."""
    connection.authentication = ldap3.SIMPLE
    connection.user = _bind_name(credentials.user or "", attempt.domain)
    connection.password = credentials.password
    try:
        bound = connection.bind(read_server_info=False)
    except (LDAPException, OSError, Unreadable) as exc:
        raise trouble.no_logon(attempt, exc) from exc
    if not bound:
        raise refusals.by_controller(attempt._replace(user=connection.user), connection.result)


def _hang_up(connection: Any) -> None:  # noqa: ANN401
    with suppress(LDAPException, OSError):
        connection.unbind()
