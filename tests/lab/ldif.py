"""Just enough LDIF (RFC 2849) to talk to ``ldapsearch`` and ``ldapmodify``."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Value = str | bytes
SAFE = re.compile(rb"[!-9;=-~]([ -~]*[!-~])?")
"""What stands as it is: printable ASCII, no space at either end, no colon or ``<`` in front."""


@dataclass(frozen=True)
class Entry:
    """One object as a directory shows it; values are bytes, in the order in which they came."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]]

    def values(self, attribute: str) -> tuple[bytes, ...]:
        """Give an attribute's values, none where the object does not have it."""
        return self.attributes.get(attribute, ())

    def texts(self, attribute: str) -> tuple[str, ...]:
        """Give an attribute's values as text."""
        return tuple(value.decode() for value in self.values(attribute))

    def number(self, attribute: str) -> int:
        """Give the value of a whole-number attribute that every object has."""
        (value,) = self.texts(attribute)
        return int(value)


def entries(text: str) -> Iterator[Entry]:
    """Read what ``ldapsearch -LLL -o ldif-wrap=no`` prints."""
    for block in text.split("\n\n"):
        lines = [one for one in block.splitlines() if one and not one.startswith("#")]
        if lines:
            (_, dn), *rest = map(split, lines)
            attributes: dict[str, tuple[bytes, ...]] = {}
            for name, value in rest:
                attributes[name] = (*attributes.get(name, ()), value)
            yield Entry(dn.decode(), attributes)


def split(text: str) -> tuple[str, bytes]:
    """Split a line into attribute and value."""
    name, _, value = text.partition(":")
    if value.startswith(":"):
        return name, base64.b64decode(value[1:])
    return name, value.removeprefix(" ").encode()


def line(attribute: str, value: Value) -> str:
    """Write a line, in base64 where LDIF wants it."""
    raw = value.encode() if isinstance(value, str) else value
    if SAFE.fullmatch(raw):
        return f"{attribute}: {raw.decode()}\n"
    return f"{attribute}:: {base64.b64encode(raw).decode()}\n"


def modification(dn: str, *steps: tuple[str, str, Sequence[Value]]) -> str:
    """Write a modify; a step is ``("add" | "delete" | "replace", attribute, values)``."""
    body = ""
    for verb, attribute, values in steps:
        lines = "".join(line(attribute, value) for value in values)
        body += f"{verb}: {attribute}\n{lines}-\n"
    return f"{line('dn', dn)}changetype: modify\n{body}\n"


def addition(dn: str, attributes: Mapping[str, Sequence[Value]]) -> str:
    """Write the addition of an object."""
    lines = [line(name, value) for name, values in attributes.items() for value in values]
    return f"{line('dn', dn)}changetype: add\n{''.join(lines)}\n"


def deletion(dn: str) -> str:
    """Write the deletion of an object."""
    return f"{line('dn', dn)}changetype: delete\n\n"


def move(dn: str, to: str) -> str:
    """Write a rename or move."""
    name, _, parent = to.partition(",")
    target = f"{line('newrdn', name)}deleteoldrdn: 1\n{line('newsuperior', parent)}"
    return f"{line('dn', dn)}changetype: moddn\n{target}\n"
