"""The lab's WinRM endpoint as the unmodified pypsrp sees it, with real tickets."""

from __future__ import annotations

import http.client
from typing import Any

import pytest
import requests.exceptions
from hypothesis import given
from hypothesis import strategies as st
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError

from tests.lab import byhand
from tests.lab.description import READER, Lab
from tests.lab.hosts import HostLab
from tests.lab.wsman import Cut, Hang, Refuse
from tests.lab.wsman.elsewhere import Elsewhere
from tests.lab.wsman.fixtures import HOST, OUTPUT_BYTES, Client, client, host, idle, started
from tests.lab.wsman.outbox import END, Outbox
from tests.lab.wsman.sample_client import Error, Result
from tests.lab.wsman.soap import Code

pytestmark = pytest.mark.lab

STEPS = ("Start-Steps", {"Count": 4})
START = 0x1
__all__ = ["client", "host", "idle", "started"]

NO_CREDENTIALS = Error(
    message="No credentials are available in the security package.",
    hresult=0x8009030E - 2**32,
    identifier="OperationFailed,Microsoft.HyperV.PowerShell.Commands.WriteLabError",
    category="VirtualizationException",
    target="vm1",
    kind="Microsoft.HyperV.PowerShell.VirtualizationException",
)


def number_pipeline(count: int, size: int) -> tuple[str, dict[str, int]]:
    return ("Get-Numbers", {"Count": count, "Bytes": size})


# What pipelines say.


def test_the_caller_is_who_his_ticket_says(client: Client) -> None:
    expected = Result("Completed", output=["vmadmin@CORP.EXAMPLE"])
    assert client().call("run", ("Get-Caller", {})) == expected


def test_beside_hosts_that_a_file_before_has_left_running(hosts: HostLab, client: Client) -> None:
    assert all(host.running() for host in hosts.chosen(()))
    assert client().call("run", ("Get-Caller", {})).state == "Completed"


@pytest.mark.parametrize("auth", ["negotiate", "kerberos"])
def test_pipeline_of_two_cmdlets(client: Client, auth: str) -> None:
    pipeline = [("Get-Numbers", {"Count": 5}), ("Get-Sum", {})]
    assert client(auth=auth).call("run", *pipeline).output == [10]


def test_large_objects_arrive_whole(client: Client) -> None:
    output = client().call("run", number_pipeline(3, 200_000)).output
    assert output == [str(number) * 200_000 for number in range(3)]


def test_error_record_carries_its_hresult(client: Client) -> None:
    result = client().call("run", ("Write-LabError", {}))
    assert result.errors == [NO_CREDENTIALS]
    assert result.warnings == ["something is odd"]
    assert (result.state, result.output) == ("Completed", ["after"])


def test_error_ends_the_pipeline_if_so_asked(client: Client) -> None:
    result = client().call("run", ("Write-LabError", {"ErrorAction": "Stop"}))
    assert (result.state, result.output) == ("Failed", [])
    assert result.errors == [NO_CREDENTIALS]


def test_unknown_cmdlet(client: Client) -> None:
    result = client().call("run", ("Get-Nothing", {}))
    assert result.state == "Failed"
    assert [one.identifier for one in result.errors] == ["CommandNotFoundException"]


def test_script_text_is_refused(client: Client) -> None:
    one = client()
    one.call("open")
    one.call("begin_script", "Get-Caller")
    result = one.call("end")
    assert (result.state, result.output) == ("Failed", [])
    assert [error.identifier for error in result.errors] == ["ScriptsNotAllowed"]


def test_progress(host: Elsewhere, client: Client) -> None:
    host.call("let", 4)
    assert client().call("run", STEPS).progress == [
        ("Moving", "0%", 0, "Copying"),
        ("Moving", "25%", 25, "Copying"),
        ("Moving", "50%", 50, "Copying"),
        ("Moving", "75%", 75, "Copying"),
        ("Moving", "done", 100, None),
    ]


def test_stopped_pipeline_has_cleaned_up(host: Elsewhere, client: Client) -> None:
    one = begun(host, client)
    assert one.call("stop") == "Stopped"
    assert host.call("is_clean")
    assert one.call("run", ("Get-Caller", {})).state == "Completed"


def test_closed_shell_stops_its_pipeline(host: Elsewhere, client: Client) -> None:
    one = begun(host, client)
    one.call("close")
    assert host.call("await_cleaning")
    assert client().call("shells") == []


def test_two_clients_at_once(host: Elsewhere, client: Client) -> None:
    waiting = begun(host, client)
    assert client().call("run", ("Get-Caller", {})).state == "Completed"
    assert waiting.call("poll") == Result("Running")
    host.call("let", 4)
    assert waiting.call("end").output == [0, 1, 2, 3]


def test_one_runspace_runs_one_pipeline_at_a_time(host: Elsewhere, client: Client) -> None:
    one = begun(host, client)
    one.call("begin", ("Get-Caller", {}))
    assert one.call("poll") == Result("Running")
    host.call("let", 4)
    assert one.call("end").output == ["vmadmin@CORP.EXAMPLE"]


def test_full_output_makes_the_pipeline_wait(host: Elsewhere, client: Client) -> None:
    one = client()
    one.call("open")
    one.call("begin", number_pipeline(200, 2000))
    assert OUTPUT_BYTES <= host.call("await_full") < OUTPUT_BYTES + 10_000
    assert len(one.call("end").output) == 200


# Shells outlive connections.


def begun(host: Elsewhere, client: Client, **options: Any) -> Elsewhere:
    """Give a client whose ``Start-Steps`` runs, and waits to be let on."""
    one = client()
    one.call("open", **options)
    one.call("begin", STEPS)
    assert host.call("await_entry")
    return one


def test_disconnected_pipeline_goes_on(host: Elsewhere, client: Client) -> None:
    one = begun(host, client)
    one.call("disconnect")
    host.call("let", 4)
    assert host.call("await_cleaning")
    one.call("reconnect")
    result = one.call("end")
    assert (result.state, result.output) == ("Completed", [0, 1, 2, 3])
    assert len(result.progress) == 5


def test_disconnected_shell_takes_no_pipeline(host: Elsewhere, client: Client) -> None:
    one = begun(host, client)
    one.call("disconnect")
    with pytest.raises(WSManFaultError) as refused:
        one.call("begin", ("Get-Caller", {}))
    assert refused.value.code == Code.SHELL_DISCONNECTED


def test_killed_client_leaves_its_pipeline_to_another(host: Elsewhere, client: Client) -> None:
    one = client()
    shell = one.call("open")
    one.call("begin", STEPS)
    host.call("let", 2)
    assert one.call("poll").state == "Running"
    one.begin("end")  # It waits for output when it dies.
    one.kill()
    host.call("let", 2)
    other = client()
    assert shell in other.call("shells")
    assert other.call("adopt", shell) == 1
    result = other.call("end")
    assert result.state == "Completed"
    assert result.output[-2:] == [2, 3]
    assert result.progress[-1] == ("Moving", "done", 100, None)


def test_half_an_object_is_begun_anew_for_another(host: Elsewhere, client: Client) -> None:
    one = client()
    shell = one.call("open")
    one.call("begin", number_pipeline(1, 2_000_000))
    assert one.call("poll") == Result("Running")
    one.kill()
    other = client()
    assert other.call("adopt", shell) == 1
    assert other.call("end").output == ["0" * 2_000_000]


def test_reply_that_did_not_arrive_is_kept(host: Elsewhere, client: Client) -> None:
    one = begun(host, client)
    host.call("let", 4)
    assert host.call("await_cleaning")
    host.call("fail", Cut(100), "Receive")
    with pytest.raises(requests.exceptions.RequestException):
        one.call("end")
    one.call("renew")
    one.call("reconnect")
    assert one.call("end").output == [0, 1, 2, 3]


def test_connected_shell_is_not_taken_away(host: Elsewhere, client: Client) -> None:
    one = client()
    shell = one.call("open")
    with pytest.raises(WSManFaultError) as refused:
        client().call("adopt", shell)
    assert refused.value.code == Code.CONNECTED_TO_DIFFERENT_CLIENT
    assert one.call("run", ("Get-Caller", {})).state == "Completed"


def test_shell_ends_when_nobody_comes_back(host: Elsewhere, client: Client) -> None:
    one = begun(host, client, idle_seconds=1)
    one.kill()
    assert host.call("await_cleaning")
    assert client().call("shells") == []


def test_restarted_service_has_cleaned_up(host: Elsewhere, client: Client) -> None:
    one = begun(host, client)
    host.call("restart")
    assert host.call("is_clean")
    with pytest.raises(WinRMTransportError) as refused:
        one.call("poll")  # pypsrp connects again, and encrypts with the former key.
    assert refused.value.code == http.HTTPStatus.BAD_REQUEST
    assert client().call("shells") == []


# Who gets in, and how.


def test_unauthorised_user(host: Elsewhere, client: Client) -> None:
    host.call("deny", "auditor@CORP.EXAMPLE")
    with pytest.raises(WSManFaultError) as refused:
        client(user=READER).call("open")
    assert (refused.value.code, refused.value.reason) == (5, "Access is denied.")
    assert client().call("run", ("Get-Caller", {})).state == "Completed"


def test_somebody_elses_shell(host: Elsewhere, client: Client) -> None:
    shell = client().call("open")
    other = client(user=READER)
    assert other.call("shells") == []
    with pytest.raises(WSManFaultError) as refused:
        other.call("state_of", shell)
    assert refused.value.code == Code.ACCESS_DENIED


def test_ticket_for_another_host(client: Client) -> None:
    with pytest.raises(AuthenticationError):
        client(hostname="hv02").call("open")


@pytest.mark.parametrize("kind", ["Basic", "NTLM", "CredSSP", "Negotiate"])
def test_only_kerberos_is_offered(lab: Lab, host: Elsewhere, kind: str) -> None:
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
        client(encryption="never").call("open")
    assert refused.value.code == http.HTTPStatus.BAD_REQUEST


def test_changed_message_is_refused(client: Client) -> None:
    one = client()
    one.call("open")
    one.call("tamper")
    with pytest.raises(WinRMTransportError) as refused:
        one.call("begin", ("Get-Caller", {}))
    assert refused.value.code == http.HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("binding", [{}, {"negotiate_send_cbt": False}])
def test_https(lab: Lab, client: Client, binding: dict[str, bool]) -> None:
    options = {"ssl": True, "cert_validation": str(lab.ca_file)} | binding
    one = client(server=lab.front_addresses[0], **options)
    assert one.call("run", ("Get-Caller", {})).output == ["vmadmin@CORP.EXAMPLE"]


def test_callers_ticket_is_evidence(fresh_lab: Lab, client: Client) -> None:
    pipeline = ("Get-Ticket", {"Target": "cifs/hv02.corp.example@CORP.EXAMPLE"})
    assert client().call("run", pipeline).state == "Failed"
    byhand.add_values(fresh_lab, HOST, "cifs/hv02.corp.example")
    assert client().call("run", pipeline).output == ["granted"]


# Faults.


def test_hanging_endpoint(host: Elsewhere, client: Client) -> None:
    host.call("fail", Hang(), "Create")
    with pytest.raises(requests.exceptions.ReadTimeout):
        client(read_timeout=1).call("open")
    assert client().call("run", ("Get-Caller", {})).state == "Completed"


def test_refusing_endpoint(host: Elsewhere, client: Client) -> None:
    host.call("fail", Refuse(503))
    one = client()
    with pytest.raises(WinRMTransportError) as refused:
        one.call("open")
    assert refused.value.code == http.HTTPStatus.SERVICE_UNAVAILABLE


def test_lost_reply_to_a_command_that_runs(host: Elsewhere, client: Client) -> None:
    host.call("fail", Cut(), "Command")
    one = client()
    shell = one.call("open")
    with pytest.raises(requests.exceptions.ConnectionError):
        one.call("begin", STEPS)
    assert host.call("await_entry")
    host.call("let", 4)
    other = client()
    assert other.call("adopt", shell) == 1
    assert other.call("end").output == [0, 1, 2, 3]


# The box.


@given(
    sizes=st.lists(st.integers(0, 50), max_size=8),
    acts=st.lists(st.tuples(st.sampled_from(["take", "lose", "other"]), st.integers(1, 120))),
)
def test_each_client_gets_whole_messages(sizes: list[int], acts: list[tuple[str, int]]) -> None:
    """Whatever is lost and whoever comes: a client reads messages from their beginning, in order;
    none is left out, and none begun by another is gone on with."""
    messages = [fragments(number, size) for number, size in enumerate(sizes)]
    box = Outbox()
    for fragment in (one for message in messages for one in message):
        box.put(fragment)
    read: list[bytes] = []
    for act, most in acts:
        if act == "other":
            box.restart()
            # What was half read is worth nothing to the next.
            while read and not read[-1][16] & END:
                read.pop()
        else:
            batch = box.take(most)
            if act == "lose":
                box.put_back(batch)
            else:
                read += batch.fragments
    read += box.take(10**9).fragments
    assert read == [one for message in messages for one in message]
    assert box.bytes == 0


def fragments(number: int, size: int) -> list[bytes]:
    """Give a message in fragments of at most 20 bytes."""
    content = bytes(size)
    parts = [content[start : start + 20] for start in range(0, max(size, 1), 20)]
    return [
        number.to_bytes(8, "big")
        + place.to_bytes(8, "big")
        + bytes([(0 if place else START) | (END if place == len(parts) - 1 else 0)])
        + len(part).to_bytes(4, "big")
        + part
        for place, part in enumerate(parts)
    ]
