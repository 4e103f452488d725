"""The one LDAP request that this program sends by the dozen: a modify, as bytes (RFC 4511, 4.6).

ldap3 builds its requests as trees of pyasn1 objects, which costs more time for a mesh of 64
hosts than everything else in an apply together; the bytes are a few nested lengths.
"""

from collections.abc import Sequence

ADD, DELETE = 0, 1

Modification = tuple[int, str, Sequence[bytes]]
"""Operation, attribute, values."""

_INTEGER, _OCTETS, _ENUMERATED, _SEQUENCE, _SET = 0x02, 0x04, 0x0A, 0x30, 0x31
_MODIFY_REQUEST = 0x66


def modify(message_id: int, dn: str, modifications: Sequence[Modification]) -> bytes:
    """An LDAPMessage that asks for ``modifications`` of the object ``dn``, in their order."""
    changes = [_change(*modification) for modification in modifications]
    # A byte more than the bits need where the highest one is set: X.690 integers are signed.
    number = message_id.to_bytes(message_id.bit_length() // 8 + 1, "big")
    request = element(_MODIFY_REQUEST, element(_OCTETS, dn.encode()), element(_SEQUENCE, *changes))
    return element(_SEQUENCE, element(_INTEGER, number), request)


def _change(operation: int, attribute: str, values: Sequence[bytes]) -> bytes:
    contents = [element(_OCTETS, value) for value in values]
    attribute_and_values = element(
        _SEQUENCE, element(_OCTETS, attribute.encode()), element(_SET, *contents)
    )
    return element(_SEQUENCE, element(_ENUMERATED, bytes([operation])), attribute_and_values)


def element(tag: int, *parts: bytes) -> bytes:
    """Tag, definite length, contents (X.690, 8.1)."""
    contents = b"".join(parts)
    length = len(contents)
    if length < 0x80:
        return bytes([tag, length]) + contents
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + contents
