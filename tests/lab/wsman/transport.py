"""One HTTP connection: it authenticates once, and then carries requests, encrypted unless on TLS.

MS-WSMV 2.2.9, MS-N2HT: the client's ticket is accepted for the connection, not for a request.
"""

from __future__ import annotations

import base64
import binascii
import logging
import select
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, cast

from tests.lab.wsman import soap
from tests.lab.wsman.faults import Cut, Hang, Refuse
from tests.lab.wsman.security import ENCRYPTED, PROTOCOLS, Conversation, NotAuthentic

if TYPE_CHECKING:
    from tests.lab.wsman.endpoint import Endpoint

log = logging.getLogger(__name__)

SOAP = "application/soap+xml;charset=UTF-8"
CHALLENGES = ("Negotiate", "Kerberos")
MOST_BYTES = 512_000 + 4096
"""MaxEnvelopeSizekb is 500; what seals an envelope comes on top."""
LOOK = 0.1


class Connection(BaseHTTPRequestHandler):
    """A client's connection, in a thread of its own."""

    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-HTTPAPI/2.0"
    sys_version = ""
    disable_nagle_algorithm = True

    conversation: Conversation | None = None
    token = ""
    """The last part of the authentication, which the client gets with the reply."""

    @property
    def endpoint(self) -> Endpoint:
        """The server."""
        return cast("Endpoint", self.server)

    def log_message(self, *_: object) -> None:
        """Say nothing on standard error."""

    def gone(self) -> bool:
        """Tell whether the client has left: it has closed its side, or died."""
        watch = select.poll()
        watch.register(self.connection, select.POLLRDHUP)
        return bool(watch.poll(0))

    def finish(self) -> None:
        """End."""
        try:
            super().finish()
        except OSError:
            log.debug("%s left in the middle of a reply", self.client_address)

    def do_POST(self) -> None:
        self.token = ""
        try:
            length = int(self.headers.get("Content-Length") or 0)
            if length > MOST_BYTES:
                self.answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                return
            body = self.rfile.read(length)
            if self.path.partition("?")[0] != "/wsman":
                self.answer(HTTPStatus.NOT_FOUND)
            elif not self.authenticate():
                self.challenge()
            elif not body:
                self.answer(HTTPStatus.OK)
            else:
                self.carry(body)
        except OSError:
            self.close_connection = True

    def authenticate(self) -> bool:
        """Tell whether the caller is known, by the token that came or by an earlier one."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return self.conversation is not None and self.conversation.complete
        if scheme.casefold() not in PROTOCOLS:
            self.conversation = None
            return False
        if self.conversation is None or self.conversation.complete:
            self.conversation = self.endpoint.converse()
        try:
            back = self.conversation.step(scheme.casefold(), base64.b64decode(token))
        except (NotAuthentic, binascii.Error) as error:
            log.info("%s is not let in: %s", self.client_address, error)
            self.conversation = None
            return False
        self.token = f"{scheme} {base64.b64encode(back).decode()}" if back else ""
        return self.conversation.complete

    def challenge(self) -> None:
        """Ask for a token; only what is offered here."""
        self.send_response(HTTPStatus.UNAUTHORIZED)
        for one in (self.token,) if self.token else CHALLENGES:
            self.send_header("WWW-Authenticate", one)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def carry(self, body: bytes) -> None:
        """Carry out an authenticated request."""
        conversation = self.conversation
        assert conversation is not None, "authenticate saw to it"
        sealed = self.headers.get("Content-Type", "").startswith(ENCRYPTED)
        if not sealed and not self.endpoint.tls:
            # AllowUnencrypted is false, as on any Windows host that nobody has spoilt.
            self.answer(HTTPStatus.BAD_REQUEST)
            return
        try:
            request = soap.read(conversation.unseal(body) if sealed else body)
        except (NotAuthentic, soap.NotSoap) as error:
            log.info("%s sent what is refused: %s", self.client_address, error)
            self.answer(HTTPStatus.BAD_REQUEST)
            return
        wrong = self.endpoint.faults.take(request.verb)
        if isinstance(wrong, Hang):
            self.hang()
        elif isinstance(wrong, Refuse):
            self.answer(HTTPStatus(wrong.status))
            return
        document, fault = self.endpoint.plug_in.answer(request, conversation.user)
        content_type, out = conversation.seal(document) if sealed else (SOAP, document)
        status = HTTPStatus.INTERNAL_SERVER_ERROR if fault else HTTPStatus.OK
        self.answer(status, out, content_type, wrong.after if isinstance(wrong, Cut) else None)

    def hang(self) -> None:
        """Wait until released, or left."""
        while not self.endpoint.faults.released.wait(LOOK):
            if self.gone() or self.endpoint.stopped.is_set():
                raise ConnectionResetError

    def answer(
        self, status: HTTPStatus, body: bytes = b"", content_type: str = "", cut: int | None = None
    ) -> None:
        """Send a reply; ``cut``: only so many bytes of its body, and then nothing more."""
        self.send_response(status)
        if self.token:
            self.send_header("WWW-Authenticate", self.token)
        if content_type:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if cut is not None:
            if cut:
                self.end_headers()
                self.wfile.write(body[:cut])
            raise ConnectionAbortedError
        self.end_headers()
        self.wfile.write(body)
