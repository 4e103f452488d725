"""Who logs on with what: the one place that decides where a password or a ticket may go."""

import getpass
import os
import sys

from delegation import names
from delegation.cli.options import Options
from delegation.directory.session import Credentials, host_of, refuse_unable
from delegation.errors import Refused, UsageError
from delegation.inventory import Auth, DirectorySettings


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
        return Credentials(wanted.user, _unless_needless(options, wanted, domain, place))
    return Credentials(wanted.user, _password(options, wanted.user, place))


def refuse_elsewhere(options: Options, url: str, domain: str) -> None:
    """Raise Refused for a server outside the domain, unless the command line named it.

    Whoever can edit an inventory must not get a password by it, nor an NTLM response or a ticket
    to try passwords on, nor a logon to pass on.
    """
    host, home = host_of(url).casefold(), domain.casefold()
    if options.directory is None and host != home and not host.endswith("." + home):
        raise Refused(
            f"the logon would go to {host}, which is not in {domain}; nothing was sent",
            f"if that is right, say so yourself: --directory {url}",
        )


def _unless_needless(
    options: Options, wanted: DirectorySettings, domain: str, place: str
) -> str | None:
    """A password for Kerberos; None where the keytab or a ticket makes it needless."""
    if wanted.keytab is not None or wanted.user is None:
        return None
    if (given := _given(options)) is not None:
        return given
    from delegation.directory import principals, sealing

    if sealing.has_ticket(wanted.user, domain):
        return None
    if not sys.stdin.isatty():
        raise UsageError(
            f"{wanted.user} has no valid Kerberos ticket here, and no password was given",
            f"get a ticket with kinit {names.inert(principals.principal_of(wanted.user, domain))}, "
            "or set directory.keytab, or give the password in DELEGATION_PASSWORD or "
            "--password-file",
        )
    return _asked(wanted.user, place)


def _password(options: Options, user: str, place: str) -> str:
    if (given := _given(options)) is not None:
        return given
    if not sys.stdin.isatty():
        raise UsageError(
            f"no password for {user} on {place}",
            "set DELEGATION_PASSWORD, use --password-file, or run at a terminal",
        )
    return _asked(user, place)


def _given(options: Options) -> str | None:
    if options.password_file is None:
        return os.environ.get("DELEGATION_PASSWORD")
    try:
        password = options.password_file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(
            f"--password-file {options.password_file} can't be read: {exc}",
            "name a UTF-8 text file that holds the password alone",
        ) from exc
    return password.removesuffix("\n").removesuffix("\r")


def _asked(user: str, place: str) -> str:
    return getpass.getpass(f"Password of {names.inert(user)} for {names.inert(place)}: ")
