"""A host's WMI with canned instances, at the transport's seam: bytes of a message in, bytes out.

What it answers is in the form that recordings of real hosts have, with every property of a class,
NULL or not; so pages are as full as there. It knows no more of WQL than is asked, and refuses the
rest with the fault that a real host gives.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from xml.etree.ElementTree import Element, fromstring
from xml.sax.saxutils import escape

from pypsrp.exceptions import WinRMTransportError
from pypsrp.wsman import WSMan

from delegation.errors import HostUnreachable
from delegation.hosts.cim import cim_faults
from delegation.hosts.cim.cim_client import Cim, CimWire
from delegation.hosts.cim.cim_link import FaultTold, judged, sent
from delegation.hosts.cim.cim_messages import CimRequest

CASES = Path(__file__).parents[2] / "cases" / "cim"
CLASSES: dict[str, Any] = json.loads((CASES / "classes.json").read_text(encoding="utf-8"))
OTHERS: dict[str, Any] = json.loads((CASES / "other-classes.json").read_text(encoding="utf-8"))

WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
V2, CIMV2 = "root/virtualization/v2", "root/cimv2"
NAMESPACES = {V2, CIMV2, "root/standardcimv2"}
"""Those of a host that is no cluster's node."""
NS = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
}
PAGE = 256_000
"""Bytes of items in one answer: about half of MaxEnvelopeSize."""


@dataclass(frozen=True)
class Ref:
    """A reference in a property: to an instance by one key."""

    kind: str
    key: str
    value: str


Value = str | int | bool | None | Ref | Sequence[str] | Sequence[int]
Row = Mapping[str, Value]
Method = Callable[[Element], str]
"""Gives the outputs of a call as XML, without the element around them."""

_QUERY = re.compile(r"SELECT \* FROM (\w+)(?: WHERE (.+))?\Z")
_ASSOCIATORS = re.compile(
    r"ASSOCIATORS OF \{\w+\.(?:CreationClassName='\w+',)?\w+='([^']*)'\}"
    r" WHERE AssocClass = (\w+) ResultClass = (\w+)\Z"
)
_CONDITION = re.compile(r"(\w+) = ('(?:[^'\\]|\\.)*'|\d+|__SERVER)(?: AND |\Z)")


@dataclass(frozen=True)
class Refusal(Exception):
    """A fault, as a host says it: WinRM's code, WMI's number in a text."""

    subcode: str
    code: int
    text: str
    detail: str = ""


NO_CLASS = Refusal("w:InternalError", 2150858817, "The class name is invalid. HRESULT = 0x80041010")
NO_QUERY = Refusal("n:CannotProcessFilter", 2150858817, "The query is invalid. 0x80041017")
NO_NAMESPACE = Refusal("w:InternalError", 2150858778, "no such namespace HRESULT = 0x8004100E")
DENIED = Refusal("w:AccessDenied", 2150858817, "Access denied. HRESULT = 0x80041003")
NO_ACCESS = Refusal("w:AccessDenied", 5, "Access is denied.")
TOO_LARGE = Refusal("w:EncodingLimit", 2150858834, "The response exceeds the envelope size.")
LATE = Refusal("w:TimedOut", 2150858793, "The operation timed out.")
NOT_THERE = Refusal("a:DestinationUnreachable", 2150858752, "The service cannot find the resource.")


@dataclass
class CannedHost:
    """Instances by namespace and class, methods by name, and what is refused."""

    name: str = "HV01"
    fqdn: str = "hv01.corp.example"
    rows: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    related: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    """What an association ties to an instance, by both: its key without case."""
    methods: dict[str, Method] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    """By a class, a namespace or a method."""
    raw: dict[str, str] = field(default_factory=dict)
    """A whole answer in place of what would come, by an action's last part."""
    asked: list[str] = field(default_factory=list)
    """Every WQL and method, in turn."""
    messages: list[bytes] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    losing: int = 0
    """So many requests from now on end with the connection."""
    losing_after: int = 0
    """The request after so many ends with it."""
    late_pulls: int = 0
    """So many Pulls are not answered in time."""
    _lists: dict[str, list[str]] = field(default_factory=dict)

    def has(self, kind: str, *rows: Row, namespace: str = V2) -> None:
        self.rows[namespace, kind] = [*self.rows.get((namespace, kind), ()), *rows]

    def relates(self, association: str, key: str, *rows: Row) -> None:
        """Have rows tied to the instance with that key."""
        place = association, key.casefold()
        self.related[place] = [*self.related.get(place, ()), *rows]

    def answer(self, message: bytes, **_: object) -> bytes:
        """What the transport's ``send`` gives."""
        self.messages.append(message)
        if self.losing_after:
            self.losing_after -= 1
            self.losing = int(self.losing_after == 0)
        elif self.losing:
            self.losing -= 1
            raise ConnectionResetError("the host ended the connection")
        envelope = fromstring(message)  # noqa: S314 - the product's own
        header = envelope.find("s:Header", NS)
        body = envelope.find("s:Body", NS)
        assert header is not None
        assert body is not None
        action = header.findtext("a:Action", "", NS)
        uri = header.findtext("w:ResourceURI", "", NS)
        relates = header.findtext("a:MessageID", "", NS)
        try:
            word = action.rpartition("/")[2]
            said = self.raw.get(word) or self._said(word, uri, header, body)
        except Refusal as exc:
            raise WinRMTransportError("http", 500, soap(fault(exc), relates)) from None
        return soap(said, relates).encode()

    def _said(self, word: str, uri: str, header: Element, body: Element) -> str:
        assert header.find("a:ReplyTo/a:Address", NS) is not None
        namespace, _, kind = uri.removeprefix(WMI).rpartition("/")
        for refused in (namespace, kind, word):
            if refused in self.refusals:
                raise self.refusals[refused]
        selectors = {
            one.get("Name", ""): one.text or ""
            for one in header.iterfind("w:SelectorSet/w:Selector", NS)
        }
        match word:
            case "Enumerate":
                return self._enumerated(namespace, kind, body)
            case "Pull":
                if self.late_pulls:
                    self.late_pulls -= 1
                    raise LATE
                return self._pulled(body)
            case "Get":
                found = self._chosen(namespace, kind, selectors)
                if len(found) != 1:
                    raise NOT_THERE
                return instance(kind, found[0], namespace)
            case _:
                self.asked.append(word)
                assert selectors, "a method needs a selector"
                outputs = self.methods[word](body[0])
                return f'<p:{word}_OUTPUT xmlns:p="{uri}">{outputs}</p:{word}_OUTPUT>'

    def _enumerated(self, namespace: str, kind: str, body: Element) -> str:
        assert kind == "*", "WQL goes to the whole namespace"
        wql = body.findtext("n:Enumerate/w:Filter", "", NS)
        self.asked.append(wql)
        mode = body.findtext("n:Enumerate/w:EnumerationMode", "", NS)
        if related := _ASSOCIATORS.match(wql):
            key = _plain(f"'{related[1]}'").casefold()
            rows = self.related.get((related[2], key), [])
            return self._listed([_item(related[3], one, namespace, mode) for one in rows])
        found = _QUERY.match(wql)
        if found is None:
            raise NO_QUERY
        if found[1] in self.refusals:
            raise self.refusals[found[1]]
        if namespace not in NAMESPACES:
            raise NO_NAMESPACE
        declared = (CLASSES | OTHERS).get(found[1])
        if declared is None or declared.get("namespace", V2) != namespace:
            raise NO_CLASS
        conditions = self._conditions(found[2] or "")
        if not conditions.keys() <= declared["properties"].keys():
            raise NO_QUERY
        rows = self._chosen(namespace, found[1], conditions)
        items = [_item(found[1], one, namespace, mode) for one in rows]
        assert body.find("n:Enumerate/w:OptimizeEnumeration", NS) is not None
        return self._listed(items)

    def _listed(self, items: list[str]) -> str:
        if len(items) < 2:
            return (
                f"<n:EnumerateResponse><n:EnumerationContext/><w:Items>{''.join(items)}</w:Items>"
                "<w:EndOfSequence/></n:EnumerateResponse>"
            )
        context = f"uuid:{len(self._lists)}"
        self._lists[context] = items[1:]
        return (
            f"<n:EnumerateResponse><n:EnumerationContext>{context}</n:EnumerationContext>"
            f"<w:Items>{items[0]}</w:Items></n:EnumerateResponse>"
        )

    def _pulled(self, body: Element) -> str:
        context = body.findtext("n:Pull/n:EnumerationContext", "", NS)
        assert body.findtext("n:Pull/n:MaxElements", "1", NS) != "1", "it would give one at a time"
        rest = self._lists[context]
        page = ""
        while rest and (not page or len(page) + len(rest[0]) < PAGE):
            page += rest.pop(0)
        end = "" if rest else "<n:EndOfSequence/>"
        again = f"<n:EnumerationContext>{context}</n:EnumerationContext>" if rest else ""
        return f"<n:PullResponse>{again}<n:Items>{page}</n:Items>{end}</n:PullResponse>"

    def _conditions(self, where: str) -> dict[str, str]:
        found = {}
        while where:
            one = _CONDITION.match(where)
            assert one, where
            found[one[1]] = self.name if one[2] == "__SERVER" else _plain(one[2])
            where = where[one.end() :]
        return found

    def _chosen(self, namespace: str, kind: str, keys: Mapping[str, str]) -> list[Row]:
        keys = {name: value for name, value in keys.items() if name != "CreationClassName"}
        return [
            one
            for one in self.rows.get((namespace, kind), ())
            if all(str(one.get(name)).casefold() == keys[name].casefold() for name in keys)
        ]


class Answering(Protocol):
    """What a wire is connected to."""

    fqdn: str
    languages: list[str]

    def answer(self, message: bytes, **settings: object) -> bytes: ...


class _Transport:
    """What pypsrp sends by."""

    endpoint = "http://hv01.corp.example:5985/wsman"

    def __init__(self, host: Answering) -> None:
        self._host = host

    def send(self, message: bytes, **settings: object) -> bytes:
        return judged(self._host.answer, message, **settings)


class CannedWire(CimWire):
    """The product's own way to make and read messages, over a transport that is canned."""

    def __init__(self, host: Answering, who: str = "vmadmin") -> None:
        self._host = host
        self._who = who
        self.times_renewed = 0
        self.seconds = 0.0
        self.is_lost = self.is_late = False
        self.wsman = WSMan(host.fqdn, ssl=False, auth="basic", encryption="never")
        self.wsman.transport = _Transport(host)  # type: ignore[assignment]

    @property
    def host(self) -> str:
        return self._host.fqdn

    @property
    def lost(self) -> bool:
        return self.is_lost

    @property
    def late(self) -> bool:
        return self.is_late

    def renew(self) -> None:
        self.times_renewed += 1
        self.is_lost = self.is_late = False

    def speak(self, language: str) -> None:
        self._host.languages.append(language)

    def asking(self, what: str, seconds: float) -> AbstractContextManager[None]:
        assert seconds > 0
        self._what = what
        return nullcontext()

    def ask(self, request: CimRequest) -> Element:
        try:
            return sent(self.wsman, request)
        except FaultTold as exc:
            namespace = request.resource.removeprefix(WMI).rpartition("/")[0]
            raise cim_faults.in_words(
                exc.fault, self.host, self._who, self._what, namespace
            ) from exc
        except ConnectionResetError as exc:
            self.is_lost = True
            raise HostUnreachable(f"the connection to {self.host} was lost") from exc

    def now(self) -> float:
        return self.seconds

    def clock(self) -> float:
        return 1_800_000_000.0 + self.seconds

    def rest(self, seconds: float) -> None:
        """Time goes on here, and nobody waits for it."""
        self.seconds += seconds

    def close(self) -> None:
        pass


def opened(host: CannedHost) -> Cim:
    return Cim(CannedWire(host))


def soap(body: str, relates: str = "") -> str:
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NS.items())
    return (
        f'<s:Envelope xml:lang="en-US" {spaces}><s:Header><a:RelatesTo>{relates}</a:RelatesTo>'
        f"</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )


def fault(refusal: Refusal) -> str:
    """As Windows nests it: WinRM's fault around the provider's (a public trace of SCVMM's)."""
    text = escape(refusal.text)
    inner = (
        f'<f:WSManFault Code="{refusal.code}" Machine="hv01"><f:Message>{text}</f:Message>'
        "</f:WSManFault>"
    )
    return (
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode>"
        f"<s:Value>{refusal.subcode}</s:Value></s:Subcode></s:Code><s:Reason>"
        f'<s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail>'
        f'<f:WSManFault Code="{refusal.code}" Machine="hv01"><f:Message>'
        f'<f:ProviderFault provider="WMI Provider">{inner}{refusal.detail}</f:ProviderFault>'
        "</f:Message></f:WSManFault></s:Detail></s:Fault>"
    )


def instance(kind: str, row: Row, namespace: str = V2) -> str:
    """Every property of the class; what a row does not say is NULL."""
    declared = (CLASSES | OTHERS)[kind]["properties"]
    assert row.keys() <= declared.keys(), row.keys() - declared.keys()
    uri = f"{WMI}{namespace}/{kind}"
    values = "".join(_property(name, row.get(name)) for name in declared)
    return (
        f'<p:{kind} xmlns:p="{uri}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:type="p:{kind}_Type">{values}</p:{kind}>'
    )


def nested(kind: str, row: Row) -> str:
    """The same within an element of an output: each property with its own class's namespace."""
    spaces = f'xmlns:q="{WMI}{V2}/{kind}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    declared = CLASSES[kind]["properties"]
    values = "".join(_property(name, row.get(name), "q") for name in declared)
    return re.sub(r"<q:(\w+)", rf"<q:\1 {spaces}", values)


def embedded(kind: str, row: Row) -> str:
    """CIM-XML, as a string of a method's output has it; to stand in an element."""
    values = "".join(
        f'<PROPERTY NAME="{name}" TYPE="string"><VALUE>{escape(str(value))}</VALUE></PROPERTY>'
        for name, value in row.items()
    )
    return escape(f'<INSTANCE CLASSNAME="{kind}">{values}</INSTANCE>')


def _property(name: str, value: Value, prefix: str = "p") -> str:
    tag = f"{prefix}:{name}"
    if value is None:
        return f'<{tag} xsi:nil="true"/>'
    if isinstance(value, str | int):
        return f"<{tag}>{_text(value)}</{tag}>"
    if isinstance(value, Ref):
        return f"<{tag}>{parameters(V2, value)}</{tag}>"
    return "".join(f"<{tag}>{_text(one)}</{tag}>" for one in value)


def _text(value: str | int) -> str:
    return str(value).lower() if isinstance(value, bool) else escape(str(value))


def parameters(namespace: str, to: Ref) -> str:
    return (
        f"<a:Address>{NS['a']}/role/anonymous</a:Address>"
        f"<a:ReferenceParameters><w:ResourceURI>{WMI}{namespace}/{to.kind}</w:ResourceURI>"
        f'<w:SelectorSet><w:Selector Name="{to.key}">{escape(to.value)}</w:Selector>'
        "</w:SelectorSet></a:ReferenceParameters>"
    )


def _item(kind: str, row: Row, namespace: str, mode: str) -> str:
    key = "InstanceID" if "InstanceID" in row else "Name"
    to = Ref(kind, key, str(row.get(key)))
    reference = f"<a:EndpointReference>{parameters(namespace, to)}</a:EndpointReference>"
    match mode:
        case "EnumerateEPR":
            return reference
        case "EnumerateObjectAndEPR":
            return f"<w:Item>{instance(kind, row, namespace)}{reference}</w:Item>"
        case _:
            return instance(kind, row, namespace)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith("'") else text
