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
        raise _no_name(user, section)
    short, backslash, name = user.rpartition("\\")
    ours = {domain.casefold(), domain.casefold().partition(".")[0]}
    if backslash and short.casefold() not in ours:
        raise UsageError(
            f"{section}.user {user} names a domain that Kerberos can't find",
            "write it with the domain's DNS name: user@corp.example",
        )
    account, at, realm = name.rpartition("@")
    return f"{account if at else name}@{(realm if at else domain).upper()}"


def ntlm_name(user: str | None, domain: str) -> str | None:
    """The same for NTLM, which takes a user principal name, or a domain before the user's name."""
    if user is None or "@" in user or "\\" in user:
        return user
    if "=" in user:
        raise _no_name(user, "directory")
    return f"{domain}\\{user}"


def _no_name(user: str, section: str) -> UsageError:
    return UsageError(
        f"{section}.user {user} is a distinguished name, which only a simple bind takes",
        "write the account's name: user or user@domain",
    )


def principal_in(keytab: str, wanted: str | None, section: str = "directory") -> str | None:
    """``wanted`` where the keytab holds its key, its first principal where none is wanted.

    Raises UsageError where it can't be read, CredentialsRefused where the key is not in it.
    """
    _refuse_no_keytab(keytab, section)
    if sys.platform == "win32":
        if wanted is None:
            raise UsageError("a keytab without a user", f"set {section}.user")
        return wanted
    import krb5

    try:
        entries = krb5.kt_resolve(krb5.init_context(), keytab.encode())
        held = list(dict.fromkeys(str(entry.principal) for entry in entries))
    except krb5.Krb5Error as exc:
        raise UsageError(f"{section}.keytab {keytab} can't be read: {exc}", "make it anew") from exc
    if wanted is None and held:
        return held[0]
    if wanted not in held:
        raise CredentialsRefused(
            f"{section}.keytab {keytab} holds no key of {wanted or 'anybody'}",
            f"it holds {', '.join(held) or 'none'}; correct {section}.user, or make it anew",
        )
    return wanted


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
