"""Puts the parts together for one command: inventory, directory, journal, and the comparison."""

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from delegation.cli import terminal
from delegation.cli.options import Options
from delegation.errors import (
    ConnectionFailed,
    HostUnreachable,
    InventoryError,
    JournalError,
    UsageError,
)
from delegation.inventory import Auth, DirectorySettings, Inventory
from delegation.mesh import snapshot
from delegation.mesh.reader import Inspector, Writer

if TYPE_CHECKING:
    from delegation.directory.ldap import LdapReader
    from delegation.directory.session import Credentials
    from delegation.hosts.hypervisor import Hypervisor, Open
    from delegation.hosts.places import Account, Place

E = TypeVar("E", bound="LdapReader")


def load(options: Options) -> Inventory:
    """The inventory. Raises InventoryError with all its problems, UsageError without a file."""
    from delegation.inventory import reader, yaml_text

    data = yaml_text.read_file(str(options.inventory))
    return reader.parse(data, str(options.inventory))


def settings(options: Options, inventory: Inventory) -> DirectorySettings:
    """How to reach the directory, with what the command line says and paths made absolute.

    Without a URL it is found in DNS, when it is opened.
    """
    wanted = inventory.directory
    if options.directory is not None:
        wanted = redirect(wanted, options.directory)
    url = wanted.url
    if url is not None and url.startswith("ldif:") and options.directory is None:
        url = f"ldif:{options.inventory.parent / url.removeprefix('ldif:')}"
    return replace(with_logon(wanted, options, inventory), url=url)


def with_logon(
    wanted: DirectorySettings, options: Options, inventory: Inventory
) -> DirectorySettings:
    """``wanted``, with the way to log on that the inventory declares, if it does."""
    own, here = inventory.directory, options.inventory.parent
    ca_file = str(here / own.ca_file) if own.ca_file else wanted.ca_file
    known = replace(wanted, ca_file=ca_file, dns_servers=own.dns_servers or wanted.dns_servers)
    if not (own.auth or own.user or own.keytab):
        return known
    keytab = str(here / own.keytab) if own.keytab else None
    return replace(known, auth=own.auth, user=own.user, keytab=keytab)


def redirect(wanted: DirectorySettings, url: str) -> DirectorySettings:
    """The same settings towards another URL. Raises UsageError where it is none."""
    from delegation.inventory.directory_section import directory_url

    try:
        url = directory_url(url)
    except ValueError as exc:
        what, fix = exc.args
        raise UsageError(f"--directory: {what}", fix) from exc
    start_tls = wanted.start_tls and url.startswith("ldap://")
    return replace(wanted, url=url, start_tls=start_tls)


def state_folder(options: Options, inventory: Inventory | None) -> Path:
    """The one place where runs are recorded: beside the inventory unless told otherwise."""
    if options.state is not None:
        return options.state
    return options.inventory.parent / (inventory.state if inventory else ".delegation")


def usual_state_folder(options: Options) -> Path:
    """The same for whoever only looks; an inventory that is missing or invalid names none."""
    if options.state is not None:
        return options.state
    try:
        return state_folder(options, load(options))
    except (InventoryError, UsageError):
        return state_folder(options, None)


def own_files(options: Options, inventory: Inventory, wanted: DirectorySettings) -> list[Path]:
    """What no output may be written over: the inventory, an export, the journal."""
    journal = state_folder(options, inventory) / "journal.sqlite"
    return [options.inventory, Path(_file(wanted)), journal]


def identity(wanted: DirectorySettings, domain: str) -> str:
    """What a run is recorded against: the domain, or the absolute path of an export."""
    url = wanted.url or ""
    if url.startswith("ldif:"):
        return f"ldif:{Path(url.removeprefix('ldif:')).resolve()}"
    return domain.casefold()


def connection_record(
    wanted: DirectorySettings, directory: snapshot.Directory | None = None
) -> dict[str, Any]:
    """What a rollback needs to come back to the same domain controller; no secret is in it.

    ``directory`` is the one that answered: it is pinned, also where it was found in DNS.
    """
    if wanted.url is None and directory is not None:
        wanted = replace(wanted, url=directory.url)
    recorded = {key: value for key, value in asdict(wanted).items() if value}
    for path in ("ca_file", "keytab"):
        if recorded.get(path):
            recorded[path] = str(Path(recorded[path]).resolve())
    if str(recorded.get("url", "")).startswith("ldif:"):
        recorded["url"] = identity(wanted, "")
    return recorded


def recorded_settings(connection: dict[str, Any]) -> DirectorySettings:
    """The settings that ``connection_record`` made a record of. Raises JournalError."""
    fields = dict(connection)
    try:
        for name in ("dns_servers", "search_base"):
            fields[name] = tuple(fields.get(name, ()))
        if fields.get("auth"):
            fields["auth"] = Auth(fields["auth"])
        settings = DirectorySettings(**fields)
    except (TypeError, ValueError) as exc:
        raise JournalError(_NO_CONNECTION, _RESTORE) from exc
    texts = (settings.url, settings.user, settings.ca_file, settings.keytab, settings.site)
    if not all(isinstance(text, str | None) for text in texts):
        raise JournalError(_NO_CONNECTION, _RESTORE)
    return settings


_NO_CONNECTION = "how this run reached its directory can't be read"
_RESTORE = "the journal is damaged: restore it from a backup, or import the run's undo file"


@contextmanager
def reading(options: Options, wanted: DirectorySettings, domain: str) -> Iterator[Inspector]:
    """The directory through an interface that has no write."""
    if (wanted.url or "").startswith("ldif:"):
        from delegation.directory.offline import OfflineReader

        with closing(OfflineReader(Path(_file(wanted)), domain)) as offline:
            yield offline
        return
    from delegation.directory.inspection import LdapInspector

    with closing(_opened(LdapInspector, options, wanted, domain)) as reader:
        yield reader


@contextmanager
def writing(
    options: Options, wanted: DirectorySettings, domain: str, prefer: Collection[str] = ()
) -> Iterator[Writer]:
    """The directory to change; ``prefer`` are domain controllers to try first, if none is named."""
    if (wanted.url or "").startswith("ldif:"):
        from delegation.directory.offline import OfflineDirectory

        with closing(OfflineDirectory(Path(_file(wanted)), domain)) as offline:
            yield offline
        return
    from delegation.directory.ldap import LdapDirectory

    with closing(_opened(LdapDirectory, options, wanted, domain, prefer)) as writer:
        yield writer


def _opened(
    edge: Callable[[DirectorySettings, str, "Credentials"], E],
    options: Options,
    wanted: DirectorySettings,
    domain: str,
    prefer: Collection[str] = (),
) -> E:
    """A connection to the named domain controller, or to the first that DNS knows and that works.

    A refused logon is not tried on the next one: that would lock the account out.
    """
    from delegation.cli import logon

    if wanted.url is not None:
        return edge(wanted, domain, logon.credentials(options, wanted, domain))
    from delegation.directory import locate

    located = locate.controllers(wanted, domain, prefer)
    credentials = logon.credentials(options, wanted, domain)
    failures = []
    for url in located.urls:
        logon.refuse_elsewhere(options, url, domain)
        try:
            found = edge(replace(wanted, url=url), domain, credentials)
        except ConnectionFailed as exc:
            failures += [exc.what, *exc.details]
        else:
            for remark in (*located.remarks, *failures):
                terminal.warn(f"{remark}; using {url}")
            return found
    raise ConnectionFailed(
        f"none of the domain controllers of {domain} in DNS can be used",
        "look at each of these; directory.url names one to use, without DNS",
        [*failures, *located.remarks],
    )


def host_places(options: Options, inventory: Inventory) -> Callable[[str], "Place"]:
    """Where the host of a label is: by the inventory's DNS servers, where it names some.

    Each is looked up once. What it gives raises HostUnreachable for a host without an address.
    """
    from delegation.hosts.places import Place

    wanted, servers = inventory.remoting, inventory.directory.dns_servers
    ca_file = str(options.inventory.parent / wanted.ca_file) if wanted.ca_file else None

    @cache
    def place(label: str) -> Place:
        fqdn = inventory.hosts[label].fqdn
        address = _address(fqdn, servers) if servers else None
        return Place(fqdn, address, wanted.port, wanted.https, ca_file, inventory.domain)

    return place


def _address(fqdn: str, servers: tuple[str, ...]) -> str:
    from delegation.directory import locate

    try:
        return locate.addresses(fqdn, servers)[0]
    except ConnectionFailed as exc:
        raise HostUnreachable(
            exc.what, "look whether the host is in DNS, and whether directory.dns_servers is right"
        ) from exc


def hosts_account(options: Options, inventory: Inventory) -> "Account":
    """Who logs on to the hosts; asks for a password only where nothing else will do."""
    from delegation.cli import logon
    from delegation.hosts.places import Account

    wanted = inventory.remoting
    keytab = str(options.inventory.parent / wanted.keytab) if wanted.keytab else None
    return Account(wanted.user, keytab, logon.hosts_password(options, inventory))


def open_host(options: Options, inventory: Inventory) -> "Open":
    """What opens the host of a label, for the thread that calls it."""
    from delegation.hosts.winrm.host import HyperVHost

    place, account = host_places(options, inventory), hosts_account(options, inventory)

    def opened(label: str) -> "Hypervisor":
        return HyperVHost(place(label), account, inventory.hosts[label].computer)

    return opened


def _file(wanted: DirectorySettings) -> str:
    return (wanted.url or "").removeprefix("ldif:")
