"""``delegation apply``: plan, show, ask, plan once more, write, verify."""

from dataclasses import replace
from pathlib import Path

import click

from delegation import names
from delegation.changes.json_place import JsonPlace
from delegation.changes.opening import Prospect
from delegation.changes.review import SavedPlan
from delegation.cli import asking, opening, options, terminal
from delegation.mesh import plan_document_read
from delegation.mesh.mesh_verbs import apply_mesh
from delegation.mesh.plan_form import DelegationPlanForm
from delegation.mesh.plan_view import PlanView
from delegation.mesh.state import Delegation

ALLOWED = ("removals", "flag-change", "new-account=HOST", "unwritable")


@click.command()
@options.common()
@options.optional_file
@options.expect
@options.limit("hosts' objects")
@options.ticket
@options.yes
@options.allow(*ALLOWED)
@click.pass_context
def apply(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context,
    file: Path | None,
    expect: str | None,
    limit: str | None,
    ticket: str | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
    allow: tuple[str, ...],
) -> int:
    """Write the plan to the directory.

    One modify per object, recorded, verified, undoable.

    It plans afresh. FILE (from plan -o) and --expect are what was reviewed: where the fresh plan
    is not the same, nothing is written and the differences are named. FILE knows its --limit; its
    --allow is typed again.

    \b
    Examples:
      delegation apply
      delegation apply plan.json --ticket CHG-1234
      delegation apply --expect sha256:4f1d… --yes
      delegation apply --limit hv[01-02]          a first step with two hosts

    Exit codes: 0 done, 1 something was not written, 4 refused and nothing was written.
    """
    told = options.again(limit, allow, file, expect)
    given = replace(options.given(ctx), repeated=tuple(told))
    world = opening.world(given)
    reviewed = asking.reviewed(DelegationPlanForm(), _compared_with, file, expect)
    carried = apply_mesh(
        world,
        asking.confirmation(_question, yes=yes),
        limit=limit,
        allow=allow,
        reviewed=reviewed,
        ticket=ticket,
    )
    for why, hosts in names.grouped(
        (error.what, name) for name, error in carried.planned.unreached.items()
    ).items():
        terminal.say(f"{names.fold(hosts)}: {why}", fg="red")
    if carried.report is None and carried.unreached:
        return 1
    if carried.report is None:
        terminal.say("nothing to do: the directory is as the inventory says", fg="green")
        return 0
    if not carried.complete:
        return 1
    plan = given.command("plan", *options.again(reviewed.limited(limit)))
    terminal.say(f"next    {plan}   to see that nothing is left to do")
    terminal.say(f"        {given.command('rollback')}   to undo this run exactly")
    return 0


def _compared_with(document: JsonPlace) -> SavedPlan[Delegation]:
    return plan_document_read.read(document).saved


def _question(planned: Prospect[Delegation]) -> str:
    count = len(planned.plan.changes)
    objects = "1 computer object" if count == 1 else f"{count:,} computer objects"
    dc = planned.view.dc if isinstance(planned.view, PlanView) else planned.plan.domain
    return f"Write this to {objects} on {dc}?"
