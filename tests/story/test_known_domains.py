"""Whose server gets a password: a trap of somebody who may edit an inventory, or plant a journal.

It listens where a domain controller and a KDC do, on an address of its own, and has a certificate
that its own CA has issued. What it is told of the password is what these attacks are for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shlex
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.directory.dns_server import DnsServer
from tests.lab import Lab, certificates
from tests.lab.description import OPERATOR, WRITER
from tests.lab.front import front
from tests.story.test_authentication import Desk, desk_at
from tests.story.trap import Trap

pytestmark = pytest.mark.lab

WAYS = [
    (auth, scheme)
    for auth in ("simple", "ntlm", "kerberos")
    for scheme in ("ldap", "ldaps", "StartTLS", "DNS")
    if (auth, scheme) != ("simple", "ldap")  # in clear it goes nowhere, as others test
]
REALMS = """
[libdefaults]
default_realm = {realm}
dns_lookup_kdc = false
[realms]
CORP.EXAMPLE = {{
  kdc = {dc}
}}
EVIL.EXAMPLE = {{
  kdc = {trap}
}}
EVIL.CORP.EXAMPLE = {{
  kdc = {trap}
}}
"""


def key_of(pem: Path) -> str:
    """What a CA is known by, as another program computes it."""
    certificate = x509.load_pem_x509_certificate(pem.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{base64.b64encode(hashlib.sha256(key).digest()).decode()}"


def knowing(desk: Desk, text: str | None = None, **variables: str) -> Desk:
    """The desk of somebody who knows that; unless told, the domain with its CA and DNS server."""
    lab = desk.lab
    entry = f"authorities: ['{key_of(lab.ca_file)}'], dns_servers: [{lab.address}]"
    usual = f"{lab.domain}: {{{entry}}}\n"
    file = desk.folder.parent / "known" / "known-domains"
    file.parent.mkdir(exist_ok=True)
    file.write_text(usual if text is None else text)
    file.chmod(0o644)
    return desk.saying(**{"DELEGATION_KNOWN_DOMAINS": str(file), **variables})


def password_of(desk: Desk, account: str = WRITER) -> str:
    return desk.lab.accounts[account]


@pytest.fixture
def desk(fresh_lab: Lab, tmp_path: Path) -> Desk:
    return knowing(desk_at(fresh_lab, tmp_path))


class TestAttacks:
    """None of these gets anything; each got its part of the password on 0960242."""

    @pytest.fixture
    def trap(self, fresh_lab: Lab) -> Iterator[Trap]:
        with Trap(fresh_lab, "dc1.evil.example", "dc1.corp.example", "pc7.corp.example") as trap:
            yield trap

    @pytest.fixture
    def forged(self, trap: Trap, fresh_lab: Lab) -> Iterator[DnsServer]:
        """DNS as the attacker has it: every name leads to the trap."""
        hosts = ("dc1.evil.example", "dc1.corp.example", "hv01.evil.example")
        table = {(host, "A"): [trap.address] for host in hosts}
        for domain in ("corp.example", "evil.example"):
            table[f"_ldap._tcp.dc._msdcs.{domain}", "SRV"] = [f"0 0 389 dc1.{domain}."]
        with DnsServer(fresh_lab.address_at(61), table) as dns:
            yield dns

    @staticmethod
    def evil(desk: Desk, trap: Trap, auth: str, **directory: str) -> Desk:
        """An inventory of the attacker's own domain, whose KDC the machine finds in DNS."""
        text = "hosts: {'hv[01-02]': }\n"
        (desk.folder / "inventory.yaml").unlink(missing_ok=True)
        desk.declare(text, auth=auth, user=WRITER, **directory)
        file = desk.folder / "inventory.yaml"
        file.write_text(file.read_text().replace("domain: corp.example", "domain: evil.example"))
        return desk.saying(**desk.variables, KRB5_CONFIG=str(krb5_conf(desk, trap)))

    @staticmethod
    def nothing_is_told(desk: Desk, trap: Trap, *words: str, account: str = WRITER) -> str:
        answer = desk.run(*words)
        assert trap.secrets(password_of(desk, account)) == []
        assert answer.code == 4, answer
        assert answer.out == ""
        return answer.err

    @pytest.mark.parametrize(("auth", "scheme"), WAYS)
    def test_a_domain_of_his_own(
        self, desk: Desk, trap: Trap, forged: DnsServer, auth: str, scheme: str
    ) -> None:
        url = {"url": f"{scheme.replace('StartTLS', 'ldap')}://dc1.evil.example"}
        where = {} if scheme == "DNS" else url
        if scheme == "StartTLS":
            where["start_tls"] = "true"
        servers = f"[{forged.address}]"
        ca_file = str(desk.lab.other_ca_file)
        chosen = self.evil(desk, trap, auth, dns_servers=servers, ca_file=ca_file, **where)
        said = self.nothing_is_told(chosen, trap, "plan")
        assert "evil.example is not a known domain" in said
        assert "delegation trust evil.example" in said

    @pytest.mark.parametrize("scheme", ["ldap", "DNS"])
    def test_the_right_domain_by_dns_servers_of_his_own(
        self, desk: Desk, trap: Trap, forged: DnsServer, scheme: str
    ) -> None:
        where = {} if scheme == "DNS" else {"url": "ldap://dc1.corp.example"}
        desk.declare(auth="ntlm", user=WRITER, dns_servers=f"[{forged.address}]", **where)
        said = self.nothing_is_told(desk, trap, "plan")
        assert "is not what is known of corp.example" in said
        assert f"known  DNS servers: {desk.lab.address}" in said
        assert f"met    DNS servers: {forged.address}" in said
        assert "--replace" in said
        assert forged.asked == []

    @pytest.mark.parametrize("auth", ["simple", "ntlm"])
    def test_the_right_domain_by_a_ca_of_his_own(self, desk: Desk, trap: Trap, auth: str) -> None:
        """Every member may have its name put into the domain's own DNS."""
        with DnsServer(desk.lab.address_at(61), {("pc7.corp.example", "A"): [trap.address]}) as dns:
            usual = (desk.folder.parent / "known" / "known-domains").read_text()
            chosen = knowing(desk, usual.replace(desk.lab.address, dns.address))
            chosen.declare(
                url="ldaps://pc7.corp.example",
                auth=auth,
                user=WRITER,
                dns_servers=f"[{dns.address}]",
                ca_file=str(desk.lab.other_ca_file),
            )
            said = self.nothing_is_told(chosen, trap, "plan")
        assert f"known  CA key: {key_of(desk.lab.ca_file)}" in said
        assert f"met    CA key: {key_of(desk.lab.other_ca_file)}" in said

    @pytest.mark.parametrize("auth", ["simple", "ntlm"])
    def test_a_planted_journal(self, desk: Desk, trap: Trap, forged: DnsServer, auth: str) -> None:
        """The inventory is right, and silent about servers and CA; the record of the run is not."""
        desk.declare(keytab=str(desk.lab.keytab(WRITER)))
        assert desk.run("apply", "--yes").code == 0
        file = desk.folder / "inventory.yaml"
        file.write_text("domain: corp.example\nhosts: {'hv[01-02]': }\n")
        planted = {
            "url": "ldaps://dc1.corp.example",
            "auth": auth,
            "user": WRITER,
            "ca_file": str(desk.lab.other_ca_file),
            "dns_servers": [forged.address],
        }
        with closing(sqlite3.connect(desk.state / "journal.sqlite")) as db, db:
            db.execute("UPDATE runs SET connection = ?", [json.dumps(planted)])
        said = self.nothing_is_told(desk, trap, "rollback", "--yes")
        assert "is not what is known of corp.example" in said
        # Nor where the server is right, and named by whoever types.
        self.nothing_is_told(
            desk, trap, "--directory", "ldaps://dc1.corp.example", "rollback", "--yes"
        )

    @pytest.mark.parametrize("realm", ["EVIL.CORP.EXAMPLE", "evil.corp.example"])
    def test_a_kdc_below_the_domains_name(self, desk: Desk, trap: Trap, realm: str) -> None:
        """Every member may have names put into the domain's DNS: those of a KDC as well."""
        desk.declare(url=f"ldap://{desk.lab.dc_fqdn}", user=f"{WRITER}@{realm}")
        chosen = desk.saying(**desk.variables, KRB5_CONFIG=str(krb5_conf(desk, trap)))
        said = self.nothing_is_told(chosen, trap, "plan")
        assert "EVIL.CORP.EXAMPLE would be for a KDC outside corp.example" in said
        assert f"kinit {WRITER}@EVIL.CORP.EXAMPLE" in said

    def test_a_name_that_ends_early_for_the_kerberos_library(self, desk: Desk, trap: Trap) -> None:
        """Its library takes texts of C: what stands behind a zero byte is not there for it."""
        desk.declare(keytab=str(desk.lab.keytab(WRITER)))
        assert desk.run("apply", "--yes").code == 0
        file = desk.folder / "inventory.yaml"
        file.write_text("domain: corp.example\nhosts: {'hv[01-02]': }\n")
        user = f"{WRITER}@EVIL.EXAMPLE\0@corp.example"
        planted = {
            "url": f"ldap://{desk.lab.dc_fqdn}",
            "auth": "kerberos",
            "user": user,
            "dns_servers": [desk.lab.address],
        }
        with closing(sqlite3.connect(desk.state / "journal.sqlite")) as db, db:
            db.execute("UPDATE runs SET connection = ?", [json.dumps(planted)])
        chosen = desk.saying(**desk.variables, KRB5_CONFIG=str(krb5_conf(desk, trap)))
        answer = chosen.run("rollback", "--yes")
        assert trap.secrets(password_of(desk)) == []
        assert answer.code == 1, answer
        assert "can't be read" in answer.err

    def test_a_password_of_hosts(self, desk: Desk, trap: Trap, forged: DnsServer) -> None:
        own = {
            "DELEGATION_HOSTS_PASSWORD": password_of(desk, OPERATOR),
            "KRB5_CONFIG": str(krb5_conf(desk, trap)),
        }
        (desk.folder / "inventory.yaml").write_text(
            "domain: evil.example\n"
            f"directory: {{dns_servers: [{forged.address}]}}\n"
            f"remoting: {{user: {OPERATOR}}}\n"
            "hosts: {'hv[01-02]': }\n"
        )
        chosen = desk.saying(**desk.variables, **own)
        said = self.nothing_is_told(chosen, trap, "hosts", "show", account=OPERATOR)
        assert "evil.example is not a known domain" in said


def krb5_conf(desk: Desk, trap: Trap) -> Path:
    """What stands in krb5.conf, or the machine finds in DNS: each realm has its own KDCs."""
    file = desk.folder.parent / "krb5.conf"
    file.write_text(REALMS.format(realm="CORP.EXAMPLE", dc=desk.lab.address, trap=trap.address))
    return file


def simple(desk: Desk, **directory: str) -> Desk:
    """By a password, at the DC that the inventory names."""
    settings = {"url": f"ldaps://{desk.lab.dc_fqdn}", "auth": "simple", "user": WRITER}
    desk.declare(**(settings | directory))
    return desk


def to_type(said: str) -> list[str]:
    """The command that a refusal names, as a shell takes it apart."""
    found = [line for line in said.splitlines() if "delegation " in line and " trust " in line]
    assert len(found) == 1, said
    return shlex.split(found[0].partition("delegation ")[2])


def trusted(desk: Desk, words: list[str]) -> None:
    """Type that, somebody having looked at it."""
    done = desk.run(*words, "--yes")
    assert done.code == 0, done


class TestUnknown:
    @pytest.fixture
    def stranger(self, desk: Desk) -> Desk:
        """Somebody who knows no domain; the list will be a file in a folder that is not there."""
        file = desk.folder.parent / "config" / "delegation" / "known-domains"
        return simple(desk.saying(DELEGATION_KNOWN_DOMAINS=str(file)))

    def test_the_line_that_is_told_lets_it_go(self, stranger: Desk) -> None:
        lab = stranger.lab
        refused = stranger.run("plan")
        assert refused.code == 4
        assert refused.out == ""
        assert "corp.example is not a known domain" in refused.err
        assert "would go to dc1.corp.example" in refused.err
        assert f"CN=ca-{lab.address}" in refused.err
        words = to_type(refused.err)
        key, dns = key_of(lab.ca_file), lab.address
        assert words == ["trust", "corp.example", "--ca", key, "--dns-server", dns]
        trusted(stranger, words)
        assert stranger.run("plan").code == 3
        file = Path(stranger.variables["DELEGATION_KNOWN_DOMAINS"])
        assert stat.S_IMODE(file.stat().st_mode) == 0o644
        assert password_of(stranger) not in file.read_text()

    @pytest.mark.parametrize("auth", ["kerberos", "ntlm", "simple"])
    @pytest.mark.parametrize("start", ["ldap", "ldaps"])
    def test_every_logon_by_password(self, stranger: Desk, auth: str, start: str) -> None:
        tls = {"start_tls": "true"} if (auth, start) == ("simple", "ldap") else {}
        simple(stranger, auth=auth, url=f"{start}://{stranger.lab.dc_fqdn}", **tls)
        refused = stranger.run("plan")
        assert refused.code == 4
        trusted(stranger, to_type(refused.err))
        allowed = stranger.run("plan")
        # An old Samba takes no NTLM and no Kerberos inside TLS: it has looked at the logon.
        assert allowed.code == 3 or "doesn't take this logon inside TLS" in allowed.err

    def test_an_address_on_the_command_line(self, stranger: Desk) -> None:
        url = stranger.lab.ldaps_url
        words = to_type(stranger.run("--directory", url, "plan").err)
        assert words[-2:] == ["--server", stranger.lab.address]
        trusted(stranger, words)
        assert stranger.run("--directory", url, "plan").code == 3

    def test_at_a_terminal_it_is_asked_once_and_never_again(self, stranger: Desk) -> None:
        lab, silent = stranger.lab, stranger.silent()
        screen = silent.at_terminal("apply")
        screen.wait_for("[y/N] ")
        for words in (
            "domain       corp.example",
            "server       dc1.corp.example",
            f"CN=ca-{lab.address}",
            key_of(lab.ca_file),
            f"DNS servers  {lab.address}",
            stranger.variables["DELEGATION_KNOWN_DOMAINS"],
        ):
            assert words in screen.shown
        assert "Password" not in screen.shown
        screen.type("y\n")
        screen.wait_for(f"Password of {WRITER} for dc1.corp.example: ")
        screen.type(password_of(stranger) + "\n")
        screen.wait_for("Write this to 2")
        screen.type("y\n")
        answer = screen.end()
        assert answer.code == 0
        assert answer.out.count("Trust it") == answer.out.count("Password of") == 1
        again = stranger.at_terminal("plan").end()
        assert again.code == 0
        assert "Trust it" not in again.out

    @pytest.mark.parametrize("typed", ["\n", "n\n"])
    def test_no_is_no(self, stranger: Desk, typed: str) -> None:
        screen = stranger.at_terminal("plan")
        screen.wait_for("[y/N] ")
        screen.type(typed)
        answer = screen.end()
        assert answer.code == 4
        assert "no password was sent" in answer.out
        assert not Path(stranger.variables["DELEGATION_KNOWN_DOMAINS"]).exists()

    def test_controllers_found_in_dns_are_one_question(self, stranger: Desk) -> None:
        lab = stranger.lab
        hosts = ("dc0", "dc1")
        table = {(f"{host}.corp.example", "A"): [lab.address] for host in hosts[1:]}
        table["dc0.corp.example", "A"] = [lab.address_at(50)]
        table["_ldap._tcp.dc._msdcs.corp.example", "SRV"] = [
            f"{number} 0 389 {host}.corp.example." for number, host in enumerate(hosts)
        ]
        with DnsServer(lab.address_at(61), table) as dns:
            stranger.declare(auth="simple", user=WRITER, dns_servers=f"[{dns.address}]")
            screen = stranger.silent().at_terminal("plan")
            screen.wait_for("[y/N] ")
            screen.type("y\n")
            screen.wait_for("Password of")
            screen.type(password_of(stranger) + "\n")
            answer = screen.end()
        assert answer.code == 3
        assert answer.out.count("[y/N]") == answer.out.count("Password of") == 1

    def test_a_password_of_hosts_needs_the_domain_alone(self, stranger: Desk) -> None:
        text = f"remoting: {{user: {OPERATOR}}}\nhosts: {{'hv[01-02]': }}\n"
        stranger.declare(text, url=f"ldaps://{stranger.lab.dc_fqdn}")
        chosen = stranger.saying(
            **stranger.variables, DELEGATION_HOSTS_PASSWORD=password_of(stranger, OPERATOR)
        )
        refused = chosen.run("hosts", "show")
        assert refused.code == 4
        words = to_type(refused.err)
        assert words == ["trust", "corp.example", "--dns-server", stranger.lab.address]
        trusted(chosen, words)
        assert "known domain" not in chosen.run("hosts", "show").err

    def test_ntlm_without_tls_has_to_be_typed(self, stranger: Desk) -> None:
        simple(stranger, auth="ntlm", url=f"ldap://{stranger.lab.dc_fqdn}")
        at_terminal = stranger.at_terminal("plan").end()
        assert at_terminal.code == 4
        assert "[y/N]" not in at_terminal.out
        assert "any computer of the" in at_terminal.out
        trusted(stranger, ["trust", "corp.example", "--dns-server", stranger.lab.address])
        refused = stranger.run("plan")
        assert refused.code == 4
        assert "does not cover this" in refused.err
        words = to_type(refused.err)
        assert words == ["trust", "corp.example", "--ntlm-without-tls"]
        trusted(stranger, words)
        assert stranger.run("plan").code == 3

    @pytest.mark.parametrize("keytab", [True, False], ids=["keytab", "ticket"])
    @pytest.mark.parametrize("user", [True, False], ids=["named", "nobody named"])
    def test_a_ticket_and_a_keytab_ask_nothing(
        self, stranger: Desk, *, keytab: bool, user: bool
    ) -> None:
        who = {"user": WRITER} if user else {}
        how = {"keytab": str(stranger.lab.keytab(WRITER))} if keytab else {}
        stranger.declare(url=f"ldap://{stranger.lab.dc_fqdn}", **who, **how)
        if not keytab:
            stranger.log_on(WRITER)
        silent = stranger.silent()
        for command in (("plan",), ("audit",)):
            answer = silent.at_terminal(*command).end()
            assert answer.code == 3
            assert "[y/N]" not in answer.out


class TestKnown:
    """By the CA's key, whatever is renewed below it."""

    @pytest.fixture
    def at_another(self, desk: Desk) -> Iterator[Callable[[str], Desk]]:
        """A desk at a server that shows these certificates, of the lab's ``tls``."""
        lab = desk.lab
        with ExitStack() as stack:

            def opened(name: str) -> Desk:
                at = stack.enter_context(front(lab, cast("certificates.Certificate", name)))
                table = {("dc1.corp.example", "A"): [at.address]}
                dns = stack.enter_context(DnsServer(lab.address_at(61), table))
                return simple(desk, dns_servers=f"[{dns.address}]")

            yield opened

    def known_by(self, desk: Desk, *keys: str) -> Desk:
        keyed = ", ".join(f"'{key}'" for key in keys)
        dns = desk.lab.address_at(61)
        return knowing(desk, f"corp.example: {{authorities: [{keyed}], dns_servers: [{dns}]}}\n")

    def test_a_renewed_certificate(self, desk: Desk, at_another: Callable[[str], Desk]) -> None:
        certificates.sign(desk.lab, "renewed")
        chosen = self.known_by(at_another("renewed"), key_of(desk.lab.ca_file))
        assert chosen.run("plan").code == 3

    def test_a_roll_over_of_the_ca(self, desk: Desk, at_another: Callable[[str], Desk]) -> None:
        """Both are known while some servers have their new certificate, and some have not."""
        old, new = key_of(desk.lab.ca_file), key_of(desk.lab.other_ca_file)
        both = desk.folder.parent / "both.pem"
        both.write_bytes(desk.lab.ca_file.read_bytes() + desk.lab.other_ca_file.read_bytes())
        certificates.sign(desk.lab, "rolled", authority="other-ca")
        chosen = at_another("rolled")
        servers = f"[{desk.lab.address_at(61)}]"
        simple(chosen, ca_file=str(both), dns_servers=servers)
        refused = self.known_by(chosen, old).run("plan")
        assert refused.code == 4
        assert old in refused.err
        assert new in refused.err
        assert self.known_by(chosen, old, new).run("plan").code == 3

    @pytest.mark.parametrize(("by", "code"), [("root", 3), ("middle", 3), ("leaf", 4)])
    def test_a_ca_in_between(
        self, desk: Desk, at_another: Callable[[str], Desk], by: str, code: int
    ) -> None:
        """Any CA of the verified chain will do; the server's own certificate never does."""
        keys = chained(desk.lab)
        chosen = self.known_by(at_another("chained"), keys[by])
        answer = chosen.run("plan")
        assert answer.code == code, answer

    def test_every_ca_of_the_chain_becomes_known(
        self, desk: Desk, at_another: Callable[[str], Desk]
    ) -> None:
        """Where the chain ends differs from one version of Python to the next."""
        keys = chained(desk.lab)
        chosen = knowing(at_another("chained"), "")
        words = to_type(chosen.run("plan").err)
        assert words[2:6] == ["--ca", keys["middle"], "--ca", keys["root"]]
        assert keys["leaf"] not in words
        trusted(chosen, words)
        assert chosen.run("plan").code == 3

    def test_what_differs_is_refused_at_a_terminal_too(self, desk: Desk) -> None:
        other = key_of(desk.lab.other_ca_file)
        dns = desk.lab.address
        chosen = simple(
            knowing(desk, f"corp.example: {{authorities: ['{other}'], dns_servers: [{dns}]}}\n")
        )
        for answer in (chosen.run("plan"), chosen.at_terminal("plan").end()):
            assert answer.code == 4
            said = answer.err + answer.out
            assert "[y/N]" not in said
            assert f"known  CA key: {other}" in said
            assert f"met    CA key: {key_of(desk.lab.ca_file)}" in said
        words = to_type(chosen.run("plan").err)
        assert words[-1] == "--replace"
        assert words[-3:-1] == ["--dns-server", dns]
        trusted(chosen, words)
        assert chosen.run("plan").code == 3


class TestFilesOfOthers:
    def refusal(self, desk: Desk, **variables: str) -> str:
        answer = simple(desk.saying(**desk.variables, **variables)).run("plan")
        assert answer.code == 2, answer
        assert answer.out == ""
        assert "nothing was sent" in answer.err
        return answer.err

    @staticmethod
    def file_of(desk: Desk) -> Path:
        return Path(desk.variables["DELEGATION_KNOWN_DOMAINS"])

    def test_readable_by_all_is_right(self, desk: Desk) -> None:
        self.file_of(desk).chmod(0o444)
        assert simple(desk).run("plan").code == 3

    def test_who_may_write_it(self, desk: Desk) -> None:
        self.file_of(desk).chmod(0o664)
        assert "others may change" in self.refusal(desk)

    def test_who_may_write_its_folder(self, desk: Desk) -> None:
        self.file_of(desk).parent.chmod(0o777)
        assert "anybody may change" in self.refusal(desk)

    @pytest.mark.parametrize("what", ["file", "folder"])
    def test_whose_it_is(self, desk: Desk, what: str) -> None:
        file = self.file_of(desk)
        os.chown(file if what == "file" else file.parent, 4711, 4711)
        assert "another account (uid 4711)" in self.refusal(desk)

    def test_a_link_of_somebody(self, desk: Desk) -> None:
        file = self.file_of(desk)
        link = file.with_name("link")
        link.symlink_to(file)
        os.lchown(link, 4711, 4711)
        chosen = desk.saying(DELEGATION_KNOWN_DOMAINS=str(link))
        assert "is a link that belongs to another account" in self.refusal(chosen)

    def test_what_systemd_hands_over_has_modes_of_its_own(self, desk: Desk) -> None:
        file = self.file_of(desk)
        file.chmod(0o440)
        os.chown(file, 0, 4711)
        file.chmod(0o660)  # as the ACL that systemd sets is shown
        chosen = desk.saying(**desk.variables, CREDENTIALS_DIRECTORY=str(file.parent))
        assert simple(chosen).run("plan").code == 3

    def test_the_line_of_a_unit_names_the_machines_list(self, desk: Desk) -> None:
        """In its user's home, if it has one, nobody would find what was written."""
        file = self.file_of(desk)
        file.write_text("other.example: {}\n")
        chosen = desk.saying(**desk.variables, CREDENTIALS_DIRECTORY=str(file.parent))
        refused = simple(chosen).run("plan")
        assert refused.code == 4
        assert to_type(refused.err)[-2:] == ["--known-domains", "/etc/delegation/known-domains"]

    @pytest.mark.parametrize("below", ["known-domains", "deep/known-domains"])
    def test_below_the_inventorys_folder(self, desk: Desk, below: str) -> None:
        file = desk.folder / below
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(self.file_of(desk).read_bytes())
        for name in (str(file), below, f"../{desk.folder.name}/{below}"):
            answer = simple(desk).run("--known-domains", name, "plan")
            assert answer.code == 2
            assert "lies in the folder of the inventory, or below it" in answer.err

    def test_a_link_that_leads_below_it(self, desk: Desk) -> None:
        file = desk.folder / "known-domains"
        file.write_bytes(self.file_of(desk).read_bytes())
        link = self.file_of(desk).with_name("link")
        link.symlink_to(file)
        answer = simple(desk).run("--known-domains", str(link), "plan")
        assert answer.code == 2
        assert "lies in the folder of the inventory" in answer.err

    def test_ones_own_list_may_lie_below_it(self, desk: Desk) -> None:
        """Where the inventory lies in somebody's home."""
        own = desk.folder / ".config" / "delegation" / "known-domains"
        own.parent.mkdir(parents=True)
        own.write_bytes(self.file_of(desk).read_bytes())
        chosen = without_a_list(simple(desk), XDG_CONFIG_HOME=str(desk.folder / ".config"))
        assert chosen.run("plan").code == 3

    def test_an_account_without_a_home(self, desk: Desk) -> None:
        """As systemd makes them up: there is the machine's list, and nothing fails."""
        chosen = without_a_list(simple(desk), HOME="/", XDG_CONFIG_HOME="")
        refused = chosen.run("plan")
        assert refused.code == 4
        assert to_type(refused.err)[-2:] == ["--known-domains", "/etc/delegation/known-domains"]


@dataclass(frozen=True)
class Listless(Desk):
    """A desk whose environment names no list."""

    def environment(self) -> dict[str, str]:
        given = super().environment()
        return {k: v for k, v in given.items() if k != "DELEGATION_KNOWN_DOMAINS"}


def without_a_list(desk: Desk, **variables: str) -> Desk:
    return Listless(desk.folder, desk.lab, desk.account, "-", variables)


def chained(lab: Lab) -> dict[str, str]:
    """A certificate of the DC's name by a CA below the lab's own; the keys of all three."""
    (lab.tls / "issuing.cnf").write_text(
        "[issuing]\nbasicConstraints = critical, CA:TRUE\n"
        "keyUsage = critical, keyCertSign, cRLSign\n"
        "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
    )
    (lab.tls / "index.txt").write_text("")
    certificates.key(lab, "issuing-ca")
    certificates.openssl(
        lab,
        "req -new -config tls/openssl.cnf -key tls/issuing-ca.key -subj /CN=issuing"
        " -out tls/issuing-ca.csr",
    )
    certificates.openssl(
        lab,
        "ca -batch -notext -config tls/openssl.cnf -extensions issuing -cert tls/ca.pem"
        " -keyfile tls/ca.key -startdate 20250101000000Z -enddate 20491231235959Z"
        " -in tls/issuing-ca.csr -out tls/issuing-ca.pem -extfile tls/issuing.cnf",
    )
    certificates.sign(lab, "chained", authority="issuing-ca")
    files = {"root": lab.ca_file, "middle": lab.tls / "issuing-ca.pem"}
    keys = {name: key_of(file) for name, file in files.items()}
    leaf = lab.tls / "chained.pem"
    keys["leaf"] = key_of(leaf)
    leaf.write_bytes(leaf.read_bytes() + (lab.tls / "issuing-ca.pem").read_bytes())
    return keys
