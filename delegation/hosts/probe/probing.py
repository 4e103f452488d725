"""Two hosts -> a ProbeView: both asked what only real hosts can tell, and nothing changed there."""

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

from delegation.errors import HostError, UsageError
from delegation.events import Remark, Teller
from delegation.hosts import fleet
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.crew import Limits
from delegation.hosts.probe import probe_questions
from delegation.hosts.probe.probe_facts import Fact, Probed, refused
from delegation.hosts.probe.probe_questions import QUESTIONS, ProbeAnswer
from delegation.hosts.probe.probe_view import HostProbe, ProbeView
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


def probe_pair(world: ProbeWorld, source: str, target: str) -> ProbeView:
    """Ask both hosts at once. Raises UsageError where they are not two hosts of the inventory."""
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
    return ProbeView(world.inventory.domain, world.inventory.remoting.user, found[0], found[1])


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
