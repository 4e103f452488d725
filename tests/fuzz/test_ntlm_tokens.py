"""A server's half of an NTLM logon, spoilt: no token is an internal error, or a logon."""

from __future__ import annotations

import ssl
from pathlib import Path
from random import Random

import pytest
from spnego._ntlm_raw.messages import AvId, Challenge, NegotiateFlags, TargetInfo

from delegation.directory import bounded, session
from delegation.directory.connection import Credentials
from delegation.directory.requests import element
from delegation.errors import CredentialsRefused, DelegationError
from delegation.inventory import Auth, DirectorySettings
from tests.fuzz import ldap_server
from tests.fuzz.ldap_client import DEADLINE
from tests.fuzz.ldap_server import DOMAIN, message


def challenge() -> bytes:
    flags = NegotiateFlags.unicode | NegotiateFlags.ntlm | NegotiateFlags.target_info
    flags |= NegotiateFlags.extended_session_security | NegotiateFlags.key_128
    info = TargetInfo()
    info[AvId.nb_domain_name] = "CORP"
    info[AvId.dns_domain_name] = DOMAIN
    return Challenge(flags, b"8 bytes.", "CORP", info).pack()


def spoilt(draw: Random) -> bytes:
    data = bytearray(challenge())
    for _ in range(draw.choice((1, 1, 2, 6))):
        at = draw.randrange(8, len(data))
        match draw.randrange(4):
            case 0:
                data[at] ^= 1 << draw.randrange(8)
            case 1:
                data[at : at + 4] = draw.randbytes(4)
            case 2:
                del data[at:]
            case _:
                data[at:at] = draw.randbytes(draw.randrange(1, 300))
        if len(data) < 9:
            break
    return bytes(data)


def log_on(pem: Path, token: bytes) -> None:
    """At a server that says "go on", and this, to everything."""

    def answer(link: ssl.SSLSocket, _stage: str, number: int, _good: list[bytes]) -> None:
        result = b"\x0a\x01\x0e\x04\x00\x04\x00" + element(0x87, token)
        link.sendall(message(number, 0x61, result))

    with ldap_server.serving(pem, answer) as url:
        settings = DirectorySettings(url=url, ca_file=str(pem), auth=Auth.NTLM)
        session.connect(settings, DOMAIN, Credentials("reader", "secret"))


def test_a_logon_that_never_succeeds_is_none(tmp_path: Path) -> None:
    """A server that says "go on" to every token was taken for one that had said yes."""
    pem = ldap_server.certificate(tmp_path)
    with pytest.raises(CredentialsRefused, match="did not prove who it is"):
        log_on(pem, challenge())


def test_spoilt_challenges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "ANSWER_TIMEOUT", DEADLINE)
    pem = ldap_server.certificate(tmp_path)
    for number in range(100):
        with pytest.raises(DelegationError) as refused:
            log_on(pem, spoilt(Random(f"suite/{number}")))
        assert refused.value.fix, f"token {number}"
