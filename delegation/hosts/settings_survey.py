"""Inventory and hosts as they are -> the plan of their settings; many hosts at a time."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from delegation.errors import DelegationError, HostError
from delegation.hosts import fleet, settings_plan
from delegation.hosts.hypervisor import Hypervisor, Open
from delegation.hosts.machines import HostReading
from delegation.hosts.settings_plan import KERBEROS_BEFORE_MESH, HostsPlan
from delegation.hosts.settings_view import HostsPlanView
from delegation.inventory import Inventory
from delegation.mesh import survey
from delegation.mesh.plan_mesh import PlanWorld

READ = "hosts read:"
"""What the progress of reading is called."""


class HostsWorld(PlanWorld, Protocol):
    """What is needed to read hosts, and to ask the directory whether they could use Kerberos."""

    @property
    def inventory_path(self) -> str:
        """Where the inventory lies, for the record."""

    def hosts(self) -> Open:
        """Opens the host of a label, for the thread that asks."""

    def now(self) -> datetime:
        """In UTC."""


def recorded_as(inventory: Inventory) -> str:
    """What runs on the hosts are recorded against."""
    return f"hosts:{inventory.domain.casefold()}"


def in_scope(inventory: Inventory, limit: str | None) -> list[str]:
    """The labels that ``limit`` means, or all. Raises UsageError for unknown ones."""
    scope = survey.limited(limit, inventory, retired=False)
    return [label for label in inventory.hosts if scope is None or label in scope]


def managed(inventory: Inventory, labels: Iterable[str]) -> list[str]:
    """Those of which live_migration declares anything."""
    return [label for label in labels if inventory.hosts[label].live_migration is not None]


def reach(world: HostsWorld, labels: Collection[str]) -> Open:
    """What opens hosts. Nobody is asked for a password where there is no host to ask."""
    return world.hosts() if labels else _nothing_declared


def _nothing_declared(label: str) -> Hypervisor:
    raise HostError(
        f"{label} was not asked: nothing is declared for the hosts that are meant",
        "try again without --limit, or declare live_migration",
    )


def read(world: HostsWorld, open_host: Open, labels: Iterable[str]) -> HostsPlanView:
    """The hosts as they are, and what a plan would do."""
    readings, unreached = fleet.read(open_host, labels, world.teller.progress(READ))
    found = settings_plan.propose(world.inventory, readings)
    return HostsPlanView(readings, unreached, found.plan, found.cluster, found.unchanged)


def planned(
    world: HostsWorld, open_host: Open, labels: Iterable[str], allow: Collection[str] = ()
) -> HostsPlanView:
    """The hosts as they are, and a plan with every refusal that ``allow`` does not lift."""
    found = read(world, open_host, labels)
    return replace(found, plan=guarded(world, found.plan, found.readings, allow))


def guarded(
    world: HostsWorld,
    plan: HostsPlan,
    readings: Mapping[str, HostReading],
    allow: Collection[str],
) -> HostsPlan:
    """The plan, blocked where it would break migrations that work today.

    A host that is set to Kerberos before its computer object lists its targets fails every
    migration. The directory is read only where some host would go over to Kerberos.
    """
    switching = settings_plan.switching(plan, readings)
    if not switching or KERBEROS_BEFORE_MESH in allow:
        return plan
    try:
        with world.reading() as inspector:
            comparison = survey.for_findings(world.inventory, inspector, world.today(), switching)
    except DelegationError as exc:
        return settings_plan.guarded(plan, settings_plan.not_known(switching, exc))
    return settings_plan.guarded(plan, settings_plan.not_in_the_mesh(switching, comparison))
