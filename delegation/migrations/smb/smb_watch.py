"""What Get-SmbShare, Get-SmbSession and Get-SmbOpenFile show, asked over the wire (MS-SRVS).

It only looks. Most of it is for administrators of the target alone; what it refuses to tell is
said, and does not keep the rest from being shown.
"""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from delegation.hosts.places import Account, Place
from delegation.migrations.smb import smb_session
from delegation.migrations.smb.traffic import (
    MigrationShare,
    Observer,
    OpenFile,
    SmbSession,
    Traffic,
    is_of_migration,
    migration_share,
)

SECONDS = 10.0
"""How long the target may take for one answer."""

_ACCESS_DENIED = 5
_INVALID_LEVEL = 124


class SmbWatch:
    """One SMB session on one host, for the thread that opened it. Every method raises HostError."""

    def __init__(self, place: Place, account: Account, *, seconds: float = SECONDS) -> None:
        self._place = place
        self._sizes_refused: set[str] = set()
        self._began = time.monotonic()
        self._connection = smb_session.connected(place, account, seconds)
        try:
            with smb_session.translated(place):
                self._service = _service(self._connection, place)
        except BaseException:
            self.close()
            raise

    def look(self) -> Traffic:
        """Shares, sessions and open files as they are just now."""
        untold: list[str] = []
        with smb_session.translated(self._place):
            shares = tuple(self._told(untold, "shares", (self._shares_with_paths, self._shares)))
            sessions = self._told(untold, "sessions", (self._sessions, self._sessions_briefly))
            files = self._told(untold, "open files", (lambda: list(self._files(shares)),))
            others, own = self._observer().apart(sessions)
            return Traffic(shares, tuple(others), tuple(files), tuple(untold), own)

    def close(self) -> None:
        """End the session."""
        smb_session.closed(self._connection)

    def _observer(self) -> Observer:
        """Who the target should see looking."""
        here = self._connection.getSMBServer().get_socket().getsockname()[0]
        names = frozenset({here, socket.gethostname()})
        user = self._connection.getCredentials()[0]
        return Observer(names, user, time.monotonic() - self._began)

    def _told(
        self, untold: list[str], what: str, ways: Sequence[Callable[[], list[Any]]]
    ) -> list[Any]:
        """The first answer that the host gives; a refusal is noted, any other failure raised."""
        from impacket.dcerpc.v5.rpcrt import DCERPCException

        for way in ways:
            try:
                return way()
            except DCERPCException as exc:
                if exc.get_error_code() not in {_ACCESS_DENIED, _INVALID_LEVEL}:
                    raise
        untold.append(f"{what}: access denied")
        return []

    def _shares_with_paths(self) -> list[MigrationShare]:
        return self._listed_shares(2)

    def _shares(self) -> list[MigrationShare]:
        return self._listed_shares(1)

    def _listed_shares(self, level: int) -> list[MigrationShare]:
        from impacket.dcerpc.v5 import srvs

        answer = srvs.hNetrShareEnum(self._service, level)
        found = [
            migration_share(
                _text(one[f"shi{level}_netname"]),
                _text(one["shi2_path"]).rstrip("\\") if level == 2 else "",
            )
            for one in answer["InfoStruct"]["ShareInfo"][f"Level{level}"]["Buffer"]
        ]
        return sorted(filter(None, found), key=lambda share: share.name.casefold())

    def _sessions(self) -> list[SmbSession]:
        return self._listed_sessions(1)

    def _sessions_briefly(self) -> list[SmbSession]:
        return self._listed_sessions(10)

    def _listed_sessions(self, level: int) -> list[SmbSession]:
        from impacket.dcerpc.v5 import srvs
        from impacket.dcerpc.v5.dtypes import NULL

        answer = srvs.hNetrSessionEnum(self._service, NULL, NULL, level)
        found = [
            SmbSession(
                _text(one[f"sesi{level}_cname"]).lstrip("\\"),
                _text(one[f"sesi{level}_username"]),
                int(one[f"sesi{level}_time"]),
                int(one[f"sesi{level}_idle_time"]),
                int(one["sesi1_num_opens"]) if level == 1 else None,
            )
            for one in answer["InfoStruct"]["SessionInfo"][f"Level{level}"]["Buffer"]
        ]
        return sorted(found, key=lambda one: (one.client, one.user, -one.seconds))

    def _files(self, shares: Sequence[MigrationShare]) -> Iterator[OpenFile]:
        from impacket.dcerpc.v5 import srvs
        from impacket.dcerpc.v5.dtypes import NULL

        answer = srvs.hNetrFileEnum(self._service, NULL, NULL, 3)
        found = {
            (_text(one["fi3_path_name"]), _text(one["fi3_username"]))
            for one in answer["InfoStruct"]["FileInfo"]["Level3"]["Buffer"]
        }
        for path, user in sorted(found):
            if is_of_migration(path, shares):
                yield OpenFile(path, user, self._size(path, shares))

    def _size(self, path: str, shares: Sequence[MigrationShare]) -> int | None:
        """By the migration's own share, or else by the drive's; None where neither lets us in."""
        from impacket.smbconnection import SessionError

        for share, folder in _ways_to(path, shares):
            if share in self._sizes_refused:
                continue
            try:
                [entry] = self._connection.listPath(share, path[len(folder) :].lstrip("\\"))
            except SessionError:
                self._sizes_refused.add(share)
            except ValueError:
                continue
            else:
                return int(entry.get_filesize())
        return None


def _ways_to(path: str, shares: Sequence[MigrationShare]) -> Iterator[tuple[str, str]]:
    """Shares that lead to a local path, each with the folder that it stands for."""
    for share in shares:
        if share.path and path.casefold().startswith(f"{share.path.casefold()}\\"):
            yield share.name, share.path
    if path[1:3] == ":\\":
        yield f"{path[0]}$", path[:3]


def _text(value: Any) -> str:  # noqa: ANN401 - impacket has no types
    """Text of an answer; it ends at its NUL."""
    return str(value).partition("\0")[0] if value else ""


def _service(connection: Any, place: Place) -> Any:  # noqa: ANN401
    from impacket.dcerpc.v5 import srvs, transport

    pipe = transport.SMBTransport(place.host, filename="\\srvsvc", smb_connection=connection)
    service = pipe.get_dce_rpc()
    service.connect()
    service.bind(srvs.MSRPC_UUID_SRVS)
    return service
