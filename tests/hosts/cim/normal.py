"""A message in normal form, as lines: for comparing what two programs send for the same.

Left out on both sides: what differs from one message to the next, and headers that only one of
both programs sends (pypsrp's are those of Windows' own client). Prefixes, the order of headers,
selectors and parameters, and escaped text against CDATA mean nothing.
"""

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, fromstring

SHORT = {
    "http://www.w3.org/2003/05/soap-envelope": "s",
    "http://schemas.xmlsoap.org/ws/2004/08/addressing": "wsa",
    "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd": "wsman",
    "http://schemas.xmlsoap.org/ws/2004/09/enumeration": "wsen",
    "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd": "wsmv",
}
LEFT_OUT = {
    *("wsa:MessageID", "wsa:To", "wsman:OperationTimeout", "wsman:MaxEnvelopeSize"),
    *("wsman:Locale", "wsmv:DataLocale", "wsmv:SessionId"),
    *("wsman:OptimizeEnumeration", "wsman:MaxElements", "wsen:MaxElements"),
}
UNORDERED = {"s:Header", "wsman:SelectorSet"}


def normal(message: bytes) -> list[str]:
    return list(_lines(fromstring(message)))  # noqa: S314 - captured, or our own


def _lines(element: Element, depth: int = 0) -> Iterable[str]:
    name = _name(element.tag)
    if name in LEFT_OUT:
        return
    shown = [
        f"{_name(key)}={value}"
        for key, value in sorted(element.attrib.items())
        if not key.endswith("mustUnderstand")
    ]
    text = (element.text or "").strip()
    indent = "  " * depth
    if text.startswith(("<?xml", "<INSTANCE")):
        yield f"{indent}{name} holds"
        yield from (f"{indent}  {line}" for line in embedded(text))
        return
    if name == "wsman:Filter":
        text = re.sub(r"\s*(!?=)\s*", r" \1 ", text)
    yield " ".join(filter(None, [f"{indent}{name}", *shown, text]))
    inner = [list(_lines(one, depth + 1)) for one in element]
    if name in UNORDERED or name.endswith("_INPUT"):
        inner.sort()
    for lines in inner:
        yield from lines


def embedded(text: str) -> list[str]:
    """An instance in CIM-XML, its properties by name; a boolean in either case."""
    top = fromstring(text)  # noqa: S314
    assert top.tag == "INSTANCE"
    lines = []
    for one in top:
        values = [value.text or "" for value in one.iter("VALUE")]
        if one.get("TYPE") == "boolean":
            values = [value.upper() for value in values]
        lines.append(f"{one.tag} {one.get('NAME')} {one.get('TYPE')} {values}")
    return [f"INSTANCE {top.get('CLASSNAME')}", *sorted(lines)]


def _name(tag: str) -> str:
    if not tag.startswith("{"):
        return tag
    uri, _, local = tag[1:].partition("}")
    return f"{SHORT.get(uri, uri)}:{local}"
