"""The directory section of an inventory: where the directory is, and how to log on to it."""

import ipaddress
import re
from collections.abc import Iterator

from delegation import names
from delegation.inventory import Auth, DirectorySettings
from delegation.inventory.fields import Field, Fields, Reading
from delegation.inventory.yaml_text import quoted

GLOBAL_CATALOG_PORTS = frozenset({3268, 3269})

_SERVER = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?\Z")
_RDN = r"(?:[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)=(?:[^,\\]|\\.)+"
_DN = re.compile(rf"{_RDN}(?:, *{_RDN})*\Z")


def directory_settings(
    reading: Reading, field: Field | None, domain: str | None
) -> DirectorySettings:
    """``search_base`` must lie in ``domain``; None: unknown, because of a problem."""
    fields = reading.fields(field, "directory") if field else None
    if not fields:
        return DirectorySettings()
    settings = DirectorySettings(
        url=_url(reading, fields.get("url")),
        start_tls=bool(reading.boolean(fields.get("start_tls"))),
        auth=reading.choice(fields.get("auth"), Auth),
        user=reading.text(fields.get("user")),
        keytab=reading.text(fields.get("keytab")),
        ca_file=reading.text(fields.get("ca_file")),
        site=reading.text(fields.get("site")),
        dns_servers=_dns_servers(reading, fields.get("dns_servers")),
        search_base=_search_base(reading, fields.get("search_base"), domain),
    )
    _directory_agrees(reading, fields, settings)
    return settings


def _url(reading: Reading, field: Field | None) -> str | None:
    url = reading.text(field)
    if field is None or url is None:
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
    port = int(match[1]) if match and match[1] else None
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
    if match is None:
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


def _directory_agrees(reading: Reading, fields: Fields, settings: DirectorySettings) -> None:
    """Reports settings that contradict each other, where both of them could be read."""
    url, auth = settings.url, settings.auth
    if settings.start_tls and url and not url.startswith("ldap://"):
        what = f"start_tls makes no sense with {quoted(url)}"
        reading.problem(fields["start_tls"].node, what, "delete start_tls, or write ldap://")
    if auth is Auth.SIMPLE and url and url.startswith("ldap://") and not settings.start_tls:
        what = "simple authentication over plain ldap:// would send the password in clear"
        reading.problem(fields["auth"].node, what, "write ldaps://, or start_tls: true")
    if auth is Auth.SIMPLE and "user" not in fields:
        what = "simple authentication without a user would be anonymous"
        reading.problem(fields["auth"].node, what, "add user: svc-delegation")
    if auth in {Auth.SIMPLE, Auth.NTLM} and "keytab" in fields:
        what = f"a keytab is of no use with auth: {auth}"
        reading.problem(fields["keytab"].node, what, "write auth: kerberos, or delete keytab")


def _dns_servers(reading: Reading, field: Field | None) -> tuple[str, ...]:
    servers: list[str] = []
    for item in (reading.items(field) if field else None) or ():
        text = reading.text(item)
        if text is None:
            continue
        try:
            servers.append(str(ipaddress.ip_address(text)))
        except ValueError:
            what = f"{quoted(text)} is not an IP address"
            reading.problem(item.node, what, "write it like 10.0.0.53")
    return tuple(servers)


def _search_base(reading: Reading, field: Field | None, domain: str | None) -> tuple[str, ...]:
    bases: list[str] = []
    for item, dn in _joined(reading, (reading.items(field) if field else None) or [], domain):
        if domain is None or _is_inside(dn, domain):
            bases.append(dn)
        else:
            what = f"{quoted(dn)} does not lie in the domain {quoted(domain)}"
            fix = f'end it with {names.domain_dn(domain)}, and write it in "quotes"'
            reading.problem(item.node, what, fix)
    return tuple(bases)


def _joined(
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
