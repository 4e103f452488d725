"""Security identifiers and descriptors as bytes (MS-DTYP 2.4), without the product's help."""

from __future__ import annotations

import struct
from collections.abc import Sequence

FULL_CONTROL = 0xF01FF
"""What Set-ADComputer -PrincipalsAllowedToDelegateToAccount writes."""
CONTROL_ACCESS = 0x100
"""The one right that delegation needs (ADS_RIGHT_DS_CONTROL_ACCESS)."""
ADMINISTRATORS = "S-1-5-32-544"

ALLOWED, DENIED = 0, 1
"""Types of entries: ACCESS_ALLOWED_ACE_TYPE, ACCESS_DENIED_ACE_TYPE."""
SELF_RELATIVE_WITH_DACL = 0x8004


def sid_bytes(text: str) -> bytes:
    """Pack a security identifier (``S-1-5-…``)."""
    _, revision, authority, *parts = text.split("-")
    numbers = struct.pack(f"<{len(parts)}I", *map(int, parts))
    return bytes([int(revision), len(parts)]) + int(authority).to_bytes(6, "big") + numbers


def sid_text(raw: bytes) -> str:
    """Unpack a security identifier."""
    numbers = struct.unpack(f"<{raw[1]}I", raw[8:])
    return "-".join(map(str, ("S", raw[0], int.from_bytes(raw[2:8], "big"), *numbers)))


def entry(kind: int, sid: str, mask: int) -> bytes:
    """Pack an entry of an access control list."""
    trustee = sid_bytes(sid)
    return struct.pack("<BBHI", kind, 0, 8 + len(trustee), mask) + trustee


def descriptor(
    allowed: Sequence[str], denied: Sequence[str] = (), *, mask: int = FULL_CONTROL
) -> bytes:
    """Pack a descriptor owned by Administrators; who is denied stands first, as it should."""
    entries = [
        *(entry(DENIED, sid, mask) for sid in denied),
        *(entry(ALLOWED, sid, mask) for sid in allowed),
    ]
    acl = b"".join(entries)
    dacl = struct.pack("<BBHHH", 4, 0, 8 + len(acl), len(entries), 0) + acl
    owner = sid_bytes(ADMINISTRATORS)
    header = struct.pack("<BBHIIII", 1, 0, SELF_RELATIVE_WITH_DACL, 20, 0, 0, 20 + len(owner))
    return header + owner + dacl
