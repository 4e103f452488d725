"""A WinRM endpoint of a lab host, on HTTP or HTTPS."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import psrpcore

from tests.lab.wsman import operations, soap
from tests.lab.wsman.faults import Faults
from tests.lab.wsman.pipeline import OUTPUT_BYTES
from tests.lab.wsman.runtime import Cmdlet
from tests.lab.wsman.security import Conversation, channel_bindings
from tests.lab.wsman.shells import Shells
from tests.lab.wsman.soap import Code, WSManFault
from tests.lab.wsman.transport import Connection

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 30.0


@dataclass(frozen=True)
class Reply:
    """A reply's envelope; ``lost`` is called if it did not arrive."""

    document: bytes
    fault: bool
    lost: Callable[[], None]


class PlugIn(Protocol):
    """Answers the requests of other resources than shells."""

    def wants(self, request: soap.Request) -> bool:
        """Tell whether a request is for it."""

    def answer(self, request: soap.Request, user: str) -> tuple[bytes, bool]:
        """Give the envelope of the answer, and whether it is a fault."""


class Listener(ThreadingHTTPServer):
    """The server of an endpoint; what its connections share."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.shells, self.faults = endpoint.shells, endpoint.faults
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self.tls: ssl.SSLContext | None = None
        self._bindings = None
        if endpoint.tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*endpoint.tls)
            self._bindings = channel_bindings(endpoint.tls[0])
        super().__init__((endpoint.address, endpoint.port), Connection)

    def server_bind(self) -> None:
        """Bind without asking the resolver for a name, as the parent does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.endpoint.fqdn, self.server_address[1]

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, in its own thread."""
        if self.tls:
            request.settimeout(HANDSHAKE_SECONDS)
            request = self.tls.wrap_socket(request, server_side=True)
            request.settimeout(None)
        with self._lock:
            self._sockets.add(request)
        try:
            if not self.stopped.is_set():
                Connection(request, client_address, self)
        finally:
            with self._lock:
                self._sockets.discard(request)
            # Not the plain socket, which TLS has taken over.
            self.shutdown_request(request)

    def handle_error(self, _: Any, client_address: Any) -> None:
        """Note what went wrong with a connection: a failed handshake, or a fault of the lab."""
        error = sys.exception()
        if isinstance(error, OSError):
            log.info("connection from %s: %s", client_address, error)
        else:
            log.error("connection from %s", client_address, exc_info=error)

    def converse(self) -> Conversation:
        """Begin to authenticate a caller."""
        return Conversation(self.endpoint.keytab, self.endpoint.fqdn, self._bindings)

    def carry_out(
        self, request: soap.Request, conversation: Conversation, connection: Connection
    ) -> Reply:
        """Carry out a request; what goes wrong is a fault.

        Raises:
            ConnectionError: the client left.
        """
        cim = self.endpoint.cim
        if cim is not None and cim.wants(request):
            document, fault = cim.answer(request, conversation.user)
            return Reply(document, fault, no_loss)
        try:
            answer = operations.answer(self._call(request, conversation, connection))
        except WSManFault as why:
            return self._refuse(request, why)
        except (psrpcore.PSRPCoreError, ValueError) as error:
            log.exception("%s is not understood", request.verb)
            text = f"The request is not understood: {error}"
            return self._refuse(request, WSManFault(Code.NO_SUCH_RESOURCE, text))
        return Reply(soap.reply(request, answer.content), False, answer.lost)

    def _call(
        self, request: soap.Request, conversation: Conversation, connection: Connection
    ) -> operations.Call:
        if not self.endpoint.authorize(conversation.user):
            raise WSManFault(Code.ACCESS_DENIED)
        return operations.Call(
            request,
            conversation.user,
            conversation.evidence,
            connection,
            self.shells,
            self.endpoint.cmdlets,
            self.endpoint.url,
            self.endpoint.output_bytes,
        )

    def _refuse(self, request: soap.Request, why: WSManFault) -> Reply:
        return Reply(soap.fault(request, self.endpoint.fqdn, why), True, no_loss)

    def stop(self) -> None:
        """Drop all connections, and take no more."""
        self.stopped.set()
        self.shutdown()
        with self._lock:
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        self.server_close()


def no_loss() -> None:
    """A fault that did not arrive is no loss."""


class Endpoint:
    """WinRM on an address and a port. ``shells`` may be another endpoint's, of the same host.

    ``tls`` names a certificate and its key; without it messages must be encrypted. ``authorize``
    is asked at each request for a shell. ``cmdlets`` are found by name, in any case. A pipeline
    waits while ``output_bytes`` of what it says have not been fetched. ``cim`` answers what is
    for WMI, on the same port, and asks for rights of its own.
    """

    def __init__(
        self,
        address: str,
        fqdn: str,
        keytab: Path,
        cmdlets: Mapping[str, Cmdlet],
        *,
        port: int = 5985,
        tls: tuple[Path, Path] | None = None,
        authorize: Callable[[str], bool] = lambda _: True,
        faults: Faults | None = None,
        shells: Shells | None = None,
        output_bytes: int = OUTPUT_BYTES,
        cim: PlugIn | None = None,
    ) -> None:
        self.address, self.fqdn, self.keytab, self.port = address, fqdn, keytab, port
        self.cmdlets = {name.casefold(): cmdlet for name, cmdlet in cmdlets.items()}
        self.tls, self.authorize, self.output_bytes = tls, authorize, output_bytes
        self.faults = faults or Faults()
        self.shells = shells or Shells()
        self.cim = cim
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """Where a client finds it."""
        return f"http{'s' if self.tls else ''}://{self.fqdn}:{self.port}/wsman"

    def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address is taken, or not this system's.
        """
        self._listener = Listener(self)
        threading.Thread(
            target=self._listener.serve_forever, args=(0.05,), name=self.url, daemon=True
        ).start()

    def stop(self) -> None:
        """Drop the clients, stop listening, and close the shells: their pipelines are stopped."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
        self.shells.close()
