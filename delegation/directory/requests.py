"""The LDAP requests that have many parts, as bytes: a modify and a search (RFC 4511, 4.5 and 4.6).

ldap3 builds its requests as trees of pyasn1 objects, which costs more time for a mesh of 64
hosts than everything else in an apply together; the bytes are a few nested lengths.
"""

from collections.abc import Collection, Sequence

ADD, DELETE = 0, 1

Modification = tuple[int, str, Sequence[bytes]]
"""Operation, attribute, values."""

BASE, SUBTREE = 0, 2
"""Scopes of a search: one object, or all below it with itself (4.5.1.2)."""

_BOOLEAN, _INTEGER, _OCTETS, _ENUMERATED = 0x01, 0x02, 0x04, 0x0A
_SEQUENCE, _SET, _CONTROLS = 0x30, 0x31, 0xA0
_SEARCH_REQUEST, _MODIFY_REQUEST = 0x63, 0x66
_NEVER = 0
"""Aliases are not followed; Active Directory has none (4.5.1.3)."""

PAGED = b"1.2.840.113556.1.4.319"
"""The paged-results control (RFC 2696)."""
SD_FLAGS = b"1.2.840.113556.1.4.801"
"""LDAP_SERVER_SD_FLAGS_OID (MS-ADTS 3.1.1.3.4.1.11)."""


def modify(message_id: int, dn: str, modifications: Sequence[Modification]) -> bytes:
    """An LDAPMessage that asks for ``modifications`` of the object ``dn``, in their order."""
    changes = [_change(*modification) for modification in modifications]
    request = element(_MODIFY_REQUEST, octets(dn), element(_SEQUENCE, *changes))
    return element(_SEQUENCE, _integer(message_id), request)


def search(  # noqa: PLR0913 - the parts of a search
    message_id: int,
    base: str,
    scope: int,
    terms: bytes,
    attributes: Collection[str],
    *,
    most: int = 0,
    control: bytes = b"",
) -> bytes:
    """An LDAPMessage that asks for what ``terms`` fit, a filter of ``filters``; ``control`` is one.

    ``most``: objects beyond which the server is to say that there are more; 0 is without bound.
    """
    request = element(
        _SEARCH_REQUEST,
        octets(base),
        element(_ENUMERATED, bytes([scope])),
        element(_ENUMERATED, bytes([_NEVER])),
        _integer(most),
        _integer(0),
        _boolean(False),
        terms,
        element(_SEQUENCE, *map(octets, attributes)),
    )
    controls = element(_CONTROLS, control) if control else b""
    return element(_SEQUENCE, _integer(message_id), request, controls)


def page(size: int, cookie: bytes) -> bytes:
    """The control for a page of so many objects; without a cookie for the first one."""
    return _critical(PAGED, element(_SEQUENCE, _integer(size), element(_OCTETS, cookie)))


def descriptor_parts(flags: int) -> bytes:
    """The control for these parts of security descriptors (SECURITY_INFORMATION)."""
    return _critical(SD_FLAGS, element(_SEQUENCE, _integer(flags)))


def _critical(control: bytes, value: bytes) -> bytes:
    """Whoever does not know the control has to refuse (4.1.11)."""
    kind = element(_OCTETS, control)
    return element(_SEQUENCE, kind, _boolean(True), element(_OCTETS, value))


def _change(operation: int, attribute: str, values: Sequence[bytes]) -> bytes:
    contents = [element(_OCTETS, value) for value in values]
    attribute_and_values = element(_SEQUENCE, octets(attribute), element(_SET, *contents))
    return element(_SEQUENCE, element(_ENUMERATED, bytes([operation])), attribute_and_values)


def octets(text: str) -> bytes:
    """Text as an OCTET STRING of its UTF-8."""
    return element(_OCTETS, text.encode())


def _integer(number: int) -> bytes:
    # A byte more than the bits need where the highest one is set: X.690 integers are signed.
    return element(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _boolean(value: bool) -> bytes:  # noqa: FBT001
    return element(_BOOLEAN, b"\xff" if value else b"\x00")


def element(tag: int, *parts: bytes) -> bytes:
    """Tag, definite length, contents (X.690, 8.1)."""
    contents = b"".join(parts)
    length = len(contents)
    if length < 0x80:
        return bytes([tag, length]) + contents
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + contents
