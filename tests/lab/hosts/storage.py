"""Write disks through a share, as a user, with a delegated ticket to the target's SMB server."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from impacket.krb5.ccache import CCache
from impacket.nmb import NetBIOSError, NetBIOSTCPSession, NetBIOSTimeout
from impacket.smb3 import SMB3
from impacket.smb3structs import SMB2_DIALECT_21
from impacket.smbconnection import SessionError, SMBConnection

from tests.lab.description import REALM
from tests.lab.hosts.failures import ACCESS_DENIED, DISK_FULL, RESET, Reason
from tests.lab.hosts.host import Host, label_of
from tests.lab.hosts.ports import SMB

SECONDS = 60.0
"""How late an SMB server has hung: it starts a process for each connection."""
LARGEST, SMALLEST = 1 << 20, 1 << 14
STATUS_ACCESS_DENIED, STATUS_LOGON_FAILURE, STATUS_DISK_FULL = 0xC0000022, 0xC000006D, 0xC000007F
BY_STATUS = {
    STATUS_ACCESS_DENIED: ACCESS_DENIED,
    STATUS_LOGON_FAILURE: ACCESS_DENIED,
    STATUS_DISK_FULL: DISK_FULL,
}


class FromOwnAddress(SMB3):  # type: ignore[misc]  # impacket has no types
    """A connection on a socket that was opened elsewhere, on which nothing was said yet."""

    def negotiateSession(self, preferredDialect: Any = None, negSessionResponse: Any = None) -> Any:  # noqa: N802, N803
        """Start at message 0: impacket takes it that a socket of others was already talked on."""
        self._Connection["SequenceWindow"] = 0
        return super().negotiateSession(preferredDialect, negSessionResponse)


class Session:
    """A session at a target's SMB server."""

    def __init__(self, connection: SMBConnection, share: str) -> None:
        self.connection, self.share = connection, share
        self.tree = connection.connectTree(share)

    def write(self, source: Path, name: str, paced: Callable[[int], int]) -> str:
        """Write a file into the share and give its SHA-256.

        ``paced`` is told how many bytes were written last, and says how many may be next.
        """
        digest = hashlib.sha256()
        with source.open("rb") as data:
            file = self.connection.createFile(self.tree, name)
            offset, length = 0, paced(0)
            while chunk := data.read(length):
                self.connection.writeFile(self.tree, file, chunk, offset)
                digest.update(chunk)
                offset += len(chunk)
                length = paced(len(chunk))
            self.connection.closeFile(self.tree, file)
        return digest.hexdigest()


@contextmanager
def session(host: Host, target: str, user: str, share: str, tickets: Path) -> Iterator[Session]:
    """Have a session on a share of a target, as it is named, from a host and as a user.

    Raises:
        Reason: the target refuses, or is gone; in mid-session too.
    """
    connection: SMBConnection | None = None
    address = host.lab.host_address(label_of(target))
    try:
        link = socket.create_connection((address, SMB), SECONDS, (host.address, 0))
        wire = NetBIOSTCPSession("", target, address, sess_port=SMB, timeout=SECONDS, sock=link)
        smb = FromOwnAddress(target, address, preferredDialect=SMB2_DIALECT_21, session=wire)
        connection = SMBConnection(existingConnection=smb)
        ticket = CCache.loadFile(str(tickets)).getCredential(f"cifs/{target}@{REALM}", anySPN=False)
        account = user.partition("@")[0]
        connection.kerberosLogin(account, "", REALM, TGS=ticket.toTGS(), useCache=False)
        yield Session(connection, share)
    except SessionError as error:
        code = BY_STATUS.get(error.getErrorCode(), RESET)
        raise Reason(f"The share '\\\\{target}\\{share}' cannot be written", code) from error
    except (OSError, NetBIOSError, NetBIOSTimeout) as error:
        raise Reason(f"The connection to '\\\\{target}\\{share}' was lost", RESET) from error
    finally:
        if connection is not None:
            with suppress(SessionError, OSError, NetBIOSError, NetBIOSTimeout):
                connection.close()


def chunk(speed: int) -> int:
    """Say how many bytes to write at once, so that a slow copy still moves."""
    return max(SMALLEST, min(LARGEST, speed // 20))
