"""How to reach a directory while there is no inventory yet: by options alone."""

import os
import re
import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from delegation import names
from delegation.cli import wiring
from delegation.cli.options import Options
from delegation.errors import DirectoryError, InventoryError, UsageError
from delegation.inventory import Auth, DirectorySettings, reader
from delegation.inventory.yaml_writing import quoted
from delegation.mesh.discovery import draft


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says beyond the shared options."""

    domain: str | None
    auth: str | None
    user: str | None
    keytab: str | None
    ca_file: str | None
    start_tls: bool
    site: str | None
    dns_server: tuple[str, ...]
    ou: tuple[str, ...]
    name: str | None
    one_mesh: bool
    output: Path | None


@dataclass(frozen=True, slots=True)
class Reached:
    """How a directory is reached: ``settings`` from here, ``written`` from the inventory's folder.

    ``guess`` is where the domain's name comes from; empty where it is no guess.
    """

    domain: str
    guess: str
    settings: DirectorySettings
    written: DirectorySettings


def reached(given: Options, wanted: Wanted, folder: Path) -> Reached:
    """What the options say, for an inventory in ``folder``.

    Raises UsageError with all that is wrong with them, as the inventory's reader would judge it.
    """
    settings = DirectorySettings(
        auth=Auth(wanted.auth) if wanted.auth else None,
        user=wanted.user,
        keytab=wanted.keytab,
        ca_file=wanted.ca_file,
        site=wanted.site,
        dns_servers=wanted.dns_server,
    )
    if given.directory is not None:
        settings = wiring.redirect(settings, given.directory)
    settings = replace(settings, start_tls=wanted.start_tls)
    domain, guess = _domain(wanted, settings)
    return Reached(domain, guess, settings, _judged(domain, _beside(settings, folder), wanted))


def _beside(settings: DirectorySettings, folder: Path) -> DirectorySettings:
    """The same for a file in ``folder``: paths relative to it, as the inventory's are."""

    def moved(path: str) -> str:
        if Path(path).is_absolute():
            return path
        with suppress(ValueError):  # another drive
            return Path(os.path.relpath(path, folder)).as_posix()
        return str(Path(path).absolute())

    url = settings.url
    if url and url.startswith("ldif:"):
        url = f"ldif:{moved(url.removeprefix('ldif:'))}"
    return replace(
        settings,
        url=url,
        keytab=settings.keytab and moved(settings.keytab),
        ca_file=settings.ca_file and moved(settings.ca_file),
    )


def _domain(wanted: Wanted, used: DirectorySettings) -> tuple[str, str]:
    """The domain, and where its name comes from, empty where the user gave it.

    A guess is confirmed by the domain controller, which refuses to be another domain's. It is
    never followed by a second one: each might cost a failed logon.
    """
    if wanted.domain is not None:
        return wanted.domain.lower(), ""
    url = used.url or ""
    if url.startswith("ldif:"):
        return _domain_of_export(Path(url.removeprefix("ldif:"))), ""
    guesses = (
        ((urlsplit(url).hostname or "").partition(".")[2], "the server's name"),
        (os.environ.get("USERDNSDOMAIN", ""), "USERDNSDOMAIN"),
        (socket.getfqdn().partition(".")[2], "this machine's name"),
    )
    for guess, source in guesses:
        if names.is_fqdn(guess) and not guess.rpartition(".")[2].isdigit():
            return guess.lower(), source
    raise UsageError("this machine is in no domain that it knows of", "name it: --domain NAME")


def _domain_of_export(path: Path) -> str:
    from delegation.directory import filing, ldif

    records = ldif.records(ldif.document(filing.read(path), str(path)))
    contexts = sorted({names.naming_context(record.dn) for record in records} - {""})
    domains = [context.removeprefix("dc=").replace(",dc=", ".") for context in contexts]
    if len(domains) == 1:
        return domains[0]
    raise UsageError(
        f"{path} has objects of {len(domains)} domains: {', '.join(domains) or 'none'}",
        "say which one: --domain NAME",
    )


def _judged(domain: str, settings: DirectorySettings, wanted: Wanted) -> DirectorySettings:
    section = "\n".join(draft.directory(replace(settings, search_base=wanted.ou)))
    text = f"domain: {quoted(domain)}\n{section}\nhosts: {{hv01: , hv02: }}\n"
    problems = []
    if wanted.name is not None and not (wanted.name.strip() and wanted.name.isprintable()):
        problems.append("--name is empty, or has an invisible character in it; write it like 'hv*'")
    try:
        said = reader.parse(text.encode(errors="surrogateescape"), "the options")
    except InventoryError as exc:
        problems += [f"{problem.what}; {problem.fix}" for problem in exc.problems]
    if problems:
        fix = "most options stand for a key of the inventory: see inventory.example.yaml"
        raise UsageError("these options are not valid", fix, problems)
    return replace(said.directory, search_base=())


def in_words_of_options(
    error: DirectoryError | UsageError, reached: Reached
) -> DirectoryError | UsageError:
    """The same error for somebody who has no inventory yet."""
    details = [_as_options(line) for line in error.details]
    if reached.guess and isinstance(error, DirectoryError):
        details.append(f"the domain was taken from {reached.guess}: if it is another, --domain")
    return type(error)(_as_options(error.what), _as_options(error.fix), details)


def _as_options(words: str) -> str:
    """What is said about keys of an inventory, of which there is none yet, about options."""
    words = words.replace("directory.url", "--directory").replace(" in the inventory", "")
    words = words.replace("the inventory's domain", "the domain asked for")
    words = words.replace("domain:", "--domain").replace("dns_servers", "dns_server")
    return re.sub(
        r"directory\.([a-z_]+)(?:: true)?", lambda m: f"--{m[1].replace('_', '-')}", words
    )
