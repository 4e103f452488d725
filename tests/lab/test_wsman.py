"""The lab's WinRM endpoint as the unmodified pypsrp sees it, with real tickets."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests.exceptions
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError

from tests.lab.description import OPERATOR, READER, Lab
from tests.lab.elsewhere import Elsewhere
from tests.lab.hosts import HostLab
from tests.lab.wsman.faults import Cut, Hang, Refuse
from tests.lab.wsman.sample_client import SampleClient
from tests.lab.wsman.sample_host import SampleHost

pytestmark = pytest.mark.lab

HOST = "hv11"
"""Not one of ``host_processes``, which keep their addresses to the end of the run."""
CALLER = "CORP\\vmadmin"
CHANGE = "ModifyServiceSettings"

Client = Callable[..., Elsewhere]


@pytest.fixture(scope="module")
def started(lab: Lab) -> Iterator[Elsewhere]:
    addresses = (lab.host_address(HOST), lab.front_addresses[0])
    arguments = (addresses, lab.fqdn(HOST), lab.keytab(HOST), lab.tls / "dc.pem")
    with Elsewhere(lab, SampleHost, *arguments) as started:
        yield started


@pytest.fixture
def host(started: Elsewhere) -> Elsewhere:
    started.call("renew")
    return started


@pytest.fixture(scope="module")
def processes(lab: Lab) -> Iterator[dict[str, Elsewhere]]:
    """Clients by their users: the start of one takes the time of a test."""
    found: dict[str, Elsewhere] = {}
    yield found
    for one in found.values():
        one.kill()


@pytest.fixture
def client(lab: Lab, host: Elsewhere, processes: dict[str, Elsewhere]) -> Client:
    """Give a client, in a process of its own; with its user's keytab it gets a ticket."""
    del host

    def start(
        user: str = OPERATOR, server: str = "", hostname: str = HOST, **options: Any
    ) -> Elsewhere:
        if user not in processes:
            keytab = f"FILE:{lab.keytab(user)}"
            one = Elsewhere(lab, SampleClient, KRB5_CLIENT_KTNAME=keytab, KRB5CCNAME="MEMORY:own")
            processes[user] = one
        found = processes[user]
        found.call("meet", server or lab.host_address(HOST), lab.fqdn(hostname), options)
        return found

    return start


# Who gets in, and how.


@pytest.mark.parametrize("auth", ["negotiate", "kerberos"])
def test_the_caller_is_who_his_ticket_says(client: Client, auth: str) -> None:
    assert client(auth=auth).call("who") == CALLER
    assert client(READER, auth=auth).call("who") == "CORP\\auditor"


def test_beside_hosts_that_a_file_before_has_left_running(hosts: HostLab, client: Client) -> None:
    assert all(host.running() for host in hosts.chosen(()))
    assert client().call("who") == CALLER


def test_unauthorised_user(host: Elsewhere, client: Client) -> None:
    host.call("deny", READER)
    with pytest.raises(WSManFaultError) as refused:
        client(READER).call("change")
    assert (refused.value.code, refused.value.reason) == (5, "Access is denied.")
    assert client().call("who") == CALLER


def test_ticket_for_another_host(client: Client) -> None:
    with pytest.raises(AuthenticationError):
        client(hostname="hv02").call("change")


@pytest.mark.parametrize("kind", ["Basic", "NTLM", "CredSSP", "Negotiate"])
def test_only_kerberos_is_offered(lab: Lab, host: Elsewhere, kind: str) -> None:
    del host
    headers = {"Authorization": f"{kind} TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAGAbEdAAAADw=="}
    for sent in ({}, headers):
        connection = http.client.HTTPConnection(lab.host_address(HOST), 5985, timeout=30)
        connection.request("POST", "/wsman", body=b"", headers=sent)
        answer = connection.getresponse()
        assert answer.status == http.HTTPStatus.UNAUTHORIZED
        assert answer.headers.get_all("WWW-Authenticate") == ["Negotiate", "Kerberos"]
        connection.close()


def test_unencrypted_body_is_refused(client: Client) -> None:
    with pytest.raises(WinRMTransportError) as refused:
        client(encryption="never").call("change")
    assert refused.value.code == http.HTTPStatus.BAD_REQUEST


def test_changed_message_is_refused(client: Client) -> None:
    one = client()
    one.call("change")
    one.call("tamper")
    with pytest.raises(WinRMTransportError) as refused:
        one.call("change")
    assert refused.value.code == http.HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("binding", [{}, {"negotiate_send_cbt": False}])
def test_https(lab: Lab, client: Client, binding: dict[str, bool]) -> None:
    options = {"ssl": True, "cert_validation": str(lab.ca_file)} | binding
    assert client(server=lab.front_addresses[0], **options).call("who") == CALLER


# Faults.


def test_hanging_endpoint(host: Elsewhere, client: Client) -> None:
    host.call("fail", Hang(), CHANGE)
    with pytest.raises(requests.exceptions.ReadTimeout):
        client(read_timeout=1).call("change")
    assert client().call("who") == CALLER


def test_refusing_endpoint(host: Elsewhere, client: Client) -> None:
    host.call("fail", Refuse(503))
    with pytest.raises(WinRMTransportError) as refused:
        client().call("change")
    assert refused.value.code == http.HTTPStatus.SERVICE_UNAVAILABLE


def test_lost_reply_to_what_is_carried_out(host: Elsewhere, client: Client) -> None:
    host.call("fail", Cut(), CHANGE)
    with pytest.raises(requests.exceptions.ConnectionError):
        client().call("change")
    assert host.call("times", CHANGE) == 1


def test_restarted_service_knows_no_former_key(host: Elsewhere, client: Client) -> None:
    one = client()
    one.call("change")
    host.call("restart")
    with pytest.raises(WinRMTransportError) as refused:
        one.call("change")  # pypsrp connects again, and encrypts with the former key.
    assert refused.value.code == http.HTTPStatus.BAD_REQUEST
    assert client().call("who") == CALLER
