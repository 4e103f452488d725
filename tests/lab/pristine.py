"""What all objects were like at the first start, and the changes that bring them back to it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from tests.lab import byhand, ldif
from tests.lab.description import ADMINISTRATOR, Lab
from tests.lab.independent import LdapError, search
from tests.lab.ldif import Entry

OBJECTS = "(|(objectClass=user)(objectClass=group)(objectClass=organizationalUnit))"
RESTORED = (
    "accountExpires",
    "adminCount",
    "description",
    "dNSHostName",
    "member",
    "msDS-AllowedToActOnBehalfOfOtherIdentity",
    "msDS-AllowedToDelegateTo",
    "msDS-SupportedEncryptionTypes",
    "nTSecurityDescriptor",
    "operatingSystem",
    "primaryGroupID",
    "sAMAccountName",
    "servicePrincipalName",
    "userAccountControl",
    "userPrincipalName",
)
"""What a test may change. What the DC keeps itself (counters, times, what follows) is left out."""
KEPT_BY_THE_DC = ("pwdLastSet",)
"""What tells that an object lost what nobody can write back. A reanimated tombstone has no keys,
and its KDC then shares no type of encryption with whoever asks for it."""

Objects = dict[str, Entry]
"""By objectGUID, which outlives a rename."""


def present(lab: Lab) -> Objects:
    """Read all objects as they are."""
    wanted = ("objectGUID", *RESTORED, *KEPT_BY_THE_DC)
    found = search(lab, OBJECTS, *wanted, account=ADMINISTRATOR)
    return {entry.values("objectGUID")[0].hex(): entry for entry in found}


def record(objects: Objects, path: Path) -> None:
    """Write objects down."""
    plain = {
        guid: (
            entry.dn,
            {
                name: [base64.b64encode(value).decode() for value in values]
                for name, values in entry.attributes.items()
            },
        )
        for guid, entry in objects.items()
    }
    path.write_text(json.dumps(plain))


def recorded(path: Path) -> Objects:
    """Read what ``record`` wrote."""
    return {
        guid: Entry(dn, {name: tuple(map(base64.b64decode, values)) for name, values in of.items()})
        for guid, (dn, of) in json.loads(path.read_text()).items()
    }


def put_back(lab: Lab, path: Path) -> bool:
    """Write what differs from what was recorded; False where that does not bring it all back."""
    then, now = recorded(path), present(lab)
    if then.keys() - now.keys() or has_lost_keys(now, then):
        return False
    changes = way_back(now, then)
    if not changes:
        return True
    try:
        byhand.modify(lab, changes)
    except LdapError:
        # Two objects may each hold a name that the other wants back.
        return False
    return not way_back(present(lab), then)


def has_lost_keys(now: Objects, then: Objects) -> bool:
    """Whether an object has other keys than it had: only a restored database has them again."""
    return any(
        now[guid].values(name) != then[guid].values(name)
        for guid in then.keys() & now.keys()
        for name in KEPT_BY_THE_DC
    )


def way_back(now: Objects, then: Objects) -> str:
    """Give, in LDIF, the changes from ``now`` to ``then``; what is gone cannot be made again.

    New objects go first, because they may hold names that others want back; what is deepest before
    what holds it.
    """
    new = sorted((now[guid].dn for guid in now.keys() - then.keys()), key=depth, reverse=True)
    changes = [ldif.deletion(dn) for dn in new]
    for guid in sorted(then.keys() & now.keys()):
        before, after = now[guid], then[guid]
        if before.dn != after.dn:
            changes.append(ldif.move(before.dn, after.dn))
        steps = [
            ("replace", name, after.values(name))
            for name in RESTORED
            if sorted(before.values(name)) != sorted(after.values(name))
        ]
        if steps:
            changes.append(ldif.modification(after.dn, *steps))
    return "".join(changes)


def depth(dn: str) -> int:
    """Tell how deep an object lies."""
    return dn.count(",")
