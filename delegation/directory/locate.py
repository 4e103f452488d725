"""A domain -> its domain controllers and their addresses, from DNS (MS-ADTS 6.3.6, RFC 2782).

What DNS says has no proof. It may lead to a host, never to another name: only hosts of the domain
are taken, and each has to show by certificate or ticket that it is who DNS says it is.
"""

import random
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import dns.exception
import dns.name
import dns.resolver

from delegation.errors import ConnectionFailed, UsageError
from delegation.inventory import Auth, DirectorySettings

SECONDS = 10.0
"""How long one question may take, all servers and repetitions together."""

MOST = 12
"""Domain controllers that are tried; each may take a connection's timeout to fail."""

PORT = 389
GLOBAL_CATALOG_PORTS = frozenset({3268, 3269})

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\Z")


@dataclass(frozen=True, slots=True)
class Controller:
    """One SRV record: where a domain controller says that it serves LDAP."""

    host: str
    port: int
    priority: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Located:
    """Where to try, best first. ``remarks``: what DNS gave that was not taken, and why."""

    urls: tuple[str, ...]
    remarks: tuple[str, ...] = ()


@dataclass
class _Answers:
    """What DNS has said so far, and what of it was not taken."""

    controllers: list[Controller] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def controllers(settings: DirectorySettings, domain: str, prefer: Collection[str] = ()) -> Located:
    """The domain's domain controllers, those of the site first, and ``prefer`` before all.

    ``prefer`` are hosts that only count where DNS knows them. Raises ConnectionFailed where there
    is none.
    """
    resolver = _resolver(settings.dns_servers)
    answers = _Answers()
    # Read-only DCs register in their site alone, so that the whole domain gives writable ones.
    tail = ("dc", "_msdcs", *domain.split("."))
    if settings.site is not None:
        _ask(resolver, ("_ldap", "_tcp", settings.site, "_sites", *tail), domain, answers)
        if not answers.controllers:
            answers.remarks.append(f"site {settings.site}: none there, looked in the whole domain")
    _ask(resolver, ("_ldap", "_tcp", *tail), domain, answers)
    remarks = list(dict.fromkeys(answers.remarks))
    if not answers.controllers:
        raise ConnectionFailed(
            f"DNS knows no domain controller of {domain} that can be used",
            "set directory.dns_servers to the domain's DNS servers, or name one: directory.url",
            remarks,
        )
    preferred = {host.casefold() for host in prefer}
    in_order = sorted(answers.controllers, key=lambda record: record.host not in preferred)
    # A host may come twice, of its site and of the domain; the first counts.
    urls = dict.fromkeys(url_of(controller, settings) for controller in in_order)
    if len(urls) > MOST:
        remarks.append(f"{len(urls) - MOST:,} more are in DNS and were not tried")
    return Located(tuple(urls)[:MOST], tuple(remarks))


def url_of(controller: Controller, settings: DirectorySettings) -> str:
    """``ldaps://`` for a simple bind, else ``ldap://``, which is sealed or has StartTLS.

    A record's port is that of plain LDAP; a global catalog's is never used: it holds no values of
    msDS-AllowedToDelegateTo, so that every mesh looks empty there.
    """
    if settings.logon is Auth.SIMPLE and not settings.start_tls:
        return f"ldaps://{controller.host}"
    if controller.port in {PORT, *GLOBAL_CATALOG_PORTS}:
        return f"ldap://{controller.host}"
    return f"ldap://{controller.host}:{controller.port}"


def ordered(
    records: Iterable[Controller], draw: Callable[[int, int], int] = random.randint
) -> Iterator[Controller]:
    """Lowest priority first; within one, at random by weight (RFC 2782, "Usage rules")."""
    remaining = sorted(records, key=lambda record: (record.priority, record.weight, record.host))
    while remaining:
        lowest = remaining[0].priority
        candidates = [record for record in remaining if record.priority == lowest]
        drawn = draw(0, sum(record.weight for record in candidates))
        for chosen in candidates:
            drawn -= chosen.weight
            if drawn <= 0:
                break
        remaining.remove(chosen)
        yield chosen


def addresses(host: str, dns_servers: Sequence[str]) -> list[str]:
    """All addresses of ``host``, by these servers. Raises ConnectionFailed where it has none."""
    try:
        answer = _resolver(dns_servers).resolve_name(dns.name.from_text(host), lifetime=SECONDS)
    except dns.exception.DNSException as exc:
        raise ConnectionFailed(
            f"{host} has no address by {', '.join(dns_servers)}: {exc}",
            "correct directory.url or directory.dns_servers",
        ) from exc
    return list(dict.fromkeys(answer.addresses()))


def _resolver(servers: Sequence[str]) -> dns.resolver.Resolver:
    try:
        resolver = dns.resolver.Resolver(configure=not servers)
    except (dns.exception.DNSException, OSError) as exc:
        raise UsageError(
            f"this machine has no DNS servers: {exc}",
            "set directory.dns_servers, or name a domain controller: directory.url",
        ) from exc
    if servers:
        resolver.nameservers = list(servers)
    resolver.timeout = SECONDS / 4
    return resolver


def _ask(
    resolver: dns.resolver.Resolver, labels: Sequence[str], domain: str, answers: _Answers
) -> None:
    """Add what one SRV name leads to, in order."""
    question = ".".join(labels)
    try:
        # Label by label: a site's name may hold what has a meaning in the text of a DNS name.
        name = dns.name.Name([*(label.encode() for label in labels), b""])
        answer = resolver.resolve(name, "SRV", search=False, lifetime=SECONDS)
    except dns.exception.DNSException as exc:
        answers.remarks.append(f"{question}: {exc}")
        return
    usable: list[Controller] = []
    for record in answer:
        host = record.target.to_text(omit_final_dot=True).lower()
        why = _unusable(host, domain)
        if why:
            answers.remarks.append(f"{host}: {why}")
        else:
            usable.append(Controller(host, record.port, record.priority, record.weight))
    answers.controllers += ordered(usable)


def _unusable(host: str, domain: str) -> str:
    """Why a name from DNS is not taken; empty where it is."""
    if host in {"", "."}:
        return "DNS says that the service is not offered"
    if not _HOST.match(host):
        return "is not the name of a host"
    if not host.endswith("." + domain.lower()):
        return f"is not in {domain}, and nothing is sent there"
    return ""
