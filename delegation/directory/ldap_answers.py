"""The bytes that a server answers with -> LDAP messages, by a strict reading (RFC 4511).

ldap3's own decoder believes every length: an element that claims more than what holds it is read
again by whatever comes next, so that a few hundred bytes take for ever; an integer may have a
million digits. Here an element ends where what holds it ends, or the message is refused.
"""

from typing import Any, NamedTuple

from ldap3.core.results import RESULT_CODES

from delegation.directory.requests import PAGED

LARGEST_MESSAGE = 2 << 20
"""Bytes of one message that is believed: of one object, or of a thousand groups of a token.

What a domain controller stores of one object is far below (about 1,200 values without links).
"""

ENTRY, DONE, REFERENCE, EXTENDED = 0x64, 0x65, 0x73, 0x78
"""Tags of answers: searchResEntry, searchResDone, searchResRef (4.5.2), extendedResp (4.12)."""

_INTEGER, _OCTETS, _ENUMERATED, _SEQUENCE, _SET = 0x02, 0x04, 0x0A, 0x30, 0x31
_CONTROLS, _SASL_CREDENTIALS, _RESPONSE_NAME = 0xA0, 0x87, 0x8A
_INTEGER_BYTES = 4
"""maxInt is 2^31 - 1 (4.1.1)."""


class Unreadable(Exception):
    """What a server answered is no LDAP, or no answer to what was asked; says what it is."""


class Answer(NamedTuple):
    """One message: whose answer it is, what it is, and where in ``raw`` its content lies."""

    raw: bytes
    number: int
    tag: int
    start: int
    stop: int
    controls: tuple[int, int] | None


def size_of(data: bytes | bytearray, at: int) -> int | None:
    """Bytes of the message that begins at ``at``; None where too little of it is there to tell."""
    if len(data) - at < 2:
        return None
    if data[at] != _SEQUENCE:
        raise Unreadable(f"a message begins with byte {data[at]:#04x}")
    length, start = data[at + 1], 2
    if length >= 0x80:
        start += length & 0x7F
        if not 3 <= start <= 6:
            raise Unreadable("a message has a length that LDAP does not know")
        if len(data) - at < start:
            return None
        length = int.from_bytes(data[at + 2 : at + start], "big")
    if start + length > LARGEST_MESSAGE:
        raise Unreadable(f"a message of {start + length:,} bytes is announced")
    return start + length


def message(raw: bytes) -> Answer:
    """Whose answer it is, and what; its content stays as it is. Raises Unreadable."""
    tag, at, end = _element(raw, 0, len(raw))
    if tag != _SEQUENCE or end != len(raw):
        raise Unreadable("a message has a length that is wrong")
    number, at = _integer(raw, at, end, _INTEGER)
    tag, start, stop = _element(raw, at, end)
    controls = None
    if stop != end:
        kind, *content = _element(raw, stop, end)
        if kind != _CONTROLS or content[1] != end:
            raise Unreadable("a message goes on behind its end")
        controls = (content[0], content[1])
    return Answer(raw, number, tag, start, stop, controls)


def entry(answer: Answer) -> tuple[str, dict[str, list[bytes]]]:
    """DN and raw values of a searchResEntry, by casefolded attribute. Raises Unreadable."""
    raw = answer.raw
    dn, at = _octets(raw, answer.start, answer.stop)
    listed, at, end = _element(raw, at, answer.stop)
    if listed != _SEQUENCE or end != answer.stop:
        raise Unreadable("an object has no list of attributes")
    values_by_name: dict[str, list[bytes]] = {}
    while at < end:
        _, start, after = _expected(raw, at, end, _SEQUENCE)
        description, start = _octets(raw, start, after)
        _, start, stop = _expected(raw, start, after, _SET)
        if stop != after:
            raise Unreadable("an attribute goes on behind its values")
        name = _text(description).casefold()
        if name in values_by_name:
            raise Unreadable(f"an object has {name} twice")
        values_by_name[name] = _values(raw, start, stop)
        at = after
    return _text(dn), values_by_name


def _values(raw: bytes, at: int, stop: int) -> list[bytes]:
    """The values of one attribute: most of what is read goes through here."""
    values: list[bytes] = []
    while at < stop:
        # What ldap3's messages mostly hold is written out: a short octet string.
        if stop - at >= 2 and raw[at] == _OCTETS and raw[at + 1] < 0x80:
            start = at + 2
            at = start + raw[at + 1]
        else:
            _, start, at = _expected(raw, at, stop, _OCTETS)
        values.append(raw[start:at])
    if at != stop:
        raise Unreadable("a value is longer than what holds it")
    return values


def result(answer: Answer) -> dict[str, Any]:
    """An LDAPResult (4.1.9) as ldap3 gives it: codes that nobody knows are told by their number.

    ``saslCreds`` are the server's of a bind, ``cookie`` that of a page. Raises Unreadable.
    """
    raw, end = answer.raw, answer.stop
    code, at = _integer(raw, answer.start, end, _ENUMERATED)
    dn, at = _octets(raw, at, end)
    text, at = _octets(raw, at, end)
    found: dict[str, Any] = {
        "result": code,
        "description": RESULT_CODES.get(code, "(a code that LDAP does not know)"),
        "dn": dn.decode(errors="replace"),
        "message": text.decode(errors="replace"),
        "type": answer.tag,
        "saslCreds": None,
        "responseName": None,
        "cookie": _cookie(answer),
    }
    while at < end:
        # Referrals too, which stay unread: one may lead anywhere.
        tag, start, at = _element(raw, at, end)
        if tag == _SASL_CREDENTIALS:
            found["saslCreds"] = raw[start:at]
        elif tag == _RESPONSE_NAME:
            found["responseName"] = raw[start:at].decode(errors="replace")
    return found


def _cookie(answer: Answer) -> bytes:
    """What asks for the next page (RFC 2696); empty at the end."""
    if answer.controls is None:
        return b""
    raw, (at, end) = answer.raw, answer.controls
    while at < end:
        _, start, stop = _expected(raw, at, end, _SEQUENCE)
        kind, start = _octets(raw, start, stop)
        while kind == PAGED and start < stop:
            tag, inner, start = _element(raw, start, stop)
            if tag == _OCTETS:
                return _page(raw, inner, start)
        at = stop
    return b""


def _page(raw: bytes, at: int, end: int) -> bytes:
    _, at, stop = _expected(raw, at, end, _SEQUENCE)
    _, at = _integer(raw, at, stop, _INTEGER)
    cookie, _ = _octets(raw, at, stop)
    return cookie


def _element(raw: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, and where the content begins and ends (X.690, 8.1); nothing reaches beyond ``end``."""
    if end - at < 2:
        raise Unreadable("a message ends too early")
    length, start = raw[at + 1], at + 2
    if length >= 0x80:
        begin, start = start, start + (length & 0x7F)
        if not 1 <= start - begin <= _INTEGER_BYTES or start > end:
            raise Unreadable("an element has a length that LDAP does not know")
        length = int.from_bytes(raw[begin:start], "big")
    if start + length > end:
        raise Unreadable("an element is longer than what holds it")
    return raw[at], start, start + length


def _expected(raw: bytes, at: int, end: int, tag: int) -> tuple[int, int, int]:
    found = _element(raw, at, end)
    if found[0] != tag:
        raise Unreadable(f"an element of type {found[0]:#04x} stands where {tag:#04x} belongs")
    return found


def _octets(raw: bytes, at: int, end: int) -> tuple[bytes, int]:
    _, start, stop = _expected(raw, at, end, _OCTETS)
    return raw[start:stop], stop


def _integer(raw: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    _, start, stop = _expected(raw, at, end, tag)
    if not 1 <= stop - start <= _INTEGER_BYTES:
        raise Unreadable("a number is too long, or has no digits")
    return int.from_bytes(raw[start:stop], "big", signed=True), stop


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as exc:
        raise Unreadable(f"a name is not UTF-8: {raw[:40]!r}") from exc
