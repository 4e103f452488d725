"""What the libraries raise, and what hosts answer, as errors that say what to do.

By numbers where there are any: of WS-Man's faults (MS-WSMV 2.2.4.43), of sockets and certificates.
"""

import socket
import ssl
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import ParseError

from pypsrp.exceptions import WinRMError, WinRMTransportError
from pypsrp.exceptions import WSManFaultError as Fault
from requests import RequestException
from urllib3.exceptions import HTTPError

from delegation.errors import HostError, HostRefused, HostUnreachable
from delegation.hosts import failures
from delegation.hosts.machines import Failure
from delegation.hosts.places import Account, Place
from delegation.hosts.winrm import logon
from delegation.hosts.winrm.wire import Line, by_status
from delegation.kerberos import certificates, tickets
from delegation.kerberos.certificates import CertificateFault

__all__ = ["HELD", "NOT_YET", "TOO_PATIENT", "Fault", "failure_of", "is_gone", "translated"]

NOT_YET = 0x80338029
"""ERROR_WSMAN_OPERATION_TIMEDOUT: nothing to tell within OperationTimeout."""
HELD = 0x803381CD
"""ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT."""
TAKEN_OVER = {0x803381C4, 0x803381DE}
"""ERROR_WINRS_SHELL_DISCONNECTED, and the same for a request that was waiting."""
TOO_PATIENT = 0x803381F2
"""ERROR_WINRS_IDLETIMEOUT_OUTOFBOUNDS."""
NO_SHELL = 0x8033805B
"""ERROR_WSMAN_UNEXPECTED_SELECTORS: there is no such shell or command."""
DENIED = 5
ABORTED = 995
"""ERROR_OPERATION_ABORTED."""

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


def is_gone(code: int | None) -> bool:
    """Whether a fault says that a command is gone, as it does after it was stopped."""
    return code in {ABORTED, NO_SHELL}


@contextmanager
def translated(
    place: Place, account: Account, line: Line, what: str, seconds: float
) -> Iterator[None]:
    """HostErrors instead of what pypsrp, requests, spnego, krb5 and sockets raise."""
    try:
        with line.within(seconds):
            yield
    except HostError:
        raise
    except Fault as exc:
        raise _fault(place, account, what, exc) from exc
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


def _fault(place: Place, account: Account, what: str, exc: Fault) -> HostError:
    said = " ".join((exc.reason or exc.provider_fault or "no reason").split())
    if exc.code == DENIED:
        return HostRefused(
            f"{place.host} gives {account.who} no access to PowerShell remoting",
            f"add {account.who} to the host's Remote Management Users (or Administrators), and to "
            "its Hyper-V Administrators",
            [said],
            hresult="0x80070005",
        )
    if exc.code == NOT_YET:
        return HostUnreachable(f"{place.host} did not answer {what} in time", _HANGS, [said])
    if exc.code == NO_SHELL:
        return HostUnreachable(
            f"{place.host} does not know this shell any more",
            "it was restarted, or somebody removed the shell: try again",
            [said],
        )
    if exc.code in TAKEN_OVER:
        return HostUnreachable(
            f"the shell on {place.host} is not connected to this program any more",
            "another run of it may have taken the shell over: look at `delegation migrate status`",
            [said],
        )
    if exc.code == HELD:
        return HostUnreachable(
            f"the shell on {place.host} is held by another client",
            "end the other program, or wait until the host notices that it is gone",
            [said],
        )
    number = exc.code if isinstance(exc.code, int) else 0
    return HostUnreachable(
        f"{place.host} refuses {what}: {said}",
        "look at the host's WinRM log (Microsoft-Windows-WinRM/Operational)",
        hresult=failures.hresult_in("", number),
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


def failure_of(records: Sequence[Any]) -> Failure:
    """The failure that a pipeline's error records tell; the last is the one that ended it."""
    if not records:
        return failures.failure("it failed, and the host does not say why")
    record = records[-1]
    exception = record.exception
    properties = getattr(exception, "adapted_properties", None) or {}
    number = properties.get("HResult")
    message = record.details_message or properties.get("Message") or str(record)
    error_id = record.fq_error or ""
    if "PipelineStopped" in str(error_id) or _is_stop(exception):
        return failures.stopped()
    return failures.failure(str(message), number if isinstance(number, int) else 0, str(error_id))


def _is_stop(exception: object) -> bool:
    types = getattr(exception, "types", ())
    return any("PipelineStoppedException" in name for name in types)
