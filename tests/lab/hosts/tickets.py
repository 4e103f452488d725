"""How a host acts as the user who asked it to: real tickets, from the KDC, for each migration.

The source logs on with its keytab, takes a ticket to itself in the user's name (S4U2Self), and
with it asks for one to the target's service (S4U2Proxy).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gssapi
from gssapi.raw import acquire_cred_from, store_cred_into
from gssapi.raw.misc import GSSError

from tests.lab.description import MIGRATION, Lab
from tests.lab.hosts.failures import NO_AUTHORITY, NO_CREDENTIALS, UNREACHABLE
from tests.lab.hosts.twins import NoDirectory, Twins
from tests.lab.s4u import KERBEROS, PRINCIPAL, Steps, Stopped

NO_SUCH_SERVICE = 7

Place = dict[bytes | str, bytes | str]
"""Where credentials lie, as gssapi wants it said."""


class NoTicket(Exception):
    """The KDC gives no ticket; ``hresult`` is what Windows makes of it."""

    def __init__(self, text: str, hresult: int) -> None:
        super().__init__(text)
        self.hresult = hresult


def refusal(why: Stopped) -> NoTicket:
    """Say what Windows makes of the KDC's answer."""
    if "Cannot contact any KDC" in why.text:
        return NoTicket(why.text, NO_AUTHORITY)
    return NoTicket(why.text, UNREACHABLE if why.code == NO_SUCH_SERVICE else NO_CREDENTIALS)


@dataclass(frozen=True)
class Opening:
    """A ticket that is about to be shown: the context, and the first token to the service."""

    context: gssapi.SecurityContext
    token: bytes


@dataclass(frozen=True)
class Delegation:
    """A host that may act for users; ``name`` is its label."""

    lab: Lab
    name: str
    twins: Twins

    @property
    def principal(self) -> str:
        """The host's own name in the realm."""
        return f"{self.name.upper()}$@{self.lab.realm}"

    def as_itself(self, target: str) -> Opening:
        """Begin to authenticate to a target's migration service as this host, not as a user.

        Raises:
            NoTicket: the KDC refuses, or does not answer.
        """
        try:
            itself = Steps().source(self.principal, str(self.lab.keytab(self.name)))
            return proxy(itself, f"{MIGRATION}/{target}@{self.lab.realm}", None)
        except Stopped as why:
            raise refusal(why) from why

    def to_migration_service(self, user: str, target: str) -> Opening:
        """Begin to authenticate to a target, as it is named, as a user.

        Raises:
            NoTicket: the KDC refuses.
        """
        service = f"{MIGRATION}/{target}"
        # The KDC decides on the presence of the real value, by way of its twin (see kdc.py).
        try:
            with self.twins.stand_in(service):
                return self.ticket(user, service)
        except NoDirectory as why:
            raise NoTicket(str(why), NO_AUTHORITY) from why

    @contextmanager
    def to_storage(self, user: str, target: str) -> Iterator[Path]:
        """Have a ticket to a target's SMB server, as it is named, as a user, in a file.

        Raises:
            NoTicket: the KDC refuses.
        """
        folder = self.lab.folder / "hosts" / self.name / "tickets"
        folder.mkdir(mode=0o700, exist_ok=True)
        cache = folder / os.urandom(8).hex()
        try:
            self.ticket(user, f"cifs/{target}", cache)
            yield cache
        finally:
            cache.unlink(missing_ok=True)

    def ticket(self, user: str, service: str, cache: Path | None = None) -> Opening:
        """Get a ticket for a user to a service.

        Raises:
            NoTicket: the KDC refuses.
        """
        try:
            own = Steps().s4u2self(self.principal, str(self.lab.keytab(self.name)), user)
            return proxy(own, f"{service}@{self.lab.realm}", cache)
        except Stopped as why:
            raise refusal(why) from why


def proxy(evidence: Any, service: str, cache: Path | None) -> Opening:
    """Ask for a ticket to a service on the ground of evidence; keep it in a file, or nowhere."""
    try:
        if cache is not None:
            place: Place = {b"ccache": f"FILE:{cache}".encode()}
            store_cred_into(place, evidence, usage="initiate", mech=KERBEROS, overwrite=True)
            got = acquire_cred_from(place, mechs=[KERBEROS], usage="initiate")
            evidence = gssapi.Credentials(base=got.creds)
        return opened(evidence, service)
    except GSSError as error:
        raise Stopped("s4u2proxy", error) from error


def opened(credentials: Any, service: str) -> Opening:
    """Begin to authenticate to a service; raises GSSError where the KDC gives no ticket."""
    context = gssapi.SecurityContext(
        name=gssapi.Name(service, PRINCIPAL),
        creds=credentials,
        usage="initiate",
        mech=KERBEROS,
        flags=gssapi.RequirementFlag.mutual_authentication | gssapi.RequirementFlag.integrity,
    )
    return Opening(context, context.step() or b"")
