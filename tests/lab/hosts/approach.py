"""The way from a source to a target: connection, tickets, and what Windows says where it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.hosts import channel
from tests.lab.hosts.channel import Channel, Lost
from tests.lab.hosts.failures import (
    NO_AUTHORITY,
    NO_CREDENTIALS,
    RESET,
    Reason,
    RefusedThere,
    at_source,
    described,
    failed,
    no_connection,
    not_authenticated,
)
from tests.lab.hosts.host import Host, label_of
from tests.lab.hosts.state import Machine
from tests.lab.hosts.storage import Server
from tests.lab.hosts.tickets import NoTicket
from tests.lab.hosts.twins import NoDirectory
from tests.lab.wsman import CmdletError, Runtime


@dataclass(frozen=True)
class Order:
    """What a caller wants: a machine moved to a target, as he names it, into a folder there."""

    machine: Machine
    target: str
    storage: str

    @property
    def activity(self) -> str:
        """What progress is shown of."""
        return f"Moving virtual machine '{self.machine.name}'"


class Approach:
    """The way of one order, for the caller of a cmdlet."""

    def __init__(self, host: Host, runtime: Runtime, order: Order) -> None:
        self.host, self.runtime, self.order = host, runtime, order

    @property
    def label(self) -> str:
        """The target's label; raise Reason if nobody knows it."""
        return label_of(self.order.target)

    @property
    def storage(self) -> Server:
        """The target's SMB server."""
        address = self.host.lab.host_address(self.label)
        return Server(self.host.address, address, self.order.target)

    @contextmanager
    def connected(self) -> Iterator[Channel]:
        """Have an authenticated connection to the target's migration service.

        Raises:
            CmdletError: there is none to be had.
        """
        machine, target, runtime = self.order.machine, self.order.target, self.runtime
        try:
            address = self.host.lab.host_address(self.label)
            connection = channel.connect(self.host.address, address)
        except Reason as reason:
            raise self.unconnected(reason.hresult) from reason
        try:
            if self.host.store.read().authentication != "Kerberos":
                # CredSSP passes on a local logon, and who calls from elsewhere has none.
                raise self.unconnected(NO_CREDENTIALS, not_authenticated())
            to_service = self.host.delegation.to_migration_service
            opening = to_service(runtime.user, runtime.evidence, target)
            yield channel.authenticate(connection, opening)
        except NoTicket as refusal:
            error = self.unconnected(refusal.hresult, not_authenticated())
            raise error from refusal
        except NoDirectory as why:
            raise self.unconnected(NO_AUTHORITY, not_authenticated()) from why
        except Lost as lost:
            raise at_source(
                machine,
                self.host.name,
                f"Failed to receive data for a Virtual Machine migration: {described(RESET)}.",
                hresult=RESET,
            ) from lost
        finally:
            connection.close()

    def unconnected(self, hresult: int, *more: str) -> CmdletError:
        """Say that there is no connection to the target."""
        first = no_connection(self.order.target, hresult)
        return at_source(self.order.machine, self.host.name, first, *more, hresult=hresult)

    def storage_ticket(self) -> AbstractContextManager[Path]:
        """Have a ticket to the target's SMB server, in a file; NoTicket if it is refused."""
        runtime = self.runtime
        to_storage = self.host.delegation.to_storage
        return to_storage(runtime.user, runtime.evidence, self.order.target)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Let what fails be an error of Hyper-V's kind."""
        machine, source = self.order.machine, self.host.name
        try:
            yield
        except RefusedThere as reason:
            text, code = f"{reason}.", reason.hresult
            raise failed(machine, "destination", self.label, text, hresult=code) from reason
        except Reason as reason:
            raise at_source(machine, source, f"{reason}.", hresult=reason.hresult) from reason
