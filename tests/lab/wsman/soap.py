"""WS-Man's envelopes: a request read, a reply or a fault written (DSP0226, MS-WSMV 2.2)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

NAMESPACES: Final = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "ps": "http://schemas.microsoft.com/powershell",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
}
SHELLS: Final = NAMESPACES["rsp"]
"""The resource that Enumerate and Get ask for; ``/Command`` follows for a shell's commands."""
FAULT_ACTION: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
LEAST_ENVELOPE: Final = 8192
DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


class Code(IntEnum):
    """Codes of a WSManFault, from wsmerror.h and winerror.h."""

    ACCESS_DENIED = 5
    OPERATION_ABORTED = 995
    NO_SUCH_RESOURCE = 0x80338000
    TIMED_OUT = 0x80338029
    UNEXPECTED_SELECTORS = 0x8033805B
    """There is no such shell, or no such command in it."""
    SHELL_DISCONNECTED = 0x803381C4
    SESSION_MISMATCH = 0x803381C6
    CONNECTED_TO_DIFFERENT_CLIENT = 0x803381CD
    STREAM_DISCONNECTED = 0x803381DE


SUBCODES: Final[Mapping[Code, tuple[str, str]]] = MappingProxyType(
    {
        Code.ACCESS_DENIED: ("Sender", "AccessDenied"),
        Code.TIMED_OUT: ("Receiver", "TimedOut"),
        Code.UNEXPECTED_SELECTORS: ("Sender", "InvalidSelectors"),
    }
)


TEXTS: Final[Mapping[Code, str]] = MappingProxyType(
    {
        Code.ACCESS_DENIED: "Access is denied.",
        Code.OPERATION_ABORTED: "The shell was closed.",
        Code.TIMED_OUT: "The WS-Management service cannot complete the operation within the time "
        "specified in OperationTimeout.",
        Code.UNEXPECTED_SELECTORS: "The request failed because the shell or the command was not "
        "found on the server. Possible causes are: the specified ShellId is incorrect or the "
        "shell no longer exists on the server.",
        Code.SHELL_DISCONNECTED: "The Windows Remote Shell is disconnected.",
        Code.SESSION_MISMATCH: "The Windows Remote Shell was created by a client with another "
        "SessionId.",
        Code.CONNECTED_TO_DIFFERENT_CLIENT: "The Windows Remote Shell is connected to a different "
        "client.",
        Code.STREAM_DISCONNECTED: "The Windows Remote Shell was disconnected while the request "
        "waited.",
    }
)


class WSManFault(Exception):
    """The request ends with a fault."""

    def __init__(self, code: Code, text: str = "") -> None:
        self.code, self.text = code, text or TEXTS[code]
        super().__init__(self.text)


class NotSoap(Exception):
    """What came is no envelope."""


@dataclass(frozen=True)
class Request:
    """One request. ``body`` is the first element of the SOAP body, or an empty element."""

    action: str
    message: str
    resource: str
    session: str
    """Names the client, over all its connections."""
    selectors: Mapping[str, str]
    seconds: float
    """The OperationTimeout: how long the client waits before it wants a fault."""
    most_bytes: int
    """The longest envelope that the client takes."""
    body: Element
    header: Element

    @property
    def verb(self) -> str:
        """The last part of the action."""
        return self.action.rpartition("/")[2]


def read(document: bytes) -> Request:
    """Read a request.

    Raises:
        NotSoap: it is none.
    """
    try:
        envelope = ET.fromstring(document)  # noqa: S314 - authenticated, and a lab's own
    except ET.ParseError as error:
        raise NotSoap(str(error)) from error
    header, body = envelope.find("s:Header", NAMESPACES), envelope.find("s:Body", NAMESPACES)
    if header is None or body is None:
        raise NotSoap("no header or no body")

    def text(path: str) -> str:
        return (header.findtext(path, "", NAMESPACES) or "").strip()

    return Request(
        action=text("a:Action"),
        message=text("a:MessageID"),
        resource=text("w:ResourceURI"),
        session=text("p:SessionId").upper(),
        selectors={
            one.get("Name", ""): one.text or ""
            for one in header.iterfind("w:SelectorSet/w:Selector", NAMESPACES)
        },
        seconds=seconds(text("w:OperationTimeout"), usual=60.0),
        most_bytes=max(int(text("w:MaxEnvelopeSize") or 153600), LEAST_ENVELOPE),
        body=next(iter(body), Element("nothing")),
        header=header,
    )


def seconds(duration: str, *, usual: float) -> float:
    """Read an XML duration of days and less (``PT20S``); ``usual`` for none."""
    found = DURATION.fullmatch(duration)
    if not duration or found is None:
        return usual
    days, hours, minutes, rest = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def full(name: str) -> str:
    """Give ``rsp:Shell`` with its namespace in full."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def element(name: str, *content: Element | str, **attributes: str) -> Element:
    """Make an element of text and elements."""
    made = Element(full(name), attributes)
    for one in content:
        if isinstance(one, str):
            made.text = one
        else:
            made.append(one)
    return made


def reply(request: Request, content: list[Element]) -> bytes:
    """Write the reply to a request."""
    return envelope(f"{request.action}Response", request, content)


def fault(request: Request, machine: str, why: WSManFault) -> bytes:
    """Write the fault that a request ends with."""
    side, subcode = SUBCODES.get(why.code, ("Receiver", "InternalError"))
    reason = element("s:Text", why.text)
    reason.set("{http://www.w3.org/XML/1998/namespace}lang", "en-US")
    detail = element("f:WSManFault", element("f:Message", why.text), Machine=machine)
    detail.set("Code", str(int(why.code)))
    content = element(
        "s:Fault",
        element(
            "s:Code",
            element("s:Value", f"s:{side}"),
            element("s:Subcode", element("s:Value", f"w:{subcode}")),
        ),
        element("s:Reason", reason),
        element("s:Detail", detail),
    )
    return envelope(FAULT_ACTION, request, [content])


def envelope(action: str, request: Request, content: list[Element]) -> bytes:
    """Write an envelope that answers a request."""
    whole = element(
        "s:Envelope",
        element(
            "s:Header",
            element("a:Action", action),
            element("a:MessageID", f"uuid:{str(uuid.uuid4()).upper()}"),
            element("a:RelatesTo", request.message),
        ),
        element("s:Body", *content),
    )
    return bytes(ET.tostring(whole, encoding="utf-8"))
