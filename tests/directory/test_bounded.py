"""Answers read strictly, and waited for within bounds: each fault that hostile ones have shown."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import ldap3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.utils.asn1 import decode_message_fast

from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, Target
from delegation.directory import bounded, filters, ldap_answers, requests, searching
from delegation.directory.bounded import BoundedConnection, BoundedStrategy, WaitingTime
from delegation.directory.ldap import LdapDirectory, LdapReader
from delegation.directory.ldap_answers import LARGEST_MESSAGE, Unreadable
from delegation.directory.requests import element
from delegation.directory.searching import Bounds
from delegation.errors import DirectoryError
from delegation.mesh.snapshot import Directory
from delegation.mesh.state import Delegation
from tests.fuzz.ldap_hostile import overlapping
from tests.fuzz.ldap_server import SUCCESS, done, entry, message

names = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=9)
objects = st.dictionaries(
    names.map(lambda name: name.lower().encode()),
    st.lists(st.one_of(st.binary(max_size=9), st.just(bytes(300))), max_size=5),
    max_size=5,
)


@given(st.integers(1, 2**31 - 1), names, objects)
def test_an_object_is_what_ldap3_reads(
    number: int, dn: str, values: dict[bytes, list[bytes]]
) -> None:
    raw = entry(number, dn.encode(), values)
    answer = ldap_answers.message(raw)
    assert answer.number == number
    assert ldap_answers.entry(answer) == (
        dn,
        {name.decode(): listed for name, listed in values.items()},
    )
    by_ldap3 = decode_message_fast(raw)
    assert by_ldap3["payload"][0][3] == dn.encode()
    assert len(by_ldap3["payload"][1][3]) == len(values)


@given(st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_unreadable(data: bytes) -> None:
    for contents in (data, element(0x64, data), element(0x04, b"CN=x") + element(0x30, data)):
        for operation in (0x64, 0x65):
            answer = ldap_answers.message(message(1, operation, contents))
            for read in (ldap_answers.entry, ldap_answers.result):
                with suppress(Unreadable):
                    read(answer)


def test_a_result_that_ldap_does_not_know_has_its_number() -> None:
    """ldap3 raises KeyError."""
    answer = ldap_answers.message(message(1, 0x65, b"\x0a\x02\x12\x34\x04\x00\x04\x00"))
    assert ldap_answers.result(answer)["result"] == 0x1234


def test_a_cookie_is_found_behind_another_control() -> None:
    other = element(0x30, element(0x04, b"1.2.3"), b"\x01\x01\xff", element(0x04, b"?"))
    page = element(0x30, b"\x02\x01\x00", element(0x04, b"next"))
    mine = element(0x30, element(0x04, requests.PAGED), b"\x01\x01\xff", element(0x04, page))
    answer = ldap_answers.message(message(1, 0x65, SUCCESS, element(0xA0, other, mine)))
    assert ldap_answers.result(answer)["cookie"] == b"next"


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param(overlapping(31), id="overlapping elements: ldap3 takes for ever"),
        pytest.param(element(0x0A, b"\x7f" * 1_500_000), id="a number of a million digits"),
        pytest.param(b"\x0a\x00\x04\x00\x04\x00", id="a number of none"),
        pytest.param(b"\x04\x01\xff\x30\x00", id="a name that is not UTF-8"),
        pytest.param(b"\x0a", id="half an element"),
        pytest.param(b"\x04\x84\xff\xff\xff\xff", id="4 GiB within a small message"),
    ],
)
def test_what_is_unreadable_is_so_at_once(contents: bytes) -> None:
    began = time.monotonic()
    answer = ldap_answers.message(message(1, 0x64, contents))
    with pytest.raises(Unreadable):
        ldap_answers.entry(answer)
    if contents[:1] != b"\x04":
        with pytest.raises(Unreadable):
            ldap_answers.result(answer)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "contents",
    [
        b"\x0a\x01\x00\x04\x00\x04\x02",
        b"\x0a\x01\x00\x04\x81",
        b"\x0a\x01\x00\x04\x00\x04\x00\x87\x02",
    ],
)
def test_no_element_takes_from_what_follows_its_holder(contents: bytes) -> None:
    answer = ldap_answers.message(message(1, 0x65, contents, element(0xA0)))
    with pytest.raises(Unreadable, match=r"longer than what holds it|length that LDAP"):
        ldap_answers.result(answer)


@pytest.mark.parametrize(
    "head",
    [b"\x30\x80\x00", b"\x30" + b"\xff" * 20, b"\x04\x03abc", b"\x30\x84\xff\xff\xff\xff"],
)
def test_a_length_that_is_none(head: bytes) -> None:
    with pytest.raises(Unreadable):
        ldap_answers.size_of(head, 0)


def test_a_size_waits_for_its_bytes() -> None:
    assert ldap_answers.size_of(b"\x30", 0) is None
    assert ldap_answers.size_of(b"\x30\x84\x00\x00", 0) is None
    assert ldap_answers.size_of(b"..\x30\x05", 2) == 7
    whole = b"\x30\x83" + (LARGEST_MESSAGE - 5).to_bytes(3, "big")
    assert ldap_answers.size_of(whole, 0) == LARGEST_MESSAGE


@pytest.fixture
def pair() -> Iterator[tuple[BoundedStrategy, socket.socket]]:
    """A receiver, and the server's end."""
    here, there = socket.socketpair()
    with here, there:
        connection = BoundedConnection(ldap3.Server("127.0.0.1", get_info=ldap3.NONE))
        connection.socket, connection.closed = here, False
        yield connection.strategy, there


Pair = tuple[BoundedStrategy, socket.socket]


def test_messages_arrive_in_whatever_pieces(pair: Pair) -> None:
    receiver, server = pair
    first, second = done(1), done(2)
    server.sendall(first + second[:5])
    assert [answer.number for answer in receiver.arrived(WaitingTime(5))] == [1]
    server.sendall(second[5:])
    assert [answer.number for answer in receiver.arrived(WaitingTime(5))] == [2]


def test_bytes_one_by_one_buy_no_time(pair: Pair) -> None:
    """A socket's timeout starts anew with each."""
    receiver, _ = pair
    waiting = WaitingTime(0.3)
    began = time.monotonic()
    head = iter(b"\x30\x84\x00\x00\xff\xff")
    sock = receiver.connection.socket

    class Dripping:
        def recv(self, _size: int) -> bytes:
            time.sleep(0.05)
            return bytes([next(head, 0)])

        def __getattr__(self, name: str) -> Any:
            return getattr(sock, name)

    receiver.connection.socket = Dripping()
    with pytest.raises(TimeoutError):
        receiver.arrived(waiting)
    assert time.monotonic() - began < 2


def test_an_answer_that_was_read_is_not_lost_by_the_one_behind_it(pair: Pair) -> None:
    """A write that was answered has its outcome, whatever comes next."""
    receiver, server = pair
    server.sendall(done(1) + b"garbage")
    assert [answer.number for answer in receiver.arrived(WaitingTime(5))] == [1]
    with pytest.raises(Unreadable):
        receiver.arrived(WaitingTime(5))


def test_nothing_can_be_sent_once_it_is_closed(pair: Pair) -> None:
    """It was an AttributeError of ldap3's."""
    receiver, _ = pair
    receiver.close()
    with pytest.raises(OSError, match="closed"):
        receiver.transmit(b"x")
    with pytest.raises(OSError, match="closed"):
        receiver.arrived(WaitingTime(5))


def test_waiting_for_parts_counts_for_the_whole() -> None:
    whole = WaitingTime(bounded.ANSWER_TIMEOUT + 5)
    whole.part().waited(bounded.ANSWER_TIMEOUT - 1)
    assert whole.part().now == 6


class Scripted:
    """A connection that answers each search with the next of these."""

    def __init__(self, *results: Sequence[bytes]) -> None:
        self.strategy = self
        self.server: Any = SimpleNamespace(next_message_id=lambda: 1)
        self.results = iter(results)

    def transmit(self, request: bytes) -> None:
        assert request

    def arrived(self, _waiting: WaitingTime) -> Sequence[ldap_answers.Answer]:
        return [ldap_answers.message(raw) for raw in next(self.results)]


def part(limits: bytes, *values: bytes) -> list[bytes]:
    return [entry(1, b"CN=x", {b"member;range=" + limits: [*values]}), done(1)]


def test_parts_are_put_together() -> None:
    connection = Scripted(part(b"0-1", b"a", b"b"), part(b"2-2", b"c"), part(b"3-*", b"d"))
    found = searching.in_full(connection, "CN=x", ["member"])
    assert found == {"member": [b"a", b"b", b"c", b"d"]}


@pytest.mark.parametrize(
    "second",
    [
        part(b"0-1", b"a", b"b"),
        part(b"3-4", b"a", b"b"),
        part(b"2-9", b"c"),
        part(b"2-1"),
        part(b"2-", b"c"),
        part(b"\xd9\xa2-*", b"c"),
        [entry(1, b"CN=x", {}), done(1)],
    ],
)
def test_parts_that_do_not_fit(second: list[bytes]) -> None:
    """ldap3 asks on for ever, or raises IndexError and ValueError."""
    connection = Scripted(part(b"0-1", b"a", b"b"), second)
    with pytest.raises(Unreadable):
        searching.in_full(connection, "CN=x", ["member"])


def test_parts_of_one_value_end() -> None:
    parts = [part(b"%d-%d" % (at, at), b"x") for at in range(1_000)]
    with pytest.raises(Unreadable, match="parts of member"):
        searching.in_full(Scripted(*parts), "CN=x", ["member"])


def test_more_objects_than_were_named() -> None:
    found = [entry(1, b"CN=x%d" % at, {}) for at in range(4)]
    wanted = searching.Wanted("DC=x", filters.equal("cn", "x"), ["cn"])
    with pytest.raises(Unreadable, match="more than 3 objects"):
        list(searching.everywhere(Scripted([*found, done(1)]), wanted, Bounds.of(3), 10))
    all_of_them = searching.everywhere(Scripted([*found, done(1)]), wanted, Bounds.of(4), 10)
    assert len(list(all_of_them)) == 4


def test_bounds_grow_with_what_was_asked_for() -> None:
    small, large = Bounds.of(1), Bounds.of(1_000)
    assert all(less < more for less, more in zip(small, large, strict=True))
    assert all(less < more for less, more in zip(large, Bounds.without_end(1_000), strict=True))


class _Unseen(LdapReader):
    """A reader whose connection has this to say."""

    def __init__(self, raw: bytes) -> None:
        self._url = "ldaps://dc1"
        self._connection = Scripted([raw, done(1)])
        self._directory = Directory("ldaps://dc1", "x", "DC=x", "dc1")


@pytest.mark.parametrize("name", [b"userAccountControl", b"sAMAccountName", b"objectGUID"])
def test_what_the_reader_may_not_see_is_unknown_and_never_clean(name: bytes) -> None:
    """An account may be there, and its flags not be ours to read."""
    values = {
        b"sAMAccountName": [b"HV01$"],
        b"objectGUID": [bytes(16)],
        b"userAccountControl": [b"4096"],
    }
    [account] = _Unseen(entry(1, b"CN=HV01,DC=x", values)).find(["hv01"])
    assert account.uac == 4096
    without = {key: listed for key, listed in values.items() if key != name}
    for seen in (without, {**without, name: []}):
        with pytest.raises(DirectoryError, match=f"CN=HV01,DC=x has {name.decode()}") as said:
            _Unseen(entry(1, b"CN=HV01,DC=x", seen)).find(["hv01"])
        assert "may not see" in said.value.what
        assert said.value.fix


def test_a_write_whose_answer_is_garbage_is_in_doubt_and_not_forgotten() -> None:
    """It was taken off the list of what waits for an answer before its answer was read."""
    writer = LdapDirectory.__new__(LdapDirectory)
    garbage = message(1, 0x67, b"\x0a\x01\x00\x04")
    connection = Scripted([garbage])
    writer._connection = connection
    target = Target("HV01", "CN=HV01", UUID(int=1))
    asked = Change(target, Delegation((), 4096), Delegation(("cifs/x",), 4096))
    (outcome,) = writer.write([asked])
    assert (outcome.change, outcome.result) == (asked, Result.UNKNOWN)
