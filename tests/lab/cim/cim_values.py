"""Values of CIM, read and written: uint8 to sint64, boolean, string, datetime, references.

A request's values are read strictly: what is none of its type is refused, as a real host does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from tests.lab.cim.classes import CimClass

WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
INTEGER = re.compile(r"(u|s)int(8|16|32|64)")
XML_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
XML_INTERVAL = re.compile(r"P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
CIM_MOMENT = re.compile(r"\d{14}\.\d{6}([+-]\d{3}|:000)")


class WrongValue(Exception):
    """A text is no value of its type."""


@dataclass(frozen=True)
class Stamp:
    """A datetime: a moment in ISO's form (``Datetime``), or an interval (``Interval``)."""

    form: str
    text: str


Value = str | int | bool | Stamp | None
Whole = Any
"""A value, an Instance (a reference), or a list of either."""


@dataclass
class Instance:
    """An instance; what is not in ``values`` is NULL. Names are spelt as the class spells them."""

    kind: CimClass
    values: dict[str, Whole] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = self.values.keys() - self.kind.properties.keys()
        assert not unknown, f"{self.kind.name} has no {sorted(unknown)}"

    def __getitem__(self, name: str) -> Whole:
        return self.values.get(name)

    @property
    def uri(self) -> str:
        """The resource URI of its class."""
        return f"{WMI}{self.kind.namespace}/{self.kind.name}"

    @property
    def selectors(self) -> dict[str, str]:
        """What identifies it."""
        held = {key: self[key] for key in self.kind.keys if self[key] is not None}
        return {
            key: one.path(".") if isinstance(one, Instance) else written(one)
            for key, one in held.items()
        }

    def path(self, server: str) -> str:
        r"""Give its path: ``\\HV01\root\virtualization\v2:Msvm_X.InstanceID="a\\b"``."""
        namespace = self.kind.namespace.replace("/", "\\")
        keys = ",".join(map(keyed, self.selectors.items()))
        return f"\\\\{server}\\{namespace}:{self.kind.name}.{keys}"

    def same(self, other: Instance) -> bool:
        """Tell whether both are one."""
        return self.kind is other.kind and alike(self.selectors, other.selectors)


def keyed(item: tuple[str, str]) -> str:
    """Write a key of a path."""
    name, value = item
    inner = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{inner}"'


def alike(some: dict[str, str], others: dict[str, str]) -> bool:
    """Compare keys as WMI does, in any case."""
    return {name.casefold(): one.casefold() for name, one in some.items()} == {
        name.casefold(): one.casefold() for name, one in others.items()
    }


def written(value: Value) -> str:
    """Write a value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, Stamp) else str(value)


def whole_number(kind: str, text: str) -> int:
    """Read a number of a type; raise WrongValue if it is none, or too large."""
    sign, bits = INTEGER.fullmatch(kind).groups()  # type: ignore[union-attr]
    if not re.fullmatch(r"[+-]?\d+", text):
        raise WrongValue(f"{text!r} is no {kind}")
    number, size = int(text), int(bits)
    least, most = (0, 2**size - 1) if sign == "u" else (-(2 ** (size - 1)), 2 ** (size - 1) - 1)
    if not least <= number <= most:
        raise WrongValue(f"{number} is no {kind}")
    return number


def read(kind: str, text: str, *, cim_form: bool = False) -> Value:
    """Read a text as a value of a type. ``cim_form``: as CIM-XML has it, not XML Schema.

    Raises:
        WrongValue: it is none.
    """
    if kind == "enum":
        kind = "uint32"
    if INTEGER.fullmatch(kind):
        return whole_number(kind, text.strip())
    if kind == "boolean":
        if text.strip().casefold() not in {"true", "false"}:
            raise WrongValue(f"{text!r} is no boolean")
        return text.strip().casefold() == "true"
    if kind == "datetime":
        return moment(text.strip(), cim_form=cim_form)
    if kind == "char16" and len(text) != 1:
        raise WrongValue(f"{text!r} is no char16")
    return text


def moment(text: str, *, cim_form: bool) -> Stamp:
    """Read a datetime; raise WrongValue if it is none in that form."""
    if cim_form:
        if not CIM_MOMENT.fullmatch(text):
            raise WrongValue(f"{text!r} is no datetime of CIM")
        return Stamp("Interval" if text.endswith(":000") else "Datetime", text)
    if XML_INTERVAL.fullmatch(text) and text != "P":
        return Stamp("Interval", text)
    if not XML_MOMENT.fullmatch(text):
        raise WrongValue(f"{text!r} is no datetime")
    return Stamp("Datetime", text)


def reference(one: Instance) -> str:
    """Write what an endpoint reference holds."""
    keys = "".join(
        f'<w:Selector Name="{name}">{escape(value)}</w:Selector>'
        for name, value in one.selectors.items()
    )
    return (
        f"<a:Address>{ANONYMOUS}</a:Address><a:ReferenceParameters><w:ResourceURI>{one.uri}"
        f"</w:ResourceURI><w:SelectorSet>{keys}</w:SelectorSet></a:ReferenceParameters>"
    )


def elements(name: str, value: Whole, prefix: str = "p:", stamps: str = "cim:") -> str:
    """Write a value as its elements: an array repeats them, NULL is nil, an empty array nothing."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "".join(elements(name, one, prefix, stamps) for one in value)
    if value is None:
        return f'<{prefix}{name} xsi:nil="true"/>'
    if isinstance(value, Instance):
        return f"<{prefix}{name}>{reference(value)}</{prefix}{name}>"
    if isinstance(value, Stamp):
        inner = f"<{stamps}{value.form}>{value.text}</{stamps}{value.form}>"
        return f"<{prefix}{name}>{inner}</{prefix}{name}>"
    return f"<{prefix}{name}>{escape(written(value))}</{prefix}{name}>"


def properties(one: Instance, prefix: str = "p:", columns: Sequence[str] = ()) -> str:
    """Write an instance's properties in order; a NULL array is left out."""
    names = columns or sorted(one.kind.properties, key=str.casefold)
    stamps = "cim:" if prefix else ""
    return "".join(
        elements(name, one[name], prefix, stamps)
        for name in names
        if one[name] is not None or not one.kind.properties[name].endswith("[]")
    )


def instance(one: Instance) -> str:
    """Write a whole instance, as Get and ``SELECT *`` give it."""
    return typed(one.kind.name, one, "p")


def typed(name: str, one: Instance, prefix: str, outer: str = "") -> str:
    """Write an instance as an element of its own class's type."""
    kind, tag = one.kind.name, f"{outer or prefix}:{name}"
    about = f'xmlns:{prefix}="{one.uri}" xsi:type="{prefix}:{kind}_Type"'
    return f"<{tag} {about}>{properties(one, f'{prefix}:')}</{tag}>"


def fragment(one: Instance, columns: Sequence[str]) -> str:
    """Write some columns, as ``SELECT a, b`` gives them: without a namespace."""
    return f"<w:XmlFragment>{properties(one, '', columns)}</w:XmlFragment>"
