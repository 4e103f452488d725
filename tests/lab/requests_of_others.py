"""Requests for CIM that were not made by our client: written by hand, or libvirt's as captured.

Also how an answer is read where nothing else is known of it: by local names, as a stranger does.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from string import Template
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

CASES = Path(__file__).parents[1] / "cases" / "cim"
BY_HAND, CAPTURES = CASES / "by-hand", CASES / "libvirt"


def written_by_hand(name: str, **values: str) -> bytes:
    """Give a request that was written by hand, its blanks filled in."""
    text = (BY_HAND / f"{name}.xml").read_text()
    known = {"message": str(uuid.uuid4()).upper(), "host": "hv01.corp.example", **values}
    filled = {key: escape(value) for key, value in known.items()}
    return Template(text).substitute(filled).encode()


def captured(number: int) -> bytes:
    """Give a request that libvirt sent."""
    (file,) = CAPTURES.glob(f"{number:02}-*-request.xml")
    return file.read_bytes()


def local(one: Element) -> str:
    """Give an element's name without its namespace."""
    return one.tag.rpartition("}")[2]


@dataclass(frozen=True)
class Told:
    """An answer; ``fault``: it came as one."""

    root: Element
    fault: bool

    @classmethod
    def read(cls, document: bytes, *, fault: bool = False) -> Told:
        """Read a document."""
        return cls(ET.fromstring(document), fault)  # noqa: S314 - the lab's own

    def first(self, name: str) -> Element | None:
        """Give the first element of a name."""
        return next((one for one in self.root.iter() if local(one) == name), None)

    def text(self, name: str) -> str:
        """Give the text of the first element of a name; nothing if there is none."""
        found = self.first(name)
        return "" if found is None else "".join(found.itertext()).strip()

    @property
    def items(self) -> list[Element]:
        """What an enumeration gave."""
        found = self.first("Items")
        return [] if found is None else list(found)

    @property
    def returned(self) -> int:
        """What a method returned; -1 for a fault."""
        return int(self.text("ReturnValue") or -1)

    @property
    def selectors(self) -> dict[str, str]:
        """The first reference's keys."""
        return {
            one.get("Name", ""): one.text or ""
            for one in self.root.iter()
            if local(one) == "Selector"
        }

    @property
    def code(self) -> int:
        """The Code of a fault."""
        found = self.first("WSManFault")
        return 0 if found is None else int(found.get("Code", "0"))

    @property
    def subcode(self) -> str:
        """The Subcode of a fault."""
        found = self.first("Subcode")
        return "" if found is None else "".join(found.itertext()).strip()


def values(item: Element) -> dict[str, list[str]]:
    """Give the properties of an item: their texts; nil is no text at all."""
    found: dict[str, list[str]] = {}
    for one in item:
        if one.get("{http://www.w3.org/2001/XMLSchema-instance}nil") != "true":
            found.setdefault(local(one), []).append("".join(one.itertext()))
    return found


def embedded_values(text: str) -> dict[str, list[str]]:
    """Give the properties of an instance in CIM-XML."""
    root = ET.fromstring(text)  # noqa: S314 - the lab's own
    return {
        one.get("NAME", ""): [each.text or "" for each in one.iter("VALUE")]
        for one in root
        if one.find(".//VALUE") is not None
    }
