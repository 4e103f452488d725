"""What the libraries raise on the way to a host, as errors that say what to do.

By numbers where there are any: of HTTP, of sockets and certificates. Faults are CIM's to read.
"""

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import ParseError

from pypsrp.exceptions import WinRMError, WinRMTransportError
from requests import RequestException
from urllib3.exceptions import HTTPError

from delegation.errors import HostError, HostUnreachable
from delegation.hosts.places import Account, Place
from delegation.hosts.winrm import logon
from delegation.hosts.winrm.wire import Line, by_status
from delegation.kerberos import certificates, tickets
from delegation.kerberos.certificates import CertificateFault

_NO_WINRM = (
    "look whether the host is up, WinRM runs on it (winrm quickconfig), and no firewall is in "
    "between"
)
_HANGS = "look at the host: WinRM or its management service may hang; then try again"

_NO_MESSAGE = (
    ParseError,
    ValueError,
    LookupError,
    ArithmeticError,
    TypeError,
    AttributeError,
    struct.error,
)
"""What pypsrp raises for an answer that is not WS-Man's."""


@contextmanager
def translated(place: Place, account: Account, line: Line, seconds: float) -> Iterator[None]:
    """HostErrors instead of what pypsrp, requests, spnego, krb5 and sockets raise."""
    try:
        with line.within(seconds):
            yield
    except HostError:
        raise
    except tickets.errors() as exc:
        raise _unsealed(place, account, line, exc) from exc
    except WinRMTransportError as exc:
        raise by_status(place, exc.code) from exc
    except (RequestException, HTTPError, OSError) as exc:
        raise _broken(place, line, exc) from exc
    except (WinRMError, *_NO_MESSAGE) as exc:
        if line.late:
            # What is cut off in its middle can look like anything.
            raise _broken(place, line, exc) from exc
        raise HostUnreachable(
            f"{place} answers with something that is not WinRM's",
            "look who answers at that address and port",
            [f"{type(exc).__name__}: {exc}"],
        ) from exc


def _unsealed(place: Place, account: Account, line: Line, exc: Exception) -> HostError:
    """A message can't be sealed or opened."""
    if not line.settled:
        return logon.of_host(tickets.in_words(logon.attempt_of(place, account), exc))
    return HostUnreachable(
        f"a message of {place} was changed on its way, or the logon is not valid any more",
        "try again; where it happens again, look who is on the line",
        [str(exc)],
    )


def _broken(place: Place, line: Line, exc: Exception) -> HostError:
    for cause in _causes(exc):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _distrusted(place, cause)
    if line.failure is not None:
        return _not_connected(place, line.failure)
    if line.late or any(isinstance(cause, TimeoutError) for cause in _causes(exc)):
        return HostUnreachable(f"{place} does not answer", _HANGS)
    for cause in _causes(exc):
        if isinstance(cause, ssl.SSLError):
            return HostUnreachable(
                f"no TLS with {place}: {cause.reason or cause}",
                "look whether that port is WinRM's HTTPS listener and has a certificate",
            )
    if not line.settled:
        return HostUnreachable(f"{place} ended the connection at once", _NO_WINRM)
    line.lost = True
    return HostUnreachable(
        f"the connection to {place} was lost",
        "look at the network and whether the host was restarted; then try again",
    )


def _not_connected(place: Place, failure: OSError) -> HostError:
    if isinstance(failure, socket.gaierror):
        return HostUnreachable(
            f"{place.host} has no address in DNS",
            "correct the host's fqdn, or set directory.dns_servers",
        )
    at = f" at {place.address}" if place.address else ""
    if isinstance(failure, TimeoutError):
        return HostUnreachable(f"no connection to {place}{at}: no answer", _NO_WINRM)
    if isinstance(failure, ConnectionRefusedError):
        return HostUnreachable(f"nothing listens on {place}{at}", _NO_WINRM)
    said = failure.strerror or failure
    return HostUnreachable(f"no connection to {place}{at}: {said}", _NO_WINRM)


def _distrusted(place: Place, failure: ssl.SSLCertVerificationError) -> HostError:
    match certificates.fault_of(failure):
        case CertificateFault.EXPIRED:
            return HostUnreachable(
                f"the certificate of {place} has expired", "renew the host's certificate"
            )
        case CertificateFault.NOT_YET_VALID:
            return HostUnreachable(
                f"the certificate of {place} is not valid yet", "look at the clocks, here and there"
            )
        case CertificateFault.OF_ANOTHER_NAME:
            return HostUnreachable(
                f"the certificate of {place} is not for {place.host}",
                "give its HTTPS listener a certificate for the host's full DNS name",
            )
    return HostUnreachable(
        f"the certificate of {place} is not trusted: {failure.verify_message}",
        "set remoting.ca_file to the PEM file of the CA that issued it",
    )


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """An exception and all that it was made of: libraries wrap theirs in several ways."""
    pending: list[Any] = [exc]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        pending += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
