"""What somebody says of a domain -> what would be known of it then, and the file that says so."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from delegation import names
from delegation.directory import known_domains, known_domains_form
from delegation.directory.admission import server_of
from delegation.directory.connection import host_of
from delegation.directory.known_domains import KnownDomain
from delegation.directory.known_domains_file import KnownDomainsFile
from delegation.errors import Command, UsageError, command
from delegation.inventory import Auth, DirectorySettings


@dataclass(frozen=True, slots=True)
class TrustProposal:
    """What would be written of a domain. ``lines`` show it; none where all of it is known."""

    domain: str
    said: KnownDomain
    replaces: bool
    lines: tuple[str, ...]


class Trusting:
    """The list of known domains, to be looked at and to be added to."""

    def __init__(self, known: KnownDomainsFile) -> None:
        self._known = known

    @property
    def file(self) -> Path | None:
        """Where it would be written."""
        return self._known.target

    def listed(self) -> list[str]:
        """All that is known, line by line. Raises UsageError."""
        return known_domains_form.as_lines(self._known.all())

    def proposed(  # noqa: PLR0913 - what can be said of a domain
        self,
        domain: str,
        *,
        ca_files: Sequence[Path] = (),
        keys: Sequence[str] = (),
        dns_servers: Sequence[str] = (),
        servers: Sequence[str] = (),
        ntlm_without_tls: bool = False,
        replaces: bool = False,
    ) -> TrustProposal:
        """Raises UsageError for what can't be said of a domain, and for a file that is no CA's."""
        if not names.is_fqdn(domain):
            raise UsageError(f"{domain!r} is not a DNS domain", "write it like corp.example")
        authorities, subjects = list(_each(known_domains.authority, "--ca", keys)), []
        for file in ca_files:
            for key, subject in _in_file(file):
                authorities.append(key)
                subjects.append(f"{file}: {subject}, {key}")
        said = KnownDomain(
            tuple(dict.fromkeys(authorities)),
            tuple(_each(known_domains_form.address, "--dns-server", dns_servers)),
            tuple(_each(known_domains_form.server, "--server", servers)),
            ntlm_without_tls,
        )
        before = self._known.of_target(domain)
        lines = [*subjects, *_shown(domain, before, said, replaces=replaces)]
        besides = self._known.besides(domain) if replaces else None
        if besides is not None:
            lines.append(f"what {besides} says of it holds besides, until it is replaced there")
        is_news = before is None or (said if replaces else before.joined(said)) != before
        return TrustProposal(domain, said, replaces, tuple(lines) if is_news else ())

    def lacking(self, wanted: DirectorySettings, domain: str, *, is_asked: bool) -> Command | None:
        """What is to be typed so that an unattended logon by password goes; None: nothing lacks.

        It is what the inventory says, for somebody to look at. Without ``is_asked`` the list is
        another machine's, of which nothing is known.
        """
        known = self._known.known(domain) if is_asked else None
        # With Kerberos it goes to a KDC, and nothing rests on the server's TLS.
        is_for_server = wanted.logon is not Auth.KERBEROS
        is_over_tls = wanted.over_tls or wanted.logon is Auth.SIMPLE
        needs_authority = is_for_server and is_over_tls
        host = host_of(wanted.url or "")
        server = server_of(host, domain) if is_for_server and host else ""
        needed = KnownDomain(
            dns_servers=wanted.dns_servers,
            servers=(server,) if server else (),
            ntlm_without_tls=is_for_server and not is_over_tls,
        )
        if known is not None and known.joined(needed) == known:
            lacks_authority = needs_authority and not known.authorities
            if not lacks_authority:
                return None
        words = ["trust", domain]
        if needs_authority:
            words += ["--ca-file", wanted.ca_file or "CA.pem"]
        words += needed.options()
        return command(*words)

    def write(self, proposal: TrustProposal) -> Path:
        """The file that was written. Raises UsageError."""
        write = self._known.replace if proposal.replaces else self._known.add
        return write(proposal.domain, proposal.said)


def _shown(
    domain: str, before: KnownDomain | None, said: KnownDomain, *, replaces: bool
) -> Iterator[str]:
    if before is not None and replaces:
        yield f"{domain} is known by this:"
        yield from _indented(before)
        yield "and would be known by this alone:"
    elif before is not None:
        yield f"to what is known of {domain} is added:"
    else:
        yield f"{domain} becomes a known domain:"
    yield from _indented(said)


def _indented(known: KnownDomain) -> Iterator[str]:
    yield from (f"  {line}" for line in known.lines() or [known_domains.NAME_ALONE])


def _each(read: Callable[[str], str], option: str, given: Iterable[str]) -> Iterator[str]:
    for text in given:
        try:
            yield read(text)
        except ValueError as exc:
            raise UsageError(f"{option}: {exc}", "correct it") from exc


def _in_file(file: Path) -> list[tuple[str, str]]:
    """Key and subject of each authority in a PEM file. Raises UsageError."""
    from delegation.kerberos import authorities

    try:
        data = file.read_bytes()
    except OSError as exc:
        raise UsageError(
            f"--ca-file {file} can't be read: {exc.strerror or exc}", "name the CA's PEM file"
        ) from exc
    return authorities.in_pem(data, str(file))
