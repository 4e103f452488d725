"""All that the program asks of a domain controller, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, Target
from delegation.directory import bounded, session
from delegation.directory.connection import Credentials
from delegation.directory.inspection import LdapInspector
from delegation.directory.ldap import LdapDirectory
from delegation.errors import DelegationError
from delegation.inventory import Auth, DirectorySettings
from delegation.mesh.snapshot import Computer
from delegation.mesh.state import Delegation, DelegationChange
from tests.fuzz.ldap_server import DOMAIN, GUIDS, HOSTS

DEADLINE = 1
"""Seconds that one answer may take here, instead of a minute."""

SLACK = 10.0
"""Seconds beyond the deadline: this machine has other things to do."""


class Ended(NamedTuple):
    """In what words, after how long; ``error`` is one that no user should ever meet."""

    words: str
    seconds: float
    error: str = ""


def hurry() -> None:
    """Deadlines of a second, in this process."""
    bounded.ANSWER_TIMEOUT = DEADLINE
    session.CONNECT_TIMEOUT = DEADLINE


def everything(url: str, pem: Path) -> Ended:
    """Log on, look who answers, find, ask about people and rights, write."""
    began = time.monotonic()
    words, error = "", ""
    try:
        words = _all(DirectorySettings(url=url, ca_file=str(pem), auth=Auth.SIMPLE))
    except DelegationError as exc:
        words = f"{exc.what}; {exc.fix}"
        error = "" if exc.what and exc.fix else f"not in words: {exc!r}"
    except Exception as exc:  # noqa: BLE001 - this is what the front end calls an internal error
        error = f"{type(exc).__name__}: {exc}"
    return Ended(words, time.monotonic() - began, error)


def _all(settings: DirectorySettings) -> str:
    credentials = Credentials("reader", "secret")
    with closing(LdapInspector(settings, DOMAIN, credentials)) as inspector:
        found = inspector.find(HOSTS)
        inspector.computers("hv0*")
        inspector.people("hv01")
        inspector.own_token()
        inspector.writable(list(GUIDS.values()))
        inspector.account_names([account.sid for account in found if account.sid])
        for account in found[:1]:
            inspector.token(account)
    with closing(LdapDirectory(settings, DOMAIN, credentials)) as writer:
        read = writer.read(list(GUIDS.values()))
        return _written(writer, [_change(account) for account in read.values()])


def _written(writer: LdapDirectory, changes: Iterable[DelegationChange]) -> str:
    asked = list(changes)
    outcomes = list(writer.write(asked))
    told = {id(outcome.change) for outcome in outcomes}
    if len(outcomes) != len(asked) or told != {id(change) for change in asked}:
        raise AssertionError(f"{len(asked)} changes, and {len(outcomes)} outcomes")
    bad = [outcome for outcome in outcomes if outcome.result is not Result.APPLIED]
    return (
        f"{len(asked)} changes, of which {[(o.result.name, o.reason) for o in bad]} were not made"
    )


def _change(account: Computer) -> DelegationChange:
    before = Delegation.of(account)
    after = Delegation((*before.values, "cifs/new"), before.uac)
    return Change(Target(account.name, account.dn, account.guid), before, after)
