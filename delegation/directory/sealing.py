"""Logons by Kerberos and NTLM (GSS-SPNEGO, by pyspnego), and the seal around LDAP without TLS.

On a plain connection every message after the bind is signed and encrypted with the logon's own
key (RFC 4422, 3.7). Inside TLS, where a domain controller refuses a second layer, the logon is
bound to the TLS that it was made in instead (RFC 5929, tls-server-end-point), so that nobody who
ends TLS half-way can pass it on.
"""

import os
import sys
from typing import Any

import spnego
from ldap3.core.exceptions import LDAPException
from ldap3.protocol.sasl.sasl import send_sasl_negotiation
from spnego import ContextReq
from spnego.channel_bindings import GssChannelBindings

from delegation.directory import trouble
from delegation.directory.ldap_answers import Unreadable
from delegation.directory.sealed_socket import SealedSocket
from delegation.errors import CredentialsRefused, UsageError
from delegation.inventory import Auth
from delegation.kerberos import principals, refusals, tickets
from delegation.kerberos.refusals import Attempt
from delegation.kerberos.tickets import channel_bindings, translated

MECHANISM = "GSS-SPNEGO"
ROUNDS = 5
"""Messages of ours in one logon, at most; Kerberos takes one, NTLM two."""

_SEALED = ContextReq.integrity | ContextReq.confidentiality
_ASK_SEALED = (
    _SEALED | ContextReq.mutual_auth | ContextReq.replay_detect | ContextReq.sequence_detect
)
_ASK_INSIDE_TLS = ContextReq.mutual_auth | ContextReq.no_integrity
"""A DC answers unwillingToPerform to whoever asks for a seal within TLS."""

_KEY_EXCHANGE = 0x40000000
"""NTLMSSP_NEGOTIATE_KEY_EXCH (MS-NLMP 2.2.2.5)."""


def bind(connection: Any, attempt: Attempt, logon: Auth, password: str | None) -> None:  # noqa: ANN401 - ldap3 has no types
    """Log on over an open ldap3 connection, and seal it where it is not inside TLS.

    Raises CredentialsRefused, ConnectionFailed, UsageError, DirectoryError; never falls back to
    another way.
    """
    bindings: GssChannelBindings | None = None
    if attempt.over_tls:
        bindings = channel_bindings(connection.socket.getpeercert(True))
    with translated(attempt):
        context, pinned = _client(attempt, logon, password, bindings)
        token = context.step()
    connection.sasl_mechanism = MECHANISM
    for _ in range(ROUNDS):
        result = _ask(connection, attempt, token)
        server_token, token = result["saslCreds"], b""
        if server_token and not context.complete:
            token = _next_token(context, attempt, server_token)
        if result["result"] == 0:
            break
    else:
        raise _unproven(attempt)  # "go on" for ever is no yes
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
    except (LDAPException, OSError, Unreadable) as exc:
        raise trouble.no_logon(attempt, exc) from exc
    if result["result"] not in {0, 14}:  # success, saslBindInProgress
        raise refusals.by_controller(attempt, result)
    return result


def _next_token(context: Any, attempt: Attempt, token: bytes) -> bytes:  # noqa: ANN401
    """What follows a server's token; where it is not right, it is not the server that was meant."""
    try:
        with translated(attempt):
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
    # "negotiate" falls back to NTLM without a word where Kerberos fails; what came of it is
    # compared with what was asked for, and never taken as it is.
    is_protocol = context.negotiated_protocol == str(logon)
    is_protected = context.context_attr & needed == needed
    return bool(context.complete and is_protocol and is_protected)


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
        hostname=_target(attempt, logon),
        service="ldap",
        protocol=str(logon),
        context_req=_ASK_INSIDE_TLS if attempt.over_tls else _ASK_SEALED,
        channel_bindings=bindings,
    )
    if sys.platform == "win32":
        return context, context
    if logon is Auth.KERBEROS:
        context._context = tickets.context_for(  # noqa: SLF001 - see there
            attempt,
            context._credential,  # noqa: SLF001
            context._context_req,  # noqa: SLF001
            bindings,
        )
        return context, context._context  # noqa: SLF001
    if attempt.over_tls:
        # Inside TLS a DC refuses a second layer of protection, so that NTLM has to go raw, without
        # sign and seal. Then nothing needs a session key, and the one of a single byte that
        # pyspnego would exchange all the same is taken for damaged.
        context._context_req &= ~_KEY_EXCHANGE  # noqa: SLF001 - pyspnego has no option for it
    return context, context


def _target(attempt: Attempt, logon: Auth) -> str:
    """What pyspnego puts behind ``ldap/``. On Windows the whole is whom SSPI asks a ticket for."""
    if logon is Auth.KERBEROS:
        return attempt.service.partition("/")[2]
    return attempt.host


def _credential(attempt: Attempt, logon: Auth, password: str | None) -> spnego.Credential:
    if logon is Auth.NTLM:
        user = principals.ntlm_name(attempt.user, attempt.domain)
        return spnego.Password(user, password) if user and password else spnego.CredentialCache()
    return tickets.credential(attempt, password)


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
        with translated(attempt):
            spnego.client(
                spnego.CredentialCache(principals.principal_of(user, domain)), protocol="kerberos"
            )
    except CredentialsRefused:
        return False
    return True
