"""WS-Man's envelopes for CIM: what a request says beside its body, and an answer in one line."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from tests.lab.cim.cim_faults import CimFault, no_such_resource, plain
from tests.lab.cim.cim_values import ANONYMOUS, WMI
from tests.lab.wsman.soap import FAULT_ACTION, LEAST_ENVELOPE, NAMESPACES, Request, full

IDENTITY = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
MOST_BYTES = 512_000
"""What a host takes and gives at most (MaxEnvelopeSizekb, 500)."""
USUAL_BYTES = 153_600
UNDERSTOOD = frozenset(
    full(name)
    for name in (
        "a:Action",
        "a:To",
        "a:MessageID",
        "a:ReplyTo",
        "w:ResourceURI",
        "w:SelectorSet",
        "w:MaxEnvelopeSize",
        "w:OperationTimeout",
        "w:OptionSet",
        "w:Locale",
        "p:DataLocale",
        "p:SessionId",
    )
)
PREFIXES = " ".join(f'xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in "sanxw")
OTHERS = (
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:cim="http://schemas.dmtf.org/wbem/wscim/1/common"'
)


@dataclass(frozen=True)
class Asked:
    """A request for CIM. ``kind`` is the class that its resource names, or ``*``."""

    request: Request
    namespace: str
    kind: str

    @property
    def selectors(self) -> Mapping[str, str]:
        """The keys of what is meant."""
        return self.request.selectors

    @property
    def body(self) -> Element:
        """What is asked."""
        return self.request.body

    @property
    def most_bytes(self) -> int:
        """The longest answer that is wanted."""
        text = self.request.header.findtext("w:MaxEnvelopeSize", "", NAMESPACES)
        return min(int(text or USUAL_BYTES), MOST_BYTES)


def identifies(request: Request) -> bool:
    """Tell whether a request asks who this is."""
    return request.body.tag == f"{{{IDENTITY}}}Identify"


def asked(request: Request) -> Asked:
    """Read what a request says beside its body.

    Raises:
        CimFault: something is missing, not understood, or leads nowhere.
    """
    header = request.header
    for one in header:
        if one.get(full("s:mustUnderstand")) in {"true", "1"} and one.tag not in UNDERSTOOD:
            raise CimFault("s:MustUnderstand", 0x80338000, f"{one.tag} is not understood.")
    if not header.findtext("a:ReplyTo/a:Address", "", NAMESPACES).strip():
        text = "A required header is missing: ReplyTo."
        raise plain("a:MessageInformationHeaderRequired", text)
    if not request.message:
        text = "A required header is missing: MessageID."
        raise plain("a:MessageInformationHeaderRequired", text)
    text = header.findtext("w:MaxEnvelopeSize", "", NAMESPACES).strip()
    if text and (not text.isdecimal() or int(text) < LEAST_ENVELOPE):
        about = f"The maximum envelope size is less than {LEAST_ENVELOPE}."
        raise plain("w:EncodingLimit", about, "MinimumEnvelopeLimit")
    namespace, kind = resource(request.resource)
    return Asked(request, namespace, kind)


def resource(uri: str) -> tuple[str, str]:
    """Give namespace and class of a resource; raise CimFault if it is none of WMI's."""
    namespace, _, kind = uri[len(WMI) :].rpartition("/")
    if not uri.casefold().startswith(WMI.casefold()) or not namespace or not kind:
        raise no_such_resource(uri)
    return namespace, kind


def reply(request: Request, content: str, language: str) -> bytes:
    """Write the answer to a request."""
    return envelope(f"{request.action}Response", request.message, content, language)


def refusal(request: Request, content: str, language: str) -> bytes:
    """Write the fault that a request ends with."""
    return envelope(FAULT_ACTION, request.message, content, language)


def envelope(action: str, message: str, content: str, language: str) -> bytes:
    """Write an envelope."""
    header = (
        f"<a:Action>{escape(action)}</a:Action><a:MessageID>uuid:{str(uuid.uuid4()).upper()}"
        f"</a:MessageID><a:To>{ANONYMOUS}</a:To><a:RelatesTo>{escape(message)}</a:RelatesTo>"
    )
    return (
        f'<s:Envelope xml:lang="{language}" {PREFIXES} {OTHERS}><s:Header>{header}</s:Header>'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    ).encode()


def identity() -> bytes:
    """Say who this is (DSP0226, 11)."""
    inner = (
        "<wsmid:ProtocolVersion>http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
        "</wsmid:ProtocolVersion><wsmid:ProductVendor>Microsoft Corporation</wsmid:ProductVendor>"
        "<wsmid:ProductVersion>OS: 10.0.20348 SP: 0.0 Stack: 3.0</wsmid:ProductVersion>"
    )
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{NAMESPACES["s"]}"><s:Header/><s:Body>'
        f'<wsmid:IdentifyResponse xmlns:wsmid="{IDENTITY}">{inner}</wsmid:IdentifyResponse>'
        "</s:Body></s:Envelope>"
    ).encode()
