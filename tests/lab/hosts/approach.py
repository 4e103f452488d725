"""The way from a source to a target: connection, tickets, and what Windows says where it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.hosts import channel
from tests.lab.hosts.channel import Channel, Lost
from tests.lab.hosts.failures import (
    NO_AUTHORITY,
    NO_CREDENTIALS,
    REFUSED,
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
from tests.lab.hosts.work import Failed, Work


@dataclass(frozen=True)
class Order:
    """What a caller wants: a machine moved to a target, as he names it, into a folder there.

    ``placed`` says instead where each of its files goes. ``planned``: the machine that was staged
    there becomes it. ``addresses``: those of the target that it may be reached at; none are all.
    """

    machine: Machine
    target: str
    storage: str
    placed: Machine | None = None
    planned: str = ""
    addresses: tuple[str, ...] = ()


class Approach:
    """The way of one order, for the caller of a job."""

    def __init__(self, host: Host, work: Work, order: Order) -> None:
        self.host, self.work, self.order = host, work, order

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
            Failed: there is none to be had.
        """
        machine, target = self.order.machine, self.order.target
        try:
            address = self.host.lab.host_address(self.label)
            self.reachable(address)
            connection = channel.connect(self.host.address, address)
        except Reason as reason:
            raise self.unconnected(reason.hresult) from reason
        try:
            if self.host.store.read().authentication != "Kerberos":
                # CredSSP passes on a local logon, and who calls from elsewhere has none.
                raise self.unconnected(NO_CREDENTIALS, not_authenticated())
            to_service = self.host.delegation.to_migration_service
            opening = to_service(self.work.user, target)
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

    def reachable(self, address: str) -> None:
        """Raise Reason if the order names addresses, and the target listens at none of them."""
        named = self.order.addresses
        if named and address not in named:
            raise Reason(f"No migration service listens at {', '.join(named)}", REFUSED)

    def unconnected(self, hresult: int, *more: str) -> Failed:
        """Say that there is no connection to the target."""
        first = no_connection(self.order.target, hresult)
        return at_source(self.order.machine, self.host.name, first, *more, hresult=hresult)

    @contextmanager
    def storage_ticket(self) -> Iterator[Path]:
        """Have a ticket to the target's SMB server, in a file.

        Raises:
            Reason: it is refused. The words are ours.
        """
        target = self.order.target
        to_storage = self.host.delegation.to_storage
        with ExitStack() as stack:
            try:
                ticket = stack.enter_context(to_storage(self.work.user, target))
            except NoTicket as refusal:
                text = f"Migration did not succeed. The storage of '{target}' cannot be written"
                raise Reason(text, refusal.hresult) from refusal
            yield ticket

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
