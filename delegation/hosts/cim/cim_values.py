"""Values, and whole instances -> the texts that a host may be sent, by their declared types.

Raises UsageError for what no message can hold; TypeError for what is not of its type, which is a
mistake of this program.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from delegation.errors import UsageError
from delegation.hosts.cim.cim_class import CimClass, CimType

Scalar = str | int | bool

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document can hold, escaped or not (XML 1.0, 2.2)."""


def sendable(text: str) -> str:
    """The text itself. Raises UsageError where no message can hold it."""
    found = _NOT_XML.search(text)
    if found is not None:
        raise UsageError(
            f"{text!r} holds the character {found[0]!r}, which no host can be asked about",
            "correct the name; nothing was sent",
        )
    return text


def each(kind: CimType, value: object, what: str) -> Sequence[object]:
    """The values of an array; of all else the one that there is."""
    if not kind.is_array:
        return (value,)
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{what} is an array, and not {value!r}")
    return value


def written(kind: CimType, value: object, what: str) -> str:
    """As a parameter of a method has it (DSP0230 9.2)."""
    bounds = kind.bounds
    # To Python, True is a number; to a host it is none.
    if isinstance(value, bool):
        if kind.name == "boolean":
            return "true" if value else "false"
    elif isinstance(value, int):
        if bounds is not None and value in bounds:
            return str(value)
    elif isinstance(value, str) and bounds is None and kind.name != "boolean":
        return sendable(value)
    raise TypeError(f"{what} is a {kind.name}, and not {value!r}")


@dataclass(frozen=True, slots=True)
class Embedded:
    """An instance for a parameter of type string, which holds it as CIM-XML (DSP0201, DTD 2.0).

    What is not named is left as it is, or to the host. The same as WMI's GetText gives. Types are
    those of the declaration: where Windows gets another TYPE than the class has, the job fails
    without saying so.
    """

    kind: CimClass
    values: Mapping[str, Scalar | Sequence[Scalar]]

    def __str__(self) -> str:
        """Raises KeyError for what is not declared."""
        top = Element("INSTANCE", CLASSNAME=self.kind.name)
        for name, value in self.values.items():
            kind = self.kind.properties[name]
            what = f"{self.kind.name}.{name}"
            form = "PROPERTY.ARRAY" if kind.is_array else "PROPERTY"
            place = SubElement(top, form, NAME=name, TYPE=kind.name)
            if kind.is_array:
                place = SubElement(place, "VALUE.ARRAY")
            for one in each(kind, value, what):
                text = written(kind, one, what)
                # CIM-XML has TRUE where WS-Man has true.
                SubElement(place, "VALUE").text = text.upper() if kind.name == "boolean" else text
        return tostring(top, encoding="unicode")
