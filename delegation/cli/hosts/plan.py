"""``delegation hosts plan``: what an apply would change on the hosts, and its digest."""

import json
from dataclasses import replace
from pathlib import Path

import click

from delegation.cli import files, opening, options, terminal, views
from delegation.cli.hosts import tables
from delegation.errors import Refused
from delegation.hosts import settings_form
from delegation.hosts.settings_verbs import declared, plan_settings


@click.command()
@options.common()
@options.reaching_hosts()
@options.save_plan("delegation hosts apply FILE")
@options.limit("hosts")
@options.text_or_json
@click.pass_context
def plan(
    ctx: click.Context,
    output: Path | None,
    force: bool,  # noqa: FBT001 - click passes it by name
    limit: str | None,
    form: str,
) -> int:
    """Show what an apply would change on the hosts.

    Nothing is changed. Hosts without live_migration in the inventory are not asked.

    \b
    Examples:
      delegation hosts plan
      delegation hosts plan --limit hv[01-08] -v
      delegation hosts plan -o hosts.json     then, reviewed: delegation hosts apply hosts.json

    Exit codes: 0 nothing to do, 3 changes pending, 1 a host could not be asked, 4 blocked.
    """
    given = replace(options.given(ctx), repeated=tuple(options.again(limit)))
    world = opening.world(given)
    if output is not None and not force:
        files.refuse_file(output, world.own_files())
    view = plan_settings(world, limit=limit)
    if output is not None:
        document = settings_form.document(view, world.plan_origin(limit, ()))
        files.save(output, json.dumps(document, indent=1), world.own_files(), over=force)
    if form == "json":
        click.echo(json.dumps(view.to_json(), indent=1))
        tables.unreachable(view.unreachable)
    else:
        views.show(view, given)
    if view.plan.blocked:
        raise Refused(
            "the plan is blocked; an apply would change nothing", "see blocked, above in the plan"
        )
    if not view.plan.changes:
        return tables.nothing_to_do(declared(world, limit), view.unreached)
    saved = [str(output)] if output else []
    # A saved plan knows its limit.
    limited = [] if saved else options.again(limit)
    words = ("hosts", "apply", *saved, *limited, "--expect", view.plan.digest)
    terminal.say(f"next    {given.command(*words)}")
    return 3
