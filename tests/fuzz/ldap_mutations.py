"""Good answers, spoilt at random: as bytes, and as trees whose lengths are right again."""

from __future__ import annotations

import ssl
from random import Random

from delegation.directory.requests import element
from tests.fuzz.ldap_hostile import STAGES
from tests.fuzz.ldap_server import Spoil, honest

_ODD_BYTES = b"\x00\x01\x04\x0a\x30\x31\x7f\x80\x81\x84\x87\xa0\xfe\xff"
_ODD_CONTENT = (
    b"",
    b"\xff" * 5,
    b"\x00" * 300,
    b"99999999999999999999",
    b"-1",
    b"\xc3(",
    b"CN=x,DC=corp,DC=example",
    b";range=0-1",
    b"\x1b[2J\r\n",
)


class Mutant:
    """A conversation of which one answer is spoilt, always the same way for one seed."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)
        self._stage = self._random.choice(STAGES)
        self._at = self._random.randrange({"find": 9, "write": 3}.get(self._stage, 1))
        self._seen = 0

    def __call__(self, link: ssl.SSLSocket, stage: str, number: int, good: list[bytes]) -> None:
        if stage != self._stage or self._seen > self._at:
            honest(link, stage, number, good)
            return
        self._seen += 1
        if self._seen <= self._at:
            honest(link, stage, number, good)
            return
        spoilt = list(good)
        which = self._random.randrange(len(spoilt))
        for _ in range(self._random.choice((1, 1, 1, 2, 5))):
            spoilt[which] = self._spoilt(spoilt[which])
        if self._random.random() < 0.1:
            self._random.shuffle(spoilt)
        link.sendall(b"".join(spoilt))

    def _spoilt(self, message: bytes) -> bytes:
        if not message:
            return message
        if self._random.random() < 0.5:
            return self._bytes(message)
        try:
            return self._tree(message)
        except (IndexError, ValueError, RecursionError):
            return self._bytes(message)

    def _bytes(self, message: bytes) -> bytes:
        draw = self._random
        data = bytearray(message)
        at = draw.randrange(len(data))
        end = min(len(data), at + draw.randrange(1, 20))
        match draw.randrange(6):
            case 0:
                data[at] ^= 1 << draw.randrange(8)
            case 1:
                data[at] = draw.choice(_ODD_BYTES)
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = data[at:end] * draw.choice((1, 2, 50))
            case 4:
                del data[at:]
            case _:
                data[at:end] = draw.randbytes(end - at)
        return bytes(data)

    def _tree(self, message: bytes) -> bytes:
        """One element anywhere, with the lengths of what holds it put right."""
        tag, content = _split(message)[0]
        if not _is_constructed(tag) or self._random.random() < 0.15:
            return self._element(tag, content)
        parts = _split(content)
        if not parts:
            return self._element(tag, content)
        at = self._random.randrange(len(parts))
        inner = [element(kind, held) for kind, held in parts]
        inner[at] = self._tree(inner[at])
        return element(tag, *inner)

    def _element(self, tag: int, content: bytes) -> bytes:
        draw = self._random
        whole = element(tag, content)
        torn = bytes([tag]) + b"\x84" + draw.randbytes(4) + content
        others = (
            b"",
            whole * draw.choice((2, 3, 200)),
            element(draw.choice(_ODD_BYTES), content),
            element(tag, draw.choice(_ODD_CONTENT)),
            element(tag, whole),
            element(tag, content + draw.choice(_ODD_CONTENT)),
            torn,
        )
        return draw.choice(others)


def mutant(seed: str) -> Spoil:
    return Mutant(seed)


def _is_constructed(tag: int) -> bool:
    return bool(tag & 0x20)


def _split(data: bytes) -> list[tuple[int, bytes]]:
    """The elements side by side. Raises IndexError, ValueError where there are none."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(data):
        tag, length, start = data[at], data[at + 1], at + 2
        if length >= 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[at + 2 : start], "big")
        if start + length > len(data):
            raise ValueError("too long")
        found.append((tag, data[start : start + length]))
        at = start + length
    return found
