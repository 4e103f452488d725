"""The product's connection to a host, to be told what to do in a process of its own."""

from __future__ import annotations

import threading
import time
from typing import Any

from delegation.errors import HostError
from delegation.hosts import settings
from delegation.hosts.cim import cim_link, host_identity, migration_service, wql
from delegation.hosts.cim.cim_class import CimClass
from delegation.hosts.cim.cim_classes import CONCRETE_JOB, MIGRATION_SETTINGS
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.settings_changed import change_setting
from delegation.hosts.places import Account, Place
from delegation.hosts.settings import HostSetting
from delegation.hosts.winrm import link, wire

USUAL = cim_link.ANSWER_SECONDS, link.GRACE_SECONDS, wire.CONNECT_SECONDS


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
        cim_link.ANSWER_SECONDS, link.GRACE_SECONDS = answer, grace
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
        cim = self.opened()
        with Watched(cim) as begun:
            change_setting(cim, HostSetting(settings.MIGRATIONS, 2), at(cim))
        [job] = begun
        return cim.get(CONCRETE_JOB, job).text("Owner")

    def change(self) -> None:
        """Change something, which is to be sent once."""
        cim = self.opened()
        change_setting(cim, HostSetting(settings.MIGRATIONS, 2), at(cim))

    def ask_for_what_is_not_there(self) -> None:
        self.opened().query(wql.every(CimClass("Msvm_Nonsense", MIGRATION_SETTINGS.namespace, {})))

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


def at(cim: Cim) -> HostSetting:
    """The limit of migrations as it is: to set it once more changes nothing."""
    now = migration_service.read_settings(cim)
    return HostSetting(settings.MIGRATIONS, now[settings.MIGRATIONS])


class Watched:
    """Which jobs changes begin."""

    def __init__(self, cim: Cim) -> None:
        self.cim, self.jobs = cim, list[Reference]()

    def __enter__(self) -> list[Reference]:
        change = self.cim.change

        def noted(*arguments: Any, **named: Any) -> Reference | None:
            begun = change(*arguments, **named)
            if begun is not None:
                self.jobs.append(begun)
            return begun

        self.cim.change = noted  # type: ignore[method-assign]
        return self.jobs

    def __exit__(self, *_: object) -> None:
        del self.cim.change  # type: ignore[method-assign]
