"""Logons: what a DC says to each kind of account, and every way in that is refused before it."""

from __future__ import annotations

import pytest

from delegation.directory import session
from delegation.directory.ldap import LdapReader
from delegation.directory.session import Credentials
from delegation.errors import (
    ConnectionFailed,
    CredentialsRefused,
    DelegationError,
    DirectoryError,
    UsageError,
)
from delegation.inventory import Auth, DirectorySettings
from tests.lab import Lab, byhand, ldif
from tests.lab.certificates import Certificate
from tests.lab.description import READER
from tests.lab.front import front
from tests.lab.independent import search

pytestmark = pytest.mark.lab

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
    byhand.modify(lab, ldif.addition(dn, made | {key: [text] for key, text in attributes.items()}))
    return dn


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
        byhand.modify(fresh_lab, ldif.modification(dn, ("replace", "unicodePwd", [quoted])))
        log_on(fresh_lab, "somebody", password)

    def test_credentials_show_no_password(self) -> None:
        assert PASSWORD not in repr(Credentials("somebody", PASSWORD))

    def test_an_empty_password_is_anonymous_to_a_dc_and_refused_here(self, lab: Lab) -> None:
        assert search(lab, "(sAMAccountName=hv01$)", "cn")
        with pytest.raises(UsageError, match="an empty password is refused"):
            session.connect(settings(lab), lab.domain, Credentials(READER, ""))


class TestRefusedBeforeAnyConnection:
    @pytest.mark.parametrize("auth", [Auth.KERBEROS, Auth.NTLM])
    def test_other_ways_to_log_on(self, lab: Lab, auth: Auth) -> None:
        """Said in words, and before anything is sent: nobody listens at that address."""
        nowhere = settings(lab, f"ldaps://{lab.address_at(50)}", auth=auth)
        with pytest.raises(UsageError, match=f"{auth} is not in this version"):
            session.connect(nowhere, lab.domain, Credentials(READER, PASSWORD))

    def test_plain_ldap(self, lab: Lab) -> None:
        nowhere = settings(lab, f"ldap://{lab.address_at(50)}")
        with pytest.raises(UsageError, match="in clear"):
            session.connect(nowhere, lab.domain, Credentials(READER, PASSWORD))


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
