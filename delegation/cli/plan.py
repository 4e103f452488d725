"""``delegation plan``: the difference, readable, and its digest; ``plan show``: a saved one."""

import json
from dataclasses import replace
from pathlib import Path

import click

from delegation.cli import asking, files, opening, options, show, terminal, views
from delegation.cli.apply import ALLOWED
from delegation.errors import Refused, UsageError, command
from delegation.mesh import audit_watch, plan_document_read
from delegation.mesh.plan_document import PlanDocument
from delegation.mesh.plan_mesh import plan_mesh


@click.group(invoke_without_command=True, subcommand_metavar="[show FILE]")
@options.common()
@options.save_plan("delegation apply FILE")
@options.limit("hosts' objects")
@options.allow(*ALLOWED)
@options.text_or_json
@click.pass_context
def plan(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context,
    output: Path | None,
    force: bool,  # noqa: FBT001 - click passes it by name
    limit: str | None,
    allow: tuple[str, ...],
    form: str,
) -> int:
    """Show what an apply would change.

    Nothing is written to the directory. With -o the plan is saved with all that its reviewer needs:
    who made it and when, from which inventory, with which --limit and --allow.

    \b
    Examples:
      delegation plan
      delegation plan --limit hv[01-08] -v
      delegation plan -o plan.json        then, reviewed: delegation apply plan.json
      delegation plan show plan.json      what its reviewer sees, without directory or inventory
      delegation --directory ldif:export.ldf plan

    Exit codes: 0 nothing to do, 3 changes pending, 4 blocked.
    """
    if ctx.invoked_subcommand is not None:
        if output or limit or allow or force:
            raise UsageError("plan show takes a saved plan as it is", "leave these options out")
        return 0
    given = replace(options.given(ctx), repeated=tuple(options.again(limit, allow)))
    world = opening.world(given)
    if output is not None and not force:
        files.refuse_file(output, world.own_files())
    planned = plan_mesh(world, limit, allow)
    if output is not None:
        document = PlanDocument(world.plan_origin(limit, allow), planned.view)
        text = json.dumps(document.to_json(), indent=1)
        files.save(output, text, world.own_files(), over=force)
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
    # A saved plan knows its limit; what it overrides is for whoever applies it to say.
    saved = [str(output)] if output else []
    said = options.again(None if saved else limit, allow)
    words = ("apply", *saved, *said, "--expect", planned.plan.digest)
    terminal.say(f"next    {given.command(*words)}")
    return 3


@plan.command("show")
@options.common()
@click.argument("file", type=options.FILE)
@options.text_or_json
@click.pass_context
def show_saved(ctx: click.Context, file: Path, form: str) -> int:
    """Show a saved plan to its reviewer.

    Neither directory nor inventory is needed, and nothing is asked of anybody. Its digest is that
    of its changes, or it is refused; who made it and from what is as the file says.

    \b
    Examples:
      delegation plan show plan.json
      delegation plan show plan.json -v       every value

    Exit codes: 0 shown, 2 no saved plan, 4 of another version, or contradicting itself.
    """
    given = options.given(ctx)
    document = asking.saved(file, plan_document_read.read, command("plan"))
    if form == "json":
        made = {"made": document.origin.to_json()}
        click.echo(json.dumps({**made, **document.view.to_json()}, indent=1))
    else:
        show.saved(document, given)
    return 0
