"""Names of the field: hosts and ranges of hosts, service principal names, distinguished names.

A range is written ``hv[01-03,07]``; it expands to ``hv01 hv02 hv03 hv07`` and names fold back
into it for output. Expansion is bounded, so that no text can exhaust memory.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import product
from typing import NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_HOSTS = 20_000
"""The most names that one range expression may stand for."""

CIFS = "cifs"
MIGRATION = "Microsoft Virtual System Migration Service"
MANAGED_SERVICES = (CIFS, MIGRATION)
"""The service classes of live migration: storage over SMB, and the machine itself."""

_COMPUTER = re.compile(r"(?!\d+\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,13}[A-Za-z0-9_])?\Z")
_DNS_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_FQDN = re.compile(rf"(?=.{{1,255}}\Z){_DNS_LABEL}(?:\.{_DNS_LABEL})+\Z")
_PIECE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?\Z")
_LAST_NUMBER = re.compile(r"(.*?)(\d{1,9})(\D*)\Z", re.DOTALL)


def is_computer_name(name: str) -> bool:
    """Whether ``name`` can be a NetBIOS computer name: 1 to 15 characters, not all digits."""
    return _COMPUTER.match(name) is not None


def is_fqdn(name: str) -> bool:
    """Whether ``name`` is a DNS name of at least two labels (RFC 1123, underscores allowed)."""
    return _FQDN.match(name) is not None


class ServicePrincipalName(NamedTuple):
    """``service/host``, as in ``cifs/hv02`` (MS-ADTS 2.2.21, without port or service name)."""

    service: str
    host: str

    def __str__(self) -> str:
        return f"{self.service}/{self.host}"

    @classmethod
    def parse(cls, text: str) -> "ServicePrincipalName | None":
        """The service class and host of ``text``, without port, service name and the root's dot.

        None where ``text`` has no host part at all.
        """
        service, slash, rest = text.partition("/")
        host = rest.partition("/")[0].partition(":")[0].rstrip(".")
        return cls(service, host) if slash and service and host else None


def account_named(value: str) -> str:
    """The sAMAccountName, casefolded, that a value is in place of a service; else empty.

    A KDC knows an account by that too, as ``HV02$`` or ``hv02``, and finds it listed (seen on
    Samba): the ticket is as good as one for any service of it (RFC 4120 5.3).
    """
    return "" if "/" in value else value.partition("@")[0].casefold()


_BESIDE_ACCENTS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "\u0131": "i"}
    | {"æ": "ae", "œ": "oe", "þ": "th"}
)
"""Letters that sort as others do, and that Unicode does not take apart."""


def fits(pattern: str, text: str) -> bool:
    """Whether ``pattern``, with ``*`` and ``?``, covers ``text``, in any case."""
    without_sets = pattern.casefold().replace("[", "[[]")
    return fnmatchcase(text.casefold(), without_sets)


def loose(text: str) -> str:
    """``text`` in a form in which it equals all that Active Directory may take for the same.

    It compares strings without case, accents, width and what is invisible, so that whoever has
    the name of a file server with an accent has that file server's (Samba bug 14847).
    """
    if text.isascii():
        return text.casefold()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    visible = (letter for letter in apart if unicodedata.category(letter) not in _WEIGHTLESS)
    return "".join(visible).translate(_BESIDE_ACCENTS)


_WEIGHTLESS = {"Mn", "Me", "Cf", "Cc"}
"""Unicode categories that count for nothing in a comparison: marks, and what is not seen."""


def peer_values(computer: str, fqdn: str, services: Iterable[str] = MANAGED_SERVICES) -> list[str]:
    """The values that let a source reach one target: each service, short name and FQDN."""
    return [f"{service}/{host}" for service in services for host in (computer, fqdn)]


def expand(expression: str) -> list[str]:
    """The names that ``hv[01-03,07]`` stands for, in order; a name without brackets is itself.

    Raises ValueError, in words for a user, where the expression is malformed or too large.
    """
    # What is outside brackets and what is inside, in turn.
    parts = re.split(r"\[([^\[\]]*)\]", expression)
    outside = "".join(parts[::2])
    if "[" in outside or "]" in outside:
        raise ValueError(f"unbalanced brackets in {expression!r}")
    choices: list[list[str]] = []
    total = 1
    for position, part in enumerate(parts):
        is_inside = position % 2 == 1
        choice = _numbers(part, expression) if is_inside else [part]
        # Before they are multiplied: [1-9999][1-9999] is short to write.
        total *= len(choice)
        if total > MAX_HOSTS:
            raise ValueError(f"{expression!r} stands for more than {MAX_HOSTS:,} names")
        choices.append(choice)
    return ["".join(pieces) for pieces in product(*choices)]


def _numbers(ranges: str, expression: str) -> list[str]:
    numbers: list[str] = []
    for piece in ranges.split(","):
        match = _PIECE.match(piece.strip())
        if match is None:
            raise ValueError(f"{expression!r}: expected numbers such as [01-64], not [{ranges}]")
        first, last = match[1], match[2] or match[1]
        low, high = int(first), int(last)
        if high < low:
            raise ValueError(f"{expression!r}: the range {piece.strip()} runs backwards")
        if len(first) != len(last) and first.startswith("0") and first != "0":
            raise ValueError(f"{expression!r}: {first} and {last} have different widths")
        if len(numbers) + high - low >= MAX_HOSTS:
            raise ValueError(f"{expression!r} stands for more than {MAX_HOSTS:,} names")
        numbers += [str(number).zfill(len(first)) for number in range(low, high + 1)]
    return numbers


def split_list(text: str) -> list[str]:
    """The comma-separated expressions of ``hv[01,03],hv07``; commas inside brackets stay."""
    return [part.strip() for part in re.split(r",(?![^\[]*\])", text) if part.strip()]


def chosen(expressions: str, known: Iterable[str]) -> tuple[frozenset[str], list[str]]:
    """Those of ``known`` that ``hv[01,03],hv07`` means, in their own case, and names of none.

    Raises ValueError for what is no such list.
    """
    spelled = {name.casefold(): name for name in known}
    meant = [name for one in split_list(expressions) for name in expand(one)]
    unknown = [name for name in meant if name.casefold() not in spelled]
    found = (spelled.get(name.casefold()) for name in meant)
    return frozenset(name for name in found if name is not None), unknown


def did_you_mean(mistaken: Iterable[str], known: Iterable[str]) -> str:
    """``did you mean hv01?`` of ``hv1``; empty of ``hv99``, whose number is no slip for another."""
    from difflib import get_close_matches  # only for a mistake

    spelled = {name.casefold(): name for name in known}
    by_form = {_form(name): name for name in spelled}
    meant: dict[str, None] = {}
    for name in [name.casefold()[:80] for name in mistaken][:100]:
        shape, numbers = form = _form(name)
        others = [one for one in spelled if _form(one)[0] != shape or not numbers]
        same = [by_form[form]] if form in by_form else []
        close = same or get_close_matches(name, others, n=1, cutoff=0.7)
        meant |= dict.fromkeys(spelled[one] for one in close)
    return f"did you mean {fold(meant)}?" if meant else ""


def _form(name: str) -> tuple[str, tuple[int, ...]]:
    """A name with its numbers left out, and they as they count; letters like digits are these."""
    read = name.translate(str.maketrans("oil", "011"))
    return re.sub("[0-9]+", "#", read), tuple(map(int, re.findall("[0-9]{1,18}", read)))


def fold(names: Iterable[str]) -> str:
    """``names`` as short as they can be said: ``hv[01-32,40],web``. ``expand`` undoes it."""
    return ",".join(_folded(names))


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """What has a key in common, keys and values in the order in which they come."""
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def alike(pairs: Iterable[tuple[K, str]]) -> dict[K, str]:
    """Names folded by what they have in common: the same is said once, of all of them."""
    return {key: fold(found) for key, found in grouped(pairs).items()}


def counted(number: int, noun: str) -> str:
    """``1 host``, ``1,200 hosts``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """``names`` in the order in which their folded form says them."""
    return tuple(name for part in split_list(fold(names)) for name in expand(part))


def _folded(names: Iterable[str]) -> Iterator[str]:
    digits_by_affixes: dict[tuple[str, str], set[str]] = defaultdict(set)
    plain: set[str] = set()
    for name in names:
        match = _LAST_NUMBER.match(name)
        if match is None or "[" in name or "]" in name:
            plain.add(name)
        else:
            prefix, digits, suffix = match.groups()
            digits_by_affixes[prefix, suffix].add(digits)
    for prefix, suffix in sorted(digits_by_affixes):
        for width, numbers in _by_width(digits_by_affixes[prefix, suffix]):
            runs = ",".join(_runs(numbers, width))
            yield f"{prefix}{runs}{suffix}" if len(numbers) == 1 else f"{prefix}[{runs}]{suffix}"
    yield from sorted(plain)


def _by_width(digits: set[str]) -> Iterator[tuple[int, list[int]]]:
    """Numbers that can share a bracket: all of them, or one width each where zeros pad them."""
    is_padded = any(len(text) > 1 and text.startswith("0") for text in digits)
    by_width: dict[int, list[int]] = defaultdict(list)
    for text in digits:
        width = len(text) if is_padded else 1
        by_width[width].append(int(text))
    for width in sorted(by_width):
        yield width, sorted(by_width[width])


def _runs(numbers: list[int], width: int) -> Iterator[str]:
    """Sorted ``numbers`` as ``01-03`` and ``07``, padded to ``width``."""
    start = previous = numbers[0]
    for number in [*numbers[1:], None]:
        if number is not None and number == previous + 1:
            previous = number
            continue
        first, last = str(start).zfill(width), str(previous).zfill(width)
        yield first if start == previous else f"{first}-{last}"
        if number is not None:
            start = previous = number


_RDN_COMMA = re.compile(r"(?<!\\),")


def dn_key(dn: str) -> str:
    """A distinguished name in the form in which two spellings of it are equal."""
    return ",".join(part.strip() for part in _RDN_COMMA.split(dn)).casefold()


def parent_dn(dn: str) -> str:
    """What the object of a distinguished name lies in; empty of a name of one part."""
    _, *parent = _RDN_COMMA.split(dn, maxsplit=1)
    return "".join(parent).strip()


def domain_dn(domain: str) -> str:
    """``DC=corp,DC=example`` of ``corp.example`` (MS-ADTS 3.1.1.1.4)."""
    return ",".join(f"DC={label}" for label in domain.split("."))


def naming_context(dn: str) -> str:
    """The key of the domain naming context that ``dn`` lies in: its trailing DC parts."""
    parts = _RDN_COMMA.split(dn_key(dn))
    index = len(parts)
    while index and parts[index - 1].startswith("dc="):
        index -= 1
    return ",".join(parts[index:])


_OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that a terminal or a page obeys instead of showing."""


def inert(text: str) -> str:
    """``text`` with control, format and separator characters shown as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_inert_character, text))


def _inert_character(character: str) -> str:
    if unicodedata.category(character) not in _OBEYED:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode()
