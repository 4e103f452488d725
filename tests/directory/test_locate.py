"""Domain controllers out of DNS: which, in which order, and which never."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from delegation.directory import locate
from delegation.directory.locate import Controller
from delegation.errors import ConnectionFailed
from delegation.inventory import Auth, DirectorySettings
from tests.directory.dns_server import DnsServer, Table
from tests.lab import Lab

DOMAIN = "corp.example"
ALL = "_ldap._tcp.dc._msdcs.corp.example"
SITE = "_ldap._tcp.Branch-1._sites.dc._msdcs.corp.example"

Serve = Callable[..., DnsServer]


class TestOrder:
    def test_priority_comes_first(self) -> None:
        records = [Controller(f"dc{n}", 389, priority=n, weight=100 * n) for n in (3, 1, 2)]
        assert [c.host for c in locate.ordered(records)] == ["dc1", "dc2", "dc3"]

    def test_every_record_comes_once(self) -> None:
        records = [Controller(f"dc{n}", 389, n % 3, n) for n in range(60)]
        assert sorted(c.host for c in locate.ordered(records)) == sorted(c.host for c in records)

    def test_weight_is_the_chance_to_be_first(self) -> None:
        """Every draw once: the shares are exact, but for the draw of 0 (RFC 2782)."""
        records = [Controller("a", 389, 0, 10), Controller("b", 389, 0, 30)]
        first = Counter(
            next(iter(locate.ordered(records, lambda _low, _high, n=n: n))).host  # type: ignore[misc]
            for n in range(41)
        )
        assert first == {"a": 11, "b": 30}

    def test_a_weight_of_nothing_still_has_a_small_chance(self) -> None:
        records = [Controller("idle", 389, 0, 0), Controller("busy", 389, 0, 100)]
        assert next(locate.ordered(records, lambda low, _high: low)).host == "idle"
        assert next(locate.ordered(records, lambda _low, high: high)).host == "busy"


@pytest.mark.parametrize(
    ("settings", "port", "url"),
    [
        (DirectorySettings(), 389, "ldap://dc1.corp.example"),
        (DirectorySettings(), 3268, "ldap://dc1.corp.example"),
        (DirectorySettings(), 10389, "ldap://dc1.corp.example:10389"),
        (DirectorySettings(user="a"), 389, "ldap://dc1.corp.example"),
        (DirectorySettings(auth=Auth.SIMPLE, user="a"), 389, "ldaps://dc1.corp.example"),
        (DirectorySettings(auth=Auth.SIMPLE, user="a"), 3268, "ldaps://dc1.corp.example"),
        (DirectorySettings(start_tls=True, user="a"), 389, "ldap://dc1.corp.example"),
        (DirectorySettings(auth=Auth.NTLM, user="a"), 389, "ldap://dc1.corp.example"),
    ],
)
def test_the_url_fits_the_logon(settings: DirectorySettings, port: int, url: str) -> None:
    assert locate.url_of(Controller("dc1.corp.example", port), settings) == url


@pytest.fixture
def serve(lab: Lab) -> Iterator[Serve]:
    """Start DNS servers, each on an address of its own."""
    servers: list[DnsServer] = []
    addresses = (lab.address_at(last) for last in itertools.count(60))

    def start(table: Table, **others: object) -> DnsServer:
        server = DnsServer(next(addresses), table, **others)  # type: ignore[arg-type]
        servers.append(server.__enter__())
        return server

    yield start
    for server in servers:
        server.__exit__(None, None, None)


def controllers(*servers: DnsServer, prefer: tuple[str, ...] = (), **settings: str) -> list[str]:
    """The hosts, best first."""
    found = locate.controllers(asking(*servers, **settings), DOMAIN, prefer)
    return [url.removeprefix("ldap://") for url in found.urls]


def asking(*servers: DnsServer, **settings: str) -> DirectorySettings:
    return DirectorySettings(dns_servers=tuple(s.address for s in servers), **settings)  # type: ignore[arg-type]


@pytest.mark.lab
class TestQuestions:
    def test_never_the_global_catalog(self, serve: Serve) -> None:
        server = serve({(ALL, "SRV"): ["0 100 389 dc1.corp.example."]})
        assert controllers(server) == ["dc1.corp.example"]
        assert server.asked == [(ALL, "SRV")]

    def test_the_site_first_and_then_the_domain(self, serve: Serve) -> None:
        server = serve(
            {
                (SITE, "SRV"): ["9 0 389 dc7.corp.example."],
                (ALL, "SRV"): ["0 100 389 dc1.corp.example.", "5 0 389 dc7.corp.example."],
            }
        )
        assert controllers(server, site="Branch-1") == ["dc7.corp.example", "dc1.corp.example"]
        assert server.asked == [(SITE.lower(), "SRV"), (ALL, "SRV")]

    def test_a_site_that_dns_does_not_know_is_told(self, serve: Serve) -> None:
        server = serve({(ALL, "SRV"): ["0 100 389 dc1.corp.example."]})
        found = locate.controllers(asking(server, site="Brnach"), DOMAIN)
        assert found.urls == ("ldap://dc1.corp.example",)
        assert any("site Brnach: none there" in remark for remark in found.remarks)

    @pytest.mark.parametrize("site", ["Zürich 2", "a.b", "-", "x" * 64, "", "\\000", "*"])
    def test_any_site_name(self, serve: Serve, site: str) -> None:
        server = serve({(ALL, "SRV"): ["0 100 389 dc1.corp.example."]})
        assert controllers(server, site=site) == ["dc1.corp.example"]

    def test_a_preferred_one_that_dns_knows_comes_first(self, serve: Serve) -> None:
        server = serve({(ALL, "SRV"): ["0 0 389 dc1.corp.example.", "7 0 389 DC2.corp.example."]})
        assert controllers(server) == ["dc1.corp.example", "dc2.corp.example"]
        assert controllers(server, prefer=("dc2.CORP.example",))[0] == "dc2.corp.example"

    def test_a_preferred_one_that_dns_does_not_know_is_not_made_up(self, serve: Serve) -> None:
        server = serve({(ALL, "SRV"): ["0 0 389 dc1.corp.example."]})
        assert controllers(server, prefer=("evil.corp.example",)) == ["dc1.corp.example"]

    def test_a_dead_server_and_then_one_that_answers(self, lab: Lab, serve: Serve) -> None:
        server = serve({(ALL, "SRV"): ["0 0 389 dc1.corp.example."]})
        settings = DirectorySettings(dns_servers=(lab.address_at(250), server.address))
        assert locate.controllers(settings, DOMAIN).urls == ("ldap://dc1.corp.example",)

    def test_more_than_a_datagram_holds(self, serve: Serve) -> None:
        """Over TCP; and no more are tried than one has patience for."""
        records = [f"{n} 0 389 dc{n:03}.corp.example." for n in range(300)]
        found = locate.controllers(asking(serve({(ALL, "SRV"): records})), DOMAIN)
        assert found.urls == tuple(f"ldap://dc{n:03}.corp.example" for n in range(locate.MOST))
        assert found.remarks == (f"{300 - locate.MOST} more are in DNS and were not tried",)

    def test_the_labs_own_dns(self, lab: Lab) -> None:
        settings = DirectorySettings(dns_servers=(lab.address,))
        assert locate.controllers(settings, DOMAIN).urls == (f"ldap://{lab.dc_fqdn}",)
        assert lab.address in locate.addresses(lab.dc_fqdn, [lab.address])


@pytest.mark.lab
class TestNotTaken:
    @pytest.mark.parametrize(
        ("target", "why"),
        [
            ("dc1.evil.example.", "is not in corp.example"),
            ("evilcorp.example.", "is not in corp.example"),
            ("corp.example.", "is not in corp.example"),
            ("corp.example.evil.example.", "is not in corp.example"),
            ("localhost.", "is not in corp.example"),
            (".", "not offered"),
            ("dc1\\032x.corp.example.", "not the name of a host"),
            ("dc1\\000.corp.example.", "not the name of a host"),
            ("dc1\\064evil.corp.example.", "not the name of a host"),
            ("dc1\\/x.corp.example.", "not the name of a host"),
            ("-x.corp.example.", "not the name of a host"),
        ],
    )
    def test_a_name_that_is_no_dc_of_the_domain(self, serve: Serve, target: str, why: str) -> None:
        server = serve({(ALL, "SRV"): [f"0 0 389 {target}", "1 0 389 dc1.corp.example."]})
        found = locate.controllers(asking(server), DOMAIN)
        assert found.urls == ("ldap://dc1.corp.example",)
        assert [remark for remark in found.remarks if why in remark]

    def test_none_but_such_names(self, serve: Serve) -> None:
        server = serve({(ALL, "SRV"): ["0 0 389 dc1.evil.example."]})
        with pytest.raises(ConnectionFailed, match="no domain controller of corp") as failed:
            locate.controllers(asking(server), DOMAIN)
        assert any("dc1.evil.example" in line for line in failed.value.details)
        assert "dns_servers" in failed.value.fix

    def test_an_empty_answer(self, serve: Serve) -> None:
        with pytest.raises(ConnectionFailed, match="no domain controller of corp"):
            locate.controllers(asking(serve({(ALL, "A"): ["127.0.0.1"]})), DOMAIN)

    def test_no_such_domain(self, serve: Serve) -> None:
        with pytest.raises(ConnectionFailed, match="no domain controller of corp") as failed:
            locate.controllers(asking(serve({})), DOMAIN)
        assert any(ALL in line for line in failed.value.details)

    @pytest.mark.parametrize("garbage", [b"\x81", b"\x81\x80\0\1\0\1\0\0\0\0\xc0\x0c" * 3])
    def test_garbage(self, serve: Serve, garbage: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(locate, "SECONDS", 1.0)
        with pytest.raises(ConnectionFailed, match="no domain controller of corp"):
            locate.controllers(asking(serve({}, garbage=garbage)), DOMAIN)


@pytest.mark.lab
class TestAddresses:
    def test_all_of_both_kinds(self, serve: Serve) -> None:
        table = {
            ("dc1.corp.example", "A"): ["127.5.5.1", "127.5.5.2"],
            ("dc1.corp.example", "AAAA"): ["::1"],
        }
        found = locate.addresses("dc1.corp.example", [serve(table).address])
        assert sorted(found) == ["127.5.5.1", "127.5.5.2", "::1"]

    def test_none(self, serve: Serve) -> None:
        server = serve({(ALL, "SRV"): ["0 0 389 dc1.corp.example."]})
        with pytest.raises(ConnectionFailed, match=r"dc1\.corp\.example has no address by"):
            locate.addresses("dc1.corp.example", [server.address])
