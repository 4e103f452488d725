"""The connection of two migration services: messages of JSON, signed, on TCP 6600.

Both ends are authenticated by Kerberos before the first message. The messages are the lab's own:
what Hyper-V says there is not documented.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gssapi
from gssapi.raw import acquire_cred_from
from gssapi.raw.misc import GSSError

from tests.lab.hosts.failures import REFUSED, RESET, TIMED_OUT, Reason, RefusedThere
from tests.lab.hosts.ports import MIGRATION
from tests.lab.hosts.tickets import Opening, Place
from tests.lab.s4u import KERBEROS

CONNECT_SECONDS = 5.0
MESSAGE_SECONDS = 120.0
"""How late a peer has hung; one that has died ends the connection at once. A target waits for the
ticket of a source that may first have to start a program for it (``twins``): eight hosts that did
so at once, on a busy machine, have taken longer than 15 s, and were told of a reset connection.
"""
TICK = 0.1
"""How often somebody who waits for an answer looks whether he still wants it."""
LONGEST = 1 << 20
HEADER = struct.Struct(">I")


class Lost(Exception):
    """The connection is gone, or who is at the other end cannot be told."""


class Channel:
    """One connection, authenticated."""

    def __init__(self, connection: socket.socket, context: gssapi.SecurityContext) -> None:
        self.connection, self.context = connection, context
        self.asked = 0

    @property
    def user(self) -> str:
        """Who opened it: ``vmadmin@CORP.EXAMPLE``, or a host, ``HV01$@CORP.EXAMPLE``."""
        return str(self.context.initiator_name)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message; raise Lost if there is no connection."""
        signed = self.context.wrap(json.dumps(message).encode(), False)
        put(self.connection, signed.message)

    def receive(self) -> dict[str, Any]:
        """Wait for a message; raise Lost if the connection ends, or nothing comes in time."""
        try:
            opened = self.context.unwrap(get(self.connection))
        except GSSError as error:
            raise Lost(str(error)) from error
        message: dict[str, Any] = json.loads(opened.message)
        return message

    def ask(
        self,
        message: Mapping[str, Any],
        meanwhile: Callable[[], None] = lambda: None,
        seconds: float = MESSAGE_SECONDS,
    ) -> dict[str, Any]:
        """Send a request and wait for its answer, calling ``meanwhile`` now and then.

        Raises:
            RefusedThere: the other end refuses.
            Lost: there is no connection any more, or no answer in time.
        """
        self.asked += 1
        self.send({**message, "number": self.asked})
        deadline = time.monotonic() + seconds
        answer: dict[str, Any] = {}
        # Somebody who did not wait for an answer may ask again: to end it all.
        while answer.get("number") != self.asked:
            while not self.readable(TICK):
                meanwhile()
                if time.monotonic() > deadline:
                    raise Lost("no answer in time")
            answer = self.receive()
        if "failed" in answer:
            raise RefusedThere(answer["failed"], answer["hresult"])
        return answer

    def readable(self, seconds: float) -> bool:
        """Tell whether something came, the end included, within some seconds."""
        return bool(select.select([self.connection], [], [], seconds)[0])

    def close(self) -> None:
        """End it."""
        self.connection.close()


def connect(own_address: str, address: str) -> socket.socket:
    """Connect to a migration service, from one's own address.

    Raises:
        Reason: nobody listens there, or nobody answers.
    """
    try:
        return socket.create_connection((address, MIGRATION), CONNECT_SECONDS, (own_address, 0))
    except ConnectionRefusedError as error:
        raise Reason("The connection was refused", REFUSED) from error
    except TimeoutError as error:
        raise Reason("The connection timed out", TIMED_OUT) from error
    except OSError as error:
        raise Reason(f"The connection failed ({error.strerror})", RESET) from error


def authenticate(connection: socket.socket, opening: Opening) -> Channel:
    """Show a ticket, and see that the other end has the key to it.

    Raises:
        Lost: it has not, or went away.
    """
    connection.settimeout(MESSAGE_SECONDS)
    put(connection, opening.token)
    try:
        opening.context.step(get(connection))
    except GSSError as error:
        raise Lost(str(error)) from error
    return Channel(connection, opening.context)


def accept(connection: socket.socket, keytab: Path) -> Channel:
    """Take a ticket from a caller, and show that one has the key to it.

    Raises:
        Lost: the ticket is not for this host, or the caller went away.
    """
    connection.settimeout(MESSAGE_SECONDS)
    try:
        store: Place = {b"keytab": f"FILE:{keytab}".encode()}
        got = acquire_cred_from(store, mechs=[KERBEROS], usage="accept")
        context = gssapi.SecurityContext(creds=gssapi.Credentials(base=got.creds), usage="accept")
        put(connection, context.step(get(connection)) or b"")
    except GSSError as error:
        raise Lost(str(error)) from error
    return Channel(connection, context)


def put(connection: socket.socket, data: bytes) -> None:
    """Send bytes with their length in front."""
    try:
        connection.sendall(HEADER.pack(len(data)) + data)
    except OSError as error:
        raise Lost(str(error)) from error


def get(connection: socket.socket) -> bytes:
    """Receive what ``put`` sent."""
    (length,) = HEADER.unpack(exactly(connection, HEADER.size))
    if length > LONGEST:
        raise Lost(f"a message of {length} bytes")
    return exactly(connection, length)


def exactly(connection: socket.socket, length: int) -> bytes:
    """Receive so many bytes."""
    data = b""
    while len(data) < length:
        try:
            more = connection.recv(length - len(data))
        except OSError as error:
            raise Lost(str(error)) from error
        if not more:
            raise Lost("the connection ended")
        data += more
    return data
