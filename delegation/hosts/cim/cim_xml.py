"""The XML of WS-Man and CIM: its namespaces, and a parser that takes no declaration of a type."""

from collections.abc import Mapping
from typing import NoReturn
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.parsers import expat

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"

ANONYMOUS = f"{ADDRESSING}/role/anonymous"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"


def parsed(text: str | bytes) -> Element:
    """The tree of a text from a host. Raises ParseError, for a document type too."""
    refuse_document_type(text)
    return fromstring(text)  # noqa: S314 - without a document type


class _RootReached(Exception):
    """There is no document type."""


def refuse_document_type(text: str | bytes) -> None:
    """Raise ParseError where a text declares one, or is no XML up to its first element.

    No SOAP message has one (SOAP 1.2, part 1, 5), and entities are declared in it: without one
    nothing can grow, and no file be named.
    """

    def refuse(*_: object) -> NoReturn:
        raise ParseError("a document type is declared, which no such message has")

    def reached(*_: object) -> NoReturn:
        raise _RootReached

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    # A document type stands before the first element, or nowhere.
    parser.StartElementHandler = reached
    try:
        parser.Parse(text, True)
    except _RootReached:
        return
    except expat.ExpatError as exc:
        raise ParseError(str(exc)) from exc


def tag(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}"


def local(name: str) -> str:
    """A tag without its namespace."""
    return name.rpartition("}")[2]


def texts_by_name(element: Element) -> Mapping[str, str]:
    """All texts below an element by their own element's name; of two alike the first counts."""
    found: dict[str, str] = {}
    for one in element.iter():
        if one.text and one.text.strip():
            found.setdefault(local(one.tag), " ".join(one.text.split()))
    return found
