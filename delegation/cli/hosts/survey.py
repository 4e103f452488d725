"""The hosts read, many at a time, and judged against the inventory: for every ``hosts`` command."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from delegation.changes.journal import Journal
from delegation.cli import options, runs, terminal, wiring
from delegation.errors import DelegationError, HostError
from delegation.hosts import fleet, settings_plan
from delegation.hosts.fleet import HostSettingsChanger
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.hosts.machines import HostReading
from delegation.hosts.settings import HOST_SETTINGS, SettingChange
from delegation.hosts.settings_plan import KERBEROS_BEFORE_MESH, HostsPlan, Proposal
from delegation.inventory import Inventory
from delegation.mesh import survey
from delegation.wiring import today

READ = "hosts read:"
"""What the progress of reading is called."""


@dataclass(frozen=True, slots=True)
class Survey:
    """The hosts that could be read, why others could not, and what is to be done."""

    readings: Mapping[str, HostReading]
    unreachable: Mapping[str, HostError]
    proposal: Proposal

    @property
    def plan(self) -> HostsPlan:
        return self.proposal.plan


def identity(inventory: Inventory) -> str:
    """What runs on the hosts are recorded against."""
    return f"hosts:{inventory.domain.casefold()}"


def in_scope(inventory: Inventory, limit: str | None) -> list[str]:
    """The labels that ``limit`` means, or all. Raises UsageError for unknown ones."""
    scope = survey.limited(limit, inventory)
    return [label for label in inventory.hosts if scope is None or label in scope]


def managed(inventory: Inventory, labels: Iterable[str]) -> list[str]:
    """Those of which live_migration declares anything."""
    return [label for label in labels if inventory.hosts[label].live_migration is not None]


def reach(given: options.Options, inventory: Inventory, labels: Collection[str]) -> Open:
    """What opens hosts. Nobody is asked for a password where there is no host to ask."""
    return wiring.open_host(given, inventory) if labels else _nothing_declared


def _nothing_declared(label: str) -> Hypervisor:
    raise HostError(
        f"{label} was not asked: nothing is declared for the hosts that are meant",
        "try again without --limit, or declare live_migration",
    )


def changer(inventory: Inventory, open_host: Open) -> HostSettingsChanger:
    fqdns = {label: host.fqdn for label, host in inventory.hosts.items()}
    return HostSettingsChanger(open_host, fqdns, stopping=_stopping)


def _stopping() -> None:
    terminal.say("waiting for what is under way on the hosts; Ctrl-C again waits no longer")


def read(inventory: Inventory, open_host: Open, labels: Iterable[str]) -> Survey:
    """The hosts as they are, and what a plan would do."""
    readings, unreachable = fleet.read(open_host, labels, terminal.Progress(READ))
    return Survey(readings, unreachable, settings_plan.propose(inventory, readings))


def planned(
    given: options.Options,
    inventory: Inventory,
    open_host: Open,
    labels: Iterable[str],
    allow: Collection[str] = (),
) -> Survey:
    """The same for a plan: with every refusal that ``allow`` does not lift."""
    found = read(inventory, open_host, labels)
    plan = guarded(given, inventory, found.plan, found.readings, allow)
    return replace(found, proposal=replace(found.proposal, plan=plan))


def guarded(
    given: options.Options,
    inventory: Inventory,
    plan: HostsPlan,
    readings: Mapping[str, HostReading],
    allow: Collection[str],
) -> HostsPlan:
    """The plan, blocked where it would break migrations that work today.

    The directory is read only where some host would go over to Kerberos.
    """
    switching = settings_plan.switching(plan, readings)
    if not switching or KERBEROS_BEFORE_MESH in allow:
        return plan
    try:
        wanted = wiring.settings(given, inventory)
        with wiring.reading(given, wanted, inventory.domain) as reader:
            comparison = survey.for_findings(inventory, reader, today(), switching)
    except DelegationError as exc:
        return settings_plan.guarded(plan, settings_plan.not_known(switching, exc))
    return settings_plan.guarded(plan, settings_plan.not_in_the_mesh(switching, comparison))


def settle_all(journal: Journal, of_hosts: HostSettingsChanger, directory: str) -> None:
    """Find out what became of the writes of runs that died."""
    for run in journal.unsettled(HOST_SETTINGS):
        if run.directory == directory:
            runs.settle(journal, of_hosts, run, HOST_SETTINGS)


@dataclass(frozen=True, slots=True)
class Reversal:
    """The plan that takes a run back on the hosts that can be reached, and why others can't.

    ``cluster``: what it would take back, and is left alone as a cluster's business.
    """

    plan: HostsPlan
    cluster: tuple[SettingChange, ...]
    unreachable: Mapping[str, HostError]


def reversal(  # noqa: PLR0913, PLR0917 - what an undo is judged from
    given: options.Options,
    inventory: Inventory,
    of_hosts: HostSettingsChanger,
    made: Iterable[SettingChange],
    allow: Collection[str],
    untold: Iterable[SettingChange] = (),
) -> Reversal:
    """What undoes the changes that a run made, judged from the hosts as they are now.

    Nothing is undone on a host where it is ``untold`` what became of a change.
    """
    made, untold = list(made), list(untold)
    targets = [change.target for change in (*made, *untold)]
    readings, errors = of_hosts.readings(targets, terminal.Progress(READ))
    open_yet = {change.target.name: _untold(change) for change in untold}
    unreachable = {**open_yet, **errors}
    there = {label: found for label, found in readings.items() if label not in unreachable}
    back = settings_plan.reversal(inventory.domain, made, there)
    plan = guarded(given, inventory, back.plan, readings, allow)
    return Reversal(plan, back.cluster, unreachable)


def _untold(change: SettingChange) -> HostError:
    return HostError(f"whether {change.after.name} was changed there is not known yet", "try again")


def nothing_to_do(found: Survey, labels: Collection[str]) -> int:
    """Say why nothing is to do; the exit code."""
    if not labels:
        terminal.say("nothing to do: the inventory declares no live_migration for these hosts")
    elif not found.unreachable:
        terminal.say("nothing to do: the hosts are as the inventory says", fg="green")
    else:
        terminal.say("nothing to do on the hosts that could be asked", fg="yellow")
    return code(0, found.unreachable)


def code(otherwise: int, unreachable: Collection[str]) -> int:
    """The exit code, where hosts that could not be reached make a failure."""
    return otherwise or (1 if unreachable else 0)
