"""Where a Hyper-V host is, and who logs on to it: pure values."""

import re
from dataclasses import dataclass, field

from delegation.errors import UsageError

HTTP_PORT, HTTPS_PORT = 5985, 5986

_FQDN = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})+\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """A host's WinRM service.

    ``host`` is its full DNS name: what a ticket is asked for, and what its certificate must say.
    Nothing has a service principal name for an IP address. ``address`` is where the connection
    goes, None: where this machine's own resolver says.
    ``port`` None is WinRM's own. ``ca_file`` None: the authorities that this system trusts.
    ``domain`` is the Kerberos realm of the host's account, empty: what follows the host's first
    label, which only a disjoint namespace makes wrong.
    """

    host: str
    address: str | None = None
    port: int | None = None
    https: bool = False
    ca_file: str | None = None
    domain: str = ""

    def __post_init__(self) -> None:
        if not _FQDN.match(self.host) or self.host.rpartition(".")[2].isdigit():
            raise UsageError(
                f"{self.host!r} is not the full DNS name of a host",
                "write it like hv01.corp.example: Kerberos and certificates go by that name",
            )

    @property
    def at(self) -> int:
        """The port that is connected to."""
        return self.port or (HTTPS_PORT if self.https else HTTP_PORT)

    @property
    def realm_domain(self) -> str:
        """The DNS name of the domain of the host's account."""
        return self.domain or self.host.partition(".")[2]

    def __str__(self) -> str:
        return f"{self.host}:{self.at}"


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs on; all None is the current logon, or the ticket at hand.

    A user without a password logs on with the keytab, or with a ticket of that user. The password
    is never printed, logged or stored.
    """

    user: str | None = None
    keytab: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def who(self) -> str:
        """How a message calls it."""
        if self.user:
            return self.user
        return f"the account of {self.keytab}" if self.keytab else "this logon"
