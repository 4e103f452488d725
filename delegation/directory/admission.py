"""A destination of a secret -> whether it may go there, by the domains that the user knows.

What is unknown is asked about once, where somebody is there to say; what differs from what is known
never goes, whoever says so.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from delegation.directory import known_domains
from delegation.directory.connection import host_of, is_address
from delegation.directory.known_domains import Acquaintance, Destination, Judgement
from delegation.directory.known_domains_file import KnownDomainsFile, everybodys
from delegation.errors import Advice, Command, Refused, command


@runtime_checkable
class Introductions(Protocol):
    """Who may say that a domain is right that is not known yet. A Passwords may be one as well."""

    def is_there(self) -> bool:
        """Whether there is anybody to ask."""

    def is_right(self, shown: Sequence[str], file: Path) -> bool:
        """Whether what is shown is to be trusted from now on, and written to ``file``."""


class Admission:
    """Judges for one invocation. ``is_named``: its caller names the server, no inventory does.

    That is worth a connection, to show who answers there; a secret needs more.
    """

    def __init__(
        self, known: KnownDomainsFile, introductions: Introductions | None, *, is_named: bool
    ) -> None:
        self._known = known
        self._introductions = introductions
        self._is_named = is_named

    @property
    def is_nobody_there(self) -> bool:
        """Whether it is sure that nobody could be asked anything."""
        return self._introductions is not None and not self._introductions.is_there()

    def refuse_elsewhere(self, url: str, domain: str) -> None:
        """Raise Refused for a server outside the domain that only an inventory names.

        Whoever can edit an inventory must not get a password by it, nor an NTLM response or a
        ticket to try passwords on, nor a logon to pass on.
        """
        host = host_of(url).casefold()
        if self._is_named or is_in(host, domain):
            return
        to = Destination(domain, server=server_of(host, domain))
        verdict = known_domains.judged(self._known.known(domain), to)
        if not verdict.lacking.servers:
            return
        raise Refused(
            f"the logon would go to {host}, which is not in {domain}; nothing was sent",
            Advice(
                "if it is a domain controller of that domain: ",
                self._command(domain, verdict.lacking.options()),
            ),
            [f"--directory {url} names it for one command; a password needs your trust even then"],
        )

    def refuse_different(self, to: Destination, place: str = "") -> Judgement:
        """How it fits to what is known. Raises Refused where that is something else."""
        verdict = known_domains.judged(self._known.known(to.domain), to)
        if verdict.acquaintance is not Acquaintance.DIFFERENT:
            return verdict
        where = f" at {place}" if place else ""
        raise Refused(
            f"what is met{where} is not what is known of {to.domain}; no password was sent",
            Advice(
                "find out who changed it; only if it was changed on purpose: ",
                self._command(to.domain, (*verdict.met.options(), "--replace")),
            ),
            verdict.differences,
        )

    def admit(self, to: Destination, what: str, place: str, vouching: Sequence[bytes] = ()) -> None:
        """Let a secret go there: it is known, or somebody says now that it is right.

        ``what`` is the secret in words; ``vouching`` are the CAs' certificates that vouch for the
        server, in DER. Raises Refused.
        """
        verdict = self.refuse_different(to, place)
        if verdict.acquaintance is Acquaintance.KNOWN:
            return
        file = self._known.target
        # Who answers to NTLM without TLS can't be shown: that takes somebody who types it.
        may_be_asked = file is not None and not verdict.lacking.ntlm_without_tls
        if self._introductions is not None and file is not None and may_be_asked:
            shown = [self._ignorance(to.domain) + f"; {what} is to go there:"]
            shown += _introduction(to, place, vouching)
            if self._introductions.is_there() and self._introductions.is_right(shown, file):
                self._known.add(to.domain, verdict.lacking)
                return
        raise self._unknown(to, place, verdict, vouching)

    def _unknown(
        self, to: Destination, place: str, verdict: Judgement, vouching: Sequence[bytes]
    ) -> Refused:
        details = [f"CA  {subject}, {key}" for subject, key in _named(vouching)]
        if verdict.lacking.ntlm_without_tls:
            details.append("NTLM without TLS does not prove who the server is: any computer of the")
            details.append("domain can pose as it, and pass the logon on; better: ldaps://")
        if self._known.is_personal:
            details.append(
                f"for every account of this machine: the same with --known-domains {everybodys()}"
            )
        what = self._ignorance(to.domain)
        return Refused(
            f"{what}, and the logon would go to {place}; no password was sent",
            Advice("if that is right: ", self._command(to.domain, verdict.lacking.options())),
            details,
        )

    def _ignorance(self, domain: str) -> str:
        if self._known.known(domain) is not None:
            return f"what is known of {domain} does not cover this"
        return f"{domain} is not a known domain"

    def _command(self, domain: str, options: Sequence[str]) -> Command:
        where = () if self._known.target else ("--known-domains", str(everybodys()))
        return command("trust", domain, *options, *where)


def _introduction(to: Destination, place: str, vouching: Sequence[bytes]) -> Iterator[str]:
    yield f"  domain       {to.domain}"
    yield f"  server       {place}"
    for subject, key in _named(vouching):
        yield f"  CA           {subject}"
        yield f"               {key}"
    yield f"  DNS servers  {', '.join(to.dns_servers) or 'as this machine is set up'}"


def _named(vouching: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    """Subject and key of each authority."""
    from delegation.kerberos import authorities

    for certificate in vouching:
        yield authorities.subject_of(certificate) or "itself", authorities.key_of(certificate)


def is_in(name: str, domain: str) -> bool:
    """Whether a DNS name, or a realm, is the domain's or below it."""
    return f".{name}".casefold().endswith(f".{domain}".casefold())


def server_of(host: str, domain: str) -> str:
    """A host as the list has to name it; empty where the domain's name says enough."""
    if is_address(host):
        return str(ipaddress.ip_address(host))
    return "" if is_in(host, domain) else host.casefold()
