"""What a server may do on purpose, at any stage of a conversation."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from delegation.directory.requests import PAGED, element
from tests.fuzz.ldap_server import (
    GUIDS,
    SIZE_LIMIT_EXCEEDED,
    Spoil,
    done,
    entry,
    honest,
    message,
)

STAGES = ("bind", "identify", "find", "write")
WHILE = 30.0
"""Seconds after which a behaviour without an end gives up: by then the client has failed."""

Behaviour = Callable[[ssl.SSLSocket, int, list[bytes]], None]


def at_stage(stage: str, behaviour: Behaviour) -> Spoil:
    """Honest until ``stage``; there, and then, ``behaviour``."""

    def spoil(link: ssl.SSLSocket, now: str, number: int, good: list[bytes]) -> None:
        if now == stage:
            behaviour(link, number, good)
        else:
            honest(link, now, number, good)

    return spoil


def _for_a_while() -> Iterator[int]:
    end, count = time.monotonic() + WHILE, 0
    while time.monotonic() < end:
        yield count
        count += 1


def says_nothing(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    link.settimeout(WHILE)
    with suppress(OSError):
        link.recv(1)


def drips(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    """A byte at a time, each before the socket's timeout, of a message that has many."""
    link.sendall(b"\x30\x84\x00\x0f\xff\xff")
    for _ in _for_a_while():
        link.sendall(b"\x00")
        time.sleep(0.05)


def hangs_up(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    link.shutdown(socket.SHUT_RDWR)


def cuts_short(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    link.sendall(good[-1][: len(good[-1]) // 2])
    link.shutdown(socket.SHUT_RDWR)


def announces_4_gib(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    link.sendall(b"\x30\x84\xff\xff\xff\xff")
    for _ in _for_a_while():
        link.sendall(bytes(1 << 20))


def announces_more_than_there_are_bytes(
    link: ssl.SSLSocket, number: int, good: list[bytes]
) -> None:
    link.sendall(b"\x30\xff" + b"\xff" * 127)
    for _ in _for_a_while():
        link.sendall(bytes(1 << 20))


def has_no_length(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    """The indefinite form, which LDAP has not (RFC 4511, 5.1)."""
    link.sendall(b"\x30\x80" + good[-1][2:] + b"\x00\x00")


def nests_deeply(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    inner = b""
    for _ in range(5_000):
        inner = element(0x30, inner)
    link.sendall(message(number, 0x64, inner))


def overlaps(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    link.sendall(message(number, 0x64, overlapping(31)))


def overlapping(levels: int) -> bytes:
    """Each element claims what follows its parent: read naively, time doubles with each level."""
    return b"".join(b"\x30\x02\x30%c" % (4 * left) for left in reversed(range(levels)))


def answers_somebody_else(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    link.sendall(message(number + 77, 0x65, b"\x0a\x01\x00\x04\x00\x04\x00"))


def answers_too_often(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    link.sendall(good[-1] * 50)


def sends_garbage(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)


def has_a_code_of_its_own(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    tag = good[-1][2 + good[-1][3] + 2]
    link.sendall(message(number, tag, b"\x0a\x02\x12\x34\x04\x00\x04\x00"))


def has_a_number_without_end(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    """Python takes the square of its length to build it, and refuses to print it."""
    link.sendall(message(number, 0x65, element(0x0A, b"\x7f" * 1_500_000) + b"\x04\x00\x04\x00"))


def has_a_negative_number(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    link.sendall(message(number, 0x65, b"\x0a\x01\xff\x04\x00\x04\x00"))


def has_the_wrong_types(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    link.sendall(message(number, 0x64, b"\x02\x01\x05" + element(0x30, b"\x01\x01\xff" * 5)))


def refers_elsewhere(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    tag = good[-1][2 + good[-1][3] + 2]
    where = element(0xA3, element(0x04, b"ldap://evil.example/DC=corp,DC=example"))
    link.sendall(message(number, tag, b"\x0a\x01\x0a\x04\x00\x04\x00" + where))


def refers_without_end(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    reference = message(number, 0x73, element(0x04, b"ldap://evil.example/DC=corp,DC=example"))
    for _ in _for_a_while():
        link.sendall(reference * 1_000)


def finds_a_million(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    for count in _for_a_while():
        link.sendall(b"".join(_somebody(number, count * 1_000 + at) for at in range(1_000)))


def in_pages(page: Callable[[int], bytes]) -> Behaviour:
    """What stands in for each page; before pages are asked for, there is more than fits."""

    def behave(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
        too_many = done(number, code=SIZE_LIMIT_EXCEEDED)
        link.sendall(too_many if too_many in good else page(number))

    behave.__name__ = page.__name__
    return behave


@in_pages
def pages_without_end(number: int) -> bytes:
    return _somebody(number, number) + done(number, b"page0")


@in_pages
def pages_that_are_full(number: int) -> bytes:
    page = b"".join(_somebody(number, number * 1_000 + at) for at in range(1_000))
    return page + done(number, b"page0")


@in_pages
def empty_pages(number: int) -> bytes:
    return done(number, b"page0")


def parts_without_end(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    """Always one more value, wherever the client has come to."""
    values = {b"msDS-AllowedToDelegateTo;range=0-0": [b"cifs/x"], **_FLAGS, **_who(1)}
    for at in range(1, 300):
        values[b"msDS-AllowedToDelegateTo;range=%d-%d" % (at, at)] = [b"cifs/x"]
    link.sendall(entry(number, b"CN=hv01", values) + done(number))


def a_part_again(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    values = {b"msDS-AllowedToDelegateTo;range=0-0": [b"cifs/x"], **_FLAGS, **_who(1)}
    link.sendall(entry(number, b"CN=hv01", values) + done(number))


def has_many_tiny_values(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    """Two bytes on the wire, a hundred in memory."""
    tiny = element(
        0x30, element(0x04, b"servicePrincipalName"), element(0x31, b"\x04\x00" * 900_000)
    )
    for _ in range(20):
        link.sendall(message(number, 0x64, element(0x04, b"CN=x") + element(0x30, tiny)))
    link.sendall(done(number))


def has_a_page_of_garbage(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    """A paging control that is none."""
    control = element(0xA0, element(0x30, element(0x04, PAGED), element(0x04, b"\x30\x05\x02")))
    link.sendall(message(number, 0x65, b"\x0a\x01\x00\x04\x00\x04\x00", control))


def says_goodbye(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    """The notice of disconnection (RFC 4511, 4.4.1)."""
    name = element(0x8A, b"1.3.6.1.4.1.1466.20036")
    link.sendall(message(0, 0x78, b"\x0a\x01\x34\x04\x00\x04\x00" + name))


def shows_no_flags(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    link.sendall(entry(number, b"CN=hv01", _who(1)) + done(number))


def shows_no_identity(link: ssl.SSLSocket, number: int, good: list[bytes]) -> None:
    values = {b"sAMAccountName": [b"HV01$"], **_FLAGS, b"objectGUID": []}
    link.sendall(entry(number, b"CN=hv01", values) + done(number))


_FLAGS = {b"userAccountControl": [b"4096"]}


def _who(number: int) -> dict[bytes, list[bytes]]:
    guid = GUIDS["hv01"].bytes_le[:8] + number.to_bytes(8, "big")
    return {b"sAMAccountName": [b"x%d$" % number], b"objectGUID": [guid]}


def _somebody(number: int, count: int) -> bytes:
    return entry(number, b"CN=x%d" % count, {**_who(count), **_FLAGS})


ANYWHERE: tuple[Behaviour, ...] = (
    says_nothing,
    drips,
    hangs_up,
    cuts_short,
    announces_4_gib,
    announces_more_than_there_are_bytes,
    has_no_length,
    nests_deeply,
    overlaps,
    answers_somebody_else,
    sends_garbage,
    has_a_code_of_its_own,
    has_a_number_without_end,
    has_a_negative_number,
    has_the_wrong_types,
    refers_elsewhere,
    refers_without_end,
    finds_a_million,
    says_goodbye,
)
"""At each stage."""

IN_SEARCHES: tuple[Behaviour, ...] = (
    answers_too_often,
    pages_without_end,
    pages_that_are_full,
    empty_pages,
    parts_without_end,
    a_part_again,
    has_many_tiny_values,
    has_a_page_of_garbage,
    shows_no_flags,
    shows_no_identity,
)
"""Where the hosts are looked for."""


def hangs_in_the_hand_shake(sock: socket.socket) -> None:
    sock.settimeout(WHILE)
    with suppress(OSError):
        while sock.recv(1 << 16):
            pass


def drips_its_hand_shake(sock: socket.socket) -> None:
    """A record of 16 KiB, a byte at a time."""
    with suppress(OSError):
        sock.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
        for _ in _for_a_while():
            sock.sendall(b"\x00")
            time.sleep(0.05)


def speaks_no_tls(sock: socket.socket) -> None:
    sock.sendall(b"220 smtp.example ESMTP\r\n")
    time.sleep(0.1)


GREETINGS: tuple[Callable[[socket.socket], None], ...] = (
    hangs_in_the_hand_shake,
    drips_its_hand_shake,
    speaks_no_tls,
)
