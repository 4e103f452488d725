"""Filters of searches as bytes (RFC 4511, 4.5.1.7): what objects must hold, to be found.

Values go in as they are: nothing in a name can turn into a piece of the filter around it, and
nothing has to be escaped.
"""

from collections.abc import Iterable, Iterator

from delegation.directory.requests import element, octets

TERMS = 500
"""Names or GUIDs in one filter: a DC refuses filters that are too long."""

_AND, _OR, _EQUALITY, _SUBSTRINGS, _PRESENT = 0xA0, 0xA1, 0xA3, 0xA4, 0x87
_SEQUENCE, _OCTETS = 0x30, 0x04
_INITIAL, _ANY, _FINAL = 0x80, 0x81, 0x82


def equal(attribute: str, value: str | bytes) -> bytes:
    """That one of the attribute's values is ``value``, by the attribute's own comparison."""
    raw = value.encode() if isinstance(value, str) else value
    return element(_EQUALITY, octets(attribute), element(_OCTETS, raw))


def fits(attribute: str, pattern: str) -> bytes:
    """That one of its values fits ``pattern``, in which ``*`` stands for any characters."""
    if "*" not in pattern:
        return equal(attribute, pattern)
    first, *middle, last = pattern.split("*")
    tagged = [(_INITIAL, first), *((_ANY, part) for part in middle), (_FINAL, last)]
    parts = [element(tag, part.encode()) for tag, part in tagged if part]
    if not parts:
        return present(attribute)
    return element(_SUBSTRINGS, octets(attribute), element(_SEQUENCE, *parts))


def present(attribute: str) -> bytes:
    """That it has any value which may be seen."""
    return element(_PRESENT, attribute.encode())


def any_of(filters: Iterable[bytes]) -> bytes:
    return element(_OR, *filters)


def all_of(filters: Iterable[bytes]) -> bytes:
    return element(_AND, *filters)


def chunks(terms: list[bytes]) -> Iterator[list[bytes]]:
    """As many as fit into one filter, at a time."""
    for start in range(0, len(terms), TERMS):
        yield terms[start : start + TERMS]
