"""The verbs of the mesh: apply the inventory, roll back or settle a run. The front door."""

from collections.abc import Collection
from functools import partial

from delegation.changes import rolling_back, settlement, verbs
from delegation.changes.records import Records
from delegation.changes.review import Reviewed
from delegation.changes.rolling_back import UndoRequest
from delegation.changes.run import Asked
from delegation.changes.settlement import ConfirmSettlement, Said, SettlementView
from delegation.changes.verbs import Carried, Confirm
from delegation.mesh import survey
from delegation.mesh.mesh_changes import WriteWorld, open_to_apply
from delegation.mesh.mesh_undo import MeshUndoOpening, UndoWorld
from delegation.mesh.plan_form import DelegationPlanForm
from delegation.mesh.state import Delegation


def apply_mesh(  # noqa: PLR0913 - what may be said of an apply
    world: WriteWorld,
    confirm: Confirm[Delegation] | None,
    *,
    limit: str | None = None,
    allow: Collection[str] = (),
    reviewed: Reviewed[Delegation] | None = None,
    ticket: str | None = None,
) -> Carried[Delegation]:
    """Make the mesh as the inventory says, on the hosts that ``limit`` names, or all.

    ``confirm`` is asked about the plan, None asks nobody; ``allow`` lifts refusals by their names;
    ``reviewed`` is what the plan must be. Raises UsageError, AccountsError, DirectoryError,
    JournalError, and Refused where nothing was written because it would not have been safe.
    """
    reviewed = reviewed or Reviewed(DelegationPlanForm())
    limit = reviewed.limited(limit)
    labels = survey.limited(limit, world.inventory)
    reviewed.tell_untyped(world.teller, allow)
    return verbs.apply(
        partial(open_to_apply, world, labels, allow),
        world.records,
        reviewed,
        world.teller,
        confirm,
        ticket,
        Asked(limit, tuple(sorted(allow))),
    )


def roll_back_mesh(  # noqa: PLR0913 - what may be said of a rollback
    world: UndoWorld,
    records: Records,
    confirm: Confirm[Delegation] | None,
    *,
    run: int | None = None,
    back_to: int | None = None,
    limit: str | None = None,
    skip_conflicts: bool = False,
    allow: Collection[str] = (),
    ticket: str | None = None,
) -> Carried[Delegation]:
    """Take back what ``run``, or the newest apply, did to the mesh, and nothing else.

    ``back_to``: what all runs did after that one, which stays, by one change of each object.
    ``limit``: only on these hosts. ``skip_conflicts``: what can't be taken back stays, and the rest
    is taken back all the same.
    """
    return rolling_back.roll_back(
        MeshUndoOpening(world, allow),
        records,
        UndoRequest(run, limit, skip_conflicts, back_to, tuple(allow)),
        DelegationPlanForm(),
        world.teller,
        confirm,
        ticket,
    )


def settle_mesh(  # noqa: PLR0913 - what is said, and of what
    world: UndoWorld,
    records: Records,
    confirm: ConfirmSettlement | None,
    *,
    run: int,
    hosts: str,
    said: Said,
    ticket: str | None = None,
) -> SettlementView:
    """Record what a person says of changes of ``run`` that no domain controller can tell of."""
    opening = MeshUndoOpening(world, ())
    return settlement.settle(opening, records, run, hosts, said, world.teller, confirm, ticket)
