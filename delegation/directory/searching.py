"""Searches whose answers are bounded: in objects, pages, parts, values, bytes and time.

All bounds grow with what was asked for. What goes on beyond them is no directory: paging cookies,
ranges and references that never end cost a client its memory, or its night.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import ldap3
from ldap3.operation.search import search_operation
from ldap3.protocol.microsoft import security_descriptor_control
from ldap3.protocol.rfc2696 import paged_search_control

from delegation.directory import bounded, ldap_answers
from delegation.directory.bounded import WaitingTime
from delegation.directory.ldap_answers import Answer, Unreadable
from delegation.errors import DirectoryError

Found = tuple[str, Mapping[str, Sequence[bytes]]]
"""DN, and raw values by casefolded attribute."""

MOST_REFERENCES = 1_000
"""References to other directories in the answers to one search: counted, and never followed."""

MOST_PARTS = 100
"""Pages, or parts of a list, that may come nearly empty; after these, half of each must be full."""

_PART = 750
"""Half of the values that a DC gives at once (MaxValRange, 1,500)."""

_PAGES_TIMEOUT = 10
"""Waiting for all pages together, in waits for one; beyond it bytes buy time."""

_NO_SUCH_OBJECT = 32


class Wanted(NamedTuple):
    """What is searched, and where; ``seconds`` is how long one waits for a page, if unusually."""

    base: str
    terms: str
    attributes: Collection[str]
    scope: str = ldap3.SUBTREE
    seconds: float | None = None


class Bounds(NamedTuple):
    """How much an answer may hold that is believed."""

    objects: int
    values: int
    size: int

    @classmethod
    def of(cls, objects: int) -> Self:
        """For as many objects as were named; 5,000 values each are four times what AD stores."""
        return cls(objects, 50_000 + 5_000 * objects, (16 << 20) + (objects << 19))

    @classmethod
    def without_end(cls, named: int = 0) -> Self:
        """Where nobody knows how many there are: accounts with a service, or of a pattern."""
        objects, values, size = cls.of(named)
        return cls(objects + 100_000, values + 2_000_000, size + (128 << 20))


@dataclass
class _Tally:
    """What one operation has brought so far. Raises Unreadable beyond its bounds."""

    bounds: Bounds
    page: int
    objects: int = 0
    of_page: int = 0
    references: int = 0
    values: int = 0
    size: int = 0

    def add(self, answer: Answer) -> Found:
        self.objects += 1
        self.of_page += 1
        self._weigh(answer)
        _refuse_more(self.of_page, self.page, "objects of one page")
        _refuse_more(self.objects, self.bounds.objects, "objects")
        found = ldap_answers.entry(answer)
        self.values += sum(map(len, found[1].values()))
        _refuse_more(self.values, self.bounds.values, "values")
        return found

    def add_reference(self, answer: Answer) -> None:
        self.references += 1
        self._weigh(answer)
        _refuse_more(self.references, MOST_REFERENCES, "references to other directories")

    def _weigh(self, answer: Answer) -> None:
        self.size += len(answer.raw)
        _refuse_more(self.size, self.bounds.size, "bytes")


def _refuse_more(count: int, most: int, what: str) -> None:
    if count > most:
        raise Unreadable(f"more than {most:,} {what} came, which is more than was asked for")


def everywhere(connection: Any, wanted: Wanted, bounds: Bounds, page: int) -> Iterator[Found]:  # noqa: ANN401 - ldap3 has no types
    """What is found, page after page.

    Raises DirectoryError where the search is refused, LDAPException, OSError and Unreadable.
    """
    tally = _Tally(bounds, page)
    seconds = wanted.seconds or bounded.ANSWER_TIMEOUT
    patience = WaitingTime(seconds * _PAGES_TIMEOUT)
    cookie: bytes | None = None
    pages = 0
    while True:
        control = paged_search_control(criticality=True, size=page, cookie=cookie)
        tally.of_page = 0
        found, result = _answers(connection, wanted, tally, patience.part(seconds), [control])
        if result["result"] != 0:
            raise refused(wanted.base, result)
        yield from found
        pages += 1
        _refuse_more(pages, MOST_PARTS + 2 * tally.objects // page, "pages")
        cookie = result["cookie"]
        if not cookie:
            return


def one_object(connection: Any, dn: str, attributes: Collection[str]) -> Found | None:  # noqa: ANN401
    """One object; None where it can't be seen. Raises LDAPException, OSError, Unreadable."""
    return _one(connection, dn, attributes)[0]


def descriptor_with_owner(connection: Any, dn: str) -> bytes:  # noqa: ANN401
    """A security descriptor's owner alone, since more of it takes more rights; empty if unseen.

    By LDAP_SERVER_SD_FLAGS_OID with OWNER_SECURITY_INFORMATION (MS-ADTS 3.1.1.3.4.1.11).
    """
    attribute = "nTSecurityDescriptor"
    controls = security_descriptor_control(criticality=True, sdflags=0x1)
    found = _one(connection, dn, [attribute], controls)[0]
    values = found[1].get(attribute.casefold(), ()) if found else ()
    return values[0] if values else b""


def _one(
    connection: Any,  # noqa: ANN401
    dn: str,
    attributes: Collection[str],
    controls: Sequence[Any] | None = None,
) -> tuple[Found | None, Mapping[str, Any]]:
    wanted = Wanted(dn, "(objectClass=*)", attributes, ldap3.BASE)
    patience = WaitingTime(bounded.ANSWER_TIMEOUT)
    found, result = _answers(connection, wanted, _Tally(Bounds.of(1), 1), patience, controls)
    return (found[0] if found else None), result


def in_full(connection: Any, dn: str, attributes: Collection[str]) -> Mapping[str, Sequence[bytes]]:  # noqa: ANN401
    """One object with all its values.

    Raises DirectoryError where it is gone, LDAPException, OSError, Unreadable.
    """
    found, result = _one(connection, dn, attributes)
    if result["result"] not in {0, _NO_SUCH_OBJECT}:
        raise refused(dn, result)
    if found is None:
        raise DirectoryError(f"{dn} was there a moment ago and is gone", "try again")
    return completed(connection, dn, found[1])


def in_parts(values: Mapping[str, Sequence[bytes]]) -> bool:
    return any(_RANGE in name for name in values)


def completed(
    connection: Any,  # noqa: ANN401
    dn: str,
    values: Mapping[str, Sequence[bytes]],
) -> Mapping[str, Sequence[bytes]]:
    """``values``, of which a DC gave some in part, with the rest (MS-ADTS 3.1.1.3.1.3.3)."""
    whole = {name: listed for name, listed in values.items() if _RANGE not in name}
    for name in values:
        attribute, is_part, _ = name.partition(_RANGE)
        if is_part:
            whole[attribute] = _all_parts(connection, dn, attribute, values)
    return whole


_RANGE = ";range="
_FROM_TO = re.compile(r"([0-9]{1,9})-([0-9]{1,9}|\*)\Z")


def _all_parts(
    connection: Any,  # noqa: ANN401
    dn: str,
    attribute: str,
    values: Mapping[str, Sequence[bytes]],
) -> Sequence[bytes]:
    collected: list[bytes] = []
    most = Bounds.of(1).values
    parts = 0
    while True:
        part, is_last = _part(attribute, values, len(collected))
        collected += part
        parts += 1
        _refuse_more(len(collected), most, f"values of {attribute}")
        _refuse_more(parts, MOST_PARTS + len(collected) // _PART, f"parts of {attribute}")
        if is_last:
            return collected
        values = _in_part(connection, dn, f"{attribute}{_RANGE}{len(collected)}-*")


def _in_part(connection: Any, dn: str, asked: str) -> Mapping[str, Sequence[bytes]]:  # noqa: ANN401
    found, result = _one(connection, dn, [asked])
    if result["result"] not in {0, _NO_SUCH_OBJECT}:
        raise refused(dn, result)
    if found is None:
        raise DirectoryError(f"{dn} was there a moment ago and is gone", "try again")
    return found[1]


def _part(
    attribute: str, values: Mapping[str, Sequence[bytes]], at: int
) -> tuple[Sequence[bytes], bool]:
    """The part that begins at ``at``, and whether it is the last one."""
    for name, listed in values.items():
        described, is_part, limits = name.partition(_RANGE)
        if not is_part or described != attribute:
            continue
        found = _FROM_TO.match(limits)
        if found is None or int(found[1]) != at:
            raise Unreadable(f"a part of {attribute} is called {name[:80]!r}")
        if found[2] == "*":
            return listed, True
        if not listed or int(found[2]) - at + 1 != len(listed):
            raise Unreadable(f"{len(listed):,} values came as {name[:80]!r}")
        return listed, False
    raise Unreadable(f"a part of {attribute} was asked for, and none came")


def _answers(
    connection: Any,  # noqa: ANN401
    wanted: Wanted,
    tally: _Tally,
    patience: WaitingTime,
    controls: Sequence[Any] | None = None,
) -> tuple[list[Found], Mapping[str, Any]]:
    """The objects that one request brings, and its result."""
    request = search_operation(
        wanted.base,
        wanted.terms,
        wanted.scope,
        ldap3.DEREF_NEVER,
        list(wanted.attributes),
        size_limit=0,
        time_limit=0,
        types_only=False,
        auto_escape=True,
        auto_encode=False,
    )
    strategy = connection.strategy
    number = strategy.ask("searchRequest", request, controls)
    found: list[Found] = []
    while True:
        for answer in strategy.arrived(patience):
            bounded.expected(answer, number)
            if answer.tag == ldap_answers.ENTRY:
                found.append(tally.add(answer))
            elif answer.tag == ldap_answers.DONE:
                return found, ldap_answers.result(answer)
            elif answer.tag == ldap_answers.REFERENCE:
                tally.add_reference(answer)
            else:
                raise Unreadable(f"a message of type {answer.tag:#04x} answers a search")


_REFERRAL = 10


def refused(base: str, result: Mapping[str, Any]) -> DirectoryError:
    """A search that ended with another result than success."""
    place = f"the search below {base}" if base else "the search"
    what = f"{place} failed: result {result['result']} {result['description']} {result['message']}"
    if result["result"] == _REFERRAL:
        return DirectoryError(
            what, "it refers to another directory, which is never followed: name one of the domain"
        )
    return DirectoryError(what, "look whether the account may read the domain")
