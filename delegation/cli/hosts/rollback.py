"""``delegation hosts rollback``: take back exactly what one run set on the hosts."""

import click

from delegation import names
from delegation.cli import options, runs, show, terminal, wiring
from delegation.cli.hosts import survey, tables
from delegation.cli.hosts.apply import ask
from delegation.cli.hosts.survey import Reversal
from delegation.errors import DelegationError, Refused, UsageError
from delegation.hyperv.planning import KERBEROS_BEFORE_MESH
from delegation.hyperv.settings import SettingChange
from delegation.journal import Journal
from delegation.report import host_settings
from delegation.run import DELEGATION, HOST_SETTINGS, HOSTS_ROLLBACK, NewRun, Run


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("run", required=False, type=options.RUN, metavar="[RUN]")
@options.yes
@options.allow(KERBEROS_BEFORE_MESH)
@click.pass_context
def rollback(
    ctx: click.Context,
    run: int | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
    allow: tuple[str, ...],
) -> int:
    """Undo one run on the hosts exactly.

    That is RUN, or the newest hosts apply that is not undone yet.

    Where one of its settings has been changed since, nothing is changed at all. A host that can't
    be reached stays as the run left it: undo the run again when it is back. A rollback is undone by
    its number.

    \b
    Examples:
      delegation hosts rollback
      delegation hosts rollback 12 --yes
      delegation history                     the runs and their numbers

    Exit codes: 0 done, 1 a setting was not made or a host not reached, 4 refused and nothing was
    changed.
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
        made = _in_effect(journal, chosen)
        back = survey.reversal(given, inventory, of_hosts, made, allow)
        _show(chosen, back, verbose=given.verbose)
        _refuse(back)
        if not back.plan.changes:
            raise DelegationError("none of its hosts can be reached; nothing was changed")
        if not yes:
            ask(back.plan)
            _refuse(survey.reversal(given, inventory, of_hosts, made, allow))
        new = NewRun(
            HOSTS_ROLLBACK,
            directory,
            chosen.domain,
            names.fold(change.target.name for change in back.plan.changes),
            {},
            chosen.inventory_digest,
            back.plan.digest,
            reverses=chosen.id,
        )
        result = runs.carried_out(journal, new, back.plan, of_hosts, HOST_SETTINGS, "rolled back")
        code = runs.told(result)
    if back.unreachable:
        again = given.command("hosts", "rollback", str(chosen.id))
        terminal.say(f"next    {again}   when the others can be reached")
    return survey.code(code, back.unreachable)


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


def _in_effect(journal: Journal, chosen: Run) -> list[SettingChange]:
    if not (made := journal.in_effect(chosen.id, HOST_SETTINGS)):
        raise DelegationError(
            f"run {chosen.id} changed nothing that is still in effect", "see: delegation history"
        )
    return made


def _show(chosen: Run, back: Reversal, *, verbose: bool) -> None:
    ticket = f", ticket {chosen.ticket}" if chosen.ticket else ""
    terminal.out(
        f"Undo of run {chosen.id} ({chosen.kind} by {chosen.who}, {chosen.started}{ticket})",
        bold=True,
    )
    tables.change_table(back.plan.changes, verbose=verbose)
    tables.unreachable(host_settings.unreachable_data(back.unreachable))


def _refuse(back: Reversal) -> None:
    if back.plan.blocked:
        raise Refused(
            "the rollback is refused; nothing was changed",
            "settle these by hand, or set what the run left, then try again",
            show.refusals(back.plan.blocked),
        )
