"""What broke, or came back, while a domain controller was asked -> the error in words."""

from collections.abc import Iterator
from contextlib import contextmanager

from ldap3.core.exceptions import LDAPException

from delegation.directory.ldap_answers import Unreadable
from delegation.errors import ConnectionFailed
from delegation.kerberos.refusals import Attempt


@contextmanager
def in_words(url: str) -> Iterator[None]:
    """Whatever an answer may be, or lack, in words. Raises ConnectionFailed."""
    try:
        yield
    except Unreadable as exc:
        raise unreadable(url, exc) from exc
    except (LDAPException, OSError) as exc:
        raise lost(url, exc) from exc


def unreadable(url: str, exc: Unreadable) -> ConnectionFailed:
    return ConnectionFailed(
        f"{url} does not answer like a domain controller: {exc}",
        "look who answers at that address, and what is in between; name another domain controller",
    )


def lost(url: str, exc: BaseException) -> ConnectionFailed:
    """The connection broke while something was asked."""
    return ConnectionFailed(
        f"lost the connection to {url}: {exc}",
        "look whether the domain controller is up, then try again",
    )


def no_logon(attempt: Attempt, exc: Exception) -> ConnectionFailed:
    """The connection broke, or what came back is no answer, while somebody logged on."""
    if isinstance(exc, Unreadable):
        return unreadable(attempt.host, exc)
    return ConnectionFailed(
        f"{attempt.host} ended the connection at the logon: {exc}", "look at its log"
    )
