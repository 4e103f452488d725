"""Who logs on with what: the one place that decides where a password or a ticket may go.

A caller lends its passwords; whether one is needed, and who may have it, is judged here. A user's
own keytab goes before any password, and a ticket before one that is asked for: what leaves then is
bound to the user's own realm.
"""

from typing import Protocol

from delegation import names
from delegation.directory.connection import Credentials, host_of, refuse_unable
from delegation.errors import Refused, UsageError
from delegation.inventory import Auth, DirectorySettings, Inventory

DIRECTORY, HOSTS = "directory", "remoting"
"""The sections of an inventory that say who logs on."""


class Passwords(Protocol):
    """What a caller knows, or may ask somebody for; ``section`` says whose password it is."""

    def given(self, section: str) -> str | None:
        """The password that was handed over without a question. Raises UsageError."""

    def asked(self, user: str, place: str) -> str | None:
        """What somebody types for ``user`` at ``place``; None where there is nobody to ask."""

    def ways(self, section: str) -> tuple[str, str]:
        """How one is handed over, to be named in advice: a variable, and an option."""


class NoPasswords:
    """Implements Passwords for a caller that has none: tickets and keytabs have to do."""

    def given(self, section: str) -> str | None:  # noqa: ARG002
        return None

    def asked(self, user: str, place: str) -> str | None:  # noqa: ARG002
        return None

    def ways(self, section: str) -> tuple[str, str]:  # noqa: ARG002
        return "DELEGATION_PASSWORD", "--password-file"


class Logons:
    """The logons of one invocation; ``vouched``: its caller names the server, not an inventory."""

    def __init__(self, passwords: Passwords, *, vouched: bool) -> None:
        self._passwords = passwords
        self._vouched = vouched

    def to_directory(self, wanted: DirectorySettings, domain: str) -> Credentials:
        """What to log on with; asks for a password only where nothing else will do.

        Raises UsageError, and Refused where the server is not of the domain.
        """
        refuse_unable(wanted)
        if wanted.url is not None:
            self.refuse_elsewhere(wanted.url, domain)
        place = host_of(wanted.url) if wanted.url else domain
        if wanted.user is None:
            return Credentials()
        if wanted.logon is not Auth.KERBEROS:
            return Credentials(wanted.user, self._password(wanted.user, place))
        if wanted.keytab is not None:
            return Credentials(wanted.user)
        password = self._for_kerberos(DIRECTORY, wanted.user, domain, place)
        return Credentials(wanted.user, password)

    def to_hosts(self, inventory: Inventory) -> str | None:
        """The password of ``remoting.user`` for Kerberos; None where a ticket makes it needless.

        The directory's serves where it is the same account. Raises UsageError.
        """
        user, domain = inventory.remoting.user, inventory.domain
        if user is None or inventory.remoting.keytab is not None:
            return None
        source = HOSTS
        if self._passwords.given(HOSTS) is None and user == inventory.directory.user:
            source = DIRECTORY
        return self._for_kerberos(source, user, domain, f"the hosts of {domain}")

    def refuse_elsewhere(self, url: str, domain: str) -> None:
        """Raise Refused for a server outside the domain that only an inventory names.

        Whoever can edit an inventory must not get a password by it, nor an NTLM response or a
        ticket to try passwords on, nor a logon to pass on.
        """
        host = host_of(url).casefold()
        if not self._vouched and not is_in(host, domain):
            raise Refused(
                f"the logon would go to {host}, which is not in {domain}; nothing was sent",
                f"if that is right, say so yourself: --directory {url}",
            )

    def _for_kerberos(self, section: str, user: str, domain: str, place: str) -> str | None:
        """A password for Kerberos; None where a ticket of the user makes it needless.

        It is for the KDC of the user's realm, which the inventory names: a stranger's could take
        what it is sent to try passwords on (RFC 4120, 10).
        """
        from delegation.kerberos import principals

        principal = principals.principal_of(user, domain)
        is_ours = is_in(principal.rpartition("@")[2], domain)
        if is_ours and (given := self._passwords.given(section)) is not None:
            return self._not_empty(given, section)
        from delegation.directory import sealing

        if sealing.has_ticket(user, domain):
            return None
        kinit = f"kinit {names.inert(principal)}"
        if not is_ours:
            raise Refused(
                f"the password of {section}.user {principal} would be for a KDC outside "
                f"{domain}; nothing was sent",
                f"if that account is right, get its ticket yourself: {kinit}",
            )
        if (typed := self._passwords.asked(user, place)) is None:
            variable, option = self._passwords.ways(section)
            raise UsageError(
                f"{user} has no valid Kerberos ticket here, and no password was given",
                f"get a ticket with {kinit}, or set {section}.keytab, or give the password in "
                f"{variable} or {option}",
            )
        return self._not_empty(typed, section)

    def _not_empty(self, password: str, section: str) -> str:
        """A domain controller takes an empty one as no logon at all (RFC 4513, 5.1.2)."""
        if not password:
            variable, option = self._passwords.ways(section)
            raise UsageError("an empty password is refused", f"set {variable} or use {option}")
        return password

    def _password(self, user: str, place: str) -> str:
        """For NTLM and simple binds. An empty one is refused when the connection is made."""
        if (given := self._passwords.given(DIRECTORY)) is not None:
            return given
        if (typed := self._passwords.asked(user, place)) is None:
            variable, option = self._passwords.ways(DIRECTORY)
            raise UsageError(
                f"no password for {user} on {place}",
                f"set {variable}, use {option}, or run at a terminal",
            )
        return typed


def is_in(name: str, domain: str) -> bool:
    """Whether a DNS name, or a realm, is the domain's or below it."""
    return f".{name}".casefold().endswith(f".{domain}".casefold())
