"""How a directory is reached: inventory, caller and a run's record -> settings, and back.

``here`` is the folder that an inventory's paths are relative to.
"""

import ipaddress
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from delegation.changes.run import Run
from delegation.errors import JournalError, Refused, UsageError
from delegation.inventory import Auth, DirectorySettings, Inventory
from delegation.mesh.snapshot import Directory


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs on. The password is never printed, logged or stored.

    Without a user it is the current logon, without a password the keytab or the ticket cache.
    """

    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.user!r})"


def host_of(url: str) -> str:
    """The host that ``url`` names, in lower case; empty of an ``ldif:`` one."""
    return (urlsplit(url).hostname or "").rstrip(".")


def is_address(host: str) -> bool:
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
    if settings.user is None and (
        logon is Auth.SIMPLE or (logon is Auth.NTLM and sys.platform != "win32")
    ):
        raise UsageError("no user to log on with", "set directory.user in the inventory")
    if logon is Auth.KERBEROS and is_address(host_of(url)):
        raise UsageError(
            f"Kerberos needs the domain controller's name, and {url} is an address",
            "write ldap://dc1.corp.example; where this machine can't resolve that, set "
            "directory.dns_servers",
        )


def settings(inventory: Inventory, here: Path, url: str | None = None) -> DirectorySettings:
    """How to reach the directory, with what the caller says and paths made absolute.

    ``url`` is the caller's. Without any it is found in DNS, when it is opened. Raises UsageError
    where the caller's is none.
    """
    wanted = inventory.directory
    if url is not None:
        wanted = redirect(wanted, url)
    elif wanted.url is not None and wanted.url.startswith("ldif:"):
        wanted = replace(wanted, url=f"ldif:{here / wanted.url.removeprefix('ldif:')}")
    return with_logon(wanted, inventory, here)


def with_logon(wanted: DirectorySettings, inventory: Inventory, here: Path) -> DirectorySettings:
    """``wanted``, with the way to log on that the inventory declares, if it does."""
    own = inventory.directory
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


def recorded_as(wanted: DirectorySettings, domain: str) -> str:
    """What a run is recorded against: the domain, or the absolute path of an export."""
    url = wanted.url or ""
    if url.startswith("ldif:"):
        return f"ldif:{Path(url.removeprefix('ldif:')).resolve()}"
    return domain.casefold()


def connection_record(
    wanted: DirectorySettings, directory: Directory | None = None
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
        recorded["url"] = recorded_as(wanted, "")
    return recorded


def recorded_settings(connection: dict[str, Any]) -> DirectorySettings:
    """The settings that ``connection_record`` made a record of. Raises JournalError."""
    fields = dict(connection)
    try:
        for name in ("dns_servers", "search_base"):
            fields[name] = tuple(fields.get(name, ()))
        if fields.get("auth"):
            fields["auth"] = Auth(fields["auth"])
        found = DirectorySettings(**fields)
    except (TypeError, ValueError) as exc:
        raise JournalError(_NO_CONNECTION, _RESTORE) from exc
    texts = (found.url, found.user, found.ca_file, found.keytab, found.site)
    if not all(isinstance(text, str | None) for text in texts):
        raise JournalError(_NO_CONNECTION, _RESTORE)
    return found


_NO_CONNECTION = "how this run reached its directory can't be read"
_RESTORE = "the journal is damaged: restore it from a backup, or import the run's undo file"


def export_file(wanted: DirectorySettings) -> Path:
    """The file of an export's URL."""
    return Path((wanted.url or "").removeprefix("ldif:"))


def settings_to_undo(
    run: Run, inventory: Inventory | None, here: Path, url: str | None
) -> DirectorySettings:
    """The directory of a run that is to be undone, unless the caller names another by ``url``.

    Who logs on is for the inventory to say, where there is a valid one: whoever undoes a run at
    night need not be who made it. Raises Refused where only the journal vouches for the server:
    anybody may have planted that.
    """
    found = recorded_settings(dict(run.connection))
    if inventory is not None and inventory.domain.casefold() == run.domain.casefold():
        found = with_logon(found, inventory, here)
    if url is not None:
        return redirect(found, url)
    if (found.url or "").startswith("ldif:"):
        return found
    say_so = f"if that is right, say so yourself: --directory {found.url}"
    if inventory is None:
        raise Refused(
            f"only the journal says that run {run.id} belongs to {found.url}; nothing was "
            "sent or written",
            say_so,
        )
    if run.domain.casefold() != inventory.domain.casefold():
        raise Refused(
            f"run {run.id} was made in {run.domain}, not in {inventory.domain}; nothing "
            "was sent or written",
            say_so,
        )
    return found
