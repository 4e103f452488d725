"""``delegation hosts apply``: plan, show, ask, plan once more, set, look again."""

from dataclasses import replace
from pathlib import Path

import click

from delegation.changes.outcomes import Result
from delegation.cli import asking, opening, options, terminal
from delegation.cli.hosts import tables
from delegation.hosts import settings_form
from delegation.hosts.settings_form import SettingsPlanForm
from delegation.hosts.settings_plan import KERBEROS_BEFORE_MESH
from delegation.hosts.settings_verbs import apply_settings, declared


@click.command()
@options.common()
@options.reaching_hosts()
@options.optional_file
@options.expect
@options.limit("hosts")
@options.ticket
@options.yes
@options.allow(KERBEROS_BEFORE_MESH)
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
    """Set the hosts as the inventory declares.

    One request a setting, hosts at the same time, recorded, read back, undoable.

    It plans afresh. FILE (from hosts plan -o) and --expect are what was reviewed: where the fresh
    plan is not the same, for want of a host too, nothing is changed and the differences are named.

    \b
    Examples:
      delegation hosts apply
      delegation hosts apply hosts.json --ticket CHG-1234
      delegation hosts apply --limit hv[01-02]     a first step with two hosts

    Exit codes: 0 done, 1 a setting was not made or a host not reached, 4 refused and nothing was
    changed.
    """
    told = options.again(limit, allow, file, expect)
    given = replace(options.given(ctx), repeated=tuple(told))
    world = opening.world(given)
    reviewed = asking.reviewed(SettingsPlanForm(), settings_form.read, file, expect)
    carried = apply_settings(
        world,
        asking.confirmation(tables.question, yes=yes),
        limit=limit,
        allow=allow,
        reviewed=reviewed,
        ticket=ticket,
    )
    limit = reviewed.limited(limit)
    if carried.report is None:
        return tables.nothing_to_do(declared(world, limit), carried.planned.unreached)
    tables.unreached(carried.unreached)
    next_words, why_next = (
        (["plan", *options.again(limit)], "to see that nothing is left to do")
        if carried.complete
        else (["apply", *options.again(limit, allow)], "for what is left to do")
    )
    terminal.say(f"next    {given.command('hosts', *next_words)}   {why_next}")
    if carried.report.count(Result.APPLIED):
        terminal.say(f"        {given.command('hosts', 'rollback')}   to undo this run exactly")
    return 0 if carried.complete else 1
