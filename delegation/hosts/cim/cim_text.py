"""Values -> the texts that a host may be sent. Raises UsageError for what no message can hold."""

import re

from delegation.errors import UsageError
from delegation.hosts.cim.cim_class import CimType

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


def checked(kind: CimType, value: object, what: str) -> Scalar:
    """``value``, which is of that type. Raises TypeError: a mistake of this program."""
    bounds = kind.bounds
    # To Python, True is a number; to a host it is none.
    if isinstance(value, bool):
        if kind.name == "boolean":
            return value
    elif isinstance(value, int):
        if bounds is not None and value in bounds:
            return value
    elif isinstance(value, str) and bounds is None and kind.name != "boolean":
        return value
    raise TypeError(f"{what} is a {kind.name}, and not {value!r}")


def in_cim_xml(value: Scalar) -> str:
    """As an embedded instance writes it (DSP0201)."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return sendable(str(value))


def in_wsman(value: Scalar) -> str:
    """As a parameter of a method has it (DSP0230 9.2)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return sendable(str(value))
