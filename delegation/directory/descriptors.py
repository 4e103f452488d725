"""Security descriptors as attributes hold them: who is allowed what (MS-DTYP 2.4.6)."""

from impacket.ldap.ldaptypes import ACCESS_ALLOWED_ACE, ACCESS_DENIED_ACE, SR_SECURITY_DESCRIPTOR

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
        read = SR_SECURITY_DESCRIPTOR(data=descriptor)
        if not read["Control"] & _SE_DACL_PRESENT or read["Dacl"] == b"":
            return (Ace(allows=True, mask=EVERY_RIGHT, sid=EVERYONE),)
        return tuple(
            Ace(
                allows=entry["AceType"] == ACCESS_ALLOWED_ACE.ACE_TYPE,
                mask=entry["Ace"]["Mask"]["Mask"],
                sid=entry["Ace"]["Sid"].formatCanonical(),
            )
            for entry in read["Dacl"].aces
            if entry["AceType"] in {ACCESS_ALLOWED_ACE.ACE_TYPE, ACCESS_DENIED_ACE.ACE_TYPE}
            and not entry["AceFlags"] & _INHERIT_ONLY_ACE
        )
    except Exception as exc:  # impacket lets whatever its parsing meets escape
        raise ValueError(f"not a security descriptor: {exc}") from exc
