"""Change the values of one record of an LDIF file, in the file's own hand.

Lines of values that stay keep their bytes. New lines are written as their neighbours are: name and
spelling, gap behind the colon, line ending, and the width at which the file folds. So taking
values out and putting them back gives the same bytes, as long as what was taken out was written
like the rest of the file. It can't where the file gives no more evidence: a value in base64 that
needs none, the only folded line of a file, a lone odd spelling of the attribute's name, the
first line of a second group of the same attribute, an attribute that is emptied but had
not stood in its usual place, a lone line ending of the other kind.
"""

import base64
import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from delegation.directory import ldif

_HEAD = re.compile(rb"([^:]*)(::?)( *)")
_UNFOLDED_LINE = re.compile(rb"^(?!dn:|[ #])[^\r\n]+(?=\r?\n(?! ))", re.MULTILINE | re.IGNORECASE)

_EVIDENCE = 16 * 1024 * 1024
"""How much of a file is looked at for how it folds: thousands of hosts with all attributes."""

_AFTER_DELEGATION = frozenset(
    {
        "msds-supportedencryptiontypes",
        "msds-allowedtoactonbehalfofotheridentity",
        "msds-hostserviceaccountbl",
        "msds-generationid",
        "msds-keycredentiallink",
        "msds-isdomainfor",
        "mslaps-passwordexpirationtime",
        "mslaps-encryptedpassword",
        "msdfsr-computerreferencebl",
        "distinguishedname",
    }
)
"""What a directory gives behind msDS-AllowedToDelegateTo: AD by attribute id, Samba always last."""


@dataclass(frozen=True, slots=True)
class Fold:
    """How a file breaks long lines; lengths are those of physical lines, without line ending.

    ``after_colon`` is ldifde's way: the value starts on a line of its own. Lines up to ``longest``
    stay whole. ``first`` and ``following`` are the widths of the pieces; None is without end.
    """

    longest: int
    first: int
    following: int | None
    after_colon: bool = False


def fold_of(text: ldif.Document) -> Fold | None:
    """How ``text`` folds, told by its folded lines; None where it has none."""
    end = text.body.find(b"\ndn:", _EVIDENCE)
    body = text.body if end < 0 else text.body[: end + 1]
    folded = list(_folded_lines(body))
    if not folded:
        return None
    broken = [_HEAD.fullmatch(pieces[0]) is not None for pieces in folded]
    after_colon = sum(broken) * 2 > len(broken)
    alike = [pieces for pieces, kind in zip(folded, broken, strict=True) if kind == after_colon]
    middles = [len(piece) for pieces in alike for piece in pieces[1:-1]]
    following = max(middles, default=None)
    if not after_colon:
        first = max(len(pieces[0]) for pieces in alike)
        return Fold(first, first, following or first)
    shortest = min(sum(len(piece) for piece in pieces) - len(pieces) + 1 for pieces in alike)
    whole = [len(line) for line in _whole_lines(body) if len(line) < shortest]
    return Fold((max(whole, default=0) + shortest) // 2, 0, following, after_colon=True)


def may_go_on(line: bytes, fold: Fold | None) -> bool:
    """Whether a last line could lack the rest of its value: it is empty, or as wide as a fold."""
    if not line.startswith(b"#") and not ldif.unfolded(line).partition(b":")[2].strip(b" :"):
        return True
    if fold is None:
        return False
    pieces = line.removesuffix(b"\r").split(b"\n ")
    width = fold.first if len(pieces) == 1 else (fold.following or 0) - 1
    return len(pieces[-1].removesuffix(b"\r")) == width


def _folded_lines(body: bytes) -> Iterator[list[bytes]]:
    """The pieces, with the spaces that start them, of folded lines whose bytes are characters."""
    at = body.find(b"\n ")
    while at >= 0:
        start = body.rfind(b"\n", 0, at) + 1
        end = at
        while end >= 0 and body.startswith(b"\n ", end):
            end = body.find(b"\n", end + 1)
        end = len(body) if end < 0 else end
        line = body[start:end]
        if not line.startswith(b"#") and line.isascii():
            yield [piece.removesuffix(b"\r") for piece in line.split(b"\n")]
        at = body.find(b"\n ", end)


def _whole_lines(body: bytes) -> Iterator[bytes]:
    return (match[0] for match in _UNFOLDED_LINE.finditer(body))


@dataclass(frozen=True, slots=True)
class _Hand:
    """How one line is written: what new lines beside it look like."""

    description: bytes
    gap: bytes
    ending: bytes

    @classmethod
    def of(cls, line: bytes) -> "_Hand":
        head = _HEAD.match(ldif.unfolded(line))
        description, gap = (head[1], head[3]) if head else (b"", b" ")
        return cls(description, gap, b"\r" if line.endswith(b"\r") else b"")

    def line(self, value: str, fold: Fold | None) -> bytes:
        raw = value.encode()
        safe = ldif.safe(raw)
        head = self.description + (b":" if safe else b"::") + self.gap
        content = raw if safe else base64.b64encode(raw)
        pieces = _pieces(head, content, fold)
        return (self.ending + b"\n ").join(pieces) + self.ending


def _pieces(head: bytes, content: bytes, fold: Fold | None) -> list[bytes]:
    line = head + content
    if fold is None or len(line) <= fold.longest:
        return [line]
    first = len(head) if fold.after_colon else fold.first
    width = len(line) if fold.following is None else max(fold.following - 1, 1)
    return [line[:first], *(line[at : at + width] for at in range(first, len(line), width))]


def with_values(
    lines: Sequence[bytes], attribute: str, values: Sequence[str], fold: Fold | None
) -> list[bytes]:
    """The logical lines of a record, in which ``attribute`` holds ``values`` in their order.

    Values that the record has keep their lines, and these keep their places; a new one stands
    behind the value that precedes it.
    """
    places: dict[str, deque[int]] = defaultdict(deque)
    old: list[int] = []
    key = attribute.lower().encode()
    for index, line in enumerate(lines):
        description, _, rest = ldif.unfolded(line).partition(b":")
        if description.lower() == key:
            places[ldif.value(rest).decode()].append(index)
            old.append(index)
    # Per value: the line that it keeps, or None for a new one.
    kept = [places[value].popleft() if places.get(value) else None for value in values]
    staying = sorted(index for index in kept if index is not None)
    slots = iter(staying)
    at = (staying or old or [_usual_place(lines)])[0]
    neighbour = old[0] if old else -1
    before: dict[int, list[bytes]] = defaultdict(list)
    instead: dict[int, bytes] = {}
    for value, place in zip(values, kept, strict=True):
        if place is None:
            hand = _Hand.of(lines[neighbour]) if old else _default_hand(lines, attribute)
            before[at].append(hand.line(value, fold))
        else:
            slot = next(slots)
            instead[slot] = lines[place]
            neighbour = place
            at = slot + 1
    return _assembled(lines, set(old), before, instead)


def _assembled(
    lines: Sequence[bytes],
    old: set[int],
    before: dict[int, list[bytes]],
    instead: dict[int, bytes],
) -> list[bytes]:
    result: list[bytes] = []
    for index, line in enumerate(lines):
        result += before.get(index, ())
        if index in instead:
            result.append(instead[index])
        elif index not in old:
            result.append(line)
    return result + before.get(len(lines), [])


def with_value(
    lines: Sequence[bytes], attribute: str, value: str, fold: Fold | None
) -> list[bytes]:
    """The logical lines of a record, in which the one value of ``attribute`` is ``value``."""
    key = attribute.lower().encode()
    return [
        _Hand.of(line).line(value, fold)
        if ldif.unfolded(line).partition(b":")[0].lower() == key
        else line
        for line in lines
    ]


def _usual_place(lines: Sequence[bytes]) -> int:
    """Behind all but those attributes that a directory gives after msDS-AllowedToDelegateTo."""
    place = len(lines)
    while place and _description(lines[place - 1]).lower() in _AFTER_DELEGATION:
        place -= 1
    return place


def _description(line: bytes) -> str:
    return line.partition(b":")[0].decode(errors="replace")


def _default_hand(lines: Sequence[bytes], attribute: str) -> _Hand:
    """As the record writes other attributes."""
    gaps = Counter(_Hand.of(line).gap for line in lines if not line.startswith(b"#"))
    ending = b"\r" if lines[-1].endswith(b"\r") else b""
    return _Hand(attribute.encode(), gaps.most_common(1)[0][0], ending)
