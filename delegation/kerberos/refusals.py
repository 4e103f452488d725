"""Error number, Attempt -> the error in words: why a logon failed, as DCs and libraries number it.

Texts differ between versions and languages; numbers don't. Who logs on, and where, is told by
``Attempt``, so that a message can name it; no secret is in it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from delegation.errors import ConnectionFailed, CredentialsRefused, DirectoryError, NoTicket


class Attempt(NamedTuple):
    """A logon. ``user`` None: the current one; ``service`` is what a ticket is asked for.

    ``section`` of the inventory says how to log on.
    """

    host: str
    domain: str
    user: str | None = None
    keytab: str | None = None
    over_tls: bool = False
    service_class: str = "ldap"
    section: str = "directory"

    @property
    def realm(self) -> str:
        return self.domain.upper()

    @property
    def service(self) -> str:
        """A directory's has three parts, which domain controllers alone register by themselves.

        Any member may have its own ``ldap/host``, to which DNS may lead (MS-DRSR 2.2.4.2).
        """
        domain = f"/{self.domain.lower()}" if self.service_class == "ldap" else ""
        return f"{self.service_class}/{self.host}{domain}"

    @property
    def who(self) -> str:
        whose = f"the account of {self.keytab}" if self.keytab else "the current logon"
        return self.user or whose


_BIND_DATA = {
    "490": ("no such user, or a wrong password", "correct directory.user or the password"),
    "525": ("no such user", "correct directory.user"),
    "52e": ("wrong user name or password", "correct directory.user or the password"),
    "52f": (
        "it may not log on in this way",
        "use auth: kerberos; members of Protected Users can't use NTLM",
    ),
    "530": ("it may not log on at this hour", "use another account"),
    "531": ("it may not log on from this machine", "use another account or machine"),
    "532": ("its password has expired", "change the password"),
    "533": ("it is disabled", "enable it or use another account"),
    "701": ("it has expired", "use another account"),
    "773": ("its password must be changed first", "change the password"),
    "775": ("it is locked out", "unlock it, and look why"),
}
"""The ``data`` codes of an AD bind refusal (result 49): Win32 error numbers, in hexadecimal."""

_CHANNEL_BINDINGS = "80090346"
"""SEC_E_BAD_BINDINGS, which a DC puts in front of its refusal."""

_INVALID_CREDENTIALS = 49

_NOT_INSIDE_TLS = (
    "doesn't take this logon inside TLS",
    "write ldap:// without start_tls, where it is sealed instead, or use auth: simple",
)
_RESULTS: dict[tuple[int, bool], tuple[str, str]] = {
    (7, False): ("doesn't offer GSS-SPNEGO", "name a domain controller"),
    (7, True): ("doesn't offer GSS-SPNEGO", "name a domain controller"),
    (8, False): ("asks for a signed connection", "use auth: kerberos, or ldaps://"),
    (8, True): _NOT_INSIDE_TLS,
    (53, True): _NOT_INSIDE_TLS,
}
"""By result code (RFC 4511, appendix A), and whether the logon is inside TLS."""


def by_controller(attempt: Attempt, result: Mapping[str, Any]) -> CredentialsRefused:
    """What the result of a bind means."""
    code, name = result["result"], result["description"]
    message = str(result.get("message", "")).strip("\0 \n")
    refuses = f"{attempt.host} refuses the logon of {attempt.who}"
    for data, (why, fix) in _BIND_DATA.items():
        if f"data {data}," in message:
            return CredentialsRefused(f"{refuses}: {why}", fix)
    if code == _INVALID_CREDENTIALS and _CHANNEL_BINDINGS in message:
        return CredentialsRefused(
            f"{refuses}: the TLS that it sees is not the TLS that this machine sees (channel "
            "binding)",
            "something between the two opens TLS, a proxy or a load balancer: name the domain "
            "controller itself, or look who is on the line",
        )
    if code == _INVALID_CREDENTIALS:
        return CredentialsRefused(
            f"{refuses}: {message or name}", "correct directory.user or the password"
        )
    answer = f"result {code} {name}, {message}" if message else f"result {code} {name}"
    if known := _RESULTS.get((code, attempt.over_tls)):
        what, fix = known
        return CredentialsRefused(f"{attempt.host} {what} ({answer})", fix)
    return CredentialsRefused(f"{refuses} ({answer})", "look at the domain controller's log")


class _Refusal(NamedTuple):
    """What kind of failure, what to say of it, and what to do."""

    kind: type[DirectoryError]
    what: str
    fix: str


_WRONG_PASSWORD = _Refusal(CredentialsRefused, "wrong password for {who}", "correct the password")
_NO_TICKET = _Refusal(
    NoTicket,
    "there is no valid Kerberos ticket to log on with",
    "get one with kinit, or set {section}.keytab, or name {section}.user and give its password",
)
_UNKNOWN_SERVICE = _Refusal(
    ConnectionFailed,
    "the KDC of {realm} knows no {service}: it knows no domain controller by that name",
    "write a domain controller's full DNS name, as in dc1.corp.example, or leave directory.url "
    "out; they register this name by themselves: setspn -L shows whether one lacks it",
)
_UNKNOWN_HOST = _Refusal(
    ConnectionFailed,
    "the KDC of {realm} knows no {service}",
    "look whether the host is joined to that domain, and whether its fqdn in the inventory is its "
    "account's dNSHostName",
)
_NO_KDC = _Refusal(
    DirectoryError,
    "no KDC of {realm} answers: {said}",
    "look whether port 88 of a domain controller can be reached (TCP and UDP), and whether this "
    "machine's DNS or krb5.conf names the right ones",
)
_SKEW = _Refusal(
    CredentialsRefused,
    "the clocks of this machine and of the KDC of {realm} are too far apart",
    "set the clock, by NTP; Kerberos allows five minutes",
)
_BARRED = _Refusal(
    CredentialsRefused,
    "{who} is disabled, locked out, expired, or may not log on at this hour",
    "look at the account, or use another one; Kerberos does not tell which it is",
)
_CONFIGURATION = _Refusal(
    DirectoryError,
    "this machine's Kerberos configuration can't be used: {said}",
    "correct /etc/krb5.conf, or the file that KRB5_CONFIG names",
)

_KERBEROS: dict[int, _Refusal] = {
    # Error codes of the protocol (RFC 4120, 7.5.9).
    1: _Refusal(CredentialsRefused, "{who} has expired", "extend the account, or use another one"),
    6: _Refusal(
        CredentialsRefused,
        "the KDC of {realm} knows no account {who}",
        "correct {section}.user; write user@domain for one of another domain",
    ),
    7: _UNKNOWN_SERVICE,
    12: _Refusal(
        CredentialsRefused,
        "the domain's policy does not let {who} log on: not from here, not now, or not this way",
        "look at the account's restrictions, or use another one",
    ),
    14: _Refusal(
        CredentialsRefused,
        "{who} and the KDC of {realm} share no type of encryption",
        "allow AES for the account (msDS-SupportedEncryptionTypes), and make its keytab anew",
    ),
    18: _BARRED,
    23: _Refusal(CredentialsRefused, "the password of {who} has expired", "change the password"),
    24: _WRONG_PASSWORD,
    31: _WRONG_PASSWORD,
    32: _Refusal(
        NoTicket,
        "the Kerberos ticket has expired",
        "get a new one with kinit; for a scheduled run, set {section}.keytab",
    ),
    37: _SKEW,
    # The library's own (MIT krb5, krb5_err.et), counted from the same base.
    135: _CONFIGURATION,
    136: _CONFIGURATION,
    141: _NO_TICKET,
    154: _Refusal(
        DirectoryError,
        "this machine knows no KDC for the logon: {said}",
        "correct domain: or {section}.user; else let its DNS find the domain, or add the realm "
        "to /etc/krb5.conf",
    ),
    156: _NO_KDC,
    181: _Refusal(
        CredentialsRefused,
        "{keytab} holds no key of {who}",
        "correct {section}.user, or make the keytab anew",
    ),
    195: _NO_TICKET,
    220: _NO_KDC,
}

_WRONG_KEY = _Refusal(
    CredentialsRefused,
    "the key of {who} in {keytab} is not the account's any more",
    "its password has been changed since: make the keytab anew",
)

_OTHER = _Refusal(
    CredentialsRefused,
    "Kerberos fails for {who}: {said} ({code})",
    "look at the KDC's log; KRB5_TRACE=/dev/stderr shows every step",
)

_TABLE = -1765328384
"""MIT's number of protocol error 0 (ERROR_TABLE_BASE_krb5)."""

_MAJOR: dict[int, int] = {458752: 141, 720896: 32}
"""GSS_S_NO_CRED and GSS_S_CREDENTIALS_EXPIRED (RFC 2743), as errors of the table above."""


def by_kerberos(attempt: Attempt, code: int, text: str, major: int = 0) -> DirectoryError:
    """What MIT's error number means, signed or not; ``major`` is that of GSSAPI, if any."""
    signed = _signed(code)
    number = signed - _TABLE
    if number not in _KERBEROS:
        number = _MAJOR.get(major, number)
    refusal = _KERBEROS.get(number, _OTHER)
    if attempt.keytab is not None and refusal is _WRONG_PASSWORD:
        refusal = _WRONG_KEY
    return _in_words(attempt, refusal, text, signed)


def is_wrong_password(code: int) -> bool:
    """Whether MIT's error number says so: a KDC counts these, and locks the account."""
    return _KERBEROS.get(_signed(code) - _TABLE) is _WRONG_PASSWORD


def _signed(code: int) -> int:
    """gssapi gives minor codes as unsigned, krb5 the same numbers as signed 32-bit integers."""
    return code - 2**32 if code >= 2**31 else code


_WINDOWS: dict[int, _Refusal] = {
    0x8009030C: _Refusal(
        CredentialsRefused,
        "{who} may not log on: wrong user name or password, or an account that is barred",
        "correct {section}.user or the password, and look at the account",
    ),
    0x80090303: _UNKNOWN_SERVICE,
    0x80090322: _UNKNOWN_SERVICE,
    0x8009030E: _NO_TICKET,
    0x80090311: _NO_KDC,
    0x80090324: _SKEW,
}
"""SSPI's errors (winerror.h)."""

_OTHER_OF_WINDOWS = _Refusal(
    CredentialsRefused,
    "Windows refuses the logon of {who}: {said} ({code:#x})",
    "look at the account, and at the domain controller's security log",
)

_NT_STATUS = {
    0xC0000064: "525",
    0xC000006D: "52e",
    0xC000006E: "52f",
    0xC000006F: "530",
    0xC0000070: "531",
    0xC0000071: "532",
    0xC0000072: "533",
    0xC0000193: "701",
    0xC0000224: "773",
    0xC0000234: "775",
}
"""NTSTATUS values (MS-ERREF 2.3) that say the same as a ``data`` code."""


def by_windows(attempt: Attempt, code: int, text: str) -> DirectoryError:
    """What an SSPI error or an NTSTATUS means, signed or not."""
    number = code % 2**32
    if number in _NT_STATUS:
        why, fix = _BIND_DATA[_NT_STATUS[number]]
        return CredentialsRefused(f"{attempt.who} may not log on: {why}", fix)
    return _in_words(attempt, _WINDOWS.get(number, _OTHER_OF_WINDOWS), text, number)


_NAMES = ("who", "realm", "service", "keytab", "section")


def _in_words(attempt: Attempt, refusal: _Refusal, text: str, code: int) -> DirectoryError:
    names = {name: getattr(attempt, name) for name in _NAMES} | {"said": text, "code": code}
    if refusal is _UNKNOWN_SERVICE and attempt.service_class != "ldap":
        refusal = _UNKNOWN_HOST
    return refusal.kind(refusal.what.format(**names), refusal.fix.format(**names))
