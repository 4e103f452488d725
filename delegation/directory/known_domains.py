"""What is known of a domain, and where a secret would go -> whether it may.

An inventory says where a domain is, and whoever may edit one could say anything. So the person who
runs the program has a list of domains of their own, as ssh has one of host keys, and what an
inventory or a journal leads to is held against it.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

_AUTHORITY = re.compile(r"sha256:([A-Za-z0-9+/]{43}=)\Z")

NAME_ALONE = "its name alone, which is enough for a password to its KDCs"


class KnownDomain(NamedTuple):
    """What somebody has said of a domain; what is left out is not said.

    ``authorities`` are the keys of its certificate authorities, several for a roll-over;
    ``servers`` its domain controllers that have no name of the domain.
    """

    authorities: tuple[str, ...] = ()
    dns_servers: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    ntlm_without_tls: bool = False

    def joined(self, other: "KnownDomain") -> "KnownDomain":
        """What either of the two says."""
        return KnownDomain(
            _union(self.authorities, other.authorities),
            _union(self.dns_servers, other.dns_servers),
            _union(self.servers, other.servers),
            self.ntlm_without_tls or other.ntlm_without_tls,
        )

    def options(self) -> tuple[str, ...]:
        """The options of ``delegation trust`` that say it."""
        valued = (
            ("--ca", self.authorities),
            ("--dns-server", self.dns_servers),
            ("--server", self.servers),
        )
        words = [word for option, values in valued for value in values for word in (option, value)]
        return (*words, *(["--ntlm-without-tls"] if self.ntlm_without_tls else []))

    def lines(self) -> list[str]:
        """It in words, a line each."""
        said = [f"CA key       {key}" for key in self.authorities]
        said += [f"DNS server   {address}" for address in self.dns_servers]
        said += [f"server       {host}" for host in self.servers]
        if self.ntlm_without_tls:
            said.append("NTLM without TLS: any computer of the domain can pose as its server")
        return said


class Destination(NamedTuple):
    """Where a secret would go, as far as the list has to say something about it.

    ``server`` is a host outside the domain's names, else empty. ``authorities`` are the keys of
    the CAs in the verified chain; None where TLS vouches for nothing, and nothing rests on it.
    """

    domain: str
    server: str = ""
    authorities: tuple[str, ...] | None = None
    dns_servers: tuple[str, ...] = ()
    is_ntlm_without_tls: bool = False


class Acquaintance(Enum):
    """How what is met fits to what is known."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    DIFFERENT = "different"


class Judgement(NamedTuple):
    """``lacking`` is what would have to be known besides; ``met`` the entry that would fit."""

    acquaintance: Acquaintance
    lacking: KnownDomain
    met: KnownDomain
    differences: tuple[str, ...] = ()


def judged(known: KnownDomain | None, to: Destination) -> Judgement:
    """What an entry is silent about is unknown; what it names is all that may be met.

    But of its servers: each of them says something of itself alone.
    """
    entry = known or KnownDomain()
    lacking, met = KnownDomain(), entry
    differences: list[str] = []
    if to.authorities is not None and not set(to.authorities) & set(entry.authorities):
        # All of them: where a chain ends differs from one version of Python to the next, if the
        # issuing CA is trusted as well as the root (VERIFY_X509_PARTIAL_CHAIN).
        met = met._replace(authorities=to.authorities)
        lacking = lacking._replace(authorities=to.authorities)
        differences += _differing("CA key", entry.authorities, to.authorities)
    if not set(to.dns_servers) <= set(entry.dns_servers):
        met = met._replace(dns_servers=to.dns_servers)
        lacking = lacking._replace(dns_servers=to.dns_servers)
        differences += _differing("DNS servers", entry.dns_servers, to.dns_servers)
    server = (to.server,) if to.server else ()
    if not set(server) <= set(entry.servers):
        met = met._replace(servers=_union(entry.servers, server))
        lacking = lacking._replace(servers=server)
    if to.is_ntlm_without_tls and not entry.ntlm_without_tls:
        met = met._replace(ntlm_without_tls=True)
        lacking = lacking._replace(ntlm_without_tls=True)
    if differences:
        return Judgement(Acquaintance.DIFFERENT, lacking, met, tuple(differences))
    is_known = known is not None and lacking == KnownDomain()
    return Judgement(Acquaintance.KNOWN if is_known else Acquaintance.UNKNOWN, lacking, met)


def _differing(what: str, known: tuple[str, ...], met: tuple[str, ...]) -> Iterator[str]:
    if known:
        yield f"known  {what}: {', '.join(known)}"
        yield f"met    {what}: {', '.join(met)}"


def authority(text: str) -> str:
    """The key of a certificate authority as it is written in the list. Raises ValueError."""
    match = _AUTHORITY.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a key like sha256:, and 44 letters, digits, + or /")
    try:
        digest = base64.b64decode(match[1], validate=True)
    except binascii.Error as exc:
        raise ValueError(f"{text!r} is not base64 behind sha256:") from exc
    # Several texts stand for one digest; one of them has to be the name.
    return f"sha256:{base64.b64encode(digest).decode()}"


def _union(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))
