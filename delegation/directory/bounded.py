"""An LDAP connection whose server may be broken or hostile: how long and how much is bounded.

ldap3 opens the connection and writes the requests. What comes back is taken here: a timeout of a
socket starts anew with every byte, and ldap3 keeps whatever is sent until a message is whole.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPSessionTerminatedByServerError
from ldap3.strategy.base import RESPONSE_COMPLETE
from ldap3.strategy.sync import SyncStrategy

from delegation.directory import ldap_answers
from delegation.directory.ldap_answers import Answer, Unreadable

ANSWER_TIMEOUT = 60
"""Seconds to wait for the whole answer to one request; AD ends a search after 120."""

SLOWEST = 32 << 10
"""Bytes a second that buy more time: a large page over a slow line is no attack."""

_AT_ONCE = 1 << 16
"""Bytes in one read; ldap3's 4 KiB cost a mesh 800 reads."""


_ANSWER_TO = {"bindRequest": 0x61, "extendedReq": ldap_answers.EXTENDED}
"""The tag of the one answer to each request that ldap3 itself makes (RFC 4511, 4.2.2 and 4.12)."""


@dataclass
class WaitingTime:
    """The seconds that one may still be kept waiting, from request to last answer.

    Only waiting counts: whoever works between two answers, or is stopped by Ctrl-Z, loses none.
    """

    left: float
    whole: "WaitingTime | None" = None
    """Of what this is the patience for a part: what one waits for the part counts there too."""

    def part(self, seconds: float = ANSWER_TIMEOUT) -> "WaitingTime":
        """To wait for one of several answers."""
        return WaitingTime(seconds, self)

    @property
    def now(self) -> float:
        """Seconds to wait from now on, at most."""
        return self.left if self.whole is None else min(self.left, self.whole.now)

    def waited(self, seconds: float) -> None:
        self.left -= seconds
        if self.whole is not None:
            self.whole.waited(seconds)


class BoundedStrategy(SyncStrategy):  # type: ignore[misc]
    """ldap3's way to send, and our own to receive."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - ldap3 has no types
        super().__init__(connection)
        self._unread = bytearray()
        self._enough = 0
        """Bytes of the message that has begun to come; 0 while that is not known."""

    def arrived(self, patience: WaitingTime) -> Sequence[Answer]:
        """What has arrived, at least one message.

        Raises OSError, TimeoutError among them, and Unreadable; the connection is closed then.
        """
        try:
            while not (whole := self._whole_messages()):
                self._read(patience)
                # Samba's pieces are a tenth of an object: before the rest is there, none is whole.
                while len(self._unread) < self._enough:
                    self._read(patience)
        except (OSError, Unreadable):
            self.close()
            raise
        return whole

    def _whole_messages(self) -> Sequence[Answer]:
        found: list[Answer] = []
        at, self._enough = 0, 0
        try:
            while (size := ldap_answers.size_of(self._unread, at)) is not None:
                if at + size > len(self._unread):
                    self._enough = size
                    break
                found.append(ldap_answers.message(bytes(self._unread[at : at + size])))
                at += size
        except Unreadable:
            # What stands before it counts: the outcome of a write that was made, say.
            if not found:
                raise
        del self._unread[:at]
        return found

    def _read(self, patience: WaitingTime) -> None:
        sock = self.connection.socket
        if sock is None:
            raise OSError("the connection is closed")
        if (now := patience.now) <= 0:
            raise TimeoutError("the answer takes too long")
        sock.settimeout(now)
        began = time.monotonic()
        data = sock.recv(_AT_ONCE)
        patience.waited(time.monotonic() - began - len(data) / SLOWEST)
        sock.settimeout(ANSWER_TIMEOUT)  # what is sent has a time of its own
        if not data:
            raise OSError("the domain controller ended the connection")
        self._unread += data

    def transmit(self, request: bytes) -> None:
        """Send a request that is encoded already. Raises OSError."""
        if self.connection.socket is None:
            raise OSError("the connection is closed")
        self.connection.socket.sendall(request)

    def _get_response(self, message_id: int, timeout: float | None) -> list[Any]:  # noqa: ARG002
        """ldap3's own requests: a bind or StartTLS, which have exactly one answer."""
        arrived = self.arrived(WaitingTime(ANSWER_TIMEOUT))
        answer = expected(arrived[0], message_id)
        kind = self._outstanding[message_id]["type"]
        if answer.tag != _ANSWER_TO[kind]:
            raise Unreadable(f"a message of type {answer.tag:#04x} answers a {kind}")
        result = ldap_answers.result(answer)
        # What stands behind it in clear would count as said within TLS, or under the seal.
        if len(arrived) > 1 or self._unread:
            raise Unreadable("there are more answers than questions")
        return [result, RESPONSE_COMPLETE]

    def close(self) -> None:
        self._unread.clear()
        super().close()


def expected(answer: Answer, number: int) -> Answer:
    """``answer``, where it is one to the request of that ``number``.

    Raises Unreadable, and LDAPSessionTerminatedByServerError where the server says goodbye.
    """
    if answer.number == 0 and answer.tag == ldap_answers.EXTENDED:
        raise LDAPSessionTerminatedByServerError("session terminated by server")
    if answer.number != number:
        raise Unreadable(f"an answer to request {answer.number}, which was not asked, came")
    return answer


class BoundedConnection(ldap3.Connection):  # type: ignore[misc]
    """An ldap3 connection that receives by ``BoundedStrategy``."""

    def __init__(self, server: ldap3.Server, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(server, **settings)
        self.strategy = BoundedStrategy(self)
        # ldap3 lends these to the connection once, from the strategy that it began with.
        for lent in (
            "send",
            "open",
            "get_response",
            "post_send_single_response",
            "post_send_search",
        ):
            setattr(self, lent, getattr(self.strategy, lent))
