"""Bytes -> LdifRecords: RFC 2849 as ldifde, ldapsearch and ldbsearch write it; content, no changes.

``Document`` is a file's text and how it was encoded, as UTF-8 without byte order mark (ldifde -u
writes UTF-16), so that one grammar fits all encodings; ``encoded`` is its inverse, byte
for byte. ``records`` walks it once, in linear time, and tells for each record where it lies, so
that whoever edits one record leaves all others as they were.

Everything that a file can have wrong is an ExportError: ``file:line: what``, and what to do.
"""

import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from delegation.errors import ExportError

MAX_BYTES = 512 * 1024 * 1024
"""The largest file that is read. 10,000 hosts in full meshes of 64 are a third of it."""

EXPORT_AGAIN = "export again, into a new file"
_NO_CHANGES = "give an export of the objects themselves"

_MARKS = (
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xef\xbb\xbf", "utf-8"),
)
_BLANK_LINES = re.compile(rb"\n(?:\r?\n)+")
_LEADING_BLANK_LINES = re.compile(rb"(?:\r?\n)*")
_LONE_CR = re.compile(rb"\r(?!\n)")
_LINE_BREAK = re.compile(rb"\n(?! )")
_SAFE = re.compile(rb"(?![ :<])[\x01-\x09\x0b\x0c\x0e-\x7f]*(?<! )\Z")
_DESCRIPTION = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)(?:;[A-Za-z0-9=*-]+)*\Z")
_FRAMES = ((b"# extended LDIF", b"\nresult: "), (b"# record 1", b"\n# returned "))
"""How the output of ldapsearch and of ldbsearch starts, and what then has to come at its end."""
_FOOT_BYTES = 65_536


class Document(NamedTuple):
    """A file's text as UTF-8, and the mark and encoding that it had."""

    file: str
    body: bytes
    mark: bytes = b""
    codec: str = "utf-8"

    def encoded(self, body: bytes) -> bytes:
        """``body`` as the file would hold it; the file's own bytes for its own body."""
        if self.codec == "utf-8":
            return self.mark + body
        return self.mark + body.decode().encode(self.codec)

    def refuse(self, offset: int, what: str, fix: str) -> NoReturn:
        line = self.body.count(b"\n", 0, offset) + 1
        raise ExportError(f"{self.file}:{line}: {what}", fix)


class LdifRecord(NamedTuple):
    """One object: its name, its values by casefolded attribute name, and where it lies.

    ``body[start:end]`` are its lines, the last line break included; comments in front of it too.
    ``line`` counts from 1. ``closed`` tells that a blank line follows, as every exporter writes.
    """

    dn: str
    attributes: dict[str, list[bytes]]
    line: int
    start: int
    end: int
    closed: bool


def document(raw: bytes, file: str) -> Document:
    """The text of a file. Raises ExportError where it is empty, binary, or cut off in a line."""
    if len(raw) > MAX_BYTES:
        raise ExportError(
            f"{file}: larger than {MAX_BYTES:,} bytes", "export the computer accounts only"
        )
    marks = (known for known in _MARKS if raw.startswith(known[0]))
    mark, codec = next(marks, (b"", "utf-8"))
    body = raw[len(mark) :]
    try:
        if codec != "utf-8":
            body = body.decode(codec).encode()
    except UnicodeError as exc:
        raise ExportError(f"{file}: broken {codec.upper()}: {exc}", EXPORT_AGAIN) from exc
    text = Document(file, body, mark, codec)
    if not body.strip():
        raise ExportError(f"{file}: the file is empty", EXPORT_AGAIN)
    if b"\0" in body:
        text.refuse(body.index(b"\0"), "a NUL byte: this is not LDIF text", EXPORT_AGAIN)
    lone = _LONE_CR.search(body)
    if lone:
        text.refuse(lone.start(), "a carriage return without a line feed", EXPORT_AGAIN)
    if not body.endswith(b"\n"):
        text.refuse(
            len(body),
            "the file ends within a line: it was cut off",
            f"{EXPORT_AGAIN}; where it is complete, end it with a line break",
        )
    return text


def records(text: Document) -> Iterator[LdifRecord]:
    """The records in the order of the file; search references and results are passed over.

    Raises ExportError as soon as it meets what is no content record.
    """
    reader = _Reader(text)
    line = 1
    previous = 0
    for start, end in _extents(text.body):
        line += text.body.count(b"\n", previous, start)
        previous = start
        record = reader.record(start, end, line)
        if record is not None:
            yield record
    for head, foot in _FRAMES:
        if text.body.startswith(head) and foot not in unfolded(text.body[-_FOOT_BYTES:]):
            what = f"{foot.decode().strip()!r} is not at the end: the output was cut off"
            text.refuse(len(text.body) - 1, what, EXPORT_AGAIN)


def _extents(body: bytes) -> Iterator[tuple[int, int]]:
    leading = _LEADING_BLANK_LINES.match(body)
    start = leading.end() if leading else 0
    for blank in _BLANK_LINES.finditer(body, start):
        yield start, blank.start() + 1
        start = blank.end()
    if start < len(body):
        yield start, len(body)


def lines(chunk: bytes) -> list[bytes]:
    """The logical lines of a record, each with its folds and a last CR: joined by LF, ``chunk``."""
    return _LINE_BREAK.split(chunk) if b"\n " in chunk else chunk.split(b"\n")


def unfolded(chunk: bytes) -> bytes:
    """``chunk`` without the breaks of folded lines, and with LF for CRLF (RFC 2849, note 2)."""
    if b"\r" in chunk:
        chunk = chunk.replace(b"\r\n", b"\n").removesuffix(b"\r")
    return chunk.replace(b"\n ", b"")


def value(rest: bytes) -> bytes:
    """What a line holds behind its first colon. Raises ValueError for a URL or broken base64."""
    if rest.startswith(b":"):
        return binascii.a2b_base64(rest[1:].strip(b" "), strict_mode=True)
    if rest.startswith(b"<"):
        raise ValueError("a value by URL")
    return rest.lstrip(b" ")


def safe(raw: bytes) -> bool:
    """Whether a value stands as it is: a SAFE-STRING, and no space at its end (note 8)."""
    return _SAFE.match(raw) is not None


def line(description: str, text: str) -> str:
    """A line that holds ``text``, in base64 where the grammar asks for it; no line ending."""
    raw = text.encode()
    if safe(raw):
        return f"{description}: {text}"
    return f"{description}:: {binascii.b2a_base64(raw, newline=False).decode()}"


class _Reader:
    """One pass over a document; attribute descriptions are looked at once each."""

    def __init__(self, text: Document) -> None:
        self._text = text
        self._keys: dict[bytes, str] = {}

    def record(self, start: int, end: int, line: int) -> LdifRecord | None:
        """The record in these lines; None where they hold comments, a reference, a result."""
        attributes = self._attributes(start, end)
        if next(iter(attributes), "") == "version" and attributes.pop("version") != [b"1"]:
            self._refuse(start, end, 0, "not LDIF version 1", EXPORT_AGAIN)
        first = next(iter(attributes), "")
        if first == "search":
            self._result(start, attributes)
        elif first not in ("", "dn", "ref"):
            what = f"a record starts with {first}, not with its dn"
            fix = f"{EXPORT_AGAIN}; a blank line may not stand within a record"
            self._text.refuse(start, what, fix)
        if first != "dn":
            return None
        dn = self._dn(start, end, attributes.pop("dn"))
        if any(kind.lower() != b"add" for kind in attributes.get("changetype", ())):
            what = "a change of an object: this is a change file, not an export"
            self._refuse(start, end, self._nth("changetype", start, end, 0), what, _NO_CHANGES)
        if attributes.keys() == {"ref"}:
            return None
        return LdifRecord(dn, attributes, line, start, end, end < len(self._text.body))

    def _attributes(self, start: int, end: int) -> dict[str, list[bytes]]:
        """Every line by its casefolded attribute. This loop is the time that a file costs."""
        attributes: dict[str, list[bytes]] = {}
        plain_lines = unfolded(self._text.body[start : end - 1]).split(b"\n")
        for index, plain in enumerate(plain_lines):
            if plain.startswith(b"#"):
                continue
            description, colon, rest = plain.partition(b":")
            key = self._keys.get(description) if colon else None
            if key is None:
                key = self._key(start, end, index, plain)
            if rest.startswith((b":", b"<")):
                content = self._special(start, end, index, rest)
            else:
                content = rest.lstrip(b" ")
            if key in attributes:
                attributes[key].append(content)
            else:
                attributes[key] = [content]
        return attributes

    def _key(self, start: int, end: int, index: int, plain: bytes) -> str:
        description, colon, _ = plain.partition(b":")
        if plain == b"-":
            self._refuse(start, end, index, "a change file, not an export", _NO_CHANGES)
        if not colon:
            what = f"no colon in the line {plain[:40]!r}"
            self._refuse(start, end, index, what, EXPORT_AGAIN)
        if not _DESCRIPTION.match(description):
            what = f"{description[:40]!r} is no attribute name"
            self._refuse(start, end, index, what, EXPORT_AGAIN)
        return self._keys.setdefault(description, description.decode("ascii").casefold())

    def _special(self, start: int, end: int, index: int, rest: bytes) -> bytes:
        try:
            return value(rest)
        except ValueError as exc:
            what = f"broken base64 ({exc})" if rest.startswith(b":") else str(exc)
            self._refuse(start, end, index, what, EXPORT_AGAIN)

    def _dn(self, start: int, end: int, dns: list[bytes]) -> str:
        if len(dns) > 1:
            second = self._nth("dn", start, end, 1)
            fix = f"{EXPORT_AGAIN}; a blank line has to stand between two records"
            self._refuse(start, end, second, "a second dn in one record", fix)
        try:
            return dns[0].decode()
        except UnicodeDecodeError:
            index = self._nth("dn", start, end, 0)
            self._refuse(start, end, index, "the dn is not UTF-8", f"{EXPORT_AGAIN}, as UTF-8")

    def _result(self, start: int, attributes: dict[str, list[bytes]]) -> None:
        """A search that ended early leaves no other trace: what is missing looks like absent."""
        result = attributes.get("result", [b"missing"])[0]
        code = result.split(b" ")[0]
        if code != b"0":
            shown = result.decode(errors="replace")[:80]
            fix = f"{EXPORT_AGAIN}; ldapsearch -E pr=1000/noprompt is past a server's size limit"
            self._text.refuse(start, f"the result of the search is {shown}: not all is here", fix)

    def _nth(self, key: str, start: int, end: int, nth: int) -> int:
        """The index of the ``nth`` logical line of an attribute that is known to have as many."""
        indices: list[int] = []
        for index, line in enumerate(lines(self._text.body[start : end - 1])):
            description = unfolded(line).partition(b":")[0]
            if description.lower() == key.encode():
                indices.append(index)
        return indices[nth]

    def _refuse(self, start: int, end: int, index: int, what: str, fix: str) -> NoReturn:
        """At the ``index``-th logical line of the record in ``start:end``."""
        before = lines(self._text.body[start : end - 1])[:index]
        offset = sum(len(line) + 1 for line in before)
        self._text.refuse(start + offset, what, fix)
