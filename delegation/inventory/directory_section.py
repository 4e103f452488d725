"""The directory section of an inventory: where the directory is, and how to log on to it."""

import ipaddress
import re
from collections.abc import Iterator

from delegation import names
from delegation.inventory import Auth, DirectorySettings
from delegation.inventory.declared import DeclaredSection
from delegation.inventory.fields import Field, Reading
from delegation.inventory.value_types import text_like, texts
from delegation.inventory.yaml_text import quoted

GLOBAL_CATALOG_PORTS = frozenset({3268, 3269})

_SERVER = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?\Z")
_RDN = r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)=(?:[^,\\]|\\.)+"
_DN = re.compile(rf"{_RDN}(?:, *{_RDN})*\Z")


def read_url(reading: Reading, field: Field) -> str | None:
    url = reading.text(field)
    if url is None:
        return None
    try:
        return directory_url(url)
    except ValueError as exc:
        what, fix = exc.args
        reading.problem(field.node, what, fix)
        return None


def directory_url(url: str) -> str:
    """``url`` with its scheme in lower case. Raises ValueError(what, what to do)."""
    scheme, _, rest = url.partition(":")
    scheme = scheme.lower()
    server = rest.removeprefix("//")
    match = _SERVER.match(server)
    port = int(match[2]) if match and match[2] else None
    if scheme == "ldif" and rest and not rest.startswith("//"):
        return f"ldif:{rest}"
    if scheme == "ldif":
        raise ValueError(f"{quoted(url)} names no file", "write ldif:export.ldif")
    if "@" in url:
        raise ValueError("the URL has a user in it", "write the account alone, under user:")
    if scheme not in {"ldap", "ldaps"} or not rest.startswith("//"):
        raise ValueError(
            f"{quoted(url)} is no directory URL",
            "write ldaps://dc1.corp.example, ldap://dc1.corp.example or ldif:export.ldif",
        )
    if match is None or (match[1] and not _is_address(match[1])):
        raise ValueError(
            f"{quoted(url)} is not just a server",
            f"write {scheme}://dc1.corp.example, with :port if needed, and no path",
        )
    if port in GLOBAL_CATALOG_PORTS:
        raise ValueError(
            f"port {port} is the global catalog, which lacks msDS-AllowedToDelegateTo",
            f"write {scheme}:// without a port",
        )
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"{port} is no port", f"write {scheme}:// without a port")
    return f"{scheme}://{server}"


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def read_addresses(reading: Reading, field: Field) -> tuple[str, ...]:
    """The IP addresses of a list."""
    addresses: list[str] = []
    for item in reading.items(field) or ():
        text = reading.text(item)
        if text is None:
            continue
        try:
            addresses.append(str(ipaddress.ip_address(text)))
        except ValueError:
            what = f"{quoted(text)} is not an IP address"
            reading.problem(item.node, what, "write it like 10.0.0.53")
    return tuple(addresses)


URL = text_like(
    "`ldaps://SERVER`, `ldap://SERVER` or `ldif:FILE`",
    "^([Ll][Dd][Aa][Pp][Ss]?://|[Ll][Dd][Ii][Ff]:).",
    read_url,
)
ADDRESSES = texts("IP addresses", read_addresses)


def directory_settings(declared: DeclaredSection, domain: str | None) -> DirectorySettings:
    """``search_base`` must lie in ``domain``; None: unknown, because of a problem."""
    settings = declared.made(DirectorySettings, search_base=_search_base(declared, domain))
    _report_contradictions(declared, settings)
    return settings


def _report_contradictions(declared: DeclaredSection, settings: DirectorySettings) -> None:
    """Where both of two settings could be read."""
    url, auth = settings.url, settings.auth
    if settings.start_tls and url and not url.startswith("ldap://"):
        what = f"start_tls makes no sense with {quoted(url)}"
        declared.problem("start_tls", what, "delete start_tls, or write ldap://")
    if auth is Auth.SIMPLE and url and url.startswith("ldap://") and not settings.start_tls:
        what = "simple authentication over plain ldap:// would send the password in clear"
        declared.problem("auth", what, "write ldaps://, or start_tls: true")
    if auth is Auth.SIMPLE and "user" not in declared:
        # RFC 4513 5.1.2: a bind without a name succeeds, and is anonymous
        what = "simple authentication without a user would be anonymous"
        declared.problem("auth", what, "add user: svc-delegation")
    if auth in {Auth.SIMPLE, Auth.NTLM} and "keytab" in declared:
        what = f"a keytab is of no use with auth: {auth}"
        declared.problem("keytab", what, "write auth: kerberos, or delete keytab")


def _search_base(declared: DeclaredSection, domain: str | None) -> tuple[str, ...]:
    field = declared.get("search_base")
    items = declared.reading.items(field) if field else None
    bases: list[str] = []
    for item, dn in _joined_names(declared.reading, items or [], domain):
        if domain is None or _is_inside(dn, domain):
            bases.append(dn)
        else:
            what = f"{quoted(dn)} does not lie in the domain {quoted(domain)}"
            fix = f'end it with {names.domain_dn(domain)}, and write it in "quotes"'
            declared.reading.problem(item.node, what, fix)
    return tuple(bases)


def _joined_names(
    reading: Reading, items: list[Field], domain: str | None
) -> Iterator[tuple[Field, str]]:
    """The distinguished names of a list, each with the item at which it starts.

    YAML splits an unquoted name in [] at its commas; the pieces are joined again, up to where
    they lie in the domain.
    """
    pieces: list[str] = []
    start: Field | None = None
    tail = domain.count(".") + 1 if domain else 0  # as many pieces as decide where they lie
    for item in items:
        text = reading.text(item)
        if text is None:
            continue
        if not _DN.match(text):
            what = f"{quoted(text)} is not a distinguished name"
            reading.problem(item.node, what, f"write it like {item.example}")
            continue
        if start and "," in text:
            yield start, ",".join(pieces)
            pieces, start = [], None
        pieces.append(text)
        start = start or item
        if domain is None or "," in text or _is_inside(",".join(pieces[-tail:]), domain):
            yield start, ",".join(pieces)
            pieces, start = [], None
    if start:
        yield start, ",".join(pieces)


def _is_inside(dn: str, domain: str) -> bool:
    return names.naming_context(dn) == names.dn_key(names.domain_dn(domain))
