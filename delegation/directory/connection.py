"""Inventory, caller, a run's record -> DirectorySettings: how a directory is reached; and back.

``here`` is the folder that an inventory's paths are relative to.
"""

import ipaddress
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self
from urllib.parse import urlsplit

from delegation import names
from delegation.changes.run import Run
from delegation.errors import JournalError, Refused, UsageError
from delegation.inventory import Auth, DirectorySettings, Inventory
from delegation.mesh.snapshot import Directory


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs on. The password is never printed, logged or stored.

    Without a user it is the current logon, without a password the keytab or the ticket cache.
    Raises UsageError for an empty password: a simple bind with one is an "unauthenticated" bind,
    which succeeds as nobody (RFC 4513, 5.1.2). It would look like a logon that may read nothing.
    """

    user: str | None = None
    password: str | None = None

    def __post_init__(self) -> None:
        if self.password is not None and not self.password:
            raise UsageError(
                "an empty password is refused: a domain controller takes it as no logon at all",
                "set DELEGATION_PASSWORD or use --password-file",
            )

    def __repr__(self) -> str:
        return f"Credentials({self.user!r})"

    def for_server(self, reached: "ReachedServer") -> Self:  # noqa: ARG002
        """Itself, as a ServerLogon: whoever made it has decided where it goes."""
        return self


class ReachedServer(NamedTuple):
    """Who answered, before anything was sent there; ``chain`` None: without TLS.

    It is the chain by which this machine has verified the server, in DER, the server's own first.
    """

    host: str
    chain: tuple[bytes, ...] | None = None


class ServerLogon(Protocol):
    """Whose logon it is, and what of it the server gets that was reached."""

    @property
    def user(self) -> str | None: ...

    def for_server(self, reached: ReachedServer) -> Credentials:
        """Raises DelegationError where nothing may go there."""


def host_of(url: str) -> str:
    """The host that ``url`` names, in lower case; empty of an ``ldif:`` one."""
    return (urlsplit(url).hostname or "").rstrip(".")


def is_address(host: str) -> bool:
    """Whether ``host`` is an IP address, of which Kerberos has no tickets."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def refuse_unable(settings: DirectorySettings) -> None:
    """Raise UsageError for a way to log on that is not safe, or that can't be."""
    url, logon = settings.url or "", settings.logon
    if logon is Auth.SIMPLE and url.startswith("ldap://") and not settings.start_tls:
        raise UsageError(
            f"{url} would send the password in clear",
            "use ldaps://, or set directory.start_tls: true, or use auth: kerberos",
        )
    # Windows hands NTLM the current logon's secret; nothing else does.
    has_current_logon = logon is Auth.KERBEROS or (logon is Auth.NTLM and sys.platform == "win32")
    if settings.user is None and not has_current_logon:
        raise UsageError("no user to log on with", "set directory.user in the inventory")
    if logon is Auth.KERBEROS and is_address(host_of(url)):
        raise UsageError(
            f"Kerberos needs the domain controller's name, and {url} is an address",
            "write ldap://dc1.corp.example; where this machine can't resolve that, set "
            "directory.dns_servers",
        )


def directory_settings(
    inventory: Inventory, here: Path, url: str | None = None
) -> DirectorySettings:
    """How to reach the directory, with what the caller says and paths made absolute.

    ``url`` is the caller's. Without any it is found in DNS, when it is opened. Raises UsageError
    where the caller's is none.
    """
    settings = inventory.directory
    if url is not None:
        settings = redirect(settings, url)
    elif settings.url is not None and settings.url.startswith("ldif:"):
        export = here / settings.url.removeprefix("ldif:")
        settings = settings._replace(url=f"ldif:{export}")
    return with_logon(settings, inventory, here)


def with_logon(settings: DirectorySettings, inventory: Inventory, here: Path) -> DirectorySettings:
    """``settings``, with the way to log on that the inventory declares, if it does."""
    declared = inventory.directory
    ca_file = str(here / declared.ca_file) if declared.ca_file else settings.ca_file
    dns_servers = declared.dns_servers or settings.dns_servers
    trusting = settings._replace(ca_file=ca_file, dns_servers=dns_servers)
    if not (declared.auth or declared.user or declared.keytab):
        return trusting
    keytab = str(here / declared.keytab) if declared.keytab else None
    return trusting._replace(auth=declared.auth, user=declared.user, keytab=keytab)


def redirect(settings: DirectorySettings, url: str) -> DirectorySettings:
    """The same settings towards another URL. Raises UsageError where it is none."""
    from delegation.inventory.directory_section import directory_url

    try:
        url = directory_url(url)
    except ValueError as exc:
        what, fix = exc.args
        raise UsageError(f"--directory: {what}", fix) from exc
    start_tls = settings.start_tls and url.startswith("ldap://")
    return settings._replace(url=url, start_tls=start_tls)


def recorded_as(settings: DirectorySettings, domain: str) -> str:
    """What a run is recorded against: the domain, or the absolute path of an export."""
    url = settings.url or ""
    if url.startswith("ldif:"):
        return f"ldif:{export_file(settings).resolve()}"
    return domain.casefold()


def connection_record(
    settings: DirectorySettings, directory: Directory | None = None
) -> dict[str, Any]:
    """What a rollback needs to come back to the same domain controller; no secret is in it.

    ``directory`` is the one that answered: it is pinned, also where it was found in DNS.
    """
    if settings.url is None and directory is not None:
        settings = settings._replace(url=directory.url)
    record = {key: value for key, value in settings._asdict().items() if value}
    # Absolute: a rollback may be typed in another folder.
    for path in ("ca_file", "keytab"):
        if record.get(path):
            record[path] = str(Path(record[path]).resolve())
    if str(record.get("url", "")).startswith("ldif:"):
        record["url"] = recorded_as(settings, "")
    return record


def recorded_settings(connection: dict[str, Any]) -> DirectorySettings:
    """The settings that ``connection_record`` made a record of. Raises JournalError."""
    fields = dict(connection)
    try:
        for name in ("dns_servers", "search_base"):
            fields[name] = tuple(fields.get(name, ()))
        if fields.get("auth"):
            fields["auth"] = Auth(fields["auth"])
        settings = DirectorySettings(**fields)
        _refuse_unheard_of(settings)
    except (TypeError, ValueError) as exc:
        raise JournalError(_NO_CONNECTION, _RESTORE) from exc
    return settings


def _refuse_unheard_of(settings: DirectorySettings) -> None:
    """Raise TypeError or ValueError for what no inventory could have said: somebody planted it.

    The Kerberos library reads a name up to its first zero byte. Whoever judges where a password
    goes must not read another one.
    """
    from delegation.inventory.directory_section import directory_url

    said = (settings.user, settings.site, *settings.search_base)
    # A folder may be called anything.
    paths = (settings.url, settings.ca_file, settings.keytab)
    texts = [text for text in (*said, *paths) if text is not None]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("not a text")
    if any("\0" in text for text in texts) or any(
        names.inert(text) != text for text in said if text
    ):
        raise ValueError("invisible characters")
    if not isinstance(settings.start_tls, bool):
        raise TypeError("start_tls is neither true nor false")
    for address in settings.dns_servers:
        ipaddress.ip_address(str(address))
    if settings.url is not None:
        directory_url(settings.url)


_NO_CONNECTION = "how this run reached its directory can't be read"
_RESTORE = "the journal is damaged: restore it from a backup, or import the run's undo file"


def export_file(settings: DirectorySettings) -> Path:
    """The file of an export's URL."""
    return Path((settings.url or "").removeprefix("ldif:"))


def url_elsewhere(run: Run, dc: str) -> str:
    """The URL of another domain controller than a run's; ``dc`` is its host name or a URL.

    A name is reached in the way in which the run's own was. Raises UsageError.
    """
    own = recorded_settings(dict(run.connection)).url or ""
    if own.startswith("ldif:") or dc.startswith("ldif:"):
        raise UsageError(
            f"--on names a domain controller, and run {run.id} can't be undone on {dc}",
            "name an export that has been moved with --directory ldif:FILE",
        )
    from delegation.inventory.directory_section import directory_url

    try:
        return directory_url(dc if "://" in dc else _url_like(own, dc, run.domain))
    except ValueError as exc:
        what, fix = exc.args
        raise UsageError(f"--on: {what}", fix) from exc


def _url_like(own: str, dc: str, domain: str) -> str:
    """``dc``, a host name, an address or a name with a port, in the way of ``own``.

    Raises ValueError(what, what to do).
    """
    scheme = own.partition("://")[0] or "ldap"
    if is_address(dc):
        return f"{scheme}://[{dc}]" if ":" in dc else f"{scheme}://{dc}"
    host, colon, port = dc.partition(":")
    if not host.strip():
        raise ValueError("no host is named", f"write --on dc2.{domain}")
    # Neither a certificate nor a ticket need know a short name.
    fqdn = host if "." in host else f"{host}.{domain}"
    return f"{scheme}://{fqdn}{colon}{port}"


def settings_to_undo(
    run: Run, inventory: Inventory | None, here: Path, url: str | None
) -> DirectorySettings:
    """The directory of a run that is to be undone, unless the caller names another by ``url``.

    Who logs on is for the inventory to say, where there is a valid one: whoever undoes a run at
    night need not be who made it. Raises Refused where only the journal vouches for the server:
    anybody may have planted that.
    """
    settings = recorded_settings(dict(run.connection))
    if inventory is not None and inventory.domain.casefold() == run.domain.casefold():
        settings = with_logon(settings, inventory, here)
    if url is not None:
        return redirect(settings, url)
    if (settings.url or "").startswith("ldif:"):
        return settings
    confirm_it = f"if that is right, say so yourself: --directory {settings.url}"
    if inventory is None:
        raise Refused(
            f"only the journal says that run {run.id} belongs to {settings.url}; nothing was "
            "sent or written",
            confirm_it,
        )
    if run.domain.casefold() != inventory.domain.casefold():
        raise Refused(
            f"run {run.id} was made in {run.domain}, not in {inventory.domain}; nothing "
            "was sent or written",
            confirm_it,
        )
    return settings
