"""Changes made by hand, as an administrator makes them beside the product, by ``ldapmodify``.

All take ``account``, to make them as somebody else; all raise ``LdapError`` when they are refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.lab import ldif
from tests.lab.description import ADMINISTRATOR, HOSTS_DN, WORKSTATION_TRUST_ACCOUNT, Lab
from tests.lab.independent import DELEGATION, LdapError, computer, openldap

__all__ = [
    "LdapError",
    "add_computer",
    "add_values",
    "delete",
    "modify",
    "move",
    "remove_values",
    "set_attribute",
    "set_flags",
]


def modify(lab: Lab, changes: str, account: str = ADMINISTRATOR) -> None:
    """Write changes in LDIF (see ``ldif``) in their order, up to the first that is refused."""
    if changes:
        openldap(lab, ["ldapmodify"], account, changes)


def add_values(lab: Lab, host: str, *values: str, account: str = ADMINISTRATOR) -> None:
    """Add values to a host's msDS-AllowedToDelegateTo."""
    modify(lab, ldif.modification(computer(lab, host).dn, ("add", DELEGATION, values)), account)


def remove_values(lab: Lab, host: str, *values: str, account: str = ADMINISTRATOR) -> None:
    """Remove values from a host's msDS-AllowedToDelegateTo."""
    modify(lab, ldif.modification(computer(lab, host).dn, ("delete", DELEGATION, values)), account)


def set_flags(
    lab: Lab, host: str, *, on: int = 0, off: int = 0, account: str = ADMINISTRATOR
) -> None:
    """Set and clear bits of a host's userAccountControl."""
    flags = computer(lab, host).number("userAccountControl") & ~off | on
    set_attribute(lab, host, "userAccountControl", str(flags), account=account)


def set_attribute(
    lab: Lab, host: str, attribute: str, *values: str | bytes, account: str = ADMINISTRATOR
) -> None:
    """Replace all values of an attribute of a computer; no values clear it."""
    dn = computer(lab, host).dn
    modify(lab, ldif.modification(dn, ("replace", attribute, values)), account)


def add_computer(
    lab: Lab,
    account_name: str,
    *,
    name: str | None = None,
    parent: str = HOSTS_DN,
    dns: str | None = None,
    services: Sequence[str] = (),
    flags: int = WORKSTATION_TRUST_ACCOUNT,
) -> str:
    """Add a computer account and give its distinguished name.

    A duplicate differs from a host in ``account_name``, which the directory keeps unique, and
    repeats its ``dns`` name, or its ``name`` (the CN) in another ``parent``.
    """
    dn = f"CN={name or account_name.upper()},{parent}"
    attributes: dict[str, Sequence[str | bytes]] = {
        "objectClass": ["computer"],
        "sAMAccountName": [f"{account_name.upper()}$"],
        "userAccountControl": [str(flags)],
        "dNSHostName": [dns] if dns else [],
        "servicePrincipalName": services,
    }
    modify(lab, ldif.addition(dn, attributes))
    return dn


def delete(lab: Lab, host: str) -> None:
    """Delete a computer."""
    modify(lab, ldif.deletion(computer(lab, host).dn))


def move(lab: Lab, host: str, to: str) -> None:
    """Give a computer another distinguished name; its GUID stays."""
    modify(lab, ldif.move(computer(lab, host).dn, to))
