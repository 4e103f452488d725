"""WS-Man's envelopes: a request read (DSP0226, MS-WSMV 2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

NAMESPACES: Final = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
}
FAULT_ACTION: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
LEAST_ENVELOPE: Final = 8192


class NotSoap(Exception):
    """What came is no envelope."""


@dataclass(frozen=True)
class Request:
    """One request. ``body`` is the first element of the SOAP body, or an empty element."""

    action: str
    message: str
    resource: str
    selectors: Mapping[str, str]
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
        selectors={
            one.get("Name", ""): one.text or ""
            for one in header.iterfind("w:SelectorSet/w:Selector", NAMESPACES)
        },
        body=next(iter(body), Element("nothing")),
        header=header,
    )


def full(name: str) -> str:
    """Give ``rsp:Shell`` with its namespace in full."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"
