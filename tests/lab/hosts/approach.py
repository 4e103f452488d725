"""The way from a source to a target: connection, tickets, and what Windows says where it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.lab.hosts import channel
from tests.lab.hosts.channel import Channel, Lost
from tests.lab.hosts.failures import (
    NO_CREDENTIALS,
    REFUSED,
    RESET,
    Failed,
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
from tests.lab.hosts.tickets import NoTicket


@dataclass(frozen=True)
class Order:
    """What a caller wants: a machine moved to a target, as he names it.

    ``placed`` is the machine as it will lie there. ``planned``: the machine that was staged there
    becomes it. ``addresses``: those of the target that it may be reached at; none are all.
    """

    machine: Machine
    target: str
    placed: Machine
    planned: str = ""
    addresses: tuple[str, ...] = ()


@contextmanager
def connected(host: Host, user: str, order: Order) -> Iterator[Channel]:
    """Have a connection to the target's migration service, authenticated as a user.

    Raises:
        Failed: there is none to be had.
    """

    def unconnected(hresult: int, *more: str) -> Failed:
        first = no_connection(order.target, hresult)
        return at_source(order.machine, host.name, first, *more, hresult=hresult)

    try:
        connection = channel.connect(host.address, address_for(host, order))
    except Reason as reason:
        raise unconnected(reason.hresult) from reason
    with connection:
        try:
            if host.state.authentication != "Kerberos":
                # CredSSP passes on a local logon, and who calls from elsewhere has none.
                raise unconnected(NO_CREDENTIALS, not_authenticated())
            opening = host.delegation.to_migration_service(user, order.target)
            yield channel.authenticate(connection, opening)
        except NoTicket as refusal:
            raise unconnected(refusal.hresult, not_authenticated()) from refusal
        except Lost as lost:
            text = f"Failed to receive data for a Virtual Machine migration: {described(RESET)}."
            raise at_source(order.machine, host.name, text, hresult=RESET) from lost


def address_for(host: Host, order: Order) -> str:
    """Give the target's address; raise Reason if nobody knows it, or the order names others."""
    address = host.lab.host_address(label_of(order.target))
    if order.addresses and address not in order.addresses:
        raise Reason(f"No migration service listens at {', '.join(order.addresses)}", REFUSED)
    return address


@contextmanager
def explained(host: Host, order: Order) -> Iterator[None]:
    """Let what fails be an error of Hyper-V's kind."""
    machine = order.machine
    try:
        yield
    except RefusedThere as reason:
        text, there = f"{reason}.", label_of(order.target)
        raise failed(machine, "destination", there, text, hresult=reason.hresult) from reason
    except Reason as reason:
        raise at_source(machine, host.name, f"{reason}.", hresult=reason.hresult) from reason
