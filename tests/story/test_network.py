"""What goes wrong on the way to the DC: one clear message, its exit code, no write claimed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.lab import Lab
from tests.lab.certificates import Certificate
from tests.lab.front import front
from tests.story.witness import untouched
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

FOUR = "hosts: {'hv[01-04]': }\n"


@pytest.fixture(autouse=True)
def nothing_is_written(desk: Workstation, fresh_lab: Lab) -> Iterator[None]:
    with untouched(fresh_lab):
        yield
    assert desk.runs() == []


def fails(desk: Workstation, code: int, *words: str) -> None:
    """Both a reader and a writer end with the same one message."""
    for command in (("plan",), ("apply", "--yes")):
        answer = desk.run(*command)
        assert answer.code == code, answer
        assert answer.err.count("error: ") == 1
        for one in words:
            assert one in answer.err
        assert answer.out == ""


def at(desk: Workstation, url: str, **variables: str) -> Workstation:
    """The same workstation, going elsewhere."""
    return Workstation(desk.folder, desk.lab, desk.account, url, variables)


@pytest.fixture
def elsewhere(fresh_lab: Lab) -> str:
    """An address of the lab's own at which nobody listens."""
    return fresh_lab.address_at(50)


def test_nobody_listens(desk: Workstation, elsewhere: str) -> None:
    desk.inventory(FOUR)
    fails(at(desk, f"ldaps://{elsewhere}"), 1, f"no connection to ldaps://{elsewhere}", "refused")


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        (Certificate.EXPIRED, "has expired"),
        (Certificate.OTHER_CA, "is not trusted"),
        (Certificate.WRONG_NAME, "is not for "),
    ],
)
@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_a_certificate_that_is_not_right(
    desk: Workstation, fresh_lab: Lab, certificate: Certificate, words: str, scheme: str
) -> None:
    if scheme == "ldap":
        desk.inventory(FOUR, url="ldap://dc1.corp.example", start_tls="true")
    else:
        desk.inventory(FOUR)
    with front(fresh_lab, certificate) as bad:
        fails(at(desk, f"{scheme}://{bad.address}"), 1, f"the certificate of {scheme}://", words)


def test_a_ca_that_is_not_the_dcs(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory(FOUR, ca_file=str(fresh_lab.other_ca_file))
    fails(desk, 1, "is not trusted", "directory.ca_file")


@pytest.mark.parametrize("content", [None, "", "no certificate at all"])
def test_a_ca_file_that_is_none(desk: Workstation, content: str | None) -> None:
    desk.inventory(FOUR, ca_file="ca.pem")
    if content is not None:
        (desk.folder / "ca.pem").write_text(content)
    fails(desk, 2, "ca.pem", "PEM file")


def test_a_wrong_password(desk: Workstation) -> None:
    desk.inventory(FOUR)
    wrong = at(desk, "", DELEGATION_PASSWORD="Not-this-one-1")
    fails(wrong, 1, "refuses the logon of svc-delegation", "wrong user name or password")
    assert "Not-this-one-1" not in wrong.run("plan").text


def test_an_empty_password_is_no_logon(desk: Workstation) -> None:
    desk.inventory(FOUR)
    fails(at(desk, "", DELEGATION_PASSWORD=""), 2, "an empty password is refused")
    (desk.folder / "empty.secret").write_text("\n")
    (desk.folder / "empty.secret").chmod(0o600)
    answer = Unset(desk.folder, desk.lab).run("plan", "--password-file", "empty.secret")
    assert answer.code == 2
    assert "an empty password is refused" in answer.err


def test_no_password_and_nobody_to_ask(desk: Workstation) -> None:
    desk.inventory(FOUR)
    fails(Unset(desk.folder, desk.lab), 2, "no password for svc-delegation")


class Unset(Workstation):
    """A workstation whose environment holds no password."""

    def environment(self) -> dict[str, str]:
        return {k: v for k, v in super().environment().items() if k != "DELEGATION_PASSWORD"}


def test_a_password_from_a_file(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory(FOUR)
    secret = desk.folder / "password.secret"
    secret.write_text(fresh_lab.accounts[desk.account] + "\n")
    secret.chmod(0o600)
    answer = Unset(desk.folder, fresh_lab).run("plan", "--password-file", str(secret))
    assert answer.code == 3


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_a_server_outside_the_domain_gets_nothing(
    desk: Workstation, elsewhere: str, scheme: str
) -> None:
    """An inventory alone, perhaps somebody else's, can't have the password sent anywhere."""
    start_tls = {"start_tls": "true"} if scheme == "ldap" else {}
    with listening(elsewhere, silent) as heard:
        desk.inventory(FOUR, url=f"{scheme}://{elsewhere}:6360", **start_tls)
        fails(at(desk, "-"), 4, f"to {elsewhere}, which is not in corp.example", "--directory")
    assert heard == []


@pytest.mark.parametrize("host", ["dc1.corp.example.evil", "corp.example.evil", "evilcorp.example"])
def test_nor_does_one_whose_name_looks_alike(desk: Workstation, host: str) -> None:
    desk.inventory(FOUR, url=f"ldaps://{host}")
    fails(at(desk, "-"), 4, f"to {host}, which is not in corp.example")


def test_a_name_that_is_not_in_dns(desk: Workstation) -> None:
    desk.inventory(FOUR, url="ldaps://nowhere.corp.example")
    fails(at(desk, "-"), 1, "nowhere.corp.example", "DNS")


def test_no_tls_on_the_port(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory(FOUR)
    fails(at(desk, f"ldaps://{fresh_lab.address}:389"), 1, f"ldaps://{fresh_lab.address}:389")


def test_no_ldap_on_the_port(desk: Workstation, fresh_lab: Lab) -> None:
    """TLS before StartTLS: the other way round."""
    desk.inventory(FOUR, url="ldap://dc1.corp.example", start_tls="true")
    fails(at(desk, f"ldap://{fresh_lab.address}:636"), 1, f"ldap://{fresh_lab.address}:636")


def test_plain_ldap_would_show_the_password(
    desk: Workstation, fresh_lab: Lab, elsewhere: str
) -> None:
    desk.inventory(FOUR)
    with listening(elsewhere, silent) as heard:
        fails(at(desk, f"ldap://{elsewhere}:6360"), 2, "in clear", "start_tls")
    assert heard == []


Talk = Callable[[socket.socket], None]


def silent(client: socket.socket) -> None:
    """Say nothing, and hang up."""


def nonsense(client: socket.socket) -> None:
    client.recv(4096)
    client.sendall(b"220 mail.corp.example ESMTP ready\r\n")


def refusal(client: socket.socket) -> None:
    """Refuse StartTLS: ExtendedResponse, unavailable."""
    client.recv(4096)
    client.sendall(bytes.fromhex("300c020101 7807 0a0134 0400 0400".replace(" ", "")))
    client.recv(4096)


def hang_up_later(client: socket.socket) -> None:
    client.recv(4096)


@pytest.mark.parametrize("talk", [silent, nonsense, refusal, hang_up_later])
@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
def test_somebody_who_is_no_dc(desk: Workstation, elsewhere: str, scheme: str, talk: Talk) -> None:
    start_tls = {"start_tls": "true"} if scheme == "ldap" else {}
    desk.inventory(FOUR, url=f"{scheme}://dc1.corp.example", **start_tls)
    with listening(elsewhere, talk) as heard:
        url = f"{scheme}://{elsewhere}:6360"
        fails(at(desk, url), 1, url)
    assert all(b"Lab-" not in said for said in heard)


@contextmanager
def listening(address: str, talk: Talk) -> Iterator[list[bytes]]:
    """Listen at port 6360, note what each caller says first, and talk to him."""
    heard: list[bytes] = []
    with socket.create_server((address, 6360)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:  # closed
                    return
                with client:
                    try:
                        client.settimeout(10)
                        heard.append(b"" if talk is silent else client.recv(4096, socket.MSG_PEEK))
                        talk(client)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield heard
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_another_domain_than_the_inventorys(desk: Workstation) -> None:
    path = desk.inventory(FOUR, user=desk.lab.principal(desk.account))
    path.write_text(path.read_text().replace("domain: corp.example", "domain: other.example"))
    fails(desk, 4, "other.example is not a known domain")
    desk = desk.knowing("other.example")
    fails(desk, 1, "serves DC=corp,DC=example, the inventory's domain is other.example")


def test_a_global_catalog_is_refused_by_its_port(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory(FOUR)
    fails(at(desk, f"ldaps://{fresh_lab.address}:3269"), 2, "global catalog")
