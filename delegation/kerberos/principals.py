"""How Kerberos and NTLM call a user, and whose keys a keytab holds."""

import sys
from pathlib import Path

from delegation.errors import CredentialsRefused, UsageError


def principal_of(user: str, domain: str, section: str = "directory") -> str:
    """The Kerberos principal of a user named as ``user``, ``user@domain`` or ``DOMAIN\\user``.

    Realms are upper-case; ``section`` of the inventory names the user. Raises UsageError for a
    distinguished name, and for a short domain name that can't be this domain's.
    """
    if "=" in user:
        raise _distinguished_name(user, section)
    # A NetBIOS domain name is usually the DNS name's first label, but need not be; a realm that
    # was guessed wrong would ask strangers for a ticket.
    down_level_domain, backslash, name = user.rpartition("\\")
    domain_names = {domain.casefold(), domain.casefold().partition(".")[0]}
    if backslash and down_level_domain.casefold() not in domain_names:
        raise UsageError(
            f"{section}.user {user} names a domain that Kerberos can't find",
            "write it with the domain's DNS name: user@corp.example",
        )
    account, at, realm = name.rpartition("@")
    if not at:
        account, realm = name, domain
    # Realms are compared with regard to case (RFC 4120, 6.1); those of AD are upper-case.
    return f"{account}@{realm.upper()}"


def ntlm_name(user: str | None, domain: str) -> str | None:
    """How NTLM calls a user: a user principal name, or a domain before the user's name.

    None, the current logon, stays None. Raises UsageError for a distinguished name.
    """
    if user is None or "@" in user or "\\" in user:
        return user
    if "=" in user:
        raise _distinguished_name(user, "directory")
    return f"{domain}\\{user}"


def _distinguished_name(user: str, section: str) -> UsageError:
    return UsageError(
        f"{section}.user {user} is a distinguished name, which only a simple bind takes",
        "write the account's name: user or user@domain",
    )


def principal_in(keytab: str, principal: str | None, section: str = "directory") -> str | None:
    """``principal`` where the keytab holds its key; without one, the first that it holds.

    Raises UsageError where it can't be read, CredentialsRefused where the key is not in it.
    """
    _refuse_no_keytab(keytab, section)
    if sys.platform == "win32":
        if principal is None:
            raise UsageError("a keytab without a user", f"set {section}.user")
        return principal
    import krb5

    try:
        entries = krb5.kt_resolve(krb5.init_context(), keytab.encode())
        # An entry for each type of encryption, so that a principal comes several times.
        held = list(dict.fromkeys(str(entry.principal) for entry in entries))
    except krb5.Krb5Error as exc:
        raise UsageError(f"{section}.keytab {keytab} can't be read: {exc}", "make it anew") from exc
    if principal is None and held:
        return held[0]
    if principal not in held:
        raise CredentialsRefused(
            f"{section}.keytab {keytab} holds no key of {principal or 'anybody'}",
            f"it holds {', '.join(held) or 'none'}; correct {section}.user, or make it anew",
        )
    return principal


def _refuse_no_keytab(keytab: str, section: str) -> None:
    """Said here because the library takes a keytab that it can't read for a wrong password."""
    try:
        with Path(keytab).open("rb") as file:
            start = file.read(2)
    except OSError as exc:
        raise UsageError(
            f"{section}.keytab {keytab} can't be read: {exc.strerror or exc}",
            "name a keytab that this account may read",
        ) from exc
    if start not in {b"\x05\x01", b"\x05\x02"}:
        raise UsageError(
            f"{section}.keytab {keytab} is not a keytab", "make one with ktutil, ktpass or msktutil"
        )
