"""Two hosts -> a HostPair: each asked about itself, the source about its way to the target.

No more is asked than the links at the hosts need: whoever explains a pair may have no right to
more, and a large host takes a minute to list its virtual machines.
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
    """One host, asked no more than the links need: its VMs only by the name that is meant.

    ``failed`` is what it said instead of its settings; ``named`` is an error in place of VMs where
    it could not name them.
    """

    reading: HostReading | None
    failed: CommandFailed | None = None
    addresses: tuple[str, ...] | None = None
    named: tuple[VirtualMachine, ...] | CommandFailed = ()

    @property
    def vms(self) -> tuple[VirtualMachine, ...]:
        """Those of the name that was asked for. Raises CommandFailed with the host's own words."""
        if isinstance(self.named, CommandFailed):
            raise self.named
        return self.named


def ask_hosts(  # noqa: PLR0913, PLR0917 - whom, about what, and who hears how far it is
    inventory: Inventory,
    open_host: Open,
    source: str,
    target: str,
    vm: str | None = None,
    progress: fleet.Progress = lambda _done, _total: None,
) -> HostPair:
    """Both hosts read; the ports and, for ``vm``, Compare-VM tried from the source.

    Hosts that do not answer are told in what it gives; nothing is raised for them.
    """
    question = partial(_of_itself, vm)
    answers = fleet.ask(open_host, [source, target], question, progress)
    for answer in answers.values():
        # Without a ticket no host was asked: that is the logon's fault, and no link's.
        if isinstance(answer, NoHostTicket):
            return hosts_not_asked(source, target, answer, vm)
    here, there = answers[source], answers[target]
    ends = _end_of(source, here), _end_of(target, there)
    untried = None if vm is None else DryRun(vm)
    if isinstance(here, HostError):
        return HostPair(*ends, dry_run=untried)
    fqdn = inventory.hosts[target].fqdn
    ports = _ports(open_host, source, fqdn)
    if vm is None:
        return HostPair(*ends, ports)
    if isinstance(there, HostError) or not here.reading or not there.reading:
        return HostPair(*ends, ports, untried)
    try:
        namesake = _named_vm(vm, (source, here.vms), (target, there.vms))
        storage = folder(Hosted(there.reading, there.vms), namesake)
    except CommandFailed as exc:
        return HostPair(*ends, ports, DryRun(vm, error=exc))
    order = MoveOrder(namesake.id, namesake.name, fqdn, storage)
    return HostPair(*ends, ports, _compared(open_host, source, vm, order))


def hosts_not_asked(source: str, target: str, why: DelegationError, vm: str | None) -> HostPair:
    """A pair of which nothing is known, because nobody can log on to its hosts: ``why``."""
    dry_run = None if vm is None else DryRun(vm)
    return HostPair(Looked(source), Looked(target), dry_run=dry_run, unasked=why)


def _of_itself(vm: str | None, host: Hypervisor) -> HostAnswer:
    """A host's addresses, settings and VMs of that name, as far as it tells them."""
    answer = _answered(host.addresses)
    # A host that lists none has not told them: none at all would be a host that nobody reaches.
    addresses = None if isinstance(answer, CommandFailed) else answer or None
    reading = _answered(host.read)
    if isinstance(reading, CommandFailed):
        return HostAnswer(None, reading, addresses)
    named = () if vm is None else _answered(lambda: tuple(host.named(vm)))
    return HostAnswer(reading, addresses=addresses, named=named)


def _answered(question: Callable[[], T]) -> T | CommandFailed:
    """What a host says; that one thing fails there does not keep it from saying the rest."""
    try:
        return question()
    except CommandFailed as exc:
        return exc


def _end_of(label: str, answer: HostAnswer | HostError) -> Looked:
    if isinstance(answer, HostError):
        return Looked(label, error=answer)
    return Looked(label, answer.reading, answer.failed, answer.addresses)


def _ports(open_host: Open, source: str, target: str) -> Mapping[int, bool | HostError]:
    """Whether the source itself reaches the target: what is open from here proves nothing."""
    ports = (MIGRATION_PORT, SMB_PORT)
    return {port: _asked(open_host, source, partial(_reaches, target, port)) for port in ports}


def _reaches(target: str, port: int, host: Hypervisor) -> bool:
    return host.reaches(target, port)


def _compared(open_host: Open, source: str, vm: str, order: MoveOrder) -> DryRun:
    def compare(host: Hypervisor) -> DryRun:
        return DryRun(order.name, host.compare(order))

    answer = _asked(open_host, source, compare)
    return answer if isinstance(answer, DryRun) else DryRun(vm, error=answer)


def _asked(open_host: Open, label: str, question: Callable[[Hypervisor], T]) -> T | HostError:
    return fleet.ask(open_host, [label], question)[label]


NamedVms = tuple[str, tuple[VirtualMachine, ...]]
"""A host's label, and its VMs that are called so."""


def _named_vm(vm: str, source: NamedVms, target: NamedVms) -> VirtualMachine:
    """The source's VM of that name or id. Raises CommandFailed where it is not just one.

    Hyper-V lets several VMs have one name; their ids alone differ.
    """
    (here, on_source), (there, on_target) = source, target
    if len(on_source) == 1:
        return on_source[0]
    if on_source:
        ids = ", ".join(str(namesake.id) for namesake in on_source)
        raise CommandFailed(f"{vm} is {len(on_source)} machines on {here}", f"name one: {ids}")
    if on_target:
        fix = f"it can be moved from {there}: explain {there} {here}, with --vm"
        raise CommandFailed(f"{vm} is not on {here}, it is on {there}", fix)
    raise CommandFailed(
        f"{vm} is neither on {here} nor on {there}", f"name a virtual machine of {here}"
    )
