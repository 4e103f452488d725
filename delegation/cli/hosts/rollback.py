"""``delegation hosts rollback``: take back exactly what one run set on the hosts."""

import click

from delegation import names
from delegation.changes.journal import Journal
from delegation.changes.run import NewRun, Run
from delegation.cli import options, runs, show, terminal, wiring
from delegation.cli.hosts import review, survey, tables
from delegation.cli.hosts.survey import Reversal
from delegation.errors import DelegationError, Refused, UsageError
from delegation.hosts.settings import HOST_SETTINGS, HOSTS_ROLLBACK, SettingChange, shown
from delegation.hosts.settings_plan import KERBEROS_BEFORE_MESH
from delegation.mesh.state import DELEGATION
from delegation.report import host_settings


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("run", required=False, type=options.RUN, metavar="[RUN]")
@options.ticket
@options.yes
@options.allow(KERBEROS_BEFORE_MESH)
@click.pass_context
def rollback(
    ctx: click.Context,
    run: int | None,
    ticket: str | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
    allow: tuple[str, ...],
) -> int:
    """Undo one run on the hosts exactly.

    That is RUN, or the newest hosts apply that is not undone yet.

    Where one of its settings has been changed since, nothing is changed at all. A host that can't
    be reached stays as the run left it: undo the run again when it is back. What belongs to a
    cluster by now is left alone. A rollback is undone by its number.

    \b
    Examples:
      delegation hosts rollback
      delegation hosts rollback 12 --ticket CHG-1234 --yes
      delegation history                     the runs and their numbers

    Exit codes: 0 done, 1 a setting was not made, a host not reached or something left to a cluster,
    4 refused and nothing was changed.
    """
    given = options.given(ctx)
    inventory = wiring.load(given)
    directory = survey.identity(inventory)
    open_host = wiring.open_host(given, inventory)
    of_hosts = survey.changer(inventory, open_host)
    with runs.recording(wiring.state_folder(given, inventory)) as journal:
        chosen = _choose(given, journal, run, directory)
        survey.settle_all(journal, of_hosts, directory)
        if run is None:
            chosen = _choose(given, journal, run, directory)
        made, untold = _in_effect(journal, chosen)
        back = survey.reversal(given, inventory, of_hosts, made, allow, untold)
        _show(chosen, back, verbose=given.verbose)
        _refuse(back)
        if not back.plan.changes:
            raise _nothing(chosen, back)
        if not yes:
            there = [change for change in made if change.target.name not in back.unreachable]
            back = review.confirmed(
                back, lambda: survey.reversal(given, inventory, of_hosts, there, allow)
            )
        new = NewRun(
            HOSTS_ROLLBACK,
            directory,
            chosen.domain,
            names.fold(change.target.name for change in back.plan.changes),
            {},
            chosen.inventory_digest,
            back.plan.digest,
            ticket,
            reverses=chosen.id,
        )
        result = runs.carried_out(
            journal,
            new,
            back.plan,
            of_hosts,
            HOST_SETTINGS,
            "rolled back",
            unreached=back.unreachable,
        )
        code = runs.told(result)
    if unreached := {*back.unreachable, *result.unreached}:
        tables.unreached(unreached)
        again = given.command("hosts", "rollback", str(chosen.id))
        terminal.say(f"next    {again}   when the others can be reached")
    return 1 if unreached or back.cluster else code


def _choose(given: options.Options, journal: Journal, number: int | None, directory: str) -> Run:
    if number is not None:
        chosen = journal.run(number)
        if chosen.kind not in HOST_SETTINGS.runs:
            fix = ""
            if chosen.kind in DELEGATION.runs:
                fix = f"to undo it: {given.command('rollback', str(number))}"
            raise UsageError(f"run {number} ({chosen.kind}) changed no settings of hosts", fix)
        if chosen.directory != directory:
            raise UsageError(
                f"run {number} was made in {chosen.domain}, which is not the inventory's domain",
                "name the inventory of that domain with --inventory",
            )
        return chosen
    if (newest := journal.undoable(directory, HOST_SETTINGS)) is None:
        raise DelegationError(
            "there is no hosts apply left to undo",
            "see: delegation history; a rollback is undone by its number",
        )
    return newest


def _in_effect(journal: Journal, chosen: Run) -> tuple[list[SettingChange], list[SettingChange]]:
    """What the run made and is in effect, and of what that can't be told yet."""
    made = journal.in_effect(chosen.id, HOST_SETTINGS)
    untold = [one.change for one in journal.changes(chosen.id, HOST_SETTINGS) if one.unsettled]
    if not made and not untold:
        raise DelegationError(
            f"run {chosen.id} changed nothing that is still in effect", "see: delegation history"
        )
    return made, untold


def _nothing(chosen: Run, back: Reversal) -> DelegationError:
    if back.unreachable:
        return DelegationError("none of its hosts can be reached; nothing was changed")
    return DelegationError(
        f"what run {chosen.id} set and is in effect is a cluster's own now; nothing was changed",
        "see to it with the cluster's tools; an older run is undone by its number: delegation "
        "history",
    )


def _show(chosen: Run, back: Reversal, *, verbose: bool) -> None:
    ticket = f", ticket {chosen.ticket}" if chosen.ticket else ""
    terminal.out(
        f"Undo of run {chosen.id} ({chosen.kind} by {chosen.who}, {chosen.started}{ticket})",
        bold=True,
    )
    tables.change_table(back.plan.changes, verbose=verbose)
    tables.of_the_cluster(
        (
            change.target.name,
            f"{change.after.name} is {shown(change.before.value)}, was {shown(change.after.value)}",
        )
        for change in back.cluster
    )
    tables.unreachable(host_settings.unreachable_data(back.unreachable))


def _refuse(back: Reversal) -> None:
    if back.plan.blocked:
        raise Refused(
            "the rollback is refused; nothing was changed",
            "settle these by hand, or set what the run left, then try again",
            show.refusals(back.plan.blocked),
        )
