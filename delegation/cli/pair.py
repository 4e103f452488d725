"""Two hosts asked about each other: what the links of ``explain`` at the hosts are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from delegation.cli import terminal
from delegation.errors import CommandFailed, DelegationError, HostError, NoHostTicket
from delegation.explain.host_links import MIGRATION_PORT, SMB_PORT, DryRun, HostPair, Looked
from delegation.hosts import fleet
from delegation.hosts.hosted import Hosted, folder
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.hosts.machines import HostReading, MoveOrder, VirtualMachine
from delegation.inventory import Inventory

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen:
    """One host, asked no more than the links need: its machines only by the name that is meant.

    ``failed`` is what it said instead of its settings; ``named`` an error, instead of machines.
    """

    reading: HostReading | None
    failed: CommandFailed | None = None
    addresses: tuple[str, ...] | None = None
    named: tuple[VirtualMachine, ...] | CommandFailed = ()

    @property
    def machines(self) -> tuple[VirtualMachine, ...]:
        """Raises CommandFailed."""
        if isinstance(self.named, CommandFailed):
            raise self.named
        return self.named


def look(
    inventory: Inventory, open_host: Open, source: str, target: str, machine: str | None = None
) -> HostPair:
    """Both hosts read; the ports and, for ``machine``, Compare-VM tried from the source."""
    answers = fleet.ask(
        open_host, [source, target], partial(_seen, machine), terminal.Progress("hosts read:")
    )
    for answer in answers.values():
        if isinstance(answer, NoHostTicket):
            return not_asked(source, target, answer, machine)
    here, there = answers[source], answers[target]
    ends = _looked(source, here), _looked(target, there)
    dry_run = None if machine is None else DryRun(machine)
    if isinstance(here, HostError):
        return HostPair(*ends, dry_run=dry_run)
    fqdn = inventory.hosts[target].fqdn
    ports = {
        port: _asked(open_host, source, partial(_reaches, fqdn, port))
        for port in (MIGRATION_PORT, SMB_PORT)
    }
    if machine is not None and not isinstance(there, HostError) and here.reading and there.reading:
        try:
            one = _meant(machine, (source, here.machines), (target, there.machines))
        except CommandFailed as exc:
            dry_run = DryRun(machine, error=exc)
        else:
            storage = folder(Hosted(there.reading, there.machines), one)
            order = MoveOrder(one.id, one.name, fqdn, storage)
            said = _asked(open_host, source, partial(_compared, order))
            dry_run = said if isinstance(said, DryRun) else DryRun(machine, error=said)
    return HostPair(*ends, ports, dry_run)


def not_asked(source: str, target: str, why: DelegationError, machine: str | None) -> HostPair:
    """The same where nobody can log on to the hosts."""
    dry_run = None if machine is None else DryRun(machine)
    return HostPair(Looked(source), Looked(target), dry_run=dry_run, unasked=why)


def _seen(machine: str | None, host: Hypervisor) -> Seen:
    addresses = _answered(host.addresses)
    known = None if isinstance(addresses, CommandFailed) else addresses or None
    reading = _answered(host.read)
    if isinstance(reading, CommandFailed):
        return Seen(None, reading, known)
    named = () if machine is None else _answered(lambda: tuple(host.named(machine)))
    return Seen(reading, addresses=known, named=named)


def _answered(question: Callable[[], T]) -> T | CommandFailed:
    """What a host says; that one thing fails there does not keep it from saying the rest."""
    try:
        return question()
    except CommandFailed as exc:
        return exc


def _reaches(target: str, port: int, host: Hypervisor) -> bool:
    return host.reaches(target, port)


def _compared(order: MoveOrder, host: Hypervisor) -> DryRun:
    return DryRun(order.name, host.compare(order))


def _looked(label: str, answer: Seen | HostError) -> Looked:
    if isinstance(answer, HostError):
        return Looked(label, error=answer)
    return Looked(label, answer.reading, answer.failed, answer.addresses)


def _asked(open_host: Open, label: str, question: Callable[[Hypervisor], T]) -> T | HostError:
    return fleet.ask(open_host, [label], question)[label]


Named = tuple[str, tuple[VirtualMachine, ...]]
"""A host's label, and its machines that are called so."""


def _meant(machine: str, source: Named, target: Named) -> VirtualMachine:
    """The source's machine of that name or id. Raises CommandFailed where it is not just one."""
    (here, ours), (there, theirs) = source, target
    if len(ours) == 1:
        return ours[0]
    if ours:
        ids = ", ".join(str(one.id) for one in ours)
        raise CommandFailed(f"{machine} is {len(ours)} machines on {here}", f"name one: {ids}")
    if theirs:
        fix = f"it can be moved from {there}: explain {there} {here}, with --vm"
        raise CommandFailed(f"{machine} is not on {here}, it is on {there}", fix)
    raise CommandFailed(
        f"{machine} is neither on {here} nor on {there}", f"name a virtual machine of {here}"
    )
