"""Puts the parts together for one command: inventory, directory, journal, and the comparison."""

import getpass
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from delegation import compare, mesh, names, snapshot
from delegation.cli.options import Options
from delegation.edges import Inspector, Reader, Writer
from delegation.errors import AccountsError, DirectoryError, JournalError, Refused, UsageError
from delegation.inventory import Auth, DirectorySettings, Inventory

if TYPE_CHECKING:
    from delegation.directory.session import Credentials


def load(options: Options) -> Inventory:
    """The inventory. Raises InventoryError with all its problems, UsageError without a file."""
    from delegation.inventory import reader, yaml_text

    data = yaml_text.read_file(str(options.inventory))
    return reader.parse(data, str(options.inventory))


def settings(options: Options, inventory: Inventory) -> DirectorySettings:
    """How to reach the directory, with what the command line says and paths made absolute."""
    wanted = inventory.directory
    if options.directory is not None:
        wanted = redirect(wanted, options.directory)
    if wanted.url is None:
        raise UsageError(
            f"{options.inventory} names no directory, and finding one in DNS is not in this "
            "version",
            "set directory.url, or use --directory",
        )
    url = wanted.url
    if url.startswith("ldif:") and options.directory is None:
        url = f"ldif:{options.inventory.parent / url.removeprefix('ldif:')}"
    return replace(with_logon(wanted, options, inventory), url=url)


def with_logon(
    wanted: DirectorySettings, options: Options, inventory: Inventory
) -> DirectorySettings:
    """``wanted``, with the way to log on that the inventory declares, as far as it does."""
    own = inventory.directory
    ca_file = str(options.inventory.parent / own.ca_file) if own.ca_file else wanted.ca_file
    return replace(
        wanted,
        auth=own.auth or wanted.auth,
        user=own.user or wanted.user,
        keytab=own.keytab or wanted.keytab,
        ca_file=ca_file,
    )


def redirect(wanted: DirectorySettings, url: str) -> DirectorySettings:
    """The same settings towards another URL. Raises UsageError where it is none."""
    from delegation.inventory.directory import directory_url

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


def connection_record(wanted: DirectorySettings) -> dict[str, Any]:
    """What a rollback needs to come back to the same directory; no secret is in it."""
    recorded = {key: value for key, value in asdict(wanted).items() if value}
    if recorded.get("ca_file"):
        recorded["ca_file"] = str(Path(recorded["ca_file"]).resolve())
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
    texts = (settings.url or "", settings.user or "", settings.ca_file or "")
    if not all(isinstance(text, str) for text in texts):
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

    with closing(LdapInspector(wanted, domain, _credentials(options, wanted, domain))) as reader:
        yield reader


@contextmanager
def writing(options: Options, wanted: DirectorySettings, domain: str) -> Iterator[Writer]:
    """The directory to change."""
    if (wanted.url or "").startswith("ldif:"):
        from delegation.directory.offline import OfflineDirectory

        with closing(OfflineDirectory(Path(_file(wanted)), domain)) as offline:
            yield offline
        return
    from delegation.directory.ldap import LdapDirectory

    with closing(LdapDirectory(wanted, domain, _credentials(options, wanted, domain))) as writer:
        yield writer


def _file(wanted: DirectorySettings) -> str:
    return (wanted.url or "").removeprefix("ldif:")


def _credentials(options: Options, wanted: DirectorySettings, domain: str) -> "Credentials":
    from delegation.directory.session import Credentials, host_of, refuse_unable

    refuse_unable(wanted)
    host = host_of(wanted.url or "").rstrip(".").casefold()
    home = domain.casefold()
    if options.directory is None and host != home and not host.endswith("." + home):
        raise Refused(
            f"the password would go to {host}, which is not in {domain}; it was not sent",
            f"if that is right, say so yourself: --directory {wanted.url}",
        )
    if not wanted.user:
        raise UsageError("no user to log on with", "set directory.user in the inventory")
    return Credentials(wanted.user, _password(options, wanted.user, host))


def _password(options: Options, user: str, host: str) -> str:
    if options.password_file is not None:
        try:
            password = options.password_file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as exc:
            raise UsageError(
                f"--password-file {options.password_file} can't be read: {exc}",
                "name a UTF-8 text file that holds the password alone",
            ) from exc
        return password.removesuffix("\n").removesuffix("\r")
    if (given := os.environ.get("DELEGATION_PASSWORD")) is not None:
        return given
    if not sys.stdin.isatty():
        raise UsageError(
            f"no password for {user} on {host}",
            "set DELEGATION_PASSWORD, use --password-file, or run at a terminal",
        )
    return getpass.getpass(f"Password of {names.inert(user)} for {names.inert(host)}: ")


def limited(expressions: str | None, inventory: Inventory) -> frozenset[str] | None:
    """The labels that ``--limit`` means; None without it. Raises UsageError for unknown ones."""
    if expressions is None:
        return None
    known = {label.casefold(): label for label in inventory.hosts}
    try:
        wanted = [name for part in names.split_list(expressions) for name in names.expand(part)]
    except ValueError as exc:
        raise UsageError(f"--limit: {exc}", "write hosts as in hv[01-08],hv12") from exc
    unknown = [name for name in wanted if name.casefold() not in known]
    if unknown or not wanted:
        raise UsageError(
            f"--limit names no host of the inventory: {names.fold(unknown) or expressions!r}",
            f"its hosts are {names.fold(inventory.hosts)}",
        )
    return frozenset(known[name.casefold()] for name in wanted)


def survey(
    inventory: Inventory, reader: Reader, limit: Collection[str] | None = None
) -> compare.Comparison:
    """Read the directory once and judge it, for a plan.

    Raises AccountsError where a host in scope, or a host it reaches, has not exactly one
    account in the domain.
    """
    comparison = _compared(inventory, reader, limit)
    problems = account_problems(comparison, limit)
    if problems:
        raise AccountsError(
            f"{len(problems)} of the inventory's accounts can't be used",
            "correct the inventory, or join the hosts to the domain; nothing was written",
            [what for _, what in problems],
        )
    return comparison


def inspect(
    inventory: Inventory,
    inspector: Inspector,
    limit: Collection[str] | None = None,
    operators: Sequence[str] = (),
) -> compare.Comparison:
    """The same for findings: hosts without an account are left out, and evidence is looked up.

    Still one search where nothing but the inventory's own values is found: who else holds a name
    that they use comes with the hosts.
    """
    comparison = _compared(inventory, inspector, limit, hosts_too=True)
    found = comparison.snapshot
    others = [
        spn
        for host in comparison.hosts
        for verdict in host.extra
        for spn in (verdict.value, names.host_spn(verdict.value))
        if spn and not found.holders(spn)
    ]
    accounts = list(found.accounts)
    if others:
        known = {account.guid for account in accounts}
        more = inspector.find((), list(dict.fromkeys(others)))
        accounts += [account for account in more if account.guid not in known]
    sids = {ace.sid for host in comparison.hosts for ace in host.computer.acting}
    return replace(
        comparison,
        snapshot=replace(
            found,
            accounts=tuple(accounts),
            operators=tuple(operator(inspector, name) for name in operators),
            account_names=inspector.account_names(sorted(sids)) if sids else {},
        ),
    )


def operator(inspector: Inspector, name: str) -> snapshot.Operator:
    """Who ``name`` is. Raises DirectoryError where several accounts answer to it."""
    found = inspector.people(name)
    if len(found) > 1:
        raise DirectoryError(
            f"{name} means several accounts: {' and '.join(a.dn for a in found)}",
            "name the operator as DOMAIN\\user or user@domain",
        )
    if not found:
        return snapshot.Operator(name, None)
    return snapshot.Operator(name, found[0], inspector.token(found[0]))


def _compared(
    inventory: Inventory,
    reader: Reader,
    limit: Collection[str] | None,
    *,
    hosts_too: bool = False,
) -> compare.Comparison:
    """``hosts_too``: with whoever else holds HOST/… of a host, for which a plan has no use."""
    desired = mesh.desired(inventory)
    wanted = desired.account_names()
    endpoints = desired.endpoints_of(list(desired.delegates)) if hosts_too else ()
    spns = [f"HOST/{name}" for e in endpoints for name in (e.computer, e.fqdn)]
    accounts = reader.find(wanted, spns)
    bases = inventory.directory.search_base
    found = snapshot.resolve(reader.directory, wanted, accounts, bases)
    return compare.compare(inventory, desired, found, date.today(), limit)  # noqa: DTZ011 - a keep rule's day is the admin's


def account_problems(
    comparison: compare.Comparison, limit: Collection[str] | None = None
) -> list[tuple[str, str]]:
    """Hosts in scope without exactly one account, as (label, what is wrong)."""
    desired, found = comparison.desired, comparison.snapshot
    scope = [label for label in desired.delegates if limit is None or label in limit]
    hosts = {label: desired.delegates[label].host.computer for label in scope}
    hosts |= {e.label: e.computer for e in desired.endpoints_of(scope) if e.is_host}
    base = found.directory.base_dn
    problems = []
    for label, computer in hosts.items():
        if computer in found.missing:
            problems.append((label, f"{label}: there is no computer {computer}$ in {base}"))
        elif computer in found.ambiguous:
            dns = " and ".join(found.ambiguous[computer])
            problems.append((label, f"{label}: several accounts are {computer}$: {dns}"))
        elif computer in found.elsewhere:
            dn = found.elsewhere[computer]
            home = names.naming_context(dn) == names.dn_key(base)
            where = "outside directory.search_base" if home else f"in another domain than {base}"
            problems.append((label, f"{label}: {dn} is {where}"))
    return problems
