"""Who logs on with what: the one place that decides where a password or a ticket may go.

A caller lends its passwords; whether one is needed, and who may have it, is judged here. A user's
own keytab goes before any password, and a ticket before one that is asked for: what leaves then is
bound to the user's own realm. All else goes only where ``admission`` lets it.
"""

from enum import Enum
from typing import Protocol

from delegation import names
from delegation.directory.admission import Admission, Introductions, server_of
from delegation.directory.connection import Credentials, ReachedServer, host_of, refuse_unable
from delegation.directory.known_domains import Destination
from delegation.directory.known_domains_file import KnownDomainsFile
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


class Secret(Enum):
    """What of a secret a logon sends."""

    NONE = "bound to the user's own realm: a ticket, a keytab, the logon of Windows by Kerberos"
    TO_KDC = "a pre-authentication made from a password"
    TO_SERVER = "a password, or an answer made from one"


class Logons:
    """The logons of one invocation; ``is_named``: its caller names the server, no inventory."""

    def __init__(self, passwords: Passwords, known: KnownDomainsFile, *, is_named: bool) -> None:
        self._passwords = passwords
        introductions = passwords if isinstance(passwords, Introductions) else None
        self._admission = Admission(known, introductions, is_named=is_named)
        self._typed: dict[tuple[str, str], str] = {}

    def to_directory(self, wanted: DirectorySettings, domain: str) -> "DirectoryLogon":
        """How to log on to whichever domain controller is reached; nobody is asked anything yet.

        Raises UsageError, and Refused where it is plain already that no secret may go.
        """
        refuse_unable(wanted)
        if wanted.url is not None:
            self.refuse_elsewhere(wanted.url, domain)
        secret = self._secret(wanted, domain)
        if secret is not Secret.NONE:
            # Before any of these DNS servers is asked where a domain controller is.
            self._admission.refuse_different(Destination(domain, dns_servers=wanted.dns_servers))
            if wanted.user is not None:
                place = host_of(wanted.url) if wanted.url else domain
                self._refuse_none(DIRECTORY, wanted, wanted.user, domain, place)
        return DirectoryLogon(self, wanted, domain, secret)

    def to_hosts(self, inventory: Inventory) -> str | None:
        """The password of ``remoting.user`` for Kerberos; None where a ticket makes it needless.

        The directory's serves where it is the same account. Raises UsageError, and Refused where
        the domain is not known.
        """
        user, domain = inventory.remoting.user, inventory.domain
        if user is None or inventory.remoting.keytab is not None:
            return None
        source = HOSTS
        if self._passwords.given(HOSTS) is None and user == inventory.directory.user:
            source = DIRECTORY
        if not self._is_password_for_kdc(source, user, domain):
            return None
        self._refuse_none_for_kdc(source, user, domain)
        place = f"the hosts of {domain}"
        to = Destination(domain, dns_servers=inventory.directory.dns_servers)
        self._admission.admit(to, f"the password of {user}", place)
        return self._for_kdc(source, user, domain, place)

    def refuse_elsewhere(self, url: str, domain: str) -> None:
        """Raise Refused for a server outside the domain that only an inventory names."""
        self._admission.refuse_elsewhere(url, domain)

    def credentials(
        self, wanted: DirectorySettings, domain: str, secret: Secret, reached: ReachedServer
    ) -> Credentials:
        """What goes to the domain controller that was reached. Raises Refused, UsageError."""
        if secret is Secret.NONE:
            return Credentials(wanted.user)
        what = f"the password of {wanted.user}" if wanted.user else "the logon"
        if secret is Secret.TO_KDC:
            to = Destination(domain, dns_servers=wanted.dns_servers)
            self._admission.admit(to, what, reached.host)
            user = wanted.user or ""
            return Credentials(user, self._for_kdc(DIRECTORY, user, domain, reached.host))
        self._admit_server(wanted, domain, what, reached)
        if wanted.user is None:
            return Credentials()
        return Credentials(wanted.user, self._for_server(wanted.user, reached.host))

    def _admit_server(
        self, wanted: DirectorySettings, domain: str, what: str, reached: ReachedServer
    ) -> None:
        """TLS that the list vouches for, by any CA of the chain; NTLM also without, if it says so.

        Neither NTLM nor a simple bind proves who the server is, so that all rests on this.
        """
        from delegation.kerberos import authorities

        keys: tuple[str, ...] | None = None
        vouching: tuple[bytes, ...] = ()
        if reached.chain is not None:
            vouching = authorities.vouching(reached.chain)
            keys = tuple(map(authorities.key_of, vouching))
            if not keys:
                raise Refused(
                    f"no CA vouches for {reached.host}: its own certificate is trusted by itself, "
                    "and will be renewed; no password was sent",
                    "name the PEM file of the CA that issued it: directory.ca_file",
                )
        to = Destination(
            domain,
            server_of(reached.host, domain),
            keys,
            wanted.dns_servers,
            is_ntlm_without_tls=reached.chain is None,
        )
        self._admission.admit(to, what, reached.host, vouching)

    def _secret(self, wanted: DirectorySettings, domain: str) -> Secret:
        """Raises UsageError, and Refused for a password that no KDC of the domain would get."""
        if wanted.logon is not Auth.KERBEROS:
            return Secret.TO_SERVER
        if wanted.user is None or wanted.keytab is not None:
            return Secret.NONE
        is_needed = self._is_password_for_kdc(DIRECTORY, wanted.user, domain)
        return Secret.TO_KDC if is_needed else Secret.NONE

    def _is_password_for_kdc(self, section: str, user: str, domain: str) -> bool:
        """False where a ticket of the user makes it needless.

        It is for the KDC of the user's realm, which the inventory names: a stranger's could take
        what it is sent to try passwords on (RFC 4120, 10).
        """
        from delegation.kerberos import principals

        principal = principals.principal_of(user, domain)
        # Names below the domain's are no part of it: any member may put a KDC of one into its DNS.
        is_ours = principal.rpartition("@")[2] == domain.upper()
        if is_ours and self._passwords.given(section) is not None:
            return True
        from delegation.directory import sealing

        if sealing.has_ticket(user, domain):
            return False
        if not is_ours:
            raise Refused(
                f"the password of {section}.user {principal} would be for a KDC outside "
                f"{domain}; nothing was sent",
                "if that account is right, get its ticket yourself: "
                f"kinit {names.inert(principal)}",
            )
        return True

    # --- passwords

    def _refuse_none(
        self, section: str, wanted: DirectorySettings, user: str, domain: str, place: str
    ) -> None:
        """Raise UsageError where there is no password and nobody to ask: nothing is tried then."""
        if wanted.logon is Auth.KERBEROS:
            self._refuse_none_for_kdc(section, user, domain)
            return
        given = self._passwords.given(section)
        if given is not None:
            self._not_empty(given, section)
        elif self._admission.is_nobody_there:
            raise self._none_for_server(user, place)

    def _refuse_none_for_kdc(self, section: str, user: str, domain: str) -> None:
        given = self._passwords.given(section)
        if given is not None:
            self._not_empty(given, section)
        elif self._admission.is_nobody_there:
            raise self._none_for_kdc(section, user, domain)

    def _for_kdc(self, section: str, user: str, domain: str, place: str) -> str:
        password = self._had(section, user, place)
        if password is None:
            raise self._none_for_kdc(section, user, domain)
        return self._not_empty(password, section)

    def _for_server(self, user: str, place: str) -> str:
        password = self._had(DIRECTORY, user, place)
        if password is None:
            raise self._none_for_server(user, place)
        return self._not_empty(password, DIRECTORY)

    def _had(self, section: str, user: str, place: str) -> str | None:
        """The password given, else typed: once, whichever domain controller is tried first."""
        given = self._passwords.given(section)
        if given is not None:
            return given
        if (section, user) not in self._typed:
            typed = self._passwords.asked(user, place)
            if typed is None:
                return None
            self._typed[section, user] = typed
        return self._typed[section, user]

    def _none_for_kdc(self, section: str, user: str, domain: str) -> UsageError:
        from delegation.kerberos import principals

        variable, option = self._passwords.ways(section)
        kinit = f"kinit {names.inert(principals.principal_of(user, domain))}"
        return UsageError(
            f"{user} has no valid Kerberos ticket here, and no password was given",
            f"get a ticket with {kinit}, or set {section}.keytab, or give the password in "
            f"{variable} or {option}",
        )

    def _none_for_server(self, user: str, place: str) -> UsageError:
        variable, option = self._passwords.ways(DIRECTORY)
        return UsageError(
            f"no password for {user} on {place}",
            f"set {variable}, use {option}, or run at a terminal",
        )

    def _not_empty(self, password: str, section: str) -> str:
        """A domain controller takes an empty one as no logon at all (RFC 4513, 5.1.2)."""
        if not password:
            variable, option = self._passwords.ways(section)
            raise UsageError("an empty password is refused", f"set {variable} or use {option}")
        return password


class DirectoryLogon:
    """Implements connection.ServerLogon: what is sent is decided when it is known who answers."""

    def __init__(
        self, logons: Logons, wanted: DirectorySettings, domain: str, secret: Secret
    ) -> None:
        self._logons = logons
        self._wanted = wanted
        self._domain = domain
        self._secret = secret

    @property
    def user(self) -> str | None:
        return self._wanted.user

    def for_server(self, reached: ReachedServer) -> Credentials:
        """Raises Refused where the domain is not known as it is met, and UsageError."""
        return self._logons.credentials(self._wanted, self._domain, self._secret, reached)
