"""A WinRM endpoint of a lab host, on HTTP or HTTPS."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

from tests.lab.wsman import soap
from tests.lab.wsman.faults import Faults
from tests.lab.wsman.security import Conversation, channel_bindings
from tests.lab.wsman.transport import Connection

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 30.0
LOOK = 0.05


class PlugIn(Protocol):
    """Answers requests, and asks for rights of its own."""

    def answer(self, request: soap.Request, user: str) -> tuple[bytes, bool]:
        """Give the envelope of the answer, and whether it is a fault."""


class Endpoint(ThreadingHTTPServer):
    """WinRM on an address and a port, and who answers there.

    ``tls`` names a certificate and its key; without it messages must be encrypted. It raises
    OSError where the address is taken, or not this system's.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(
        self,
        address: str,
        fqdn: str,
        keytab: Path,
        plug_in: PlugIn,
        *,
        port: int = 5985,
        tls: tuple[Path, Path] | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.fqdn, self.keytab, self.plug_in = fqdn, keytab, plug_in
        self.faults = faults or Faults()
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self.tls: ssl.SSLContext | None = None
        self._bindings = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
            self._bindings = channel_bindings(tls[0])
        super().__init__((address, port), Connection)

    def server_bind(self) -> None:
        """Bind without asking the resolver for a name, as the parent does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = self.fqdn, self.server_address[1]

    def start(self) -> None:
        """Serve, in a thread of its own."""
        name = f"{self.fqdn}:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(LOOK,), name=name, daemon=True).start()

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
        return Conversation(self.keytab, self.fqdn, self._bindings)

    def drop(self) -> None:
        """Drop all connections."""
        with self._lock:
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Drop all connections, and take no more."""
        self.stopped.set()
        self.shutdown()
        self.drop()
        self.server_close()
