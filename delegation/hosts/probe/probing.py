"""Two hosts -> a ProbeView: both asked what only real hosts can tell, and nothing changed there."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from delegation.errors import CimFailed, DelegationError, HostError, UsageError
from delegation.events import Remark, Teller
from delegation.hosts import fleet
from delegation.hosts.cim import host_identity
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_faults import AccessRefused
from delegation.hosts.cim.machine_list import is_named, read_machines
from delegation.hosts.cim.told import NotTold
from delegation.hosts.crew import Limits
from delegation.hosts.machines import VirtualMachine
from delegation.hosts.probe import probe_questions
from delegation.hosts.probe.checked_ways import CheckedEnds, ask_ways
from delegation.hosts.probe.probe_facts import Fact, Probed, refused
from delegation.hosts.probe.probe_questions import QUESTIONS, ProbeAnswer
from delegation.hosts.probe.probe_view import HostProbe, ProbeStep, ProbeView
from delegation.hosts.probe.request_ways import WAYS
from delegation.inventory import Host, Inventory

SECONDS = 900.0
"""For all questions to one host; each has an end of its own, which comes sooner."""

OpenCim = Callable[[str], Cim]
"""Opens the WMI of the host of that label, for the calling thread; nothing is asked of it yet."""


class ProbeWorld(Protocol):
    """What is needed to ask hosts without changing any."""

    @property
    def inventory(self) -> Inventory: ...

    @property
    def teller(self) -> Teller: ...

    def cim(self) -> OpenCim:
        """Opens the hosts' WMI."""


def probe_pair(
    world: ProbeWorld, source: str, target: str, checked: Sequence[str] = ()
) -> ProbeView:
    """Ask both hosts at once, then the source to check these of its VMs, which are not moved.

    Raises UsageError where they are not two hosts of the inventory. Where the source has no such
    VM, or a host is lost on the way, that is the view's ``trouble``.
    """
    ends = [_host(world.inventory, label) for label in (source, target)]
    if ends[0].label == ends[1].label:
        raise UsageError(f"{source} and {target} are the same host", "name two")
    computers = {host.label: host.computer for host in ends}
    open_cim = world.cim()
    labels = " and ".join(computers)
    world.teller.say(Remark(f"asking {labels}: {len(probe_questions.QUESTIONS)} questions to each"))

    def opened(label: str) -> _Asked:
        return _Asked(open_cim(label), computers[label])

    answers = fleet.ask(
        opened, computers, _Asked.answers, world.teller.progress("hosts asked:"), Limits(2, SECONDS)
    )
    found = [_probe(host, answers[host.label]) for host in ends]
    view = ProbeView(world.inventory.domain, world.inventory.remoting.user, found[0], found[1])
    if not checked or not all(host.was_asked for host in view.hosts):
        return view
    return _with_checks(world, view, checked)


def _with_checks(world: ProbeWorld, view: ProbeView, wanted: Sequence[str]) -> ProbeView:
    steps: list[ProbeStep] = []
    trouble: DelegationError | None = None
    try:
        with _both_ends(world, view.source.label, view.target.label) as ends:
            machines = [_machine(ends, name) for name in wanted]
            for machine in machines:
                steps.append(_checked(world, ends, machine))
    except DelegationError as exc:
        # What was learnt by then is worth as much as ever.
        trouble = exc
    return replace(view, steps=tuple(steps), machines=tuple(wanted), trouble=trouble)


def check_ways(world: ProbeWorld, ends: tuple[str, str], machine: UUID, storage: str) -> ProbeStep:
    """The same with one VM that is known, and the folder that it would get.

    What its hosts refuse is told in place of it. Raises HostError where one does not answer.
    """
    try:
        with _both_ends(world, *ends) as connected:
            return _checked(world, connected, _machine(connected, str(machine)), storage)
    except (CimFailed, AccessRefused, UsageError) as exc:
        return ProbeStep("ways", {"not_checked": exc.what})


def _checked(
    world: ProbeWorld, ends: CheckedEnds, machine: VirtualMachine, storage: str = ""
) -> ProbeStep:
    world.teller.say(Remark(f"checking {machine.name}, not moved: {len(WAYS)} checks at most"))
    return ProbeStep("ways", ask_ways(ends, machine, storage))


@contextmanager
def _both_ends(world: ProbeWorld, source: str, target: str) -> Iterator[CheckedEnds]:
    """Connections to both, in this thread: a check's traces are looked for at the other end."""
    open_cim = world.cim()
    hosts = world.inventory.hosts
    with closing(open_cim(source)) as from_here, closing(open_cim(target)) as to_there:
        host_identity.recognise(from_here, hosts[source].computer)
        host_identity.recognise(to_there, hosts[target].computer)
        yield CheckedEnds(from_here, to_there, hosts[target].fqdn)


def _machine(ends: CheckedEnds, name: str) -> VirtualMachine:
    """The one of that name, or id, on the source. Raises UsageError, and HostError."""
    found = read_machines(ends.source, is_named(name))
    if isinstance(found, NotTold):
        untold = f"{ends.source.host} does not tell its machines: {found.why}"
        raise found.error or CimFailed(untold)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{len(found)} machines of {ends.source.host} are called {name}", "name one by its id"
        )
    raise UsageError(f"{ends.source.host} has no machine {name}", "name one of the source")


def ask_again(world: ProbeWorld, labels: Iterable[str], keys: Collection[str]) -> dict[str, Fact]:
    """Some of the questions once more, of hosts that have answered before: facts by label."""
    open_cim = world.cim()
    computers = {label: world.inventory.hosts[label].computer for label in labels}

    def opened(label: str) -> _Asked:
        return _Asked(open_cim(label), computers[label], keys)

    answers = fleet.ask(opened, computers, _Asked.answers, limits=Limits(2, SECONDS))
    return {label: _as_facts(found) for label, found in answers.items()}


def _as_facts(found: tuple[ProbeAnswer, ...] | HostError) -> Fact:
    if isinstance(found, HostError):
        return refused(found)
    return {one.key: refused(one.error) if one.error else one.facts for one in found}


class _Asked:
    """One host while it is asked."""

    def __init__(self, cim: Cim, computer: str, keys: Collection[str] = QUESTIONS) -> None:
        self._cim = cim
        self._computer = computer
        self._keys = keys

    def answers(self) -> tuple[ProbeAnswer, ...]:
        probed = Probed(self._cim, self._computer)
        return probe_questions.answers(probed, self._keys)

    def close(self) -> None:
        self._cim.close()


def _probe(host: Host, found: tuple[ProbeAnswer, ...] | HostError) -> HostProbe:
    if isinstance(found, HostError):
        return HostProbe(host.label, host.computer, host.fqdn, (), found)
    return HostProbe(host.label, host.computer, host.fqdn, found)


def _host(inventory: Inventory, name: str) -> Host:
    """By label, account name or FQDN, as elsewhere. Raises UsageError."""
    folded = name.casefold().removesuffix("$")
    for host in inventory.hosts.values():
        if folded in {host.label.casefold(), host.computer.casefold(), host.fqdn.casefold()}:
            return host
    raise UsageError(
        f"{name} is not a host of the inventory", "name two hosts that it has, or add this one"
    )
