"""Fill the domain with accounts: run by the system's Python, on a database that no DC has open.

Reads a JSON description on standard input (``bench.py`` writes it). Never for a test: a domain of
that size makes every reset slow. Two accounts are made as a DC makes them, and copied into the
database past its rules, which look at the whole domain for each account.
"""
# Outside Debian's Python there is no samba to look at, and inside it is untyped.
# mypy: disable-error-code="import-untyped,import-not-found,unused-ignore"

from __future__ import annotations

import json
import sys
import uuid
from typing import Any

import ldb
from samba import param
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack
from samba.samdb import SamDB

NORMAL_ACCOUNT, WORKSTATION_TRUST_ACCOUNT = 0x200, 0x1000
ACCOUNTDISABLE = 0x2
FIRST_RID = 1_000_000


def main(wanted: dict[str, Any]) -> None:
    """Add the accounts of these numbers: seven of ten are users, one of a hundred has a list.

    They are disabled, because that needs no password; a search reads them like any other.
    """
    parameters = param.LoadParm()
    parameters.load(wanted["configuration"])
    samdb = SamDB(url=wanted["database"], session_info=system_session(parameters), lp=parameters)
    unit = f"OU=Crowd {wanted['first']},{wanted['base_dn']}"
    samdb.add({"dn": unit, "objectClass": "organizationalUnit"})
    templates: dict[bool, str] = {}
    for is_user, name, kind in (
        (True, f"template{wanted['first']}", NORMAL_ACCOUNT),
        (False, f"TEMPLATE{wanted['first']}$", WORKSTATION_TRUST_ACCOUNT),
    ):
        templates[is_user] = f"CN=template of {'users' if is_user else 'computers'},{unit}"
        samdb.add(
            {
                "dn": templates[is_user],
                "objectClass": "user" if is_user else "computer",
                "sAMAccountName": name,
                "userAccountControl": str(kind | ACCOUNTDISABLE),
            }
        )
    raw = ldb.Ldb(wanted["partition"], options=["modules:"])
    found = {it: raw.search(base=dn, scope=ldb.SCOPE_BASE)[0] for it, dn in templates.items()}
    domain_sid = samdb.get_domain_sid()
    raw.transaction_start()
    for number in range(wanted["first"], wanted["end"] - len(found)):
        is_user = number % 10 < 7
        name = f"user{number:05}" if is_user else f"PC{number:05}"
        changes = own_values(number, name, wanted["domain"], is_user=is_user)
        sid = security.dom_sid(f"{domain_sid}-{FIRST_RID + number}")
        changes["objectSid"] = [ndr_pack(sid)]
        raw.add(copied(raw, found[is_user], f"CN={name},{unit}", changes))
    raw.transaction_commit()


def own_values(number: int, name: str, domain: str, *, is_user: bool) -> dict[str, list[bytes]]:
    """What one account has that its template has not, or has otherwise."""
    made: dict[str, list[bytes]] = {
        "cn": [name.encode()],
        "name": [name.encode()],
        "sAMAccountName": [name.encode() if is_user else f"{name}$".encode()],
        "objectGUID": [uuid.uuid5(uuid.NAMESPACE_DNS, name).bytes_le],
    }
    if not is_user:
        fqdn = f"{name.lower()}.{domain}"
        made["dNSHostName"] = [fqdn.encode()]
        made["servicePrincipalName"] = [f"HOST/{name}".encode(), f"HOST/{fqdn}".encode()]
    if number % 100 == 0:
        values = (f"HTTP/web{number}", f"MSSQLSvc/db{number}:1433")
        made["msDS-AllowedToDelegateTo"] = [value.encode() for value in values]
    return made


def copied(raw: Any, template: Any, dn: str, changes: dict[str, list[bytes]]) -> Any:
    """A template's record under another name."""
    message = ldb.Message(ldb.Dn(raw, dn))
    values = {
        key: list(template[key]) for key in template if key not in {"dn", "distinguishedName"}
    }
    for key, value in {**values, **changes}.items():
        message[key] = ldb.MessageElement(value, ldb.FLAG_MOD_ADD, key)
    return message


if __name__ == "__main__":
    main(json.load(sys.stdin))
