"""CIM over the link to a host: Kerberos, every message sealed or in verified TLS, deadlines.

pypsrp makes the envelopes, seals them, and finds the answer that belongs to a request; what a host
may answer at all is decided here, before anything reads it.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from pypsrp.exceptions import WinRMTransportError
from pypsrp.wsman import NAMESPACES, SelectorSet, WSMan

from delegation.errors import HostError, HostUnreachable
from delegation.hosts.cim import cim_faults, cim_xml
from delegation.hosts.cim.cim_class import WMI
from delegation.hosts.cim.cim_client import CimWire
from delegation.hosts.cim.cim_faults import CimFault
from delegation.hosts.cim.cim_messages import CimRequest
from delegation.hosts.places import Account, Place
from delegation.hosts.winrm.link import HostLink

MOST_BYTES = 64 * 1024 * 1024
"""What all answers to one question may be together: a hundred times what a large host tells."""


Send = Callable[..., bytes]
"""pypsrp's own: a message to the host, its answer; WinRMTransportError for HTTP's errors."""


class FaultTold(Exception):
    """A host's answer is a fault."""

    def __init__(self, fault: CimFault) -> None:
        super().__init__(fault.text)
        self.fault = fault


def judged(send: Send, message: bytes, **settings: Any) -> bytes:  # noqa: ANN401 - pypsrp's signature
    """The answer to a message. Raises FaultTold with all of a fault, of which pypsrp keeps a part.

    Raises ParseError for an answer that declares a document type, and what ``send`` raises.
    """
    try:
        answer = send(message, **settings)
    except WinRMTransportError as exc:
        try:
            fault = CimFault.of(cim_xml.parsed(exc.response_text))
        except ParseError:
            raise exc from None  # HTTP's own error, which tells its status
        if fault is None:
            raise
        raise FaultTold(fault) from exc
    cim_xml.refuse_document_type(answer)
    return answer


def sent(wsman: WSMan, request: CimRequest) -> Element:
    """What the body of the answer holds. Raises FaultTold, ValueError for an empty one."""
    selectors = SelectorSet()
    for name, value in request.selectors:
        selectors.add_option(name, value)
    keys = selectors if request.selectors else None
    envelope = wsman.invoke(request.action, request.resource, request.body, None, keys)
    fault = CimFault.of(envelope)
    if fault is not None:
        raise FaultTold(fault)
    body = envelope.find("s:Body", NAMESPACES)
    if body is None or not len(body):
        raise ValueError("an answer without anything in it")
    return body[0]


class SealedWire(CimWire):
    """Implements cim_client.CimWire, for the one thread that made it."""

    def __init__(self, place: Place, account: Account) -> None:
        self._place = place
        self._account = account
        self._language = "en-US"
        self._what = ""
        self._left = MOST_BYTES
        self._link = self._connected()

    def _connected(self) -> HostLink:
        link = HostLink(self._place, self._account)
        wsman = link.wsman
        wsman.locale = wsman.data_locale = self._language
        # pypsrp parses what this gives: an answer that is not to be read never comes so far.
        wsman.transport.send = partial(  # type: ignore[method-assign]
            self._send, wsman.transport.send
        )
        return link

    def _send(self, send: Send, message: bytes, **settings: Any) -> bytes:  # noqa: ANN401 - pypsrp's signature
        answer = judged(send, message, **settings)
        self._left -= len(answer)
        if self._left < 0:
            raise HostUnreachable(
                f"{self._place} has told more than {MOST_BYTES:,} bytes of {self._what}",
                "look who answers at that address and port: no host has so much to tell",
            )
        return answer

    @property
    def host(self) -> str:
        return self._place.host

    @property
    def lost(self) -> bool:
        return self._link.line.gone

    @property
    def late(self) -> bool:
        return self._link.line.late

    def renew(self) -> None:
        self._link.line.hang_up()
        self._link = self._connected()

    def speak(self, language: str) -> None:
        self._language = language
        self._link.wsman.locale = self._link.wsman.data_locale = language

    def asking(self, what: str, seconds: float) -> AbstractContextManager[None]:
        self._what, self._left = what, MOST_BYTES
        return self._link.asking(seconds)

    def ask(self, request: CimRequest) -> Element:
        try:
            return sent(self._link.wsman, request)
        except FaultTold as exc:
            raise self._in_words(exc.fault, request) from exc

    def _in_words(self, fault: CimFault, request: CimRequest) -> HostError:
        namespace = request.resource.removeprefix(WMI).rpartition("/")[0]
        who = self._account.who
        return cim_faults.in_words(fault, self._place.host, who, self._what, namespace)

    def now(self) -> float:
        return time.monotonic()

    def clock(self) -> float:
        return time.time()

    def rest(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        self._link.hang_up()
