"""Numbers of logons that failed, and what is said of each."""

from __future__ import annotations

import pytest

from delegation.errors import ConnectionFailed, CredentialsRefused, DirectoryError, NoTicket
from delegation.kerberos import refusals
from delegation.kerberos.refusals import Attempt

ATTEMPT = Attempt("dc1.corp.example", "corp.example", "svc")
KEYTAB = Attempt("dc1.corp.example", "corp.example", "svc", "/etc/x.keytab")
BASE = -1765328384


def test_whom_a_ticket_is_for() -> None:
    """A domain controller's name has three parts, a host's two."""
    assert Attempt("dc1.corp.example", "Corp.Example").service == (
        "ldap/dc1.corp.example/corp.example"
    )
    for service in ("http", "cifs"):
        attempt = Attempt("hv01.corp.example", "corp.example", service_class=service)
        assert attempt.service == f"{service}/hv01.corp.example"


@pytest.mark.parametrize(
    ("number", "kind", "words", "fix"),
    [
        (BASE + 6, CredentialsRefused, "no account svc", "directory.user"),
        (BASE + 7, ConnectionFailed, "no ldap/dc1.corp.example/corp.example", "full DNS name"),
        (BASE + 14, CredentialsRefused, "no type of encryption", "AES"),
        (BASE + 18, CredentialsRefused, "disabled, locked out", "account"),
        (BASE + 23, CredentialsRefused, "has expired", "change the password"),
        (BASE + 24, CredentialsRefused, "wrong password for svc", "password"),
        (BASE + 31, CredentialsRefused, "wrong password for svc", "password"),
        (BASE + 32, NoTicket, "ticket has expired", "kinit"),
        (BASE + 37, CredentialsRefused, "clocks of this machine", "NTP"),
        (BASE + 154, DirectoryError, "knows no KDC", "krb5.conf"),
        (BASE + 156, DirectoryError, "no KDC of CORP.EXAMPLE", "port 88"),
        (BASE + 195, NoTicket, "no valid Kerberos ticket", "kinit"),
        (BASE + 60, CredentialsRefused, "Kerberos fails for svc: as it said", "KRB5_TRACE"),
    ],
)
def test_kerberos(number: int, kind: type[Exception], words: str, fix: str) -> None:
    """Signed, as krb5 gives them, and unsigned, as GSSAPI does."""
    for code in (number, number % 2**32):
        said = refusals.by_kerberos(ATTEMPT, code, "as it said")
        assert type(said) is kind
        assert words in said.what
        assert fix in said.fix


def test_a_keytab_has_no_wrong_password() -> None:
    said = refusals.by_kerberos(KEYTAB, BASE + 24, "")
    assert "/etc/x.keytab is not the account's any more" in said.what


def test_a_gssapi_error_that_has_only_a_major_number() -> None:
    assert "no valid Kerberos ticket" in refusals.by_kerberos(ATTEMPT, 0, "", 458752).what
    assert "ticket has expired" in refusals.by_kerberos(ATTEMPT, 0, "", 720896).what


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0x8009030C, "svc may not log on"),
        (0x80090303, "no ldap/dc1.corp.example/corp.example"),
        (0x8009030E, "no valid Kerberos ticket"),
        (0x80090311, "no KDC"),
        (0x80090324, "clocks"),
        (0xC000006D, "wrong user name or password"),
        (0xC0000071, "its password has expired"),
        (0xC0000072, "it is disabled"),
        (0xC0000234, "locked out"),
        (0x80090999, "0x80090999"),
    ],
)
def test_windows(number: int, words: str) -> None:
    for code in (number, number - 2**32):
        said = refusals.by_windows(ATTEMPT, code, "as it said")
        assert words in said.what
        assert said.fix


def result(code: int, message: str = "") -> dict[str, object]:
    return {"result": code, "description": "itsName", "message": message}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("525", "no such user"),
        ("52e", "wrong user name or password"),
        ("52f", "may not log on in this way"),
        ("532", "has expired"),
        ("533", "disabled"),
        ("701", "has expired"),
        ("773", "changed first"),
        ("775", "locked out"),
    ],
)
def test_the_data_of_a_controller(data: str, words: str) -> None:
    text = f"8009030C: LdapErr: DSID-0C0904DC, comment: AcceptSecurityContext error, data {data}, v"
    said = refusals.by_controller(ATTEMPT, result(49, text))
    assert words in said.what
    assert "dc1.corp.example refuses the logon of svc" in said.what


@pytest.mark.parametrize(
    ("code", "message", "over_tls", "words"),
    [
        (49, "80090346: LdapErr: DSID-0C09, data 80090346, v4563\0", True, "channel binding"),
        (49, "", True, "itsName"),
        (8, "", True, "inside TLS"),
        (53, "", True, "inside TLS"),
        (8, "", False, "asks for a signed connection"),
        (7, "", False, "GSS-SPNEGO"),
        (80, "busy {x}\n", False, "result 80 itsName, busy {x}"),
    ],
)
def test_the_results_of_a_controller(
    code: int,
    message: str,
    over_tls: bool,  # noqa: FBT001
    words: str,
) -> None:
    attempt = Attempt("dc1.corp.example", "corp.example", "s{v}c", over_tls=over_tls)
    said = refusals.by_controller(attempt, result(code, message))
    assert words in said.what
    assert said.fix
