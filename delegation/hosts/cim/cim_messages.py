"""What is asked -> the body of a WS-Man request, and the answer's body -> its items: pure."""

from dataclasses import dataclass
from enum import StrEnum
from xml.etree.ElementTree import Element, SubElement

from delegation.hosts.cim import cim_xml
from delegation.hosts.cim.cim_class import WMI, CimClass, CimType
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.cim_values import Embedded, each, written
from delegation.hosts.cim.cim_xml import ENUMERATION, TRANSFER, WSMAN, tag
from delegation.hosts.cim.wql import Query

GET = f"{TRANSFER}/Get"
ENUMERATE = f"{ENUMERATION}/Enumerate"
PULL = f"{ENUMERATION}/Pull"

MOST_ELEMENTS = 32_000
"""As many in one answer as the host likes: without a number it gives one at a time."""


class Giving(StrEnum):
    """EnumerationMode (DSP0226 8.7): what of each instance comes back."""

    INSTANCES = ""
    REFERENCES = "EnumerateEPR"
    BOTH = "EnumerateObjectAndEPR"


@dataclass(frozen=True, slots=True)
class CimRequest:
    """One request: its action, its resource with the selectors, and the element in its body."""

    action: str
    resource: str
    body: Element | None = None
    selectors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of an enumeration; ``context`` is for the next, None: there is none."""

    items: tuple[Element, ...]
    context: str | None


def get(which: Reference) -> CimRequest:
    return CimRequest(GET, which.uri, None, which.keys)


def enumerate_query(query: Query, giving: Giving) -> CimRequest:
    """The resource is the whole namespace: with a class, WS-Man refuses WQL (0x803380FB)."""
    asked = Element(tag(ENUMERATION, "Enumerate"))
    SubElement(asked, tag(WSMAN, "OptimizeEnumeration"))
    SubElement(asked, tag(WSMAN, "MaxElements")).text = str(MOST_ELEMENTS)
    if giving:
        SubElement(asked, tag(WSMAN, "EnumerationMode")).text = giving
    SubElement(asked, tag(WSMAN, "Filter"), Dialect=cim_xml.WQL).text = query.text
    return CimRequest(ENUMERATE, _all_of(query), asked)


def pull(query: Query, context: str) -> CimRequest:
    asked = Element(tag(ENUMERATION, "Pull"))
    SubElement(asked, tag(ENUMERATION, "EnumerationContext")).text = context
    SubElement(asked, tag(ENUMERATION, "MaxElements")).text = str(MOST_ELEMENTS)
    return CimRequest(PULL, _all_of(query), asked)


def _all_of(query: Query) -> str:
    return f"{WMI}{query.kind.namespace}/*"


def page(answer: Element) -> Page:
    """An EnumerateResponse or a PullResponse.

    The end is told in the namespace of either specification, and a context is then empty or
    missing.
    """
    items: tuple[Element, ...] = ()
    for namespace in (WSMAN, ENUMERATION):
        found = answer.find(tag(namespace, "Items"))
        items += tuple(found) if found is not None else ()
    ends = (answer.find(tag(namespace, "EndOfSequence")) for namespace in (WSMAN, ENUMERATION))
    context = answer.findtext(tag(ENUMERATION, "EnumerationContext"), "").strip()
    is_over = any(end is not None for end in ends) or not context
    return Page(items, None if is_over else context)


def invoke(
    target: Reference, kind: CimClass, method: str, arguments: dict[str, object]
) -> CimRequest:
    """A call: an array is its element repeated, and what is None is not sent.

    Raises KeyError and TypeError for what is not declared so.
    """
    inputs = kind.methods[method].inputs
    asked = Element(tag(target.uri, f"{method}_INPUT"))
    for name, value in arguments.items():
        if value is None:
            continue
        what = f"{kind.name}.{method}: {name}"
        for one in each(inputs[name], value, what):
            element = SubElement(asked, tag(target.uri, name))
            _write(element, inputs[name], one, what)
    return CimRequest(f"{target.uri}/{method}", target.uri, asked, target.keys)


def _write(element: Element, kind: CimType, value: object, what: str) -> None:
    if kind.is_reference:
        if not isinstance(value, Reference):
            raise TypeError(f"{what} is a reference, and not {value!r}")
        value.write(element)
    elif isinstance(value, Embedded):
        if kind.name != "string":
            raise TypeError(f"{what} is a {kind}, and holds no instance")
        element.text = str(value)
    else:
        element.text = written(kind, value, what)
