"""Answers that the lab's Samba does not give by itself: pages, and values in parts."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from ldap3 import Server

from delegation.directory import requests
from delegation.directory.connection import Credentials
from delegation.directory.inspection import LdapInspector
from delegation.directory.ldap import LdapReader
from delegation.errors import ConnectionFailed
from delegation.inventory import DirectorySettings
from tests.fuzz.ldap_server import ROOT_DSE
from tests.lab.description import HOSTS, READER, Lab

pytestmark = pytest.mark.lab

GUID = UUID("99b836d7-8469-43f4-8ed7-9607ab07412a")
BIND, UNBIND = 0x60, 0x42
"""Tags of requests (RFC 4511, 4.2 and 4.3)."""
VALUES = [b"cifs/hv%02d" % number for number in range(2, 9)]


class _FivePerPage(LdapInspector):
    page = 5


def _settings(lab: Lab, url: str) -> DirectorySettings:
    return DirectorySettings(url=url, ca_file=str(lab.ca_file))


def test_pages_of_a_real_domain_controller_are_put_together(fresh_lab: Lab) -> None:
    """All of it, of which nothing may be hidden by what came before."""
    lab = fresh_lab
    credentials = Credentials(READER, lab.accounts[READER])
    whole = LdapInspector(_settings(lab, lab.ldaps_url), lab.domain, credentials)
    paged = _FivePerPage(_settings(lab, lab.ldaps_url), lab.domain, credentials)
    try:
        expected = {account.guid: account for account in whole.computers()}
        assert len(expected) > len(HOSTS)
        assert {account.guid: account for account in paged.computers()} == expected
        assert paged.find(list(HOSTS)) == whole.find(list(HOSTS))
        assert paged.read(list(expected)) == whole.read(list(expected))
    finally:
        whole.close()
        paged.close()


@pytest.mark.parametrize("number", [0, UNBIND - 4, BIND - 4, 0x7E])
def test_values_that_come_in_parts_are_fetched_to_the_end(
    lab: Lab, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ``number`` the library's count of messages has come to."""
    monkeypatch.setattr(Server, "_message_counter", number)
    with _scripted(lab) as url:
        reader = LdapReader(_settings(lab, url), lab.domain, Credentials("anyone", "secret"))
        [account] = reader.find(["hv01"])
        reader.close()
    assert account.values == tuple(value.decode() for value in VALUES)
    assert account.uac == 4096


def test_a_connection_that_ends_during_a_search_is_an_error(lab: Lab) -> None:
    with _scripted(lab, hangs_up=True) as url:
        reader = LdapReader(_settings(lab, url), lab.domain, Credentials("anyone", "secret"))
        with pytest.raises(ConnectionFailed):
            reader.find(["hv01"])
        reader.close()


@contextmanager
def _scripted(lab: Lab, *, hangs_up: bool = False) -> Iterator[str]:
    """A server that answers as Windows does: at most three values of an attribute at once."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(lab.tls / "dc.pem", lab.tls / "dc.key")
    listener = socket.create_server((lab.front_addresses[-2], 636))
    listener.settimeout(30)

    def serve() -> None:
        accepted, _ = listener.accept()
        with context.wrap_socket(accepted, server_side=True) as link:
            while request := link.recv(65536):
                answers = _answers(request, hangs_up=hangs_up)
                if not answers:
                    return
                link.sendall(b"".join(answers))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"ldaps://{lab.front_addresses[-2]}"
    finally:
        thread.join(30)
        listener.close()


def _answers(request: bytes, *, hangs_up: bool) -> list[bytes]:
    """To a bind, the root DSE, a search below the domain, and each part of the values."""
    number, operation = _message_id(request), _operation(request)
    if operation == BIND:
        return [_message(number, 0x61, b"\x0a\x01\x00\x04\x00\x04\x00")]
    done = _message(number, 0x65, b"\x0a\x01\x00\x04\x00\x04\x00")
    if b"defaultNamingContext" in request:
        return [_entry(number, b"", ROOT_DSE), done]
    if hangs_up or operation == UNBIND:
        return []
    attribute, start = b"msDS-AllowedToDelegateTo", 0
    if b";range=" in request:
        start = int(request.split(b";range=")[1].split(b"-")[0])
    end = b"*" if start + 3 >= len(VALUES) else b"%d" % (start + 2)
    computer = {
        b"sAMAccountName": [b"HV01$"],
        b"objectGUID": [GUID.bytes_le],
        b"userAccountControl": [b"4096"],
        b"%s;range=%d-%s" % (attribute, start, end): VALUES[start : start + 3],
    }
    return [_entry(number, b"CN=HV01,DC=corp,DC=example", computer), done]


def _message_id(request: bytes) -> int:
    """The messageID: the first element of the outer sequence."""
    at = _begin(request)
    return int.from_bytes(request[at + 2 : at + 2 + request[at + 1]], "big")


def _operation(request: bytes) -> int:
    """The tag of the element behind it."""
    at = _begin(request)
    return request[at + 2 + request[at + 1]]


def _begin(request: bytes) -> int:
    """Where the inside of the outer sequence begins."""
    return 2 + (request[1] & 0x7F if request[1] & 0x80 else 0)


def _entry(number: int, dn: bytes, values: dict[bytes, list[bytes]]) -> bytes:
    attributes = b"".join(
        requests.element(
            0x30,
            requests.element(0x04, name),
            requests.element(0x31, *(requests.element(0x04, value) for value in listed)),
        )
        for name, listed in values.items()
    )
    return _message(number, 0x64, requests.element(0x04, dn) + requests.element(0x30, attributes))


def _message(number: int, operation: int, contents: bytes) -> bytes:
    identifier = requests.element(0x02, number.to_bytes(4, "big"))
    return requests.element(0x30, identifier, requests.element(operation, contents))
