"""A domain controller is one: a member that poses as one is not asked, whatever DNS says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.directory.dns_server import DnsServer
from tests.lab import Lab, admin, certificates, ldif
from tests.lab.description import ADMINISTRATOR, READER, WRITER
from tests.lab.independent import search
from tests.lab.ldif import Entry
from tests.story.pretender import Pretender, Values, root_dse
from tests.story.test_authentication import ALL, Desk, desk_at
from tests.story.witness import first

pytestmark = pytest.mark.lab

TWO = first(2)
MEMBER = "hv66"
EVIL = "cifs/hv66.corp.example"
KEYTAB = {"user": WRITER}


@pytest.fixture
def desk(fresh_lab: Lab, tmp_path: Path) -> Desk:
    return desk_at(fresh_lab, tmp_path)


def yesterday(desk: Desk) -> list[Entry]:
    """The two hosts as they were when all was well; since then somebody may delegate to hv66."""
    desk.declare(url=f"ldap://{desk.lab.dc_fqdn}", **kerberos(desk.lab))
    assert desk.silent().run("apply", "--yes").code == 0
    wanted = "".join(f"(sAMAccountName={name}$)" for name in TWO)
    good = search(desk.lab, f"(|{wanted})", account=ADMINISTRATOR)
    admin.add_values(desk.lab, TWO[0], EVIL)
    honest = desk.silent().run("audit")
    assert honest.code == 3
    assert EVIL in honest.out
    return good


def kerberos(lab: Lab) -> dict[str, str]:
    return {"user": WRITER, "keytab": str(lab.keytab(WRITER))}


@contextmanager
def services(lab: Lab, account: str, *, more: str = "", less: str = "") -> Iterator[None]:
    """An account has one service principal name more, or less."""
    dn = admin.account_of(lab, account).dn
    there = ("add", "servicePrincipalName", [more or less])
    gone = ("delete", "servicePrincipalName", [more or less])
    admin.modify(lab, ldif.modification(dn, there if more else gone))
    try:
        yield
    finally:
        admin.modify(lab, ldif.modification(dn, gone if more else there))


@contextmanager
def posing(lab: Lab, objects: list[Entry], *, inside_tls: bool = False) -> Iterator[Pretender]:
    """A member with the name that it may have, ``ldap/`` and its own, and DNS in its hands."""
    fqdn = lab.fqdn(MEMBER)
    with ExitStack() as stack:
        stack.enter_context(services(lab, MEMBER, more=f"ldap/{fqdn}"))
        rogue = Pretender(lab, MEMBER, root_dse(fqdn), objects)
        if inside_tls:
            certificates.issue_host(lab, MEMBER)
            rogue.inside_tls(lab.tls / f"{MEMBER}.pem")
        stack.enter_context(rogue)
        forged = {(ALL, "SRV"): [f"0 0 389 {fqdn}."], (fqdn, "A"): [rogue.address]}
        stack.enter_context(DnsServer(lab.address_at(61), forged))
        yield rogue


@pytest.mark.parametrize("url", [{}, {"url": f"ldap://{MEMBER}.corp.example"}])
def test_a_member_that_poses_as_a_domain_controller(desk: Desk, url: dict[str, str]) -> None:
    """By a forged answer of DNS, and by an inventory that names it: it would say that all is well.

    The member has a key of its own, so that it can seal, and open, what was meant for it.
    """
    lab = desk.lab
    with posing(lab, yesterday(desk)) as rogue:
        desk.declare(dns_servers=f"[{lab.address_at(61)}]", **url, **kerberos(lab))
        answer = desk.silent().run("audit")
    assert answer.code == 1, answer
    assert "no findings" not in answer.text
    assert "knows no ldap/hv66.corp.example/corp.example" in answer.err
    assert (rogue.logons, rogue.asked) == (0, [])


def test_a_directory_without_the_three_part_name(desk: Desk) -> None:
    """Said in words; the domain controller itself would have taken the logon."""
    three = f"ldap/{desk.lab.dc_fqdn}/{desk.lab.domain}"
    desk.declare(url=f"ldap://{desk.lab.dc_fqdn}", **kerberos(desk.lab))
    with services(desk.lab, desk.lab.dc_name, less=three):
        answer = desk.silent().run("plan")
    assert answer.code == 1
    assert f"the KDC of CORP.EXAMPLE knows no {three}" in answer.err
    assert "setspn -L" in answer.err
    assert desk.silent().run("plan").code == 3


def test_a_name_that_is_not_its_own(desk: Desk) -> None:
    """An alias with a service principal name: the ticket is right, and the root DSE is another."""
    lab, alias = desk.lab, "ldap.corp.example"
    names = {(alias, "A"): [lab.address]}
    with (
        services(lab, lab.dc_name, more=f"ldap/{alias}/{lab.domain}"),
        DnsServer(lab.address_at(61), names) as dns,
    ):
        desk.declare(url=f"ldap://{alias}", dns_servers=f"[{dns.address}]", **kerberos(lab))
        answer = desk.silent().run("plan")
    assert answer.code == 1
    assert f"calls itself {lab.dc_fqdn}; the logon has proved {alias}" in answer.err


class TestCertificate:
    """A simple bind inside TLS proves the certificate's names and no more."""

    @pytest.fixture
    def objects(self, desk: Desk) -> list[Entry]:
        return yesterday(desk)

    def audit(self, desk: Desk, rogue: Pretender) -> tuple[int, str]:
        desk.declare(
            url=f"ldaps://{MEMBER}.corp.example",
            user=READER,
            auth="simple",
            dns_servers=f"[{desk.lab.address_at(61)}]",
        )
        answer = desk.run("audit")
        assert rogue.logons == 1
        return answer.code, answer.text

    @pytest.mark.parametrize(
        ("root", "words"),
        [
            (root_dse("dc1.corp.example"), "calls itself dc1.corp.example; the logon has proved"),
            (
                root_dse("hv66.corp.example", defaultNamingContext="DC=evil,DC=example"),
                "serves DC=evil,DC=example",
            ),
            (
                root_dse("hv66.corp.example", rootDomainNamingContext="DC=evil,DC=example"),
                "not answer like a domain controller: its configurationnamingcontext",
            ),
        ],
    )
    def test_a_root_dse_that_does_not_fit(
        self, desk: Desk, objects: list[Entry], root: Values, words: str
    ) -> None:
        with posing(desk.lab, objects, inside_tls=True) as rogue:
            rogue.tell(root)
            code, said = self.audit(desk, rogue)
        assert code == 1, said
        assert words in said
        assert len(rogue.asked) == 1
