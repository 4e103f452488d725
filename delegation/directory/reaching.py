"""DirectorySettings -> an open directory: an export, or a domain controller that works."""

from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from delegation.directory import connection
from delegation.directory.connection import Credentials
from delegation.errors import ConnectionFailed
from delegation.events import Teller, warning
from delegation.inventory import DirectorySettings, Inventory
from delegation.mesh.reader import Inspector, Writer

if TYPE_CHECKING:
    from delegation.directory.ldap import LdapReader

E = TypeVar("E", bound="LdapReader")


class Logons(Protocol):
    """Who logs on, and with what: the caller's, who may ask somebody for a password."""

    def to_directory(self, wanted: DirectorySettings, domain: str) -> Credentials:
        """Raises UsageError, and Refused where the server must not have them."""

    def refuse_elsewhere(self, url: str, domain: str) -> None:
        """Raise Refused for a server outside ``domain`` that only an inventory names."""

    def to_hosts(self, inventory: Inventory) -> str | None:
        """The password of ``remoting.user``; None where a ticket makes it needless."""


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
    edge: Callable[[DirectorySettings, str, Credentials], E],
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
    failures: list[str] = []
    for url in located.urls:
        logons.refuse_elsewhere(url, domain)
        try:
            directory = edge(replace(wanted, url=url), domain, credentials)
        except ConnectionFailed as exc:
            failures += [exc.what, *map(str, exc.details)]
        else:
            for remark in (*located.remarks, *failures):
                teller.say(warning(f"{remark}; using {url}"))
            return directory
    raise ConnectionFailed(
        f"none of the domain controllers of {domain} in DNS can be used",
        "look at each of these; directory.url names one to use, without DNS",
        [*failures, *located.remarks],
    )
