"""Kerberos and NTLM logons, the seal around LDAP, and the words for all that fails."""

from __future__ import annotations

import datetime as dt
import hashlib
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from spnego import ContextReq

from delegation.directory import requests, sealed_socket, sealing, session
from delegation.directory.connection import Credentials
from delegation.directory.ldap import LdapReader
from delegation.directory.sealed_socket import SealedSocket
from delegation.errors import (
    ConnectionFailed,
    CredentialsRefused,
    DelegationError,
    DirectoryError,
    UsageError,
)
from delegation.inventory import Auth, DirectorySettings
from delegation.kerberos import principals, tickets
from delegation.kerberos.refusals import Attempt
from tests.directory.dns_server import DnsServer
from tests.lab import Lab, admin
from tests.lab.description import HOSTS, READER, WRITER
from tests.lab.programs import run
from tests.story.wiretap import Seen

ROOT = Path(__file__).parents[2]
PASSWORD = "Lab-Somebody-1"
DISABLED = 0x2


def settings(lab: Lab, **others: object) -> DirectorySettings:
    """The lab's DC on port 389, by the name that only its own DNS server knows."""
    plain = {
        "url": f"ldap://{lab.dc_fqdn}",
        "dns_servers": (lab.address,),
        "ca_file": str(lab.ca_file),
    }
    return DirectorySettings(**(plain | others))  # type: ignore[arg-type]


def log_on(lab: Lab, credentials: Credentials, **others: object) -> str:
    """Connect, look who answers, and go again; the DC's name."""
    wanted = settings(lab, **others)
    connection = session.connect(wanted, lab.domain, credentials)
    try:
        logged_on = wanted._replace(user=credentials.user)
        return session.identify(connection, logged_on, lab.domain).dc
    finally:
        connection.unbind()


def kinit(lab: Lab, account: str, *options: str) -> None:
    """Log on as a person does, into the default ticket cache."""
    done = run(
        lab,
        ["kinit", *options, f"{account}@{lab.realm}"],
        lab.accounts.get(account, PASSWORD) + "\n",
        KRB5CCNAME=f"FILE:{cache(lab)}",
    )
    assert done.returncode == 0, done.stderr


def cache(lab: Lab) -> Path:
    return lab.folder / "test-sealing.ccache"


@pytest.fixture(autouse=True)
def kerberos(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process knows the lab's realm, and a default ticket cache that is empty."""
    if "lab" not in request.fixturenames:
        yield
        return
    lab: Lab = request.getfixturevalue("lab")
    monkeypatch.setenv("KRB5_CONFIG", str(lab.krb5_conf))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{cache(lab)}")
    cache(lab).unlink(missing_ok=True)
    yield
    cache(lab).unlink(missing_ok=True)


@pytest.mark.lab
class TestLogon:
    @pytest.mark.parametrize("name", ["{}", "{}@corp.example", "CORP\\{}", "corp.example\\{}"])
    @pytest.mark.parametrize("auth", [Auth.KERBEROS, Auth.NTLM])
    def test_with_a_password(self, lab: Lab, auth: Auth, name: str) -> None:
        credentials = Credentials(name.format(READER), lab.accounts[READER])
        assert log_on(lab, credentials, auth=auth) == lab.dc_fqdn

    @pytest.mark.parametrize("user", [WRITER, None])
    def test_with_a_keytab(self, lab: Lab, user: str | None) -> None:
        keytab = str(lab.keytab(WRITER))
        assert log_on(lab, Credentials(user), keytab=keytab) == lab.dc_fqdn

    @pytest.mark.parametrize("user", [READER, None])
    def test_with_a_ticket(self, lab: Lab, user: str | None) -> None:
        kinit(lab, READER)
        assert log_on(lab, Credentials(user)) == lab.dc_fqdn

    def test_a_ticket_is_known_of(self, lab: Lab) -> None:
        assert not sealing.has_ticket(READER, lab.domain)
        kinit(lab, READER)
        assert sealing.has_ticket(READER, lab.domain)
        assert not sealing.has_ticket(WRITER, lab.domain)

    @pytest.mark.parametrize("auth", [Auth.KERBEROS, Auth.NTLM])
    def test_a_request_in_several_tokens(
        self, fresh_lab: Lab, auth: Auth, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As one of more than 1 MiB goes."""
        lab = fresh_lab
        monkeypatch.setattr(sealed_socket, "LARGEST_PIECE", 100)
        credentials = Credentials(READER, lab.accounts[READER])
        reader = LdapReader(settings(lab, auth=auth), lab.domain, credentials)
        assert len(reader.find(list(HOSTS))) > len(HOSTS)
        reader.close()

    @pytest.mark.parametrize("user", [WRITER, None])
    def test_no_ticket_cache_is_touched(self, lab: Lab, user: str | None) -> None:
        """Whoever is logged on here stays logged on as himself."""
        log_on(lab, Credentials(user), keytab=str(lab.keytab(WRITER)))
        log_on(lab, Credentials(WRITER, lab.accounts[WRITER]))
        assert not cache(lab).exists()
        kinit(lab, READER)
        before = cache(lab).read_bytes()
        log_on(lab, Credentials(user), keytab=str(lab.keytab(WRITER)))
        log_on(lab, Credentials(WRITER, lab.accounts[WRITER]))
        assert cache(lab).read_bytes() == before

    def test_a_dc_of_another_name_than_dns_says(self, lab: Lab, tmp_path: Path) -> None:
        """What DNS calls canonical is not whom a ticket is asked for; the library would."""
        hosts = tmp_path / "hosts"
        hosts.write_text(f"{lab.address} evil.corp.example {lab.dc_fqdn}\n")
        configuration = tmp_path / "krb5.conf"
        text = lab.krb5_conf.read_text()
        configuration.write_text(
            text.replace(
                "dns_canonicalize_hostname = false", "dns_canonicalize_hostname = true"
            ).replace("rdns = false", "rdns = true")
        )
        program = f"""
            from delegation.directory import connection, session
            from delegation.inventory import DirectorySettings
            wanted = DirectorySettings(url="ldap://{lab.dc_fqdn}")
            credentials = connection.Credentials({READER!r}, {lab.accounts[READER]!r})
            connection = session.connect(wanted, {lab.domain!r}, credentials)
            print(session.identify(connection, wanted, {lab.domain!r}).dc)
            import spnego
            user = spnego.Password("{READER}@{lab.realm}", {lab.accounts[READER]!r})
            context = spnego.client(user, hostname={lab.dc_fqdn!r}, service="ldap",
                                    protocol="kerberos")
            try:
                context.step()
            except spnego.exceptions.SpnegoError as exc:
                print(exc.base_error.min_code)
        """
        script = tmp_path / "program.py"
        script.write_text(textwrap.dedent(program))
        done = subprocess.run(
            [
                *("unshare", "--mount", "--propagation", "private", "sh", "-ec"),
                'mount --bind "$1" /etc/hosts; shift; exec "$@"',
                *("sh", str(hosts), sys.executable, str(script)),
            ],
            env={
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": str(ROOT),
                "KRB5_CONFIG": str(configuration),
                "KRB5CCNAME": f"FILE:{tmp_path}/none",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        # 7 is KDC_ERR_S_PRINCIPAL_UNKNOWN: there is no ldap/evil.corp.example.
        assert done.stdout.split() == [lab.dc_fqdn, str(-1765328384 + 7 + 2**32)], done.stderr


def refusal(lab: Lab, credentials: Credentials, **others: object) -> DelegationError:
    """What a logon is refused with; it names no password and says what to do."""
    with pytest.raises(DelegationError) as refused:
        log_on(lab, credentials, **others)
    shown = f"{refused.value} {refused.value.fix} {refused.value.details}"
    assert refused.value.fix
    for secret in (PASSWORD, "Not-this-one-1", *lab.accounts.values()):
        assert secret not in shown
    return refused.value


BOTH = pytest.mark.parametrize("auth", [Auth.KERBEROS, Auth.NTLM])


@pytest.mark.lab
class TestRefused:
    @BOTH
    @pytest.mark.parametrize("name", ["{}", "{}@corp.example", "CORP\\{}"])
    def test_a_wrong_password(self, lab: Lab, auth: Auth, name: str) -> None:
        said = refusal(lab, Credentials(name.format(READER), "Not-this-one-1"), auth=auth)
        assert isinstance(said, CredentialsRefused)
        assert "wrong " in said.what
        assert READER in said.what
        assert "password" in said.what + said.fix

    @BOTH
    def test_no_such_account(self, lab: Lab, auth: Auth) -> None:
        said = refusal(lab, Credentials("nobody", "Not-this-one-1"), auth=auth)
        assert isinstance(said, CredentialsRefused)
        assert "nobody" in said.what
        assert "directory.user" in said.fix

    @pytest.mark.parametrize(
        ("auth", "attribute", "value", "words"),
        [
            (Auth.KERBEROS, "userAccountControl", "514", "disabled, locked out, expired"),
            (Auth.NTLM, "userAccountControl", "514", "it is disabled"),
            (Auth.KERBEROS, "accountExpires", "131000000000000000", "expired"),
            (Auth.NTLM, "accountExpires", "131000000000000000", "it has expired"),
            (Auth.KERBEROS, "pwdLastSet", "0", "password of somebody has expired"),
            (Auth.NTLM, "pwdLastSet", "0", "must be changed first"),
        ],
    )
    def test_an_account_that_may_not(
        self, fresh_lab: Lab, auth: Auth, attribute: str, value: str, words: str
    ) -> None:
        admin.add_user(fresh_lab, "somebody", password=PASSWORD)
        assert log_on(fresh_lab, Credentials("somebody", PASSWORD), auth=auth)
        admin.set_object(fresh_lab, "somebody", attribute, value)
        said = refusal(fresh_lab, Credentials("somebody", PASSWORD), auth=auth)
        assert isinstance(said, CredentialsRefused)
        assert words in said.what
        assert "somebody" in said.what

    @BOTH
    def test_an_account_that_is_locked_out(self, fresh_lab: Lab, auth: Auth) -> None:
        admin.add_user(fresh_lab, "somebody", password=PASSWORD)
        with admin.locking_out(fresh_lab, 2):
            for _ in range(3):
                refusal(fresh_lab, Credentials("somebody", "Not-this-one-1"), auth=auth)
            said = refusal(fresh_lab, Credentials("somebody", PASSWORD), auth=auth)
        assert "locked out" in said.what

    def test_no_ticket(self, lab: Lab) -> None:
        said = refusal(lab, Credentials())
        assert "no valid Kerberos ticket" in said.what
        for way in ("kinit", "directory.keytab", "password"):
            assert way in said.fix

    def test_a_ticket_cache_that_is_none(self, lab: Lab) -> None:
        cache(lab).write_text("junk")
        assert "no valid Kerberos ticket" in refusal(lab, Credentials()).what

    def test_an_expired_ticket(self, lab: Lab) -> None:
        kinit(lab, READER, "-l", "2s")
        subprocess.run(["sleep", "3"], check=True)
        assert "expired" in refusal(lab, Credentials()).what
        assert not sealing.has_ticket(READER, lab.domain)

    def test_a_name_that_no_dc_has(self, lab: Lab) -> None:
        """The domain's own name leads to its DCs, but is nobody's."""
        said = refusal(lab, Credentials(READER, lab.accounts[READER]), url=f"ldap://{lab.domain}")
        assert isinstance(said, ConnectionFailed)
        assert "knows no ldap/corp.example" in said.what
        assert "full DNS name" in said.fix

    def test_a_realm_that_nobody_knows(self, lab: Lab) -> None:
        said = refusal(lab, Credentials("somebody@nowhere.example", PASSWORD))
        assert type(said) is DirectoryError
        assert "NOWHERE.EXAMPLE" in said.what
        assert "krb5.conf" in said.fix

    def test_no_kdc_answers(
        self, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not a fault of this one domain controller: no other is tried for it."""
        configuration = tmp_path / "krb5.conf"
        text = lab.krb5_conf.read_text()
        configuration.write_text(
            text.replace(f"kdc = {lab.address}", f"kdc = {lab.address_at(50)}")
        )
        monkeypatch.setenv("KRB5_CONFIG", str(configuration))
        said = refusal(lab, Credentials(READER, lab.accounts[READER]))
        assert type(said) is DirectoryError
        assert "no KDC of CORP.EXAMPLE answers" in said.what
        assert "port 88" in said.fix

    def test_a_kerberos_configuration_that_is_none(
        self, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configuration = tmp_path / "krb5.conf"
        configuration.write_text("[libdefaults\n junk")
        monkeypatch.setenv("KRB5_CONFIG", str(configuration))
        said = refusal(lab, Credentials(READER, lab.accounts[READER]))
        assert "Kerberos configuration" in said.what


@pytest.mark.lab
class TestKeytab:
    def test_that_is_not_there(self, lab: Lab) -> None:
        said = refusal(lab, Credentials(WRITER), keytab="/nowhere/x.keytab")
        assert isinstance(said, UsageError)
        assert "/nowhere/x.keytab can't be read: No such file" in said.what

    @pytest.mark.parametrize("content", [b"", b"junk", b"\x05\x02", b"\x05\x02\0\0\0\x40junk"])
    def test_that_is_none(self, lab: Lab, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "x.keytab").write_bytes(content)
        for user in (WRITER, None):
            said = refusal(lab, Credentials(user), keytab=str(tmp_path / "x.keytab"))
            assert "x.keytab" in said.what
            assert "holds no key" in said.what or "keytab" in said.what

    def test_of_somebody_else(self, lab: Lab) -> None:
        said = refusal(lab, Credentials(READER), keytab=str(lab.keytab(WRITER)))
        assert isinstance(said, CredentialsRefused)
        assert f"no key of {READER}@CORP.EXAMPLE" in said.what
        assert f"it holds {WRITER}@CORP.EXAMPLE" in said.fix

    def test_from_before_the_password_was_changed(self, fresh_lab: Lab) -> None:
        quoted = f'"{PASSWORD}"'.encode("utf-16-le")
        admin.set_object(fresh_lab, WRITER, "unicodePwd", quoted)
        try:
            said = refusal(fresh_lab, Credentials(WRITER), keytab=str(fresh_lab.keytab(WRITER)))
        finally:
            usual = f'"{fresh_lab.accounts[WRITER]}"'.encode("utf-16-le")
            admin.set_object(fresh_lab, WRITER, "unicodePwd", usual)
        assert "not the account's any more" in said.what
        assert "anew" in said.fix


class TestRefusedBeforeAnything:
    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "10.0.0.1:389"])
    @pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
    def test_kerberos_with_an_address(self, host: str, scheme: str) -> None:
        wanted = DirectorySettings(url=f"{scheme}://{host}", auth=Auth.KERBEROS)
        with pytest.raises(UsageError, match="Kerberos needs the domain controller's name") as said:
            session.connect(wanted, "corp.example", Credentials("a", PASSWORD))
        assert "ldap://dc1.corp.example" in said.value.fix

    @pytest.mark.parametrize("auth", list(Auth))
    def test_an_empty_password(self, auth: Auth) -> None:
        wanted = DirectorySettings(url="ldaps://nowhere.corp.example", auth=auth)
        with pytest.raises(UsageError, match="an empty password is refused"):
            session.connect(wanted, "corp.example", Credentials("a", ""))

    @pytest.mark.skipif(sys.platform == "win32", reason="there, the current logon does it")
    def test_ntlm_of_nobody(self) -> None:
        wanted = DirectorySettings(url="ldap://nowhere.corp.example", auth=Auth.NTLM)
        with pytest.raises(UsageError, match="no user to log on with"):
            session.connect(wanted, "corp.example", Credentials())

    @pytest.mark.lab
    def test_an_old_ntlm_that_a_variable_asks_for(
        self, lab: Lab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for level in ("0", "1", "2", "x"):
            monkeypatch.setenv("LM_COMPAT_LEVEL", level)
            said = refusal(lab, Credentials(READER, lab.accounts[READER]), auth=Auth.NTLM)
            assert isinstance(said, UsageError)
            assert "LM_COMPAT_LEVEL" in said.what

    def test_whom_windows_asks_a_ticket_for(self) -> None:
        """SSPI takes the whole name as pyspnego puts it together, on Windows as here."""
        attempt = Attempt("dc1.corp.example", "corp.example", "a")
        for logon, three in ((Auth.KERBEROS, "/corp.example"), (Auth.NTLM, "")):
            context = spnego.client(
                *("CORP\\a", "x"),
                hostname=sealing._target(attempt, logon),
                service="ldap",
                protocol="ntlm",
            )
            assert context.spn == f"ldap/dc1.corp.example{three}"

    def test_kerberos_without_its_library(self) -> None:
        """As on Linux without the extra: NTLM and simple binds do without."""
        program = textwrap.dedent(
            """
            import sys
            sys.modules["gssapi"] = sys.modules["krb5"] = None
            from delegation.directory import sealing
            from delegation.errors import UsageError
            from delegation.kerberos import refusals
            from delegation.inventory import Auth
            attempt = refusals.Attempt("dc1.corp.example", "corp.example", "a")
            sealing._client(attempt, Auth.NTLM, "x", None)
            for ask in (
                lambda: sealing.has_ticket("a", "corp.example"),
                lambda: sealing.bind(None, attempt, Auth.KERBEROS, "x"),
            ):
                try:
                    ask()
                except UsageError as said:
                    print(said.what, said.fix)
            """
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.count("is not installed") == 2
        assert done.stdout.count('pip install "pyspnego[kerberos]"') == 2


@contextmanager
def impostor(lab: Lab, token: bytes) -> Iterator[str]:
    """Somebody at an address that DNS gives for the DC, to whom every logon is a success.

    ``token`` is what he gives as proof: serverSaslCreds (RFC 4511, 4.2.2).
    """

    def serve() -> None:
        client, _ = listener.accept()
        with client, suppress(OSError):
            number = Seen(client.recv(65536), 0).number
            proof = requests.element(0x87, token) if token else b""
            response = requests.element(0x61, b"\x0a\1\0\4\0\4\0", proof)
            client.sendall(requests.element(0x30, b"\2\4" + number.to_bytes(4, "big"), response))
            while data := client.recv(65536):
                heard.append(data)

    heard: list[bytes] = []
    names = {(lab.dc_fqdn, "A"): [lab.address_at(41)]}
    with (
        socket.create_server((lab.address_at(41), 389)) as listener,
        DnsServer(lab.address_at(60), names) as dns,
    ):
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield dns.address
        thread.join(5)
    assert {Seen(data, 0).kind for data in heard} <= {"unbindRequest"}


@pytest.mark.lab
class TestImpostor:
    @BOTH
    def test_who_says_that_all_is_well(self, lab: Lab, auth: Auth) -> None:
        """Without any proof: Kerberos wants one, and NTLM a challenge."""
        with impostor(lab, b"") as dns:
            credentials = Credentials(READER, lab.accounts[READER])
            said = refusal(lab, credentials, auth=auth, dns_servers=(dns,))
        assert "did not prove who it is" in said.what

    def test_who_is_content_with_half_a_logon(
        self, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A challenge of his own, and success at once: he knows nothing of the account."""
        monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
        (tmp_path / "users").write_text("CORP:a:b\n")
        server = spnego.server(protocol="ntlm", context_req=FLAGS)
        client = spnego.client("a", "b", protocol="ntlm", context_req=FLAGS)
        with impostor(lab, server.step(client.step()) or b"") as dns:
            credentials = Credentials(READER, lab.accounts[READER])
            said = refusal(lab, credentials, auth=Auth.NTLM, dns_servers=(dns,))
        assert "did not prove who it is" in said.what

    @BOTH
    @pytest.mark.parametrize("token", [b"x", b"NTLMSSP\0\2\0\0\0", b"\x60\x82\xff\xff", b"\0" * 60])
    def test_whose_proof_is_none(self, lab: Lab, auth: Auth, token: bytes) -> None:
        with impostor(lab, token) as dns:
            credentials = Credentials(READER, lab.accounts[READER])
            said = refusal(lab, credentials, auth=auth, dns_servers=(dns,))
        assert "did not prove" in said.what or "something else" in said.what


class TestAsAsked:
    """What a logon must have come to, before anything is asked."""

    ALL = ContextReq.mutual_auth | ContextReq.integrity | ContextReq.confidentiality

    def as_asked(self, *, over_tls: bool = False, logon: Auth = Auth.KERBEROS, **own: Any) -> bool:
        context = SimpleNamespace(
            **{"complete": True, "negotiated_protocol": str(logon), "context_attr": self.ALL} | own
        )
        attempt = Attempt("dc1.corp.example", "corp.example", over_tls=over_tls)
        return sealing._is_as_asked(context, attempt, logon)

    def test_all_of_it(self) -> None:
        assert self.as_asked()
        assert self.as_asked(logon=Auth.NTLM, context_attr=self.ALL & ~ContextReq.mutual_auth)
        assert self.as_asked(over_tls=True, context_attr=ContextReq.mutual_auth)
        assert self.as_asked(over_tls=True, logon=Auth.NTLM, context_attr=ContextReq(0))

    @pytest.mark.parametrize("lacks", [*ALL])
    def test_less(self, lacks: ContextReq) -> None:
        assert not self.as_asked(context_attr=self.ALL & ~lacks)

    def test_no_mutual_authentication_inside_tls(self) -> None:
        assert not self.as_asked(over_tls=True, context_attr=ContextReq(0))

    def test_another_protocol(self) -> None:
        assert not self.as_asked(negotiated_protocol="ntlm")
        assert not self.as_asked(logon=Auth.NTLM, negotiated_protocol="kerberos")

    def test_no_end(self) -> None:
        assert not self.as_asked(complete=False)


@pytest.mark.parametrize(
    ("user", "principal"),
    [
        ("svc", "svc@CORP.EXAMPLE"),
        ("svc@corp.example", "svc@CORP.EXAMPLE"),
        ("svc@Other.Example", "svc@OTHER.EXAMPLE"),
        ("CORP\\svc", "svc@CORP.EXAMPLE"),
        ("corp.example\\svc", "svc@CORP.EXAMPLE"),
        ("HV01$", "HV01$@CORP.EXAMPLE"),
    ],
)
def test_how_kerberos_calls_a_user(user: str, principal: str) -> None:
    assert principals.principal_of(user, "corp.example") == principal


@pytest.mark.parametrize("user", ["CN=svc,DC=corp,DC=example", "OTHER\\svc"])
def test_who_has_no_name_in_kerberos(user: str) -> None:
    with pytest.raises(UsageError) as said:
        principals.principal_of(user, "corp.example")
    assert "user@" in said.value.fix


def certificate(key: object, algorithm: hashes.HashAlgorithm | None) -> bytes:
    """A certificate in DER, signed by its own key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "dc1")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())  # type: ignore[attr-defined]
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=1))
    )
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)  # type: ignore[arg-type]


def by_openssl(folder: Path, *options: str) -> bytes:
    """The same as openssl makes it, which signs with hashes that cryptography doesn't."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=dc1"]
    out = ["-keyout", str(folder / "key"), "-outform", "DER"]
    return subprocess.run([*command, *out, *options], capture_output=True, check=True).stdout


class TestChannelBindings:
    @pytest.mark.parametrize(
        ("algorithm", "used"),
        [
            (hashes.SHA256(), "sha256"),
            (hashes.SHA384(), "sha384"),
            (hashes.SHA512(), "sha512"),
            (hashes.SHA224(), "sha224"),
        ],
        ids=lambda value: value if isinstance(value, str) else value.name,
    )
    def test_by_the_hash_of_the_signature(self, algorithm: hashes.HashAlgorithm, used: str) -> None:
        raw = certificate(ec.generate_private_key(ec.SECP256R1()), algorithm)
        bindings = tickets.channel_bindings(raw).application_data
        assert bindings == b"tls-server-end-point:" + hashlib.new(used, raw).digest()

    @pytest.mark.parametrize("weak", ["-md5", "-sha1"])
    def test_weak_ones_become_sha256(self, tmp_path: Path, weak: str) -> None:
        raw = by_openssl(tmp_path, weak)
        bindings = tickets.channel_bindings(raw).application_data
        assert bindings == b"tls-server-end-point:" + hashlib.sha256(raw).digest()

    def test_pss_names_its_hash_among_its_parameters(self, tmp_path: Path) -> None:
        raw = by_openssl(tmp_path, "-sha384", "-sigopt", "rsa_padding_mode:pss")
        bindings = tickets.channel_bindings(raw).application_data
        assert bindings == b"tls-server-end-point:" + hashlib.sha384(raw).digest()

    def test_a_signature_without_a_hash(self) -> None:
        raw = certificate(ed25519.Ed25519PrivateKey.generate(), None)
        bindings = tickets.channel_bindings(raw).application_data
        assert bindings == b"tls-server-end-point:" + hashlib.sha256(raw).digest()

    def test_a_certificate_too_odd_to_be_read(self) -> None:
        bindings = tickets.channel_bindings(b"odd").application_data
        assert bindings == b"tls-server-end-point:" + hashlib.sha256(b"odd").digest()


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SealedSocket, Peer]]:
    """Our end of a sealed connection, and the other end, which is pyspnego's acceptor."""
    users = tmp_path / "users"
    users.write_text("CORP:svc:Lab-Pair-1\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    client = spnego.client("CORP\\svc", "Lab-Pair-1", protocol="ntlm", context_req=FLAGS)
    server = spnego.server(protocol="ntlm", context_req=FLAGS)
    token = client.step()
    while token is not None:
        answer = server.step(token)
        token = client.step(answer) if answer else None
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    with ours, theirs:
        yield SealedSocket(ours, client), Peer(theirs, server)


FLAGS = ContextReq.integrity | ContextReq.confidentiality


class Peer:
    """The other end, by its own code."""

    def __init__(self, sock: socket.socket, context: spnego.ContextProxy) -> None:
        self.socket = sock
        self._context = context

    def frame(self, data: bytes) -> bytes:
        token = self._context.wrap(data).data
        return struct.pack("!I", len(token)) + token

    def read(self, count: int) -> bytes:
        """So many frames, opened."""
        opened = b""
        for _ in range(count):
            (length,) = struct.unpack("!I", self._exactly(4))
            opened += self._context.unwrap(self._exactly(length)).data
        return opened

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += self.socket.recv(count - len(data))
        return data


class TestFrames:
    def test_what_is_sent_is_sealed(self, pair: tuple[SealedSocket, Peer]) -> None:
        ours, peer = pair
        ours.sendall(b"a modify of msDS-AllowedToDelegateTo")
        raw = peer.socket.recv(4096, socket.MSG_PEEK)
        assert b"AllowedToDelegateTo" not in raw
        assert peer.read(1) == b"a modify of msDS-AllowedToDelegateTo"

    def test_a_large_message_goes_in_pieces(
        self, pair: tuple[SealedSocket, Peer], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sealed_socket, "LARGEST_PIECE", 1000)
        ours, peer = pair
        data = bytes(range(256)) * 16
        ours.sendall(data)
        assert peer.read(5) == data

    def test_whole_frames_in_one_read(self, pair: tuple[SealedSocket, Peer]) -> None:
        ours, peer = pair
        peer.socket.sendall(peer.frame(b"one") + peer.frame(b"two"))
        assert ours.recv(1) == b"onetwo"

    def test_a_frame_byte_by_byte(self, pair: tuple[SealedSocket, Peer]) -> None:
        ours, peer = pair
        whole = peer.frame(b"one")

        def drip() -> None:
            for byte in whole:
                peer.socket.sendall(bytes([byte]))

        thread = threading.Thread(target=drip)
        thread.start()
        assert ours.recv(4096) == b"one"
        thread.join()

    def test_a_frame_that_drips_has_the_time_of_one_answer(
        self, pair: tuple[SealedSocket, Peer]
    ) -> None:
        """Each byte comes before the socket's timeout, the whole frame long after it."""
        sealed, peer = pair
        frame = peer.frame(b"x" * 200)
        gone = threading.Event()

        def drip() -> None:
            with suppress(OSError):
                for byte in frame:
                    peer.socket.sendall(bytes([byte]))
                    if gone.wait(0.05):
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        sealed.settimeout(0.3)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            sealed.recv(4096)
        assert time.monotonic() - began < 2
        gone.set()
        thread.join(5)

    def test_an_empty_frame_is_not_the_end(self, pair: tuple[SealedSocket, Peer]) -> None:
        ours, peer = pair
        peer.socket.sendall(peer.frame(b"") + peer.frame(b"one"))
        assert ours.recv(4096) == b"one"

    def test_the_end(self, pair: tuple[SealedSocket, Peer]) -> None:
        ours, peer = pair
        peer.socket.shutdown(socket.SHUT_WR)
        assert ours.recv(4096) == b""

    def test_a_tampered_frame_ends_the_connection(self, pair: tuple[SealedSocket, Peer]) -> None:
        ours, peer = pair
        whole = peer.frame(b"a result")
        changed = bytearray(whole)
        changed[4 + 16] ^= 1
        peer.socket.sendall(changed)
        with pytest.raises(OSError, match="changed on its way"):
            ours.recv(4096)
        with pytest.raises(OSError, match=r"closed|descriptor"):
            ours.recv(4096)

    @pytest.mark.parametrize("place", range(4, 28))
    def test_a_tampered_byte(self, pair: tuple[SealedSocket, Peer], place: int) -> None:
        """Signature, sequence number and contents alike."""
        ours, peer = pair
        changed = bytearray(peer.frame(b"a result"))
        changed[place] ^= 0x80
        peer.socket.sendall(changed)
        with pytest.raises(OSError, match="changed on its way"):
            ours.recv(4096)

    def test_a_frame_twice(self, pair: tuple[SealedSocket, Peer]) -> None:
        ours, peer = pair
        whole = peer.frame(b"a result")
        peer.socket.sendall(whole)
        assert ours.recv(4096) == b"a result"
        peer.socket.sendall(whole)
        with pytest.raises(OSError, match="changed on its way"):
            ours.recv(4096)

    def test_a_frame_left_out(self, pair: tuple[SealedSocket, Peer]) -> None:
        ours, peer = pair
        peer.frame(b"left out")
        peer.socket.sendall(peer.frame(b"a result"))
        with pytest.raises(OSError, match="changed on its way"):
            ours.recv(4096)

    def test_plain_ldap_on_a_sealed_connection(self, pair: tuple[SealedSocket, Peer]) -> None:
        ours, peer = pair
        peer.socket.sendall(bytes.fromhex("300c02010165070a010004000400"))
        with pytest.raises(OSError, match="announced"):
            ours.recv(4096)

    @pytest.mark.parametrize("length", [0, (1 << 24) + 1, 0xFFFFFFFF])
    def test_a_length_that_is_none(self, pair: tuple[SealedSocket, Peer], length: int) -> None:
        ours, peer = pair
        peer.socket.sendall(struct.pack("!I", length))
        with pytest.raises(OSError, match="announced"):
            ours.recv(4096)

    @pytest.mark.parametrize("length", [1, 4, 15, 16])
    def test_a_token_that_is_none(self, pair: tuple[SealedSocket, Peer], length: int) -> None:
        ours, peer = pair
        peer.socket.sendall(struct.pack("!I", length) + b"x" * length)
        with pytest.raises(OSError, match="changed on its way"):
            ours.recv(4096)

    def test_the_end_within_a_frame(self, pair: tuple[SealedSocket, Peer]) -> None:
        ours, peer = pair
        peer.socket.sendall(peer.frame(b"a result")[:-1])
        peer.socket.shutdown(socket.SHUT_WR)
        with pytest.raises(OSError, match="ended within"):
            ours.recv(4096)

    def test_nothing_comes(self, pair: tuple[SealedSocket, Peer]) -> None:
        ours, _ = pair
        ours.settimeout(0.05)
        with pytest.raises(TimeoutError):
            ours.recv(4096)

    def test_signed_is_not_sealed(self) -> None:
        class Signing:
            def unwrap(self, data: bytes) -> spnego.UnwrapResult:
                return spnego.UnwrapResult(data, encrypted=False, qop=0)

        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(struct.pack("!I", 5) + b"plain")
            with pytest.raises(OSError, match="not encrypted"):
                SealedSocket(ours, Signing()).recv(4096)
