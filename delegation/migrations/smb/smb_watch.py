"""A host and an account -> what Get-SmbShare, Get-SmbSession and Get-SmbOpenFile show (MS-SRVS).

It only looks. Most of it is for administrators of the target alone; what it refuses to tell is
said, and does not keep the rest from being shown.
"""

import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from delegation.hosts.places import Account, Place
from delegation.migrations.smb import smb_session
from delegation.migrations.smb.traffic import (
    MigrationShare,
    Observer,
    OpenFile,
    SmbSession,
    Traffic,
    is_of_migration,
    lies_below,
    migration_share,
)

T = TypeVar("T")

ANSWER_SECONDS = 10.0
"""How long the target may take for one answer."""

_ACCESS_DENIED = 5
_INVALID_LEVEL = 124
"""Win32 codes (MS-ERREF 2.2): the account may not see that much, the server does not know that."""

# Levels of detail (MS-SRVS 3.1.4.8, 3.1.4.5, 3.1.4.2). What paths a share has, how much a session
# has open, and which files are open is told to administrators of the target alone.
_SHARE_NAMES, _SHARE_PATHS = 1, 2
_SESSION_OPENS, _SESSION_BRIEF = 1, 10
_FILE_PATHS = 3


class SmbWatch:
    """One SMB session on one host, for the thread that opened it. Every method raises HostError."""

    def __init__(self, place: Place, account: Account, *, seconds: float = ANSWER_SECONDS) -> None:
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

        def answer(what: str, *ways: Callable[[], list[T]]) -> list[T]:
            answered = _first_answer(ways)
            if answered is None:
                untold.append(f"{what}: access denied")
            return answered or []

        with smb_session.translated(self._place):
            shares = answer(
                "shares", lambda: self._shares(_SHARE_PATHS), lambda: self._shares(_SHARE_NAMES)
            )
            sessions = answer(
                "sessions",
                lambda: self._sessions(_SESSION_OPENS),
                lambda: self._sessions(_SESSION_BRIEF),
            )
            files = answer("open files", lambda: list(self._files(shares)))
            others, own = self._observer().set_own_apart(sessions)
        return Traffic(tuple(shares), tuple(others), tuple(files), tuple(untold), own)

    def close(self) -> None:
        """End the session."""
        smb_session.closed(self._connection)

    def _observer(self) -> Observer:
        """Who the target should see looking."""
        here = self._connection.getSMBServer().get_socket().getsockname()[0]
        names = frozenset({here, socket.gethostname()})
        user = self._connection.getCredentials()[0]
        return Observer(names, user, time.monotonic() - self._began)

    def _shares(self, level: int) -> list[MigrationShare]:
        from impacket.dcerpc.v5 import srvs

        answer = srvs.hNetrShareEnum(self._service, level)
        shares: list[MigrationShare] = []
        for entry in answer["InfoStruct"]["ShareInfo"][f"Level{level}"]["Buffer"]:
            name = _text(entry[f"shi{level}_netname"])
            path = _text(entry["shi2_path"]).rstrip("\\") if level == _SHARE_PATHS else ""
            share = migration_share(name, path)
            if share is not None:
                shares.append(share)
        return sorted(shares, key=lambda share: share.name.casefold())

    def _sessions(self, level: int) -> list[SmbSession]:
        from impacket.dcerpc.v5 import srvs
        from impacket.dcerpc.v5.dtypes import NULL

        answer = srvs.hNetrSessionEnum(self._service, NULL, NULL, level)
        entries = answer["InfoStruct"]["SessionInfo"][f"Level{level}"]["Buffer"]
        sessions = [_session(entry, level) for entry in entries]
        return sorted(
            sessions, key=lambda session: (session.client, session.user, -session.seconds)
        )

    def _files(self, shares: Sequence[MigrationShare]) -> Iterator[OpenFile]:
        from impacket.dcerpc.v5 import srvs
        from impacket.dcerpc.v5.dtypes import NULL

        answer = srvs.hNetrFileEnum(self._service, NULL, NULL, _FILE_PATHS)
        entries = answer["InfoStruct"]["FileInfo"]["Level3"]["Buffer"]
        # A source has two sessions while it migrates; a file that both have open is shown once.
        opened = {
            (_text(entry["fi3_path_name"]), _text(entry["fi3_username"])) for entry in entries
        }
        for path, user in sorted(opened):
            if is_of_migration(path, shares):
                yield OpenFile(path, user, self._size(path, shares))

    def _size(self, path: str, shares: Sequence[MigrationShare]) -> int | None:
        """By the migration's own share, or else by the drive's; None where neither lets us in."""
        from impacket.smbconnection import SessionError

        for share, folder in _ways_to(path, shares):
            if share in self._sizes_refused:
                continue
            below = path[len(folder) :].lstrip("\\")
            try:
                [entry] = self._connection.listPath(share, below)
            except SessionError:
                self._sizes_refused.add(share)
            except ValueError:
                continue
            else:
                return int(entry.get_filesize())
        return None


def _first_answer(ways: Iterable[Callable[[], list[T]]]) -> list[T] | None:
    """Of the first way to ask that the host does not refuse; any other failure is raised."""
    from impacket.dcerpc.v5.rpcrt import DCERPCException

    for ask in ways:
        try:
            return ask()
        except DCERPCException as exc:
            if exc.get_error_code() not in {_ACCESS_DENIED, _INVALID_LEVEL}:
                raise
    return None


def _session(entry: Any, level: int) -> SmbSession:  # noqa: ANN401 - impacket has no types
    opens = int(entry["sesi1_num_opens"]) if level == _SESSION_OPENS else None
    return SmbSession(
        client=_text(entry[f"sesi{level}_cname"]).lstrip("\\"),
        user=_text(entry[f"sesi{level}_username"]),
        seconds=int(entry[f"sesi{level}_time"]),
        idle=int(entry[f"sesi{level}_idle_time"]),
        opens=opens,
    )


def _ways_to(path: str, shares: Sequence[MigrationShare]) -> Iterator[tuple[str, str]]:
    """Shares that lead to a local path, each with the folder that it stands for."""
    for share in shares:
        if lies_below(path, share):
            yield share.name, share.path
    has_drive = path[1:3] == ":\\"
    if has_drive:
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
