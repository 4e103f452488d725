"""The Kerberos logon on one HTTP connection to a host (RFC 4559), and the key it leaves.

Kerberos alone: no NTLM, no Basic, no CredSSP, whatever the host offers. The ticket is asked for
exactly the host's name, never for one that DNS gives, and no credential is ever handed over.
"""

import base64
import datetime as dt
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import spnego
from spnego import ContextReq, NegotiateOptions

from delegation.errors import (
    CredentialsRefused,
    DelegationError,
    DirectoryError,
    HostError,
    HostRefused,
    HostUnreachable,
    NoHostTicket,
    NoTicket,
)
from delegation.hosts.places import Account, Place
from delegation.kerberos import tickets
from delegation.kerberos.refusals import Attempt
from delegation.kerberos.wallet import Wallet

SERVICE = "host"
"""Every computer account has it, and WinRM takes a ticket for any name of its account."""

ROUNDS = 3
"""Tokens of ours in one logon, at most; Kerberos takes one."""

_ASK = (
    ContextReq.integrity
    | ContextReq.confidentiality
    | ContextReq.mutual_auth
    | ContextReq.replay_detect
    | ContextReq.sequence_detect
)
_NEEDED = ContextReq.integrity | ContextReq.confidentiality | ContextReq.mutual_auth
SKEW = 300.0
"""Seconds that Kerberos lets clocks differ."""

_TICKETS = Wallet()

_SCHEME = re.compile(r"\b(Negotiate|Kerberos)\b(?:\s+([A-Za-z0-9+/=]+))?", re.IGNORECASE)


class Logon:
    """What requests calls an auth: it answers the host's first "401" with a ticket.

    ``contexts`` is where pypsrp looks for the key of its message encryption.
    """

    def __init__(
        self, place: Place, account: Account, certificate: Callable[[], bytes | None]
    ) -> None:
        """``certificate`` tells the one of the connection's TLS, if there is any."""
        self._place = place
        self._account = account
        self._certificate = certificate
        self._attempt = attempt_of(place, account)
        self.contexts: dict[str, Any] = {}

    @property
    def done(self) -> bool:
        return bool(self.contexts)

    def __call__(self, request: Any) -> Any:  # noqa: ANN401 - requests' hooks
        request.headers["Connection"] = "Keep-Alive"
        request.register_hook("response", self._answer)
        return request

    def _answer(self, response: Any, **settings: Any) -> Any:  # noqa: ANN401
        if response.status_code != 401:
            return response
        if self.done:
            raise self._refused(response.headers)
        scheme, _ = _offered(response.headers)
        if scheme is None:
            raise HostRefused(
                f"{self._place} offers no Kerberos logon",
                "set WSMan:\\localhost\\Service\\Auth\\Kerberos to true on the host; this program "
                "uses no other logon",
            )
        with in_words(self._attempt):
            context = _client(
                self._place, self._attempt, self._account.password, self._certificate()
            )
            token = context.step()
        for _ in range(ROUNDS):
            response = self._send(response, scheme, token, settings)
            token = self._next(context, response)
            if response.status_code == 401 and not token:
                raise self._refused(response.headers)
            if not token:
                break
        if not (context.complete and context.context_attr & _NEEDED == _NEEDED):
            raise self._unproven()
        context.response_auth_header = scheme.lower()
        self.contexts[self._place.host.lower()] = context
        return response

    def _next(self, context: Any, response: Any) -> bytes | None:  # noqa: ANN401
        """What follows the host's token, which may be an error of Kerberos."""
        _, given = _offered(response.headers)
        if not given or context.complete:
            return None
        try:
            with in_words(self._attempt):
                token: bytes | None = context.step(given)
        except HostError as exc:
            if response.status_code == 401:
                raise self._refused(response.headers, exc.what) from exc
            raise self._unproven() from exc
        return token

    def _unproven(self) -> HostRefused:
        return HostRefused(
            f"{self._place} did not prove who it is",
            "look who answers at that address; nothing was asked of it",
        )

    @staticmethod
    def _send(
        response: Any,  # noqa: ANN401
        scheme: str,
        token: bytes | None,
        settings: Mapping[str, Any],
    ) -> Any:  # noqa: ANN401
        """The same request again on the same connection, with our token."""
        _ = response.content  # a connection serves again when its answer was read to the end
        response.raw.release_conn()
        request = response.request.copy()
        encoded = base64.b64encode(token or b"").decode()
        request.headers["Authorization"] = f"{scheme} {encoded}"
        return response.connection.send(request, **settings)

    def _refused(self, headers: Mapping[str, str], *said: str) -> HostRefused:
        """The host said no to a good ticket, mostly without a word why."""
        refuses = f"{self._place} refuses the Kerberos logon of {self._account.who}"
        minutes = _minutes_apart(headers.get("Date", ""))
        if minutes is not None:
            return HostRefused(
                f"{refuses}: its clock and this machine's are {minutes} minutes apart",
                "set the clocks, by NTP; Kerberos allows five minutes",
                said,
            )
        return HostRefused(
            refuses,
            f"look whether {SERVICE}/{self._place.host} is held by the host's own account (setspn "
            f"-Q), and whether {self._account.who} may log on to the host from the network",
            said,
        )


def _minutes_apart(date: str) -> int | None:
    """How far a Date header is from this machine's clock, where it is too far."""
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return None
    seconds = abs((dt.datetime.now(dt.UTC) - theirs).total_seconds()) if theirs.tzinfo else 0.0
    return round(seconds / 60) if seconds > SKEW - 1 else None


def _offered(headers: Mapping[str, str]) -> tuple[str | None, bytes]:
    """The scheme that the host offers, and the token that comes with it."""
    found = _SCHEME.search(headers.get("WWW-Authenticate", ""))
    if found is None:
        return None, b""
    try:
        return found[1], base64.b64decode(found[2] or "", validate=True)
    except ValueError:
        return found[1], b""


def attempt_of(place: Place, account: Account) -> Attempt:
    """The logon, as messages call it."""
    return Attempt(
        place.host,
        place.realm_domain,
        account.user,
        account.keytab,
        over_tls=place.https,
        service_class=SERVICE,
        section="remoting",
    )


@contextmanager
def in_words(attempt: Attempt) -> Iterator[None]:
    """The libraries' exceptions at a logon as HostErrors. Raises UsageError too."""
    try:
        with tickets.translated(attempt):
            yield
    except DirectoryError as exc:
        raise of_host(exc) from exc


def of_host(exc: DelegationError) -> HostError:
    """The same error as one of a host."""
    kind = (
        NoHostTicket
        if isinstance(exc, NoTicket)
        else HostRefused
        if isinstance(exc, CredentialsRefused)
        else HostUnreachable
    )
    return kind(exc.what, exc.fix, exc.details)


def _client(place: Place, attempt: Attempt, password: str | None, certificate: bytes | None) -> Any:  # noqa: ANN401
    """A context that asks for a ticket to exactly the host. Raises what the libraries raise.

    It is tied to the TLS that it is made in (RFC 5929), whose certificate is the host's.
    """
    bindings = tickets.channel_bindings(certificate) if certificate else None
    settings: dict[str, Any] = {
        "hostname": place.host,
        "service": SERVICE,
        "protocol": "kerberos",
        "context_req": _ASK,
        "channel_bindings": bindings,
        "options": NegotiateOptions.none if place.https else NegotiateOptions.wrapping_winrm,
    }
    if sys.platform == "win32":
        return spnego.client(tickets.credential(attempt, password), **settings)
    held = _TICKETS.credentials(attempt, password)
    context: Any = spnego.client(spnego.CredentialCache(), **settings)
    context._context = tickets.context_for(attempt, held, _ASK, bindings)  # noqa: SLF001
    return context


def ticket_seconds(place: Place, account: Account) -> float | None:
    """How long the ticket lasts by which a host is asked; None: it is got as it is needed.

    That there is none is told by the first host that is asked.
    """
    if account.password is not None or account.keytab is not None or sys.platform == "win32":
        return None
    try:
        attempt = attempt_of(place, account)
        with in_words(attempt):
            return tickets.lifetime(Wallet().credentials(attempt, None))
    except DelegationError:
        return None
