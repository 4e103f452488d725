"""``delegation plan``: the difference, readable, and its digest."""

import json
from dataclasses import replace
from pathlib import Path

import click

from delegation.cli import files, opening, options, terminal, views
from delegation.errors import Refused
from delegation.mesh import audit_watch
from delegation.mesh.plan_mesh import plan_mesh


@click.command()
@options.common()
@options.save_plan("delegation apply FILE")
@options.limit("hosts' objects")
@options.text_or_json
@click.pass_context
def plan(ctx: click.Context, output: Path | None, limit: str | None, form: str) -> int:
    """Show what an apply would change.

    Nothing is written to the directory.

    \b
    Examples:
      delegation plan
      delegation plan --limit hv[01-08] -v
      delegation plan -o plan.json        then, reviewed: delegation apply plan.json
      delegation --directory ldif:export.ldf plan

    Exit codes: 0 nothing to do, 3 changes pending, 4 blocked.
    """
    given = replace(options.given(ctx), repeated=tuple(options.again(limit)))
    world = opening.world(given)
    planned = plan_mesh(world, limit)
    if output is not None:
        files.save(output, json.dumps(planned.view.to_json(), indent=1), world.own_files())
    if form == "json":
        click.echo(json.dumps(planned.view.to_json(), indent=1))
    else:
        views.show(planned.view, given)
    audit_watch.tell_late(world.records, world.now(), world.teller, world.audited_as)
    if planned.plan.blocked:
        raise Refused(
            "the plan is blocked; an apply would write nothing", "see blocked, above in the plan"
        )
    if not planned.plan.changes:
        terminal.say("nothing to do: the directory is as the inventory says", fg="green")
        return 0
    saved = [str(output)] if output else []
    words = ("apply", *saved, *options.again(limit), "--expect", planned.plan.digest)
    terminal.say(f"next    {given.command(*words)}")
    return 3
