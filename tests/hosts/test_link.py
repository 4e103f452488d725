"""The product's connection to a real WinRM endpoint, with real tickets, each in its own process."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from delegation.errors import HostError, HostRefused, HostUnreachable, UsageError
from delegation.hosts.places import Account, Place
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
from tests.lab.certificates import HostCertificate, issue_host
from tests.lab.description import OPERATOR, READER, Lab
from tests.lab.elsewhere import Elsewhere
from tests.lab.programs import run
from tests.lab.wsman.faults import Cut, Hang, Refuse
from tests.lab.wsman.sample_host import SampleHost

HOST, OTHER = "hv09", "hv10"
"""None of those that ``hosts`` starts."""
CALLER = "CORP\\vmadmin"
CHANGE = "ModifyServiceSettings"
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
    address = lab.host_address(name)
    arguments = ((address, address), lab.fqdn(name), lab.keytab(name), tls)
    return Elsewhere(lab, SampleHost, *arguments, **(clock(offset) if offset else {}))


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
            **variables: str,
        ) -> Elsewhere:
            if variables:
                one = ended.enter_context(Elsewhere(lab, Client, **variables))
            else:
                one = spare.pop() if spare else Elsewhere(lab, Client)
                used.append(one)
            one.call("renew", place or at(lab), account or operator(lab))
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
        assert client(account=account).call("who") == CALLER

    def test_with_a_password(self, lab: Lab, client: Start) -> None:
        account = Account(OPERATOR, password=lab.accounts[OPERATOR])
        assert client(account=account).call("who") == CALLER

    @pytest.mark.parametrize("name", [OPERATOR, None])
    def test_with_a_ticket(self, lab: Lab, client: Start, tmp_path: Path, name: str | None) -> None:
        ticket = kinit(lab, tmp_path / "cache")
        assert client(account=Account(name), **ticket).call("who") == CALLER

    def test_over_https(self, lab: Lab, client: Start) -> None:
        assert client(tls(lab)).call("who") == CALLER

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
        assert client(**variables).call("who") == CALLER
        assert client(tls(lab), **variables).call("who") == CALLER

    def test_the_authorities_of_the_system_without_a_file(self, lab: Lab, client: Start) -> None:
        place = tls(lab, ca_file=None)
        trusting = client(place, SSL_CERT_FILE=str(lab.ca_file))
        assert trusting.call("who") == CALLER
        bundle = client(place, REQUESTS_CA_BUNDLE=str(lab.ca_file))
        assert "is not trusted" in refusal(bundle, "open").what


@pytest.mark.lab
class TestTrouble:
    @pytest.mark.parametrize("verb", ["Enumerate", CHANGE, "Get"])
    def test_a_host_that_hangs(self, host: Elsewhere, client: Start, verb: str) -> None:
        session = client()
        session.call("hurry")
        host.call("fail", Hang(), verb)
        error = refusal(session, "who")
        assert isinstance(error, HostUnreachable)
        assert "does not answer" in error.what
        # Another question is another connection.
        assert session.call("who") == CALLER

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

    def test_a_connection_that_breaks(self, host: Elsewhere, client: Start) -> None:
        session = client()
        session.call("open")
        for _ in range(2):
            host.call("fail", Cut(10), "Enumerate")
        error = refusal(session, "open")
        assert isinstance(error, HostUnreachable)
        assert "the connection to hv09.corp.example:5985 was lost" in error.what
        assert session.call("lost")

    def test_what_only_reads_is_asked_once_more(self, host: Elsewhere, client: Start) -> None:
        session = client()
        session.call("open")
        host.call("fail", Cut(10), "Enumerate")
        assert session.call("open") == "HV01"

    def test_what_changes_something_is_not_sent_twice(self, host: Elsewhere, client: Start) -> None:
        session = client()
        session.call("open")
        host.call("fail", Cut(0), CHANGE)
        error = refusal(session, "change")
        assert "was lost" in error.what
        assert host.call("times", CHANGE) == 1
        session.call("change")
        assert host.call("times", CHANGE) == 2

    def test_a_host_that_dies(self, lab: Lab, other: Elsewhere, client: Start) -> None:
        session = client(at(lab, **second(lab)))
        session.call("open")
        other.kill()
        assert isinstance(refusal(session, "open"), HostUnreachable)

    def test_a_connection_is_for_one_thread(self, client: Start) -> None:
        assert "one thread" in client().call("from_another_thread")

    def test_a_host_that_is_too_busy(self, host: Elsewhere, client: Start) -> None:
        host.call("fail", Refuse(503), "Enumerate")
        assert "HTTP status 503" in refusal(client(), "open").what

    def test_no_access(self, host: Elsewhere, client: Start) -> None:
        host.call("deny", OPERATOR)
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
        assert client(**clock("-10m")).call("who") == CALLER

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

    def test_no_credential_no_cmdlet_and_no_cim_is_in_clear(self, lab: Lab, client: Start) -> None:
        account = Account(OPERATOR, password=lab.accounts[OPERATOR])
        with Relay(front(lab), (lab.host_address(HOST), 5985)) as relay:
            session = client(away(lab), account)
            refusal(session, "fail")
            assert session.call("who") == CALLER
            session.call("close")
        # What is asked, by which class and method, what is answered, and why not.
        secrets = ("Msvm_", "SELECT", CHANGE, "INSTANCE", "Envelope", "HV01", "Forbidden")
        for secret in (*secrets, "root/virtualization", "PowerShell", "Get-VM"):
            for one in (secret.encode(), secret.encode("utf-16-le")):
                assert one not in relay.heard
                assert one not in relay.said
        assert lab.accounts[OPERATOR].encode() not in relay.heard
        assert relay.heard.count(b"Authorization") == 1
        assert b"HTTP-SPNEGO-session-encrypted" in relay.heard

    def test_the_host_is_asked_by_its_name_wherever_it_is(self, lab: Lab, client: Start) -> None:
        with Relay(front(lab), (lab.host_address(HOST), 5985)) as relay:
            assert client(away(lab)).call("who") == CALLER
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


def test_the_libraries_say_nothing_on_the_terminal() -> None:
    for library in ("pypsrp", "urllib3", "spnego"):
        assert logging.getLogger(library).handlers
