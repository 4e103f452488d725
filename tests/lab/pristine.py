"""What all objects were like at the first start, and the changes that bring them back to it.

Only those are looked at that were written since they were last brought back. Each write has the
DC's next number (USN), and an object keeps that of its last one in uSNChanged (MS-ADTS 3.1.1.1.9);
what was deleted keeps one too. A unit's new descriptor is handed on to what lies below it without a
number: after a write to a unit, all objects are looked at.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from tests.lab import admin, ldif
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
HAND_ON = ("OU=", "DC=")
"""How the names begin of what hands its descriptor on."""
SHOW_DELETED = "!1.2.840.113556.1.4.417"
"""LDAP_SERVER_SHOW_DELETED_OID (MS-ADTS 3.1.1.3.4.1.14)."""
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


def written(lab: Lab, since: int) -> Objects:
    """Read the objects that were written after a number, what was deleted and the domain too."""
    wanted = ("objectGUID", "uSNChanged", "isDeleted", *RESTORED, *KEPT_BY_THE_DC)
    after = f"(&(|{OBJECTS}(objectClass=domainDNS))(uSNChanged>={since + 1}))"
    found = search(lab, after, *wanted, account=ADMINISTRATOR, control=SHOW_DELETED)
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
    since = brought_back(lab).get(str(path), 0)
    now = written(lab, since)
    if any(entry.dn.startswith(HAND_ON) for entry in now.values()):
        since, now = 0, written(lab, 0)
    then = recorded(path)
    is_gone = any(entry.values("isDeleted") and guid in then for guid, entry in now.items())
    if is_gone or has_lost_keys(now, then):
        return False
    if changes := way_back(living(now), then):
        try:
            admin.modify(lab, changes)
        except LdapError:
            # Two objects may each hold a name that the other wants back.
            return False
        now = written(lab, since)
        if way_back(living(now), then):
            return False
    number = max([since, *(entry.number("uSNChanged") for entry in now.values())])
    numbers_file(lab).write_text(json.dumps({**brought_back(lab), str(path): number}))
    return True


def brought_back(lab: Lab) -> dict[str, int]:
    """Give the number of the last write when all was as recorded, by the record's path."""
    file = numbers_file(lab)
    numbers: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    return numbers


def numbers_file(lab: Lab) -> Path:
    """Give the file of these numbers; it goes with the databases, which begin to count anew."""
    return lab.folder / "dc" / "brought-back.json"


def living(objects: Objects) -> Objects:
    """Leave out what was deleted, and the domain itself, which nobody brings back."""
    return {
        guid: entry
        for guid, entry in objects.items()
        if not entry.values("isDeleted") and not entry.dn.startswith("DC=")
    }


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
