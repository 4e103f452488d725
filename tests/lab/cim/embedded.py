"""Instances inside strings, in CIM-XML's DTD 2.0, as ``GetText(CimDtd20)`` gives them (DSP0203).

Read strictly: class, property, TYPE, array or not, value. How each is refused is the reader's.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from tests.lab.cim.cim_values import Instance, Stamp, WrongValue, read, written
from tests.lab.cim.classes import HYPERV, CimClass, classes

WORDS = {"NAME", "TYPE", "CLASSORIGIN", "PROPAGATED", "ARRAYSIZE", "EmbeddedObject"}


class NotEmbedded(Exception):
    """A string is no instance of a class that is wanted here."""


class WrongMoment(NotEmbedded):
    """All is right but a datetime, which is not in CIM's own form."""


def read_instance(text: str, wanted: str) -> Instance:
    """Read an instance of a class, or of one that derives from it.

    Raises:
        NotEmbedded: it is none.
    """
    try:
        root = ET.fromstring(text.strip())  # noqa: S314 - authenticated, and a lab's own
    except ET.ParseError as error:
        raise NotEmbedded(str(error)) from error
    if root.tag != "INSTANCE" or set(root.attrib) - {"CLASSNAME"}:
        raise NotEmbedded(f"{root.tag} is no INSTANCE")
    kind = classes().exact(HYPERV, root.get("CLASSNAME", ""))
    if kind is None or not kind.isa(wanted):
        raise NotEmbedded(f"{root.get('CLASSNAME')} is no {wanted}")
    found = Instance(kind)
    for one in root:
        if one.tag == "QUALIFIER":
            continue
        name, value = read_property(kind, one)
        if name in found.values:
            raise NotEmbedded(f"{name} comes twice")
        if name:
            found.values[name] = value
    return found


def read_property(kind: CimClass, one: ET.Element) -> tuple[str, Any]:
    """Read a property; a system property has no name here."""
    given = one.get("NAME", "")
    if given.startswith("__"):
        return "", None
    name = kind.property_named(given)
    if name is None:
        raise NotEmbedded(f"{kind.name} has no property {given}")
    declared = kind.properties[name]
    is_array = declared.endswith("[]")
    if set(one.attrib) - WORDS:
        raise NotEmbedded(f"{name} has {sorted(set(one.attrib) - WORDS)}")
    if one.tag == "PROPERTY.REFERENCE" and declared.startswith("ref:"):
        return name, "".join(one.itertext()).strip()
    if one.tag != ("PROPERTY.ARRAY" if is_array else "PROPERTY"):
        raise NotEmbedded(f"{name} is {declared}, and comes as {one.tag}")
    simple = declared.removesuffix("[]")
    if one.get("TYPE") != simple:
        raise NotEmbedded(f"{name} is {declared}, and comes as {one.get('TYPE')}")
    return name, held_by(name, simple, one)


def held_by(name: str, kind: str, one: ET.Element) -> Any:
    """Read the VALUE of a property, or those of its VALUE.ARRAY; None if it has none."""
    if not len(one):
        if (one.text or "").strip():
            raise NotEmbedded(f"{name} has no VALUE")
        return None
    wanted = "VALUE.ARRAY" if one.tag == "PROPERTY.ARRAY" else "VALUE"
    if len(one) > 1 or one[0].tag != wanted:
        raise NotEmbedded(f"{name} holds {[inner.tag for inner in one]}")
    if wanted == "VALUE":
        return value(name, kind, one[0])
    return [value(name, kind, inner) for inner in one[0]]


def value(name: str, kind: str, one: ET.Element) -> Any:
    """Read one value."""
    if one.tag != "VALUE" or len(one):
        raise NotEmbedded(f"{name} holds {one.tag} with {len(one)} elements")
    try:
        return read(kind, one.text or "", cim_form=True)
    except WrongValue as error:
        if kind == "datetime":
            raise WrongMoment(f"{name}: {error}") from error
        raise NotEmbedded(f"{name}: {error}") from error


def write_instance(one: Instance) -> str:
    """Write an instance as a host gives it."""
    inner = "".join(
        write_property(name, one.kind.properties[name], one[name])
        for name in sorted(one.kind.properties, key=str.casefold)
    )
    return f"<INSTANCE CLASSNAME={quoteattr(one.kind.name)}>{inner}</INSTANCE>"


def write_property(name: str, kind: str, held: Any) -> str:
    """Write one property; NULL has no VALUE."""
    about = f'NAME="{name}" TYPE="{kind.removesuffix("[]")}"'
    if kind.endswith("[]"):
        inner = "".join(f"<VALUE>{in_cim_xml(each)}</VALUE>" for each in held or ())
        array = f"<VALUE.ARRAY>{inner}</VALUE.ARRAY>" if held is not None else ""
        return f"<PROPERTY.ARRAY {about}>{array}</PROPERTY.ARRAY>"
    inner = "" if held is None else f"<VALUE>{in_cim_xml(held)}</VALUE>"
    return f"<PROPERTY {about}>{inner}</PROPERTY>"


def in_cim_xml(held: Any) -> str:
    """Write a value as CIM-XML has it: booleans in capitals."""
    assert not isinstance(held, Stamp), "no datetime is given inside a string here"
    return written(held).upper() if isinstance(held, bool) else escape(written(held))
