"""A deleted computer comes back with its GUID, and with all that it had.

Active Directory's recycle bin keeps every attribute (MS-ADTS 3.1.1.1.5.1). Samba can enable it, and
then gives nothing back out of it: so the tombstone is reanimated, and what it lost is put back.
"""

from __future__ import annotations

from tests.lab import Lab, admin, independent
from tests.lab.description import ADMINISTRATOR, BASE_DN
from tests.lab.ldif import Entry

LOST = (independent.DELEGATION, "servicePrincipalName")
"""What a tombstone does not keep, of what counts here."""
_SHOW_DELETED = "!1.2.840.113556.1.4.417"


def delete(lab: Lab, host: str) -> Entry:
    """Delete a computer; gives what it was."""
    computer = independent.computer(lab, host, ADMINISTRATOR)
    admin.delete(lab, host)
    return computer


def restore(lab: Lab, host: str, computer: Entry) -> None:
    """Bring it back to where it was."""
    wanted = f"(&(isDeleted=TRUE)(sAMAccountName={host}$))"
    search = ["ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-E", _SHOW_DELETED, "-b", BASE_DN]
    found = independent.openldap(lab, [*search, wanted, "name"], ADMINISTRATOR)
    [deleted] = [line for line in found.splitlines() if line.startswith("dn:")]
    change = (
        f"{deleted}\nchangetype: modify\ndelete: isDeleted\n-\n"
        f"replace: distinguishedName\ndistinguishedName: {computer.dn}\n-\n\n"
    )
    independent.openldap(lab, ["ldapmodify", "-e", _SHOW_DELETED], ADMINISTRATOR, change)
    for name in LOST:
        admin.set_attribute(lab, host, name, *computer.values(name))
    now = independent.computer(lab, host, ADMINISTRATOR)
    assert now.values("objectGUID") == computer.values("objectGUID")
