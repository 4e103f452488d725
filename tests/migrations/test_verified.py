"""Answers of an SMB server are taken only with the key of the logon; made here by other means."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from delegation.migrations.smb.verified import ForgedError, Verified

SIGNING, SEALING = os.urandom(16), os.urandom(16)
PENDING = 0x103


def header(*, status: int = 0, flags: int = 0x9, signature: bytes = bytes(16)) -> bytes:
    """SMB2 header (MS-SMB2 2.2.1.2), as an answer has it."""
    return (
        b"\xfeSMB"
        + (64).to_bytes(2, "little")
        + bytes(2)
        + status.to_bytes(4, "little")
        + bytes(4)
        + flags.to_bytes(4, "little")
        + bytes(28)
        + signature
    )


def signed(body: bytes, key: bytes = SIGNING, *, status: int = 0, flags: int = 0x9) -> bytes:
    mac = CMAC(AES(key))
    mac.update(header(status=status, flags=flags) + body)
    return header(status=status, flags=flags, signature=mac.finalize()) + body


def sealed(body: bytes, key: bytes = SEALING) -> bytes:
    """SMB2 transform header (MS-SMB2 2.2.41) and what it seals."""
    nonce = os.urandom(11)
    bound = nonce + bytes(5) + len(body).to_bytes(4, "little") + bytes(2) + b"\1\0" + bytes(8)
    text = AESCCM(key, 16).encrypt(nonce, body, bound)
    return b"\xfdSMB" + text[-16:] + bound + text[:-16]


@dataclass
class Packet:
    data: bytes

    def get_trailer(self) -> bytes:
        return self.data


@dataclass
class Session:
    """What impacket calls a NetBIOS session."""

    answers: list[bytes]
    closed: bool = False

    def recv_packet(self, _timeout: float | None = None) -> Packet:
        return Packet(self.answers.pop(0))

    def close(self) -> None:
        self.closed = True


@dataclass
class Connection:
    """What Verified takes of impacket's SMB3."""

    _NetBIOSSession: Any
    _Session: dict[str, Any] = field(
        default_factory=lambda: {
            "SigningKey": SIGNING,
            "EncryptionKey": "",
            "DecryptionKey": "",
        }
    )


def received(answer: bytes, *, sealing: bool = False) -> bytes:
    connection = Connection(Session([answer]))
    if sealing:
        connection._Session |= {"EncryptionKey": os.urandom(16), "DecryptionKey": SEALING}
    Verified(connection)
    data: bytes = connection._NetBIOSSession.recv_packet(1).get_trailer()
    return data


def test_what_the_host_signed_or_sealed_is_taken() -> None:
    assert received(signed(b"body")) == signed(b"body")
    answer = sealed(b"body")
    assert received(answer, sealing=True) == answer


@pytest.mark.parametrize("sealing", [False, True])
def test_a_word_to_wait_needs_no_signature(*, sealing: bool) -> None:
    assert received(header(status=PENDING, flags=1), sealing=sealing)


@pytest.mark.parametrize(
    "answer",
    [
        header(flags=0x1) + b"body",
        header(flags=0x9) + b"body",
        signed(b"body", os.urandom(16)),
        signed(b"body", flags=0x1),
        signed(b"body")[:-1] + b"X",
        b"\xfeSMB",
        b"\xffSMB" + bytes(80),
        b"",
    ],
    ids=["unsigned", "no signature", "other key", "no flag", "changed", "short", "smb1", "empty"],
)
def test_what_the_host_did_not_sign_is_refused(answer: bytes) -> None:
    with pytest.raises(ForgedError):
        received(answer)


@pytest.mark.parametrize(
    "answer",
    [
        sealed(b"body", os.urandom(16)),
        sealed(b"body")[:-1] + b"X",
        sealed(b"body")[:30],
        signed(b"body"),
    ],
    ids=["other key", "changed", "short", "only signed"],
)
def test_where_it_was_agreed_to_seal_everything_is_sealed(answer: bytes) -> None:
    with pytest.raises(ForgedError):
        received(answer, sealing=True)


def test_a_sealed_answer_without_a_key_is_refused() -> None:
    with pytest.raises(ForgedError):
        received(sealed(b"body", bytes(16)))


def test_all_else_is_the_sessions_own() -> None:
    session = Session([])
    connection = Connection(session)
    Verified(connection)
    connection._NetBIOSSession.close()
    assert session.closed
