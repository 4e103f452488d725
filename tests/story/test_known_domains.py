"""Whose server gets a password: a trap of somebody who may edit an inventory, or plant a journal.

It listens where a domain controller and a KDC do, on an address of its own, and has a certificate
that its own CA has issued. What it is told of the password is what these attacks are for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.directory.dns_server import DnsServer
from tests.lab import Lab
from tests.lab.description import OPERATOR, WRITER
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
