"""The product's sessions on a real WinRM endpoint, with real tickets, each in its own process."""

from __future__ import annotations

import logging
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from delegation.errors import CommandFailed, HostError, HostRefused, HostUnreachable, UsageError
from delegation.hosts.machines import Failure
from delegation.hosts.places import Account, Cmdlet, Place
from delegation.hosts.winrm import answers, remoting
from delegation.hosts.winrm.link import HostLink
from delegation.hosts.winrm.remoting import Progress
from tests.hosts.strangers import (
    KERBEROS,
    Blurt,
    Dribble,
    Impostor,
    Relay,
    Silence,
    Web,
    authorizations,
)
from tests.hosts.winrm_client import Client
from tests.hosts.winrm_host import MACHINE, Host
from tests.lab import byhand, dc
from tests.lab.certificates import HostCertificate, issue_host
from tests.lab.description import OPERATOR, READER, Lab
from tests.lab.programs import run
from tests.lab.wsman import Cut, Hang, Refuse
from tests.lab.wsman.elsewhere import Elsewhere

HOST, OTHER = "hv09", "hv10"
"""None of those that ``hosts`` starts."""
CALLER = "vmadmin@CORP.EXAMPLE"
STEPS = Cmdlet("Start-Steps", {"Count": 4})
WHO = Cmdlet("Get-Caller")
LONG = 25.0
"""Seconds after which a test calls it hung; what is tested takes a fifth of it."""
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"

Start = Callable[..., Elsewhere]


def clock(offset: str) -> dict[str, str]:
    """The environment of a process whose clock is wrong; its deadlines are not."""
    assert Path(FAKETIME).exists(), "apt install faketime"
    return {"LD_PRELOAD": FAKETIME, "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def start_host(
    lab: Lab,
    name: str,
    certificate: HostCertificate = HostCertificate.GOOD,
    offset: str = "",
) -> Elsewhere:
    issue_host(lab, name)
    tls = lab.tls / f"{name}{certificate}.pem"
    arguments = (lab.host_address(name), lab.fqdn(name), lab.keytab(name), tls)
    return Elsewhere(lab, Host, *arguments, **(clock(offset) if offset else {}))


@pytest.fixture(scope="module")
def one_host(lab: Lab) -> Iterator[Elsewhere]:
    with start_host(lab, HOST) as started:
        yield started


@pytest.fixture
def host(one_host: Elsewhere) -> Elsewhere:
    """The host, as if nothing had been."""
    one_host.call("renew")
    return one_host


@pytest.fixture
def other(lab: Lab) -> Iterator[Elsewhere]:
    """A second one, which may die."""
    with start_host(lab, OTHER) as started:
        yield started


@pytest.fixture(scope="module")
def spare() -> Iterator[list[Elsewhere]]:
    """Processes of clients that have nothing to do."""
    processes: list[Elsewhere] = []
    yield processes
    for one in processes:
        one.kill()


@pytest.fixture
def client(lab: Lab, host: Elsewhere, spare: list[Elsewhere]) -> Iterator[Start]:
    """Start clients of the operator, whose keytab they have, unless told otherwise."""
    del host
    used: list[Elsewhere] = []
    with ExitStack() as ended:

        def start(
            place: Place | None = None,
            account: Account | None = None,
            shell: uuid.UUID | None = None,
            **variables: str,
        ) -> Elsewhere:
            if variables:
                one = ended.enter_context(Elsewhere(lab, Client, **variables))
            else:
                one = spare.pop() if spare else Elsewhere(lab, Client)
                used.append(one)
            one.call("renew", place or at(lab), account or operator(lab), shell)
            return one

        yield start
    spare += [one for one in used if one.process.is_alive()]


def at(lab: Lab, **others: Any) -> Place:
    return Place(**{"host": lab.fqdn(HOST), "address": lab.host_address(HOST)} | others)


def front(lab: Lab) -> str:
    """An address at which no host is."""
    return lab.front_addresses[0]


def second(lab: Lab) -> dict[str, str]:
    """The other host's name and address."""
    return {"host": lab.fqdn(OTHER), "address": lab.host_address(OTHER)}


def away(lab: Lab, **others: Any) -> Place:
    """The host's name, and an address where others are."""
    return at(lab, **{"address": front(lab)} | others)


def tls(lab: Lab, **others: Any) -> Place:
    return at(lab, **{"https": True, "ca_file": str(lab.ca_file)} | others)


def operator(lab: Lab) -> Account:
    return Account(OPERATOR, str(lab.keytab(OPERATOR)))


def refusal(client: Elsewhere, *arguments: Any, seconds: float = LONG, **named: Any) -> HostError:
    """The error that something ends with, well within a time."""
    error, took = client.call("timed", *arguments, **named)
    assert isinstance(error, HostError)
    assert took < seconds
    assert error.what
    assert error.fix
    return error


def kinit(lab: Lab, cache: Path, account: str = OPERATOR) -> dict[str, str]:
    """A ticket as a person has it; the environment that holds it."""
    variables = {"KRB5CCNAME": f"FILE:{cache}"}
    done = run(lab, ["kinit", f"{account}@{lab.realm}"], lab.accounts[account] + "\n", **variables)
    assert done.returncode == 0, done.stderr
    return variables


@pytest.mark.lab
class TestLogon:
    @pytest.mark.parametrize("name", [OPERATOR, "CORP\\vmadmin", "vmadmin@corp.example", None])
    def test_with_a_keytab(self, lab: Lab, client: Start, name: str) -> None:
        account = Account(name, str(lab.keytab(OPERATOR)))
        assert client(account=account).call("run", WHO) == [CALLER]

    def test_with_a_password(self, lab: Lab, client: Start) -> None:
        account = Account(OPERATOR, password=lab.accounts[OPERATOR])
        assert client(account=account).call("run", WHO) == [CALLER]

    @pytest.mark.parametrize("name", [OPERATOR, None])
    def test_with_a_ticket(self, lab: Lab, client: Start, tmp_path: Path, name: str | None) -> None:
        ticket = kinit(lab, tmp_path / "cache")
        assert client(account=Account(name), **ticket).call("run", WHO) == [CALLER]

    def test_over_https(self, lab: Lab, client: Start) -> None:
        assert client(tls(lab)).call("run", WHO) == [CALLER]

    def test_a_ticket_of_ours_is_evidence_for_constrained_delegation(
        self, fresh_lab: Lab, client: Start
    ) -> None:
        asked = Cmdlet("Get-Ticket", {"Target": "cifs/hv10.corp.example@CORP.EXAMPLE"})
        byhand.add_values(fresh_lab, HOST, "cifs/hv10.corp.example")
        assert client().call("run", asked) == ["granted"]

    def test_no_proxy_netrc_or_bundle_of_the_environment(
        self, lab: Lab, client: Start, tmp_path: Path
    ) -> None:
        (tmp_path / ".netrc").write_text(f"machine {lab.fqdn(HOST)} login a password b\n")
        variables = {
            "HTTP_PROXY": "http://127.0.0.1:9",
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "ALL_PROXY": "http://127.0.0.1:9",
            "HOME": str(tmp_path),
            "REQUESTS_CA_BUNDLE": str(lab.other_ca_file),
            "CURL_CA_BUNDLE": str(lab.other_ca_file),
        }
        assert client(**variables).call("run", WHO) == [CALLER]
        assert client(tls(lab), **variables).call("run", WHO) == [CALLER]

    def test_the_authorities_of_the_system_without_a_file(self, lab: Lab, client: Start) -> None:
        place = tls(lab, ca_file=None)
        trusting = client(place, SSL_CERT_FILE=str(lab.ca_file))
        assert trusting.call("run", WHO) == [CALLER]
        bundle = client(place, REQUESTS_CA_BUNDLE=str(lab.ca_file))
        assert "is not trusted" in refusal(bundle, "open").what


@pytest.mark.lab
class TestCommands:
    def test_a_pipeline(self, client: Start) -> None:
        pipeline = [Cmdlet("Get-Numbers", {"Count": 5}), Cmdlet("Get-Sum")]
        assert client().call("run", *pipeline) == [10]

    def test_several_pipelines_give_their_output_in_order(self, client: Start) -> None:
        pipelines = [[Cmdlet("Get-Numbers", {"Count": count})] for count in (2, 1, 3)]
        assert client().call("run_each", *pipelines) == [0, 1, 0, 0, 1, 2]

    def test_a_long_output(self, client: Start) -> None:
        asked = Cmdlet("Get-Numbers", {"Count": 40, "Bytes": 50_000})
        assert [len(one) for one in client().call("run", asked)] == [50_000] * 10 + [100_000] * 30

    def test_parameters_keep_their_types(self, client: Start) -> None:
        given = {
            "A": 5,
            "B": 2**40,
            "C": -(2**31) - 1,
            "D": MACHINE,
            "E": True,
            "F": "'; Remove-VM *; '",
            "G": 2**31 - 1,
        }
        assert client().call("run", Cmdlet("Get-Type", given)) == [
            "a PSInt 5",
            f"b PSInt64 {2**40}",
            f"c PSInt64 {-(2**31) - 1}",
            f"d PSGuid {MACHINE}",
            "e bool True",
            "f PSString '; Remove-VM *; '",
            f"g PSInt {2**31 - 1}",
        ]

    def test_what_comes_back_is_read_with_its_types(self, client: Start) -> None:
        asked = Cmdlet("Get-Machine")
        reads = {
            ("uuid", "id"): MACHINE,
            ("text", "Name"): "web1",
            ("text", "VMName"): "web1",
            ("enum", "State"): "Running",
            ("integer", "MemoryAssigned"): 4 << 30,
            ("boolean", "IsClustered"): False,
            ("text", "Notes"): "",
        }
        session = client()
        assert session.call("read", asked, *reads) == list(reads.values())
        assert session.call("nested", asked, "HardDrives", "Path") == ["C:\\a.vhdx"] * 2
        wrong = refusal(session, "read", asked, ("integer", "Name"))
        assert wrong.what.startswith("Get-Machine on hv09.corp.example gave an object")

    @pytest.mark.parametrize(
        "given",
        [{"Text": "es ging nicht (0x80070005).", "Number": 0x80131500}, {"Number": 0x80070005}],
    )
    def test_an_error_with_its_hresult(self, client: Start, given: dict[str, object]) -> None:
        session = client()
        error = refusal(session, "run", Cmdlet("Write-Failure", {"Text": "no"} | given))
        assert isinstance(error, CommandFailed)
        assert error.hresult == "0x80070005"
        assert "Write-Failure on hv09.corp.example failed: access is denied" in error.what
        assert "Hyper-V Administrators" in error.fix
        assert error.details == (given.get("Text", "no"),)
        assert session.call("run", WHO) == [CALLER], "the session lives on"

    def test_an_error_that_nobody_wants_to_know_of(self, client: Start) -> None:
        asked = Cmdlet("Write-Failure", {"Text": "no", "ErrorAction": "SilentlyContinue"})
        assert client().call("run", asked) == ["went on"]

    def test_a_cmdlet_that_is_not_there(self, client: Start) -> None:
        error = refusal(client(), "run", Cmdlet("Get-Cluster"))
        assert isinstance(error, CommandFailed)
        assert "Install-WindowsFeature" in error.fix

    def test_a_session_is_for_one_thread(self, client: Start) -> None:
        assert "one thread" in client().call("from_another_thread")


@pytest.mark.lab
class TestRunning:
    def test_progress_and_the_end(self, host: Elsewhere, client: Start) -> None:
        session = client()
        session.call("start", STEPS)
        assert session.call("wait", 0.0) == Progress()
        host.call("let", 3)
        assert session.call("wait", 2.0) == Progress(50, "50%", "Moving")
        host.call("let", 1)
        assert session.call("wait") == ([0, 1, 2, 3], None)
        assert session.call("wait") == ([0, 1, 2, 3], None), "asked again"

    def test_an_end_that_was_told_to_somebody_dead_is_not_waited_for(
        self, host: Elsewhere, client: Start
    ) -> None:
        session = client()
        shell = session.call("start", STEPS)
        host.call("let", 4)
        session.call("lose_its_end")
        assert "has ended" in refusal(session, "wait").what
        session.call("disconnect")
        assert client().call("reconnect", shell) is False, "nothing runs in it any more"

    def test_stopped(self, host: Elsewhere, client: Start) -> None:
        session = client()
        session.call("start", STEPS)
        host.call("let", 1)
        assert host.call("await_entry")
        session.call("stop")
        session.call("stop")
        failure = session.call("wait")[1]
        assert failure == Failure("it was stopped", "", "PipelineStopped")
        assert host.call("await_cleaning")
        assert session.call("run", WHO) == [CALLER], "the session lives on"

    def test_closing_ends_what_runs(self, host: Elsewhere, client: Start) -> None:
        session = client()
        shell = session.call("start", STEPS)
        assert host.call("await_entry")
        session.call("close")
        assert host.call("await_cleaning")
        assert client().call("reconnect", shell) is None


@pytest.mark.lab
class TestReconnecting:
    def test_from_another_process_after_a_farewell(self, host: Elsewhere, client: Start) -> None:
        first, second = client(), client()
        shell = first.call("start", STEPS)
        host.call("let", 1)
        first.call("disconnect")
        host.call("let", 2)
        assert second.call("reconnect", shell) is True
        host.call("let", 1)
        assert second.call("wait") == ([0, 1, 2, 3], None)

    def test_from_another_process_after_a_kill(self, host: Elsewhere, client: Start) -> None:
        chosen = uuid.uuid4()
        first, second = client(shell=chosen), client()
        assert first.call("start", STEPS) == chosen
        assert host.call("await_entry")
        first.kill()
        host.call("let", 4)
        assert second.call("reconnect", chosen) is True
        assert second.call("wait") == ([0, 1, 2, 3], None)
        second.call("close")
        assert client().call("reconnect", chosen) is None

    def test_stopped_by_another_process(self, host: Elsewhere, client: Start) -> None:
        first, second = client(), client()
        shell = first.call("start", STEPS)
        assert host.call("await_entry")
        first.kill()
        assert second.call("reconnect", shell) is True
        second.call("stop")
        assert second.call("wait")[1] == Failure("it was stopped", "", "PipelineStopped")
        assert host.call("await_cleaning")

    def test_a_shell_in_which_nothing_runs(self, client: Start) -> None:
        first, second = client(), client()
        shell = first.call("open")
        first.kill()
        assert second.call("reconnect", shell) is False
        assert second.call("run", WHO) == [CALLER]

    def test_the_right_one_of_several(self, host: Elsewhere, client: Start) -> None:
        first, second, third = client(), client(), client()
        first.call("start", Cmdlet("Start-Steps", {"Count": 2}))
        shell = second.call("start", Cmdlet("Start-Steps", {"Count": 3}))
        for one in (first, second):
            assert host.call("await_entry")
            one.call("disconnect")
        assert third.call("reconnect", shell) is True
        host.call("let", 5)
        assert third.call("wait") == ([0, 1, 2], None)

    def test_no_such_shell(self, client: Start) -> None:
        assert client().call("reconnect", uuid.uuid4()) is None

    def test_one_whose_client_has_not_gone_yet_is_waited_for(
        self, lab: Lab, host: Elsewhere, client: Start
    ) -> None:
        with Relay(front(lab), (lab.host_address(HOST), 5985)) as relay:
            first, second = client(), client(away(lab))
            shell = first.call("start", STEPS)
            assert host.call("await_entry")
            second.begin("reconnect", shell)
            # Two for the logon, two to look, and a refusal to connect.
            assert dc.until(lambda: relay.said.count(b"HTTP/1.1 ") > 4, LONG)
            first.kill()
            assert second.answer() is True
            host.call("let", 4)
            assert second.call("wait") == ([0, 1, 2, 3], None)

    def test_a_shell_that_somebody_else_holds(self, host: Elsewhere, client: Start) -> None:
        first, second = client(), client()
        shell = first.call("start", STEPS)
        second.call("hurry")
        error = refusal(second, "reconnect", shell)
        assert "held by another client" in error.what
        host.call("let", 4)
        assert first.call("wait") == ([0, 1, 2, 3], None)


@pytest.mark.lab
class TestTrouble:
    @pytest.mark.parametrize("verb", ["Create", "Command", "Receive"])
    def test_a_host_that_hangs(self, host: Elsewhere, client: Start, verb: str) -> None:
        session = client()
        session.call("hurry")
        host.call("fail", Hang(), verb)
        error = refusal(session, "run", WHO)
        assert isinstance(error, HostUnreachable)
        assert "does not answer" in error.what

    def test_a_command_that_does_not_end(self, client: Start) -> None:
        session = client()
        session.call("open")
        error, took = session.call("timed", "run", STEPS, seconds=1.0)
        assert isinstance(error, HostUnreachable)
        assert "Start-Steps on hv09.corp.example has not ended in 1 seconds" in error.what
        assert took < LONG

    @pytest.mark.parametrize("stranger", [Silence, Dribble])
    def test_one_that_takes_connections_and_never_comes_to_an_end(
        self, lab: Lab, client: Start, stranger: type[Silence | Dribble]
    ) -> None:
        session = client(away(lab))
        session.call("hurry")
        with stranger(front(lab)):
            error = refusal(session, "open")
            assert isinstance(error, HostUnreachable)
            assert "does not answer" in error.what

    def test_no_tls_where_it_is_expected(self, lab: Lab, client: Start) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        with Blurt(front(lab), answer, port=5986):
            assert "no TLS with" in refusal(client(tls(lab, address=front(lab))), "open").what

    def test_a_connection_that_does_not_come_about(self, lab: Lab, client: Start) -> None:
        session = client(away(lab))
        session.call("hurry")
        with (
            socket.create_server((front(lab), 5985), backlog=0),
            ExitStack() as full,
        ):
            for _ in range(4):
                one = full.enter_context(socket.socket())
                one.setblocking(False)
                with suppress(BlockingIOError):
                    one.connect((front(lab), 5985))
            error = refusal(session, "open")
            assert isinstance(error, HostUnreachable)
            assert "no answer" in error.what

    def test_nothing_listens(self, lab: Lab, client: Start) -> None:
        error = refusal(client(away(lab)), "open")
        assert isinstance(error, HostUnreachable)
        assert error.what == f"nothing listens on hv09.corp.example:5985 at {front(lab)}"

    def test_a_host_without_an_address(self, lab: Lab, client: Start) -> None:
        error = refusal(client(at(lab, host="hv09.nowhere.invalid", address=None)), "open")
        assert isinstance(error, HostUnreachable)
        assert "has no address in DNS" in error.what

    @pytest.mark.parametrize("verb", ["Command", "Receive"])
    def test_a_connection_that_breaks(self, host: Elsewhere, client: Start, verb: str) -> None:
        session = client()
        session.call("open")
        host.call("fail", Cut(10), verb)
        error = refusal(session, "run", WHO)
        assert isinstance(error, HostUnreachable)
        assert "the connection to hv09.corp.example:5985 was lost" in error.what
        assert session.call("lost")
        assert isinstance(refusal(session, "run", WHO), HostUnreachable)

    def test_nothing_is_sent_twice(self, host: Elsewhere, client: Start) -> None:
        session = client()
        session.call("open")
        host.call("fail", Cut(0), "Command")
        refusal(session, "run", Cmdlet("Move-Once"))
        refusal(session, "run", Cmdlet("Move-Once"))
        assert client().call("run", WHO) == [CALLER]
        assert host.call("asked") == 1

    def test_a_host_that_dies(self, lab: Lab, other: Elsewhere, client: Start) -> None:
        session = client(at(lab, **second(lab)))
        session.call("start", STEPS)
        assert other.call("await_entry")
        other.kill()
        assert isinstance(refusal(session, "wait"), HostUnreachable)

    def test_a_host_that_is_too_busy(self, host: Elsewhere, client: Start) -> None:
        host.call("fail", Refuse(503), "Create")
        assert "HTTP status 503" in refusal(client(), "open").what

    def test_no_access(self, host: Elsewhere, client: Start) -> None:
        host.call("deny", CALLER)
        error = refusal(client(), "open")
        assert isinstance(error, HostRefused)
        assert "gives vmadmin no access" in error.what
        assert "Remote Management Users" in error.fix
        assert error.hresult == "0x80070005"


@pytest.mark.lab
class TestIdentity:
    @pytest.mark.parametrize(
        ("certificate", "words"),
        [
            (HostCertificate.EXPIRED, "has expired"),
            (HostCertificate.OTHER_CA, "is not trusted"),
            (HostCertificate.WRONG_NAME, "is not for hv10.corp.example"),
        ],
    )
    def test_a_wrong_certificate(
        self, lab: Lab, client: Start, certificate: HostCertificate, words: str
    ) -> None:
        with start_host(lab, OTHER, certificate):
            error = refusal(client(tls(lab, **second(lab))), "open")
        assert isinstance(error, HostUnreachable)
        assert error.what.startswith(f"the certificate of hv10.corp.example:5986 {words}")

    def test_a_good_certificate_of_another_host(self, lab: Lab, client: Start) -> None:
        error = refusal(client(tls(lab, host=lab.fqdn("hv10"))), "open")
        assert "is not for hv10.corp.example" in error.what

    def test_another_host_at_the_address(self, lab: Lab, client: Start) -> None:
        error = refusal(client(at(lab, host=lab.fqdn("hv10"))), "open")
        assert isinstance(error, HostRefused)
        assert "hv10.corp.example:5985 refuses the Kerberos logon" in error.what

    def test_a_host_that_the_domain_does_not_know(self, lab: Lab, client: Start) -> None:
        error = refusal(client(at(lab, host="hv99.corp.example")), "open")
        assert "knows no host/hv99.corp.example" in error.what
        assert "dNSHostName" in error.fix

    def test_no_ticket(self, client: Start, tmp_path: Path) -> None:
        session = client(account=Account(), KRB5CCNAME=f"FILE:{tmp_path}/none")
        error = refusal(session, "open")
        assert isinstance(error, HostRefused)
        assert "no valid Kerberos ticket" in error.what
        assert "remoting.keytab" in error.fix

    def test_an_expired_ticket(self, lab: Lab, client: Start, tmp_path: Path) -> None:
        ticket = kinit(lab, tmp_path / "cache")
        error = refusal(client(account=Account(), **ticket, **clock("+25h")), "open")
        assert isinstance(error, HostRefused)
        assert "the Kerberos ticket has expired" in error.what

    def test_a_wrong_password_is_not_told(self, client: Start) -> None:
        account = Account(OPERATOR, password="Not-It-1")
        error = refusal(client(account=account), "open")
        assert isinstance(error, HostRefused)
        assert error.what == "wrong password for vmadmin"
        assert "Not-It-1" not in f"{error!r}{error.fix}{error.details}{account!r}"

    def test_a_keytab_without_the_user(self, lab: Lab, client: Start) -> None:
        account = Account(READER, str(lab.keytab(OPERATOR)))
        error = refusal(client(account=account), "open")
        assert "holds no key of auditor@CORP.EXAMPLE" in error.what
        assert "remoting.user" in error.fix

    def test_a_keytab_that_is_none(self, lab: Lab, client: Start) -> None:
        with pytest.raises(UsageError, match=r"remoting.keytab .* is not a keytab"):
            client(account=Account(OPERATOR, str(lab.ca_file))).call("open")

    @pytest.mark.parametrize("offset", ["-10m", "+10m"])
    def test_the_hosts_clock_is_wrong(self, lab: Lab, client: Start, offset: str) -> None:
        with start_host(lab, OTHER, offset=offset):
            error = refusal(client(at(lab, **second(lab))), "open")
        assert isinstance(error, HostRefused)
        assert "10 minutes apart" in error.what
        assert "clock" in error.fix

    @pytest.mark.parametrize("offset", ["-10m", "+10m"])
    def test_our_clock_is_wrong(self, lab: Lab, client: Start, tmp_path: Path, offset: str) -> None:
        ticket = kinit(lab, tmp_path / "cache")
        error = refusal(client(account=Account(), **ticket, **clock(offset)), "open")
        assert isinstance(error, HostRefused)
        assert "clocks of this machine and of the KDC of CORP.EXAMPLE" in error.what

    def test_our_clock_is_wrong_and_the_library_learns_it_from_the_kdc(self, client: Start) -> None:
        assert client(**clock("-10m")).call("run", WHO) == [CALLER]

    def test_no_file_of_authorities(self, lab: Lab, client: Start) -> None:
        with pytest.raises(UsageError, match=r"remoting.ca_file .* is not a file"):
            client(tls(lab, ca_file="/nowhere.pem")).call("open")


@pytest.mark.lab
class TestTheWire:
    def test_kerberos_and_nothing_else(self, lab: Lab, client: Start) -> None:
        offers = ["Negotiate", "Kerberos", "NTLM", 'Basic realm="WSMAN"', "CredSSP"]
        with Impostor(front(lab), offers) as impostor:
            error = refusal(client(away(lab)), "open")
        assert isinstance(error, HostRefused)
        logons = authorizations(impostor.heard)
        assert logons
        for scheme, token in logons:
            assert scheme in {"Negotiate", "Kerberos"}
            assert KERBEROS in token[:24]
            assert b"NTLMSSP" not in token

    @pytest.mark.parametrize("status", [b"401 Unauthorized", b"200 OK"])
    def test_an_answer_to_the_logon_that_is_none(
        self, lab: Lab, client: Start, status: bytes
    ) -> None:
        answer = b"HTTP/1.1 %b\r\nWWW-Authenticate: Negotiate YWJj\r\nContent-Length: 0\r\n\r\n"
        with Web(front(lab), answer % b"401 Unauthorized", answer % status):
            error = refusal(client(away(lab)), "open")
        assert isinstance(error, HostRefused)
        assert ("refuses the Kerberos logon" if b"401" in status else "prove") in error.what

    def test_one_that_lets_us_in_without_a_proof(self, lab: Lab, client: Start) -> None:
        asks = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\n"
        yes = b"HTTP/1.1 200 OK\r\n"
        with Web(front(lab), *(one + b"Content-Length: 0\r\n\r\n" for one in (asks, yes))) as web:
            error = refusal(client(away(lab)), "open")
        assert isinstance(error, HostRefused)
        assert "did not prove who it is" in error.what
        assert web.heard.count(b"POST ") == 2

    @pytest.mark.parametrize("offers", [["NTLM"], ['Basic realm="WSMAN"'], ["CredSSP"], []])
    def test_a_host_without_kerberos_gets_no_logon(
        self, lab: Lab, client: Start, offers: list[str]
    ) -> None:
        account = Account(OPERATOR, password=lab.accounts[OPERATOR])
        with Impostor(front(lab), offers) as impostor:
            error = refusal(client(away(lab), account), "open")
        assert "offers no Kerberos logon" in error.what
        assert b"Authorization" not in impostor.heard

    def test_no_command_and_no_secret_is_in_clear(self, lab: Lab, client: Start) -> None:
        account = Account(OPERATOR, password=lab.accounts[OPERATOR])
        with Relay(front(lab), (lab.host_address(HOST), 5985)) as relay:
            session = client(away(lab), account)
            given = {"Text": "Verbotenes", "Number": 0x80070005}
            refusal(session, "run", Cmdlet("Write-Failure", given))
            assert session.call("run", WHO) == [CALLER]
            session.call("close")
        for secret in ("Write-Failure", "Get-Caller", "Verbotenes", "creationXml", "Shell"):
            for one in (secret.encode(), secret.encode("utf-16-le")):
                assert one not in relay.heard
                assert one not in relay.said
        assert lab.accounts[OPERATOR].encode() not in relay.heard
        assert relay.heard.count(b"Authorization") == 1
        assert b"HTTP-SPNEGO-session-encrypted" in relay.heard

    def test_the_host_is_asked_by_its_name_wherever_it_is(self, lab: Lab, client: Start) -> None:
        with Relay(front(lab), (lab.host_address(HOST), 5985)) as relay:
            assert client(away(lab)).call("run", WHO) == [CALLER]
        assert relay.heard.count(b"Host: hv09.corp.example:5985") == relay.heard.count(b"POST ")

    @pytest.mark.parametrize("status", [b"200 OK", b"500 Internal Server Error"])
    def test_an_answer_in_clear_is_not_believed(
        self, lab: Lab, client: Start, status: bytes
    ) -> None:
        fault = b"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'/>"
        forged = (
            b"HTTP/1.1 %b\r\nContent-Type: application/soap+xml\r\nContent-Length: %d\r\n\r\n%b"
        ) % (status, len(fault), fault)
        meddle = lambda number, answer: forged if number == 2 else answer  # noqa: E731
        with Relay(front(lab), (lab.host_address(HOST), 5985), meddle):
            error = refusal(client(away(lab)), "open")
        assert isinstance(error, HostUnreachable)
        assert "answers without encryption" in error.what

    def test_an_answer_that_was_changed_is_not_believed(self, lab: Lab, client: Start) -> None:
        meddle = lambda number, answer: _spoilt(answer) if number == 2 else answer  # noqa: E731
        with Relay(front(lab), (lab.host_address(HOST), 5985), meddle):
            error = refusal(client(away(lab)), "open")
        assert isinstance(error, HostUnreachable)
        assert "was changed on its way" in error.what

    def test_another_web_server(self, lab: Lab, client: Start) -> None:
        answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope"
        with Web(front(lab), answer):
            assert "HTTP status 404" in refusal(client(away(lab)), "open").what

    def test_one_that_says_yes_to_everything(self, lab: Lab, client: Start) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        with Web(front(lab), answer) as web:
            error = refusal(client(away(lab)), "open")
        assert isinstance(error, HostError)
        assert b"Authorization" not in web.heard

    def test_one_that_sends_us_elsewhere(self, lab: Lab, client: Start) -> None:
        answer = (
            b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://hv09.corp.example:5985/wsman\r\n"
            b"Content-Length: 0\r\n\r\n"
        )
        with Web(front(lab), answer) as web:
            error = refusal(client(away(lab)), "open")
        assert isinstance(error, HostUnreachable)
        assert web.heard.count(b"POST ") == 1

    def test_garbage(self, lab: Lab, client: Start) -> None:
        with Web(front(lab), b"SSH-2.0-OpenSSH_9.2\r\n\r\n"):
            assert isinstance(refusal(client(away(lab)), "open"), HostUnreachable)


def _spoilt(answer: bytes) -> bytes:
    """With one byte of what is sealed changed."""
    place = answer.rindex(b"--Encrypted Boundary") - 20
    return answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1 :]


@pytest.mark.parametrize("name", ["hv09", "10.0.0.1", "", "hv09..corp.example", "a b.corp.example"])
def test_a_place_has_a_full_name(name: str) -> None:
    with pytest.raises(UsageError, match="full DNS name"):
        Place(name)


def test_a_host_that_allows_less_patience_gets_a_usual_shell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int | None] = []

    def pool(_: object, __: object, idle: int | None) -> str:
        asked.append(idle)
        if idle is not None:
            raise answers.Fault(answers.TOO_PATIENT, "hv09", "no", None, None, None)
        return "a shell"

    monkeypatch.setattr(remoting, "_pool", pool)
    link = HostLink(Place("hv09.corp.example"), Account())
    assert remoting._opened(link, None, patient=True)[0] is link
    assert asked == [remoting.IDLE_SECONDS, None]


def test_the_libraries_say_nothing_on_the_terminal() -> None:
    for library in ("pypsrp", "urllib3", "spnego"):
        assert logging.getLogger(library).handlers
