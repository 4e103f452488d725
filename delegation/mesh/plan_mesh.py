"""Inventory and directory -> the plan of a mesh, with its view; nothing is written."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from datetime import date
from typing import NamedTuple, Protocol

from delegation import names
from delegation.changes.records import Records
from delegation.errors import DelegationError
from delegation.events import Teller, warning
from delegation.inventory import Inventory
from delegation.mesh import file_servers, planning, retirement, rights, survey
from delegation.mesh.account_records import known_to
from delegation.mesh.compare import Comparison
from delegation.mesh.identities import KnownAccounts
from delegation.mesh.new_account_refusal import refuse_unknown_hosts
from delegation.mesh.plan_view import Hints, PlanView, foreign_values
from delegation.mesh.seams import Inspector, Reader, Writer
from delegation.mesh.state import DelegationPlan


class PlanWorld(Protocol):
    """What a plan of the mesh needs: a directory to read, the journal for hints, the day."""

    @property
    def inventory(self) -> Inventory: ...

    @property
    def records(self) -> Records: ...

    @property
    def recorded_as(self) -> str:
        """What runs on this directory are recorded against."""

    @property
    def teller(self) -> Teller: ...

    def today(self) -> date: ...

    def reading(self) -> AbstractContextManager[Inspector]: ...


class PlannedMesh(NamedTuple):
    """A plan, and what it rests on."""

    plan: DelegationPlan
    comparison: Comparison
    view: PlanView


def plan_mesh(
    world: PlanWorld, limit: str | None = None, allow: Collection[str] = ()
) -> PlannedMesh:
    """The plan for the hosts that ``limit`` names, or all, read by what has no write.

    ``limit`` is as in ``hv[01-08],hv12``. Raises UsageError for unknown hosts, AccountsError where
    a host has not exactly one account.
    """
    refuse_unknown_hosts(world.inventory, allow)
    labels, known = survey.limited(limit, world.inventory), known_to(world)
    with world.reading() as reader:
        comparison = survey.for_plan(world.inventory, reader, world.today(), labels, known)
        planned = _plan_of(world, comparison, allow)
        lacking = lacking_rights(planned.plan, reader)
    tell_remarks(world.teller, comparison, labels)
    for attributes, hosts in lacking.items():
        what = f"{names.fold(hosts)}: this account may not write {attributes} there"
        world.teller.say(warning(f"{what}; somebody who may has to apply this"))
    return planned


def lacking_rights(plan: DelegationPlan, asked: Inspector | Writer) -> dict[str, list[str]]:
    """The objects that who is logged on surely may not write as planned, by what of them."""
    guids = [change.target.guid for change in plan.changes]
    writable = asked.writable(guids) if guids else None
    lacking = rights.unwritable(plan.changes, writable)
    return names.grouped((" and ".join(lack), name) for name, lack in lacking.items())


def compared_for_plan(world: PlanWorld, limit: str | None) -> Comparison:
    """What a plan is made of, with what is known of accounts; remarks are told."""
    labels = survey.limited(limit, world.inventory)
    known = known_to(world)
    with world.reading() as reader:
        comparison = survey.for_plan(world.inventory, reader, world.today(), labels, known)
    tell_remarks(world.teller, comparison, labels)
    return comparison


def plan_from(
    world: PlanWorld,
    reader: Reader,
    labels: Collection[str] | None,
    allow: Collection[str],
    known: KnownAccounts,
) -> PlannedMesh:
    """The plan for the hosts ``labels``, or all, by a directory that is open already.

    Raises AccountsError where a host has not exactly one account.
    """
    comparison = survey.for_plan(world.inventory, reader, world.today(), labels, known)
    return _plan_of(world, comparison, allow)


def tell_remarks(teller: Teller, comparison: Comparison, limit: Collection[str] | None) -> None:
    """What a plan neither changes nor is refused for, and somebody should know before it is made.

    Accounts with a retired host's name that no plan touches, though they reach the mesh; names of
    file servers that it leaves out; hosts that were renamed, and hosts that are new and whose
    account anybody may have made.
    """
    for left in retirement.left_alone(comparison.inventory, comparison.snapshot, limit):
        teller.say(warning(f"{left.what}; {left.fix}" if left.fix else left.what))
    desired, snapshot = comparison.desired, comparison.snapshot
    for server in file_servers.left_out(desired, snapshot, comparison.labels):
        what = f"{server.label}: nobody answers to {', '.join(server.values)}: no host gets it"
        teller.say(warning(f"{what}; type: {'; '.join(server.fixes)}"))
    for renamed in comparison.identities.renamed:
        teller.say(warning(f"{renamed.label}: {renamed.what}; {renamed.fix}"))
    for stranger in comparison.identities.by_quota:
        teller.say(warning(f"{stranger.label}: {stranger.what}; {stranger.fix}"))


def _plan_of(world: PlanWorld, comparison: Comparison, allow: Collection[str]) -> PlannedMesh:
    """The plan that a comparison asks for, with the hints that the journal has."""
    plan = planning.plan(comparison, allow)
    view = PlanView.of(plan, comparison, hints(world, comparison))
    return PlannedMesh(plan, comparison, view)


def hints(world: PlanWorld, comparison: Comparison) -> Hints:
    """Which run of ours wrote each foreign value; a journal that can't be read is a warning."""
    guids = {guid for _, guid in foreign_values(comparison)}
    if not guids:
        return {}
    try:
        with world.records.reading() as journal:
            from delegation.mesh import audits  # only where a plan has something to explain

            return audits.writers_of(journal, guids)
    except DelegationError as exc:
        world.teller.say(warning(f"no hints from the journal: {exc.what}"))
        return {}
