"""The bytes of a security descriptor -> its entries: who is allowed what (MS-DTYP 2.4.6)."""

from impacket.ldap.ldaptypes import ACE, SR_SECURITY_DESCRIPTOR

from delegation.mesh.snapshot import Ace

EVERYONE = "S-1-1-0"
EVERY_RIGHT = 0xF01FF
"""All rights of a directory object (MS-ADTS 5.1.3.2).

Without the generic ones: an access check does not look at them in an entry (MS-DTYP 2.4.3).
"""
_SE_DACL_PRESENT = 0x4
_INHERIT_ONLY_ACE = 0x8
_ALLOWING, _DENYING = frozenset({0x0, 0x5, 0x9, 0xB}), frozenset({0x1, 0x6, 0xA, 0xC})
_PLAIN = frozenset({0x0, 0x1})
"""Types of entries (MS-DTYP 2.4.4.1); the others are of objects, or have a condition."""


def access_list(descriptor: bytes) -> tuple[Ace, ...]:
    """The entries of the discretionary list that may decide about the object, in their order.

    Conditional ones, and those in the form that may be for a single property, are uncertain:
    Samba's KDC heeds none of them, and what Windows' does is not known. Whoever hides in one is to
    be seen. Inherit-only ones decide nothing. No list at all grants everyone everything.

    Raises ValueError where ``descriptor`` is none.
    """
    try:
        parsed = SR_SECURITY_DESCRIPTOR(data=descriptor)
        # No list is not an empty list: the one grants everything, the other nothing (2.5.3.2).
        if not parsed["Control"] & _SE_DACL_PRESENT or parsed["Dacl"] == b"":
            return (Ace(allows=True, mask=EVERY_RIGHT, sid=EVERYONE),)
        entries = [entry for entry in parsed["Dacl"].aces if _may_decide(entry)]
        return tuple(map(_ace, entries))
    except Exception as exc:  # impacket lets whatever its parsing meets escape
        raise ValueError(f"not a security descriptor: {exc}") from exc


def owner(descriptor: bytes) -> str:
    """The SID of its owner; empty of what has none, and of what is no descriptor."""
    try:
        parsed = SR_SECURITY_DESCRIPTOR(data=descriptor)
        return str(parsed["OwnerSid"].formatCanonical()) if parsed["OwnerSid"] else ""
    except Exception:  # noqa: BLE001 - impacket lets whatever its parsing meets escape
        return ""


def _may_decide(entry: ACE) -> bool:
    return entry["AceType"] in _ALLOWING | _DENYING and not entry["AceFlags"] & _INHERIT_ONLY_ACE


def _ace(entry: ACE) -> Ace:
    return Ace(
        allows=entry["AceType"] in _ALLOWING,
        mask=entry["Ace"]["Mask"]["Mask"],
        sid=entry["Ace"]["Sid"].formatCanonical(),
        is_certain=entry["AceType"] in _PLAIN,
    )
