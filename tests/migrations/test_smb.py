"""What a target's real SMB server tells of a migration; and what goes wrong on the way there."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from delegation.errors import HostError, HostRefused, HostUnreachable
from delegation.hosts.places import Account, Place
from delegation.migrations.smb import smb_session
from delegation.migrations.smb.smb_watch import SmbWatch
from delegation.migrations.smb.traffic import Traffic
from tests.lab import Lab, domain, programs
from tests.lab.description import ACCOUNTS, OPERATOR, READER
from tests.lab.hosts import HostLab, LabHost
from tests.lab.hosts import smbd as servers
from tests.migrations.target_share import OPERATORS, SHARE, migrating, place

pytestmark = [pytest.mark.lab, pytest.mark.one_wording("nothing is migrated")]

MB = 1 << 20


@pytest.fixture
def target(hosts: HostLab, monkeypatch: pytest.MonkeyPatch) -> LabHost:
    monkeypatch.setenv("KRB5_CONFIG", str(hosts.lab.krb5_conf))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{hosts.lab.folder}/no-such-cache")
    return hosts.host("hv02")


def look(where: Place, account: Account = OPERATORS, seconds: float = 10.0) -> Traffic:
    with closing(SmbWatch(where, account, seconds=seconds)) as watch:
        return watch.look()


def test_a_quiet_target_shows_nothing_and_least_of_all_ourselves(target: LabHost) -> None:
    seen = look(place(target))
    assert seen == Traffic(own=seen.own)
    assert seen.own
    assert seen.own.user == OPERATOR
    with closing(SmbWatch(place(target), OPERATORS)) as first:
        others = look(place(target)).sessions
        assert len(first.look().sessions) <= len(others) == 1


def test_a_migration_shows_its_share_its_session_and_disks_that_grow(target: LabHost) -> None:
    with migrating(target, "web01.vhdx", "data.vhdx") as write:
        write("web01.vhdx", MB)
        with closing(SmbWatch(place(target), OPERATORS)) as watch:
            first = watch.look()
            write("web01.vhdx", MB)
            write("data.vhdx", 17)
            second = watch.look()
    [share] = first.shares
    assert (share.name, share.source) == (SHARE, "HV01")
    assert share.path.endswith(f"\\$VSM$\\{SHARE}")
    assert len(first.sessions) == 1, "the source's, though the same user looks from the same place"
    assert first.own
    assert {session.user for session in first.sessions} == {OPERATOR}
    assert sizes(first) == {"web01.vhdx": MB, "data.vhdx": 0}
    assert sizes(second) == {"web01.vhdx": 2 * MB, "data.vhdx": 17}
    assert look(place(target)).is_quiet


def sizes(seen: Traffic) -> dict[str, int | None]:
    return {file.path.rpartition("\\")[2]: file.size for file in seen.files}


def test_other_shares_and_files_are_nobodys_business(target: LabHost) -> None:
    folder = target.volume.file("C:\\Documents")
    folder.mkdir()
    servers.add_share(target, "documents", folder, OPERATOR)
    with closing(smb_session.connected(place(target), OPERATORS, 10.0)) as other:
        other.createFile(other.connectTree("documents"), "report.docx")
        seen = look(place(target))
    servers.remove_share(target, "documents")
    assert seen.is_quiet
    assert len(seen.sessions) == 1


def test_who_is_no_administrator_is_told_what_he_is_not_told(target: LabHost) -> None:
    with migrating(target, "web01.vhdx"):
        seen = look(place(target), Account(READER, None, ACCOUNTS[READER]))
    assert [share.source for share in seen.shares] == ["HV01"]
    assert not seen.sessions
    assert not seen.files
    assert seen.untold == ("sessions: access denied", "open files: access denied")


# Who logs on


def test_by_a_keytab(target: LabHost) -> None:
    keytab = str(target.lab.keytab(OPERATOR))
    assert look(place(target), Account(OPERATOR, keytab)).own
    assert look(place(target), Account(None, keytab)).own


def test_by_a_ticket_in_the_cache(
    target: LabHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for cache in (f"FILE:{tmp_path}/tickets", f"DIR:{tmp_path}/many"):
        Path(tmp_path / "many").mkdir(exist_ok=True, mode=0o700)
        monkeypatch.setenv("KRB5CCNAME", cache)
        kinit(target.lab, OPERATOR, cache)
        for account in (Account(), Account(OPERATOR)):
            own = look(place(target), account).own
            assert own
            assert own.user == OPERATOR
        with pytest.raises(HostRefused):
            look(place(target), Account(READER))


def kinit(lab: Lab, user: str, cache: str) -> None:
    command = ["kinit", "-c", cache, "-k", "-t", str(lab.keytab(user)), f"{user}@{lab.realm}"]
    assert programs.run(lab, command).returncode == 0


def test_without_a_ticket(target: LabHost) -> None:
    for account in (Account(), Account(OPERATOR)):
        with pytest.raises(HostRefused, match="no valid Kerberos ticket") as caught:
            look(place(target), account)
        assert "kinit" in caught.value.fix


def test_with_a_wrong_password(target: LabHost) -> None:
    with pytest.raises(HostRefused, match="wrong password") as caught:
        look(place(target), Account(OPERATOR, None, "Wrong-Password-1"))
    assert "Wrong-Password-1" not in str(caught.value) + caught.value.fix


# Who answers


def test_another_host_at_that_address(target: LabHost) -> None:
    with pytest.raises(HostRefused, match="0xC000006D") as caught:
        look(place(target, name="hv03"))
    assert caught.value.hresult == "0xC000006D"


def test_a_host_that_the_domain_does_not_know(target: LabHost) -> None:
    with pytest.raises(HostError, match=r"knows no cifs/hv77\.corp\.example"):
        look(place(target, name="hv77"))


def test_nobody_there(target: LabHost) -> None:
    with pytest.raises(HostUnreachable, match=r"hv02\.corp\.example:445 can't be reached"):
        look(place(target, address=target.lab.host_address("hv60")))


def test_a_host_that_hangs(target: LabHost) -> None:
    target.freeze()
    try:
        with pytest.raises(HostUnreachable, match="does not answer in time"):
            look(place(target), seconds=1.0)
    finally:
        target.thaw()


def test_a_host_that_dies_while_it_is_watched(target: LabHost, hosts: HostLab) -> None:
    with closing(SmbWatch(place(target), OPERATORS)) as watch:
        watch.look()
        hosts.kill(target.name)
        with pytest.raises(HostUnreachable):
            watch.look()


class Relay:
    """Between us and a target's SMB server; ``tamper`` gets every answer after so many."""

    def __init__(self, address: str, target: LabHost) -> None:
        self.address = address
        self.seen = b""
        self.tamper: Callable[[bytes], bytes] = lambda data: data
        self._target = target
        self._listener = socket.create_server((address, smb_session.PORT))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((self._target.address, smb_session.PORT))
                for here, there, answers in ((client, server, False), (server, client, True)):
                    threading.Thread(
                        target=self._pass, args=(here, there), kwargs={"answers": answers},
                        daemon=True,
                    ).start()  # fmt: skip

    def _pass(self, here: socket.socket, there: socket.socket, *, answers: bool) -> None:
        with suppress(OSError), here, there:
            while data := here.recv(1 << 16):
                self.seen += data
                there.sendall(self.tamper(data) if answers else data)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # or whoever accepts keeps it open
        self._listener.close()


@pytest.fixture
def relay(target: LabHost) -> Iterator[Relay]:
    with closing(Relay(target.lab.host_address("hv61"), target)) as relay:
        yield relay


def test_nothing_of_it_can_be_read_on_the_way(target: LabHost, relay: Relay) -> None:
    with migrating(target, "web01.vhdx"):
        seen = look(place(target, address=relay.address))
    assert seen.files
    for text in (SHARE, "web01.vhdx", "srvsvc", ACCOUNTS[OPERATOR]):
        assert text.encode("utf-16le") not in relay.seen
        assert text.encode() not in relay.seen


def test_an_answer_that_was_changed_on_the_way_is_not_shown(target: LabHost, relay: Relay) -> None:
    with closing(SmbWatch(place(target, address=relay.address), OPERATORS)) as watch:
        assert not watch.look().untold
        relay.tamper = lambda data: data[:-1] + bytes([data[-1] ^ 1])
        with pytest.raises(HostRefused, match="is not signed by that host"):
            watch.look()


def test_an_answer_in_plain_text_is_not_taken(target: LabHost, relay: Relay) -> None:
    """Whoever stands between can't seal one, and can't say that nothing is sealed."""
    with closing(SmbWatch(place(target, address=relay.address), OPERATORS)) as watch:
        relay.tamper = _without_seal
        with pytest.raises(HostRefused, match="is not signed by that host"):
            watch.look()


def _without_seal(data: bytes) -> bytes:
    body = b"\xfeSMB" + (64).to_bytes(2, "little") + bytes(58) + bytes(64)
    return len(body).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\4oops", b"\0\0\0\x50\xfeSMB" + bytes(76)],
    ids=["nothing", "http", "short", "zeros"],
)
def test_somebody_who_speaks_no_smb(target: LabHost, relay: Relay, answer: bytes) -> None:
    relay.tamper = lambda _data: answer
    with pytest.raises(HostError):
        look(place(target, address=relay.address), seconds=1.0)


def test_a_domain_controller_that_is_gone(target: LabHost) -> None:
    domain.kill(target.lab)
    with pytest.raises(HostError):
        look(place(target))
