"""Logons: what a DC says to each kind of account, and every way in that is refused before it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import ldap3
import pytest
from ldap3.protocol.rfc4511 import LDAPMessage
from pyasn1.codec.ber import decoder

from delegation.directory import session
from delegation.directory.bounded import BoundedConnection
from delegation.directory.connection import Credentials
from delegation.directory.ldap import LdapReader
from delegation.errors import (
    ConnectionFailed,
    CredentialsRefused,
    DelegationError,
    DirectoryError,
    UsageError,
)
from delegation.inventory import Auth, DirectorySettings
from delegation.mesh.snapshot import Directory
from tests.directory.dns_server import DnsServer
from tests.lab import Lab, admin, ldif
from tests.lab.certificates import Certificate
from tests.lab.description import READER
from tests.lab.front import front
from tests.lab.independent import search

PASSWORD = "Lab-Somebody-1"
NORMAL, DISABLED = 0x200, 0x202


def settings(lab: Lab, url: str = "", **others: object) -> DirectorySettings:
    plain = {"url": url or lab.ldaps_url, "ca_file": str(lab.ca_file)}
    return DirectorySettings(**(plain | others))  # type: ignore[arg-type]


def log_on(lab: Lab, user: str = READER, password: str = "", url: str = "") -> None:
    """Connect, and go again."""
    credentials = Credentials(user, password or lab.accounts.get(user, PASSWORD))
    session.connect(settings(lab, url), lab.domain, credentials).unbind()


def user(lab: Lab, name: str, **attributes: str) -> str:
    """Add a user with a password."""
    dn = f"CN={name},CN=Users,{lab.base_dn}"
    quoted = f'"{PASSWORD}"'.encode("utf-16-le")
    made: dict[str, list[str | bytes]] = {
        "objectClass": ["user"],
        "sAMAccountName": [name],
        "userAccountControl": [str(NORMAL)],
        "unicodePwd": [quoted],
    }
    admin.modify(lab, ldif.addition(dn, made | {key: [text] for key, text in attributes.items()}))
    return dn


@pytest.mark.lab
class TestLogon:
    @pytest.mark.parametrize(
        "name", ["{user}", "{user}@corp.example", "CORP\\{user}", "CN={user},CN=Users,{base}"]
    )
    def test_an_account_may_be_named_in_four_ways(self, lab: Lab, name: str) -> None:
        whole = name.format(user=READER, base=lab.base_dn)
        log_on(lab, whole, lab.accounts[READER])

    def test_over_start_tls(self, lab: Lab) -> None:
        credentials = Credentials(READER, lab.accounts[READER])
        over = settings(lab, lab.ldap_url, start_tls=True)
        session.connect(over, lab.domain, credentials).unbind()

    def test_a_wrong_password(self, lab: Lab) -> None:
        with pytest.raises(CredentialsRefused, match="wrong user name or password") as refused:
            log_on(lab, password="Not-this-one-1")
        assert "Not-this-one-1" not in f"{refused.value} {refused.value.fix}"

    def test_an_account_that_does_not_exist(self, lab: Lab) -> None:
        """A DC does not tell it from a wrong password to everybody."""
        with pytest.raises(CredentialsRefused, match=r"no such user|wrong user name"):
            log_on(lab, "nobody", "Not-this-one-1")

    @pytest.mark.parametrize(
        ("attributes", "why"),
        [
            ({"userAccountControl": str(DISABLED)}, "it is disabled"),
            ({"accountExpires": "131000000000000000"}, "it has expired"),
            ({"pwdLastSet": "0"}, "its password must be changed first"),
            ({"userWorkstations": "SOMEWHERE"}, "it may not log on from this machine"),
            ({"logonHours": "\0" * 21}, "it may not log on at this hour"),
        ],
        ids=["disabled", "expired", "must change", "workstation", "hours"],
    )
    def test_an_account_that_may_not(
        self, fresh_lab: Lab, attributes: dict[str, str], why: str
    ) -> None:
        user(fresh_lab, "somebody", **attributes)
        with pytest.raises(CredentialsRefused, match=why) as refused:
            log_on(fresh_lab, "somebody", PASSWORD)
        assert "somebody" in refused.value.what
        assert PASSWORD not in f"{refused.value} {refused.value.fix}"

    def test_an_account_that_may(self, fresh_lab: Lab) -> None:
        user(fresh_lab, "somebody")
        log_on(fresh_lab, "somebody", PASSWORD)

    @pytest.mark.parametrize(
        "password", ["Ünïcode-Lab-1", 'quote"\\Lab-1', " Lab 1 ", "Lab-1" * 20]
    )
    def test_any_password(self, fresh_lab: Lab, password: str) -> None:
        dn = user(fresh_lab, "somebody")
        quoted = f'"{password}"'.encode("utf-16-le")
        admin.modify(fresh_lab, ldif.modification(dn, ("replace", "unicodePwd", [quoted])))
        log_on(fresh_lab, "somebody", password)

    def test_credentials_show_no_password(self) -> None:
        assert PASSWORD not in repr(Credentials("somebody", PASSWORD))

    def test_an_empty_password_is_anonymous_to_a_dc_and_refused_here(self, lab: Lab) -> None:
        assert search(lab, "(sAMAccountName=hv01$)", "cn")
        with pytest.raises(UsageError, match="an empty password is refused"):
            session.connect(settings(lab), lab.domain, Credentials(READER, ""))


@pytest.mark.lab
class TestRefusedBeforeAnyConnection:
    def test_a_simple_bind_in_clear(self, lab: Lab) -> None:
        nowhere = settings(lab, f"ldap://{lab.address_at(50)}", auth=Auth.SIMPLE)
        with pytest.raises(UsageError, match="in clear"):
            session.connect(nowhere, lab.domain, Credentials(READER, PASSWORD))

    def test_a_simple_bind_of_nobody(self, lab: Lab) -> None:
        nowhere = settings(lab, f"ldaps://{lab.address_at(50)}", auth=Auth.SIMPLE)
        with pytest.raises(UsageError, match="no user to log on with"):
            session.connect(nowhere, lab.domain, Credentials())


@pytest.mark.parametrize(
    ("settings", "logon"),
    [
        (DirectorySettings(), Auth.KERBEROS),
        (DirectorySettings(user="a"), Auth.KERBEROS),
        (DirectorySettings("ldap://dc1.corp.example", user="a"), Auth.KERBEROS),
        (DirectorySettings("ldaps://dc1.corp.example"), Auth.KERBEROS),
        (DirectorySettings("ldaps://dc1.corp.example", user="a"), Auth.SIMPLE),
        (DirectorySettings("ldap://dc1.corp.example", start_tls=True, user="a"), Auth.SIMPLE),
        (DirectorySettings(start_tls=True, user="a"), Auth.SIMPLE),
        (DirectorySettings("ldaps://dc1.corp.example", user="a", keytab="k"), Auth.KERBEROS),
        (
            DirectorySettings("ldaps://dc1.corp.example", user="a", auth=Auth.KERBEROS),
            Auth.KERBEROS,
        ),
        (DirectorySettings("ldap://dc1.corp.example", user="a", auth=Auth.SIMPLE), Auth.SIMPLE),
        (DirectorySettings("ldaps://dc1.corp.example", user="a", auth=Auth.NTLM), Auth.NTLM),
    ],
)
def test_how_one_logs_on_unless_told(settings: DirectorySettings, logon: Auth) -> None:
    """As before where TLS and a user are named; with Kerberos, which sends no password, else."""
    assert settings.logon is logon


@pytest.mark.lab
class TestTransport:
    @pytest.mark.parametrize(
        ("certificate", "words"),
        [
            (Certificate.EXPIRED, "has expired"),
            (Certificate.OTHER_CA, "is not trusted"),
            (Certificate.WRONG_NAME, "is not for"),
        ],
    )
    def test_a_bad_certificate(self, lab: Lab, certificate: Certificate, words: str) -> None:
        with front(lab, certificate) as bad, pytest.raises(ConnectionFailed, match=words) as failed:
            log_on(lab, url=bad.ldaps_url)
        assert failed.value.fix

    def test_a_good_front(self, lab: Lab) -> None:
        with front(lab, Certificate.GOOD) as good:
            log_on(lab, url=good.ldaps_url)

    def test_the_systems_authorities_do_not_know_the_lab(self, lab: Lab) -> None:
        with pytest.raises(ConnectionFailed, match="is not trusted"):
            session.connect(settings(lab, ca_file=None), lab.domain, Credentials(READER, PASSWORD))

    def test_nobody_there(self, lab: Lab) -> None:
        with pytest.raises(ConnectionFailed, match="no connection to ldaps://"):
            log_on(lab, url=f"ldaps://{lab.address_at(50)}")

    def test_no_such_name(self, lab: Lab) -> None:
        with pytest.raises(ConnectionFailed, match="no address in DNS"):
            log_on(lab, url="ldaps://nowhere.corp.example")


@pytest.mark.lab
class TestAddresses:
    """Names are the inventory's DNS servers' to resolve; certificates stay the names'."""

    def test_each_in_turn(self, lab: Lab) -> None:
        addresses = [lab.address_at(50), lab.address]
        with DnsServer(lab.address_at(60), {(lab.dc_fqdn, "A"): addresses}) as dns:
            by_name = settings(lab, f"ldaps://{lab.dc_fqdn}", dns_servers=(dns.address,))
            credentials = Credentials(READER, lab.accounts[READER])
            for _ in range(4):
                session.connect(by_name, lab.domain, credentials).unbind()

    def test_none_that_answers(self, lab: Lab) -> None:
        addresses = [lab.address_at(50), lab.address_at(51)]
        with DnsServer(lab.address_at(60), {(lab.dc_fqdn, "A"): addresses}) as dns:
            by_name = settings(lab, f"ldaps://{lab.dc_fqdn}", dns_servers=(dns.address,))
            with pytest.raises(ConnectionFailed, match="no address of dc1") as failed:
                session.connect(by_name, lab.domain, Credentials(READER, PASSWORD))
        assert len(failed.value.details) == 2

    def test_the_certificate_is_the_names(self, lab: Lab) -> None:
        with (
            front(lab, Certificate.WRONG_NAME) as bad,
            DnsServer(lab.address_at(60), {(lab.dc_fqdn, "A"): [bad.address]}) as dns,
        ):
            by_name = settings(lab, f"ldaps://{lab.dc_fqdn}", dns_servers=(dns.address,))
            with pytest.raises(ConnectionFailed, match=f"is not for {lab.dc_fqdn}"):
                session.connect(by_name, lab.domain, Credentials(READER, PASSWORD))


@pytest.mark.lab
class TestIdentity:
    def test_another_domain(self, lab: Lab) -> None:
        account = Credentials(lab.principal(READER), lab.accounts[READER])
        with pytest.raises(DirectoryError, match="serves DC=corp,DC=example"):
            LdapReader(settings(lab), "other.example", account)

    def test_every_refusal_says_what_to_do(self, lab: Lab) -> None:
        for url in (f"ldaps://{lab.address_at(50)}", f"ldap://{lab.address}"):
            with pytest.raises(DelegationError) as refused:
                log_on(lab, url=url)
            assert refused.value.what
            assert refused.value.fix


URL = "ldap://dc1.corp.example"
BASE, CONFIGURATION = "DC=corp,DC=example", "CN=Configuration,DC=corp,DC=example"
SCHEMA = f"CN=Schema,{CONFIGURATION}"
ROOT_DSE = {
    "defaultNamingContext": [BASE],
    "dnsHostName": ["dc1.corp.example"],
    "configurationNamingContext": [CONFIGURATION],
    "schemaNamingContext": [SCHEMA],
    "rootDomainNamingContext": [BASE],
    "namingContexts": [BASE, CONFIGURATION, SCHEMA, "DC=DomainDnsZones,DC=corp,DC=example"],
    "dsServiceName": ["CN=NTDS Settings"],
    "supportedCapabilities": ["1.2.840.113556.1.4.800"],
}
PARTIAL_SECRETS = "1.2.840.113556.1.4.1920"
Objects = Mapping[str, Mapping[str, Sequence[str]]]


@contextmanager
def answering(objects: Objects) -> Iterator[BoundedConnection]:
    """A connection to a server that knows these objects by name and answers searches only."""

    def serve() -> None:
        client, _ = listener.accept()
        with client, suppress(OSError):
            while request := client.recv(4096):
                message, _ = decoder.decode(request, asn1Spec=LDAPMessage())
                if "searchRequest" not in message["protocolOp"].getName():
                    return
                number = int(message["messageID"])
                dn = str(message["protocolOp"]["searchRequest"]["baseObject"])
                entry = [answer(number, 0x64, dn, objects[dn])] if dn in objects else []
                done = element(0x65, element(10, b"\0"), element(4), element(4))
                whole = element(
                    0x30, element(2, number.to_bytes(number.bit_length() // 8 + 1, "big")), done
                )
                client.sendall(b"".join([*entry, whole]))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        server = ldap3.Server("127.0.0.1", listener.getsockname()[1], get_info=ldap3.NONE)
        connection = BoundedConnection(server)
        connection.open(read_server_info=False)
        yield connection
        connection.unbind()
        thread.join(5)


def answer(number: int, tag: int, dn: str, attributes: Mapping[str, Sequence[str]]) -> bytes:
    """A searchResEntry (RFC 4511, 4.5.2)."""
    listed = [
        element(
            0x30,
            element(4, name.encode()),
            element(0x31, *(element(4, value.encode()) for value in values)),
        )
        for name, values in attributes.items()
    ]
    entry = element(tag, element(4, dn.encode()), element(0x30, *listed))
    return element(0x30, element(2, number.to_bytes(number.bit_length() // 8 + 1, "big")), entry)


def element(tag: int, *parts: bytes) -> bytes:
    contents = b"".join(parts)
    return bytes([tag, 0x82]) + len(contents).to_bytes(2, "big") + contents


class TestWhoAnswers:
    def identified(self, objects: Objects, url: str = URL, auth: Auth = Auth.NTLM) -> Directory:
        with answering(objects) as connection:
            wanted = DirectorySettings(url=url, auth=auth)
            return session.identify(connection, wanted, "Corp.Example")

    def test_a_domain_controller(self) -> None:
        found = self.identified({"": ROOT_DSE, "CN=NTDS Settings": {"msDS-isRODC": ["FALSE"]}})
        assert (found.dc, found.base_dn) == ("dc1.corp.example", "DC=corp,DC=example")

    @pytest.mark.parametrize("service", [["CN=NTDS Settings"], []])
    def test_one_whose_service_can_not_be_seen(self, service: list[str]) -> None:
        objects = {"": {**ROOT_DSE, "dsServiceName": service}}
        assert self.identified(objects).dc == "dc1.corp.example"

    @pytest.mark.parametrize(
        "objects",
        [
            {"": {**ROOT_DSE, "supportedCapabilities": ["1.2.3", PARTIAL_SECRETS]}},
            {"": ROOT_DSE, "CN=NTDS Settings": {"msDS-isRODC": ["TRUE"]}},
        ],
        ids=["as Windows tells it", "as Samba does"],
    )
    def test_a_read_only_one(self, objects: Objects) -> None:
        """Not a usage error: where it was found in DNS, the next one is tried."""
        with pytest.raises(ConnectionFailed, match="is a read-only domain controller") as said:
            self.identified(objects)
        assert "writable" in said.value.fix

    @pytest.mark.parametrize(
        "objects", [{}, *({"": {**ROOT_DSE, name: []}} for name in list(ROOT_DSE)[:6])]
    )
    def test_something_else(self, objects: Objects) -> None:
        with pytest.raises(DirectoryError, match="not answer like a domain controller"):
            self.identified(objects)

    @pytest.mark.parametrize(
        "forged",
        [
            {"rootDomainNamingContext": ["DC=evil,DC=example"]},
            {"configurationNamingContext": ["CN=Configuration,DC=evil,DC=example"]},
            {"schemaNamingContext": ["CN=Schema,CN=Configuration,DC=evil,DC=example"]},
            {"namingContexts": [BASE, SCHEMA]},
            {"namingContexts": [CONFIGURATION, SCHEMA, "DC=evil,DC=example"]},
            {"namingContexts": [BASE, CONFIGURATION]},
        ],
    )
    def test_naming_contexts_that_do_not_fit(self, forged: dict[str, list[str]]) -> None:
        with pytest.raises(DirectoryError, match=r"like a domain controller: .*aming"):
            self.identified({"": ROOT_DSE | forged})

    def test_a_domain_below_the_forests_root(self) -> None:
        """Its configuration lies below another domain; names are compared as names, not texts."""
        configuration = "CN=Configuration, dc=example"
        below = {
            "rootDomainNamingContext": ["DC=example"],
            "configurationNamingContext": [configuration],
            "schemaNamingContext": [f"cn=schema,{configuration}"],
            "namingContexts": [BASE, configuration, f"CN=Schema,{configuration}"],
        }
        assert self.identified({"": ROOT_DSE | below}).base_dn == BASE

    @pytest.mark.parametrize("auth", [Auth.KERBEROS, Auth.NTLM])
    def test_another_name_than_the_logons(self, auth: Auth) -> None:
        """Where DNS led there, the next one is tried."""
        with pytest.raises(ConnectionFailed, match=r"itself dc1\.corp\.example.* dc2\.") as said:
            self.identified({"": ROOT_DSE}, "ldap://dc2.corp.example", auth)
        assert "write that name in directory.url" in said.value.fix

    @pytest.mark.parametrize("told", ["DC1.Corp.Example", "dc1.corp.example."])
    def test_the_same_name_in_other_letters(self, told: str) -> None:
        objects = {"": ROOT_DSE | {"dnsHostName": [told]}}
        assert self.identified(objects, auth=Auth.KERBEROS).dc == told

    def test_ntlm_to_an_address_without_tls_has_no_name_to_compare(self) -> None:
        assert self.identified({"": ROOT_DSE}, "ldap://192.0.2.1").dc == "dc1.corp.example"
