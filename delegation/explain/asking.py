"""Two hosts -> a HostPair: each asked about itself, the source about its way to the target.

No more is asked than the links at the hosts need: whoever explains a pair may have no right to
more, and a large host takes a minute to list its virtual machines.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from delegation.errors import (
    CommandFailed,
    DelegationError,
    HostError,
    MachinesNotTold,
    NoHostTicket,
)
from delegation.explain.host_pair import DryRun, HostPair, Looked
from delegation.hosts import fleet
from delegation.hosts.hosted import Hosted, folder
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.hosts.machines import HostReading, Incompatibility, MoveOrder, VirtualMachine
from delegation.inventory import Inventory

T = TypeVar("T")

CANNOT_TELL = (CommandFailed, MachinesNotTold)
"""What a host says in place of an answer; whatever else comes is no answer of its own."""


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """One host, asked no more than the links need: its VMs only by the name that is meant.

    ``failed`` is what it said instead of its settings; ``named`` is an error in place of VMs where
    it could not name them.
    """

    reading: HostReading | None
    failed: HostError | None = None
    addresses: tuple[str, ...] | None = None
    named: tuple[VirtualMachine, ...] | HostError = ()

    @property
    def vms(self) -> tuple[VirtualMachine, ...]:
        """Those of the name that was asked for. Raises HostError with the host's own words."""
        if isinstance(self.named, HostError):
            raise self.named
        return self.named


def ask_hosts(  # noqa: PLR0913, PLR0917 - whom, about what, and who hears how far it is
    inventory: Inventory,
    open_host: Open,
    source: str,
    target: str,
    vm: str | None = None,
    progress: fleet.Progress = lambda _done, _total: None,
    *,
    with_checkpoints: bool = False,
) -> HostPair:
    """Both hosts read and, for ``vm``, the source's own check of it.

    One that has checkpoints or differencing disks is checked only ``with_checkpoints``.

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
    if vm is None:
        return HostPair(*ends)
    if isinstance(here, HostError) or isinstance(there, HostError):
        return HostPair(*ends, DryRun(vm))
    if not here.reading or not there.reading:
        return HostPair(*ends, DryRun(vm))
    try:
        namesake = _named_vm(vm, (source, here.vms), (target, there.vms))
        storage = folder(Hosted(there.reading, there.vms), namesake)
    except CANNOT_TELL as exc:
        return HostPair(*ends, DryRun(vm, error=exc))
    order = MoveOrder(
        namesake.id,
        namesake.name,
        inventory.hosts[target].fqdn,
        storage,
        with_checkpoints=with_checkpoints,
    )
    return HostPair(*ends, _checked(open_host, (source, target), order))


def hosts_not_asked(source: str, target: str, why: DelegationError, vm: str | None) -> HostPair:
    """A pair of which nothing is known, because nobody can log on to its hosts: ``why``."""
    dry_run = None if vm is None else DryRun(vm)
    return HostPair(Looked(source), Looked(target), dry_run=dry_run, unasked=why)


def _of_itself(vm: str | None, host: Hypervisor) -> HostAnswer:
    """A host's addresses, settings and VMs of that name, as far as it tells them."""
    answer = _answered(host.addresses)
    # A host that lists none has not told them: none at all would be a host that nobody reaches.
    addresses = None if isinstance(answer, HostError) else answer or None
    reading = _answered(host.read)
    if isinstance(reading, HostError):
        return HostAnswer(None, reading, addresses)
    named = () if vm is None else _answered(lambda: tuple(host.named(vm)))
    return HostAnswer(reading, addresses=addresses, named=named)


def _answered(question: Callable[[], T]) -> T | HostError:
    """What a host says; that one thing fails there does not keep it from saying the rest."""
    try:
        return question()
    except CANNOT_TELL as exc:
        return exc


def _end_of(label: str, answer: HostAnswer | HostError) -> Looked:
    if isinstance(answer, HostError):
        return Looked(label, error=answer)
    return Looked(label, answer.reading, answer.failed, answer.addresses)


def _checked(open_host: Open, ends: tuple[str, str], order: MoveOrder) -> DryRun:
    """The target as it is, over our own connection to it, and then the source's check."""
    source, target = ends
    landing = _asked(open_host, target, lambda host: host.landing(order.machine))
    if isinstance(landing, HostError):
        return DryRun(order.name, error=landing)

    def check(host: Hypervisor) -> tuple[Incompatibility, ...]:
        return host.check(replace(order, landing=landing))

    reasons = _asked(open_host, source, check)
    if isinstance(reasons, HostError):
        return DryRun(order.name, error=reasons)
    return DryRun(order.name, reasons)


def _asked(open_host: Open, label: str, question: Callable[[Hypervisor], T]) -> T | HostError:
    return fleet.ask(open_host, [label], question, limits=fleet.PATIENT)[label]


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
