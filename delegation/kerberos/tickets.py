"""Kerberos as domain controllers and hosts want it: whose ticket, for exactly whom, and its errors.

What the directory's logon and that of Hyper-V hosts have in common, by pyspnego. The libraries
raise exceptions of three families, none of which the others know: they are translated here.
"""

import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import spnego
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from spnego import ContextReq
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from delegation.errors import ConnectionFailed, CredentialsRefused, DelegationError, UsageError
from delegation.kerberos import principals, refusals
from delegation.kerberos.refusals import Attempt

NO_TOKEN = (ValueError, LookupError, ArithmeticError, TypeError, struct.error)
"""What pyspnego raises for a token that is none."""


def credential(attempt: Attempt, password: str | None) -> spnego.Credential:
    """The keytab's, else the password's, else a ticket in the cache: of the user, or any.

    Raises UsageError and CredentialsRefused.
    """
    section = attempt.section
    principal: str | None = None
    if attempt.user:
        principal = principals.principal_of(attempt.user, attempt.domain, section)
    if attempt.keytab is not None:
        in_keytab = principals.principal_in(attempt.keytab, principal, section)
        return spnego.KerberosKeytab(attempt.keytab, in_keytab)
    if principal is not None and password is not None:
        return spnego.Password(principal, password)
    return spnego.CredentialCache(principal)


def context_for(
    attempt: Attempt,
    credentials: Any,  # noqa: ANN401 - gssapi's; None is the current logon
    flags: ContextReq,
    bindings: GssChannelBindings | None,
) -> Any:  # noqa: ANN401
    """A security context that asks for a ticket to exactly the host of the attempt.

    pyspnego names the host and leaves the rest to the library, which may put another name in its
    place that DNS gives (krb5.conf: dns_canonicalize_hostname, rdns). Answers of DNS have no
    proof: they must not choose the server that a logon is meant for.
    """
    import gssapi
    from gssapi.raw import ChannelBindings

    gss_bindings: ChannelBindings | None = None
    if bindings is not None:
        gss_bindings = ChannelBindings(application_data=bindings.application_data)
    principal = f"{attempt.service}@{attempt.realm}"
    return gssapi.SecurityContext(
        usage="initiate",
        name=gssapi.Name(principal, gssapi.NameType.kerberos_principal),
        creds=credentials,
        mech=gssapi.MechType.kerberos,
        flags=int(flags),
        channel_bindings=gss_bindings,
    )


def lifetime(credentials: Any) -> float:  # noqa: ANN401
    """For how many seconds gssapi's credentials are still good; 0 where they are not.

    None is the current logon.
    """
    import gssapi
    from gssapi.raw import GSSError

    try:
        if credentials is None:
            credentials = gssapi.Credentials(usage="initiate")
        return float(credentials.lifetime or 0)
    except GSSError:
        return 0.0


def channel_bindings(certificate: bytes) -> GssChannelBindings:
    """tls-server-end-point of a server's certificate in DER (RFC 5929, 4.1).

    The hash is that of the certificate's signature, but SHA-256 instead of MD5 and SHA-1, and
    where the signature names none or the certificate is too odd to be read.
    """
    hash_name = "sha256"
    try:
        algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        algorithm = None
    if algorithm is not None and algorithm.name not in {"md5", "sha1"}:
        hash_name = algorithm.name
    digest = hashlib.new(hash_name, certificate).digest()
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)


@contextmanager
def translated(attempt: Attempt) -> Iterator[None]:
    """The libraries' exceptions as this program's, here and nowhere else."""
    try:
        yield
    except ImportError as exc:
        raise UsageError(
            "Kerberos needs a library that is not installed",
            "on Debian, as root: apt install gcc python3-dev libkrb5-dev; then: pip install "
            '"pyspnego[kerberos]"',
        ) from exc
    except errors() as exc:
        raise in_words(attempt, exc) from exc
    except (OSError, *NO_TOKEN) as exc:
        raise ConnectionFailed(
            f"{attempt.host} answers the logon with something else: {exc}",
            "look who answers at that address",
        ) from exc


def errors() -> tuple[type[Exception], ...]:
    """What the libraries raise where a logon, or a seal, goes wrong."""
    try:
        import krb5
        from gssapi.raw import GSSError
    except ImportError:
        return (SpnegoError,)
    return SpnegoError, krb5.Krb5Error, GSSError


def in_words(attempt: Attempt, exc: Exception) -> DelegationError:
    """One of ``errors`` in words, by its numbers."""
    exc = _cause(exc)
    for numbers, say in (("err_code", refusals.by_kerberos), ("winerror", refusals.by_windows)):
        code = getattr(exc, numbers, None)
        if isinstance(code, int):
            return say(attempt, code, str(exc))
    minor, major = getattr(exc, "min_code", None), getattr(exc, "maj_code", 0)
    if isinstance(minor, int):
        return refusals.by_kerberos(attempt, minor, str(exc), major)
    return CredentialsRefused(
        f"the logon of {attempt.who} on {attempt.host} failed: {exc}",
        "look at the domain controller's log",
    )


def is_wrong_password(exc: BaseException) -> bool:
    """Whether a KDC has said so; it counts how often."""
    if not isinstance(exc, errors()):
        return False
    cause = _cause(exc)
    code = getattr(cause, "err_code", getattr(cause, "min_code", None))
    return isinstance(code, int) and refusals.is_wrong_password(code)


def _cause(exc: Exception) -> Exception:
    """What pyspnego has wrapped."""
    return (exc.base_error or exc) if isinstance(exc, SpnegoError) else exc
