"""A host and an account -> an SMB session there: 3.1.1, Kerberos alone, all signed or sealed.

The errors of impacket are told here, and nowhere else.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from delegation.errors import CommandFailed, HostError, HostRefused, HostUnreachable
from delegation.hosts.places import Account, Place
from delegation.migrations.smb import smb_ticket
from delegation.migrations.smb.verified import ForgedError, Verified

PORT = 445

_REFUSALS = {
    0xC0000022: "access denied",
    0xC000006D: "the logon is refused",
    0xC000006E: "the account may not log on like this",
    0xC0000133: "the clocks are more than five minutes apart",
    0xC000015B: "the account may not log on from the network",
    0xC000018D: "the host has no trust with its domain",
}
"""NTSTATUS of logons that are not let in (MS-ERREF 2.3.1)."""


def connected(place: Place, account: Account, seconds: float) -> Any:  # noqa: ANN401 - impacket's
    """A connection (SMBConnection) that is logged on. Raises HostError and UsageError.

    ``seconds`` is how long the host may take for one answer.
    """
    from impacket.smb3structs import SMB2_DIALECT_311
    from impacket.smbconnection import SMBConnection

    with translated(place):
        # 3.1.1 alone: what was negotiated is part of its keys (MS-SMB2 3.2.5.3.1, its preauth
        # integrity hash), so that nobody between the two can talk them into a weaker session.
        connection = SMBConnection(
            place.host,
            place.address or place.host,
            sess_port=PORT,
            timeout=seconds,
            preferredDialect=SMB2_DIALECT_311,
        )
    try:
        _log_on(connection, place, account)
    except BaseException:
        closed(connection)
        raise
    return connection


def closed(connection: Any) -> None:  # noqa: ANN401
    """End it. Nothing is raised: it is of no use any more."""
    with suppress(Exception):
        connection.close()


def _log_on(connection: Any, place: Place, account: Account) -> None:  # noqa: ANN401
    # On Windows there is no libkrb5 to get a ticket with: there impacket does so by itself, which
    # takes the password. Elsewhere it is handed the ticket that smb_ticket got.
    if sys.platform == "win32":
        name, password = _user_and_password(place, account)
        with translated(place):
            connection.kerberosLogin(name, password, place.realm_domain.upper(), useCache=False)
            Verified(connection.getSMBServer())
        return
    ticket = smb_ticket.smb_ticket(place, account)
    with translated(place):
        from impacket.krb5.ccache import Credential

        credential = Credential(ticket)
        name, _, realm = credential["client"].prettyPrint().decode().rpartition("@")
        connection.kerberosLogin(name, "", realm, TGS=credential.toTGS(), useCache=False)
        Verified(connection.getSMBServer())


def _user_and_password(place: Place, account: Account) -> tuple[str, str]:
    """User and password: all that impacket's own Kerberos can use on Windows."""
    if account.user is None or account.password is None:
        raise HostRefused(
            f"SMB on {place.host} takes a password here: Windows' tickets can't be used for it",
            "set remoting.user, and give the password in DELEGATION_HOSTS_PASSWORD",
        )
    without_domain = account.user.rpartition("\\")[2].partition("@")[0]
    return without_domain, account.password


@contextmanager
def translated(place: Place) -> Iterator[None]:
    """impacket's exceptions as HostErrors.

    It raises whatever its parts raise, also on an answer that is none, so that nothing less than
    Exception would do.
    """
    try:
        yield
    except HostError:
        raise
    except Exception as exc:
        raise _in_words(place, exc) from exc


def _in_words(place: Place, exc: Exception) -> HostError:
    from impacket.dcerpc.v5.rpcrt import DCERPCException
    from impacket.nmb import NetBIOSError, NetBIOSTimeout
    from impacket.smbconnection import SessionError

    where = f"{place.host}:{PORT}"
    if isinstance(exc, ForgedError):
        return HostRefused(
            f"an answer from {where} is not signed by that host",
            "look who answers at that address; nothing of it was shown",
        )
    if isinstance(exc, NetBIOSTimeout | TimeoutError):
        return HostUnreachable(
            f"{where} does not answer in time", "look whether the host hangs, and try again"
        )
    if isinstance(exc, OSError | NetBIOSError):
        return HostUnreachable(
            f"{where} can't be reached, or the connection was lost: {exc}",
            "look whether the host is up, and whether TCP 445 is open from here",
        )
    if isinstance(exc, SessionError):
        return _refused(where, exc.getErrorCode(), exc)
    if isinstance(exc, DCERPCException):
        return CommandFailed(f"{where}: the Server service says: {exc}", "try again")
    return CommandFailed(
        f"{where} answers in a way that is not understood ({type(exc).__name__}: {exc})",
        "look who answers at that address",
    )


def _refused(where: str, status: int, exc: Exception) -> HostError:
    code = f"0x{status:08X}"
    if status in _REFUSALS:
        return HostRefused(
            f"{where}: {_REFUSALS[status]} ({code})",
            "log on as an administrator of the host; and look whether that address is its own",
            hresult=code,
        )
    return CommandFailed(f"{where}: {exc}", hresult=code)
