"""Every request that differs from another in one thing that makes it wrong.

Class, namespace, method, selector, parameter, form of a reference, column, literal, and inside
embedded instances class, property, TYPE, array or not, value. Nothing is listed by hand: what there
is to change is found in the request itself. Every one of them has to be refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from tests.lab.cim.classes import HYPERV, classes
from tests.lab.requests_of_others import local

ADDRESSING = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"
WSMAN = "{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}"
SERVICE = "Msvm_ImageManagementService"
Mutant = tuple[str, bytes]
"""What was changed, and the request."""
KEYWORDS = {
    "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "LIKE", "IS", "NULL", "OF", "ASSOCIATORS",
    "REFERENCES", "ASSOCCLASS", "RESULTCLASS", "ROLE", "RESULTROLE", "__SERVER", "TRUE", "FALSE",
}  # fmt: skip


def mutants(document: bytes) -> Iterator[Mutant]:
    """Give all mutants of a request."""
    root = ET.fromstring(document)  # noqa: S314 - a fixture
    for change in (resources, selectors, queries, parameters, references, instances):
        yield from change(root)


def variant(root: Element, label: str, change: Callable[[Element], None]) -> Mutant:
    """Give a request with one change, which is made to a copy."""
    copy = deepcopy(root)
    change(copy)
    return label, ET.tostring(copy)


def every(root: Element, name: str) -> Iterator[tuple[int, Element]]:
    """Give the elements of a local name, with their place among all."""
    for place, one in enumerate(root.iter()):
        if local(one) == name:
            yield place, one


def at(root: Element, place: int) -> Element:
    """Give the element at a place."""
    return list(root.iter())[place]


def rewritten(place: int, text: str) -> Callable[[Element], None]:
    """A change of an element's text."""

    def change(root: Element) -> None:
        at(root, place).text = text

    return change


def resources(root: Element) -> Iterator[Mutant]:
    """Another class, another namespace, a class for a star, another method."""
    ((place, one),) = every(root.find("*"), "ResourceURI")  # type: ignore[arg-type]
    place, uri = next(each for each in every(root, "ResourceURI") if each[1] is one)[0], one.text
    assert uri is not None
    base, _, name = uri.rpartition("/")
    if name == "*":
        yield variant(root, "class for *", rewritten(place, f"{base}/Msvm_ComputerSystem"))
    else:
        yield variant(root, "class", rewritten(place, f"{uri}X"))
    yield variant(root, "namespace", rewritten(place, f"{base}X/{name}"))
    ((_, action),) = every(root, "Action")
    spot = next(each[0] for each in every(root, "Action"))
    yield variant(root, "action", rewritten(spot, f"{action.text}X"))


def selectors(root: Element) -> Iterator[Mutant]:
    """A selector of another name, one that is missing, one of another value."""
    for place, one in every(root, "Selector"):
        label = f"selector {one.get('Name')}"

        def rename(copy: Element, place: int = place) -> None:
            at(copy, place).set("Name", f"{at(copy, place).get('Name')}X")

        def drop(copy: Element, place: int = place) -> None:
            doomed = at(copy, place)
            next(each for each in copy.iter() if doomed in list(each)).remove(doomed)

        yield variant(root, f"{label} renamed", rename)
        yield variant(root, f"{label} dropped", drop)
        yield variant(root, f"{label} of another", rewritten(place, f"{one.text}X"))


def queries(root: Element) -> Iterator[Mutant]:
    """Another class, another column, a literal of another type."""
    for place, one in every(root, "Filter"):
        text = one.text or ""
        for found in re.finditer(r"'(?:\\.|[^'\\])*'|\w+", text):
            word, before = found[0], text[: found.start()]
            if word.upper() in KEYWORDS:
                continue
            if word[0] == "'":
                other = "5"
            elif word.isdecimal():
                other = "'five'"
            else:
                other = f"{word}X"
            if before.rstrip().endswith("{") or before.count("{") > before.count("}"):
                other = f"{word}X" if word[0] != "'" else word[:-1]
            changed = before + other + text[found.end() :]
            yield variant(root, f"{word} as {other}", rewritten(place, changed))

        def strange(copy: Element, place: int = place) -> None:
            at(copy, place).set("Dialect", "http://example.com/SQL")

        yield variant(root, "dialect", strange)


def inputs(root: Element) -> Iterator[tuple[int, Element, str]]:
    """Give a method's parameters with their types."""
    for place, body in enumerate(root.iter()):
        if not local(body).endswith("_INPUT"):
            continue
        uri = body.tag[1:].partition("}")[0]
        kind = classes().find(HYPERV, uri.rpartition("/")[2])
        method = kind.method_named(local(body).removesuffix("_INPUT"))
        assert method is not None, "the request itself is right"
        for offset, one in enumerate(body.iter()):
            if one in list(body):
                yield place + offset, one, method.inputs[local(one)]


def parameters(root: Element) -> Iterator[Mutant]:
    """A parameter of another name, in another namespace, an array for a scalar, another type."""
    for place, one, kind in inputs(root):
        name = local(one)

        def rename(copy: Element, place: int = place) -> None:
            at(copy, place).tag += "X"

        def move(copy: Element, place: int = place, name: str = name) -> None:
            at(copy, place).tag = f"{{http://example.com/}}{name}"

        def repeat(copy: Element, place: int = place) -> None:
            again = at(copy, place)
            body = next(each for each in copy.iter() if again in list(each))
            body.append(deepcopy(again))

        def nest(copy: Element, place: int = place) -> None:
            inner = at(copy, place)
            inner.append(ET.Element("value"))

        yield variant(root, f"{name} renamed", rename)
        yield variant(root, f"{name} in another namespace", move)
        yield variant(root, f"{name} holding an element", nest)
        if not kind.endswith("[]"):
            yield variant(root, f"{name} as an array", repeat)
        if re.fullmatch(r"[us]int\d+(\[\])?|boolean", kind):
            yield variant(root, f"{name} as a word", rewritten(place, "banana"))


def references(root: Element) -> Iterator[Mutant]:
    """A reference that is wrapped, a path, without its address, or to another class."""
    for place, one, kind in inputs(root):
        if not kind.startswith("ref:"):
            continue
        name = local(one)

        def wrap(copy: Element, place: int = place) -> None:
            outer = at(copy, place)
            inner = list(outer)
            for each in inner:
                outer.remove(each)
            ET.SubElement(outer, f"{ADDRESSING}EndpointReference").extend(inner)

        def as_text(copy: Element, place: int = place) -> None:
            outer = at(copy, place)
            for each in list(outer):
                outer.remove(each)
            outer.text = 'Msvm_ComputerSystem.Name="x"'

        def without_address(copy: Element, place: int = place) -> None:
            outer = at(copy, place)
            outer.remove(outer[0])

        def elsewhere(copy: Element, place: int = place) -> None:
            there = at(copy, place)
            uri = next(there.iter(f"{WSMAN}ResourceURI"))
            keys = next(there.iter(f"{WSMAN}SelectorSet"))
            for each in list(keys):
                keys.remove(each)
            # Something that is there, and is no system and no settings.
            uri.text = (uri.text or "").rpartition("/")[0] + f"/{SERVICE}"
            ET.SubElement(keys, f"{WSMAN}Selector", Name="CreationClassName").text = SERVICE

        yield variant(root, f"{name} wrapped", wrap)
        yield variant(root, f"{name} as text", as_text)
        yield variant(root, f"{name} without its address", without_address)
        yield variant(root, f"{name} to another class", elsewhere)


def instances(root: Element) -> Iterator[Mutant]:
    """An embedded instance with one thing wrong in it, or as elements."""
    for place, one, _ in inputs(root):
        text = (one.text or "").strip()
        if not text.startswith(("<INSTANCE", "<?xml")):
            continue
        inner = ET.fromstring(text)  # noqa: S314 - a fixture
        for label, wrong in wrong_instances(inner):
            yield variant(root, f"{local(one)}: {label}", rewritten(place, wrong))

        def as_elements(copy: Element, place: int = place, inner: Element = inner) -> None:
            at(copy, place).text = None
            at(copy, place).append(deepcopy(inner))

        yield variant(root, f"{local(one)} as elements", as_elements)


def wrong_instances(inner: Element) -> Iterator[tuple[str, str]]:
    """Give an instance in CIM-XML with one thing wrong."""
    yield altered("class", inner, named("CLASSNAME", f"{inner.get('CLASSNAME')}X"))
    yield altered("class of others", inner, named("CLASSNAME", "Msvm_ComputerSystem"))
    yield altered("no INSTANCE", inner, lambda one: setattr(one, "tag", "VALUE.NAMEDINSTANCE"))
    for number in range(len(inner)):
        for label, change in wrong_properties(inner[number]):
            yield altered(label, inner, of_part(number, change))
        yield altered("twice", inner, lambda one: one.append(deepcopy(one[0])))


def wrong_properties(held: Element) -> Iterator[tuple[str, Callable[[Element], None]]]:
    """Give what can be wrong with one property."""
    name, kind = held.get("NAME", ""), held.get("TYPE", "")
    yield name, named("NAME", f"{name}X")
    yield f"{name} as banana", named("TYPE", "banana")
    yield f"{name} of another type", named("TYPE", "uint32" if kind != "uint32" else "string")
    yield f"{name} untyped", untyped
    other = scalar_of if held.tag == "PROPERTY.ARRAY" else array_of
    yield f"{name}, array or not", other
    if re.fullmatch(r"[us]int\d+|boolean", kind):
        yield f"{name} as a word", worded


def altered(label: str, inner: Element, change: Callable[[Element], None]) -> tuple[str, str]:
    """Give a copy with one change, as text."""
    copy = deepcopy(inner)
    change(copy)
    return label, ET.tostring(copy, encoding="unicode")


def named(attribute: str, value: str) -> Callable[[Element], None]:
    """A change of an attribute."""
    return lambda one: one.set(attribute, value)


def of_part(number: int, change: Callable[[Element], None]) -> Callable[[Element], None]:
    """A change of one part."""
    return lambda one: change(one[number])


def untyped(held: Element) -> None:
    """Take a property's type away."""
    del held.attrib["TYPE"]


def array_of(held: Element) -> None:
    """Make a property an array."""
    values = list(held)
    held.tag = "PROPERTY.ARRAY"
    for one in values:
        held.remove(one)
    ET.SubElement(held, "VALUE.ARRAY").extend(values)


def scalar_of(held: Element) -> None:
    """Make an array one value."""
    held.tag = "PROPERTY"
    values = list(held[0])
    held.remove(held[0])
    held.extend(values[:1])


def worded(held: Element) -> None:
    """Give a number or a boolean a value that is none."""
    next(held.iter("VALUE")).text = "banana"
