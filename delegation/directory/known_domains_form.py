"""Known domains <-> the text of their file, in which what a person wrote stays.

A domain a line, what is known of it below: the YAML of the inventory, read as strictly.
"""

import ipaddress
from collections.abc import Callable, Mapping
from typing import NamedTuple

from delegation import names
from delegation.directory import known_domains
from delegation.directory.known_domains import KnownDomain
from delegation.errors import Problem, UsageError
from delegation.inventory import yaml_tree
from delegation.inventory.declared import DeclaredSection
from delegation.inventory.directory_section import ADDRESSES
from delegation.inventory.fields import Field, Reading
from delegation.inventory.machine_names import read_domain
from delegation.inventory.value_types import BOOLEAN, Key, Section, texts
from delegation.inventory.yaml_tree import MappingNode, Node, ScalarKind, ScalarNode

HEADER = """\
# Domains that a password may be sent to, and how their servers are known: no secret.
# `delegation trust` adds to it; `delegation trust --help` says what it means.
"""
EXAMPLE = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


class Entry(NamedTuple):
    """One domain of a file, and the lines that it takes, the first of them counted from 0."""

    domain: str
    known: KnownDomain
    first: int
    end: int


def parse(data: bytes, file: str) -> dict[str, KnownDomain]:
    """What is known, by domain in lower case. Raises UsageError with every problem of the file."""
    return {entry.domain: entry.known for entry in _entries(data, file)}


def with_entry(data: bytes, file: str, domain: str, known: KnownDomain) -> bytes:
    """The text with this domain's entry in it; what else stands there stays as it is.

    Comments within the entry are kept above what it says. Raises UsageError for a text that can't
    be changed without changing the meaning of something else.
    """
    entries = _entries(data, file)
    text = data.decode("utf-8-sig") if data else HEADER
    lines = text.splitlines(keepends=True)
    old = next((entry for entry in entries if entry.domain == domain), None)
    if old is None:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        lines += _written(domain, known)
    else:
        comments = [line for line in lines[old.first : old.end] if line.lstrip().startswith("#")]
        lines[old.first : old.end] = _written(domain, known, comments)
    made = "".join(lines).encode()
    wanted = {entry.domain: entry.known for entry in entries} | {domain: known}
    # Flow style, or an alias: what was cut out may have been needed elsewhere.
    try:
        is_meant = parse(made, file) == wanted
    except UsageError:
        is_meant = False
    if not is_meant:
        raise UsageError(
            f"{file} is written in a way that can't be added to",
            "edit it by hand; each domain should begin a line",
        )
    return made


def _written(domain: str, known: KnownDomain, comments: list[str] | None = None) -> list[str]:
    from delegation.inventory import yaml_writing  # who only reads has no use for it

    lists = (
        ("authorities", known.authorities),
        ("dns_servers", known.dns_servers),
        ("servers", known.servers),
    )
    lines: list[str] = []
    for key, values in lists:
        if values:
            lines.append(f"  {key}:\n")
            lines += [f"    - {yaml_writing.scalar(value)}\n" for value in values]
    if known.ntlm_without_tls:
        lines.append("  ntlm_without_tls: true\n")
    name = yaml_writing.scalar(domain)
    return [f"{name}:\n", *(comments or []), *lines] if lines else [f"{name}: {{}}\n"]


def _entries(data: bytes, file: str) -> list[Entry]:
    if not any(_says_something(line) for line in data.splitlines()):
        return []
    document = yaml_tree.load(data)
    reading = Reading(document.problems)
    found: list[Entry] = []
    if document.root is not None:
        root = Field("the file", "corp.example: {}", document.root)
        total = len(data.decode("utf-8-sig").splitlines())
        found = _read(reading, root, total)
    problems = reading.problems()
    if problems:
        counted = names.counted(len(problems), "problem")
        raise UsageError(
            f"the known domains {file} have {counted}; nothing was sent",
            "correct the file",
            [_told(file, problem) for problem in problems],
        )
    return found


def _says_something(line: bytes) -> bool:
    stripped = line.removeprefix(b"\xef\xbb\xbf").strip()
    return bool(stripped) and not stripped.startswith(b"#")


def _told(file: str, problem: Problem) -> str:
    return f"{file}:{problem}"


def _read(reading: Reading, root: Field, total: int) -> list[Entry]:
    entries = reading.entries(root) or []
    found: dict[str, Entry] = {}
    spelled: dict[str, str] = {}
    ends = [key.line - 1 for key, _ in entries[1:]]
    for (key, node), end in zip(entries, [*ends, total], strict=False):
        name = read_domain(reading, Field("a domain", "corp.example: {}", key))
        known = _known(reading, key, node)
        if name is None or known is None:
            continue
        domain = name.casefold()
        # The same spelling twice is a problem of its YAML.
        if spelled.setdefault(domain, key.text) != key.text:
            reading.problem(key, f"{domain} comes twice", "keep one of the two")
        last = max(_last_line(node), key.line)
        found[domain] = Entry(domain, known, key.line - 1, min(last, end))
    return list(found.values())


def _known(reading: Reading, key: ScalarNode, node: Node) -> KnownDomain | None:
    if isinstance(node, ScalarNode) and node.kind is ScalarKind.NULL:
        return KnownDomain()
    field = Field(f"domain {key.text!r}", "{authorities: [...]}", node)
    declared = DeclaredSection(reading, _DOMAIN, field)
    return declared.made(KnownDomain) if declared.readable else None


def _last_line(node: Node) -> int:
    """The line, counted from 1, that the last value of a node begins in: our texts are short."""
    if isinstance(node, MappingNode):
        return max((_last_line(value) for _, value in node.entries), default=node.line)
    if isinstance(node, yaml_tree.SequenceNode):
        return max((_last_line(item) for item in node.items), default=node.line)
    return node.line


def _authorities(reading: Reading, field: Field) -> tuple[str, ...]:
    return _texts(reading, field, known_domains.authority, EXAMPLE)


def _servers(reading: Reading, field: Field) -> tuple[str, ...]:
    return _texts(reading, field, server, "dc9.other.example")


def _texts(
    reading: Reading, field: Field, read: Callable[[str], str], example: str
) -> tuple[str, ...]:
    """Every item as ``read`` gives it; what it raises ValueError for is a problem of the file."""
    found: list[str] = []
    for item in reading.items(field) or ():
        text = reading.text(item)
        if text is None:
            continue
        try:
            found.append(read(text))
        except ValueError as exc:
            reading.problem(item.node, str(exc), f"write it like {example}")
    return tuple(found)


def address(text: str) -> str:
    """An IP address as it is compared. Raises ValueError."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None


def server(text: str) -> str:
    """The name of a host, or its address, as URLs are compared with it. Raises ValueError."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if not names.is_fqdn(text):
            raise ValueError(f"{text!r} is neither a host's full name nor an address") from None
    return text.rstrip(".").casefold()


_DOMAIN = Section(
    "known domain",
    (
        Key("authorities", texts("keys", _authorities), f'["{EXAMPLE}"]', "keys of its CAs"),
        Key("dns_servers", ADDRESSES, "[10.0.0.53]", "DNS servers that may be asked about it"),
        Key("servers", texts("hosts", _servers), "[dc9.other.example]", "DCs of other names"),
        Key("ntlm_without_tls", BOOLEAN, "true", "whether NTLM may go without TLS"),
    ),
)


def as_lines(domains: Mapping[str, KnownDomain]) -> list[str]:
    """All that is known, for somebody to read."""
    lines: list[str] = []
    for domain in sorted(domains):
        lines.append(domain)
        said = domains[domain].lines() or [known_domains.NAME_ALONE]
        lines += [f"  {line}" for line in said]
    return lines
