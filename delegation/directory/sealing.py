"""Logons by Kerberos and NTLM (GSS-SPNEGO, by pyspnego), and the seal around LDAP without TLS.

On a plain connection every message after the bind is signed and encrypted with the logon's own
key (RFC 4422, 3.7). Inside TLS, where a domain controller refuses a second layer, the logon is
bound to the TLS that it was made in instead (RFC 5929, tls-server-end-point), so that nobody who
ends TLS half-way can pass it on.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import spnego
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from ldap3.core.exceptions import LDAPException
from ldap3.protocol.sasl.sasl import send_sasl_negotiation
from spnego import ContextReq
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from delegation.directory import principals, refusals
from delegation.directory.refusals import Attempt
from delegation.directory.sealed_socket import NO_TOKEN, SealedSocket
from delegation.errors import ConnectionFailed, CredentialsRefused, DelegationError, UsageError
from delegation.inventory import Auth

MECHANISM = "GSS-SPNEGO"
ROUNDS = 5
"""Messages of ours in one logon, at most; Kerberos takes one, NTLM two."""

_SEALED = ContextReq.integrity | ContextReq.confidentiality
_ASK_SEALED = (
    _SEALED | ContextReq.mutual_auth | ContextReq.replay_detect | ContextReq.sequence_detect
)
_ASK_INSIDE_TLS = ContextReq.mutual_auth | ContextReq.no_integrity

_KEY_EXCHANGE = 0x40000000
"""NTLMSSP_NEGOTIATE_KEY_EXCH (MS-NLMP 2.2.2.5)."""


def bind(connection: Any, attempt: Attempt, logon: Auth, password: str | None) -> None:  # noqa: ANN401 - ldap3 has no types
    """Log on over an open ldap3 connection, and seal it where it is not inside TLS.

    Raises CredentialsRefused, ConnectionFailed, UsageError, DirectoryError; never falls back to
    another way.
    """
    bindings = channel_bindings(connection.socket.getpeercert(True)) if attempt.over_tls else None
    with _translated(attempt):
        context, pinned = _client(attempt, logon, password, bindings)
        token = context.step()
    connection.sasl_mechanism = MECHANISM
    for _ in range(ROUNDS):
        result = _ask(connection, attempt, token)
        given, token = result["saslCreds"], b""
        if given and not context.complete:
            token = _answered(context, attempt, given)
        if result["result"] == 0:
            break
    # Success before our last word means that nothing was looked at.
    if token or not (pinned.complete and _is_as_asked(context, attempt, logon)):
        raise _unproven(attempt)
    if not attempt.over_tls:
        connection.socket = SealedSocket(connection.socket, context)
    connection.bound = True


def _ask(connection: Any, attempt: Attempt, token: bytes | None) -> dict[str, Any]:  # noqa: ANN401
    """One bind request and its result, which is success or "go on"."""
    try:
        result: dict[str, Any] = send_sasl_negotiation(connection, None, token)
    except LDAPException as exc:
        raise ConnectionFailed(
            f"{attempt.host} ended the connection at the logon: {exc}", "look at its log"
        ) from exc
    if result["result"] not in {0, 14}:  # success, saslBindInProgress
        raise refusals.by_controller(attempt, result)
    return result


def _answered(context: Any, attempt: Attempt, token: bytes) -> bytes:  # noqa: ANN401
    """What follows a server's token; where it is not right, it is not the server that was meant."""
    try:
        with _translated(attempt):
            return context.step(token) or b""
    except CredentialsRefused as exc:
        raise _unproven(attempt) from exc


def _unproven(attempt: Attempt) -> CredentialsRefused:
    return CredentialsRefused(
        f"{attempt.host} did not prove who it is, or gave less protection than asked for",
        "look who answers at that address; nothing was asked of it",
    )


def _is_as_asked(context: Any, attempt: Attempt, logon: Auth) -> bool:  # noqa: ANN401
    """NTLM knows no mutual authentication; there the first sealed answer proves the key."""
    needed = ContextReq(0) if attempt.over_tls else _SEALED
    if logon is Auth.KERBEROS:
        needed |= ContextReq.mutual_auth
    return bool(
        context.complete
        and context.negotiated_protocol == str(logon)
        and context.context_attr & needed == needed
    )


def _client(
    attempt: Attempt, logon: Auth, password: str | None, bindings: GssChannelBindings | None
) -> tuple[Any, Any]:
    """A context for the logon, and the part of it that asks for the ticket, if that is another.

    Raises what the libraries raise, and UsageError.
    """
    if logon is Auth.NTLM:
        _refuse_old_ntlm()
    context: Any = spnego.client(
        _credential(attempt, logon, password),
        hostname=attempt.host,
        service="ldap",
        protocol=str(logon),
        context_req=_ASK_INSIDE_TLS if attempt.over_tls else _ASK_SEALED,
        channel_bindings=bindings,
    )
    if sys.platform == "win32":
        return context, context
    if logon is Auth.KERBEROS:
        context._context = _ticket_for(attempt, context, bindings)  # noqa: SLF001 - see there
        return context, context._context  # noqa: SLF001
    if attempt.over_tls:
        # Without a layer pyspnego would send a key of one byte, which a DC takes for damaged.
        context._context_req &= ~_KEY_EXCHANGE  # noqa: SLF001 - pyspnego has no option for it
    return context, context


def _ticket_for(attempt: Attempt, context: Any, bindings: GssChannelBindings | None) -> Any:  # noqa: ANN401
    """A security context that asks for a ticket to exactly the host of the URL.

    pyspnego names the host and leaves the rest to the library, which may put another name in its
    place that DNS gives (krb5.conf: dns_canonicalize_hostname, rdns). Answers of DNS have no
    proof: they must not choose the server that a logon is meant for.
    """
    import gssapi
    from gssapi.raw import ChannelBindings

    name = f"{attempt.service}@{attempt.realm}"
    return gssapi.SecurityContext(
        usage="initiate",
        name=gssapi.Name(name, gssapi.NameType.kerberos_principal),
        creds=context._credential,  # noqa: SLF001
        mech=context._mech,  # noqa: SLF001
        flags=context._context_req,  # noqa: SLF001
        channel_bindings=ChannelBindings(application_data=bindings.application_data)
        if bindings
        else None,
    )


def _credential(attempt: Attempt, logon: Auth, password: str | None) -> spnego.Credential:
    if logon is Auth.NTLM:
        user = principals.ntlm_name(attempt.user, attempt.domain)
        return spnego.Password(user, password) if user and password else spnego.CredentialCache()
    principal = principals.principal_of(attempt.user, attempt.domain) if attempt.user else None
    if attempt.keytab is not None:
        return spnego.KerberosKeytab(
            attempt.keytab, principals.principal_in(attempt.keytab, principal)
        )
    if principal is not None and password is not None:
        return spnego.Password(principal, password)
    return spnego.CredentialCache(principal)


def _refuse_old_ntlm() -> None:
    """pyspnego speaks NTLMv1, which anybody on the line can break, where this variable says so."""
    level = os.environ.get("LM_COMPAT_LEVEL", "3")
    if level not in {"3", "4", "5"}:
        raise UsageError(f"LM_COMPAT_LEVEL is {level}, which is NTLMv1 or worse", "unset it")


def has_ticket(user: str, domain: str) -> bool:
    """Whether the ticket cache holds a valid ticket of ``user``. Raises UsageError.

    Never on Windows, where the current logon can't be told from others: name no user there.
    """
    if sys.platform == "win32":
        return False
    attempt = Attempt("", domain, user)
    try:
        with _translated(attempt):
            spnego.client(
                spnego.CredentialCache(principals.principal_of(user, domain)), protocol="kerberos"
            )
    except CredentialsRefused:
        return False
    return True


def channel_bindings(certificate: bytes) -> GssChannelBindings:
    """tls-server-end-point of a server's certificate in DER (RFC 5929, 4.1).

    The hash is that of the certificate's signature, but SHA-256 instead of MD5 and SHA-1, and
    where the signature names none or the certificate is too odd to be read.
    """
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        algorithm = None
    name = algorithm.name if algorithm is not None else "sha256"
    name = "sha256" if name in {"md5", "sha1"} else name
    digest = hashlib.new(name, certificate).digest()
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


@contextmanager
def _translated(attempt: Attempt) -> Iterator[None]:
    """The libraries' exceptions as this program's, here and nowhere else."""
    try:
        yield
    except ImportError as exc:
        raise UsageError(
            "Kerberos needs a library that is not installed",
            "on Debian, as root: apt install gcc python3-dev libkrb5-dev; then: pip install "
            '"delegation[kerberos]"',
        ) from exc
    except SpnegoError as exc:
        raise _in_words(attempt, exc.base_error or exc) from exc
    except _of_kerberos() as exc:
        raise _in_words(attempt, exc) from exc
    except (OSError, *NO_TOKEN) as exc:
        raise ConnectionFailed(
            f"{attempt.host} answers the logon with something else: {exc}",
            "look who answers at that address",
        ) from exc


def _of_kerberos() -> tuple[type[Exception], ...]:
    try:
        import krb5
        from gssapi.raw import GSSError
    except ImportError:
        return ()
    return krb5.Krb5Error, GSSError


def _in_words(attempt: Attempt, exc: Exception) -> DelegationError:
    for numbers, say in (("err_code", refusals.by_kerberos), ("winerror", refusals.by_windows)):
        code = getattr(exc, numbers, None)
        if isinstance(code, int):
            return say(attempt, code, str(exc))
    minor, major = getattr(exc, "min_code", None), getattr(exc, "maj_code", 0)
    if isinstance(minor, int):
        return refusals.by_kerberos(attempt, minor, str(exc), major)
    return CredentialsRefused(
        f"the logon of {attempt.who} on {attempt.host} failed: {exc}",
        "look at the domain controller's log",
    )
