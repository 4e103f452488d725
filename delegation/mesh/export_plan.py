"""Inventory and directory -> a plan for other programs to carry out, with its undo.

Nothing is written to the directory or to the journal: the undo is the only way back.
"""

from collections.abc import Collection
from typing import Any, NamedTuple, Protocol

from delegation.changes.plan import refusal_lines
from delegation.errors import Refused
from delegation.inventory import Inventory
from delegation.mesh import planning
from delegation.mesh.new_account_refusal import refuse_unknown_hosts
from delegation.mesh.plan_mesh import PlanWorld, compared_for_plan, hints
from delegation.mesh.plan_view import PlanView
from delegation.mesh.snapshot import Directory
from delegation.mesh.state import DelegationPlan, flags


class ExportedChange(NamedTuple):
    """One object's change as another program makes it: a modify of single values.

    ``identity`` finds the object; ``uac`` is userAccountControl before and after; ``ldif`` is the
    change as a record (RFC 2849), ``words`` the same for a reader.
    """

    computer: str
    dn: str
    identity: str
    keep: tuple[str, ...]
    remove: tuple[str, ...]
    add: tuple[str, ...]
    uac: tuple[int, int]
    words: str
    ldif: str

    def to_json(self) -> dict[str, Any]:
        return {
            "computer": self.computer,
            "dn": self.dn,
            "identity": self.identity,
            "keep": list(self.keep),
            "remove": list(self.remove),
            "add": list(self.add),
            "uac": list(self.uac),
            "words": self.words,
            "ldif": self.ldif,
        }


class ChangeFile(NamedTuple):
    """What a change file holds; ``flags`` counts the objects of which flags change."""

    changes: tuple[ExportedChange, ...]
    flags: int

    def to_json(self) -> dict[str, Any]:
        """What templates are told of it: docs/export.md lists it."""
        return {
            "changes": [change.to_json() for change in self.changes],
            "summary": {
                "objects": len(self.changes),
                "add": sum(len(change.add) for change in self.changes),
                "remove": sum(len(change.remove) for change in self.changes),
                "flags": self.flags,
            },
        }


class ExportWorld(PlanWorld, Protocol):
    """What an export needs: what a plan does, and a directory's form of changes."""

    def change_file(self, plan: DelegationPlan) -> ChangeFile: ...


class ExportedPlan(NamedTuple):
    """A plan and its undo for other programs; without changes there is nothing to carry out."""

    inventory: Inventory
    directory: Directory
    plan: DelegationPlan
    change: ChangeFile
    undo: ChangeFile

    @property
    def dc(self) -> str | None:
        """The domain controller that it was planned on; None of an export."""
        return None if self.directory.url.startswith("ldif:") else self.directory.dc

    @property
    def trusted_again(self) -> list[str]:
        """Computers that the undo would trust for delegation to any service again."""
        changes = self.plan.changes
        return [change.target.name for change in changes if flags(change).get("unconstrained")]

    def about_json(self) -> dict[str, Any]:
        """What templates are told of the plan, in both files."""
        return {
            "domain": self.inventory.domain,
            "dc": self.dc,
            "source": self.directory.dc,
            "digest": self.plan.digest,
            "inventory_digest": self.inventory.digest,
        }


def export_plan(
    world: ExportWorld, limit: str | None, allow: Collection[str], *, shown: bool
) -> ExportedPlan:
    """The plan for the hosts that ``limit`` names, or all; ``shown``: it is shown first.

    Raises Refused for a plan that is blocked, UsageError for unknown hosts, AccountsError.
    """
    refuse_unknown_hosts(world.inventory, allow)
    comparison = compared_for_plan(world, limit)
    plan = planning.plan(comparison, allow)
    if shown:
        world.teller.show(PlanView.of(plan, comparison, hints(world, comparison)))
    if plan.blocked:
        raise Refused("the plan is blocked; nothing was exported", "", refusal_lines(plan.blocked))
    return ExportedPlan(
        world.inventory,
        comparison.snapshot.directory,
        plan,
        world.change_file(plan),
        world.change_file(plan.reversed()),
    )
