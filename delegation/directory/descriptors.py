"""The bytes of a security descriptor -> its entries: who is allowed what (MS-DTYP 2.4.6)."""

from impacket.ldap.ldaptypes import (
    ACCESS_ALLOWED_ACE,
    ACCESS_DENIED_ACE,
    ACE,
    SR_SECURITY_DESCRIPTOR,
)

from delegation.mesh.snapshot import Ace

EVERYONE = "S-1-1-0"
EVERY_RIGHT = 0xF01FF
"""All rights of a directory object (MS-ADTS 5.1.3.2).

Without the generic ones: an access check does not look at them in an entry (MS-DTYP 2.4.3).
"""
_SE_DACL_PRESENT = 0x4
_INHERIT_ONLY_ACE = 0x8


def access_list(descriptor: bytes) -> tuple[Ace, ...]:
    """The entries of the discretionary list that hold for the object as a whole, in their order.

    Entries for a single property or extended right, conditional and inherit-only ones are left
    out: they don't decide about the whole object. No list at all grants everyone everything.

    Raises ValueError where ``descriptor`` is none.
    """
    try:
        parsed = SR_SECURITY_DESCRIPTOR(data=descriptor)
        # No list is not an empty list: the one grants everything, the other nothing (2.5.3.2).
        if not parsed["Control"] & _SE_DACL_PRESENT or parsed["Dacl"] == b"":
            return (Ace(allows=True, mask=EVERY_RIGHT, sid=EVERYONE),)
        entries = [entry for entry in parsed["Dacl"].aces if _is_about_the_object(entry)]
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


def _is_about_the_object(entry: ACE) -> bool:
    if entry["AceType"] not in {ACCESS_ALLOWED_ACE.ACE_TYPE, ACCESS_DENIED_ACE.ACE_TYPE}:
        return False
    return not entry["AceFlags"] & _INHERIT_ONLY_ACE


def _ace(entry: ACE) -> Ace:
    return Ace(
        allows=entry["AceType"] == ACCESS_ALLOWED_ACE.ACE_TYPE,
        mask=entry["Ace"]["Mask"]["Mask"],
        sid=entry["Ace"]["Sid"].formatCanonical(),
    )
