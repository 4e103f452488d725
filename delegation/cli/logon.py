"""Who logs on with what: the one place that decides where a password or a ticket may go.

A password is only ever asked for, or read from a file or the environment; an argument never.
"""

import getpass
import os
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

from delegation import names
from delegation.cli.options import Options
from delegation.directory.connection import Credentials, host_of, refuse_unable
from delegation.errors import Refused, UsageError
from delegation.inventory import Auth, DirectorySettings, Inventory


class _Source(NamedTuple):
    """Where a password may come from: a file that an option names, else a variable.

    ``section`` of the inventory says whose it is.
    """

    section: str
    option: str
    file: Path | None
    variable: str

    def given(self) -> str | None:
        """Raises UsageError where the file can't be read."""
        if self.file is None:
            return os.environ.get(self.variable)
        try:
            password = self.file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as exc:
            raise UsageError(
                f"{self.option} {self.file} can't be read: {exc}",
                "name a UTF-8 text file that holds the password alone",
            ) from exc
        return password.removesuffix("\n").removesuffix("\r")


def _of_directory(options: Options) -> _Source:
    return _Source("directory", "--password-file", options.password_file, "DELEGATION_PASSWORD")


def _of_hosts(options: Options) -> _Source:
    return _Source(
        "remoting",
        "--hosts-password-file",
        options.hosts_password_file,
        "DELEGATION_HOSTS_PASSWORD",
    )


class TerminalLogons:
    """Implements wiring.Logons: files and variables first, then somebody at the terminal."""

    def __init__(self, given: Options) -> None:
        self._given = given

    def to_directory(self, wanted: DirectorySettings, domain: str) -> Credentials:
        return credentials(self._given, wanted, domain)

    def refuse_elsewhere(self, url: str, domain: str) -> None:
        refuse_elsewhere(self._given, url, domain)

    def to_hosts(self, inventory: Inventory) -> str | None:
        return hosts_password(self._given, inventory)


def credentials(options: Options, wanted: DirectorySettings, domain: str) -> Credentials:
    """What to log on with; asks for a password only where nothing else will do.

    Raises UsageError, and Refused where the server is not of the domain.
    """
    refuse_unable(wanted)
    if wanted.url is not None:
        refuse_elsewhere(options, wanted.url, domain)
    place = host_of(wanted.url) if wanted.url else domain
    if wanted.user is None:
        return Credentials()
    if wanted.logon is Auth.KERBEROS:
        source = _of_directory(options)
        needless = wanted.keytab is not None
        return Credentials(
            wanted.user, None if needless else _for_kerberos(source, wanted.user, domain, place)
        )
    return Credentials(wanted.user, _password(_of_directory(options), wanted.user, place))


def hosts_password(options: Options, inventory: Inventory) -> str | None:
    """The password of ``remoting.user`` for Kerberos; None where a ticket makes it needless.

    The directory's serves where it is the same account. Raises UsageError.
    """
    user, domain = inventory.remoting.user, inventory.domain
    if user is None or inventory.remoting.keytab is not None:
        return None
    source = _of_hosts(options)
    if source.given() is None and user == inventory.directory.user:
        source = _of_directory(options)
    return _for_kerberos(source, user, domain, f"the hosts of {domain}")


def refuse_elsewhere(options: Options, url: str, domain: str) -> None:
    """Raise Refused for a server outside the domain, unless the command line named it.

    Whoever can edit an inventory must not get a password by it, nor an NTLM response or a ticket
    to try passwords on, nor a logon to pass on.
    """
    host = host_of(url).casefold()
    if options.directory is None and not is_in(host, domain):
        raise Refused(
            f"the logon would go to {host}, which is not in {domain}; nothing was sent",
            f"if that is right, say so yourself: --directory {url}",
        )


def is_in(name: str, domain: str) -> bool:
    """Whether a DNS name, or a realm, is the domain's or below it."""
    return f".{name}".casefold().endswith(f".{domain}".casefold())


def _for_kerberos(source: _Source, user: str, domain: str, place: str) -> str | None:
    """A password for Kerberos; None where a ticket of the user makes it needless.

    It is for the KDC of the user's realm, which the inventory names: a stranger's could take what
    it is sent to try passwords on (RFC 4120, 10).
    """
    from delegation.kerberos import principals

    principal = principals.principal_of(user, domain)
    ours = is_in(principal.rpartition("@")[2], domain)
    if ours and (given := source.given()) is not None:
        return _not_empty(given, source)
    from delegation.directory import sealing

    if sealing.has_ticket(user, domain):
        return None
    kinit = f"kinit {names.inert(principal)}"
    if not ours:
        raise Refused(
            f"the password of {source.section}.user {principal} would be for a KDC outside "
            f"{domain}; nothing was sent",
            f"if that account is right, get its ticket yourself: {kinit}",
        )
    if not sys.stdin.isatty():
        raise UsageError(
            f"{user} has no valid Kerberos ticket here, and no password was given",
            f"get a ticket with {kinit}, or set {source.section}.keytab, or give the password in "
            f"{source.variable} or {source.option}",
        )
    return _not_empty(_asked(user, place), source)


def _not_empty(password: str, source: _Source) -> str:
    if not password:
        raise UsageError(
            "an empty password is refused", f"set {source.variable} or use {source.option}"
        )
    return password


def _password(source: _Source, user: str, place: str) -> str:
    if (given := source.given()) is not None:
        return given
    if not sys.stdin.isatty():
        raise UsageError(
            f"no password for {user} on {place}",
            f"set {source.variable}, use {source.option}, or run at a terminal",
        )
    return _asked(user, place)


@cache
def _asked(user: str, place: str) -> str:
    """What was typed, once for each; a command may log on more than once."""
    return getpass.getpass(f"Password of {names.inert(user)} for {names.inert(place)}: ")
