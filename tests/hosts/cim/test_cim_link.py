"""What comes over the link, before anything reads it."""

import socket
from collections.abc import Callable
from xml.etree.ElementTree import ParseError

import pytest
from pypsrp.exceptions import WinRMTransportError

from delegation.errors import HostUnreachable
from delegation.hosts.cim import wql
from delegation.hosts.cim.cim_classes import COMPUTER_SYSTEM
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_link import FaultTold, SealedWire, judged
from delegation.hosts.places import Account, Place
from delegation.hosts.winrm.link import HostLink
from tests.hosts.cim.canned import DENIED, fault, soap

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


def gives(answer: bytes) -> Callable[..., bytes]:
    return lambda _message, **_settings: answer


def refuses(status: int, text: str) -> Callable[..., bytes]:
    def send(_message: bytes, **_settings: object) -> bytes:
        raise WinRMTransportError("http", status, text)

    return send


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_answer_with_a_document_type_is_never_read(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><!-- x -->{BOMB}{soap("&b;")}'
    with pytest.raises(ParseError, match="document type"):
        judged(gives(text.encode(encoding)), b"")


def test_a_fault_with_a_document_type_is_http_and_no_fault() -> None:
    with pytest.raises(WinRMTransportError):
        judged(refuses(500, BOMB + soap(fault(DENIED))), b"")


@pytest.mark.parametrize("text", ["", "<html><body>no</body></html>", "no XML", soap("<n:X/>")])
def test_what_is_no_fault_stays_an_error_of_http(text: str) -> None:
    with pytest.raises(WinRMTransportError):
        judged(refuses(413, text), b"")


def test_a_fault_is_told_whole() -> None:
    with pytest.raises(FaultTold) as caught:
        judged(refuses(500, soap(fault(DENIED))), b"")
    assert caught.value.fault.hresult == "0x80041003"


def test_an_answer_passes_as_it_is() -> None:
    raw = soap("<n:PullResponse/>").encode()
    assert judged(gives(raw), b"") is not None
    assert judged(gives(raw), b"") == raw


def test_a_host_that_is_not_there_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    place = Place("hv01.corp.example", "127.0.0.1", port)
    wire = SealedWire(place, Account("vmadmin@CORP.EXAMPLE"))
    cim = Cim(wire)
    with pytest.raises(HostUnreachable, match=f"nothing listens on hv01.corp.example:{port}"):
        cim.query(wql.every(COMPUTER_SYSTEM))
    wire.speak("ja-JP")
    cim.close()


def test_the_limits_are_those_of_windows() -> None:
    wsman = HostLink(Place("hv01.corp.example"), Account("vmadmin@CORP.EXAMPLE")).wsman
    assert (wsman.max_envelope_size, wsman.operation_timeout) == (500 * 1024, 60)
