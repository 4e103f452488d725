"""A small DNS server of one's own, on port 53 of a loopback address: what DNS may say, and worse.

It answers by dnspython from a table of texts as they stand in a zone file, over UDP and over TCP.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

LARGEST_DATAGRAM = 512

Table = Mapping[tuple[str, str], Sequence[str]]
"""Records by name, without the last dot, and by type."""


class DnsServer:
    """For a ``with``; ``asked`` has every question as (name, type).

    ``garbage`` is sent instead of every answer; without ``answers`` the server is silent.
    """

    def __init__(
        self, address: str, table: Table, *, garbage: bytes = b"", answers: bool = True
    ) -> None:
        self.address = address
        self.asked: list[tuple[str, str]] = []
        self._table = {(name.lower(), kind): texts for (name, kind), texts in table.items()}
        self._garbage = garbage
        self._answers = answers
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind((address, 53))
        self._listener = socket.create_server((address, 53))
        self._threads = [
            threading.Thread(target=loop, daemon=True) for loop in (self._udp, self._tcp)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        for end in (self._datagrams, self._listener):
            # A mere close does not wake who waits.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(10)

    def _udp(self) -> None:
        with suppress(OSError):
            while True:
                query, sender = self._datagrams.recvfrom(4096)
                if not query:
                    return  # shut down
                if self._answers:
                    self._datagrams.sendto(self._answer(query, LARGEST_DATAGRAM), sender)

    def _tcp(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, suppress(OSError, struct.error):
                    client.settimeout(5)
                    (length,) = struct.unpack("!H", client.recv(2))
                    answer = self._answer(client.recv(length), 65535)
                    client.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, query: bytes, largest: int) -> bytes:
        if self._garbage:
            # The id of the query, so that the answer is taken for one.
            return query[:2] + self._garbage
        message = dns.message.from_wire(query)
        question = message.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        reply = dns.message.make_response(message)
        texts = self._table.get((name, kind), ())
        if texts:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *texts))
        elif not any(known == name for known, _ in self._table):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        wire = reply.to_wire(max_size=65535)
        if len(wire) > largest:
            short = dns.message.make_response(message)
            short.flags |= dns.flags.TC
            return short.to_wire()
        return wire
