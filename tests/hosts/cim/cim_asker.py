"""The product's CIM client, to be told what to do in a process of its own: ``elsewhere``."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from delegation.hosts.cim import (
    cim_jobs,
    disk_files,
    host_identity,
    machine_list,
    migration_service,
    surroundings,
)
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_link import SealedWire
from delegation.hosts.places import Account, Place
from delegation.hosts.probe import probe_questions
from delegation.hosts.probe.probe_facts import Probed

ASKED: dict[str, Callable[..., Any]] = {
    name: getattr(module, name)
    for module in (
        host_identity,
        migration_service,
        machine_list,
        disk_files,
        cim_jobs,
        surroundings,
    )
    for name in dir(module)
    if name.startswith("read_") or name in {"own_name", "recognise", "free_memory"}
}


class CimAsker:
    """One host over one connection."""

    def renew(self, place: Place, account: Account) -> None:
        self.wire = SealedWire(place, account)
        self.cim = Cim(self.wire)

    def ask(self, name: str, *arguments: Any) -> Any:
        return ASKED[name](self.cim, *arguments)

    def trips(self) -> int:
        return self.cim.trips

    def answers(self, computer: str) -> Any:
        """What a probe is told, errors as their texts."""
        found = probe_questions.answers(Probed(self.cim, computer))
        return [
            (
                one.key,
                one.facts,
                one.error and (type(one.error).__name__, one.error.what, one.error.details),
            )
            for one in found
        ]

    def cut(self) -> None:
        """Let the connection end as a host ends one that is idle."""
        handle = self.wire._link.line._handle
        assert handle
        handle.shutdown(socket.SHUT_RDWR)
