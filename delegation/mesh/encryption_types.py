"""An account -> whether domain controllers still encrypt tickets to keys that it says it takes.

msDS-SupportedEncryptionTypes (MS-KILE 2.2.7) steers which key a domain controller encrypts a
ticket to; not set, or 0, it takes the domain's default, which is fine. It does not say which keys
exist: an old account without AES keys fails all the same, and looks like any other.
"""

from enum import Enum

from delegation.mesh.snapshot import Computer

AES_FIX = (
    "set msDS-SupportedEncryptionTypes to 24 (AES), or 28 while something needs RC4, and clear "
    "USE_DES_KEY_ONLY; an account without AES keys needs a new password first"
)
USE_DES_KEY_ONLY = 0x200000
"""Of userAccountControl (MS-ADTS 2.2.16)."""

_DES = 0x1 | 0x2
_RC4 = 0x4
_AES = 0x8 | 0x10


class WeakKeys(Enum):
    """What an account takes at best."""

    DES = "DES only"
    RC4 = "RC4 only"


def weak_keys(account: Computer) -> WeakKeys | None:
    """None: AES, the domain's default, or not known."""
    if account.uac & USE_DES_KEY_ONLY:
        return WeakKeys.DES
    types = account.encryption_types or 0
    if types & _AES:
        return None
    if types & _RC4:
        return WeakKeys.RC4
    return WeakKeys.DES if types & _DES else None
