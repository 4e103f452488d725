"""Two hosts asked about each other: what the links of ``explain`` at the hosts are made of."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from delegation.cli import terminal
from delegation.errors import CommandFailed, HostError
from delegation.explain.hosts import MIGRATION_PORT, SMB_PORT, DryRun, HostPair, Looked
from delegation.hyperv import fleet
from delegation.hyperv.machines import MoveOrder, VirtualMachine
from delegation.hyperv.seams import Hypervisor, Open
from delegation.inventory import Inventory
from delegation.migrate.moves.surveyed import Hosted, folder

T = TypeVar("T")


def look(
    inventory: Inventory, open_host: Open, source: str, target: str, machine: str | None = None
) -> HostPair:
    """Both hosts read; the ports and, for ``machine``, Compare-VM tried from the source."""
    answers = fleet.ask(open_host, [source, target], _hosted, terminal.Progress("hosts read:"))
    ends = [_looked(label, answers[label]) for label in (source, target)]
    if isinstance(answers[source], HostError):
        return HostPair(ends[0], ends[1])
    fqdn = inventory.hosts[target].fqdn
    ports = {
        port: _asked(open_host, source, partial(_reaches, fqdn, port))
        for port in (MIGRATION_PORT, SMB_PORT)
    }
    dry_run = None
    if machine is not None:
        dry_run = _dry_run(open_host, source, fqdn, answers[target], machine)
    return HostPair(ends[0], ends[1], ports, dry_run)


def _hosted(host: Hypervisor) -> Hosted:
    return Hosted(host.read(), tuple(host.machines()))


def _reaches(target: str, port: int, host: Hypervisor) -> bool:
    return host.reaches(target, port)


def _looked(label: str, answer: Hosted | HostError) -> Looked:
    if isinstance(answer, HostError):
        return Looked(label, error=answer)
    return Looked(label, answer.reading)


def _asked(open_host: Open, label: str, question: Callable[[Hypervisor], T]) -> T | HostError:
    return fleet.ask(open_host, [label], question)[label]


def _dry_run(
    open_host: Open, source: str, fqdn: str, target: Hosted | HostError, machine: str
) -> DryRun:
    if isinstance(target, HostError):
        return DryRun(machine, error=target)

    def compare(host: Hypervisor) -> DryRun:
        one = _named(host, machine)
        order = MoveOrder(one.id, one.name, fqdn, folder(target, one))
        return DryRun(one.name, host.compare(order))

    found = _asked(open_host, source, compare)
    return found if isinstance(found, DryRun) else DryRun(machine, error=found)


def _named(host: Hypervisor, machine: str) -> VirtualMachine:
    """The machine of that name or id. Raises CommandFailed where not exactly one is meant."""
    wanted = machine.casefold()
    named = [one for one in host.machines() if wanted in {one.name.casefold(), str(one.id)}]
    if len(named) == 1:
        return named[0]
    if named:
        ids = ", ".join(str(one.id) for one in named)
        raise CommandFailed(
            f"{machine} is {len(named)} machines on {host.fqdn}", f"name one: {ids}"
        )
    raise CommandFailed(f"{machine} is not on {host.fqdn}", "name a virtual machine of the source")
