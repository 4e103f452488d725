"""``delegation plan``: the difference, readable, and its digest."""

import json
from collections.abc import Collection
from pathlib import Path
from uuid import UUID

import click

from delegation import report
from delegation.changes.journal import Journal
from delegation.cli import files, options, show, terminal, wiring
from delegation.errors import DelegationError, Refused
from delegation.inventory import Inventory
from delegation.mesh import audits, compare, planning, survey
from delegation.wiring import KINDS, today


@click.command()
@options.common()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save the plan as JSON, for: delegation apply FILE",
)
@options.limit("hosts' objects")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
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
    given = options.given(ctx)
    inventory = wiring.load(given)
    wanted = wiring.settings(given, inventory)
    scope = survey.limited(limit, inventory)
    with wiring.reading(given, wanted, inventory.domain) as reader:
        comparison = survey.for_plan(inventory, reader, today(), scope)
    planned = planning.plan(comparison)
    data = report.plan_data(planned, comparison, hints(given, inventory, comparison))
    if output is not None:
        own = wiring.own_files(given, inventory, wanted)
        files.save(output, json.dumps(data, indent=1), own)
    if form == "json":
        click.echo(json.dumps(data, indent=1))
    else:
        show.plan(data, planned.changes, verbose=given.verbose)
    if planned.blocked:
        raise Refused(
            "the plan is blocked; an apply would write nothing", "see blocked, above in the plan"
        )
    if not planned.changes:
        terminal.say("nothing to do: the directory is as the inventory says", fg="green")
        return 0
    saved = [str(output)] if output else []
    terminal.say(f"next    {given.command('apply', *saved, '--expect', planned.digest)}")
    return 3


def hints(
    given: options.Options, inventory: Inventory, comparison: compare.Comparison
) -> dict[tuple[UUID, str], int]:
    """Which run of ours wrote each foreign value; a journal that can't be read is a warning."""
    guids: Collection[UUID] = {guid for _, guid in report.foreign(comparison)}
    if not guids:
        return {}
    try:
        journal = Journal.readable(wiring.state_folder(given, inventory), KINDS)
        try:
            return audits.writers_of(journal, guids)
        finally:
            journal.close()
    except DelegationError as exc:
        terminal.warn(f"no hints from the journal: {exc.what}")
        return {}
