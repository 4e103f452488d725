"""Questions to a KDC, by MIT's library: run as a program of its own, because that reads
``KRB5_CONFIG`` once for a process.

Reads a JSON list of questions on standard input and prints a JSON list of answers; ``kdc.py``
writes the one and reads the other. What two questions have in common is asked once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import gssapi
from gssapi.raw import acquire_cred_from, acquire_cred_impersonate_name, acquire_cred_with_password
from gssapi.raw.misc import GSSError

FIRST_ERROR = -1765328384
"""MIT's number of the protocol's error 0 (ERROR_TABLE_BASE_krb5)."""
KERBEROS = gssapi.MechType.kerberos
PRINCIPAL = gssapi.OID.from_int_seq("1.2.840.113554.1.2.2.1")
"""GSS_KRB5_NT_PRINCIPAL_NAME."""


class Stopped(Exception):
    """A step of an exchange failed: ``code`` is the KDC's error, or None where it gave none."""

    def __init__(self, step: str, error: GSSError) -> None:
        minor = int(error.min_code)
        code = (minor if minor < 2**31 else minor - 2**32) - FIRST_ERROR
        # From 128 on they are the library's own.
        self.step, self.code = step, code if 0 < code < 128 else None
        self.text = str(error.get_all_statuses(minor, False)[0] if minor else error)
        super().__init__(self.text)


class Steps:
    """The exchanges; each is made once, whether it succeeds or is refused."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, ...], Any] = {}

    def once(self, step: str, names: tuple[str, ...], make: Callable[[], Any]) -> Any:
        key = (step, *names)
        if key not in self.made:
            try:
                self.made[key] = make()
            except GSSError as error:
                self.made[key] = Stopped(step, error)
        if isinstance(self.made[key], Stopped):
            raise self.made[key]
        return self.made[key]

    def source(self, source: str, keytab: str) -> Any:
        """Log on as a source with its keytab; give credentials to accept and to delegate."""

        def log_on() -> Any:
            store: dict[bytes | str, bytes | str] = {
                b"client_keytab": f"FILE:{keytab}".encode(),
                b"keytab": f"FILE:{keytab}".encode(),
                b"ccache": f"MEMORY:{os.urandom(8).hex()}".encode(),
            }
            name = gssapi.Name(source, PRINCIPAL)
            got = acquire_cred_from(store, name=name, mechs=[KERBEROS], usage="both")
            return gssapi.Credentials(base=got.creds)

        return self.once("source", (source,), log_on)

    def s4u2self(self, source: str, keytab: str, user: str) -> Any:
        """Let a source ask for a user's ticket to itself (MS-SFU 3.1.5.1.1)."""
        itself = self.source(source, keytab)

        def impersonate() -> Any:
            name = gssapi.Name(user, PRINCIPAL)
            got = acquire_cred_impersonate_name(itself, name, mechs=[KERBEROS], usage="initiate")
            return gssapi.Credentials(base=got.creds)

        return self.once("s4u2self", (source, user), impersonate)

    def user(self, user: str, password: str) -> Any:
        """Log on as a user."""

        def log_on() -> Any:
            name = gssapi.Name(user, PRINCIPAL)
            got = acquire_cred_with_password(
                name, password.encode(), mechs=[KERBEROS], usage="initiate"
            )
            return gssapi.Credentials(base=got.creds)

        return self.once("user", (user,), log_on)

    def ticket(self, source: str, keytab: str, user: str, password: str) -> Any:
        """Let a user come to a source with a ticket, which the source keeps as evidence."""
        itself = self.source(source, keytab)
        visitor = self.user(user, password)

        def visit() -> Any:
            there = gssapi.SecurityContext(
                name=gssapi.Name(source, PRINCIPAL),
                creds=visitor,
                usage="initiate",
                mech=KERBEROS,
            )
            here = gssapi.SecurityContext(creds=itself, usage="accept")
            here.step(there.step())
            return here.delegated_creds

        return self.once("ticket", (source, user), visit)

    def proxy(self, question: dict[str, str]) -> None:
        """Let a source ask for a user's ticket to a service (MS-SFU 3.1.5.2.1)."""
        source, keytab, user = question["source"], question["keytab"], question["user"]
        if question["evidence"] == "ticket":
            evidence = self.ticket(source, keytab, user, question["password"])
        else:
            evidence = self.s4u2self(source, keytab, user)

        def ask() -> bool:
            gssapi.SecurityContext(
                name=gssapi.Name(question["service"], PRINCIPAL),
                creds=evidence,
                usage="initiate",
                mech=KERBEROS,
            ).step()
            return True

        names = (source, user, question["evidence"], question["service"])
        self.once("s4u2proxy", names, ask)


def answer(steps: Steps, question: dict[str, str]) -> dict[str, Any]:
    """Put one question; an answer without a step is a grant."""
    try:
        steps.proxy(question)
    except Stopped as stopped:
        return {"step": stopped.step, "code": stopped.code, "text": stopped.text}
    return {"step": None, "code": None, "text": ""}


if __name__ == "__main__":
    steps_made = Steps()
    json.dump([answer(steps_made, one) for one in json.load(sys.stdin)], sys.stdout)
