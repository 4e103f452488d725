"""``delegation hosts apply``: plan, show, ask, plan once more, set, look again."""

from pathlib import Path

import click

from delegation import names
from delegation.changes.outcomes import Result
from delegation.changes.run import NewRun
from delegation.cli import options, reviewed, runs, show, terminal, wiring
from delegation.cli.hosts import review, survey, tables
from delegation.errors import Refused
from delegation.hosts.settings import HOST_SETTINGS, HOSTS_APPLY
from delegation.hosts.settings_plan import KERBEROS_BEFORE_MESH
from delegation.report import host_settings


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument(
    "file", required=False, type=click.Path(path_type=Path, dir_okay=False), metavar="[FILE]"
)
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

    One cmdlet a setting, hosts at the same time, recorded, read back, undoable.

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
    given = options.given(ctx)
    inventory = wiring.load(given)
    labels = survey.managed(inventory, survey.in_scope(inventory, limit))
    looked_at = reviewed.reviewed(review.FORM, file, expect)
    open_host = survey.reach(given, inventory, labels)
    of_hosts = survey.changer(inventory, open_host)
    directory = survey.identity(inventory)
    with runs.recording(wiring.state_folder(given, inventory)) as journal:
        survey.settle_all(journal, of_hosts, directory)
        found = survey.planned(given, inventory, open_host, labels, allow)
        data = host_settings.plan_data(found.proposal, found.readings, found.unreachable)
        why = {label: error.what for label, error in found.unreachable.items()}
        looked_at.refuse_other(found.plan, data["changes"], why)
        tables.plan(data, found.plan.changes, verbose=given.verbose)
        if found.plan.blocked:
            refusals = show.refusals(found.plan.blocked)
            raise Refused("the plan is blocked; nothing was changed", "", refusals)
        if not found.plan.changes:
            return survey.nothing_to_do(found, labels)
        if not yes:
            there = list(found.readings)
            found = review.confirmed(
                found, lambda: survey.planned(given, inventory, open_host, there, allow)
            )
        run = NewRun(
            HOSTS_APPLY,
            directory,
            inventory.domain,
            names.fold(change.target.name for change in found.plan.changes),
            {},
            inventory.digest,
            found.plan.digest,
            ticket,
        )
        result = runs.carried_out(
            journal,
            run,
            found.plan,
            of_hosts,
            HOST_SETTINGS,
            "applied",
            unreached=found.unreachable,
        )
        code = survey.code(runs.told(result), found.unreachable)
    tables.unreached({*found.unreachable, *result.unreached})
    next_word, why_next = (
        ("apply", "for what is left to do")
        if code
        else ("plan", "to see that nothing is left to do")
    )
    terminal.say(f"next    {given.command('hosts', next_word)}   {why_next}")
    if result.count(Result.APPLIED):
        terminal.say(f"        {given.command('hosts', 'rollback')}   to undo this run exactly")
    return code
