"""The one TCP connection to a host: where it goes, its TLS, and its deadlines.

URL, Host header, certificate and ticket go by the host's name; the connection may go to another
address, where only the domain's DNS servers know the name. Nothing of this machine's environment
decides where it goes: no proxy, no .netrc, no other bundle of authorities.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.wait import wait_for_read

from delegation.errors import HostUnreachable
from delegation.hosts.places import Place
from delegation.kerberos import certificates

CONNECT_SECONDS = 10.0
"""How long one connection, TLS included, may take to come about."""


class Line:
    """The connection of one session, with a watch that cuts it when time is over.

    Timeouts of sockets count from byte to byte; a host that dribbles would never run into one.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.late = False
        """Whether the watch has cut it."""
        self.failure: OSError | None = None
        """Why it did not come about."""
        self.lost = False
        """Whether it ended by itself after somebody had logged on."""
        self.settled = False
        """Whether somebody is logged on: then another connection would be a stranger's."""
        self.certificate: bytes | None = None
        """The host's, in DER, once there is TLS."""
        self._handle: socket.socket | None = None
        self._until = float("inf")

    def connect(self) -> socket.socket:
        """Connect. Raises OSError, also where a connection that was logged on is gone."""
        if self.settled:
            self.lost = True
            raise ConnectionResetError("the host ended the connection")
        self.hang_up()
        try:
            sock = socket.create_connection(
                (self.place.address or self.place.host, self.place.at),
                max(0.1, min(CONNECT_SECONDS, self.left)),
            )
        except OSError as exc:
            self.failure = exc
            raise
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A second handle: TLS takes the first one over.
        self._handle = sock.dup()
        return sock

    @property
    def gone(self) -> bool:
        """Whether it ended after somebody had logged on, for all that is known on this side.

        Between two requests the host has nothing to say: what there is to read is its end.
        """
        handle = self._handle
        return self.lost or (handle is not None and self.settled and wait_for_read(handle, 0))

    @property
    def left(self) -> float:
        """Seconds that the innermost ``within`` has left; infinite outside."""
        return self._until - time.monotonic()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What happens in here ends in ``seconds``, or sooner by a ``within`` around it."""
        before = self._until
        self._until = min(before, time.monotonic() + seconds)
        try:
            yield
        finally:
            self._until = before

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Cut the line when time is over, whatever is being waited for."""
        watch = threading.Timer(max(0.0, self.left), self._cut)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _cut(self) -> None:
        self.late = True
        self._shut_down()

    def hang_up(self) -> None:
        self._shut_down()
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def _shut_down(self) -> None:
        if (handle := self._handle) is not None:
            with suppress(OSError):  # it has ended by itself
                handle.shutdown(socket.SHUT_RDWR)


class Http(requests.Session):
    """HTTP over one line, with a logon."""

    def __init__(self, line: Line, logon: Any) -> None:  # noqa: ANN401 - requests' auth
        super().__init__()
        self._line = line
        self.trust_env = False
        self.auth = logon
        self.max_redirects = 0
        self.headers["User-Agent"] = "delegation"
        self.headers["Accept-Encoding"] = "identity"
        self.adapters.clear()
        scheme = "https://" if line.place.https else "http://"
        self.mount(scheme, _Adapter(line))

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:  # noqa: ANN401
        """Within what time the line has left, whatever ``settings`` say."""
        if self._line.left <= 0:
            raise requests.Timeout("no time is left")
        settings["timeout"] = (CONNECT_SECONDS, self._line.left)
        with self._line.watched():
            answer = super().send(request, **settings)
        if not self._line.place.https and answer.content and not _is_sealed(answer):
            raise _unsealed(self._line.place, answer.status_code)
        return answer


def _is_sealed(answer: requests.Response) -> bool:
    """MS-WSMV 2.2.9.1.1. What has no body says nothing."""
    return answer.headers.get("Content-Type", "").startswith("multipart/encrypted")


def _unsealed(place: Place, status: int) -> HostUnreachable:
    """Anybody on the line could have said it: nothing of it is used, but its status."""
    if status in {200, 500}:
        return HostUnreachable(
            f"{place} answers without encryption", "look who answers at that address and port"
        )
    return by_status(place, status)


def by_status(place: Place, status: int) -> HostUnreachable:
    """What an HTTP status means that is none of WinRM's."""
    fix = (
        "WinRM is starting, ending or too busy: try again"
        if status == 503
        else "look whether WinRM is what listens there, and not another web server"
    )
    return HostUnreachable(f"{place} answers with HTTP status {status}", fix)


def trust(place: Place) -> ssl.SSLContext | None:
    """TLS 1.2 or newer with certificate and name verified; None where there is none.

    Raises UsageError for a file of authorities that can't be used.
    """
    if not place.https:
        return None
    return certificates.verifying(place.ca_file, "remoting", "a CA's")


class _Connection(HTTPConnection):
    def __init__(self, line: Line, *args: Any, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **settings)
        self._line = line

    def _new_conn(self) -> socket.socket:
        return self._line.connect()


class _TlsConnection(_Connection, HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        if isinstance(self.sock, ssl.SSLSocket):
            self._line.certificate = self.sock.getpeercert(True)


class _Adapter(HTTPAdapter):
    """One pool of one connection on the line, wherever a request goes; nothing is sent twice."""

    def __init__(self, line: Line) -> None:
        super().__init__(max_retries=0)
        self._pool = _pool(line)

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:  # noqa: ANN401 - requests' signature
        return self._pool

    def cert_verify(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """By our own context alone; requests would add a bundle of public authorities."""

    def close(self) -> None:
        super().close()
        self._pool.close()


def _pool(line: Line) -> HTTPConnectionPool:
    place, context = line.place, trust(line.place)
    if context is None:
        plain = HTTPConnectionPool(place.host, place.at, maxsize=1)
        plain.ConnectionCls = partial(_Connection, line)  # type: ignore[assignment]
        return plain
    pool = HTTPSConnectionPool(
        place.host, place.at, maxsize=1, ssl_context=context, cert_reqs="CERT_REQUIRED"
    )
    pool.ConnectionCls = partial(_TlsConnection, line)  # type: ignore[assignment]
    return pool
