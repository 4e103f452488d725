"""The world: opens what the capabilities need, from typed arguments. Only this opens a directory.

A capability gets the narrow part of it that it declares; what reads never gets anything that can
write. Everything is opened for one step, and closed after it. Nothing here knows a command line.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from delegation.changes.kinds import Kinds
from delegation.changes.records import Records
from delegation.directory import connection
from delegation.errors import ConnectionFailed, DelegationError, HostUnreachable, UsageError
from delegation.events import Teller, warning
from delegation.hosts.settings import HOST_SETTINGS
from delegation.inventory import DirectorySettings, Inventory
from delegation.mesh.audits import AUDIT
from delegation.mesh.reader import Inspector, Writer
from delegation.mesh.snapshot import Directory
from delegation.mesh.state import DELEGATION
from delegation.migrations.record.recorded import MIGRATE

if TYPE_CHECKING:
    from delegation.directory.connection import Credentials
    from delegation.directory.ldap import LdapReader
    from delegation.hosts.hypervisor import Hypervisor, Open
    from delegation.hosts.places import Account, Place

KINDS = Kinds(changing=(DELEGATION, HOST_SETTINGS), unchanging=(AUDIT, MIGRATE))
"""All kinds of runs that this version knows."""

E = TypeVar("E", bound="LdapReader")


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything is, as the caller says it; None: as the inventory says.

    ``directory`` is a URL, and ``state`` the folder of the journal.
    """

    inventory: Path = Path("inventory.yaml")
    directory: str | None = None
    state: Path | None = None


class Logons(Protocol):
    """Who logs on, and with what: the caller's, who may ask somebody for a password."""

    def to_directory(self, wanted: DirectorySettings, domain: str) -> "Credentials":
        """Raises UsageError, and Refused where the server must not have them."""

    def refuse_elsewhere(self, url: str, domain: str) -> None:
        """Raise Refused for a server outside ``domain`` that only an inventory names."""

    def to_hosts(self, inventory: Inventory) -> str | None:
        """The password of ``remoting.user``; None where a ticket makes it needless."""


class World:
    """All that an inventory speaks of, to be opened: its directory, its hosts, its journal."""

    def __init__(
        self, inventory: Inventory, places: Places, logons: Logons, teller: Teller
    ) -> None:
        self.inventory = inventory
        self.places = places
        self.teller = teller
        self.records = self.records_in(state_folder(places, inventory))
        self._logons = logons

    def records_in(self, folder: Path) -> Records:
        """The journal of a state folder."""
        return Records(folder, KINDS)

    @property
    def domain(self) -> str:
        return self.inventory.domain

    def today(self) -> date:
        """The day by which keep rules expire."""
        return today()

    @property
    def settings(self) -> DirectorySettings:
        """How to reach the directory. Raises UsageError for a URL of the caller that is none."""
        return connection.settings(
            self.inventory, self.places.inventory.parent, self.places.directory
        )

    @property
    def directory(self) -> str:
        """What runs are recorded against."""
        return connection.recorded_as(self.settings, self.domain)

    def reading(self) -> AbstractContextManager[Inspector]:
        """The directory through an interface that has no write."""
        return reading(self.settings, self.domain, self._logons, self.teller)

    def writing(self, prefer: Collection[str] = ()) -> AbstractContextManager[Writer]:
        """The directory to change; ``prefer``: domain controllers to try first."""
        return writing(self.settings, self.domain, self._logons, self.teller, prefer)

    def unlocated(self) -> DelegationError | None:
        """Why no domain controller is to be found; None where one is named, or DNS knows one.

        One that DNS knows and that fails is an error of whoever opens it.
        """
        wanted = self.settings
        if wanted.url is not None:
            return None
        from delegation.directory import locate

        try:
            locate.controllers(wanted, self.domain)
        except (ConnectionFailed, UsageError) as exc:
            return exc
        return None

    def connection_record(self, directory: Directory) -> dict[str, Any]:
        """What a rollback needs to come back to ``directory``; no secret is in it."""
        return connection.connection_record(self.settings, directory)

    def own_files(self) -> list[Path]:
        """What no output may be written over: the inventory, an export, the journal."""
        journal = self.records.folder / "journal.sqlite"
        return [self.places.inventory, connection.export_file(self.settings), journal]

    def host_places(self) -> Callable[[str], "Place"]:
        """Where the host of a label is: by the inventory's DNS servers, where it names some.

        Each is looked up once. What it gives raises HostUnreachable for a host without an address.
        """
        from delegation.hosts.places import Place

        wanted, servers = self.inventory.remoting, self.inventory.directory.dns_servers
        here = self.places.inventory.parent
        ca_file = str(here / wanted.ca_file) if wanted.ca_file else None

        @cache
        def place(label: str) -> Place:
            fqdn = self.inventory.hosts[label].fqdn
            address = _address(fqdn, servers) if servers else None
            return Place(fqdn, address, wanted.port, wanted.https, ca_file, self.domain)

        return place

    def hosts_account(self) -> "Account":
        """Who logs on to the hosts; a password is asked for only where nothing else will do."""
        from delegation.hosts.places import Account

        wanted = self.inventory.remoting
        here = self.places.inventory.parent
        keytab = str(here / wanted.keytab) if wanted.keytab else None
        return Account(wanted.user, keytab, self._logons.to_hosts(self.inventory))

    def hosts(self) -> "Open":
        """What opens the host of a label, for the thread that calls it."""
        place, account = self.host_places(), self.hosts_account()

        def opened(label: str) -> "Hypervisor":
            return self.host(place(label), account, self.inventory.hosts[label].computer)

        return opened

    def host(self, place: "Place", account: "Account", computer: str) -> "Hypervisor":
        """One host, which calls itself ``computer``. Raises HostError."""
        from delegation.hosts.winrm.host import HyperVHost

        return HyperVHost(place, account, computer)


MakeWorld = Callable[[Inventory, Places, Logons, Teller], World]
"""Makes the world of one invocation; World itself is one."""


def today() -> date:
    """The day where this program runs: a keep rule's day is that of whoever wrote the rule."""
    return datetime.now(UTC).astimezone().date()


def load(places: Places) -> Inventory:
    """The inventory. Raises InventoryError with all its problems, UsageError without a file."""
    from delegation.inventory import reader, yaml_text

    data = yaml_text.read_file(str(places.inventory))
    return reader.parse(data, str(places.inventory))


def state_folder(places: Places, inventory: Inventory | None) -> Path:
    """The one place where runs are recorded: beside the inventory unless told otherwise."""
    if places.state is not None:
        return places.state
    return places.inventory.parent / (inventory.state if inventory else ".delegation")


@contextmanager
def reading(
    wanted: DirectorySettings, domain: str, logons: Logons, teller: Teller
) -> Iterator[Inspector]:
    """The directory through an interface that has no write."""
    if (wanted.url or "").startswith("ldif:"):
        from delegation.directory.offline import OfflineReader

        with closing(OfflineReader(connection.export_file(wanted), domain)) as offline:
            yield offline
        return
    from delegation.directory.inspection import LdapInspector

    with closing(_opened(LdapInspector, wanted, domain, logons, teller)) as reader:
        yield reader


@contextmanager
def writing(
    wanted: DirectorySettings,
    domain: str,
    logons: Logons,
    teller: Teller,
    prefer: Collection[str] = (),
) -> Iterator[Writer]:
    """The directory to change; ``prefer`` are domain controllers to try first, if none is named."""
    if (wanted.url or "").startswith("ldif:"):
        from delegation.directory.offline import OfflineDirectory

        with closing(OfflineDirectory(connection.export_file(wanted), domain)) as offline:
            yield offline
        return
    from delegation.directory.ldap import LdapDirectory

    with closing(_opened(LdapDirectory, wanted, domain, logons, teller, prefer)) as writer:
        yield writer


def _opened(  # noqa: PLR0913, PLR0917 - what a logon rests on
    edge: Callable[[DirectorySettings, str, "Credentials"], E],
    wanted: DirectorySettings,
    domain: str,
    logons: Logons,
    teller: Teller,
    prefer: Collection[str] = (),
) -> E:
    """A connection to the named domain controller, or to the first that DNS knows and that works.

    A refused logon is not tried on the next one: that would lock the account out.
    """
    if wanted.url is not None:
        return edge(wanted, domain, logons.to_directory(wanted, domain))
    from delegation.directory import locate

    located = locate.controllers(wanted, domain, prefer)
    credentials = logons.to_directory(wanted, domain)
    failures = []
    for url in located.urls:
        logons.refuse_elsewhere(url, domain)
        try:
            found = edge(replace(wanted, url=url), domain, credentials)
        except ConnectionFailed as exc:
            failures += [exc.what, *map(str, exc.details)]
        else:
            for remark in (*located.remarks, *failures):
                teller.say(warning(f"{remark}; using {url}"))
            return found
    raise ConnectionFailed(
        f"none of the domain controllers of {domain} in DNS can be used",
        "look at each of these; directory.url names one to use, without DNS",
        [*failures, *located.remarks],
    )


def _address(fqdn: str, servers: tuple[str, ...]) -> str:
    from delegation.directory import locate

    try:
        return locate.addresses(fqdn, servers)[0]
    except ConnectionFailed as exc:
        raise HostUnreachable(
            exc.what, "look whether the host is in DNS, and whether directory.dns_servers is right"
        ) from exc
