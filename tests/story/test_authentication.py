"""Every way to log on to a real DC, through the whole program, with the wire looked at."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any, cast

import pytest

from tests.directory.dns_server import DnsServer
from tests.lab import Lab, admin, certificates
from tests.lab.certificates import Certificate
from tests.lab.description import MESH, READER, WRITER
from tests.lab.front import front
from tests.lab.joined import Kind, joined
from tests.lab.programs import run
from tests.story.relay import Relay, flipped
from tests.story.witness import first, holding, mesh, mesh_of, restored, untouched
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

TWO = first(2)
HOSTS_OF_TWO = "hosts: {'hv[01-02]': }\n"
ALL = "_ldap._tcp.dc._msdcs.corp.example"


@dataclass(frozen=True)
class Desk(Workstation):
    """A workstation that logs on as ``declared`` and that has what Kerberos needs."""

    url: str = "-"
    secret: bool = True
    """Whether the environment holds the password."""

    def declare(self, text: str = HOSTS_OF_TWO, **directory: str) -> None:
        """Write the inventory, the directory's settings being these alone."""
        settings = {"ca_file": str(self.lab.ca_file), "dns_servers": f"[{self.lab.address}]"}
        lines = "".join(f"  {name}: {value}\n" for name, value in (settings | directory).items())
        (self.folder / "inventory.yaml").write_text(
            f"domain: {self.lab.domain}\ndirectory:\n{lines}{dedent(text)}"
        )

    def environment(self) -> dict[str, str]:
        own = {"KRB5_CONFIG": str(self.lab.krb5_conf), "KRB5CCNAME": f"FILE:{self.cache}"}
        given = super().environment() | own | dict(self.variables)
        if not self.secret:
            del given["DELEGATION_PASSWORD"]
        return given

    @property
    def cache(self) -> Path:
        return self.folder.parent / "ccache"

    def log_on(self, account: str) -> None:
        """As a person does, with kinit."""
        word = self.lab.accounts[account] + "\n"
        done = run(
            self.lab, ["kinit", f"{account}@{self.lab.realm}"], word, KRB5CCNAME=str(self.cache)
        )
        assert done.returncode == 0, done.stderr

    def saying(self, **variables: str) -> Desk:
        return Desk(self.folder, self.lab, self.account, "-", variables, secret=self.secret)

    def silent(self) -> Desk:
        """Nobody gives a password."""
        return Desk(self.folder, self.lab, self.account, "-", self.variables, secret=False)


def desk_at(lab: Lab, tmp_path: Path) -> Desk:
    folder = tmp_path / "desk"
    folder.mkdir()
    return Desk(folder, lab)


@pytest.fixture
def desk(fresh_lab: Lab, tmp_path: Path) -> Desk:
    return desk_at(fresh_lab, tmp_path)


@pytest.fixture
def hardened_desk(fresh_hardened_lab: Lab, tmp_path: Path) -> Desk:
    return desk_at(fresh_hardened_lab, tmp_path)


@dataclass(frozen=True)
class Mode:
    """A way to log on: what the inventory says, and whether a password and a ticket are there."""

    directory: Mapping[str, str]
    password: bool = True
    ticket: bool = False
    keytab: bool = False

    def prepare(self, desk: Desk, text: str = HOSTS_OF_TWO, **more: str) -> Desk:
        keytab = {"keytab": str(desk.lab.keytab(WRITER))} if self.keytab else {}
        desk.declare(text, **self.directory, **keytab, **more)
        if self.ticket:
            desk.log_on(WRITER)
        return desk if self.password else desk.silent()


PLAIN, TLS = {"url": "ldap://dc1.corp.example"}, {"url": "ldaps://dc1.corp.example"}
START_TLS = PLAIN | {"start_tls": "true"}
SVC = {"user": WRITER}

SEALED = {
    "kerberos with a password": Mode(PLAIN | SVC | {"auth": "kerberos"}),
    "kerberos with a keytab": Mode(PLAIN | SVC, password=False, keytab=True),
    "kerberos with a keytab alone": Mode(PLAIN, password=False, keytab=True),
    "kerberos with a ticket": Mode(PLAIN, password=False, ticket=True),
    "kerberos with the ticket of a user": Mode(PLAIN | SVC, password=False, ticket=True),
    "kerberos, a password being set for nothing": Mode(PLAIN, ticket=True),
    "ntlm": Mode(PLAIN | SVC | {"auth": "ntlm"}),
}
IN_TLS = {
    f"{name} {inside}": Mode({**where, **mode.directory}, mode.password, mode.ticket, mode.keytab)
    for inside, where in (("in ldaps", TLS), ("in StartTLS", START_TLS))
    for name, mode in {
        "kerberos with a password": Mode(SVC | {"auth": "kerberos"}),
        "kerberos with a keytab": Mode(SVC, password=False, keytab=True),
        "kerberos with a ticket": Mode({}, password=False, ticket=True),
        "ntlm": Mode(SVC | {"auth": "ntlm"}),
    }.items()
}
SIMPLE = {
    "simple in ldaps": Mode(TLS | SVC | {"auth": "simple"}),
    "simple in StartTLS": Mode(START_TLS | SVC | {"auth": "simple"}),
    "unless told, in ldaps": Mode(TLS | SVC),
    "unless told, in StartTLS": Mode(START_TLS | SVC),
}
LOCATED = {
    "found, kerberos with a keytab": Mode({}, password=False, keytab=True),
    "found, ntlm": Mode(SVC | {"auth": "ntlm"}),
    "found, simple": Mode(SVC | {"auth": "simple"}),
    "found, StartTLS": Mode(SVC | {"start_tls": "true"}),
}


def there_and_back(desk: Desk) -> None:
    """Plan, audit, apply and roll back: the domain ends as it was."""
    with restored(desk.lab):
        plan = desk.run("plan", "--format", "json")
        assert plan.code == 3, plan
        assert plan.data["dc"] == desk.lab.dc_fqdn
        assert desk.run("audit").code == 3
        applied = desk.run("apply", "--yes")
        assert applied.code == 0, applied
        assert {host: mesh(desk.lab)[host] for host in TWO} == mesh_of(*TWO)
        back = desk.run("rollback", "--yes")
        assert back.code == 0, back


@pytest.mark.parametrize("mode", [*SIMPLE, *SEALED, *LOCATED])
def test_there_and_back(desk: Desk, mode: str) -> None:
    there_and_back((SIMPLE | SEALED | LOCATED)[mode].prepare(desk))


@pytest.mark.parametrize("mode", [*SIMPLE, *SEALED, *IN_TLS, *LOCATED])
def test_there_and_back_where_channel_bindings_are_enforced(hardened_desk: Desk, mode: str) -> None:
    there_and_back((SIMPLE | SEALED | IN_TLS | LOCATED)[mode].prepare(hardened_desk))


def test_an_old_samba_takes_no_such_logon_inside_tls(desk: Desk) -> None:
    """4.17, where strong authentication is required; AD and newer ones do."""
    IN_TLS["ntlm in ldaps"].prepare(desk)
    answer = desk.run("plan")
    assert answer.code == 1
    assert "doesn't take this logon inside TLS" in answer.err


def test_a_mesh_of_sixty_four_over_sealed_kerberos(desk: Desk) -> None:
    chosen = SEALED["kerberos with a keytab"].prepare(desk, "hosts: {'hv[01-64]': }\n")
    with restored(desk.lab):
        applied = chosen.run("apply", "--yes")
        assert applied.code == 0, applied
        assert "64 applied" in applied.err
        assert {host: mesh(desk.lab)[host] for host in MESH} == mesh_of(*MESH)
        for words in ("replicated", "15 minutes", "klist purge -li 0x3e7   on hv[01-64]"):
            assert words in applied.err.lower()
        assert chosen.run("plan").code == 0
        assert chosen.run("rollback", "--yes").code == 0


class TestWire:
    """What somebody on the line sees, and what he can do."""

    @pytest.fixture
    def relay(self, fresh_lab: Lab) -> Iterator[Relay]:
        with ExitStack() as stack:
            relay = stack.enter_context(Relay(fresh_lab))
            names = {("dc1.corp.example", "A"): [relay.address]}
            stack.enter_context(DnsServer(fresh_lab.address_at(61), names))
            yield relay

    @staticmethod
    def over(desk: Desk, mode: str) -> Desk:
        """The workstation, to which the DC's name means the relay."""
        return SEALED[mode].prepare(desk, dns_servers=f"[{desk.lab.address_at(61)}]")

    @pytest.mark.parametrize("mode", ["kerberos with a keytab", "kerberos with a ticket", "ntlm"])
    def test_nothing_but_frames_after_the_logon(self, desk: Desk, relay: Relay, mode: str) -> None:
        chosen = self.over(desk, mode)
        assert chosen.run("apply", "--yes").code == 0
        assert chosen.run("audit").code == 0
        assert len(relay.to_dc) == 2
        for out, back in zip(relay.to_dc, relay.to_client, strict=True):
            logon = 2 if mode == "ntlm" else 1
            assert len(out.messages) == len(back.messages) == logon
            assert out.pieces[:logon] == out.messages
            assert back.pieces[:logon] == back.messages
            assert len(out.frames) >= 3
            assert all(is_sealed(frame) for frame in (*out.frames, *back.frames))
            assert sum(map(len, out.pieces)) == len(out.seen)
            assert sum(map(len, back.pieces)) == len(back.seen)
            sealed = b"".join((*out.frames, *back.frames)).lower()
            for word in SECRET_WORDS:
                for encoding in ("utf-8", "utf-16-le"):
                    assert word.encode(encoding) not in sealed

    @pytest.mark.parametrize("mode", ["kerberos with a keytab", "ntlm"])
    @pytest.mark.parametrize("place", [4, 12, -1])
    def test_a_tampered_answer_is_no_result(
        self, desk: Desk, relay: Relay, mode: str, place: int
    ) -> None:
        """Of the search for the hosts: the bind's answers, the root DSE's, and then this one."""
        chosen = self.over(desk, mode)
        before_search = 3 if mode == "ntlm" else 2
        relay.change_to_client[before_search + 1] = flipped(place)
        answer = chosen.run("plan")
        assert answer.code == 1
        assert answer.out == ""
        assert "its seal is broken" in answer.err
        assert "lost the connection to ldap://dc1.corp.example" in answer.err

    @pytest.mark.parametrize("mode", ["kerberos with a keytab", "ntlm"])
    def test_an_answer_that_comes_twice_is_none(self, desk: Desk, relay: Relay, mode: str) -> None:
        """Whoever recorded a good answer can't make it the answer to something else."""
        chosen = self.over(desk, mode)
        relay.change_to_client[3 if mode == "ntlm" else 2] = lambda piece: piece * 2
        answer = chosen.run("plan")
        assert answer.code == 1
        assert "its seal is broken" in answer.err
        assert answer.out == ""

    def test_a_tampered_answer_to_a_write_is_an_unknown_outcome(
        self, desk: Desk, relay: Relay
    ) -> None:
        chosen = self.over(desk, "kerberos with a keytab")
        with untouched(desk.lab):
            assert chosen.run("plan").code == 3
        answers = len(relay.to_client[0].pieces)
        # Four more answers come before it: who this is, what it may write, and all once more.
        relay.change_to_client[answers + 4] = flipped(-1)
        answer = chosen.run("apply", "--yes")
        assert answer.code == 1
        assert "unknown" in answer.err
        relay.change_to_client.clear()
        settled = chosen.run("apply", "--yes")
        assert settled.code == 0
        assert "run 1 had not come to its end" in settled.err
        assert {host: mesh(desk.lab)[host] for host in TWO} == mesh_of(*TWO)

    @pytest.mark.parametrize("mode", ["kerberos with a keytab", "ntlm"])
    def test_a_tampered_request_is_none(self, desk: Desk, relay: Relay, mode: str) -> None:
        chosen = self.over(desk, mode)
        relay.change_to_dc[4 if mode == "ntlm" else 3] = flipped(-1)
        with untouched(desk.lab):
            answer = chosen.run("apply", "--yes")
        assert answer.code == 1
        assert "error: " in answer.err

    def test_a_dc_that_does_not_prove_itself(self, desk: Desk, relay: Relay) -> None:
        """The last bytes of a bind's answer are its token, the DC's proof."""
        chosen = self.over(desk, "kerberos with a keytab")
        relay.change_to_client[1] = flipped(-1)
        answer = chosen.run("plan")
        assert answer.code == 1
        assert "did not prove who it is" in answer.err
        assert len(relay.to_dc[0].pieces) <= 2
        assert not relay.to_dc[0].frames

    @pytest.mark.parametrize(
        ("mode", "variables"),
        [
            ("kerberos with a password", {"DELEGATION_PASSWORD": "Not-this-one-1"}),
            ("kerberos with a ticket", {"KRB5CCNAME": "FILE:/nonexistent"}),
            ("kerberos with a password", {"KRB5_CONFIG": "/dev/null"}),
            ("kerberos with a keytab", {}),
        ],
        ids=["wrong password", "no ticket", "no KDC", "it works"],
    )
    def test_kerberos_is_never_ntlm(
        self, desk: Desk, relay: Relay, mode: str, variables: dict[str, str]
    ) -> None:
        chosen = self.over(desk, mode).saying(**variables)
        assert chosen.run("plan").code == (1 if variables else 3)
        assert len(relay.to_dc) == 1
        assert b"NTLMSSP" not in relay.all
        assert desk.lab.accounts[WRITER].encode() not in relay.all

    def test_kerberos_that_the_dc_refuses_is_no_ntlm_either(self, desk: Desk, relay: Relay) -> None:
        """A ticket that was changed on its way to the DC."""
        chosen = self.over(desk, "kerberos with a keytab")
        relay.change_to_dc[1] = flipped(-1)
        answer = chosen.run("plan")
        assert answer.code == 1
        assert f"{desk.lab.dc_fqdn} refuses the logon" in answer.err
        assert b"NTLMSSP" not in relay.all


def is_sealed(frame: bytes) -> bool:
    """A token of Kerberos with the flag Sealed (RFC 4121, 4.2.2), or of NTLM (MS-NLMP 2.2.2.9)."""
    token = frame[4:]
    return (token[:2] == b"\x05\x04" and bool(token[2] & 2)) or token[:4] == b"\1\0\0\0"


SECRET_WORDS = (
    "msds-allowedtodelegateto",
    "serviceprincipalname",
    "samaccountname",
    "useraccountcontrol",
    "objectguid",
    "primarygroupid",
    "cifs/",
    "virtual system",
    "hv01",
    "cn=hv",
    "dc=corp",
    "dc1.corp.example",
    "guid=",
)
"""What requests and answers are full of: attributes, names, filters, values."""


@contextmanager
def middle(lab: Lab) -> Iterator[str]:
    """Somebody between client and DC, with a certificate of the DC's name by the DC's own CA."""
    certificate = cast("Certificate", "middle")  # not one that each lab has
    certificates.sign(lab, certificate)
    with front(lab, certificate) as opened:
        yield opened.address


@pytest.mark.parametrize("scheme", ["ldaps", "StartTLS"])
@pytest.mark.parametrize("logon", ["kerberos with a keytab", "ntlm"])
def test_somebody_who_ends_tls_half_way_gets_no_logon(
    hardened_desk: Desk, fresh_hardened_lab: Lab, scheme: str, logon: str
) -> None:
    """His certificate is trusted and for the right name; the DC sees that it isn't its own."""
    with (
        middle(fresh_hardened_lab) as address,
        DnsServer(fresh_hardened_lab.address_at(61), {("dc1.corp.example", "A"): [address]}) as dns,
    ):
        chosen = IN_TLS[f"{logon} in {scheme}"].prepare(
            hardened_desk, dns_servers=f"[{dns.address}]"
        )
        with untouched(fresh_hardened_lab):
            for command in (("plan",), ("apply", "--yes")):
                answer = chosen.run(*command)
                assert answer.code == 1
                assert "channel binding" in answer.err
                assert "opens TLS" in answer.err
                assert answer.out == ""


class TestFound:
    """Without a URL: what DNS says, in its order, as far as it works."""

    @pytest.fixture
    def dns(self, fresh_lab: Lab) -> Iterator[Callable[..., DnsServer]]:
        """Give DNS another content, as often as wanted."""
        running: list[DnsServer] = []

        def stop() -> None:
            while running:
                running.pop().__exit__(None, None, None)

        def serve(*srv: str, site: str = "", **addresses: str) -> DnsServer:
            stop()
            table: dict[tuple[str, str], list[str]] = {
                (f"{host}.corp.example", "A"): [address] for host, address in addresses.items()
            }
            table[ALL, "SRV"] = list(srv)
            if site:
                table["_ldap._tcp.here._sites.dc._msdcs.corp.example", "SRV"] = [site]
            server = DnsServer(fresh_lab.address_at(61), table)
            running.append(server.__enter__())
            return server

        yield serve
        stop()

    def found(self, desk: Desk, **more: str) -> Desk:
        """By a keytab, with this DNS."""
        desk.declare(
            keytab=str(desk.lab.keytab(WRITER)), dns_servers=f"[{desk.lab.address_at(61)}]", **more
        )
        return desk.silent()

    def test_a_dead_one_and_then_one_that_lives(
        self, desk: Desk, dns: Callable[..., DnsServer]
    ) -> None:
        dns(
            "0 0 389 dc0.corp.example.",
            "1 0 389 nowhere.corp.example.",
            "2 0 389 dc1.corp.example.",
            dc0=desk.lab.address_at(50),
            dc1=desk.lab.address,
        )
        chosen = self.found(desk)
        plan = chosen.run("plan", "--format", "json")
        assert plan.code == 3
        assert plan.data["dc"] == "dc1.corp.example"
        assert "no connection to ldap://dc0.corp.example" in plan.err
        assert "nowhere.corp.example has no address" in plan.err
        assert plan.err.count("using ldap://dc1.corp.example") == 2
        audit = chosen.run("audit", "--format", "json")
        assert audit.data["dc"] == "dc1.corp.example"

    def test_the_sites_first(self, desk: Desk, dns: Callable[..., DnsServer]) -> None:
        server = dns(
            "0 0 389 dc0.corp.example.",
            site="0 0 389 dc1.corp.example.",
            dc0=desk.lab.address_at(50),
            dc1=desk.lab.address,
        )
        plan = self.found(desk, site="here").run("plan")
        assert plan.code == 3
        assert "warning" not in plan.err
        assert ("dc0.corp.example", "A") not in server.asked

    def test_none_lives(self, desk: Desk, dns: Callable[..., DnsServer]) -> None:
        dead = desk.lab.address_at(50)
        dns("0 0 389 dc0.corp.example.", "0 0 389 dc1.corp.example.", dc0=dead, dc1=dead)
        answer = self.found(desk).run("plan")
        assert answer.code == 1
        assert "none of the domain controllers of corp.example" in answer.err
        for host in ("dc0", "dc1"):
            assert f"no connection to ldap://{host}.corp.example" in answer.err
        assert "directory.url" in answer.err

    def test_dns_knows_none(self, desk: Desk, dns: Callable[..., DnsServer]) -> None:
        dns()
        answer = self.found(desk).run("plan")
        assert answer.code == 1
        assert "DNS knows no domain controller of corp.example" in answer.err
        assert "directory.dns_servers" in answer.err

    def test_nothing_goes_out_of_the_domain(
        self, desk: Desk, dns: Callable[..., DnsServer]
    ) -> None:
        server = dns("0 0 389 dc1.evil.example.", dc1=desk.lab.address)
        answer = self.found(desk).run("plan")
        assert answer.code == 1
        assert "dc1.evil.example: is not in corp.example" in answer.err
        assert {kind for _, kind in server.asked} == {"SRV"}

    @pytest.mark.parametrize("auth", ["kerberos", "ntlm", "simple"])
    def test_a_refused_logon_is_not_tried_elsewhere(
        self, desk: Desk, dns: Callable[..., DnsServer], auth: str
    ) -> None:
        """That would lock the account out; whichever comes first is the only one."""
        address = desk.lab.address
        dns(
            *(f"0 0 389 {host}.corp.example." for host in ("dc1", "dc2", "dc3")),
            **dict.fromkeys(("dc1", "dc2", "dc3"), address),
        )
        desk.declare(auth=auth, user=READER, dns_servers=f"[{desk.lab.address_at(61)}]")
        with admin.counting_bad_logons(desk.lab, READER) as bad_logons:
            answer = desk.saying(DELEGATION_PASSWORD="Not-this-one-1").run("plan")
            assert answer.code == 1
            assert bad_logons() == (0 if auth == "simple" and "certificate" in answer.err else 1)
        if auth != "simple":  # dc2 and dc3 have no certificate, which is found before the logon
            assert "wrong" in answer.err
            assert "dc2" not in answer.err or "dc3" not in answer.err

    def test_a_run_stays_where_it_was_made(self, desk: Desk, dns: Callable[..., DnsServer]) -> None:
        """Its record names the DC; a rollback goes there, whatever DNS prefers by then."""
        dns("0 0 389 dc1.corp.example.", dc1=desk.lab.address)
        chosen = self.found(desk)
        assert chosen.run("apply", "--yes").code == 0
        assert recorded(desk, 1)["url"] == "ldap://dc1.corp.example"

        dead = desk.lab.address_at(50)
        dns("0 0 389 dc0.corp.example.", dc0=dead, dc1=dead)
        answer = chosen.run("rollback", "--yes")
        assert answer.code == 1
        assert "run 1 was made on dc1.corp.example, which can't be used" in answer.err
        assert "rollback 1 --on DC" in answer.err
        assert "looks undone" in answer.err
        assert holding(desk.lab).keys() == set(TWO)

        dns("0 0 389 dc0.corp.example.", dc0=dead, dc1=desk.lab.address)
        back = chosen.run("rollback", "--yes")
        assert back.code == 0
        assert "dc0" not in back.err
        assert holding(desk.lab) == {}
        assert recorded(desk, 2)["url"] == "ldap://dc1.corp.example"

    def test_an_unsettled_run_is_settled_where_it_was_made(
        self, desk: Desk, dns: Callable[..., DnsServer]
    ) -> None:
        dead = desk.lab.address_at(50)
        dns("0 0 389 dc1.corp.example.", dc1=desk.lab.address)
        chosen = self.found(desk)
        assert chosen.run("apply", "--yes").code == 0
        unsettle(desk, 1)
        server = dns(
            "0 0 389 dc0.corp.example.", "9 0 389 dc1.corp.example.", dc0=dead, dc1=desk.lab.address
        )
        answer = chosen.run("apply", "--yes")
        assert answer.code == 0
        assert "run 1 had not come to its end" in answer.err
        assert ("dc0.corp.example", "A") not in server.asked

    def test_an_unsettled_run_of_a_dc_that_is_gone(
        self, desk: Desk, dns: Callable[..., DnsServer]
    ) -> None:
        dns("0 0 389 dc1.corp.example.", dc1=desk.lab.address)
        chosen = self.found(desk)
        assert chosen.run("apply", "--yes").code == 0
        unsettle(desk, 1, dc="dc0.corp.example")
        answer = chosen.run("apply", "--yes")
        assert answer.code == 0
        assert "run 1 is unsettled and was made on dc0.corp.example" in answer.err


def journal(desk: Workstation) -> sqlite3.Connection:
    return sqlite3.connect(desk.state / "journal.sqlite")


def recorded(desk: Workstation, number: int) -> dict[str, Any]:
    """How a run reached its directory."""
    with closing(journal(desk)) as db:
        (text,) = db.execute("SELECT connection FROM runs WHERE id = ?", [number]).fetchone()
    found: dict[str, Any] = json.loads(text)
    assert not {"password", "ticket"} & found.keys()
    return found


def unsettle(desk: Workstation, number: int, dc: str = "dc1.corp.example") -> None:
    """Make a run's page look as if its process had died before it could note the outcomes."""
    with closing(journal(desk)) as db:
        db.execute("UPDATE changes SET result = NULL, settled = NULL WHERE run = ?", [number])
        db.execute(
            "UPDATE runs SET finished = NULL, status = 'running', dc = ? WHERE id = ?", [dc, number]
        )
        db.commit()


class TestWhoMayHaveIt:
    """An inventory alone can't have a logon sent anywhere, of whatever kind."""

    @pytest.mark.parametrize("mode", [*SEALED, "simple in ldaps"])
    def test_a_server_outside_the_domain(self, desk: Desk, mode: str) -> None:
        chosen = (SEALED | SIMPLE)[mode]
        scheme = chosen.directory["url"].partition(":")[0]
        with DnsServer(desk.lab.address_at(61), {}) as dns:
            chosen = Mode(
                {**chosen.directory, "url": f"{scheme}://dc1.evil.example"},
                chosen.password,
                chosen.ticket,
                chosen.keytab,
            )
            answer = chosen.prepare(desk, dns_servers=f"[{dns.address}]").run("plan")
            assert answer.code == 4
            assert "would go to dc1.evil.example, which is not in corp.example" in answer.err
            assert f"--directory {scheme}://dc1.evil.example" in answer.err
            assert dns.asked == []


class TestWhoLogsOn:
    def test_nothing_to_log_on_with(self, desk: Desk) -> None:
        desk.declare(url="ldap://dc1.corp.example", user=WRITER)
        answer = desk.silent().run("plan")
        assert answer.code == 2
        for way in (f"kinit {WRITER}@CORP.EXAMPLE", "directory.keytab", "DELEGATION_PASSWORD"):
            assert way in answer.err
        assert "--password-file" in answer.err

    def test_the_ticket_of_somebody_else_is_not_taken(self, desk: Desk) -> None:
        desk.declare(url="ldap://dc1.corp.example", user=WRITER)
        desk.log_on(READER)
        answer = desk.silent().run("plan")
        assert answer.code == 2
        assert f"{WRITER} has no valid Kerberos ticket" in answer.err

    def test_a_password_is_asked_for_where_somebody_is(self, desk: Desk) -> None:
        desk.declare(url="ldap://dc1.corp.example", user=WRITER)
        screen = desk.silent().at_terminal("plan")
        screen.wait_for(f"Password of {WRITER} for dc1.corp.example: ")
        screen.type(desk.lab.accounts[WRITER] + "\n")
        answer = screen.end()
        assert answer.code == 3
        assert not desk.cache.exists()

    def test_a_ticket_is_not_asked_a_password(self, desk: Desk) -> None:
        desk.declare(url="ldap://dc1.corp.example", user=WRITER)
        desk.log_on(WRITER)
        answer = desk.silent().at_terminal("plan").end()
        assert answer.code == 3
        assert "Password" not in answer.out

    def test_an_empty_password_is_no_logon(self, desk: Desk) -> None:
        for auth in ("kerberos", "ntlm"):
            desk.declare(url="ldap://dc1.corp.example", user=WRITER, auth=auth)
            answer = desk.saying(DELEGATION_PASSWORD="").run("plan")
            assert answer.code == 2
            assert "an empty password is refused" in answer.err

    def test_an_address_is_no_name(self, desk: Desk) -> None:
        desk.declare(auth="kerberos", user=WRITER)
        answer = desk.run("--directory", f"ldap://{desk.lab.address}", "plan")
        assert answer.code == 2
        assert "Kerberos needs the domain controller's name" in answer.err

    def test_a_keytab_beside_the_inventory(self, desk: Desk) -> None:
        """As relative paths in an inventory are; a rollback finds it from anywhere."""
        desk.declare(url="ldap://dc1.corp.example", keytab="svc.keytab")
        (desk.folder / "svc.keytab").write_bytes(desk.lab.keytab(WRITER).read_bytes())
        chosen = desk.silent()
        assert chosen.run("apply", "--yes").code == 0
        assert recorded(desk, 1)["keytab"] == str(desk.folder / "svc.keytab")
        assert chosen.run("rollback", "--yes").code == 0


def test_a_read_only_domain_controller_is_never_used(
    fresh_hardened_lab: Lab, tmp_path: Path
) -> None:
    """Named, it is refused; found, the next one is taken. Those of Windows say more of it."""
    lab = fresh_hardened_lab
    desk = desk_at(lab, tmp_path)
    with joined(lab, Kind.READ_ONLY) as second:
        addresses = {
            (second.dc_fqdn, "A"): [second.address],
            (lab.dc_fqdn, "A"): [lab.address],
            (ALL, "SRV"): [f"0 0 389 {second.dc_fqdn}.", f"1 0 389 {lab.dc_fqdn}."],
        }
        with DnsServer(lab.address_at(61), addresses) as dns:
            servers = f"[{dns.address}]"
            desk.declare(url=f"ldaps://{second.dc_fqdn}", user=WRITER, dns_servers=servers)
            for command in (("plan",), ("apply", "--yes")):
                answer = desk.run(*command)
                assert answer.code == 1
                assert "is a read-only domain controller" in answer.err
                assert answer.out == ""

            desk.declare(auth="simple", user=WRITER, dns_servers=servers)
            answer = desk.run("plan", "--format", "json")
            assert answer.code == 3, answer
            assert answer.data["dc"] == lab.dc_fqdn
            assert "read-only domain controller" in answer.err
            assert f"using ldaps://{lab.dc_fqdn}" in answer.err
