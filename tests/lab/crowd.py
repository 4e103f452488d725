"""Fill the domain with accounts: run by the system's Python, on a database that no DC has open.

Reads a JSON description on standard input (``bench.py`` writes it). Never for a test: it takes a
minute, and a domain of that size makes every reset slow.
"""
# Outside Debian's Python there is no samba to look at, and inside it is untyped.
# mypy: disable-error-code="import-untyped,import-not-found,unused-ignore"

from __future__ import annotations

import json
import sys
from typing import Any

from samba import param
from samba.auth import system_session
from samba.samdb import SamDB

NORMAL_ACCOUNT, WORKSTATION_TRUST_ACCOUNT = 0x200, 0x1000
ACCOUNTDISABLE = 0x2


def main(wanted: dict[str, Any]) -> None:
    """Add the accounts of these numbers: seven of ten are users, one of a hundred has a list.

    They are disabled, because that needs no password; a search reads them like any other.
    """
    parameters = param.LoadParm()
    parameters.load(wanted["configuration"])
    samdb = SamDB(url=wanted["database"], session_info=system_session(parameters), lp=parameters)
    unit = f"OU=Crowd {wanted['first']},{wanted['base_dn']}"
    samdb.transaction_start()
    samdb.add({"dn": unit, "objectClass": "organizationalUnit"})
    for number in range(wanted["first"], wanted["end"]):
        samdb.add(account(number, unit, wanted["domain"]))
    samdb.transaction_commit()


def account(number: int, unit: str, domain: str) -> dict[str, Any]:
    """One of them, told by its number."""
    is_user = number % 10 < 7
    name = f"user{number:05}" if is_user else f"PC{number:05}"
    kind = NORMAL_ACCOUNT if is_user else WORKSTATION_TRUST_ACCOUNT
    made: dict[str, Any] = {
        "dn": f"CN={name},{unit}",
        "objectClass": "user" if is_user else "computer",
        "sAMAccountName": name if is_user else f"{name}$",
        "userAccountControl": str(kind | ACCOUNTDISABLE),
    }
    if not is_user:
        made["dNSHostName"] = f"{name.lower()}.{domain}"
        made["servicePrincipalName"] = [f"HOST/{name}", f"HOST/{name.lower()}.{domain}"]
    if number % 100 == 0:
        made["msDS-AllowedToDelegateTo"] = [f"HTTP/web{number}", f"MSSQLSvc/db{number}:1433"]
    return made


if __name__ == "__main__":
    main(json.load(sys.stdin))
