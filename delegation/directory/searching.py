"""Searches whose answers are bounded: in objects, pages, parts, values, bytes and time.

All bounds grow with what was asked for. What goes on beyond them is no directory: paging cookies,
ranges and references that never end cost a client its memory, or its night.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from delegation.directory import bounded, filters, ldap_answers, requests
from delegation.directory.bounded import WaitingTime
from delegation.directory.entries import Attributes
from delegation.directory.ldap_answers import Answer, Unreadable
from delegation.errors import DirectoryError

LdapConnection = Any
"""One of ldap3's, which has no types."""

Found = tuple[str, Attributes]
"""DN, and raw values by casefolded attribute."""

MOST_REFERENCES = 1_000
"""References to other directories in the answers to one search: counted, and never followed."""

MOST_PARTS = 100
"""Pages, or parts of a list, that may come nearly empty; after these, half of each must be full."""

_PART = 750
"""Half of the values that a DC gives at once (MaxValRange, 1,500)."""

_PAGES_TIMEOUT = 10
"""Waiting for all pages together, in waits for one; beyond it bytes buy time."""

_AT_ONCE = 10_000
"""Objects without pages, from whoever takes no heed of how many were asked for at most."""

_SIZE_LIMIT_EXCEEDED = 4
_NO_SUCH_OBJECT = 32

_OWNER = 0x1
"""OWNER_SECURITY_INFORMATION (MS-ADTS 3.1.1.3.4.1.11)."""
_ANYTHING = filters.present("objectClass")


class Wanted(NamedTuple):
    """What is searched, and where: by a filter of ``filters``.

    ``seconds`` is how long one waits for a page, if unusually. ``is_small``: a page most likely
    holds all of it.
    """

    base: str
    terms: bytes
    attributes: Collection[str]
    scope: int = requests.SUBTREE
    seconds: float | None = None
    is_small: bool = False


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


def everywhere(
    connection: LdapConnection, wanted: Wanted, bounds: Bounds, page: int
) -> Iterator[Found]:
    """What is found, at once or page after page.

    Raises DirectoryError where the search is refused, LDAPException, OSError and Unreadable.
    """
    seconds = wanted.seconds or bounded.ANSWER_TIMEOUT
    patience = WaitingTime(seconds * _PAGES_TIMEOUT)
    if wanted.is_small:
        # Samba reads what it gives in pages twice: all of it for a list of what there is, and then
        # one by one. It also gives more than it is asked for at most: that is all there is, then.
        tally, waiting = _Tally(bounds, _AT_ONCE), patience.part(seconds)
        found, result = _answers(connection, wanted, tally, waiting, most=page)
        if result["result"] == 0:
            yield from found
            return
        if result["result"] != _SIZE_LIMIT_EXCEEDED:
            raise refused(wanted.base, result)
    yield from _in_pages(connection, wanted, _Tally(bounds, page), patience)


def _in_pages(
    connection: LdapConnection, wanted: Wanted, tally: _Tally, patience: WaitingTime
) -> Iterator[Found]:
    cookie = b""
    pages = 0
    while True:
        control = requests.page(tally.page, cookie)
        tally.of_page = 0
        waiting = patience.part(wanted.seconds or bounded.ANSWER_TIMEOUT)
        found, result = _answers(connection, wanted, tally, waiting, control=control)
        if result["result"] != 0:
            raise refused(wanted.base, result)
        yield from found
        pages += 1
        _refuse_more(pages, MOST_PARTS + 2 * tally.objects // tally.page, "pages")
        cookie = result["cookie"]
        if not cookie:
            return


def one_object(connection: LdapConnection, dn: str, attributes: Collection[str]) -> Found | None:
    """One object; None where it can't be seen. Raises LDAPException, OSError, Unreadable."""
    return _one(connection, dn, attributes)[0]


def descriptor_with_owner(connection: LdapConnection, dn: str) -> bytes:
    """A security descriptor's owner alone, since more of it takes more rights; empty if unseen."""
    attribute = "nTSecurityDescriptor"
    found = _one(connection, dn, [attribute], requests.descriptor_parts(_OWNER))[0]
    values = found[1].get(attribute.casefold(), ()) if found else ()
    return values[0] if values else b""


def _one(
    connection: LdapConnection, dn: str, attributes: Collection[str], control: bytes = b""
) -> tuple[Found | None, Mapping[str, Any]]:
    wanted = Wanted(dn, _ANYTHING, attributes, requests.BASE)
    patience = WaitingTime(bounded.ANSWER_TIMEOUT)
    found, result = _answers(connection, wanted, _Tally(Bounds.of(1), 1), patience, control=control)
    return (found[0] if found else None), result


def in_full(connection: LdapConnection, dn: str, attributes: Collection[str]) -> Attributes:
    """One object with all its values.

    Raises DirectoryError where it is gone, LDAPException, OSError, Unreadable.
    """
    return completed(connection, dn, _still_there(connection, dn, attributes))


def in_parts(values: Attributes) -> bool:
    return any(_RANGE in name for name in values)


def completed(connection: LdapConnection, dn: str, values: Attributes) -> Attributes:
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
    connection: LdapConnection, dn: str, attribute: str, values: Attributes
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
        values = _still_there(connection, dn, [f"{attribute}{_RANGE}{len(collected)}-*"])


def _still_there(connection: LdapConnection, dn: str, attributes: Collection[str]) -> Attributes:
    found, result = _one(connection, dn, attributes)
    if result["result"] not in {0, _NO_SUCH_OBJECT}:
        raise refused(dn, result)
    if found is None:
        raise DirectoryError(f"{dn} was there a moment ago and is gone", "try again")
    return found[1]


def _part(attribute: str, values: Attributes, at: int) -> tuple[Sequence[bytes], bool]:
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


def _answers(  # noqa: PLR0913 - what a request says, and what it may bring
    connection: LdapConnection,
    wanted: Wanted,
    tally: _Tally,
    patience: WaitingTime,
    *,
    control: bytes = b"",
    most: int = 0,
) -> tuple[list[Found], Mapping[str, Any]]:
    """The objects that one request brings, and its result."""
    number: int = connection.server.next_message_id()
    request = requests.search(
        number,
        wanted.base,
        wanted.scope,
        wanted.terms,
        wanted.attributes,
        most=most,
        control=control,
    )
    strategy = connection.strategy
    strategy.transmit(request)
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
