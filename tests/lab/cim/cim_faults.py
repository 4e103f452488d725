"""The faults of WMI's plug-in: subcode, code, and the provider's HRESULT (MS-WSMV 2.2.4.49).

Seen on real hosts, in public reports: 0x8033803B for a resource URI, 0x80338041 for a value that
is none of its type, 0x803380FA with "The WMI service or the WMI provider returned an unknown
error: HRESULT 0x…", 0x803380FB for a filter on a class. Which of WMI's own errors come wrapped so,
and which under their own number, is not known of all: here each carries its HRESULT in the text.
"""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

from tests.lab.wsman.soap import NAMESPACES

PLUG_IN = r"%systemroot%\system32\WsmWmiPl.dll"
FAULTS_OF_WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail"

PROVIDER_FAILURE = 0x80041004
TYPE_MISMATCH = 0x80041005
NOT_FOUND = 0x80041002
ACCESS_DENIED_HERE = 0x80041003
INVALID_PARAMETER = 0x80041008
INVALID_NAMESPACE = 0x8004100E
INVALID_CLASS = 0x80041010
PROVIDER_LOAD_FAILURE = 0x80041013
INVALID_QUERY = 0x80041017
INVALID_METHOD = 0x8004102E
INVALID_METHOD_PARAMETERS = 0x8004102F
INVALID_OBJECT_PATH = 0x8004103A

HRESULT = re.compile(r":? HRESULT 0x[0-9a-f]+")
TEXTS = {
    PROVIDER_FAILURE: "Provider failure",
    TYPE_MISMATCH: "Type mismatch",
    NOT_FOUND: "Not found",
    ACCESS_DENIED_HERE: "Access denied",
    INVALID_PARAMETER: "Invalid parameter",
    INVALID_NAMESPACE: "Invalid namespace",
    INVALID_CLASS: "Invalid class",
    PROVIDER_LOAD_FAILURE: "Provider load failure",
    INVALID_QUERY: "Invalid query",
    INVALID_METHOD: "Invalid method",
    INVALID_METHOD_PARAMETERS: "Invalid method Parameter(s)",
    INVALID_OBJECT_PATH: "Invalid object path",
}
IN_JAPANESE = {
    ACCESS_DENIED_HERE: "アクセスが拒否されました",
    INVALID_CLASS: "クラスが無効です",
    INVALID_NAMESPACE: "名前空間が無効です",
    INVALID_QUERY: "クエリが無効です",
    NOT_FOUND: "見つかりません",
}


class CimFault(Exception):
    """A request ends with a fault; ``hresult`` is the provider's, 0 if it is WS-Man's own."""

    def __init__(
        self, subcode: str, code: int, text: str, hresult: int = 0, detail: str = ""
    ) -> None:
        super().__init__(text)
        self.subcode, self.code, self.text = subcode, code, text
        self.hresult, self.detail = hresult, detail


def wmi(hresult: int, about: str = "") -> CimFault:
    """WMI, or its provider, refuses."""
    if hresult == ACCESS_DENIED_HERE:
        return CimFault("w:AccessDenied", 5, "Access is denied.", hresult)
    if hresult == NOT_FOUND:
        return no_such_instance()
    more = f" {about}" if about else ""
    text = "The WMI service or the WMI provider returned an unknown error: HRESULT"
    return CimFault("w:InternalError", 0x803380FA, f"{text} 0x{hresult:x}{more}", hresult)


def bad_schema(about: str) -> CimFault:
    """A message, or a value in it, is not as its schema says."""
    text = f"The XML parameter does not match the schema: {about}"
    detail = f"{FAULTS_OF_WSMAN}/InvalidValue"
    return CimFault("w:SchemaValidationError", 0x80338041, text, detail=detail)


def no_such_resource(uri: str) -> CimFault:
    """A resource URI leads nowhere."""
    text = f"The resource URI is missing or is not in a correct format: {uri}"
    detail = f"{FAULTS_OF_WSMAN}/InvalidResourceURI"
    return CimFault("a:DestinationUnreachable", 0x8033803B, text, detail=detail)


def no_such_instance() -> CimFault:
    """There is no instance of such keys."""
    text = "The service cannot find the resource identified by the resource URI and selectors."
    return CimFault("a:DestinationUnreachable", 0x80338000, text, NOT_FOUND)


def filter_on_a_class() -> CimFault:
    """A query is sent to a class instead of to the namespace."""
    text = (
        "The resource URI for an enumeration operation with WQL filter must not contain keys and "
        "the class name must be '*' (star)."
    )
    return CimFault("n:CannotProcessFilter", 0x803380FB, text)


def plain(subcode: str, text: str, detail: str = "") -> CimFault:
    """A fault of WS-Man's whose Windows code is not known here: 0x80338000 stands for it."""
    return CimFault(subcode, 0x80338000, text, detail=detail and f"{FAULTS_OF_WSMAN}/{detail}")


def body(fault: CimFault, machine: str, language: str, *, numbers: bool = True) -> str:
    """Write a fault as the content of a SOAP body.

    Without ``numbers`` there is no HRESULT in it; the code of WS-Man's fault is none, and stays.
    """
    text = fault.text
    if language == "ja-JP":
        localised = IN_JAPANESE.get(fault.hresult, "WS-Management サービスは要求を処理できません。")
        hresult = f" HRESULT 0x{fault.hresult:x}" if fault.hresult else ""
        text = f"{localised}{hresult}"
    if not numbers:
        text = HRESULT.sub("", text)
    reason = escape(text)
    said = provided(fault, reason, machine, numbers=numbers) if fault.hresult else reason
    detail = f"<w:FaultDetail>{fault.detail}</w:FaultDetail>" if fault.detail else ""
    about = f'Code="{fault.code}" Machine={quoteattr(machine)}'
    namespace = NAMESPACES["f"]
    side = "s:Receiver" if fault.subcode == "w:InternalError" else "s:Sender"
    return (
        f"<s:Fault><s:Code><s:Value>{side}</s:Value><s:Subcode><s:Value>{fault.subcode}</s:Value>"
        f'</s:Subcode></s:Code><s:Reason><s:Text xml:lang="{language}">{reason}</s:Text></s:Reason>'
        f'<s:Detail>{detail}<f:WSManFault xmlns:f="{namespace}" {about}>'
        f"<f:Message>{said}</f:Message></f:WSManFault></s:Detail></s:Fault>"
    )


def provided(fault: CimFault, reason: str, machine: str, *, numbers: bool) -> str:
    """Write what WMI's plug-in says inside the fault of WS-Man."""
    named = TEXTS.get(fault.hresult, "")
    hresult = f" HRESULT = 0x{fault.hresult:08x}" if numbers else ""
    return (
        f'<f:ProviderFault provider="WMI Provider" path="{PLUG_IN}">'
        f'<f:WSManFault Code="{fault.code}" Machine={quoteattr(machine)}>'
        f"<f:Message>{reason} ({named}){hresult}</f:Message></f:WSManFault>"
        "</f:ProviderFault>"
    )
