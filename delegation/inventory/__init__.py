"""The inventory: what an admin declares, as values. ``reader`` reads it from YAML."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from delegation import names
from delegation.inventory.accepted import Acceptance, Trusted


class Auth(StrEnum):
    KERBEROS = "kerberos"
    NTLM = "ntlm"
    SIMPLE = "simple"


class Foreign(StrEnum):
    """What to do about values that are neither desired, kept nor stale."""

    REPORT = "report"
    IGNORE = "ignore"
    REMOVE = "remove"


class Unconstrained(StrEnum):
    """What to do about "Trust this computer for delegation to any service"."""

    REPORT = "report"
    CLEAR = "clear"


class OwnValues(StrEnum):
    """What to do about the list on a retired host's own account."""

    REMOVE = "remove"
    KEEP = "keep"


class MeshService(StrEnum):
    """What the hosts of a mesh may ask each other for, by the word for it in an inventory."""

    CIFS = "cifs"
    MIGRATION = "migration"


class Authentication(StrEnum):
    """How a host authenticates live migrations (Set-VMHost)."""

    KERBEROS = "Kerberos"
    CREDSSP = "CredSSP"


class Performance(StrEnum):
    TCPIP = "TCPIP"
    COMPRESSION = "Compression"
    SMB = "SMB"


class DirectorySettings(NamedTuple):
    """How to reach the directory. ``url`` None: find a domain controller in DNS."""

    url: str | None = None
    start_tls: bool = False
    auth: Auth | None = None
    user: str | None = None
    keytab: str | None = None
    ca_file: str | None = None
    site: str | None = None
    dns_servers: tuple[str, ...] = ()
    search_base: tuple[str, ...] = ()

    @property
    def over_tls(self) -> bool:
        return self.start_tls or (self.url or "").startswith("ldaps://")

    @property
    def logon(self) -> Auth:
        """How to log on: as ``auth`` says, else Kerberos, the one that sends no password.

        But where TLS is wanted and a user is named, without a keytab, it is a simple bind, which
        a machine outside the domain can do without any Kerberos set-up; TLS has verified who
        gets the password by then.
        """
        if self.auth is not None:
            return self.auth
        simple = self.over_tls and self.user is not None and self.keytab is None
        return Auth.SIMPLE if simple else Auth.KERBEROS


class Network(NamedTuple):
    """A subnet for live migrations, in CIDR form; ``priority`` None leaves the host's choice."""

    subnet: str
    priority: int | None = None


class LiveMigration(NamedTuple):
    """Desired live-migration settings of a host; None leaves a setting as it is found."""

    enabled: bool | None = None
    authentication: Authentication | None = None
    migrations: int | None = None
    storage_migrations: int | None = None
    performance: Performance | None = None
    networks: tuple[Network, ...] | None = None
    any_network: bool | None = None


class Remoting(NamedTuple):
    """How the hosts' WinRM is reached. ``user`` None: the current ticket or logon.

    ``port`` None: the transport's own, 5985 for message-encrypted HTTP and 5986 for HTTPS.
    """

    user: str | None = None
    keytab: str | None = None
    https: bool = False
    port: int | None = None
    ca_file: str | None = None


class Slots(StrEnum):
    """What one shared-nothing migration takes at either end; Windows has not shown which it is."""

    BOTH = "both"
    """A live-migration slot and a storage-migration slot."""
    LIVE = "live"
    """A live-migration slot only."""


class Apart(NamedTuple):
    """Machines of which no two may be on one host; ``machines`` are patterns with ``*``, ``?``."""

    machines: tuple[str, ...]


class Together(NamedTuple):
    """Machines that are to be on one host."""

    machines: tuple[str, ...]


class OnlyOn(NamedTuple):
    """Machines that may only be on these hosts, by label."""

    machines: tuple[str, ...]
    hosts: tuple[str, ...]


Affinity = Apart | Together | OnlyOn


class MigrateSettings(NamedTuple):
    """What migrations have to respect beyond what the hosts say themselves."""

    slots: Slots = Slots.BOTH
    affinity: tuple[Affinity, ...] = ()


class Host(NamedTuple):
    """A Hyper-V host. ``label`` is the inventory's key, ``computer`` the account without ``$``.

    ``protocol_transition`` None: leave the flag as it is found. ``unconstrained`` None: as the
    policy of the whole inventory says. ``former``: names that it had and has no more, short or full
    (``former_names`` tells what they come to).
    """

    label: str
    computer: str
    fqdn: str
    protocol_transition: bool | None = True
    live_migration: LiveMigration | None = None
    unconstrained: Unconstrained | None = None
    former: tuple[str, ...] = ()


class Mesh(NamedTuple):
    """Every source may migrate to every target, by label; a two-way mesh has both alike.

    ``services`` are service classes. Without cifs the storage stays where it is, on shares that
    both ends reach: the machine alone moves.
    """

    name: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    services: tuple[str, ...] = names.MANAGED_SERVICES


class FileServer(NamedTuple):
    """An SMB file server that the hosts of some meshes reach: cifs only.

    ``aliases`` are further names that shares are opened by. ``account`` is the sAMAccountName of
    an account that is called otherwise, a user's too, as of a NAS or a cloud's file share: then
    ``computer`` is the same without ``$``, and no name of the server.
    """

    name: str
    computer: str
    fqdn: str
    reached_from: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    account: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All that its shares are opened by, as UNC paths have them."""
        own = (self.fqdn,) if self.account else (self.computer, self.fqdn)
        return (*own, *self.aliases)

    @property
    def is_user(self) -> bool:
        """Whether its account is a user's."""
        return bool(self.account) and not self.account.endswith("$")


class Keep(NamedTuple):
    """Values that belong to somebody else and stay: a pattern with ``*`` and ``?``.

    ``hosts`` empty: on every host. ``accepts_transition``: its owner has agreed that the
    protocol-transition flag may change on the object.
    """

    value: str
    hosts: tuple[str, ...] = ()
    reason: str = ""
    owner: str = ""
    expires: date | None = None
    accepts_transition: bool = False

    def covers(self, value: str) -> bool:
        """Whether the pattern covers ``value``, in any case."""
        return names.fits(self.value, value)


class Removal(NamedTuple):
    """Exactly this value goes from these hosts, whoever wrote it: the opposite of a keep rule.

    Case makes no difference, as for the directory.
    """

    value: str
    hosts: tuple[str, ...]
    reason: str = ""


class Retired(NamedTuple):
    """A host that is gone: every trace of it leaves its former peers. Both names are compared.

    ``name`` is its account's, too: what that may still do towards the mesh goes as well, unless
    ``own`` says that another inventory has it.
    """

    name: str
    fqdn: str
    own: OwnValues = OwnValues.REMOVE


class Policy(NamedTuple):
    """``max_removals`` is a percentage of the values in scope; ``value_limit`` a count."""

    foreign: Foreign = Foreign.REPORT
    unconstrained: Unconstrained = Unconstrained.REPORT
    max_removals: float = 30.0
    value_limit: int = 1200


STATE_FOLDER = ".delegation"
"""Where runs are recorded, beside the inventory, unless it says otherwise."""


class Inventory(NamedTuple):
    """A valid inventory: every name in it resolves to something in it.

    ``digest`` is the SHA-256 of the file's bytes, for the record of runs. ``former_suffixes`` are
    DNS suffixes that any of the hosts may have had.
    """

    domain: str
    digest: str
    hosts: Mapping[str, Host]
    meshes: tuple[Mesh, ...]
    state: str = STATE_FOLDER
    directory: DirectorySettings = DirectorySettings()
    file_servers: tuple[FileServer, ...] = ()
    keep: tuple[Keep, ...] = ()
    remove: tuple[Removal, ...] = ()
    retired: tuple[Retired, ...] = ()
    former_suffixes: tuple[str, ...] = ()
    accept: tuple[Acceptance, ...] = ()
    trusted: tuple[Trusted, ...] = ()
    policy: Policy = Policy()
    remoting: Remoting = Remoting()
    migrate: MigrateSettings = MigrateSettings()
