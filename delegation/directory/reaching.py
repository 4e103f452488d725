"""DirectorySettings -> an open directory: an export, or a domain controller that works."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, TypeVar

from delegation.changes.run import Run
from delegation.directory import connection
from delegation.directory.connection import ServerLogon
from delegation.directory.logons import Logons
from delegation.errors import (
    Advice,
    ConnectionFailed,
    DelegationError,
    HostUnreachable,
    UsageError,
    command,
)
from delegation.events import Teller, warning
from delegation.inventory import DirectorySettings
from delegation.mesh.seams import Inspector, Writer

if TYPE_CHECKING:
    from delegation.directory.ldap import LdapReader

E = TypeVar("E", bound="LdapReader")


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


@contextmanager
def writing_back(
    run: Run, wanted: DirectorySettings, logons: Logons, teller: Teller, *, is_chosen: bool
) -> Iterator[Writer]:
    """The domain controller of a run that is to be undone; ``is_chosen``: another one, by a person.

    Raises ConnectionFailed with what to do without it: whatever has not replicated from there yet
    is not on any other.
    """
    with ExitStack() as stack:
        try:
            writer = stack.enter_context(writing(wanted, run.domain, logons, teller))
        except ConnectionFailed as exc:
            if is_chosen or run.directory.startswith("ldif:"):
                raise
            elsewhere = command("rollback", str(run.id), "--on", "DC")
            risk = "what has not replicated yet looks undone, or not made"
            raise ConnectionFailed(
                f"run {run.id} was made on {run.dc}, which can't be used: {exc.what}",
                Advice("try again when it can, or choose another one: ", elsewhere),
                [*exc.details, f"on another one, {risk}"],
            ) from exc
        yield writer


def unlocated(wanted: DirectorySettings, domain: str) -> DelegationError | None:
    """Why no domain controller is to be found; None where one is named, or DNS knows one."""
    if wanted.url is not None:
        return None
    from delegation.directory import locate

    try:
        locate.controllers(wanted, domain)
    except (ConnectionFailed, UsageError) as exc:
        return exc
    return None


def _opened(  # noqa: PLR0913, PLR0917 - what a logon rests on
    edge: Callable[[DirectorySettings, str, ServerLogon], E],
    wanted: DirectorySettings,
    domain: str,
    logons: Logons,
    teller: Teller,
    prefer: Collection[str] = (),
) -> E:
    """A connection to the named domain controller, or to the first that DNS knows and that works.

    A refused logon is not tried on the next one: that would lock the account out.
    """
    logon = logons.to_directory(wanted, domain)
    if wanted.url is not None:
        return edge(wanted, domain, logon)
    from delegation.directory import locate

    located = locate.controllers(wanted, domain, prefer)
    failures: list[str] = []
    for url in located.urls:
        logons.refuse_elsewhere(url, domain)
        try:
            directory = edge(wanted._replace(url=url), domain, logon)
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


def host_address(fqdn: str, servers: tuple[str, ...]) -> str:
    from delegation.directory import locate

    try:
        return locate.addresses(fqdn, servers)[0]
    except ConnectionFailed as exc:
        raise HostUnreachable(
            exc.what, "look whether the host is in DNS, and whether directory.dns_servers is right"
        ) from exc
