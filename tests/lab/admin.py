"""Changes made by hand, as an administrator makes them beside the product, by ``ldapmodify``.

All take ``account``, to make them as somebody else; all raise ``LdapError`` when they are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.lab import ldif
from tests.lab.description import (
    ADMINISTRATOR,
    BASE_DN,
    HOSTS_DN,
    NORMAL_ACCOUNT,
    USER_PASSWORD,
    USERS_DN,
    WORKSTATION_TRUST_ACCOUNT,
    Lab,
    LabError,
)
from tests.lab.descriptors import FULL_CONTROL, descriptor, sid_text
from tests.lab.independent import DELEGATION, LdapError, computer, openldap, search
from tests.lab.ldif import Entry

RBCD = "msDS-AllowedToActOnBehalfOfOtherIdentity"
GLOBAL_SECURITY_GROUP = -0x7FFFFFFE

__all__ = [
    "RBCD",
    "LdapError",
    "account_of",
    "add_computer",
    "add_group",
    "add_unit",
    "add_user",
    "add_values",
    "counting_bad_logons",
    "delete",
    "locking_out",
    "modify",
    "move",
    "remove_values",
    "set_attribute",
    "set_flags",
    "set_members",
    "set_object",
    "set_rbcd",
    "sid_of",
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
    found = computer(lab, host)
    flags = found.number("userAccountControl") & ~off | on
    step = ("replace", "userAccountControl", [str(flags)])
    modify(lab, ldif.modification(found.dn, step), account)


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


def account_of(lab: Lab, name: str) -> Entry:
    """Read the user, the group or the computer of a name (``hv01`` or ``HV01$``), all attributes.

    Raises:
        LabError: there is none, or both a computer and another are called so.
    """
    wanted = f"(|(sAMAccountName={name})(sAMAccountName={name}$))"
    found = search(lab, wanted, account=ADMINISTRATOR)
    if len(found) != 1:
        raise LabError(f"{len(found)} accounts are called {name}")
    return found[0]


def sid_of(lab: Lab, name: str) -> str:
    """Give an account's security identifier; one (``S-1-…``) is taken as it is."""
    if name.startswith("S-1-"):
        return name
    return sid_text(account_of(lab, name).values("objectSid")[0])


def set_object(lab: Lab, name: str, attribute: str, *values: str | bytes) -> None:
    """Replace all values of an attribute of a user, group or computer; no values clear it."""
    dn = account_of(lab, name).dn
    modify(lab, ldif.modification(dn, ("replace", attribute, values)))


def add_user(
    lab: Lab,
    name: str,
    *,
    password: str = USER_PASSWORD,
    flags: int = 0,
    parent: str = USERS_DN,
) -> str:
    """Add a user, with ``flags`` of userAccountControl, and give its distinguished name.

    With the usual password, ``kdc`` can log on as the user for a ticket as evidence.
    """
    dn = f"CN={name},{parent}"
    attributes: dict[str, Sequence[str | bytes]] = {
        "objectClass": ["user"],
        "sAMAccountName": [name],
        "userPrincipalName": [lab.principal(name)],
        "userAccountControl": [str(NORMAL_ACCOUNT | flags)],
        "unicodePwd": [f'"{password}"'.encode("utf-16-le")],
    }
    modify(lab, ldif.addition(dn, attributes))
    return dn


@contextmanager
def locking_out(lab: Lab, failures: int) -> Iterator[None]:
    """Lock accounts out after so many wrong passwords, of which the DC else keeps no count."""

    def after(number: int) -> None:
        modify(lab, ldif.modification(lab.base_dn, ("replace", "lockoutThreshold", [str(number)])))

    after(failures)
    try:
        yield
    finally:
        after(0)


@contextmanager
def counting_bad_logons(lab: Lab, name: str) -> Iterator[Callable[[], int]]:
    """Count the wrong passwords that an account is tried with, as its DC does."""

    def bad_logons() -> int:
        (entry,) = search(lab, f"(sAMAccountName={name})", "badPwdCount", account=ADMINISTRATOR)
        return entry.number("badPwdCount")

    with locking_out(lab, 100):
        before = bad_logons()
        yield lambda: bad_logons() - before


def add_group(
    lab: Lab,
    name: str,
    members: Sequence[str] = (),
    *,
    parent: str = USERS_DN,
    kind: int = GLOBAL_SECURITY_GROUP,
) -> str:
    """Add a group of members, given by distinguished name, and give its own."""
    dn = f"CN={name},{parent}"
    attributes: dict[str, Sequence[str | bytes]] = {
        "objectClass": ["group"],
        "sAMAccountName": [name],
        "groupType": [str(kind)],
        "member": members,
    }
    modify(lab, ldif.addition(dn, attributes))
    return dn


def set_members(lab: Lab, group: str, members: Sequence[str]) -> None:
    """Give a group exactly these members, by distinguished name: ``Protected Users``, say."""
    set_object(lab, group, "member", *members)


def add_unit(lab: Lab, name: str, *, parent: str = BASE_DN) -> str:
    """Add an organizational unit and give its distinguished name."""
    dn = f"OU={name},{parent}"
    modify(lab, ldif.addition(dn, {"objectClass": ["organizationalUnit"]}))
    return dn


def set_rbcd(
    lab: Lab,
    target: str,
    *principals: str,
    denied: Sequence[str] = (),
    mask: int = FULL_CONTROL,
) -> None:
    """Let exactly these accounts or groups delegate to a target, resource-based.

    By name or by security identifier; without any, the attribute is cleared.
    """
    sids, others = ([sid_of(lab, one) for one in some] for some in (principals, denied))
    entries = [descriptor(sids, others, mask=mask)] if sids or others else []
    set_object(lab, target, RBCD, *entries)
