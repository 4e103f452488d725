"""Two hosts -> a HostPair: each asked about itself, the source about its way to the target.

No more is asked than the links at the hosts need: whoever explains a pair may have no right to
more, and a large host takes a minute to list its machines.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from delegation.errors import CommandFailed, DelegationError, HostError, NoHostTicket
from delegation.explain.host_links import MIGRATION_PORT, SMB_PORT, DryRun, HostPair, Looked
from delegation.hosts import fleet
from delegation.hosts.hosted import Hosted, folder
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.hosts.machines import HostReading, MoveOrder, VirtualMachine
from delegation.inventory import Inventory

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HostAnswer:
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


def ask_hosts(  # noqa: PLR0913, PLR0917 - whom, about what, and who hears how far it is
    inventory: Inventory,
    open_host: Open,
    source: str,
    target: str,
    machine: str | None = None,
    progress: fleet.Progress = lambda _done, _total: None,
) -> HostPair:
    """Both hosts read; the ports and, for ``machine``, Compare-VM tried from the source.

    Hosts that do not answer are told in what it gives; nothing is raised for them.
    """
    question = partial(_of_itself, machine)
    answers = fleet.ask(open_host, [source, target], question, progress)
    for answer in answers.values():
        # Without a ticket no host was asked: that is the logon's fault, and no link's.
        if isinstance(answer, NoHostTicket):
            return hosts_not_asked(source, target, answer, machine)
    here, there = answers[source], answers[target]
    ends = _looked(source, here), _looked(target, there)
    if isinstance(here, HostError):
        return HostPair(*ends, dry_run=None if machine is None else DryRun(machine))
    fqdn = inventory.hosts[target].fqdn
    ports = _ports(open_host, source, fqdn)
    if machine is None:
        return HostPair(*ends, ports)
    if isinstance(there, HostError) or not here.reading or not there.reading:
        return HostPair(*ends, ports, DryRun(machine))
    try:
        meant = _meant_machine(machine, (source, here.machines), (target, there.machines))
        storage = folder(Hosted(there.reading, tuple(there.machines)), meant)
    except CommandFailed as exc:
        return HostPair(*ends, ports, DryRun(machine, error=exc))
    order = MoveOrder(meant.id, meant.name, fqdn, storage)
    return HostPair(*ends, ports, _compared(open_host, source, machine, order))


def hosts_not_asked(
    source: str, target: str, why: DelegationError, machine: str | None
) -> HostPair:
    """The same where nobody can log on to the hosts."""
    dry_run = None if machine is None else DryRun(machine)
    return HostPair(Looked(source), Looked(target), dry_run=dry_run, unasked=why)


def _of_itself(machine: str | None, host: Hypervisor) -> HostAnswer:
    addresses = _answered(host.addresses)
    known = None if isinstance(addresses, CommandFailed) else addresses or None
    reading = _answered(host.read)
    if isinstance(reading, CommandFailed):
        return HostAnswer(None, reading, known)
    named = () if machine is None else _answered(lambda: tuple(host.named(machine)))
    return HostAnswer(reading, addresses=known, named=named)


def _answered(question: Callable[[], T]) -> T | CommandFailed:
    """What a host says; that one thing fails there does not keep it from saying the rest."""
    try:
        return question()
    except CommandFailed as exc:
        return exc


def _looked(label: str, answer: HostAnswer | HostError) -> Looked:
    if isinstance(answer, HostError):
        return Looked(label, error=answer)
    return Looked(label, answer.reading, answer.failed, answer.addresses)


def _ports(open_host: Open, source: str, target: str) -> Mapping[int, bool | HostError]:
    """Whether the source itself reaches the target: what is open from here proves nothing."""
    ports = (MIGRATION_PORT, SMB_PORT)
    return {port: _asked(open_host, source, partial(_reaches, target, port)) for port in ports}


def _reaches(target: str, port: int, host: Hypervisor) -> bool:
    return host.reaches(target, port)


def _compared(open_host: Open, source: str, machine: str, order: MoveOrder) -> DryRun:
    def compare(host: Hypervisor) -> DryRun:
        return DryRun(order.name, host.compare(order))

    answer = _asked(open_host, source, compare)
    return answer if isinstance(answer, DryRun) else DryRun(machine, error=answer)


def _asked(open_host: Open, label: str, question: Callable[[Hypervisor], T]) -> T | HostError:
    return fleet.ask(open_host, [label], question)[label]


NamedMachines = tuple[str, tuple[VirtualMachine, ...]]
"""A host's label, and its machines that are called so."""


def _meant_machine(machine: str, source: NamedMachines, target: NamedMachines) -> VirtualMachine:
    """The source's machine of that name or id. Raises CommandFailed where it is not just one."""
    (here, ours), (there, theirs) = source, target
    if len(ours) == 1:
        return ours[0]
    if ours:
        ids = ", ".join(str(namesake.id) for namesake in ours)
        raise CommandFailed(f"{machine} is {len(ours)} machines on {here}", f"name one: {ids}")
    if theirs:
        fix = f"it can be moved from {there}: explain {there} {here}, with --vm"
        raise CommandFailed(f"{machine} is not on {here}, it is on {there}", fix)
    raise CommandFailed(
        f"{machine} is neither on {here} nor on {there}", f"name a virtual machine of {here}"
    )
