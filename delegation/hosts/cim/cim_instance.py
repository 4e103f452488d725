"""An element of an answer -> an instance: properties by name, read with their declared types."""

from collections.abc import Mapping
from typing import NoReturn, Union
from xml.etree.ElementTree import Element, ParseError

from delegation.errors import CimFailed
from delegation.hosts.cim import cim_xml
from delegation.hosts.cim.cim_class import CimClass
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.cim_values import Scalar
from delegation.hosts.cim.cim_xml import local

Held = Union[str, Reference, "Nested", None]
"""What one element of a property holds; None is NULL."""
Nested = Mapping[str, "tuple[Held, ...]"]
"""An instance within an instance."""

_NIL = cim_xml.tag(cim_xml.SCHEMA, "nil")


class CimInstance:
    """An instance of ``kind`` that ``host`` told. Names are compared without case, as WMI does.

    Readers raise KeyError for what is not declared, and CimFailed for what is not of its type.
    """

    def __init__(self, kind: CimClass, values: Nested, host: str) -> None:
        self.kind = kind
        self._host = host
        self._values = {name.casefold(): held for name, held in values.items()}
        self.names = frozenset(values)
        """Every property that was told, NULL or not, as the host spells it."""

    @classmethod
    def read(cls, kind: CimClass, element: Element, host: str) -> "CimInstance":
        return cls(kind, _nested(element), host)

    @classmethod
    def embedded(cls, kind: CimClass, text: str, host: str) -> "CimInstance":
        """The instance in a string, in CIM-XML (DSP0201). Raises CimFailed."""
        try:
            top = cim_xml.parsed(text)
        except ParseError as exc:
            raise _odd(kind, host, f"no CIM-XML ({exc})") from exc
        if top.tag != "INSTANCE":
            raise _odd(kind, host, f"{top.tag} in place of an instance")
        values: dict[str, tuple[Held, ...]] = {}
        for one in top:
            values[one.get("NAME", "")] = tuple(value.text or "" for value in one.iter("VALUE"))
        return cls(kind, values, host)

    def text(self, name: str) -> str:
        """A string; NULL is an empty one."""
        return self._text(name) or ""

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of strings; NULL is an empty one."""
        return tuple(one for one in self._each(name, array=True) if isinstance(one, str))

    def integer(self, name: str) -> int:
        """A whole number. Raises CimFailed for NULL too: nobody's number is 0 for that."""
        return self._integer(name, self._text(name))

    def integer_or_none(self, name: str) -> int | None:
        """A whole number; None is NULL, or not told."""
        text = self._text(name)
        return None if text is None else self._integer(name, text)

    def integers(self, name: str) -> tuple[int, ...]:
        return tuple(
            self._integer(name, one) for one in self._each(name, array=True) if one is not None
        )

    def boolean(self, name: str) -> bool:
        """Raises CimFailed for NULL too: what is not told is not off for that."""
        found = self.boolean_or_none(name)
        return self._refuse(name, None) if found is None else found

    def boolean_or_none(self, name: str) -> bool | None:
        """None is NULL, or not told."""
        if self.kind.properties[name].name != "boolean":
            raise TypeError(f"{self.kind.name}.{name} is no boolean")
        text = self._text(name)
        if text is None:
            return None
        if text.casefold() not in {"true", "false"}:
            self._refuse(name, text)
        return text.casefold() == "true"

    def reference(self, name: str) -> Reference | None:
        held = self._each(name, array=False)
        return next((one for one in held if isinstance(one, Reference)), None)

    def instances(self, name: str, kind: CimClass) -> tuple["CimInstance", ...]:
        """Instances of ``kind`` in a property, as elements or as CIM-XML in strings."""
        found = []
        for one in self._each(name):
            if isinstance(one, str):
                found.append(CimInstance.embedded(kind, one, self._host))
            elif isinstance(one, Mapping):
                found.append(CimInstance(kind, one, self._host))
        return tuple(found)

    def written(self) -> dict[str, Scalar | tuple[Scalar, ...]]:
        """All that is declared and not NULL, as an instance that is sent back has it."""
        told: dict[str, Scalar | tuple[Scalar, ...]] = {}
        for name, declared in self.kind.properties.items():
            is_number = declared.bounds is not None
            if not self._each(name):
                continue
            if declared.is_array:
                told[name] = self.integers(name) if is_number else self.texts(name)
            elif is_number:
                told[name] = self.integer(name)
            elif declared.name == "boolean":
                told[name] = self.boolean(name)
            else:
                told[name] = self.text(name)
        return told

    def _each(self, name: str, *, array: bool | None = None) -> tuple[Held, ...]:
        """All that is held and not NULL; ``array``: what the property has to be declared as."""
        declared = self.kind.properties[name]
        if array not in {None, declared.is_array}:
            raise TypeError(f"{self.kind.name}.{name} is a {declared}")
        held = self._values.get(name.casefold(), ())
        return tuple(one for one in held if one is not None)

    def _text(self, name: str) -> str | None:
        """None is NULL, or not told."""
        for one in self._each(name, array=False):
            if isinstance(one, str):
                return one
            self._refuse(name, one)
        return None

    def _integer(self, name: str, text: Held) -> int:
        bounds = self.kind.properties[name].bounds
        if bounds is None:
            raise TypeError(f"{self.kind.name}.{name} is no number")
        try:
            number = int(text) if isinstance(text, str) else None
        except ValueError:
            number = None
        if number is None or number not in bounds:
            self._refuse(name, text)
        return number

    def _refuse(self, name: str, held: object) -> NoReturn:
        told = "nothing" if held is None else repr(held)
        raise _odd(self.kind, self._host, f"{told} as {name}, a {self.kind.properties[name]}")


def _nested(element: Element) -> dict[str, tuple[Held, ...]]:
    values: dict[str, tuple[Held, ...]] = {}
    for one in element:
        name = local(one.tag)
        values[name] = (*values.get(name, ()), _held(one))
    return values


def _held(element: Element) -> Held:
    if element.get(_NIL) in {"true", "1"}:
        return None
    if not len(element):
        return element.text or ""
    return Reference.read(element) or _nested(element)


def _odd(kind: CimClass, host: str, what: str) -> CimFailed:
    return CimFailed(
        f"{host} tells {what} of {kind.name}",
        "look at the version of the host; this program knows Windows Server 2016 and later",
    )
