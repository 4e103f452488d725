"""A target's list, an account's SIDs -> whether the list lets that account act on behalf of others.

The list is the access-control list of msDS-AllowedToActOnBehalfOfOtherIdentity, which a KDC asks in
an access check for one right (MS-SFU 3.2.5.2.3).
"""

from collections.abc import Iterable

from delegation.mesh.snapshot import Ace

CONTROL_ACCESS = 0x100
"""RIGHT_DS_CONTROL_ACCESS (MS-ADTS 5.1.3.2): the one right that resource-based delegation takes.

GENERIC_ALL in an entry does not stand for it: an access check maps what is asked for, not what an
entry grants (MS-DTYP 2.4.3).
"""
IMPLIED = frozenset({"S-1-1-0", "S-1-5-11"})
"""Everyone and Authenticated Users: whoever has logged on is in both (MS-DTYP 2.4.2.4)."""


def lets_act(acting: Iterable[Ace], sid: str, token: frozenset[str] | None) -> bool | None:
    """Whether ``acting`` lets an account act: the access check of MS-DTYP 2.5.3.2.

    ``sid`` is the account's own, ``token`` that and those of its groups, or None where they are not
    known. The first entry for one of them that speaks of the right decides. None where it depends
    on a group of which it is not known whether the account is in it, or on an uncertain entry.
    """
    own_sids = token if token is not None else {sid}
    known_sids = IMPLIED | own_sids
    # Without a token, an entry of any other SID may be of a group of the account, and then it
    # decides, or be nothing to it. So all that such entries say is possible, up to the first that
    # is the account's for certain; a list that ends without one denies.
    possible: set[bool] = set()
    for ace in acting:
        if not ace.mask & CONTROL_ACCESS:
            continue
        if ace.sid in known_sids:
            possible.add(ace.allows)
            if not ace.is_certain:
                continue
            break
        if token is None:
            possible.add(ace.allows)
    else:
        possible.add(False)
    return possible.pop() if len(possible) == 1 else None
