"""The product's connection to a host, to be told what to do in a process of its own."""

from __future__ import annotations

import threading
import time
from typing import Any

from delegation.errors import HostError
from delegation.hosts.cim import cim_link, host_identity, wql
from delegation.hosts.cim.cim_class import declare
from delegation.hosts.cim.cim_classes import CONCRETE_JOB, MIGRATION_SERVICE, MIGRATION_SETTINGS
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.cim_values import Embedded
from delegation.hosts.places import Account, Place
from delegation.hosts.winrm import link, wire

USUAL = link.ANSWER_SECONDS, link.GRACE_SECONDS, wire.CONNECT_SECONDS


class Client:
    """One connection, made when something is asked."""

    cim: Cim | None = None

    def renew(self, place: Place, account: Account) -> None:
        """Begin anew, as if nothing had been."""
        if self.cim is not None:
            self.cim.close()
        self.place, self.account, self.cim = place, account, None
        self.hurry(*USUAL)

    def hurry(self, answer: int = 1, grace: float = 1.0, connect: float = 1.0) -> None:
        """Take a host for hung sooner than in life."""
        link.ANSWER_SECONDS, link.GRACE_SECONDS = answer, grace
        wire.CONNECT_SECONDS = connect

    def opened(self) -> Cim:
        if self.cim is None:
            self.cim = Cim(cim_link.SealedWire(self.place, self.account))
        return self.cim

    def open(self) -> str:
        """The name that the host has of itself."""
        return host_identity.own_name(self.opened())

    def who(self) -> str:
        """Whom the host takes the caller for: the owner of a job that he has begun."""
        return self.opened().get(CONCRETE_JOB, self.change()).text("Owner")

    def change(self) -> Reference:
        """Begin a job, by settings as they are: they are sent once."""
        cim = self.opened()
        now = cim.only(wql.every(MIGRATION_SETTINGS))
        job = cim.change(
            Reference.service(MIGRATION_SERVICE),
            MIGRATION_SERVICE,
            "ModifyServiceSettings",
            ServiceSettingData=Embedded(MIGRATION_SETTINGS, now.written()),
        )
        assert job
        return job

    def fail(self) -> None:
        """Ask for what is not there."""
        self.opened().query(wql.every(declare("Msvm_Forbidden", "")))

    def lost(self) -> bool:
        return self.opened().wire.lost

    def close(self) -> None:
        self.opened().close()

    def timed(self, method: str, *arguments: Any) -> tuple[HostError | None, float]:
        """The error that a method ends with, and in how many seconds."""
        start = time.monotonic()
        try:
            getattr(self, method)(*arguments)
        except HostError as exc:
            return exc, time.monotonic() - start
        return None, time.monotonic() - start

    def from_another_thread(self) -> str:
        """What comes of a connection's use by a thread that has not opened it."""
        said: list[str] = []
        self.opened()

        def use() -> None:
            try:
                self.open()
            except AssertionError as exc:
                said.append(str(exc))

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
        return "".join(said)
