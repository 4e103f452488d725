"""The lines of an LDIF record, new values -> its lines, in the file's own hand.

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
from typing import NamedTuple

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


class Fold(NamedTuple):
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
    # Each way to fold has its lines; a file's own way is that of most of them.
    at_width: list[list[bytes]] = []
    after_colon: list[list[bytes]] = []
    for pieces in _folded_lines(body):
        is_after_colon = _HEAD.fullmatch(pieces[0]) is not None
        (after_colon if is_after_colon else at_width).append(pieces)
    if not at_width and not after_colon:
        return None
    if len(after_colon) <= len(at_width):
        first = max(len(pieces[0]) for pieces in at_width)
        return Fold(first, first, _longest_middle(at_width) or first)
    # ldifde's limit lies between the longest line that is whole and the shortest that is not.
    shortest = min(len(b"".join(pieces)) - len(pieces) + 1 for pieces in after_colon)
    whole = [len(line) for line in _whole_lines(body) if len(line) < shortest]
    longest = (max(whole, default=0) + shortest) // 2
    return Fold(longest, 0, _longest_middle(after_colon), after_colon=True)


def _longest_middle(folded: Sequence[Sequence[bytes]]) -> int | None:
    """The width of pieces that are neither the first nor the last of their line, if any is."""
    middles = [len(piece) for pieces in folded for piece in pieces[1:-1]]
    return max(middles, default=None)


def may_go_on(line: bytes, fold: Fold | None) -> bool:
    """Whether a last line could lack the rest of its value: it is empty, or as wide as a fold."""
    content = ldif.unfolded(line).partition(b":")[2]
    if not line.startswith(b"#") and not content.strip(b" :"):
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


class _Handwriting(NamedTuple):
    """How one line is written: what new lines beside it look like."""

    description: bytes
    gap: bytes
    ending: bytes

    @classmethod
    def of(cls, line: bytes) -> "_Handwriting":
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
    old = _lines_by_value(lines, attribute)
    old_indices = sorted(index for indices in old.values() for index in indices)
    # Per value: the line that it keeps, or None for a new one.
    kept = [old[value].popleft() if old.get(value) else None for value in values]
    kept_indices = sorted(index for index in kept if index is not None)
    slots = iter(kept_indices)
    insert_at = (kept_indices or old_indices or [_usual_place(lines)])[0]
    neighbour = old_indices[0] if old_indices else None
    inserted: dict[int, list[bytes]] = defaultdict(list)
    replaced: dict[int, bytes] = {}
    for value, index in zip(values, kept, strict=True):
        if index is not None:
            slot = next(slots)
            replaced[slot] = lines[index]
            neighbour = index
            insert_at = slot + 1
            continue
        hand = (
            _default_hand(lines, attribute)
            if neighbour is None
            else _Handwriting.of(lines[neighbour])
        )
        inserted[insert_at].append(hand.line(value, fold))
    return _assembled(lines, set(old_indices), inserted, replaced)


def _lines_by_value(lines: Sequence[bytes], attribute: str) -> dict[str, deque[int]]:
    """Where each value of ``attribute`` stands; twins, which differ in nothing, in turn."""
    key = attribute.lower().encode()
    indices: dict[str, deque[int]] = defaultdict(deque)
    for index, line in enumerate(lines):
        description, _, rest = ldif.unfolded(line).partition(b":")
        if description.lower() == key:
            indices[ldif.value(rest).decode()].append(index)
    return indices


def _assembled(
    lines: Sequence[bytes],
    old_indices: set[int],
    inserted: dict[int, list[bytes]],
    replaced: dict[int, bytes],
) -> list[bytes]:
    """``inserted`` lines come before an index, ``replaced`` at it; other old ones go."""
    result: list[bytes] = []
    for index, line in enumerate(lines):
        result += inserted.get(index, ())
        if index in replaced:
            result.append(replaced[index])
        elif index not in old_indices:
            result.append(line)
    return result + inserted.get(len(lines), [])


def with_value(
    lines: Sequence[bytes], attribute: str, value: str, fold: Fold | None
) -> list[bytes]:
    """The logical lines of a record, in which the one value of ``attribute`` is ``value``."""
    key = attribute.lower().encode()
    result: list[bytes] = []
    for line in lines:
        description = ldif.unfolded(line).partition(b":")[0]
        is_meant = description.lower() == key
        result.append(_Handwriting.of(line).line(value, fold) if is_meant else line)
    return result


def _usual_place(lines: Sequence[bytes]) -> int:
    """Behind all but those attributes that a directory gives after msDS-AllowedToDelegateTo."""
    place = len(lines)
    while place and _description(lines[place - 1]).lower() in _AFTER_DELEGATION:
        place -= 1
    return place


def _description(line: bytes) -> str:
    return line.partition(b":")[0].decode(errors="replace")


def _default_hand(lines: Sequence[bytes], attribute: str) -> _Handwriting:
    """As the record writes other attributes."""
    gaps = Counter(_Handwriting.of(line).gap for line in lines if not line.startswith(b"#"))
    ending = b"\r" if lines[-1].endswith(b"\r") else b""
    usual_gap, _ = gaps.most_common(1)[0]
    return _Handwriting(attribute.encode(), usual_gap, ending)
